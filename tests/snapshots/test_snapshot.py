"""Caches that outlive their process: what is saved, what is refused and why, and how a later process goes on."""

from __future__ import annotations

import errno
import functools
import json
import logging
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from informers import (
    ConfigurationError,
    DynamicSharedInformerFactory,
    KindOptions,
    MetadataSharedInformerFactory,
    PartialObjectMetadata,
    Shard,
    SharedInformerFactory,
    SnapshotResult,
    StoppedError,
)
from informers._factory.base import InformerFactory
from informers.errors import DecodeError, ExpiredError, SnapshotError, TooLargeResourceVersionError
from informers.kinds import GroupVersion, core, namespaced
from informers.snapshots.files import FormatError, read_pieces, write_pieces
from informers.source._bytes import codecs
from informers.source._transport.cluster_id import Cluster, identify
from informers.testing import APIServer, RecordingHandler
from informers.testing.faults import Expire, NoBookmarks, Status
from tests.source.wire import Connection, chunk, client, serving
from tests.waiting import QUICK, Failures, eventually
from tests.widgets import V1, WIDGETS, definition, widget

MAPS = core.V1.config_maps


def config_map(name: str, value: str = "", *, namespace: str = "default", **labels: str) -> dict[str, Any]:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "data": {"value": value},
    }


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer(bookmark_interval=0.02) as running:
        for name in ("changed", "deleted", "kept"):
            running.create(config_map(name, "before"))
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "caches"


def factory_of(server: APIServer, **options: Any) -> SharedInformerFactory:
    factory = SharedInformerFactory(server.client(), 0, options=QUICK, **options)
    assert factory.core.v1.config_maps
    return factory


def saved(factory: InformerFactory, path: Path, **options: Any) -> SnapshotResult:
    """Run a factory until it has synced, and save it."""
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
    return factory.save(path, **options)


@attrs.frozen
class SlimMap:
    """An application's own view of a ConfigMap."""

    metadata: dict[str, Any]

    @property
    def name(self) -> str:
        return self.metadata["name"]

    @classmethod
    def from_dict(cls, obj: dict[str, Any]) -> SlimMap:
        return cls(obj["metadata"])


class Slim(GroupVersion, group="", version="v1"):
    config_maps: namespaced[SlimMap] = namespaced("ConfigMap", decode=SlimMap.from_dict)


@attrs.frozen(eq=False)
class Next:
    """The next process."""

    factory: SharedInformerFactory
    handler: RecordingHandler[Any]
    failures: Failures
    result: SnapshotResult


def loaded(server: APIServer, path: Path, *, load: dict[str, Any] | None = None, **options: Any) -> Next:
    failures = Failures()
    factory = factory_of(server, watch_error_handler=failures, **options)
    handler = RecordingHandler[Any]()
    factory.core.v1.config_maps.informer.add_event_handler(handler)
    return Next(factory, handler, failures, factory.load(path, **load or {}))


def values(factory: SharedInformerFactory) -> dict[str, str]:
    return {m.metadata.name: m.data["value"] for m in factory.core.v1.config_maps.lister.list()}


def lists(server: APIServer) -> list[dict[str, str]]:
    """What every list asked for; that of one object, which shows the newest version, is none."""
    asked = [r.query for r in server.requests if r.resource == MAPS and r.verb in {"list", "watch"}]
    return [q for q in asked if q.get("sendInitialEvents") or (not q.get("watch") and q.get("limit") != "1")]


def live_on(server: APIServer) -> None:
    """What happens while nobody watches."""
    server.delete(MAPS, "deleted")
    server.update(config_map("changed", "after"))
    server.create(config_map("new", "new"))


