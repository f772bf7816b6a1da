"""Where users' code runs: under no lock of ours, never in the thread that watches, on objects of its own."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from informers import (
    DeletedFinalStateUnknown,
    DynamicSharedInformerFactory,
    FilteringResourceEventHandler,
    MetadataSharedInformerFactory,
    ResourceEventHandlerFuncs,
    SharedInformer,
    SharedInformerFactory,
    object_key,
)
from informers.errors import StatusError
from informers.testing import APIServer, FakeSource, RecordingHandler
from tests.cache.things import Obj, informer, obj, started
from tests.waiting import QUICK, eventually

#: Lets a piece of users' code into an informer that is not started yet; returns what makes it run.
Place: TypeAlias = Callable[
    [FakeSource[Obj], dict[str, Any], Callable[[], None]], Callable[[SharedInformer[Obj]], None]
]


def nothing_more(_: SharedInformer[Obj]) -> None:
    pass


def in_transform(source: FakeSource[Obj], options: dict[str, Any], run: Callable[[], None]) -> Any:
    def transform(thing: Obj) -> Obj:
        run()
        return thing

    options["transform"] = transform
    return nothing_more


def in_index_function(source: FakeSource[Obj], options: dict[str, Any], run: Callable[[], None]) -> Any:
    def index(_: Obj) -> list[str]:
        run()
        return ["x"]

    options["indexers"] = {"x": index}
    return nothing_more


def in_error_handler(source: FakeSource[Obj], options: dict[str, Any], run: Callable[[], None]) -> Any:
    source.watch_error = StatusError("no", code=500)
    options["options"] = QUICK
    options["watch_error_handler"] = lambda _failure: run()
    return nothing_more


def in_synced_callback(source: FakeSource[Obj], options: dict[str, Any], run: Callable[[], None]) -> Any:
    return lambda made: made.synced.add_callback(run)


def in_handler(source: FakeSource[Obj], options: dict[str, Any], run: Callable[[], None]) -> Any:
    handler = ResourceEventHandlerFuncs[Obj](
        on_add=lambda _obj: run(), on_update=lambda _old, _new: run(), on_delete=lambda _obj: run()
    )
    return lambda made: made.add_event_handler(handler)


def in_filter(source: FakeSource[Obj], options: dict[str, Any], run: Callable[[], None]) -> Any:
    def passes(_: Obj) -> bool:
        run()
        return True

    handler = FilteringResourceEventHandler(filter=passes, handler=RecordingHandler[Obj]())
    return lambda made: made.add_event_handler(handler)


PLACES = {
    "transform": in_transform,
    "index function": in_index_function,
    "error handler": in_error_handler,
    "synced callback": in_synced_callback,
    "handler": in_handler,
    "filter": in_filter,
}
THREADS = {
    "transform": "informers-controller-things",
    "index function": "informers-controller-things",
    "error handler": "informers-controller-things",
    "synced callback": "informers-controller-things",
    "handler": "informers-handler-things-1",
    "filter": "informers-handler-things-1",
}


def let_through_everything(source: FakeSource[Obj]) -> None:
    """Add, change and delete an object, so that whatever users' code there is has run; one stays, for a late list."""
    source.add(obj("a", step=1))
    source.modify(obj("a", step=2))
    source.delete(obj("a", step=3))
    source.add(obj("stays"))


@pytest.mark.parametrize("place", PLACES)
def test_users_code_runs_under_no_lock_of_ours(place: str) -> None:
    """Whatever takes a lock comes through from another thread meanwhile; were one held here, it would be stuck."""
    source: FakeSource[Obj] = FakeSource()
    stuck: list[str] = []
    done = threading.Event()

    def take_every_lock() -> None:
        registration = made.add_event_handler(RecordingHandler[Obj]())
        made.add_indexers({f"extra-{threading.get_ident()}-{len(made.indexer.indexers)}": lambda _: []})
        made.indexer.list()
        made.indexer.index_keys("namespace", "")
        made.health()
        made.remove_event_handler(registration)

    def run() -> None:
        if done.is_set():
            return
        other = threading.Thread(target=take_every_lock)
        other.start()
        other.join(10)
        if other.is_alive():
            stuck.append(place)
        done.set()

    options: dict[str, Any] = {}
    prepare = PLACES[place](source, options, run)
    with informer(source, **options) as made:
        prepare(made)
        made.start()
        let_through_everything(source)
        assert done.wait(10)
        assert stuck == []


