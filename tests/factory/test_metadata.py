"""Metadata alone: what is asked for, what comes, and how much less that is."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from informers import DynamicSharedInformerFactory, MetadataSharedInformerFactory, PartialObjectMetadata, object_name
from informers._factory.base import InformerFactory
from informers.kinds import core
from informers.source._transport.transport import Body
from informers.testing import APIServer, RecordingHandler
from tests.waiting import QUICK, eventually
from tests.widgets import WIDGETS, definition, widget

if TYPE_CHECKING:
    from informers.testing.controlplane import ControlPlane


def config_map(name: str, size: int = 0) -> dict[str, Any]:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        # Such as does not pack.
        "data": {"text": random.Random(name).randbytes(size // 2).hex()},
    }


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what came over the wire."""
    sizes: list[int] = []
    arriving = Body._arriving

    def counted(body: Body) -> Iterator[bytes]:
        for block in arriving(body):
            sizes.append(len(block))
            yield block

    monkeypatch.setattr(Body, "_arriving", counted)
    return sizes


def synced(factory: InformerFactory) -> int:
    """Run a factory until it is synced; return the bytes that its caches take."""
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        return sum(informer.bytes for informer in factory.health().informers)


def test_objects_have_their_metadata_and_nothing_else(server: APIServer) -> None:
    server.create(config_map("m", 10))
    factory = MetadataSharedInformerFactory(server.client())
    config_maps = factory.for_resource("", "v1", "configmaps")
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        found = config_maps.lister.namespace("default").get("m")
        assert isinstance(found, PartialObjectMetadata)
        assert (found.metadata.name, found.metadata.labels) == ("m", {"app": "web"})
        assert sorted(found.to_dict()) == ["apiVersion", "kind", "metadata"]
        assert str(object_name(found)) == "default/m"
        assert config_maps.lister.list(label_selector="app=web") == [found]


def test_the_server_is_asked_for_no_more(server: APIServer, received: list[int]) -> None:
    server.create(config_map("m", 100_000))
    factory = MetadataSharedInformerFactory(server.client())
    _ = factory.for_resource("", "v1", "configmaps")
    synced(factory)
    assert 0 < sum(received) < 3_000


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "in pages"])
def test_a_fraction_of_the_bytes_comes_and_is_kept(streaming: bool, received: list[int]) -> None:
    with APIServer(streaming_lists=streaming) as server:
        for number in range(100):
            server.create(config_map(f"m{number}", 5_000))
        got: list[tuple[int, int]] = []
        for factory in (
            MetadataSharedInformerFactory(server.client()),
            DynamicSharedInformerFactory(server.client()),
        ):
            received.clear()
            _ = factory.for_resource("", "v1", "configmaps")
            kept = synced(factory)
            got.append((sum(received), kept))
    (wire, kept), (whole_wire, whole_kept) = got
    print(f"on the wire {wire} of {whole_wire} bytes, in the cache {kept} of {whole_kept}")
    assert wire < whole_wire / 5
    assert kept < whole_kept / 5


def test_changes_and_deletions_arrive(server: APIServer) -> None:
    server.create(config_map("m"))
    factory = MetadataSharedInformerFactory(server.client())
    handler = RecordingHandler[PartialObjectMetadata]()
    factory.for_resource("", "v1", "configmaps").informer.add_event_handler(handler)
    with factory:
        handler.wait_for(1)
        server.patch(core.V1.config_maps, "m", {"metadata": {"labels": {"app": "api"}}})
        handler.wait_for(2)
        server.delete(core.V1.config_maps, "m")
        update, deletion = handler.wait_for(3)[1:]
    assert update.old is not None
    assert update.obj is not None
    assert (update.old.metadata.labels, update.obj.metadata.labels) == ({"app": "web"}, {"app": "api"})
    assert str(deletion) == "delete default/m"
    assert isinstance(deletion.obj, PartialObjectMetadata)


def test_a_deletion_that_was_missed_comes_as_a_tombstone(server: APIServer) -> None:
    server.create(config_map("m"))
    factory = MetadataSharedInformerFactory(server.client(), options=QUICK)
    handler = RecordingHandler[PartialObjectMetadata]()
    factory.for_resource("", "v1", "configmaps").informer.add_event_handler(handler)
    with factory:
        handler.wait_for(1)
        server.stop_accepting()
        server.delete(core.V1.config_maps, "m")
        server.compact()
        server.resume_accepting()
        told = handler.wait_for(2)[1]
    assert str(told) == "delete default/m (tombstone)"
    assert told.obj is not None
    assert told.obj.metadata.name == "m"


def test_a_transform_may_drop_what_nobody_reads(server: APIServer) -> None:
    server.create(config_map("m"))

    def without_labels(obj: PartialObjectMetadata) -> PartialObjectMetadata:
        obj.metadata.labels = None
        return obj

    factory = MetadataSharedInformerFactory(server.client(), transform=without_labels)
    config_maps = factory.for_resource("", "v1", "configmaps")
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert config_maps.lister.namespace("default").get("m").metadata.labels is None
        assert config_maps.lister.list(label_selector="app=web") == []


def test_custom_and_cluster_wide_resources_have_metadata_too(server: APIServer) -> None:
    server.create(definition())
    server.create(widget("w", size=1))
    server.create({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node-1"}})
    factory = MetadataSharedInformerFactory(server.client())
    widgets = factory.for_resource(WIDGETS.group, WIDGETS.version, WIDGETS.plural)
    nodes = factory.for_resource("", "v1", "nodes", namespaced=False)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert widgets.lister.namespace("default").get("w").metadata.name == "w"
        assert nodes.lister.get("node-1").metadata.name == "node-1"


def test_the_media_type_names_the_form_for_lists_and_for_watches(server: APIServer, received: list[int]) -> None:
    from informers.source.listwatch import ListWatch

    source = ListWatch[Any](server.client(), core.V1.config_maps, metadata_only=True)
    assert [re.sub(r";.*(as=\w+).*", r" \1", source._accept.format(form)) for form in ("List", "")] == [
        "application/json as=PartialObjectMetadataList",
        "application/json as=PartialObjectMetadata",
    ]
    source.close()


def test_a_real_server_sends_a_fraction_of_the_bytes(control_plane: ControlPlane, received: list[int]) -> None:
    from kubernetes import client

    api_client = control_plane.client()
    core_api = client.CoreV1Api(api_client)
    core_api.create_namespace({"metadata": {"name": "metadata-only"}})
    for number in range(20):
        body = config_map(f"m{number}", 5_000)
        body["metadata"]["namespace"] = "metadata-only"
        core_api.create_namespaced_config_map("metadata-only", body)
    got: list[int] = []
    for factory in (
        MetadataSharedInformerFactory(api_client, namespace="metadata-only"),
        DynamicSharedInformerFactory(api_client, namespace="metadata-only"),
    ):
        received.clear()
        informer = factory.for_resource("", "v1", "configmaps").informer
        with factory:
            assert factory.wait_for_cache_sync(timeout=20)
            assert len(informer.indexer) >= 20
            eventually(lambda: factory.health().is_live)  # noqa: B023  called here
            got.append(sum(received))
    print(f"on the wire {got[0]} of {got[1]} bytes")
    assert got[0] < got[1] / 5, got
