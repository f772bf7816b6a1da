"""Several namespaces in one factory: one cache, one watch each, added and removed while running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from informers import (
    ConfigurationError,
    KindOptions,
    ListTurns,
    NotFoundError,
    SharedInformer,
    SharedInformerFactory,
    StoppedError,
    WatchFailure,
)
from informers.kinds import core
from informers.testing import APIServer, FakeSource, RecordingHandler
from tests.waiting import QUICK, Failures, eventually


def config_map(namespace: str, name: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"namespace": namespace, "name": name}}


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer(namespaces=["a", "b", "c"]) as running:
        for namespace in "abc":
            running.create(config_map(namespace, "m"))
        yield running


def watched(server: APIServer, plural: str = "configmaps") -> set[str]:
    """The paths that were watched, in short."""
    watches = [request.path for request in server.requests if request.query.get("watch") and plural in request.path]
    return {path.removeprefix("/api/v1/namespaces/").removesuffix(f"/{plural}") for path in watches}


def keys(factory: SharedInformerFactory) -> list[str]:
    return sorted(factory.core.v1.config_maps.informer.indexer.keys())


def test_several_namespaces_fill_one_cache_by_a_watch_each(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"])
    config_maps = factory.core.v1.config_maps
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert keys(factory) == ["a/m", "b/m"]
        assert [m.metadata.name for m in config_maps.lister.namespace("a").list()] == ["m"]
        assert watched(server) == {"a", "b"}
        assert [watch.namespace for watch in config_maps.informer.health().watches] == ["a", "b"]


def test_the_whole_cluster_s_kinds_have_one_watch_all_the_same(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"])
    informer = factory.core.v1.nodes.informer
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        factory.add_namespace("c")
        assert [watch.namespace for watch in informer.health().watches] == [None]


def test_a_namespace_that_is_added_comes_as_adds_to_every_informer(server: APIServer) -> None:
    server.create({"kind": "Secret", "apiVersion": "v1", "metadata": {"namespace": "c", "name": "s"}})
    factory = SharedInformerFactory(server.client(), namespace="a")
    config_maps, secrets = RecordingHandler[Any](), RecordingHandler[Any]()
    factory.core.v1.config_maps.informer.add_event_handler(config_maps)
    factory.core.v1.secrets.informer.add_event_handler(secrets)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        config_maps.wait_for(1)
        factory.add_namespace("c")
        config_maps.wait_for(2)
        secrets.wait_for(1)
    assert config_maps.texts() == ["add a/m (initial)", "add c/m (initial)"]
    assert secrets.texts() == ["add c/s (initial)"]


def test_a_namespace_that_is_added_later_is_waited_for_and_not_synced_before_it_is_listed(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace="a", options=QUICK)
    config_maps = factory.core.v1.config_maps
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        server.deny(core.V1.config_maps)
        added = factory.add_namespace("c")
        assert not added.has_synced
        assert not added.wait(timeout=0)
        assert config_maps.informer.has_synced
        result = factory.wait_for_cache_sync(timeout=0)
        assert list(result.unsynced) == ["configmaps in c"]
        with pytest.raises(NotFoundError) as caught:
            config_maps.lister.namespace("c").get("m")
        assert not caught.value.is_synced
        with pytest.raises(NotFoundError) as caught:
            config_maps.lister.namespace("a").get("none")
        assert caught.value.is_synced
        stop = threading.Event()
        stop.set()
        assert not added.wait(stop=stop)
        server.allow(core.V1.config_maps)
        assert added.wait(timeout=10)
        assert factory.wait_for_cache_sync(timeout=0)
        assert added.has_synced
        assert config_maps.lister.namespace("c").get("m").metadata.name == "m"
        with pytest.raises(NotFoundError) as caught:
            config_maps.lister.namespace("never-followed").get("m")
        assert not caught.value.is_synced


def test_a_namespace_that_is_removed_leaves_the_cache_with_tombstones(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"])
    handler = RecordingHandler[Any]()
    factory.core.v1.config_maps.informer.add_event_handler(handler)
    with factory:
        handler.wait_for(2)
        factory.remove_namespace("b")
        told = handler.wait_for(3)[-1]
        assert (str(told), told.obj.metadata.name) == ("delete b/m (tombstone)", "m")
        assert keys(factory) == ["a/m"]
        assert [watch.namespace for watch in factory.health().informers[0].watches] == ["a"]
        server.create(config_map("b", "unseen"))
        server.create(config_map("a", "seen"))
        assert str(handler.wait_for(4)[-1]) == "add a/seen"


def test_a_namespace_may_come_back(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"])
    handler = RecordingHandler[Any]()
    factory.core.v1.config_maps.informer.add_event_handler(handler)
    with factory:
        handler.wait_for(2)
        factory.remove_namespace("b")
        factory.add_namespace("b")
        handler.wait_for(4)
        server.create(config_map("b", "new"))
        handler.wait_for(5)
    assert handler.texts()[2:] == ["delete b/m (tombstone)", "add b/m (initial)", "add b/new"]


def followed(informer: SharedInformer[Any]) -> list[str | None]:
    return [watch.namespace for watch in informer.health().watches]


def test_an_informer_whose_namespaces_were_changed_alone_keeps_no_other_from_following(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"])
    config_maps, secrets = factory.core.v1.config_maps.informer, factory.core.v1.secrets.informer
    config_maps.remove_namespace("b")
    factory.remove_namespace("b")
    assert (followed(config_maps), followed(secrets)) == (["a"], ["a"])
    config_maps.add_namespace("c", FakeSource[Any]())
    factory.add_namespace("c")
    assert (followed(config_maps), followed(secrets)) == (["a", "c"], ["a", "c"])
    assert factory.stop(10)


def test_an_informer_that_is_stopped_just_then_keeps_no_other_from_following(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a"])
    first, second, third = (
        kind.informer for kind in (factory.core.v1.config_maps, factory.core.v1.secrets, factory.core.v1.pods)
    )
    with second._life.lock:
        # It has been found to run, but is not reached yet.
        adding = threading.Thread(target=factory.add_namespace, args=("b",))
        adding.start()
        eventually(lambda: followed(first) == ["a", "b"])
        second._life.stopped = True
    adding.join(10)
    assert followed(third) == ["a", "b"]
    assert factory.stop(10)


def test_the_last_namespace_may_be_removed_and_kinds_be_asked_for_then(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace="a")
    with factory:
        factory.remove_namespace("a")
        handler = RecordingHandler[Any]()
        factory.core.v1.config_maps.informer.add_event_handler(handler)
        factory.start()
        assert str(factory.wait_for_cache_sync()) == "not synced: configmaps: it follows no namespace"
        assert keys(factory) == []
        added = factory.add_namespace("b")
        assert added.wait(timeout=10)
        assert factory.wait_for_cache_sync(timeout=10)
        assert str(handler.wait_for(1)[-1]) == "add b/m (initial)"
        factory.remove_namespace("b")
        assert not added.has_synced
        assert str(added.wait()) == "not synced: namespace b: nothing follows it"
        assert str(factory.wait_for_cache_sync()) == "not synced: configmaps: it follows no namespace"


def test_a_factory_may_begin_with_no_namespace(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=[])
    assert factory.core.v1.config_maps.informer.namespaces == ()
    with factory:
        assert str(factory.wait_for_cache_sync()) == "not synced: configmaps: it follows no namespace"
        assert factory.add_namespace("b").wait(timeout=10)
        assert keys(factory) == ["b/m"]


def test_the_end_of_a_namespace_calls_back_when_the_factory_can_be_used(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"])
    part = factory.core.v1.config_maps.informer.sync_of("b")
    assert part is not None
    part.ended.add_callback(lambda: factory.add_namespace("c"))
    with factory:
        removing = threading.Thread(target=factory.remove_namespace, args=("b",), daemon=True)
        removing.start()
        removing.join(10)
        assert not removing.is_alive()
        eventually(lambda: keys(factory) == ["a/m", "c/m"])


def test_kinds_that_are_asked_for_later_follow_the_namespaces_of_then(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"])
    factory.remove_namespace("a")
    factory.add_namespace("c")
    _ = factory.core.v1.config_maps
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert keys(factory) == ["b/m", "c/m"]


def test_a_namespace_that_is_added_before_the_start_is_waited_for(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace="a")
    _ = factory.core.v1.config_maps.informer
    factory.add_namespace("b")
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert keys(factory) == ["a/m", "b/m"]


def test_a_kind_with_namespaces_of_its_own_keeps_them(server: APIServer) -> None:
    own = {core.V1.config_maps: KindOptions(namespace="c")}
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"], overrides=own)
    _ = factory.core.v1.config_maps
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        factory.remove_namespace("b")
        factory.add_namespace("c")
        assert keys(factory) == ["c/m"]
        assert [watch.namespace for watch in factory.health().informers[0].watches] == ["c"]


@pytest.mark.parametrize("namespace", [None, ["a", "b"]])
def test_a_kind_with_no_namespaces_of_its_own_follows_none(server: APIServer, namespace: list[str] | None) -> None:
    own = {core.V1.config_maps: KindOptions(namespace=[])}
    factory = SharedInformerFactory(server.client(), namespace=namespace, overrides=own)
    assert factory.core.v1.config_maps.informer.namespaces == ()
    assert factory.core.v1.secrets.informer.namespaces == (tuple(namespace) if namespace else (None,))


def test_selectors_and_transform_hold_in_a_namespace_that_is_added(server: APIServer) -> None:
    server.patch(core.V1.config_maps, "m", {"metadata": {"labels": {"app": "web"}}}, namespace="c")
    server.create(config_map("c", "other"))

    def mark(obj: Any) -> Any:
        obj.metadata.annotations = {"seen": "yes"}
        return obj

    factory = SharedInformerFactory(server.client(), namespace="a", label_selector="app=web", transform=mark)
    handler = RecordingHandler[Any]()
    factory.core.v1.config_maps.informer.add_event_handler(handler)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        factory.add_namespace("c")
        handler.wait_for(1)
        eventually(lambda: factory.health().is_live)
        assert keys(factory) == ["c/m"]
        found = factory.core.v1.config_maps.lister.namespace("c").get("m")
        assert found.metadata.annotations == {"seen": "yes"}


def test_an_error_handler_may_remove_the_namespace_that_it_may_not_read(server: APIServer) -> None:
    server.deny(core.V1.config_maps)
    done: list[str] = []

    def give_up(failure: WatchFailure) -> None:
        if getattr(failure.error, "code", 0) == 403 and not done:
            done.append(str(failure.namespace))
            factory.remove_namespace("b")
            server.allow(core.V1.config_maps)

    factory = SharedInformerFactory(server.client(), namespace=["a", "b"], watch_error_handler=give_up, options=QUICK)
    _ = factory.core.v1.config_maps
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert keys(factory) == ["a/m"]


def test_one_namespace_that_fails_is_named_in_health_and_the_others_continue(server: APIServer) -> None:
    failures = Failures()
    factory = SharedInformerFactory(server.client(), namespace=["a", "b"], watch_error_handler=failures, options=QUICK)
    handler = RecordingHandler[Any]()
    factory.core.v1.config_maps.informer.add_event_handler(handler)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        server.deny(core.V1.secrets)
        factory.core.v1.secrets.informer.add_event_handler(RecordingHandler[Any]())
        factory.start()
        failures.wait_for(lambda failure: failure.namespace == "b")
        result = factory.wait_for_cache_sync(timeout=0)
        assert list(result.unsynced) == ["secrets"]
        assert "a: " in str(result)
        assert "b: " in str(result)
        server.create(config_map("b", "new"))
        handler.wait_until(lambda events: "add b/new" in map(str, events))


def test_mistakes_are_said_at_the_call(server: APIServer) -> None:
    everywhere = SharedInformerFactory(server.client())
    some = SharedInformerFactory(server.client(), namespace=["a", "b"])
    for change in (everywhere.add_namespace, everywhere.remove_namespace):
        with pytest.raises(ConfigurationError, match="follows all namespaces"):
            change("a")
    with pytest.raises(ConfigurationError, match="follows namespace 'a' already"):
        some.add_namespace("a")
    with pytest.raises(ConfigurationError, match="does not follow namespace 'c'"):
        some.remove_namespace("c")
    for wrong in ("", None, 5, ["c"], "No Name"):
        with pytest.raises(ConfigurationError, match="must be a name, for example 'default'"):
            some.add_namespace(wrong)  # type: ignore[arg-type]
    for empty in ("", ["a", ""], 5, b"a"):
        with pytest.raises(ConfigurationError, match="namespace must be None for all"):
            SharedInformerFactory(server.client(), namespace=empty)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="namespace must be None for all"):
            KindOptions(namespace=empty)  # type: ignore[arg-type]
    some.stop()
    with pytest.raises(StoppedError, match="make a new one for namespace 'c'"):
        some.add_namespace("c")


def test_what_a_factory_has_been_asked_for_can_be_listed(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    pods, nodes = factory.core.v1.pods, factory.core.v1.nodes
    assert factory.kinds == (pods, nodes)


def test_a_start_does_not_wait_for_lists_and_all_kinds_wait_for_one_turn() -> None:
    names = [f"n{number}" for number in range(40)]
    turns = ListTurns(4)
    with APIServer(namespaces=names) as server:
        factory = SharedInformerFactory(server.client(), namespace=names, list_turns=turns)
        kinds = [factory.core.v1.config_maps, factory.core.v1.secrets]
        with turns.held(), factory:
            assert [kind.informer.is_started for kind in kinds] == [True, True]
            eventually(lambda: "0 under way, 80 waiting" in repr(turns))
            assert list(server.requests) == []
        # It was stopped before a turn came.
        assert "0 under way, 0 waiting" in repr(turns)
        with SharedInformerFactory(server.client(), namespace=names, list_turns=turns) as factory:
            assert factory.core.v1.config_maps.informer
            factory.start()
            factory.wait_for_cache_sync(timeout=20).raise_if_unsynced()
            assert watched(server) == set(names)