class TestGoingOn:
    def test_a_later_process_watches_on_without_a_list(self, server: APIServer, path: Path) -> None:
        assert str(saved(factory_of(server), path)) == "3 configmaps"
        live_on(server)
        before = len(lists(server))
        later = loaded(server, path)
        assert later.result
        assert later.result.objects == {"configmaps": 3}
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert values(later.factory) == {"changed": "after", "kept": "before", "new": "new"}
            events = later.handler.wait_for(6)
            assert later.factory.health().is_live
        assert sorted(map(str, events[:3])) == [
            f"add default/{name} (initial)" for name in ("changed", "deleted", "kept")
        ]
        assert [str(event) for event in events[3:]] == [
            "delete default/deleted",
            "update default/changed",
            "add default/new (initial)",
        ]
        assert events[4].old.data == {"value": "before"}
        assert events[4].obj.data == {"value": "after"}
        assert lists(server)[before:] == []
        assert len(lists(server)) == before

    def test_where_nothing_has_happened_it_has_synced_at_once(self, path: Path) -> None:
        with APIServer() as server:
            server.create(config_map("kept", "before"))
            saved(factory_of(server), path)
            later = loaded(server, path)
            with later.factory:
                assert later.factory.wait_for_cache_sync(timeout=10)
                server.create(config_map("new", "new"))
                eventually(lambda: values(later.factory) == {"kept": "before", "new": "new"})
            assert len(lists(server)) == 1

    def test_a_version_that_is_too_old_is_followed_by_a_list_and_what_is_gone_by_tombstones(
        self, server: APIServer, path: Path
    ) -> None:
        saved(factory_of(server), path)
        live_on(server)
        server.compact()
        later = loaded(server, path)
        assert later.result
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            events = later.handler.wait_for(6)
            assert values(later.factory) == {"changed": "after", "kept": "before", "new": "new"}
        assert sorted(map(str, events[3:])) == [
            "add default/new (initial)",
            "delete default/deleted (tombstone)",
            "update default/changed",
        ]
        tombstone = next(event for event in events if event.is_tombstone)
        assert tombstone.obj.data == {"value": "before"}
        update = next(event for event in events if event.type == "update")
        assert (update.old.data, update.obj.data) == ({"value": "before"}, {"value": "after"})
        later.failures.wait_for(lambda failure: isinstance(failure.error, ExpiredError))

    def test_so_is_a_version_that_expires_when_the_watch_has_been_opened(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)
        live_on(server)
        server.faults.add(Expire(), verb="watch", resource=MAPS, times=1)
        later = loaded(server, path)
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert values(later.factory) == {"changed": "after", "kept": "before", "new": "new"}
        later.failures.wait_for(lambda failure: isinstance(failure.error, ExpiredError))

    def test_a_server_put_back_to_a_backup_is_listed(self, server: APIServer, path: Path) -> None:
        for _ in range(20):
            server.advance_version()
        server.create(config_map("late"))
        saved(factory_of(server), path)
        port = int(server.url.rpartition(":")[2])
        server.stop()
        # The uid of kube-system is the seed's: it is the same cluster, at a lower version.
        with APIServer(port=port) as restored:
            restored.create(config_map("old", "old"))
            later = loaded(restored, path)
            assert later.result
            with later.factory:
                assert later.factory.wait_for_cache_sync(timeout=10)
                assert values(later.factory) == {"old": "old"}
                later.handler.wait_for(9)
            later.failures.wait_for(lambda failure: isinstance(failure.error, TooLargeResourceVersionError))
        assert later.handler.texts().count("delete default/late (tombstone)") == 1

    def test_it_has_not_synced_before_the_server_has_said_what_has_happened(
        self, server: APIServer, path: Path
    ) -> None:
        saved(factory_of(server), path)
        live_on(server)
        later = loaded(server, path)
        refusal = server.faults.add(Status(503), resource=MAPS, times=None)
        with later.factory:
            later.handler.wait_for(3)
            later.failures.wait_for(lambda failure: "503" in str(failure.error))
            result = later.factory.wait_for_cache_sync(timeout=0)
            assert "503" in result.unsynced["configmaps"]
            assert not later.factory.health().is_live
            assert "deleted" in values(later.factory)
            server.faults.remove(refusal)
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert "deleted" not in values(later.factory)

    def test_while_it_catches_up_it_says_so(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)
        server.advance_version()
        server.faults.add(NoBookmarks(), verb="watch", resource=MAPS)
        later = loaded(server, path)
        with later.factory:
            eventually(lambda: "catching up" in str(later.factory.health()))
            assert "catching up" in later.factory.wait_for_cache_sync(timeout=0).unsynced["configmaps"]
            server.create(config_map("new"))
            # An event that is as new as the newest version there was shows as much as a bookmark does.
            assert later.factory.wait_for_cache_sync(timeout=10)
        assert len(lists(server)) == 1

    def test_a_server_without_bookmarks_is_listed(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)
        server.delete(MAPS, "deleted")
        server.advance_version()
        server.faults.add(NoBookmarks(), verb="watch", resource=MAPS)
        later = loaded(server, path)
        with later.factory:
            eventually(lambda: "catching up" in str(later.factory.health()))
            server.drop_watches(MAPS)
            later.failures.wait_for(lambda failure: "without a bookmark" in str(failure))
            eventually(lambda: len(lists(server)) == 2)

    def test_a_resource_that_is_no_longer_served_is_not_taken_for_synced(self, server: APIServer, path: Path) -> None:
        server.create(definition())
        server.create(widget("w", size=1))
        first = DynamicSharedInformerFactory(server.client())
        first.for_resource("example.com", "v1", "widgets")
        assert saved(first, path)
        from informers.kinds import apiextensions

        server.delete(apiextensions.V1.custom_resource_definitions, "widgets.example.com")
        failures = Failures()
        later = DynamicSharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
        widgets = later.for_resource("example.com", "v1", "widgets")
        handler = RecordingHandler[Any]()
        widgets.informer.add_event_handler(handler)
        assert later.load(path)
        with later:
            failures.wait_for(lambda failure: "404" in str(failure))
            assert "404" in later.wait_for_cache_sync(timeout=0).unsynced["widgets.example.com"]
            server.create(definition())
            assert later.wait_for_cache_sync(timeout=10)
            assert widgets.lister.list() == []
            handler.wait_for(2)
        assert handler.texts() == ["add default/w (initial)", "delete default/w (tombstone)"]

    def test_several_namespaces_continue_each_from_its_own_version(self, path: Path) -> None:
        with APIServer(bookmark_interval=0.02, namespaces=["a", "b"]) as server:
            for namespace in "ab":
                server.create(config_map("gone", namespace=namespace))
            saved(factory_of(server, namespace=["a", "b"]), path)
            server.delete(MAPS, "gone", namespace="a")
            server.create(config_map("new", namespace="b"))
            later = loaded(server, path, namespace=["b", "a"])
            assert later.result
            with later.factory:
                assert later.factory.wait_for_cache_sync(timeout=10)
                keys = later.factory.core.v1.config_maps.informer.indexer.keys()
                assert sorted(keys) == ["b/gone", "b/new"]
            assert later.failures._told == []
            assert len(lists(server)) == 2

    def test_of_several_namespaces_one_whose_bookmark_is_missing_is_waited_for(self, path: Path) -> None:
        with APIServer(bookmark_interval=0.02, namespaces=["a", "b"]) as server:
            saved(factory_of(server, namespace=["a", "b"]), path)
            server.advance_version()
            server.faults.add(NoBookmarks(), verb="watch", when=lambda request: request.namespace == "b")
            later = loaded(server, path, namespace=["a", "b"])
            with later.factory:
                health = later.factory.core.v1.config_maps.informer.health
                eventually(lambda: [watch.state.name for watch in health().watches] == ["WATCHING", "CATCHING_UP"])
                reason = later.factory.wait_for_cache_sync(timeout=0).unsynced["configmaps"]
                assert "b: catching up" in reason

    def test_a_namespace_that_is_removed_before_the_start_leaves_nothing(self, path: Path) -> None:
        with APIServer(bookmark_interval=0.02, namespaces=["a", "b"]) as server:
            for namespace in "ab":
                server.create(config_map("m", namespace=namespace))
            saved(factory_of(server, namespace=["a", "b"]), path)
            later = loaded(server, path, namespace=["a", "b"])
            later.factory.remove_namespace("b")
            with later.factory:
                assert later.factory.wait_for_cache_sync(timeout=10)
                assert later.factory.core.v1.config_maps.informer.indexer.keys() == ["a/m"]
            assert saved_keys(later.factory, path) == ["a/m"]


