"""The network monitor as a program: in this process against a server, and as one of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from network_monitor import Options, main

from informers.kinds import core, networking
from informers.testing import APIServer, Delay, FakeClock, Hang
from tests.examples.lines import Monitor

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "network_monitor.py"
PODS, POLICIES = core.V1.pods, networking.V1.network_policies


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


@pytest.fixture
def kubeconfig(server: APIServer, tmp_path: Path) -> str:
    return str(server.write_kubeconfig(tmp_path / "config"))


def pod(name: str, namespace: str = "default", labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {})},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Running", "podIP": "10.0.0.7"},
    }


def policy(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def test_the_life_of_pods_and_policies_is_reported_step_by_step(server: APIServer, kubeconfig: str) -> None:
    server.create(
        {
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": {"name": "node-1"},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.168.1.1"}]},
        }
    )
    server.create(pod("web-0"))
    with Monitor(Options(kubeconfig=kubeconfig, output="json")) as monitor:
        lines = monitor.lines
        added = lines.wait_for_event("pod_added", name="web-0")
        assert (added["node_address"], added["initial"]) == ("192.168.1.1", True)
        lines.wait_for_event("pod_policies", name="web-0", ingress=[], egress=[])

        server.create(policy("deny", {"podSelector": {}}))
        lines.wait_for_event("policy_added", name="deny", initial=False)
        lines.wait_for_event("pod_policies", name="web-0", ingress=["deny"], egress=[])

        server.patch(POLICIES, "deny", {"spec": {"policyTypes": ["Egress"]}})
        lines.wait_for_event("policy_updated", name="deny")
        lines.wait_for_event("pod_policies", name="web-0", ingress=[], egress=["deny"])

        server.patch(PODS, "web-0", {"status": {"phase": "Succeeded"}})
        updated = lines.wait_for_event("pod_updated", name="web-0")
        assert updated["phase"] == {"old": "Running", "new": "Succeeded"}

        server.delete(PODS, "web-0")
        lines.wait_for_event("pod_deleted", name="web-0", phase="Succeeded", tombstone=False)
        server.delete(POLICIES, "deny")
        lines.wait_for_event("policy_deleted", name="deny", tombstone=False)
    assert monitor.code == 0
    assert [event["step"] for event in lines.events("step")] == [
        "factory",
        "informers",
        "listers",
        "handlers",
        "started",
        "waiting",
        "synced",
        "running",
        "stopping",
        "pods",
        "policies",
        "stopped",
    ]
    assert lines.events("error", "log") == []


def test_a_namespace_is_watched_alone(server: APIServer, kubeconfig: str) -> None:
    server.create(pod("here", "kube-public"))
    server.create(pod("there"))
    with Monitor(Options(kubeconfig=kubeconfig, output="json", namespace="kube-public")) as monitor:
        monitor.lines.wait_for_event("pod_policies", name="here")
        server.create(pod("there-too"))
        server.create(pod("here-too", "kube-public"))
        monitor.lines.wait_for_event("pod_policies", name="here-too")
    assert [event["name"] for event in monitor.lines.events("pod_added")] == ["here", "here-too"]


def test_the_demo_shows_tombstones_updates_and_silent_resyncs() -> None:
    with Monitor(Options(demo=True, demo_speed=20, resync=0.02, output="json")) as monitor:
        monitor.lines.wait_for(lambda text: "the story is over" in text)
    assert monitor.code == 0
    events = monitor.lines.events()
    kinds = {event["event"] for event in events}
    assert kinds >= {"pod_added", "pod_updated", "pod_deleted", "policy_added", "policy_updated", "policy_deleted"}
    assert {event["name"] for event in events if event.get("tombstone")} == {"web-1", "db-from-api"}
    assert {event["name"] for event in events if event.get("tombstone") is False} == {"report-0", "default-deny"}
    assert "watch_failed" in kinds
    assert [event["message"] for event in events if event["level"] == "error"] == []
    for event in monitor.lines.events("pod_updated"):
        assert event["resource_version"]["old"] != event["resource_version"]["new"]
    pods, policies = (event["message"] for event in events if event.get("step") in {"pods", "policies"})
    assert " 0 repeated" not in pods
    assert " 0 repeated" not in policies
    last = {event["name"]: (event["ingress"], event["egress"]) for event in monitor.lines.events("pod_policies")}
    assert last["db-0"] == ([], [])
    assert last["web-0"] == ([], ["front-egress"])


def test_the_demo_prints_what_the_readme_and_the_picture_show() -> None:
    def comparable(line: str) -> str:
        """Return a line without its time, and without what differs from run to run."""
        return re.sub(r"^\d\d:\d\d:\d\d  |\d+", "", line).strip()

    with Monitor(Options(demo=True, demo_speed=20, resync=0.02)) as monitor:
        monitor.lines.wait_for(lambda text: "the story is over" in text)
    printed = monitor.lines.getvalue().splitlines()
    beginnings = {comparable(line)[:40] for line in printed}
    readme = re.search(
        r"<!-- demo: .*?\n```text\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert readme
    varies = ("watch failed", "step            stopping", "step            running")  # where the time of a run decides
    for line in readme[1].splitlines():
        assert line.startswith(varies) or comparable(line)[:40] in beginnings, line
    picture = (ROOT / "docs" / "_static" / "network-monitor.svg").read_text(encoding="utf-8")
    rows = [unescape(row) for row in re.findall(r">(\d\d:\d\d:\d\d  .*)</text>", picture)]
    assert len(rows) > 40
    for row in rows:
        assert row[10:].startswith(varies) or comparable(row)[:40] in beginnings, "run: make recording"


def test_a_duration_ends_it(server: APIServer, kubeconfig: str) -> None:
    with Monitor(Options(kubeconfig=kubeconfig, duration=0.0)) as monitor:
        monitor.join()
        assert not monitor.code
        assert monitor.lines.getvalue().splitlines()[-1].endswith("stopped")


def test_a_sync_that_times_out_is_an_error_with_its_reason(server: APIServer, kubeconfig: str) -> None:
    server.deny(POLICIES)
    with Monitor(Options(kubeconfig=kubeconfig, output="json", sync_timeout=3.0)) as monitor:
        monitor.join()
    assert monitor.code == 1
    (error,) = monitor.lines.events("error")
    assert "not filled after 3 s: not synced: networkpolicies.networking.k8s.io:" in error["message"]
    assert "403 Forbidden" in error["message"]
    assert "pods:" not in error["message"]
    (failure, *_) = monitor.lines.events("watch_failed")
    assert failure["resource"] == "networkpolicies.networking.k8s.io"
    assert "Forbidden" in failure["error"]
    assert monitor.lines.events("log") == [], "the library says it once more"


def test_a_stop_while_it_waits_for_the_caches_is_not_an_error(server: APIServer, kubeconfig: str) -> None:
    server.faults.add(Hang(), resource=PODS, times=None)
    with Monitor(Options(kubeconfig=kubeconfig, output="json")) as monitor:
        server.wait_for_request(lambda request: request.resource == PODS)
    assert monitor.code == 0
    assert monitor.lines.events("error", "pod_added") == []
    assert monitor.lines.events("step")[-1]["step"] == "stopped"


def test_a_server_that_cannot_be_reached_is_one_clear_line(server: APIServer, kubeconfig: str) -> None:
    server.stop()
    with Monitor(Options(kubeconfig=kubeconfig, output="json")) as monitor:
        monitor.join()
    assert monitor.code == 1
    assert [event["event"] for event in monitor.lines.events() if event["event"] != "step"] == ["error"]
    (error,) = monitor.lines.events("error")
    assert "can't be reached" in error["message"]
    assert "refused" in error["message"]


def test_a_kubeconfig_that_is_missing_or_broken_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--kubeconfig", str(tmp_path / "none")]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert f"there is no kubeconfig at {tmp_path / 'none'}" in line
    (tmp_path / "broken").write_text(": : [\n")
    assert main(["--kubeconfig", str(tmp_path / "broken")]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert f"can't use the kubeconfig {tmp_path / 'broken'}" in line


def test_without_any_configuration_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main([]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert "give --kubeconfig FILE, or try --demo" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["--duration", "-1"],
        ["--duration", "nan"],
        ["--sync-timeout", "soon"],
        ["--demo-speed", "0"],
        ["--output", "xml"],
        ["--demo", "--kubeconfig", "x"],
        ["--metrics-port", "65536"],
        ["--metrics-port", "http"],
    ],
)
def test_wrong_arguments_end_it_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--duration", "abc"], "must be a number of seconds, 0 or more, for example 1.5: got 'abc'"),
        (["--metrics-port", "-1"], "must be a port from 0 to 65535: got '-1'"),
        (["--demo-speed", "fast"], "must be a number above 0, for example 2: got 'fast'"),
        (["--demo", "--context", "x"], "--context: not allowed with argument --demo"),
    ],
)
def test_a_wrong_argument_is_explained_in_words(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert words in capsys.readouterr().err


def test_an_empty_kubeconfig_variable_is_as_good_as_none(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": ""}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 1
    assert "there is no kubeconfig at ~/.kube/config" in done.stdout


def test_a_context_of_the_kubeconfig_may_be_chosen(kubeconfig: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kubeconfig", kubeconfig, "--context", "elsewhere"]) == 1
    assert "elsewhere" in capsys.readouterr().out
    current = json.loads(Path(kubeconfig).read_text(encoding="utf-8"))["current-context"]
    assert main(["--kubeconfig", kubeconfig, "--context", current, "--duration", "0"]) == 0


def test_ctrl_c_while_it_imports_ends_it_without_a_traceback(tmp_path: Path) -> None:
    # A package that is imported first, and takes as long as it likes.
    (tmp_path / "attrs.py").write_text("import sys, time\nprint('importing', flush=True)\ntime.sleep(30)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, str(SCRIPT)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert errors == ""
    assert process.returncode == -signal.SIGINT


def test_a_namespace_that_is_none_is_one_clear_line(kubeconfig: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kubeconfig", kubeconfig, "--namespace", ""]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert "namespace" in line


def get(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_metrics_and_health_are_served_where_a_port_is_given(tmp_path: Path) -> None:
    clock = FakeClock()
    with APIServer(clock=clock) as server:
        server.create(pod("web-0"))
        server.faults.add(Delay(1), resource=POLICIES)
        kubeconfig = str(server.write_kubeconfig(tmp_path / "config"))
        check_metrics_and_health(Monitor(Options(kubeconfig=kubeconfig, output="json", metrics_port=0)), clock)


def check_metrics_and_health(monitor: Monitor, server_clock: FakeClock) -> None:
    with monitor:
        message = monitor.lines.wait_for_event("step", step="metrics")["message"]
        found = re.search(r"http://127\.0\.0\.1:\d+(?=/metrics)", message)
        assert found, message
        url = found[0]
        status, text = get(f"{url}/readyz")
        assert status == 503
        assert "networkpolicies.networking.k8s.io: " in text
        # Two watches, and the answer that is delayed.
        server_clock.wait_for_waiters(3)
        server_clock.advance(1)
        monitor.lines.wait_for_event("pod_policies", name="web-0")
        status, text = get(f"{url}/readyz")
        assert status == 200
        assert "pods: live, 1 objects" in text
        assert get(f"{url}/healthz")[0] == 200
        status, text = get(f"{url}/metrics")
        assert status == 200
        assert 'informer_objects{group="",name="network-monitor",resource="pods",version="v1"} 1.0' in text
        assert 'workqueue_adds_total{name="selection"}' in text
    assert monitor.code == 0
    with pytest.raises(URLError, match="refused"):
        get(f"{url}/healthz")


def test_a_metrics_port_that_is_taken_is_one_clear_line(kubeconfig: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Monitor(Options(kubeconfig=kubeconfig, output="json", metrics_port=port)) as monitor:
            monitor.join()
    assert monitor.code == 1
    (error,) = monitor.lines.events("error")
    assert error["message"] == f"can't serve metrics at 127.0.0.1:{port}: Address already in use"


def test_metrics_without_prometheus_client_are_one_clear_line_with_what_to_install(
    kubeconfig: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with Monitor(Options(kubeconfig=kubeconfig, output="json", metrics_port=0)) as monitor:
        monitor.join()
    assert monitor.code == 1
    (error,) = monitor.lines.events("error")
    assert error["message"] == "--metrics-port needs prometheus-client: pip install informers[prometheus]"


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1]), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_at_once_with_code_0(kubeconfig: str, number: signal.Signals) -> None:
    with start("--kubeconfig", kubeconfig, "--output", "json") as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if json.loads(line).get("step") == "running":
                    break
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0
    assert err == ""
    steps = {event["step"]: event["message"] for event in map(json.loads, out.splitlines()) if event["event"] == "step"}
    assert steps["stopping"] == f"stopping: received {number.name}"
    assert list(steps)[-1] == "stopped"


def test_the_program_ends_quietly_when_nobody_reads_its_output_any_more() -> None:
    with start("--demo", "--demo-speed", "20") as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(timeout=20) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
