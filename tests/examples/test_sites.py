"""The controller that is made to be deployed, with what `deploy.yaml` sets up."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from kubernetes.client import AppsV1Api
from prometheus_client import CollectorRegistry

from informers import NamespacedResource, ObjectName
from informers.kinds import apps, coordination, core, events
from informers.probes import ProbeServer
from informers.testing import APIServer, ControlPlane, KubernetesAPI, Lag
from informers.testing._http.client_config import write_kubeconfig
from tests.examples.background import in_background
from tests.waiting import eventually

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "sites"
PROGRAM = FOLDER / "site_controller.py"
DOCUMENTS = list(yaml.safe_load_all((FOLDER / "deploy.yaml").read_text(encoding="utf-8")))
SITE = {
    "apiVersion": "example.com/v1",
    "kind": "Site",
    "metadata": {"name": "shop", "namespace": "default"},
    "spec": {"image": "nginx:1", "replicas": 2},
}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    import site_controller

    yield site_controller
    sys.modules.pop("site_controller")


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        prepare(running)
        yield running


def test_it_is_short() -> None:
    assert len((FOLDER / "site_controller.py").read_text(encoding="utf-8").splitlines()) <= 200


def test_a_site_is_deployed_routed_reported_and_removed(module: Any, server: APIServer) -> None:
    registry = CollectorRegistry()
    made = module.SiteController(server.client(), ObjectName("sites-system", "routes"), registry)
    sites, deployments = module.V1.sites, apps.V1.deployments

    def condition() -> tuple[str, str] | None:
        found = server.get(sites, "shop").get("status", {}).get("conditions", [])
        return (found[0]["status"], found[0]["message"]) if found else None

    def routes() -> Any:
        return server.get(core.V1.config_maps, "routes", namespace="sites-system").get("data") or {}

    probes = ProbeServer(made.factory, port=0, registry=registry, controllers=[made.controller])
    with probes, made.factory, in_background(made.controller.run):
        server.create(SITE)
        eventually(lambda: condition() == ("False", "0 of 2 replicas are ready"))
        deployment = server.get(deployments, "shop")
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1"
        assert deployment["metadata"]["ownerReferences"][0]["uid"] == server.get(sites, "shop")["metadata"]["uid"]
        assert routes() == {}
        ready = {"status": {"replicas": 2, "readyReplicas": 2}}
        AppsV1Api(server.client()).patch_namespaced_deployment_status("shop", "default", ready)
        eventually(lambda: condition() == ("True", "2 of 2 replicas are ready"))
        eventually(lambda: routes() == {"default.shop": "shop.default.svc"})
        server.patch(sites, "shop", {"spec": {"image": "nginx:2"}})
        eventually(lambda: module.serves(made._deployments.lister.namespace("default").get("shop")) == ("nginx:2", 2))
        assert urlopen(f"http://127.0.0.1:{probes.port}/readyz").status == 200
        text = urlopen(f"http://127.0.0.1:{probes.port}/metrics").read().decode()
        assert 'controller_runtime_reconcile_total{controller="sites",result="success"}' in text
        server.delete(sites, "shop")
        eventually(lambda: not server.list(sites))
        assert routes() == {}
    assert made.recorder.close(timeout=10)
    reasons = {event["reason"] for event in server.list(events.V1.events)}
    assert reasons == {"Applied", "Waits", "AllReady"}


def test_nothing_is_written_twice_though_the_caches_lag_behind_what_it_wrote(module: Any, server: APIServer) -> None:
    """Finalizer, Deployment and status: each look goes by what the looks before have written, of all three."""
    made = module.SiteController(server.client(), ObjectName("sites-system", "routes"), CollectorRegistry())
    sites, deployments = module.V1.sites, apps.V1.deployments
    for resource in (sites, deployments):
        server.faults.add(Lag(seconds=0.05), verb="watch", resource=resource, times=None)
    with made.factory, in_background(made.controller.run):
        server.create(SITE)
        touched = 0

        def touch_until_the_status_is_there() -> bool:
            # The Deployment changes all the time, so there is always a reason to look.
            nonlocal touched
            touched += 1
            if server.list(deployments):
                server.patch(deployments, "shop", {"metadata": {"annotations": {"touched": str(touched)}}})
            return bool(server.get(sites, "shop").get("status"))

        eventually(touch_until_the_status_is_there)
        for _ in range(50):
            touch_until_the_status_is_there()
        marked = server.get(deployments, "shop")["metadata"]["resourceVersion"]
        made._deployments.informer.wait_until_seen(marked, timeout=10)
        eventually(lambda: not (made.controller.health().waiting or made.controller.health().running))
    assert made.recorder.close(timeout=10)
    patches = server.requests.select(verb="patch", resource=sites)
    assert [request.subresource for request in patches] == ["", "status"]
    assert len(server.requests.select(verb="patch", resource=deployments)) == 1


def free_port() -> int:
    """Return a port that nobody has, below those that systems give out: else another process may get it first."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("", port))
            return port


class Replica:
    """A process of the program."""

    def __init__(self, kubeconfig: Path, log: Path) -> None:
        self.port = free_port()
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), "--lease-seconds=6", f"--port={self.port}"],
                env={**os.environ, "KUBECONFIG": str(kubeconfig)},
                stdout=file,
                stderr=file,
            )

    def answer(self, path: str) -> str:
        try:
            return urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5).read().decode()
        except OSError:
            return ""

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