def saved_keys(factory: SharedInformerFactory, path: Path) -> list[str]:
    assert factory.save(path)
    return sorted(record.key for record in factory.core.v1.config_maps.informer.snapshot().records)


class TestWhatIsSaved:
    def test_it_may_be_saved_while_events_flow(self, server: APIServer, path: Path) -> None:
        """Whatever moment it is saved at, a later process ends where the server is."""
        factory = factory_of(server)
        end = threading.Event()

        def write() -> None:
            number = 0
            while not end.is_set():
                number += 1
                server.update(config_map("changed", str(number)))
                server.create(config_map(f"x-{number}"))
                server.delete(MAPS, f"x-{number}")

        with factory:
            assert factory.wait_for_cache_sync(timeout=10)
            writer = threading.Thread(target=write)
            writer.start()
            try:
                for number in range(5):
                    assert factory.save(path.with_suffix(f".{number}"))
            finally:
                end.set()
                writer.join()
        there = {obj["metadata"]["name"]: obj["data"]["value"] for obj in server.list(MAPS)}
        for number in range(5):
            later = loaded(server, path.with_suffix(f".{number}"))
            with later.factory:
                assert later.factory.wait_for_cache_sync(timeout=10)
                eventually(lambda later=later: values(later.factory) == there)
            versions: dict[str, int] = {}
            for event in later.handler.events:
                version = int(event.obj.metadata.resource_version)
                assert versions.get(event.key, 0) < version, "states come in their order"
                versions[event.key] = version
        assert len(lists(server)) == 1

    def test_a_process_that_went_on_may_be_saved_again(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)
        for _ in range(3):
            server.create(config_map(f"more-{server.advance_version()}", "x" * 2_000))
            later = loaded(server, path)
            assert saved(later.factory, path)
        assert len(values(later.factory)) == 6
        assert len(lists(server)) == 1

    def test_only_what_is_whole_is_saved(self, server: APIServer, path: Path) -> None:
        factory = factory_of(server)
        result = factory.save(path)
        assert not result
        assert "not synced" in result.refused["configmaps"]
        assert not path.exists()
        assert saved(factory, path)
        before = path.read_bytes()
        assert not factory_of(server).save(path)
        assert path.read_bytes() == before, "what could be saved earlier stays"

    def test_a_cache_with_unreadable_objects_is_not_saved(self, server: APIServer, path: Path) -> None:
        result = saved(factory_of(server, transform=refuse_changed), path, revision="1")
        assert "set aside, for example default/changed" in result.refused["configmaps"]

    def test_the_others_are_saved_all_the_same(self, server: APIServer, path: Path) -> None:
        factory = factory_of(server, transform=refuse_changed)
        assert factory.core.v1.namespaces
        result = saved(factory, path, revision="1")
        assert list(result.refused) == ["configmaps"]
        assert result.objects == {"namespaces": 4}
        assert str(result).startswith("4 namespaces; without configmaps: not whole")

    @pytest.mark.skipif(os.name == "nt", reason="there permissions are the folder's")
    def test_only_its_owner_may_read_it(self, server: APIServer, path: Path) -> None:
        path.touch(mode=0o644)
        saved(factory_of(server), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_kind_that_was_not_saved_is_listed(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)
        later = factory_of(server)
        assert later.core.v1.namespaces
        result = later.load(path)
        assert result.objects == {"configmaps": 3}
        assert "has nothing of it" in result.refused["namespaces"]
        with later:
            assert later.wait_for_cache_sync(timeout=10)
            assert len(later.core.v1.namespaces.lister.list()) == 4

    def test_a_kind_that_nobody_wants_any_more_is_passed_over(self, server: APIServer, path: Path) -> None:
        factory = SharedInformerFactory(server.client())
        assert factory.core.v1.namespaces
        assert factory.core.v1.config_maps
        assert factory.core.v1.secrets
        saved(factory, path)
        assert loaded(server, path).result

    def test_large_and_small_objects_and_odd_names_and_labels_come_back_as_they_were(
        self, server: APIServer, path: Path
    ) -> None:
        for number in range(1_100):
            server.create(
                config_map(f"m.{number}", "ü\u2028" * (number % 7) * 100, app=f"a{number % 3}", n=str(number))
            )
        first = factory_of(server)
        saved(first, path)
        later = loaded(server, path)
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)

            def content(factory: SharedInformerFactory) -> dict[str, Any]:
                records = factory.core.v1.config_maps.informer.indexer.records()
                return {
                    r.key: (r.namespace, r.resource_version, r.uid, r.labels, r.object().to_dict()) for r in records
                }

            assert content(later.factory) == content(first)
            lister, first_lister = later.factory.core.v1.config_maps.lister, first.core.v1.config_maps.lister
            assert len(lister.list(label_selector="app=a1")) == len(first_lister.list(label_selector="app=a1"))


