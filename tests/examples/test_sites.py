"""The controller that is made to be deployed, on a server in this process, with what `deploy.yaml` sets up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from kubernetes.client import AppsV1Api
from prometheus_client import CollectorRegistry

from informers import ObjectName
from informers.kinds import apps, core, events
from informers.probes import ProbeServer
from informers.testing import APIServer
from tests.examples.background import in_background
from tests.waiting import eventually

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "sites"
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
        for document in yaml.safe_load_all((FOLDER / "deploy.yaml").read_text(encoding="utf-8")):
            if document["kind"] in {"Namespace", "CustomResourceDefinition", "ConfigMap"}:
                running.create(document)
        yield running


def test_it_is_short() -> None:
    assert len((FOLDER / "site_controller.py").read_text(encoding="utf-8").splitlines()) <= 200


def test_a_site_is_deployed_routed_told_and_taken_back(module: Any, server: APIServer) -> None:
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


def test_the_permissions_are_those_that_it_asks_for(server: APIServer, module: Any) -> None:
    """What is written or read in the test above is allowed by the rules of `deploy.yaml`."""
    documents = list(yaml.safe_load_all((FOLDER / "deploy.yaml").read_text(encoding="utf-8")))
    rules = [rule for document in documents for rule in document.get("rules", [])]
    allowed = {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    test_a_site_is_deployed_routed_told_and_taken_back(module, server)
    asked = {
        (request.resource.group, "/".join(filter(None, (request.resource.plural, request.subresource))), request.verb)
        for request in server.requests.select()
        if request.resource is not None
    }
    asked -= {("apps", "deployments/status", "patch")}  # the test's own
    assert asked <= allowed
