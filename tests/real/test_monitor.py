"""The network monitor against the real API server, with the official client making the changes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rig import eventually
from tests.real.conftest import Space

EXAMPLE = Path(__file__).parents[2] / "examples" / "network_monitor.py"


class Monitor:
    """The example as a process of its own, and the events that it has written."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        arguments = ["--kubeconfig", str(kubeconfig), "--namespace", namespace, "--output", "json"]
        self._process = subprocess.Popen(
            [sys.executable, str(EXAMPLE), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, name="monitor-output")
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def wait_for(self, event: str, **fields: Any) -> dict[str, Any]:
        """Return the first event of this name with these fields, once it has come."""

        def found() -> list[dict[str, Any]]:
            return [e for e in self.events if e["event"] == event and fields.items() <= e.items()]

        eventually(found, lambda: f"{event} {fields}; there is {self.events}", timeout=20.0)
        return found()[0]

    def stop(self) -> int:
        """End it as Ctrl-C does; return its exit code."""
        self._process.terminate()
        _, errors = self._process.communicate(timeout=10)
        self._reader.join()
        assert errors == ""
        return self._process.returncode


@pytest.mark.timeout(90)
def test_the_monitor_tells_what_the_official_client_does(space: Space, tmp_path: Path) -> None:
    from kubernetes import client

    core, networking = client.CoreV1Api(space.plane.client()), client.NetworkingV1Api(space.plane.client())
    monitor = Monitor(space.plane.write_kubeconfig(tmp_path / "kubeconfig"), space.name)
    try:
        container = client.V1Container(name="main", image="web:1")
        pod = client.V1Pod(
            metadata=client.V1ObjectMeta(name="web-0", labels={"app": "web"}),
            spec=client.V1PodSpec(containers=[container]),
        )
        core.create_namespaced_pod(space.name, pod)
        monitor.wait_for("pod_added", namespace=space.name, name="web-0")
        status = {"status": {"phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}]}}
        core.patch_namespaced_pod_status("web-0", space.name, status)
        updated = monitor.wait_for("pod_updated", name="web-0")
        assert updated["ip"]["new"] == "10.0.0.7"
        policy = client.V1NetworkPolicy(
            metadata=client.V1ObjectMeta(name="deny"),
            spec=client.V1NetworkPolicySpec(
                pod_selector=client.V1LabelSelector(match_labels={"app": "web"}), policy_types=["Ingress"]
            ),
        )
        networking.create_namespaced_network_policy(space.name, policy)
        monitor.wait_for("policy_added", name="deny")
        eventually(
            lambda: any(e["event"] == "pod_policies" and e["ingress"] == ["deny"] for e in monitor.events),
            lambda: f"the policy that selects the pod; there is {monitor.events}",
        )
        networking.delete_namespaced_network_policy("deny", space.name)
        monitor.wait_for("policy_deleted", name="deny")
        core.delete_namespaced_pod("web-0", space.name, grace_period_seconds=0)
        monitor.wait_for("pod_deleted", name="web-0", tombstone=False)
    finally:
        code = monitor.stop()
    assert code == 0
