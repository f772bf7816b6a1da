"""One address is one resource, however it is spelled, and what it was taken for by mistake is said."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from informers import (
    ClusterResource,
    ConfigurationError,
    DynamicSharedInformerFactory,
    KindOptions,
    MetadataSharedInformerFactory,
    NamespacedResource,
    SharedInformerFactory,
    StoppedError,
)
from informers.kinds import GroupVersion, core, namespaced
from informers.testing import APIServer, RecordingHandler, Status
from tests.waiting import QUICK, Failures, eventually
from tests.widgets import WIDGETS, definition, widget

PODS: NamespacedResource[Any] = NamespacedResource("", "v1", "pods")
TYPED = core.V1.pods


@attrs.frozen
class First:
    metadata: dict[str, Any]

    @classmethod
    def make(cls, mapping: dict[str, Any]) -> First:
        return cls(mapping["metadata"])


class Second(First):
    pass


class FirstV1(GroupVersion, group="example.com", version="v1"):
    widgets: namespaced[First] = namespaced("Widget", decode=First.make)


class SecondV1(GroupVersion, group="example.com", version="v1"):
    widgets: namespaced[First] = namespaced("Widget", decode=Second.make)


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


def pod(name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }


def test_a_resource_is_its_address_whatever_its_kind_and_its_objects_are() -> None:
    assert TYPED == PODS
    assert {TYPED: 1}[PODS] == 1
    assert ClusterResource("", "v1", "pods") == PODS, "an address has one scope on a server"
    assert NamespacedResource("", "v2", "pods") != PODS
    assert PODS != "pods"


@pytest.mark.parametrize("factory_class", [DynamicSharedInformerFactory, MetadataSharedInformerFactory])
def test_overrides_of_a_typed_row_hold_in_the_other_factories(server: APIServer, factory_class: Any) -> None:
    server.create(pod("a", app="web"))
    server.create(pod("b"))
    overrides = {TYPED: KindOptions(label_selector="app=web")}
    with factory_class(server.client(), overrides=overrides) as factory:
        pods = factory.for_resource("", "v1", "pods")
        factory.start()
        assert factory.wait_for_cache_sync(timeout=10)
        assert list(pods.informer.indexer.keys()) == ["default/a"]


def test_a_row_may_be_given_in_place_of_its_names(server: APIServer) -> None:
    server.create(pod("a"))
    with DynamicSharedInformerFactory(server.client()) as factory:
        pods = factory.for_resource(TYPED)
        nodes = factory.for_resource(core.V1.nodes)
        factory.start()
        assert factory.wait_for_cache_sync(timeout=10)
        assert type(pods.lister.namespace("default").get("a")) is dict
        assert nodes.lister.list() == []
        assert factory.for_resource("", "v1", "pods") is pods


@pytest.mark.parametrize("more", [{"version": "v1"}, {"plural": "pods"}, {"namespaced": False}])
def test_a_row_with_more_beside_it_is_refused(server: APIServer, more: dict[str, Any]) -> None:
    factory: Any = DynamicSharedInformerFactory(server.client())
    with pytest.raises(ConfigurationError, match="takes a resource or names"):
        factory.for_resource(TYPED, **more)


def test_the_wrong_scope_of_a_kind_that_the_table_knows_is_refused(server: APIServer) -> None:
    factory = DynamicSharedInformerFactory(server.client())
    with pytest.raises(ConfigurationError, match=r"nodes \(v1\) have no namespaces: give namespaced=False"):
        factory.for_resource("", "v1", "nodes")
    with pytest.raises(ConfigurationError, match=r"pods \(v1\) have namespaces: give namespaced=True"):
        factory.for_resource("", "v1", "pods", namespaced=False)


@pytest.mark.parametrize("later", [False, True])
def test_the_first_object_shows_the_wrong_scope_of_a_kind_that_the_table_does_not_know(
    server: APIServer, caplog: pytest.LogCaptureFixture, later: bool
) -> None:
    caplog.set_level(logging.ERROR, "informers.source")
    server.create(definition())
    if not later:
        server.create(widget("a"))
    with DynamicSharedInformerFactory(server.client()) as factory:
        widgets = factory.for_resource("example.com", "v1", "widgets", namespaced=False)
        factory.start()
        assert factory.wait_for_cache_sync(timeout=10)
        if later:
            server.create(widget("a"))
        server.create(widget("b"))
        eventually(lambda: len(widgets.informer.indexer) == 2)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "widgets.example.com (example.com/v1) have namespaces, as the object default/a shows" in said[0]
    assert "namespaced=True" in said[0]


def test_a_second_class_for_one_address_is_refused_with_both_names(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    assert factory.version(FirstV1).widgets is factory.version(FirstV1).widgets
    with pytest.raises(ConfigurationError, match=r"First\.make .*Second\.make .*use a second factory"):
        _ = factory.version(SecondV1).widgets
    with pytest.raises(ConfigurationError, match=r"First\.make in namespaces.*plain mappings in namespaces"):
        factory.namespaced_kind(WIDGETS)
    with pytest.raises(ConfigurationError, match=r"plain mappings of the whole cluster"):
        factory.cluster_kind(ClusterResource[Any]("example.com", "v1", "widgets"))


def test_after_a_release_the_address_is_free_for_another_class(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    first = factory.version(FirstV1).widgets
    assert factory.release(WIDGETS)
    assert factory.version(SecondV1).widgets.informer is not first.informer


@pytest.mark.parametrize("spelled", [TYPED, PODS])
def test_the_test_server_knows_a_resource_in_each_spelling(server: APIServer, spelled: Any) -> None:
    from kubernetes import client

    api = client.CoreV1Api(server.client())
    server.deny(spelled)
    with pytest.raises(client.ApiException, match="403"):
        api.list_pod_for_all_namespaces()
    server.allow()
    server.faults.add(Status(500), resource=spelled)
    with pytest.raises(client.ApiException, match="500"):
        api.list_pod_for_all_namespaces()
    assert [request.resource for request in server.requests] == [spelled, spelled]


def test_two_versions_of_one_resource_differ_in_every_message(server: APIServer) -> None:
    failures = Failures()
    factory = DynamicSharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
    first = factory.for_resource("example.com", "v1", "gizmos")
    assert first.informer.name == "gizmos.example.com"
    second = factory.for_resource("example.com", "v2", "gizmos")
    registration = first.informer.add_event_handler(RecordingHandler[Any]())
    with factory:
        failures.wait_for(lambda failure: failure.resource == "gizmos.example.com v1")
        failures.wait_for(lambda failure: failure.resource == "gizmos.example.com v2")
        result = factory.wait_for_cache_sync(timeout=0)
        assert list(result.unsynced) == ["gizmos.example.com v1", "gizmos.example.com v2"]
        assert all(f"gizmos.example.com {version}: " in str(factory.health()) for version in ("v1", "v2"))
        assert registration.name.endswith("of gizmos.example.com v1")
        assert "gizmos.example.com v2" in repr(second.informer)
    with pytest.raises(StoppedError, match=r"the informer of gizmos\.example\.com v1 has been stopped"):
        first.informer.relist()