def refuse_changed(obj: Any) -> Any:
    if obj.metadata.name == "changed":
        raise ValueError("not that one")
    return obj


def shorten(obj: Any) -> Any:
    obj.data = {"value": obj.data["value"][:2]}
    return obj


def lengthen(obj: Any) -> Any:
    obj.data = {"value": obj.data["value"] * 2}
    return obj


class TestWhatIsNotTheSame:
    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            ({}, {"label_selector": "app=web"}, "another label selector '', now 'app=web'"),
            ({"field_selector": "metadata.name=x"}, {}, "another field selector 'metadata.name=x', now ''"),
            ({}, {"namespace": "default"}, "it is of all namespaces"),
            ({"namespace": ["default", "kube-system"]}, {"namespace": "default"}, "namespaces default, kube-system"),
            ({}, {"drop_managed_fields": True}, "another managed fields 'kept', now 'dropped'"),
            ({}, {"transform": shorten}, "another transform"),
            ({"transform": lengthen}, {"transform": shorten}, "lengthen"),
            ({}, {"tweak": lambda options: options}, "another tweak"),
            ({}, {"shard": Shard(0, of=2)}, "another shard"),
            ({}, {"overrides": {MAPS: KindOptions(label_selector="app=web")}}, "another label selector"),
        ],
    )
    def test_what_was_saved_under_other_terms_is_refused_and_listed(
        self, server: APIServer, path: Path, before: dict[str, Any], after: dict[str, Any], words: str
    ) -> None:
        saved(factory_of(server, **before), path, revision="1")
        later = loaded(server, path, load={"revision": "1"}, **after)
        assert later.result.objects == {}
        assert words in later.result.refused["configmaps"]
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
        assert len(lists(server)) > 1

    def test_every_option_of_a_kind_is_compared_or_makes_no_difference(self) -> None:
        compared = {
            "label_selector", "field_selector", "transform", "tweak", "drop_managed_fields", "shard", "namespace",
        }  # fmt: skip
        indifferent = {"resync_period", "indexers", "options"}
        assert {field.name for field in attrs.fields(KindOptions)} == compared | indifferent

    def test_the_same_selector_in_other_words_is_the_same(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server, label_selector="app in (a,b),x=y"), path)
        assert loaded(server, path, label_selector="app in (a,b),x=y").result
        assert saved(factory_of(server, label_selector={"app": "web"}), path)
        assert loaded(server, path, label_selector="app=web").result

    def test_what_a_transform_made_is_not_transformed_again(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server, transform=lengthen), path, revision="1")
        server.update(config_map("changed", "after"))
        later = loaded(server, path, transform=lengthen, load={"revision": "1"})
        assert later.result
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert values(later.factory) == {
                "changed": "afterafter", "deleted": "beforebefore", "kept": "beforebefore",
            }  # fmt: skip
            # A stop drops what a handler has not been told yet.
            later.handler.wait_for(4)
        assert later.handler.texts()[3:] == ["update default/changed"]

    @pytest.mark.parametrize("option", ["transform", "tweak"])
    def test_a_function_of_the_user_s_needs_a_revision(self, server: APIServer, path: Path, option: str) -> None:
        result = saved(factory_of(server, **{option: same}), path)
        assert f"it has a {option}" in result.refused["configmaps"]
        assert "give save() and load() a revision" in result.refused["configmaps"]
        assert not path.exists()

    def test_another_revision_is_refused(self, server: APIServer, path: Path) -> None:
        bound = functools.partial(shorten)
        result = saved(factory_of(server, transform=bound), path)
        assert "give save() and load() a revision" in result.refused["configmaps"]
        assert saved(factory_of(server, transform=bound), path, revision="1")
        assert loaded(server, path, transform=bound, load={"revision": "1"}).result
        refused = loaded(server, path, transform=bound, load={"revision": "2"}).result.refused["configmaps"]
        assert "another revision '1', now '2'" in refused
        assert "give save()" in loaded(server, path, transform=bound).result.refused["configmaps"]

    def test_metadata_alone_are_not_taken_for_whole_objects(self, server: APIServer, path: Path) -> None:
        first = MetadataSharedInformerFactory(server.client())
        first.for_resource("", "v1", "configmaps")
        assert saved(first, path)
        assert "another objects 'metadata', now 'whole'" in loaded(server, path).result.refused["configmaps"]
        later = MetadataSharedInformerFactory(server.client())
        kind = later.for_resource("", "v1", "configmaps")
        assert later.load(path)
        with later:
            assert later.wait_for_cache_sync(timeout=10)
            assert type(kind.lister.namespace("default").get("kept")) is PartialObjectMetadata

    def test_a_dynamic_and_a_typed_factory_read_each_other_s(self, server: APIServer, path: Path) -> None:
        first = DynamicSharedInformerFactory(server.client())
        first.for_resource("", "v1", "configmaps")
        assert saved(first, path)
        later = loaded(server, path)
        assert later.result
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert values(later.factory)["kept"] == "before"

    def test_kinds_of_one_s_own_are_saved_unless_a_transform_made_what_can_t_be_written(
        self, server: APIServer, path: Path
    ) -> None:
        server.create(definition())
        server.create(widget("w", size=3))

        def factory(**options: Any) -> SharedInformerFactory:
            made = SharedInformerFactory(server.client(), **options)
            assert made.version(V1).widgets
            return made

        assert saved(factory(), path)
        later = factory()
        assert later.load(path)
        with later:
            assert later.wait_for_cache_sync(timeout=10)
            assert later.version(V1).widgets.lister.namespace("default").get("w").size == 3
        result = saved(factory(transform=same), path, revision="1")
        assert "not as bytes from the server" in result.refused[str(WIDGETS)]

    def test_managed_fields_that_were_dropped_stay_so(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server, drop_managed_fields=True), path)
        later = loaded(server, path, drop_managed_fields=True)
        assert later.result
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert later.factory.core.v1.config_maps.lister.list()[0].metadata.managed_fields is None


