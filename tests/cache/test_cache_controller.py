"""From the queue to the cache and the handlers: what each delta does, and in which order."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from informers import Indexer, NextStep, WatchFailure
from informers._base.clock import SYSTEM_CLOCK
from informers._base.signals import Signal
from informers.cache._contents import Contents
from informers.cache._pipeline.cache_controller import CacheController
from informers.cache._pipeline.deltas import Delta, DeltaQueue, NamespaceRemoved, Replaced
from informers.cache._pipeline.processor import Listener
from informers.cache._pipeline.scopes import Scope
from informers.cache._pipeline.set_aside import SetAside
from informers.cache.handlers import Callbacks
from informers.errors import DecodeError, NotSyncedError, StatusError
from informers.source.records import HeldRecord
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType
from informers.testing import RecordedEvent, RecordingHandler

Obj = dict[str, Any]
ADDED, MODIFIED, DELETED = ChangeType.ADDED, ChangeType.MODIFIED, ChangeType.DELETED


def obj(name: str, version: str = "", **fields: Any) -> Obj:
    namespace, _, own = name.rpartition("/")
    return {"metadata": {"namespace": namespace, "name": own, "resourceVersion": version}, **fields}


def record(name: str, version: str = "", **fields: Any) -> HeldRecord[Obj]:
    return HeldRecord(obj(name, version, **fields))


@attrs.define(eq=False)
class World:
    """A controller with one handler; `apply` runs deltas through it."""

    store: Indexer[Obj]
    queue: DeltaQueue[Obj]
    controller: CacheController[Obj]
    handler: RecordingHandler[Obj]
    listener: Listener[Obj]
    synced: Signal
    failures: list[WatchFailure]
    scopes: dict[str | None, Scope]

    def apply(self, *deltas: Delta[Obj] | tuple[str, Delta[Obj]]) -> None:
        """Run deltas, of the only scope or of a named one, through the controller; wait until the handler is told."""
        for delta in deltas:
            namespace, what = delta if isinstance(delta, tuple) else (None, delta)
            self.queue.put(self.scopes[namespace], [what])
        drained = threading.Event()
        while len(self.queue):
            self.controller._queue, queue = _Once(self.queue), self.controller._queue  # type: ignore[assignment] # one round
            try:
                self.controller.run()
            finally:
                self.controller._queue = queue
        drained.set()
        wait_idle(self.listener)

    def told(self) -> list[str]:
        texts = self.handler.texts()
        self.handler.clear()
        return texts


class _Once:
    """A queue that closes after what is in it, and leaves the real one open."""

    def __init__(self, queue: DeltaQueue[Obj]) -> None:
        self._queue = queue
        self.closed = False

    def pop(self, *, timeout: float | None) -> list[tuple[Scope, Delta[Obj]]]:
        if not len(self._queue):
            self.closed = True
            return []
        return self._queue.pop()


def wait_idle(listener: Listener[Obj]) -> None:
    done = Signal()
    listener.push([done])
    assert done.wait(10)


@contextmanager
def world(
    *,
    scopes: set[str | None] | None = None,
    transform: Callable[[Obj], Obj] | None = None,
    indexers: dict[str, Callable[[Obj], list[str]]] | None = None,
    resync_period: float = 0.0,
    react: Callable[[RecordedEvent[Obj]], object] | None = None,
) -> Iterator[World]:
    failures: list[WatchFailure] = []
    set_aside = SetAside("things", failures.append)
    contents: Contents[Obj] = Contents(set_aside.report_index_failure)
    if indexers:
        contents.add_indexers(indexers)
    queue: DeltaQueue[Obj] = DeltaQueue()
    synced = Signal()
    controller = CacheController(
        queue=queue,
        contents=contents,
        set_aside=set_aside,
        restore=HeldRecord,
        transform=transform,
        synced=synced,
        stop=Signal(),
        clock=SYSTEM_CLOCK,
    )
    followed = {namespace: Scope(namespace, clock=SYSTEM_CLOCK) for namespace in scopes or {None}}
    for scope in followed.values():
        controller.follow(scope)
    handler: RecordingHandler[Obj] = RecordingHandler(react)
    listener: Listener[Obj] = Listener(Callbacks.of(handler), resync_period=resync_period, resync=controller.resync)
    controller.join(listener)
    listener.start("handler-things-1")
    try:
        yield World(Indexer(contents), queue, controller, handler, listener, synced, failures, followed)
    finally:
        listener.end()
        assert listener.thread is not None
        listener.thread.join(10)


@pytest.mark.upstream("tools/cache/controller_test.go", "TestReplaceEvents")
@pytest.mark.upstream(
    "tools/cache/the_real_fifo_test.go",
    "TestRealFIFO_addReplace",
    "TestRealFIFO_replaceWithDeleteDeltaIn",
    "TestRealFIFO_ReplaceMakesDeletions",
    "TestRealFIFO_ReplaceMakesDeletionsReplaced",
    "TestRealFIFOW_ReplaceMakesDeletionsForObjectsOnlyInQueue",
    "TestRealFIFO_enqueueingWithLister",
)
@pytest.mark.parametrize(
    ("before", "listed", "told"),
    [
        ([], [("a", "2"), ("b", "3")], ["add a", "add b"]),
        ([("a", "1"), ("b", "1")], [], ["delete a (tombstone)", "delete b (tombstone)"]),
        (
            [("a", "1"), ("b", "1"), ("c", "1")],
            [("d", "2"), ("b", "2"), ("a", "1")],
            ["delete c (tombstone)", "add d", "update b"],
        ),
    ],
    ids=["create", "delete all", "mixed"],
)
def test_a_list_is_delivered_as_deletions_first_then_the_rest_in_its_order(
    before: list[tuple[str, str]], listed: list[tuple[str, str]], told: list[str]
) -> None:
    with world() as w:
        w.apply(Replaced([], "1"))
        w.apply(*(Change(ADDED, record(*each)) for each in before))
        w.told()

        w.apply(Replaced([record(*each) for each in listed], "9"))

        assert w.told() == told
        assert w.store.keys() == [name for name in [*dict(before), *dict(listed)] if name in dict(listed)] or set(
            w.store.keys()
        ) == set(dict(listed))
        assert w.store.resource_version == "9"


@pytest.mark.upstream("tools/cache/controller_test.go", "TestReplaceEvents")
def test_the_cache_has_the_whole_list_before_a_handler_receives_any_of_it() -> None:
    seen: list[tuple[list[str], str]] = []
    stores: list[Indexer[Obj]] = []

    with world(react=lambda _event: seen.append((stores[0].keys(), stores[0].resource_version))) as w:
        stores.append(w.store)
        w.apply(Replaced([record("a", "1"), record("b", "2")], "5"))
        w.apply(Replaced([record("b", "2"), record("c", "6")], "7"))

    assert seen[:2] == [(["a", "b"], "5")] * 2
    assert seen[2:] == [(["b", "c"], "7")] * 2


@pytest.mark.upstream("tools/cache/controller_test.go", "TestProcessDeltasInBatch")
def test_the_cache_decides_whether_a_change_is_an_add_an_update_or_a_deletion() -> None:
    with world() as w:
        w.apply(Replaced([], "1"))
        w.apply(
            Change(MODIFIED, record("a", "2")),
            Change(ADDED, record("a", "3")),
            Change(DELETED, record("a", "4")),
            Change(DELETED, record("never-seen", "5")),
            Change(ADDED, record("a", "6")),
        )
        assert w.told() == ["add a", "update a", "delete a", "add a"]
        assert w.store.resource_version == "6"


def test_an_update_comes_with_the_old_object_and_a_deletion_with_the_last() -> None:
    with world() as w:
        w.apply(Replaced([record("a", "1", n=1)], "1"))
        w.apply(Change(MODIFIED, record("a", "2", n=2)), Change(DELETED, record("a", "3", n=3)))
        added, updated, deleted = w.handler.events
        states = [added.obj, updated.old, updated.obj, deleted.obj]
        assert [state and state["n"] for state in states] == [1, 1, 2, 3]


def test_a_tombstone_holds_what_the_cache_knew_last() -> None:
    with world() as w:
        w.apply(Replaced([record("a", "1", n=1)], "1"))
        w.apply(Replaced([], "5"))
        tombstone = w.handler.events[-1]
        assert tombstone.is_tombstone
        assert tombstone.obj == obj("a", "1", n=1)


@pytest.mark.upstream(
    "tools/cache/the_real_fifo_test.go", "TestRealFIFO_HasSynced", "TestRealFIFO_HasSyncedCorrectOnDeletion"
)
def test_the_cache_is_synced_once_the_first_list_is_in_even_an_empty_one() -> None:
    with world() as w:
        assert not w.synced.is_set()
        w.apply(Change(ADDED, record("a", "1")), Change(DELETED, record("a", "2")), Bookmark("3"))
        assert not w.synced.is_set()
        assert not w.listener.synced.is_set()
        w.apply(Replaced([], "4"))
        assert w.synced.is_set()
        assert w.listener.synced.wait(10)


def test_of_several_namespaces_all_must_be_in() -> None:
    with world(scopes={"one", "two"}) as w:
        w.apply(("one", Replaced([record("one/a", "1")], "1")))
        assert not w.synced.is_set()
        w.apply(("two", Replaced([record("two/a", "2")], "2")))
        assert w.synced.is_set()
        assert w.told() == ["add one/a (initial)", "add two/a (initial)"]
        w.apply(("one", Replaced([], "3")))
        assert w.told() == ["delete one/a (tombstone)"]
        w.apply(("two", NamespaceRemoved()))
        assert w.told() == ["delete two/a (tombstone)"]
        assert w.store.keys() == []


def test_a_list_of_one_namespace_leaves_unreadable_objects_of_another_alone() -> None:
    def transform(thing: Obj) -> Obj:
        if thing.get("broken"):
            raise ValueError("broken")
        return thing

    with world(scopes={"one", "two"}, transform=transform) as w:
        w.apply(
            ("one", Replaced([record("one/a", "1", broken=True)], "1")),
            ("two", Replaced([record("two/b", "2", broken=True)], "2")),
        )
        assert list(w.controller.set_aside.objects) == ["one/a", "two/b"]
        w.apply(("two", Replaced([], "3")))
        assert list(w.controller.set_aside.objects) == ["one/a"]
        w.apply(("one", NamespaceRemoved()))
        assert not w.controller.set_aside.objects


def test_no_handler_is_synced_before_the_cache() -> None:
    with world() as w:
        order: list[bool] = []
        push = w.listener.push

        def watched_push(notifications: Any) -> None:
            marks = [each for each in notifications if isinstance(each, Signal)]
            order.extend(w.synced.is_set() for mark in marks if mark is w.listener.synced)
            push(notifications)

        w.listener.push = watched_push  # type: ignore[method-assign] # to look at what passes
        w.apply(Replaced([record("a", "1")], "1"))
        assert order == [True]


def test_a_namespace_that_is_forgotten_is_not_waited_for() -> None:
    with world(scopes={"one", "two"}) as w:
        w.controller.unfollow(w.scopes["two"])
        w.apply(("one", Replaced([], "1")), ("two", NamespaceRemoved()))
        assert w.synced.is_set()


def test_an_object_of_a_namespace_that_comes_back_on_a_restored_server_is_taken_at_its_lower_version() -> None:
    def state(version: str) -> HeldRecord[Obj]:
        return HeldRecord({"metadata": {"namespace": "one", "name": "a", "uid": "u1", "resourceVersion": version}})

    with world(scopes={"one"}) as w:
        w.apply(("one", Replaced([state("500")], "500")))
        w.controller.unfollow(w.scopes["one"])
        w.apply(("one", NamespaceRemoved()))
        w.scopes["one"] = Scope("one", clock=SYSTEM_CLOCK)
        w.controller.follow(w.scopes["one"])
        # The selector does not select it at first: the list has nothing of it.
        w.apply(("one", Replaced([], "100")), ("one", Change(ADDED, state("110"))))
        assert w.told() == ["add one/a (initial)", "delete one/a (tombstone)", "add one/a"]


@pytest.mark.upstream("tools/cache/controller_test.go", "TestResetWatch")
def test_only_what_was_there_at_first_is_in_the_initial_list() -> None:
    with world() as w:
        w.apply(Replaced([record("a", "1")], "1"))
        w.apply(Change(ADDED, record("b", "2")), Replaced([record("a", "3"), record("b", "2"), record("c", "4")], "4"))
        assert w.told() == ["add a (initial)", "add b", "update a", "add c"]


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestSharedInformerWatchDisruption")
@pytest.mark.parametrize(("resync_period", "told"), [(0.0, ["update b"]), (3600.0, ["update a", "update b"])])
def test_what_a_list_has_unchanged_is_delivered_only_to_handlers_with_resyncs(
    resync_period: float, told: list[str]
) -> None:
    with world(resync_period=resync_period) as w:
        w.apply(Replaced([record("a", "1"), record("b", "1")], "1"))
        w.told()
        w.apply(Replaced([record("a", "1"), record("b", "2")], "2"))
        assert w.told() == told


@pytest.mark.upstream("tools/cache/controller_test.go", "TestStoreResourceVersion")
@pytest.mark.parametrize("end", ["by an event", "by the list"])
def test_what_a_list_of_a_lower_version_lacks_may_come_back_at_a_lower_version_than_it_had(end: str) -> None:
    def pod(version: str) -> HeldRecord[Obj]:
        made = record("shop/a", version)
        made.uid = "a"
        return made

    with world() as w:
        w.apply(Replaced([pod("50")], "50"))
        if end == "by an event":
            w.apply(Change(DELETED, pod("51")))
        # A backup was restored, in which the object is not selected; then its labels change.
        w.apply(Replaced([], "20"), Change(ADDED, pod("21")))
        assert w.store.keys() == ["shop/a"]
        assert w.told()[-1] == "add shop/a"
        # What is replayed from before the list is still dropped.
        w.apply(Change(DELETED, pod("22")), Change(ADDED, pod("21")))
        assert w.store.keys() == []


def test_the_caches_version_moves_with_changes_and_bookmarks() -> None:
    with world() as w:
        versions: list[str] = []
        for delta in (
            Replaced([], "1"),
            Change(ADDED, record("a", "2")),
            Change(DELETED, record("a", "3")),
            Bookmark("4"),
            BadObject(DecodeError("no name"), "5"),
        ):
            w.apply(delta)
            versions.append(w.store.resource_version)
        assert versions == ["1", "2", "3", "4", "5"]


@pytest.mark.upstream("tools/cache/controller_test.go", "TestTransformingInformer")
@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_transformer")
@pytest.mark.upstream("tools/cache/store_test.go", "TestCacheWithTransformer")
def test_a_transform_changes_what_the_cache_and_handlers_get_once_each() -> None:
    calls: list[str] = []

    def transform(thing: Obj) -> Obj:
        calls.append(thing["metadata"]["name"])
        return {**thing, "seen": thing.get("seen", 0) + 1}

    with world(transform=transform) as w:
        w.apply(Replaced([record("a", "1")], "1"))
        w.apply(Change(MODIFIED, record("a", "2")), Change(DELETED, record("a", "3")))
        w.apply(Replaced([record("b", "4")], "4"))
        w.apply(Replaced([], "5"))
        assert calls == ["a", "a", "a", "b"]
        assert [event.obj["seen"] for event in w.handler.events if event.obj is not None] == [1, 1, 1, 1, 1]


@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_PopBrokenItemsInBatch")
@pytest.mark.parametrize("wrong", ["raises", "none", "renames", "nameless"])
def test_only_the_object_on_which_a_transform_fails_is_left_out(wrong: str) -> None:
    def transform(thing: Obj) -> Any:
        if thing["metadata"]["name"] != "bad":
            return thing
        if wrong == "raises":
            raise KeyError("spec")
        return {"none": None, "renames": obj("good"), "nameless": {}}[wrong]

    with world(transform=transform) as w:
        w.apply(Replaced([record("a", "1"), record("bad", "2"), record("c", "3")], "3"))
        w.apply(Change(ADDED, record("d", "4")), Change(MODIFIED, record("bad", "5")))

        assert w.store.keys() == ["a", "c", "d"]
        assert w.store.resource_version == "5"
        assert list(w.controller.set_aside.objects) == ["bad"]
        assert w.controller.set_aside.total == 2
        assert [(f.key, f.next_step) for f in w.failures] == [("bad", NextStep.GO_ON)] * 2
        assert w.synced.is_set()


def test_an_object_that_is_readable_again_is_stored() -> None:
    def transform(thing: Obj) -> Obj:
        if thing.get("broken"):
            raise ValueError("broken")
        return thing

    with world(transform=transform) as w:
        w.apply(Replaced([record("a", "1", broken=True)], "1"))
        assert list(w.controller.set_aside.objects) == ["a"]
        w.apply(Change(MODIFIED, record("a", "2")))
        assert not w.controller.set_aside.objects
        assert w.told() == ["add a"]


def test_an_object_that_a_list_brings_in_is_left_out_until_it_is_stored() -> None:
    """A transform of a long list takes its time; a snapshot that is taken meanwhile would lack the object."""
    looks: list[str] = []

    def transform(thing: Obj) -> Obj:
        if thing.get("broken"):
            raise ValueError("broken")
        if looks:
            with pytest.raises(NotSyncedError, match="not whole: 1 objects are set aside, for example a"):
                w.controller.snapshot()
            looks.append(",".join(w.controller.set_aside.objects))
        return thing

    with world(transform=transform) as w:
        w.apply(Replaced([record("a", "1", broken=True)], "1"))
        looks.append("from here on")
        w.apply(Replaced([record("a", "2"), record("b", "2")], "2"))
        assert looks == ["from here on", "a", "a"]
        assert w.store.keys() == ["a", "b"]
        assert not w.controller.set_aside.objects


def test_the_cache_keeps_the_last_good_state_of_an_unreadable_object_through_a_list() -> None:
    def transform(thing: Obj) -> Obj:
        if thing.get("broken"):
            raise ValueError("broken")
        return thing

    with world(transform=transform) as w:
        w.apply(Replaced([record("a", "1"), record("b", "1")], "1"))
        w.told()
        w.apply(Replaced([record("a", "2", broken=True)], "2", bad=[BadObject(DecodeError("torn", key="b"))]))
        assert w.told() == []
        assert w.store.keys() == ["a", "b"]


def test_a_deletion_is_delivered_though_the_transform_fails_on_it() -> None:
    def transform(thing: Obj) -> Obj:
        if thing.get("broken"):
            raise ValueError("broken")
        return thing

    with world(transform=transform) as w:
        w.apply(Replaced([record("a", "1")], "1"))
        w.apply(Change(DELETED, record("a", "2", broken=True)), Change(DELETED, record("never-told", "3", broken=True)))
        # With what the cache had, and not with what came: a transform may be there to keep that from them.
        states = [event.obj and event.obj["metadata"]["resourceVersion"] for event in w.handler.events]
        assert states == ["1", "1"]
        assert w.told() == ["add a (initial)", "delete a (tombstone)"]
        assert w.store.keys() == []
        assert not w.controller.set_aside.objects


def test_an_index_function_that_fails_is_reported_and_its_object_kept() -> None:
    with world(indexers={"node": lambda thing: [thing["node"]]}) as w:
        w.apply(Replaced([record("a", "1", node="n1"), record("b", "1")], "1"))
        assert w.store.keys() == ["a", "b"]
        assert w.store.index_keys("node", "n1") == ["a"]
        (failure,) = w.failures
        assert (failure.key, failure.next_step, failure.index) == ("b", NextStep.GO_ON, "node")
        assert str(failure) == "things: b left out of an index: index function 'node' failed: KeyError('node')"


@pytest.mark.parametrize(("delay", "when"), [(0.0, "list page by page, at once"), (1.25, "list page by page in 1.2 s")])
def test_a_failure_says_what_is_next_and_when(delay: float, when: str) -> None:
    failure = WatchFailure("pods", "shop", ValueError("bad"), NextStep.LIST_PAGES, delay)
    assert str(failure) == f"pods in shop: bad; next: {when}"


def test_failures_reach_the_error_handler_in_order_and_what_it_raises_is_contained(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failure = WatchFailure("things", None, StatusError("no", code=403, reason="Forbidden"), NextStep.LIST, 1.5)
    with world() as w:
        w.apply(failure, Replaced([], "1"))
        assert w.failures == [failure]

        def fail(_failure: WatchFailure) -> None:
            raise RuntimeError("handler's own")

        w.controller.set_aside._on_failure = fail
        w.apply(failure, Change(ADDED, record("a", "2")))
        words = "the error handler of things failed on: things: 403 Forbidden: no; next: list in 1.5 s"
        assert [log.getMessage() for log in caplog.records if log.levelno == logging.ERROR] == [words]
        assert w.told() == ["add a"]


@pytest.mark.parametrize("is_handled", [False, True], ids=["nobody to tell", "somebody to tell"])
def test_a_failure_is_a_warning_in_the_log_only_without_an_error_handler(
    is_handled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "informers")
    with world() as w:
        if not is_handled:
            w.controller.set_aside._on_failure = None
        w.apply(WatchFailure("things", None, StatusError("no", code=403, reason="Forbidden"), NextStep.LIST, 1.5))
    logged = [(log.levelno, log.getMessage()) for log in caplog.records]
    level = logging.DEBUG if is_handled else logging.WARNING
    assert logged == [(level, "things: 403 Forbidden: no; next: list in 1.5 s")]


def test_a_handler_that_is_added_late_receives_the_cache_as_adds_and_then_every_change() -> None:
    with world() as w:
        w.apply(Replaced([record("a", "1"), record("b", "1")], "1"))
        late: RecordingHandler[Obj] = RecordingHandler()
        listener: Listener[Obj] = Listener(Callbacks.of(late), resync=w.controller.resync)
        w.controller.join(listener)
        listener.start("handler-things-2")
        w.apply(Change(MODIFIED, record("a", "2")))
        wait_idle(listener)
        assert late.texts() == ["add a (initial)", "add b (initial)", "update a"]
        assert listener.synced.is_set()

        w.controller.leave(listener)
        w.apply(Change(MODIFIED, record("a", "3")))
        assert len(late.events) == 3
        assert listener.thread is not None
        listener.thread.join(10)


@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_ResyncAtomic", "TestRealFIFO_Resync")
@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_ResyncNonExisting")
@pytest.mark.upstream(
    "tools/cache/the_real_fifo_test.go", "TestRealFIFO_UpdateResyncRace", "TestRealFIFO_DeleteExistingNonPropagated"
)
def test_a_resync_tells_what_the_cache_holds_then_and_nothing_of_what_is_gone() -> None:
    with world() as w:
        w.apply(Replaced([record("a", "1"), record("b", "1"), record("c", "1")], "1"))
        w.apply(Change(MODIFIED, record("a", "2")), Change(DELETED, record("b", "3")))
        w.told()
        w.controller.resync(w.listener)
        wait_idle(w.listener)
        assert [(event.key, event.obj is event.old) for event in w.handler.events] == [("a", True), ("c", True)]
        assert w.handler.events[0].obj == obj("a", "2")


def test_a_resync_while_a_handler_is_removed_shows_nothing_that_it_has_not_received() -> None:
    with world(resync_period=3600) as w:
        w.apply(Replaced([record("a", "1")], "1"))
        end = w.listener.end

        def end_late() -> None:
            w.queue.put(w.scopes[None], [Change(MODIFIED, record("a", "2"))])
            w.controller._apply_changes(w.queue.pop())  # type: ignore[arg-type] # there is one change in it
            w.controller.resync(w.listener)
            wait_idle(w.listener)
            end()

        w.listener.end = end_late  # type: ignore[method-assign] # to do something in between
        w.controller.leave(w.listener)
        told = [event.obj for event in w.handler.events if event.type == "update" and event.old is not event.obj]
        assert told == [obj("a", "2")]
        w.listener.end = end  # type: ignore[method-assign] # as it was


@pytest.mark.upstream("tools/cache/controller_test.go", "TestTransformingInformerRace")
def test_readers_only_ever_see_transformed_objects() -> None:
    stop = threading.Event()
    wrong: list[Obj] = []

    def transform(thing: Obj) -> Obj:
        return {**thing, "transformed": True}

    with world(transform=transform, resync_period=3600) as w:

        def read() -> None:
            while not stop.is_set():
                wrong.extend(thing for thing in w.store.list() if not thing.get("transformed"))

        reader = threading.Thread(target=read)
        reader.start()
        for version in range(200):
            w.queue.put(w.scopes[None], [Change(MODIFIED, record(f"n{version % 5}", str(version)))])
        w.apply(Replaced([record(f"n{n}", "999") for n in range(5)], "999"))
        w.controller.resync(w.listener)
        stop.set()
        reader.join(10)
        wait_idle(w.listener)
        assert wrong == []
        assert all(event.obj is not None and event.obj["transformed"] for event in w.handler.events)


def test_held_objects_are_handed_out_as_they_are() -> None:
    thing = obj("a", "1")
    with world() as w:
        w.apply(Replaced([HeldRecord(copy.copy(thing))], "1"))
        assert w.store.get("a") == thing