def prepare(server: KubernetesAPI) -> None:
    """Set up what `deploy.yaml` has, but the Deployment of the controller."""
    for document in DOCUMENTS:
        if document["kind"] != "Deployment":
            server.create(document)


def is_served(site: Any) -> bool:
    conditions = site.get("status", {}).get("conditions", [])
    return [condition["status"] for condition in conditions] == ["True"]


def take_over(server: KubernetesAPI, kubeconfig: Path, folder: Path) -> list[Replica]:
    """Run two replicas, kill the one that leads, and let a site be made, served and removed by the other."""
    pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    sites, deployments = NamespacedResource[Any]("example.com", "v1", "sites", "Site"), apps.V1.deployments

    def served(name: str) -> None:
        server.wait_for_object(deployments, name, lambda found: found is not None, timeout=30)
        ready = {"status": {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2}}
        AppsV1Api(server.client()).patch_namespaced_deployment_status(name, "default", ready)
        server.wait_for_object(sites, name, is_served, timeout=30)

    replicas = [Replica(kubeconfig, folder / f"{number}.log") for number in (1, 2)]
    try:
        server.create(SITE)
        served("shop")
        # The one that waits is ready too, or a rollout would never end.
        eventually(lambda: all(replica.answer("/readyz") for replica in replicas), timeout=30)
        holder = server.get(coordination.V1.leases, "sites", namespace="sites-system")["spec"]["holderIdentity"]
        [leader] = [replica for replica in replicas if holder.endswith(f"-{replica.process.pid}")]
        leader.kill()
        server.create({**SITE, "metadata": {"name": "blog", "namespace": "default"}})
        served("blog")
        server.delete(sites, "shop")
        server.wait_for_object(sites, "shop", lambda site: site is None, timeout=30)
        [survivor] = [replica for replica in replicas if replica is not leader]
        routes = server.get(core.V1.config_maps, "routes", namespace="sites-system")["data"]
        assert routes == {"default.blog": "blog.default.svc"}
        eventually(lambda: len(server.list(events.V1.events, namespace="default")) >= 4)
        survivor.process.terminate()
        assert survivor.process.wait(20) == 0
    finally:
        for replica in replicas:
            replica.kill()
    return replicas


def test_when_the_leader_is_killed_the_other_continues_and_the_permissions_are_just_enough(
    tmp_path: Path,
) -> None:
    rules = [rule for document in DOCUMENTS for rule in document.get("rules", [])]
    allowed = {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    with APIServer() as server:
        prepare(server)
        server.requests.clear()
        take_over(server, server.write_kubeconfig(tmp_path / "kubeconfig"), tmp_path)
        made = [(request.resource, request.subresource, request.verb) for request in server.requests.select()]
    asked = {
        (resource.group, f"{resource.plural}/{subresource}".rstrip("/"), verb)
        for resource, subresource, verb in made
        if resource is not None
    }
    asked -= {("apps", "deployments/status", "patch")}  # the test's own
    not_asked = {
        ("apps", "deployments", "create"),  # a real server asks for it where an apply creates
        ("example.com", "sites/finalizers", "update"),  # and for it where a reference blocks its owner's deletion
        ("events.k8s.io", "events", "patch"),  # where an event comes again
    }
    # A list that is streamed is a watch.
    assert asked | {rule for rule in allowed if rule[2] == "list"} | not_asked == allowed


@pytest.mark.real_apiserver
@pytest.mark.timeout(180)
def test_with_the_permissions_of_its_service_account_it_does_all_that_on_a_real_server(tmp_path: Path) -> None:
    # Without this plugin a server does not look at the permission for `sites/finalizers`.
    with ControlPlane(flags=["--enable-admission-plugins=OwnerReferencesPermissionEnforcement"]) as plane:
        prepare(plane)
        token = plane.service_account_token("sites-system", "sites", seconds=3600)
        kubeconfig = write_kubeconfig(
            tmp_path / "kubeconfig", plane.url, {"token": token}, authority=plane.authority.certificate
        )
        replicas = take_over(plane, kubeconfig, tmp_path)
    logs = [replica.log.read_text() for replica in replicas]
    assert not [line for log in logs for line in log.splitlines() if "403" in line or "forbidden" in line.lower()]


def test_a_replica_that_can_not_renew_its_lease_ends(tmp_path: Path) -> None:
    pytest.importorskip("kubernetes.leaderelection.resourcelock.leaselock", reason="kubernetes has it since 37")
    with APIServer() as server:
        prepare(server)
        replica = Replica(server.write_kubeconfig(tmp_path / "kubeconfig"), tmp_path / "log")
        try:
            server.wait_for_object(coordination.V1.leases, "sites", bool, namespace="sites-system", timeout=30)
            server.stop_accepting()
            assert replica.process.wait(30) == 0
        finally:
            replica.kill()


def test_the_image_has_the_program_and_what_it_imports() -> None:
    lines = dict(line.split(" ", 1) for line in (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines())
    assert lines["COPY"] == f"{PROGRAM.name} /"
    assert lines["ENTRYPOINT"] == f'["python", "/{PROGRAM.name}"]'
    assert lines["USER"] != "root"
    extra = re.search(r'"informers\[(\w+)\]"', lines["RUN"])
    assert extra is not None
    project = (FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\n{extra[1]} = ["prometheus-client' in project
    image = next(document for document in DOCUMENTS if document["kind"] == "Deployment")
    [container] = image["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
