"""A resource is its group, version and plural, whatever else the value says that a test passes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from informers.errors import ConfigurationError
from informers.kinds import autoscaling, core
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.testing import APIServer, Refuse, Status
from tests.testing.support import ALL_PODS, PODS, ask, pod, watching

SPELLINGS = {
    "a row of the table": core.V1.pods,
    "without a kind": NamespacedResource("", "v1", "pods"),
    "as plain mappings": NamespacedResource("", "v1", "pods", "Pod", decode=lambda obj: obj),
    "in another scope": ClusterResource("", "v1", "pods"),
}


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


@pytest.mark.parametrize("resource", SPELLINGS.values(), ids=SPELLINGS)
def test_all_that_takes_a_resource_knows_it_in_any_spelling(server: APIServer, resource: Resource[Any]) -> None:
    server.create(pod("a"), resource=resource)
    assert [obj["metadata"]["name"] for obj in server.list(resource)] == ["a"]
    server.deny(resource, verbs=["list"])
    assert ask(server, ALL_PODS).status == 403
    server.allow(resource)
    fault = server.faults.add(Status(500), resource=resource)
    assert ask(server, ALL_PODS).status == 500
    assert fault.hits == 1
    assert len(server.requests.select(resource=resource)) == 2
    with watching(server) as stream:
        server.wait_for_watchers(resource)
        assert server.drop_watches(resource) == 1
        assert stream.short(1) == [("ADDED", "a")]
        assert stream.line() == b""


def test_a_denial_holds_in_every_version_as_roles_name_none(server: APIServer) -> None:
    server.deny(autoscaling.V1.horizontal_pod_autoscalers)
    assert ask(server, "/apis/autoscaling/v2/horizontalpodautoscalers").status == 403
    server.allow(autoscaling.V2.horizontal_pod_autoscalers)
    assert ask(server, "/apis/autoscaling/v1/horizontalpodautoscalers").status == 200


@pytest.mark.parametrize("plural", ["pod", "deployments"])
def test_what_the_server_never_serves_is_refused_with_what_there_is(server: APIServer, plural: str) -> None:
    resource = NamespacedResource[Any]("", "v1", plural)
    for use in (server.deny, lambda wrong: server.faults.add(Status(500), resource=wrong)):
        with pytest.raises(ConfigurationError, match=rf"never serves {plural} in v1: there are .*pods"):
            use(resource)


def test_what_a_definition_may_add_later_can_be_denied_before(server: APIServer) -> None:
    things = NamespacedResource[Any]("example.com", "v1", "things", "Thing")
    server.deny(things)
    server.faults.add(Status(500), resource=things, times=None)
    server.register(things)
    assert ask(server, "/apis/example.com/v1/things").status == 500
    server.faults.clear()
    assert ask(server, "/apis/example.com/v1/things").status == 403


def test_a_fault_of_one_namespace_cuts_off_no_other(server: APIServer) -> None:
    server.faults.add(Refuse(), namespace="default", times=None)
    with pytest.raises(OSError):
        ask(server, PODS)
    assert ask(server, "/api/v1/namespaces/kube-system/pods").status == 200
    assert ask(server, ALL_PODS).status == 200