@pytest.mark.parametrize("place", PLACES)
def test_users_code_never_runs_in_the_thread_that_watches(place: str) -> None:
    source: FakeSource[Obj] = FakeSource()
    threads: set[str] = set()
    options: dict[str, Any] = {}
    prepare = PLACES[place](source, options, lambda: threads.add(threading.current_thread().name))
    with informer(source, **options) as made:
        prepare(made)
        made.start()
        let_through_everything(source)
        eventually(lambda: threads)
    assert threads == {THREADS[place]}


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Have threads take turns after a microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_the_cache_shows_a_change_before_any_handler_receives_it() -> None:
    """What a handler finds in the cache is what it is told of, or something later."""
    source: FakeSource[Obj] = FakeSource()
    deleted: dict[str, list[int]] = defaultdict(list)
    wrong: list[str] = []

    def look(what: str, thing: Obj | DeletedFinalStateUnknown[Obj]) -> None:
        assert not isinstance(thing, DeletedFinalStateUnknown)
        key, step = object_key(thing), thing["step"]
        found = made.indexer.get(key)
        if found is None:
            is_later = any(at >= step for at in deleted[key])
        else:
            is_later = found["step"] > step or (found["step"] == step and what != "delete")
        if not is_later:
            wrong.append(f"{what} of {key} at step {step}: the cache has {found}")

    with informer(source) as made:
        made.add_event_handler(
            ResourceEventHandlerFuncs(
                on_add=lambda thing: look("add", thing),
                on_update=lambda _old, new: look("update", new),
                on_delete=lambda thing: look("delete", thing),
            )
        )
        last: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(last)
        started(made)
        for step in range(0, 1500, 3):
            key = f"n{step % 7}"
            source.add(obj(key, step=step))
            source.modify(obj(key, step=step + 1))
            if step % 2:
                deleted[key].append(step + 2)
                source.delete(obj(key, step=step + 2))
        source.add(obj("last", step=1500))
        last.wait_until(lambda events: events[-1:] and events[-1].key == "last")
        eventually(lambda: made.health().handlers[0].backlog == 0)
        assert made.health().handlers[0].failed == 0
    assert wrong == []


def typed(server: APIServer) -> tuple[Any, Any]:
    factory = SharedInformerFactory(server.client())
    return factory, factory.core.v1.config_maps


def dynamic(server: APIServer) -> tuple[Any, Any]:
    factory = DynamicSharedInformerFactory(server.client())
    return factory, factory.for_resource("", "v1", "configmaps")


def metadata(server: APIServer) -> tuple[Any, Any]:
    factory = MetadataSharedInformerFactory(server.client())
    return factory, factory.for_resource("", "v1", "configmaps")


@pytest.mark.parametrize("make", [typed, dynamic, metadata])
def test_what_one_handler_does_to_an_object_reaches_no_other_and_not_the_cache(
    make: Callable[[APIServer], tuple[Any, Any]],
) -> None:
    def labels(thing: Any) -> dict[str, str]:
        found: dict[str, str] = thing["metadata"]["labels"] if isinstance(thing, dict) else thing.metadata.labels
        return found

    def spoil(thing: Any) -> list[str]:
        labels(thing)["app"] = "spoiled"
        return ["spoiled"]

    spoiled = threading.Semaphore(0)
    seen: list[str] = []

    def spoil_and_tell(thing: Any) -> None:
        spoil(thing)
        spoiled.release()

    def look(thing: Any) -> None:
        # Only when the first has done its worst.
        assert spoiled.acquire(timeout=10)
        seen.append(labels(thing)["app"])

    with APIServer() as server:
        server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "labels": {"app": "web"}}})
        factory, config_maps = make(server)
        for on_event in (spoil_and_tell, look):
            config_maps.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=on_event))
        config_maps.informer.add_indexers({"app": spoil})
        with factory:
            assert factory.wait_for_cache_sync(timeout=10)
            eventually(lambda: seen)
            spoil(config_maps.lister.list()[0])
            spoil(config_maps.lister.namespace("default").get("a"))
            assert labels(config_maps.lister.namespace("default").get("a"))["app"] == "web"
            assert config_maps.informer.indexer.keys() == ["default/a"]
            assert len(config_maps.lister.list(label_selector="app=web")) == 1
    assert seen == ["web"]