def same(obj: Any) -> Any:
    return obj


class TestWhoseItIs:
    def test_another_cluster_s_is_refused(
        self, server: APIServer, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        saved(factory_of(server), path)
        with APIServer(seed=7, bookmark_interval=0.02) as other:
            other.create(config_map("else", "where"))
            caplog.set_level(logging.WARNING, "informers.snapshots")
            later = loaded(other, path)
            assert "is of another cluster: its kube-system has uid" in later.result.refused["configmaps"]
            assert "configmaps was not loaded: the file" in caplog.text
            with later.factory:
                assert later.factory.wait_for_cache_sync(timeout=10)
                assert values(later.factory) == {"else": "where"}

    def test_without_access_to_namespaces_clusters_differ_by_address_and_authority(
        self, server: APIServer, path: Path
    ) -> None:
        server.deny(core.V1.namespaces, verbs=["get"])
        saved(factory_of(server), path)
        assert loaded(server, path).result
        with APIServer(seed=7) as other:
            other.deny(core.V1.namespaces, verbs=["get"])
            assert "is of another cluster: it is at http" in loaded(other, path).result.refused["configmaps"]

    def test_clusters_differ_by_uid_whatever_their_address_and_by_authority_at_the_same(self) -> None:
        one = Cluster(uid="u", server="https://a", authority="x")
        assert one.is_other(Cluster(uid="u", server="https://b", authority="y")) == ""
        assert "uid u, not v" in one.is_other(Cluster(uid="v", server="https://a", authority="x"))
        assert one.is_other(Cluster(server="https://a", authority="x")) == ""
        assert "authority" in one.is_other(Cluster(server="https://a", authority="y"))

    def test_the_authority_is_that_of_the_certificates_wherever_they_lie(
        self, server: APIServer, tmp_path: Path
    ) -> None:
        server.deny(core.V1.namespaces, verbs=["get"])
        client = server.client()
        found = []
        for name, content in (("one", "A"), ("two", "A"), ("three", "B")):
            (tmp_path / name).write_text(content)
            client.configuration.ssl_ca_cert = str(tmp_path / name)
            found.append(identify(client).authority)
        assert found[0] == found[1] != found[2]

    def test_an_answer_about_the_cluster_that_does_not_end_is_refused(self) -> None:
        def script(connection: Connection) -> None:
            connection.request()
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:  # until the client goes
                connection.send(chunk(b"x" * 65536))

        with serving(script) as endless, pytest.raises(DecodeError, match="has more than 1048576 bytes"):
            identify(client(endless.url))

    def test_a_cluster_that_can_t_be_asked_leaves_it_refused(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)
        server.faults.add(Status(500), resource=core.V1.namespaces, verb="get")
        later = loaded(server, path)
        assert "its identity could not be read: 500" in later.result.refused["configmaps"]
        factory = factory_of(server)
        server.stop()
        assert "its identity could not be read: can't connect to 127.0.0.1:" in factory.load(path).refused["configmaps"]

    def test_caches_are_saved_though_the_cluster_can_t_be_asked_any_more(self, server: APIServer, path: Path) -> None:
        factory = factory_of(server)
        with factory:
            assert factory.wait_for_cache_sync(timeout=10)
        fault = server.faults.add(Status(500), resource=core.V1.namespaces, verb="get")
        assert factory.save(path)
        server.faults.remove(fault)
        assert loaded(server, path).result


class At:
    """A clock that stands still."""

    def __init__(self, time: float) -> None:
        self._time = time

    def monotonic(self) -> float:
        return self._time

    def time(self) -> float:
        return self._time

    def wait(self, condition: threading.Condition, timeout: float | None) -> None:
        raise AssertionError("nothing waits here")


class TestAge:
    def test_an_old_file_is_refused(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)

        def result(age: float, max_age: float | None = 86_400.0) -> SnapshotResult:
            factory = SharedInformerFactory(server.client(), clock=At(path.stat().st_mtime + age))
            assert factory.core.v1.config_maps
            return factory.load(path, max_age=max_age)

        assert result(86_000)
        assert "is too old: it was written 864" in result(86_410).refused["configmaps"]
        assert result(1e9, None)
        assert "too old" in result(61, 60).refused["configmaps"]
        assert "one of the clocks is wrong" in result(-1_000).refused["configmaps"]


class TestDamage:
    @pytest.fixture
    def content(self, server: APIServer, path: Path) -> bytes:
        server.create(config_map("large", "x" * 900))
        assert saved(factory_of(server), path)
        return path.read_bytes()

    @pytest.mark.usefixtures("content")
    def test_what_is_missing_to_unpack_it_is_said_and_a_list_is_made(
        self, server: APIServer, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if codecs.best_codec() is not codecs.Zstd:
            pytest.skip("zstd is not installed")

        def without_zstd() -> None:
            raise ImportError("no module named 'zstd'")

        monkeypatch.setattr(codecs, "_zstd", without_zstd)
        later = loaded(server, path)
        words = "it is packed with zstd: install informers[zstd], or use Python 3.14"
        assert later.result.refused["configmaps"] == words
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert "large" in values(later.factory)

    def check(self, path: Path) -> None:
        with pytest.raises(FormatError), read_pieces(path) as pieces:
            list(pieces)

    def test_a_file_that_is_cut_off_anywhere_is_refused(self, content: bytes, path: Path) -> None:
        for length in reversed(range(len(content))):
            os.truncate(path, length)
            self.check(path)

    @given(st.data())
    @settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_file_with_flipped_bits_is_refused(self, content: bytes, path: Path, data: st.DataObject) -> None:
        damaged = bytearray(content)
        flips = data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=9, unique=True))
        for flip in flips:
            damaged[flip // 8] ^= 1 << flip % 8
        path.write_bytes(damaged)
        self.check(path)

    @given(st.binary(min_size=1, max_size=200))
    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_so_is_one_with_something_behind_it(self, content: bytes, path: Path, tail: bytes) -> None:
        path.write_bytes(content + tail)
        self.check(path)

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            (b"", "is damaged or has another format"),
            (b"{}" * 100, "is not a snapshot"),
            (b"informers snapshot 1\n" + b"x" * 100, "another format than 2"),
            (b"informers snapshot 2\n" + b"x" * 100, "is damaged: its checksum is wrong"),
        ],
    )
    def test_a_list_is_made_and_the_reason_said(
        self, server: APIServer, path: Path, written: bytes, words: str
    ) -> None:
        path.write_bytes(written)
        later = loaded(server, path)
        assert words in later.result.refused["configmaps"]
        with later.factory:
            assert later.factory.wait_for_cache_sync(timeout=10)
            assert len(values(later.factory)) == 3

    @given(st.lists(st.binary(max_size=60), max_size=6))
    @settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_pieces_that_nobody_here_wrote_are_refused_though_their_checksum_is_right(
        self, server: APIServer, path: Path, pieces: list[bytes]
    ) -> None:
        write_pieces(path, pieces)
        factory = factory_of(server)
        assert "is not a snapshot that can be read here" in factory.load(path).refused["configmaps"]
        factory.stop()

    def test_what_a_file_says_is_refused_in_one_line(self, server: APIServer, path: Path) -> None:
        cluster = {"uid": "u\n\ud800", "server": "", "authority": ""}
        write_pieces(path, [json.dumps({"cluster": cluster, "created": time.time(), "kinds": []}).encode()])
        reason = loaded(server, path).result.refused["configmaps"]
        assert "is of another cluster" in reason
        assert reason.isprintable()

    def test_so_is_a_file_whose_last_block_lacks_and_nothing_of_it_is_used(
        self, server: APIServer, path: Path, content: bytes
    ) -> None:
        path.write_bytes(content)
        with read_pieces(path) as read:
            pieces = list(read)
        for count in range(len(pieces)):
            write_pieces(path, pieces[:count])
            later = loaded(server, path)
            assert later.result.objects == {}
            assert "can be read here" in later.result.refused["configmaps"]
        write_pieces(path, pieces)
        assert loaded(server, path).result

    def test_a_file_that_can_t_be_read_is_not_an_error(self, server: APIServer, path: Path) -> None:
        assert "there is no file" in loaded(server, path).result.refused["configmaps"]
        path.mkdir()
        assert "is not a regular file" in loaded(server, path).result.refused["configmaps"]
        assert "no file" in loaded(server, path / "deeper").result.refused["configmaps"]
        if hasattr(os, "mkfifo"):
            os.mkfifo(path.with_suffix(".pipe"))
            assert "is not a regular file" in loaded(server, path.with_suffix(".pipe")).result.refused["configmaps"]

    def test_the_first_time_causes_no_warning(
        self, server: APIServer, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "informers.snapshots")
        loaded(server, path)
        assert [record.levelname for record in caplog.records] == ["INFO"]


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestWriting:
    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_a_full_disk_leaves_what_was_there(
        self, server: APIServer, path: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        factory = factory_of(server)
        saved(factory, path)
        before = path.read_bytes()
        with monkeypatch.context() as patched:
            patched.setattr(os, call, no_space)
            with pytest.raises(
                SnapshotError, match="can't be written: No space left on device; the old file is unchanged"
            ):
                factory.save(path)
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]

    def test_so_does_a_file_that_would_be_larger_than_it_may_be(self, path: Path) -> None:
        write_pieces(path, [b"before"])
        resource = pytest.importorskip("resource", reason="this system has no such limit")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with pytest.raises(SnapshotError, match="File too large"):
                write_pieces(path, [b"x" * 60_000] * 3)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with read_pieces(path) as pieces:
            assert list(pieces) == [b"before"]
        assert list(path.parent.iterdir()) == [path]

    def test_a_folder_that_is_not_there_is_said(self, server: APIServer, path: Path) -> None:
        factory = factory_of(server)
        with factory:
            assert factory.wait_for_cache_sync(timeout=10)
        with pytest.raises(SnapshotError, match="No such file or directory") as caught:
            factory.save(path / "deeper")
        assert isinstance(caught.value, OSError)
        path.mkdir()
        with pytest.raises(SnapshotError, match="directory"):
            factory.save(path)
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    def test_what_is_not_a_regular_file_does_not_give_way(self, path: Path) -> None:
        os.mkfifo(path)
        with pytest.raises(SnapshotError, match="not a regular file"):
            write_pieces(path, [b"piece"])
        assert stat.S_ISFIFO(path.stat().st_mode)
        assert list(path.parent.iterdir()) == [path]

    def test_the_last_writer_wins_and_readers_see_one_or_the_other(self, path: Path) -> None:
        contents = [[bytes([number]) * 50_000] * 4 for number in range(3)]

        def write(pieces: list[bytes]) -> None:
            for _ in range(10):
                write_pieces(path, pieces)

        write(contents[0])
        writers = [threading.Thread(target=write, args=[pieces]) for pieces in contents]
        for writer in writers:
            writer.start()
        seen = 0
        while any(writer.is_alive() for writer in writers):
            with read_pieces(path) as pieces:
                assert list(pieces) in contents
            seen += 1
        for writer in writers:
            writer.join()
        assert seen
        assert list(path.parent.iterdir()) == [path]

    def test_an_interrupt_leaves_no_half_file(self, path: Path) -> None:
        def pieces() -> Iterator[bytes]:
            yield b"x"
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_pieces(path, pieces())
        assert list(path.parent.iterdir()) == []

    def test_a_link_stays_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "target")
        write_pieces(tmp_path / "link", [b"x"])
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").exists()

    @given(st.lists(st.binary(max_size=2_000)))
    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_pieces_come_back_as_they_were(self, path: Path, pieces: list[bytes]) -> None:
        assert write_pieces(path, pieces) == path.stat().st_size
        with read_pieces(path) as read:
            assert list(read) == pieces


class TestMistakes:
    @pytest.mark.parametrize("path", [None, 3, "", b"caches", "a\0b"])
    def test_no_path(self, server: APIServer, path: Any) -> None:
        factory = factory_of(server)
        for call in (factory.save, factory.load):
            with pytest.raises(ConfigurationError, match="path must be that of a file"):
                call(path)

    def test_no_revision_and_no_age(self, server: APIServer, path: Path) -> None:
        factory = factory_of(server)
        with pytest.raises(ConfigurationError, match="revision must be a text"):
            factory.save(path, revision=3)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="max_age"):
            factory.load(path, max_age=-1)

    def test_loading_before_a_kind_has_been_asked_for(self, server: APIServer, path: Path) -> None:
        with pytest.raises(ConfigurationError, match="no informer has been asked for yet"):
            SharedInformerFactory(server.client()).load(path)

    def test_loading_too_late(self, server: APIServer, path: Path) -> None:
        saved(factory_of(server), path)
        later = loaded(server, path)
        assert "loaded already" in later.factory.load(path).refused["configmaps"]
        with later.factory:
            assert "started already" in later.factory.load(path).refused["configmaps"]
        with pytest.raises(StoppedError):
            later.factory.load(path)
