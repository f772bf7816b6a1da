from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration, CoreV1Api

from informers.errors import ConfigurationError
from informers.kinds import all_resources, core
from informers.testing import APIServer, FakeClock, LoggedRequest, Refuse
from informers.testing.__main__ import main
from informers.testing._http.read_handlers import Reads
from tests.testing.support import ALL_PODS, PODS, ask, connect, pod, watching
from tests.waiting import eventually


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


def test_it_listens_on_loopback_only(server: APIServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")


def test_every_kind_of_the_table_is_served(server: APIServer) -> None:
    for resource in all_resources():
        answer = ask(server, resource.path())
        assert answer.status == 200, resource
        assert answer.json["kind"] == f"{resource.kind}List"


def test_a_stop_ends_every_thread_and_every_watch() -> None:
    before = set(threading.enumerate())
    with APIServer() as server, watching(server) as watch, watching(server, "/api/v1/nodes"):
        server.wait_for_watchers(count=2)
        started = [thread.name for thread in threading.enumerate() if thread not in before]
        assert all(name.startswith("informers-testing-") for name in started)
        server.stop()
        assert set(threading.enumerate()) == before
        # Whether it sees an end or a reset is the system's to say.
        try:
            rest = watch.line()
        except OSError:
            rest = b""
        assert rest == b""


def test_a_server_that_does_not_run_has_no_address() -> None:
    server = APIServer()
    with pytest.raises(ConfigurationError, match="does not run"):
        _ = server.url
    server.stop()


def test_what_is_stored_outlives_a_stop(server: APIServer) -> None:
    server.create(pod("a"))
    where = server.url
    server.stop()
    server.start()
    assert server.url == where
    assert [item["metadata"]["name"] for item in ask(server, PODS).json["items"]] == ["a"]


def test_it_can_be_away_and_come_back_at_the_same_address(server: APIServer) -> None:
    with watching(server) as watch:
        server.wait_for_watchers(count=1)
        server.stop_accepting()
        server.wait_for_watchers(count=0)
        with pytest.raises(OSError, match="refused"):
            ask(server, ALL_PODS)
        server.resume_accepting()
        server.resume_accepting()
        assert ask(server, ALL_PODS).status == 200
        del watch


def test_a_connection_serves_many_requests(server: APIServer) -> None:
    connection = connect(server)
    for _ in range(3):
        connection.request("GET", ALL_PODS)
        assert connection.getresponse().read()
    assert len(server._running()._connections) == 1
    connection.close()


def test_bodies_may_come_in_chunks(server: APIServer) -> None:
    connection = connect(server)
    pieces = json.dumps(pod("a")).encode()
    connection.request(
        "POST",
        PODS,
        body=iter([pieces[:20], pieces[20:]]),
        headers={"Content-Type": "application/json"},
        encode_chunked=True,
    )
    assert connection.getresponse().status == 201
    connection.close()


def test_requests_are_noted_with_what_they_were_for(server: APIServer) -> None:
    ask(server, f"{PODS}/x", headers={"User-Agent": "me/1"})
    ask(server, "/apis/apps/v1/deployments", limit=5)
    ask(server, "/version")
    one, two, three = server.requests
    assert (one.verb, one.resource, one.namespace, one.name, one.status, one.user_agent) == (
        "get",
        core.V1.pods,
        "default",
        "x",
        404,
        "me/1",
    )
    assert (two.verb, two.query, str(two.resource)) == ("list", {"limit": "5"}, "deployments.apps")
    assert (three.verb, three.resource, three.path) == ("get", None, "/version")
    assert server.requests.select(verb="list") == [two]
    server.requests.clear()
    assert len(server.requests) == 0


def test_a_request_can_be_waited_for(server: APIServer) -> None:
    asking = threading.Thread(target=lambda: [ask(server, ALL_PODS) for _ in range(2)])
    asking.start()
    assert len(server.wait_for_request(lambda request: request.resource == core.V1.pods, count=2)) == 2
    asking.join()
    with pytest.raises(TimeoutError, match="2 such requests after 0 s, expected 3"):
        server.wait_for_request(lambda request: request.verb == "list", count=3, timeout=0)


def test_a_wait_for_a_request_continues_when_the_log_is_cleared(server: APIServer) -> None:
    seen: list[str] = []
    found: list[LoggedRequest] = []

    def is_list(request: LoggedRequest) -> bool:
        seen.append(request.verb)
        return request.verb == "list"

    ask(server, "/version")
    ask(server, "/version")
    waiting = threading.Thread(target=lambda: found.extend(server.wait_for_request(is_list)))
    waiting.start()
    eventually(lambda: seen == ["get", "get"])
    server.requests.clear()
    ask(server, ALL_PODS)
    waiting.join(20)
    assert [request.verb for request in found] == ["list"]


def test_a_wait_for_a_request_that_does_not_come_says_which_came_instead(server: APIServer) -> None:
    with pytest.raises(TimeoutError, match=r"^0 such requests after 0 s, expected 1; 0 came, the last: nothing$"):
        server.wait_for_request(lambda request: request.verb == "patch", timeout=0)
    server.faults.add(Refuse(), verb="list", resource=core.V1.nodes)
    for path in ("/api/v1/namespaces/default/pods/a/log", ALL_PODS, "/version"):
        ask(server, path)
    with pytest.raises(OSError):
        ask(server, "/api/v1/nodes")
    with pytest.raises(TimeoutError) as caught:
        server.wait_for_request(lambda request: request.verb == "patch", timeout=0)
    assert str(caught.value).endswith(
        "; 4 came, the last: get pods/log default/a 404, list pods 200, get /version 200, list nodes without an answer"
    )


def test_a_token_can_be_required(server: APIServer) -> None:
    server.require_token("secret")
    refused = ask(server, ALL_PODS)
    assert refused.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert ask(server, ALL_PODS, headers={"Authorization": "Bearer secret"}).status == 200
    assert ask(server, ALL_PODS, headers={"Authorization": "Bearer other"}).status == 401
    server.require_token()
    assert ask(server, ALL_PODS).status == 200


def test_verbs_can_be_denied_and_allowed_again(server: APIServer) -> None:
    server.deny(core.V1.pods, verbs=["list"])
    refused = ask(server, PODS)
    assert (refused.status, refused.json["reason"]) == (403, "Forbidden")
    assert refused.json["message"] == (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace '
        '"default"'
    )
    assert ask(server, ALL_PODS).json["message"].endswith('in API group "" at the cluster scope')
    assert ask(server, f"{PODS}/x").status == 404
    assert ask(server, "/api/v1/nodes").status == 200
    server.allow(core.V1.pods, verbs=["list"])
    assert ask(server, PODS).status == 200


def test_everything_can_be_denied(server: APIServer) -> None:
    server.deny()
    assert ask(server, "/api/v1/nodes").status == 403
    assert ask(server, "/version").status == 200
    server.allow()
    assert ask(server, "/api/v1/nodes").status == 200
    with pytest.raises(ConfigurationError, match=r"unknown verbs \['read'\]"):
        server.deny(verbs=["read"])


def test_unknown_paths_are_not_found(server: APIServer) -> None:
    for path in ("/nowhere", "/apis/example.com/v1/widgets"):
        answer = ask(server, path)
        assert (answer.status, answer.body) == (404, b"404 page not found\n"), path
    for path in ("/api/v1/widgets", "/api/v1/namespaces/default/nodes"):
        answer = ask(server, path)
        assert (answer.status, answer.json["reason"]) == (404, "NotFound"), path


def test_discovery_names_groups_versions_and_resources(server: APIServer) -> None:
    assert ask(server, "/version").json["gitVersion"].startswith("v1.37")
    assert ask(server, "/api").json["versions"] == ["v1"]
    groups = {group["name"]: group for group in ask(server, "/apis").json["groups"]}
    assert groups["autoscaling"]["preferredVersion"]["groupVersion"] == "autoscaling/v2"
    pods = next(r for r in ask(server, "/api/v1").json["resources"] if r["name"] == "pods")
    assert (pods["kind"], pods["namespaced"], pods["shortNames"]) == ("Pod", True, ["po"])


def test_only_the_given_resources_are_served() -> None:
    with APIServer(resources=[core.V1.pods]) as server:
        assert ask(server, ALL_PODS).status == 200
        assert ask(server, "/api/v1/nodes").status == 404
        server.create(pod("a"))
        assert len(server.list(core.V1.pods)) == 1


def test_the_official_client_can_do_all_it_does(server: APIServer) -> None:
    from kubernetes import client, dynamic, watch

    with server.client() as api_client:
        core_v1 = client.CoreV1Api(api_client)
        core_v1.create_namespaced_pod("default", pod("a"))
        core_v1.patch_namespaced_pod("a", "default", {"metadata": {"labels": {"app": "web"}}})
        listed = core_v1.list_namespaced_pod("default", label_selector="app=web")
        assert [item.metadata.name for item in listed.items] == ["a"]
        stream = watch.Watch().stream(core_v1.list_pod_for_all_namespaces, timeout_seconds=5)
        assert next(stream)["object"].metadata.name == "a"
        stream.close()
        core_v1.delete_namespaced_pod("a", "default", grace_period_seconds=0)
        with pytest.raises(client.ApiException) as gone:
            core_v1.read_namespaced_pod("a", "default")
        assert gone.value.status == 404
        resource = dynamic.DynamicClient(api_client).resources.get(api_version="v1", kind="ConfigMap")
        resource.create(body={"metadata": {"name": "c"}, "data": {"a": "b"}}, namespace="default")
        assert resource.get(name="c", namespace="default").data.a == "b"


def test_its_client_sends_the_token_that_it_requires(server: APIServer) -> None:
    from kubernetes import client

    server.require_token("secret")
    with server.client() as api_client:
        assert client.CoreV1Api(api_client).list_node().items == []


def test_its_kubeconfig_leads_to_it(server: APIServer, tmp_path: Path) -> None:
    from kubernetes import config

    path = server.write_kubeconfig(tmp_path / "config")
    with config.new_client_from_config(str(path)) as api_client:
        assert api_client.configuration.host == server.url


def test_a_bug_of_its_own_is_an_error_500(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr(Reads, "listing", broken)
    answer = ask(server, ALL_PODS)
    assert (answer.status, answer.json["reason"]) == (500, "InternalError")
    assert "oops" in answer.json["message"]
    # Or the client would send its next request into a connection that is being closed.
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("path", ["/healthz", "/version", ALL_PODS])
def test_what_follows_a_head_is_the_next_answer(server: APIServer, path: str) -> None:
    connection = connect(server)
    with closing(connection), socket.create_connection((connection.host, connection.port), timeout=10) as raw:
        for request, then in ((f"HEAD {path}", "keep-alive"), ("GET /livez", "close")):
            raw.sendall(f"{request} HTTP/1.1\r\nHost: localhost\r\nConnection: {then}\r\n\r\n".encode())
        received = b"".join(iter(lambda: raw.recv(65536), b""))
    _, second = received.split(b"\r\n\r\n", 1)
    assert second.startswith(b"HTTP/1.1 200 OK"), received


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="bookmark_interval must be more than 0 seconds: got 0"):
        APIServer(bookmark_interval=0)
    with pytest.raises(ConfigurationError, match="bookmark_interval must be more than 0 seconds: got '5'"):
        APIServer(bookmark_interval="5")  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match="bookmark_interval must be more than 0 seconds: got nan"):
        APIServer(bookmark_interval=float("nan"))
    with pytest.raises(ConfigurationError, match="to 65535: got 70000"):
        APIServer(port=70_000)
    with pytest.raises(ConfigurationError, match="history must be a whole number, 0 or more, not -1"):
        APIServer(history=-1)
    with pytest.raises(ConfigurationError, match="a collection of names: got 'shop'"):
        APIServer(namespaces="shop")
    wrong: Any = ["pods"]
    with pytest.raises(ConfigurationError, match=r"for example core\.V1\.pods: got 'pods'"):
        APIServer(resources=wrong)


