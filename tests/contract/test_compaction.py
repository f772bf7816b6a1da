"""History that is gone: what a watch, an exact list and a continue token from before then get.

Events, the kind, are what the real server reads from etcd without a cache between, where a compaction shows at once.
"""

from __future__ import annotations

from typing import Any

import pytest

from informers.testing.controlplane import ControlPlane
from tests.contract.conftest import Namespace
from tests.contract.server import Server

#: Without the watch cache, and with it.
WATCH_EXPIRED = ("The resourceVersion for the provided watch is too old.", "too old resource version: ")


@pytest.fixture
def events(space: Namespace) -> str:
    path = space.path("events")
    for name in "abcd":
        make_event(space.server, path, space.name, name)
    return path


def make_event(server: Server, path: str, namespace: str, name: str) -> dict[str, Any]:
    about = {"kind": "Pod", "namespace": namespace, "name": "p"}
    return server.create(
        path, {"metadata": {"name": name}, "involvedObject": about, "reason": "Test", "type": "Normal"}
    )


def past(server: Server, path: str, space: Namespace) -> dict[str, Any]:
    """Return the metadata of a page of the past, the history of which has been compacted."""
    metadata: dict[str, Any] = server.get(path, limit=2).ok()["metadata"]
    make_event(server, path, space.name, "e")
    make_event(server, path, space.name, "f")
    server.api.compact()
    return metadata


def test_a_watch_gets_410_in_the_stream_which_then_ends(server: Server, space: Namespace, events: str) -> None:
    version = past(server, events, space)["resourceVersion"]
    with server.watch(events, resourceVersion=version) as watch:
        assert watch.status == 200
        kind, status = watch.event()
        assert watch.rest() == []
    assert kind == "ERROR"
    assert status.pop("message").startswith(WATCH_EXPIRED)
    assert status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "reason": "Expired",
        "code": 410,
    }


def test_an_exact_list_gets_410(server: Server, space: Namespace, events: str) -> None:
    version = past(server, events, space)["resourceVersion"]
    answer = server.get(events, resourceVersion=version, resourceVersionMatch="Exact")
    assert answer.status == 410
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "The resourceVersion for the provided list is too old.",
        "reason": "Expired",
        "code": 410,
    }


def test_a_token_gets_410_with_one_that_continues_in_the_present(server: Server, space: Namespace, events: str) -> None:
    token = past(server, events, space)["continue"]
    answer = server.get(events, limit=2, **{"continue": token})
    status = answer.json()
    assert answer.status == 410
    assert status["reason"] == "Expired"
    assert status["message"] == (
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list."
    )
    assert list(status["metadata"]) == ["continue"]
    server.send("DELETE", f"{events}/c").ok()
    rest = server.get(events, limit=2, **status["metadata"]).ok()
    assert [item["metadata"]["name"] for item in rest["items"]] == ["d", "e"]
    # From there on, the pages are of one version again.
    last = server.get(events, limit=2, **{"continue": rest["metadata"]["continue"]}).ok()
    assert [item["metadata"]["name"] for item in last["items"]] == ["f"]
    assert last["metadata"]["resourceVersion"] == rest["metadata"]["resourceVersion"]


def test_a_watch_that_is_open_continues(server: Server, space: Namespace, events: str) -> None:
    version = server.get(events).ok()["metadata"]["resourceVersion"]
    with server.watch(events, resourceVersion=version) as watch:
        make_event(server, events, space.name, "before")
        assert watch.event()[1]["metadata"]["name"] == "before"
        server.api.compact()
        make_event(server, events, space.name, "after")
        assert watch.event()[1]["metadata"]["name"] == "after"


def test_a_watch_from_the_newest_version_continues(server: Server, space: Namespace, events: str) -> None:
    past(server, events, space)
    version = server.get(events).ok()["metadata"]["resourceVersion"]
    with server.watch(events, resourceVersion=version) as watch:
        make_event(server, events, space.name, "g")
        assert watch.event()[1]["metadata"]["name"] == "g"


def test_a_streaming_list_of_the_present_works(server: Server, space: Namespace, events: str) -> None:
    past(server, events, space)
    stream = {"sendInitialEvents": True, "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": True}
    with server.watch(events, **stream) as watch:
        got = watch.events(7)
    assert [kind for kind, _ in got] == ["ADDED"] * 6 + ["BOOKMARK"]


def test_with_a_cache_a_restart_of_the_real_server_forgets_the_history(control_plane: ControlPlane) -> None:
    """The wording that the embedded has for a watch: kinds with a cache, which are all but events."""
    path = "/api/v1/namespaces/default/configmaps"
    first = control_plane.request("POST", path, {"metadata": {"generateName": "old-"}})["metadata"]["resourceVersion"]
    control_plane.request("POST", path, {"metadata": {"generateName": "old-"}})
    control_plane.kill_apiserver()
    control_plane.restart_apiserver()
    event = control_plane.request("GET", f"{path}?watch=true&timeoutSeconds=5&resourceVersion={first}")
    oldest = event["object"]["message"].rpartition("(")[2].rstrip(")")
    assert event["type"] == "ERROR"
    assert event["object"]["message"] == f"too old resource version: {first} ({oldest})"
    assert int(oldest) > int(first)
    assert (event["object"]["reason"], event["object"]["code"]) == ("Expired", 410)
