"""Tests of one's own controller, with `informers.testing`: no cluster, no mocks, a second in all.

Run it with pytest. The controller is that of `label_enforcer.py`; the API server is real HTTP in this process, so the
controller's own client, its caches and its writes are what is tested.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from label_enforcer import LABEL, LabelEnforcer

from informers import Signal
from informers.kinds import apps, core
from informers.testing import APIServer, LoggedRequest, Status


@pytest.fixture
def server() -> Iterator[APIServer]:
    """An API server with a namespace of team red."""
    with APIServer() as running:
        running.patch(core.V1.namespaces, "default", {"metadata": {"labels": {LABEL: "red"}}})
        yield running


@pytest.fixture
def controller(server: APIServer) -> Iterator[None]:
    """The controller, running."""
    stop = Signal()
    thread = threading.Thread(target=LabelEnforcer(server.client()).run, args=[stop])
    thread.start()
    yield
    stop.set()
    thread.join(10)


def deployment(name: str, **labels: str) -> dict[str, Any]:
    """Return a deployment that wants no pods."""
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.k8s.io/pause"}]},
            },
        },
    }


def is_patch(request: LoggedRequest) -> bool:
    """Whether a request has changed a deployment; one that is being refused has no such status."""
    return request.verb == "patch" and request.status == 200


def team(server: APIServer, name: str) -> str | None:
    """Return what the server has."""
    labels: dict[str, str] = server.get(apps.V1.deployments, name)["metadata"].get("labels", {})
    return labels.get(LABEL)


@pytest.mark.usefixtures("controller")
def test_a_deployment_gets_the_label_of_its_namespace(server: APIServer) -> None:
    """Create, and wait for the write."""
    server.create(deployment("web"))
    server.wait_for_request(is_patch)
    assert team(server, "web") == "red"


@pytest.mark.usefixtures("controller")
def test_a_namespace_that_changes_teams_takes_its_deployments_along(server: APIServer) -> None:
    """Change the other kind."""
    server.create(deployment("web"))
    server.wait_for_request(is_patch)
    server.patch(core.V1.namespaces, "default", {"metadata": {"labels": {LABEL: "blue"}}})
    # A controller may patch once more than it must, so what counts is what comes of it.
    for _ in range(1000):
        if team(server, "web") == "blue":
            break
        time.sleep(0.01)
    assert team(server, "web") == "blue"


@pytest.mark.usefixtures("controller")
def test_a_write_that_the_server_refuses_is_tried_again(server: APIServer) -> None:
    """Make the server go wrong, twice."""
    server.faults.add(Status(500), verb="patch", times=2)
    server.create(deployment("web"))
    server.wait_for_request(is_patch)
    assert team(server, "web") == "red"


@pytest.mark.usefixtures("controller")
def test_what_is_right_already_is_left_alone(server: APIServer) -> None:
    """Nothing happens, before something does."""
    server.create(deployment("right", team="red"))
    server.create(deployment("wrong"))
    [request] = server.wait_for_request(is_patch)
    assert request.name == "wrong"
