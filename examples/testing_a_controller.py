"""Tests of one's own controller, with `informers.testing`: no cluster, no mocks, a second in all.

The controller is that of `label_enforcer.py`. The API server is real HTTP in this process, or a real kube-apiserver:

    pytest -p informers.testing.plugin testing_a_controller.py --api-server=both
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiClient
from label_enforcer import LABEL, LabelEnforcer

from informers import Signal
from informers.kinds import apps, core
from informers.testing import Faults, KubernetesAPI, Status

NAMESPACE = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop", "labels": {LABEL: "red"}}}


@pytest.fixture(autouse=True)
def controller(api_server: KubernetesAPI, api_client: ApiClient) -> Iterator[None]:
    """The controller, running, and a namespace of team red."""
    api_server.create(NAMESPACE)
    stop = Signal()
    thread = threading.Thread(target=LabelEnforcer(api_client).run, args=[stop])
    thread.start()
    yield
    stop.set()
    thread.join(10)


def deployment(name: str, **labels: str) -> dict[str, Any]:
    """Return a deployment that wants no pods."""
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.k8s.io/pause"}]},
            },
        },
    }


def wait_for_team(api_server: KubernetesAPI, name: str, team: str) -> None:
    """Wait until a deployment has the label."""
    api_server.wait_for_object(
        apps.V1.deployments,
        name,
        lambda found: found and found["metadata"].get("labels", {}).get(LABEL) == team,
        namespace="shop",
    )


def test_a_deployment_gets_the_label_of_its_namespace(api_server: KubernetesAPI) -> None:
    """Create, and wait for the write."""
    api_server.create(deployment("web"))
    wait_for_team(api_server, "web", "red")


def test_a_namespace_that_changes_teams_takes_its_deployments_along(api_server: KubernetesAPI) -> None:
    """Change the other kind."""
    api_server.create(deployment("web"))
    wait_for_team(api_server, "web", "red")
    api_server.patch(core.V1.namespaces, "shop", {"metadata": {"labels": {LABEL: "blue"}}})
    wait_for_team(api_server, "web", "blue")


@pytest.mark.api_server("embedded")
@pytest.mark.informer_errors  # the controller raises what the server answers
def test_a_write_that_the_server_refuses_is_tried_again(api_server: KubernetesAPI, api_faults: Faults) -> None:
    """Make the server go wrong, twice; a real one can't be made to."""
    api_faults.add(Status(500), verb="patch", times=2)
    api_server.create(deployment("web"))
    wait_for_team(api_server, "web", "red")


def test_what_is_right_already_is_left_alone(api_server: KubernetesAPI) -> None:
    """Nothing happens, before something does."""
    right = api_server.create(deployment("right", team="red"))
    api_server.create(deployment("wrong"))
    wait_for_team(api_server, "wrong", "red")
    assert api_server.get(apps.V1.deployments, "right", namespace="shop") == right
