"""The examples beside the network monitor do what they say, on a server in this process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from informers.kinds import coordination, core
from informers.testing import APIServer
from tests.examples.background import Said, in_background
from tests.waiting import eventually
from tests.widgets import definition, widget

if TYPE_CHECKING:
    from informers.testing.controlplane import ControlPlane

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SMALL = sorted(path for path in EXAMPLES.glob("*.py") if path.name != "network_monitor.py")


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150


def page(name: str, text: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "example.com/v1", "kind": "Page", "metadata": metadata, "spec": {"text": text}}


def test_a_page_is_published_changed_and_taken_back(server: APIServer) -> None:
    from custom_resource import FINALIZER, V1, PageController

    server.create(definition("Page"))
    registry: dict[str, str] = {}
    pages, maps = V1.pages, core.V1.config_maps

    def published() -> str:
        return "".join(found["data"]["index.html"] for found in server.list(maps))

    with in_background(PageController(server.client(), registry).run):
        server.create(page("home", "hello"))
        eventually(lambda: server.get(pages, "home").get("status") == {"url": "https://pages.example.com/default/home"})
        assert server.get(pages, "home")["metadata"]["finalizers"] == [FINALIZER]
        assert registry == {"default/home": "https://pages.example.com/default/home"}
        assert published() == "hello"
        [owner] = server.get(maps, "home")["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Page", server.get(pages, "home")["metadata"]["uid"])
        server.patch(pages, "home", {"spec": {"text": "bye"}})
        eventually(lambda: published() == "bye")
        server.delete(maps, "home")
        eventually(lambda: published() == "bye")
        server.delete(pages, "home")
        eventually(lambda: not server.list(pages))
        assert registry == {}


def test_pods_are_counted_by_owner(server: APIServer) -> None:
    from metadata_only import count

    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}
    for name, owners in (("a", [owner]), ("b", [owner]), ("c", [])):
        server.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "ownerReferences": owners}})
    *owners_said, total = count(server.client())
    assert owners_said == ["2 default/ReplicaSet/web", "1 default/nobody"]
    assert total.startswith("3 pods, ")


def test_resources_are_followed_by_name_and_missing_ones_waited_for(server: APIServer) -> None:
    from dynamic import run

    said = Said()
    server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "m"}})
    names = ["v1/configmaps", "example.com/v1/widgets"]
    with in_background(lambda stop: run(server.client(), names, stop, said)):
        said.wait_for("configmaps default/m is there")
        said.wait_for("widgets.example.com: 404")
        server.patch(core.V1.config_maps, "m", {"data": {"k": "v"}})
        said.wait_for("configmaps default/m changed: data")
        server.delete(core.V1.config_maps, "m")
        said.wait_for("configmaps default/m is gone")
        server.create(definition())
        server.create(widget("w", size=1))
        said.wait_for("widgets.example.com default/w is there", timeout=20)


@pytest.mark.parametrize("name", ["pods", "a/b/c/d", "v1/", ""])
def test_a_resource_s_name_must_be_readable(name: str) -> None:
    from dynamic import parsed

    assert parsed("apps/v1/deployments") == ("apps", "v1", "deployments")
    assert parsed("v1/pods") == ("", "v1", "pods")
    with pytest.raises(SystemExit, match="expected GROUP/VERSION/PLURAL"):
        parsed(name)


def ready_pod(name: str, *, ready: bool) -> dict[str, Any]:
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, "status": status}


def test_an_application_on_an_event_loop_follows_pods(server: APIServer) -> None:
    from asyncio_app import run

    async def main() -> None:
        said: list[str] = []
        stop = asyncio.Event()
        server.create(ready_pod("a", ready=True))
        running = asyncio.create_task(run(server.client(), stop, said.append))

        async def until(line: str) -> None:
            deadline = time.monotonic() + 10
            while line not in said:
                assert not running.done()
                assert time.monotonic() < deadline, said
                await asyncio.sleep(0.001)

        await until("default/a is ready")
        await until("1 pods")
        server.create(ready_pod("b", ready=False))
        await until("2 pods")
        server.update(ready_pod("b", ready=True))
        await until("default/b is ready")
        server.update(ready_pod("b", ready=False))
        await until("default/b is not ready")
        server.delete(core.V1.pods, "a")
        await until("default/a is gone")
        stop.set()
        await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def kubeconfig_of(url: str, folder: Path) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "c",
            }
        )
    )
    return path


@pytest.fixture
def unreachable(tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig of a server that takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield kubeconfig_of(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)


ELECTIONS = ("leader_election", "sites/site_controller")


@pytest.mark.parametrize("name", ["asyncio_app", "dynamic", "label_enforcer", *ELECTIONS])
def test_an_example_ends_at_once_on_a_signal_while_no_server_answers(name: str, unreachable: Path) -> None:
    if name in ELECTIONS:
        pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    # A line on standard output when its handlers of signals are there, and its first wait has begun.
    code = f"""
import os, signal, runpy, sys, threading, time
def told():
    while signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, None):
        time.sleep(0.01)
    while not any(thread.name.startswith("informers-") for thread in threading.enumerate()):
        time.sleep(0.01)
    os.write(1, b"waits\\n")  # unlike print, it leaves no lock to a process that ends meanwhile