def test_timestamps_are_the_clocks() -> None:
    server = APIServer(clock=FakeClock(1_700_000_000))
    assert server.create(pod("a"))["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"


def assert_owned_objects_go_with_their_owner(url: str) -> None:
    with closing(ApiClient(Configuration(host=url))) as api_client:
        api = CoreV1Api(api_client)
        made = api.create_namespaced_config_map("default", {"metadata": {"name": "owner"}})
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": made.metadata.uid}
        api.create_namespaced_config_map("default", {"metadata": {"name": "owned", "ownerReferences": [owner]}})
        api.delete_namespaced_config_map("owner", "default")
        assert api.list_namespaced_config_map("default").items == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_alone_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "config"
    command = [sys.executable, "-m", "informers.testing", "--kubeconfig", str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert_owned_objects_go_with_their_owner(url)
        process.send_signal(number)
        assert process.wait(10) == 0
    assert json.loads(path.read_text())["clusters"][0]["cluster"]["server"] == url


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "can't listen at port 70000: port must be a number from 0"),
        (["--kubeconfig", "{folder}/no/config"], "can't write the kubeconfig: "),
        (["--kubeconfig", "{folder}"], "can't write the kubeconfig: "),
    ],
)
def test_what_keeps_it_from_running_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert main([argument.format(folder=tmp_path) for argument in arguments]) == 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    said = capsys.readouterr()
    assert said.err.startswith(message)
    assert (said.err.count("\n"), said.out) == (1, "")