threading.Thread(target=told, daemon=True).start()
sys.argv = [{name!r}{", '--port=0'" * name.startswith("sites")}]
runpy.run_path({str(EXAMPLES / (name + ".py"))!r}, run_name="__main__")
"""
    environment = {**os.environ, "KUBECONFIG": str(unreachable)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"waits\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["asyncio_app", "dynamic", "label_enforcer", "metadata_only", *ELECTIONS])
def test_an_example_without_a_kubeconfig_ends_with_a_line_that_says_what_to_do(name: str, tmp_path: Path) -> None:
    if name == "leader_election":
        pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KUBERNETES_SERVICE_")}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        env={**environment, "KUBECONFIG": str(tmp_path / "missing")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("there is no usable kubeconfig (set KUBECONFIG), and this does not run in a pod: ")


@pytest.mark.parametrize("name", ["label_enforcer", "metadata_only"])
def test_an_example_whose_caches_can_not_be_filled_ends_with_a_line_that_says_so(name: str, tmp_path: Path) -> None:
    # With a clock on which a minute passes in a moment.
    code = f"""
import runpy, time
monotonic = time.monotonic
time.monotonic = lambda: 600 * monotonic()
runpy.run_path({str(EXAMPLES / (name + ".py"))!r}, run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "KUBECONFIG": str(kubeconfig_of("http://127.0.0.1:1", tmp_path))},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    told = ("the controller team-labels can't begin: ", "not synced: pods: ")
    assert done.stderr.splitlines()[-1].startswith(told)


@pytest.mark.parametrize("name", ELECTIONS)
def test_an_election_that_can_not_reach_the_server_ends_with_a_line_that_says_so(name: str, tmp_path: Path) -> None:
    pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    arguments = ["--port=0"] if name.startswith("sites") else []
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        env={**os.environ, "KUBECONFIG": str(kubeconfig_of("http://127.0.0.1:1", tmp_path))},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == (name == "leader_election")
    assert len([line for line in done.stderr.splitlines() if "Max retries exceeded" in line and "refused" in line]) == 1
    assert "Traceback" not in done.stderr


class Replica:
    """A process of the leader election's example."""

    def __init__(self, identity: str, kubeconfig: Path) -> None:
        self.identity = identity
        self.process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / "leader_election.py"), f"--identity={identity}", "--lease-seconds=6"],
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


def test_when_the_leader_is_killed_another_continues(server: APIServer, tmp_path: Path) -> None:
    pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")

    def create(name: str) -> None:
        metadata = {"name": name, "labels": {"signed": "please"}}
        server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata})

    def signature(name: str) -> str:
        signed: str = server.get(core.V1.config_maps, name).get("data", {}).get("signature", "")
        return signed

    create("before")
    replicas = [Replica(identity, kubeconfig) for identity in ("one", "two")]
    try:
        eventually(lambda: signature("before"), timeout=30)
        leader = signature("before")
        assert server.list(coordination.V1.leases)[0]["spec"]["holderIdentity"] == leader
        [survivor] = [replica for replica in replicas if replica.identity != leader]
        next(replica for replica in replicas if replica is not survivor).kill()
        create("after")
        eventually(lambda: signature("after"), timeout=30)
        assert signature("after") == survivor.identity
        assert signature("before") == leader
        assert survivor.process.poll() is None
    finally:
        for replica in replicas:
            replica.kill()
    patches = server.requests.select(verb="patch", resource=core.V1.config_maps)
    assert sorted(request.name for request in patches) == ["after", "before"]


def test_a_replica_that_has_lost_the_lease_leaves_what_is_queued(server: APIServer) -> None:
    pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    import leader_election

    metadata = {"name": "before", "labels": {"signed": "please"}}
    server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata})
    signer = leader_election.Signer(server.client(), "one")
    with signer.factory:
        handlers = signer.factory.core.v1.config_maps.informer.health
        eventually(lambda: [handler.delivered for handler in handlers().handlers] == [1])
        signer.stop()
        signer.lead()
    assert "data" not in server.get(core.V1.config_maps, "before")


def test_a_real_server_s_leases_elect_a_leader(control_plane: ControlPlane, tmp_path: Path) -> None:
    pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    from kubernetes import client

    core_api = client.CoreV1Api(control_plane.client())
    kubeconfig = control_plane.write_kubeconfig(tmp_path / "kubeconfig")
    metadata = {"name": "to-sign", "labels": {"signed": "please"}}
    core_api.create_namespaced_config_map("default", {"metadata": metadata})

    def signature() -> str:
        data = core_api.read_namespaced_config_map("to-sign", "default").data or {}
        return str(data.get("signature", ""))

    replicas = [Replica(identity, kubeconfig) for identity in ("one", "two")]
    try:
        eventually(signature, timeout=30)
        lease = client.CoordinationV1Api(control_plane.client()).read_namespaced_lease("signer", "default")
        assert lease.spec.holder_identity == signature()
    finally:
        for replica in replicas:
            replica.kill()
