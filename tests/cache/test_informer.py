"""The shared informer as a whole: its handlers, its indexes, its life."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from informers import (
    ConfigurationError,
    DeletedFinalStateUnknown,
    ReflectorOptions,
    ReflectorState,
    ResourceEventHandlerFuncs,
    SharedInformer,
    StoppedError,
    WatchFailure,
    wait_for_cache_sync,
)
from informers.errors import StatusError
from informers.testing import FakeClock, FakeSource, RecordedEvent, RecordingHandler

Obj = dict[str, Any]


def obj(name: str, **fields: Any) -> Obj:
    return {"metadata": {"name": name}, **fields}


@contextmanager
def informer(source: FakeSource[Obj], **options: Any) -> Iterator[SharedInformer[Obj]]:
    made: SharedInformer[Obj] = SharedInformer(
        source,
        resource="things",
        options=ReflectorOptions(uniform=lambda low, _high: low),
        **options,
    )
    try:
        yield made
    finally:
        assert made.stop(10)


def started(made: SharedInformer[Obj]) -> None:
    made.start()
    wait_for_cache_sync(made, timeout=10).raise_if_unsynced()


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestIndexer")
def test_indexers_are_added_before_and_after_the_start_and_follow_the_objects() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a", node="n1"))
    with informer(source, indexers={"node": lambda thing: [thing["node"]]}) as made:
        made.add_indexers({"first": lambda thing: [thing["metadata"]["name"][0]]})
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)
        made.add_indexers({"size": lambda thing: [str(len(thing))]})
        source.add(obj("b", node="n1"))
        source.modify(obj("a", node="n2"))
        handler.wait_for(3)
        assert made.indexer.index_keys("node", "n1") == ["b"]
        assert made.indexer.index_keys("node", "n2") == ["a"]
        assert made.indexer.index_keys("first", "b") == ["b"]
        assert made.indexer.index_keys("size", "2") == ["a", "b"]
        assert [found["node"] for found in made.indexer.by_index("node", "n2")] == ["n2"]
    with pytest.raises(StoppedError, match="indexers were not added: the informer of things has been stopped"):
        made.add_indexers({"late": lambda _thing: []})


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestListenerResyncPeriods", "TestResyncCheckPeriod")
def test_each_handler_receives_everything_again_exactly_when_its_period_is_over_without_a_request() -> None:
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.add(obj("b"))
    with informer(source, clock=clock, resync_period=0.0) as made:
        handlers = {period: RecordingHandler[Obj]() for period in (0.0, 2.0, 3.0)}
        for period, handler in handlers.items():
            made.add_event_handler(handler, resync_period=period)
        started(made)
        for handler in handlers.values():
            handler.wait_for(2)
            handler.clear()

        def pass_second() -> None:
            clock.wait_for_waiters(2)
            clock.advance(1)

        pass_second()
        pass_second()
        handlers[2.0].wait_for(2)
        assert handlers[3.0].texts() == []
        pass_second()
        handlers[3.0].wait_for(2)
        assert handlers[2.0].texts() == ["update a", "update b"]
        pass_second()
        handlers[2.0].wait_for(4)
        assert handlers[3.0].texts() == ["update a", "update b"]
        assert handlers[0.0].texts() == []
        assert (len(source.lists), len(source.watches)) == (0, 1)


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestListenerResyncPeriodsDelayed")
def test_a_period_counts_from_when_the_handler_begins() -> None:
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source, clock=clock, resync_period=5.0) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        clock.advance(100)
        started(made)
        handler.wait_for(1)
        clock.wait_for_waiters(1)
        assert clock.next_deadline() == 105.0
        clock.advance(5)
        handler.wait_for(2)
        assert handler.texts() == ["add a (initial)", "update a"]


@pytest.mark.upstream(
    "tools/cache/shared_informer_test.go", "TestSharedInformerInitializationRace", "TestSharedInformerStartRace"
)
def test_handlers_that_are_added_while_it_starts_miss_nothing() -> None:
    for _ in range(20):
        source: FakeSource[Obj] = FakeSource()
        source.add(obj("a"))
        with informer(source) as made:
            handlers = [RecordingHandler[Obj]() for _ in range(8)]
            adders = [threading.Thread(target=made.add_event_handler, args=(handler,)) for handler in handlers]
            starter = threading.Thread(target=made.start)
            for thread in (*adders[:4], starter, *adders[4:]):
                thread.start()
            for thread in (*adders, starter):
                thread.join(10)
            for handler in handlers:
                handler.wait_for(1)
                assert handler.texts() == ["add a (initial)"]


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestSharedInformerErrorHandling")
def test_the_error_handler_receives_what_failed_and_the_wait_says_it_too() -> None:
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    denied = StatusError("things is forbidden", code=403, reason="Forbidden")
    source.list_error = denied
    told: list[WatchFailure] = []
    heard = threading.Event()

    def on_error(failure: WatchFailure) -> None:
        told.append(failure)
        if failure.error is denied:
            heard.set()

    with informer(source, clock=clock, watch_error_handler=on_error) as made:
        made.start()
        assert heard.wait(10)
        result = wait_for_cache_sync(made, timeout=0, clock=clock)
        assert str(result) == (
            "not synced: things: waiting to try again, last error: 403 Forbidden: things is forbidden, "
            "next try in 0.8 s"
        )
        assert made.health().watches[0].error is denied


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestSharedInformerTransformer")
def test_handlers_and_cache_have_what_the_transform_makes() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source, transform=lambda thing: {**thing, "seen": True}) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)
        source.add(obj("b"))
        events = handler.wait_for(2)
        assert [event.obj and event.obj["seen"] for event in events] == [True, True]
        assert all(thing["seen"] for thing in made.indexer.list())


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestSharedInformerRemoveHandler", "TestRemoveWhileActive")
@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestRemovingRemovedSharedInformer")
def test_a_handler_that_is_removed_receives_nothing_more_and_may_be_removed_again() -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        going, staying = RecordingHandler[Obj](), RecordingHandler[Obj]()
        registration = made.add_event_handler(going)
        made.add_event_handler(staying)
        started(made)
        source.add(obj("a"))
        going.wait_for(1)
        made.remove_event_handler(registration)
        made.remove_event_handler(registration)
        assert registration.join(10)
        source.add(obj("b"))
        staying.wait_for(2)
        assert going.texts() == ["add a"]
        assert len(made.health().handlers) == 1


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestSharedInformerRemoveForeignHandler")
def test_a_registration_of_another_informer_is_refused_and_so_is_what_is_not_a_registration() -> None:
    with informer(FakeSource()) as one, informer(FakeSource()) as other:
        handler: RecordingHandler[Obj] = RecordingHandler()
        registration = one.add_event_handler(handler)
        with pytest.raises(ConfigurationError, match=r"another informer has it, .* call its remove\(\)"):
            other.remove_event_handler(registration)
        assert len(one.health().handlers) == 1
        with pytest.raises(ConfigurationError, match="expected the registration that add_event_handler returned: got"):
            one.remove_event_handler(handler)  # type: ignore[arg-type] # the mistake that is tested
        registration.remove()
        registration.remove()
        assert one.health().handlers == ()


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestSharedInformerMultipleRegistration")
def test_a_handler_that_is_added_twice_is_notified_twice_and_removed_once_at_a_time() -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        first, second = made.add_event_handler(handler), made.add_event_handler(handler)
        started(made)
        source.add(obj("a"))
        handler.wait_for(2)
        made.remove_event_handler(first)
        source.add(obj("b"))
        handler.wait_for(3)
        made.remove_event_handler(second)
        assert made.health().handlers == ()
        assert handler.texts() == ["add a", "add a", "add b"]


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestStateSharedInformer", "TestShutdown")
def test_it_goes_from_new_to_started_to_stopped_and_never_back() -> None:
    with informer(FakeSource()) as made:
        assert (made.is_started, made.is_stopped, made.has_synced) == (False, False, False)
        assert made.health().reason == "not started"
        started(made)
        made.start()
        assert (made.is_started, made.is_stopped, made.has_synced) == (True, False, True)
        assert made.health().is_live
        assert made.stop(10)
        assert (made.is_started, made.is_stopped, made.has_synced) == (True, True, True)
        assert made.health().reason == "stopped"
        assert made.health().watches[0].state is ReflectorState.STOPPED
        with pytest.raises(StoppedError, match="a new one must take its place"):
            made.start()
        assert made.stop(10)


def test_one_that_was_never_started_can_be_stopped() -> None:
    with informer(FakeSource()) as made:
        assert made.stop()
        with pytest.raises(StoppedError):
            made.start()


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestAddOnStoppedSharedInformer")
def test_a_handler_can_not_be_added_to_one_that_has_been_stopped() -> None:
    with informer(FakeSource()) as made:
        made.stop()
        with pytest.raises(StoppedError, match="was not added: the informer of things has been stopped"):
            made.add_event_handler(RecordingHandler[Obj]())


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestRemoveOnStoppedSharedInformer")
def test_a_handler_can_be_removed_from_one_that_has_been_stopped() -> None:
    with informer(FakeSource()) as made:
        registration = made.add_event_handler(RecordingHandler[Obj]())
        started(made)
        made.stop()
        made.remove_event_handler(registration)
        assert made.health().handlers == ()


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestAddWhileActive")
@pytest.mark.upstream("tools/cache/synctrack/synctrack_test.go", "TestBasicLogic", "TestSingleFile")
def test_a_late_handler_is_synced_once_it_has_received_the_existing_objects() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.add(obj("b"))
    go_on = threading.Event()
    with informer(source) as made:
        started(made)
        handler: RecordingHandler[Obj] = RecordingHandler(lambda event: event.key == "b" and go_on.wait(10))
        registration = made.add_event_handler(handler)
        handler.wait_for(2)
        assert made.has_synced
        assert not registration.has_synced
        assert "still to be delivered" in registration.why_not_synced()
        go_on.set()
        assert registration.synced.wait(10)
        assert registration.why_not_synced() == ""
        assert handler.texts() == ["add a (initial)", "add b (initial)"]


@pytest.mark.upstream("tools/cache/synctrack/synctrack_test.go", "TestAsyncLocking")
def test_a_handler_is_not_synced_before_its_informer() -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        registration = made.add_event_handler(RecordingHandler[Obj]())
        assert not registration.has_synced
        assert registration.why_not_synced() == "not started: call start() of its factory, or its own"
        started(made)
        assert registration.synced.wait(10)


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestEventPanics")
@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_a_handler_that_raises_continues_with_the_next_event_is_counted_and_still_synced(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: RecordedEvent[Obj]) -> None:
        if event.key == "a":
            raise error

    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.add(obj("b"))
    with informer(source) as made:
        raising, other = RecordingHandler[Obj](fail), RecordingHandler[Obj]()
        registration = made.add_event_handler(raising)
        made.add_event_handler(other)
        started(made)
        assert registration.synced.wait(10)
        source.modify(obj("a"))
        source.modify(obj("b"))
        raising.wait_for(4)
        other.wait_for(4)
        assert raising.texts() == other.texts() == ["add a (initial)", "add b (initial)", "update a", "update b"]
        assert made.health().handlers[0].failed >= 1
    assert "failed on added of a; going on with the next event" in caplog.text


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestRemoveEventHandler_AsynchronousPanic")
def test_removing_does_not_wait_for_a_call_under_way_and_drops_what_waits() -> None:
    go_on = threading.Event()
    source: FakeSource[Obj] = FakeSource()
    for name in "abc":
        source.add(obj(name))
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(lambda _event: go_on.wait(10))
        registration = made.add_event_handler(handler)
        started(made)
        handler.wait_for(1)
        made.remove_event_handler(registration)
        assert not registration.join(0)
        go_on.set()
        assert registration.join(10)
        assert handler.texts() == ["add a (initial)"]
        assert not registration.has_synced
        assert registration.why_not_synced() == "removed, or its informer stopped, before it was synced"


@pytest.mark.upstream(
    "tools/cache/shared_informer_test.go",
    "TestRemoveEventHandler_SynchronousShutdown",
    "TestShutDownEventHandler_Lifecycles",
)
@pytest.mark.parametrize("when", ["before the start", "while it runs", "after the stop"])
def test_joining_a_removed_handler_waits_for_its_last_call_in_every_state(when: str) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        registration = made.add_event_handler(handler)
        if when != "before the start":
            started(made)
            handler.wait_for(1)
        if when == "after the stop":
            made.stop(10)
        made.remove_event_handler(registration)
        assert registration.join(10)


def test_a_handler_can_remove_itself() -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        done = threading.Event()

        def leave(_thing: Obj) -> None:
            made.remove_event_handler(registration)
            registration.join()
            done.set()

        registration = made.add_event_handler(ResourceEventHandlerFuncs(on_add=leave))
        started(made)
        source.add(obj("a"))
        assert done.wait(10)
        assert registration.join(10)


@pytest.mark.upstream("tools/cache/shared_informer_test.go", "TestSharedInformerHandlerAbuse")
def test_handlers_that_come_and_go_while_events_flow_each_see_a_legal_history() -> None:
    source: FakeSource[Obj] = FakeSource()
    for number in range(20):
        source.add(obj(f"n{number}", version=0))
    histories: list[list[RecordedEvent[Obj]]] = []
    lock = threading.Lock()
    with informer(source) as made:
        started(made)
        stop = threading.Event()

        def abuse() -> None:
            while not stop.is_set():
                handler: RecordingHandler[Obj] = RecordingHandler()
                registration = made.add_event_handler(handler)
                registration.synced.wait(10)
                made.remove_event_handler(registration)
                registration.join(10)
                with lock:
                    histories.append(list(handler.events))

        last: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(last)
        abusers = [threading.Thread(target=abuse) for _ in range(6)]
        for abuser in abusers:
            abuser.start()
        for version in range(1, 150):
            number = version % 20
            source.delete(obj(f"n{number}", version=version))
            source.add(obj(f"n{number}", version=version))
            source.modify(obj(f"n{number}", version=version))
        last.wait_for(20 + 3 * 149)
        stop.set()
        for abuser in abusers:
            abuser.join(10)
        histories.append(list(last.events))
        for history in histories:
            alive: dict[str, int] = {}
            for event in history:
                assert event.obj is not None
                if event.type == "add":
                    assert event.key not in alive
                else:
                    assert event.key in alive
                    assert event.obj["version"] >= alive[event.key]
                if event.type == "delete":
                    del alive[event.key]
                else:
                    alive[event.key] = event.obj["version"]
        assert alive == {thing["metadata"]["name"]: thing["version"] for thing in made.indexer.list()}


def test_a_slow_handler_holds_up_no_other_and_its_backlog_shows() -> None:
    go_on = threading.Event()
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        slow: RecordingHandler[Obj] = RecordingHandler(lambda _event: go_on.wait(10))
        fast: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(slow)
        made.add_event_handler(fast)
        started(made)
        for number in range(50):
            source.add(obj(f"n{number}"))
        fast.wait_for(50)
        slow.wait_for(1)
        health = made.health().handlers[0]
        assert health.backlog >= 49
        assert (health.busy_with, health.busy_for is not None) == ("n0", True)
        go_on.set()
        slow.wait_for(50)


@pytest.mark.parametrize("place", ["handler", "transform", "index", "error handler", "two handlers"])
def test_a_stop_from_within_returns_at_once_and_ends_everything(place: str) -> None:
    source: FakeSource[Obj] = FakeSource()
    returned = threading.Semaphore(0)
    ready = threading.Barrier(2)

    def stop(*_: object) -> None:
        if place == "two handlers":
            ready.wait(10)
        made.stop()
        returned.release()

    def transform(thing: Obj) -> Obj:
        stop()
        return thing

    def index(_thing: Obj) -> list[str]:
        stop()
        return []

    options: dict[str, Any] = {}
    if place == "transform":
        options["transform"] = transform
    if place == "index":
        options["indexers"] = {"x": index}
    if place == "error handler":
        options["watch_error_handler"] = stop
        source.watch_error = StatusError("no", code=403)
    with informer(source, **options) as made:
        if place in {"handler", "two handlers"}:
            made.add_event_handler(ResourceEventHandlerFuncs(on_add=stop))
        if place == "two handlers":
            made.add_event_handler(ResourceEventHandlerFuncs(on_add=stop))
        made.start()
        source.add(obj("a"))
        for _ in range(2 if place == "two handlers" else 1):
            assert returned.acquire(timeout=10)
        assert made.stop(10)


def test_a_stop_that_waits_for_a_handler_gives_up_when_its_time_is_over() -> None:
    go_on = threading.Event()
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(lambda _event: go_on.wait(10))
        made.add_event_handler(handler)
        made.start()
        handler.wait_for(1)
        assert not made.stop(0.05)
        go_on.set()
        assert made.stop(10)


@pytest.mark.upstream("tools/cache/controller_test.go", "Example", "ExampleNewInformer", "TestUpdate")
@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_enqueueingWithLister")
def test_every_object_goes_from_added_over_updated_to_deleted() -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)
        for name in "abc":
            source.add(obj(name, step=1))
            source.modify(obj(name, step=2))
            source.delete(obj(name, step=3))
        events = handler.wait_for(9)
        assert [str(event) for event in events] == [
            f"{what} {name}" for name in "abc" for what in ("add", "update", "delete")
        ]
        assert [(event.old or {}).get("step") for event in events[:3]] == [None, 1, None]
        assert len(made.indexer) == 0


@pytest.mark.upstream("tools/cache/controller_test.go", "TestHammerController")
def test_many_writers_at_once_end_in_a_cache_like_the_source() -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        assert not made.has_synced
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)

        def hammer(writer: int) -> None:
            for number in range(100):
                name = f"w{writer}-{number % 7}"
                source.add(obj(name, n=number))
                if number % 3 == 0:
                    source.delete(obj(name, n=number))

        writers = [threading.Thread(target=hammer, args=(writer,)) for writer in range(3)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(10)
        source.add(obj("last"))
        handler.wait_until(lambda events: events[-1:] and events[-1].key == "last")
        expected = {record.key: record.object() for record in source._records.values()}
        assert {thing["metadata"]["name"]: thing for thing in made.indexer.list()} == expected


def test_a_missed_deletion_arrives_as_a_tombstone() -> None:
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a", last="known"))
    gone: list[object] = []
    told = threading.Event()

    def on_delete(thing: Obj | DeletedFinalStateUnknown[Obj]) -> None:
        gone.append(thing)
        told.set()

    with informer(source, clock=clock) as made:
        made.add_event_handler(ResourceEventHandlerFuncs(on_delete=on_delete))
        started(made)
        with source._condition:
            del source._records["a"]
        source.forget_history()
        clock.wait_for_waiters()
        clock.advance(10)
        assert told.wait(10)
        assert gone == [DeletedFinalStateUnknown("a", obj("a", last="known"))]


def test_namespaces_are_added_to_an_informer_of_several_and_removed() -> None:
    def thing(namespace: str, name: str) -> Obj:
        return {"metadata": {"namespace": namespace, "name": name}}

    sources = {name: FakeSource[Obj]() for name in ("one", "two", "three")}
    for name, source in sources.items():
        source.add(thing(name, "a"))
    made: SharedInformer[Obj] = SharedInformer(
        {"one": sources["one"], "two": sources["two"]}, resource="things", resync_period=0
    )
    handler: RecordingHandler[Obj] = RecordingHandler()
    made.add_event_handler(handler)
    try:
        started(made)
        assert sorted(made.indexer.keys()) == ["one/a", "two/a"]
        made.add_namespace("three", sources["three"])
        handler.wait_for(3)
        with pytest.raises(ConfigurationError, match="follows namespace 'three' already"):
            made.add_namespace("three", sources["three"])
        made.remove_namespace("one")
        handler.wait_until(lambda events: any(event.type == "delete" for event in events))
        assert sorted(made.indexer.keys()) == ["three/a", "two/a"]
        assert handler.texts()[-1] == "delete one/a (tombstone)"
        assert sources["one"].closed
        with pytest.raises(ConfigurationError, match="does not follow namespace 'one'"):
            made.remove_namespace("one")
        assert [watch.namespace for watch in made.health().watches] == ["two", "three"]
    finally:
        assert made.stop(10)
    with pytest.raises(StoppedError):
        made.add_namespace("four", FakeSource())


def test_an_informer_of_everything_takes_no_namespace_more() -> None:
    with informer(FakeSource()) as made, pytest.raises(ConfigurationError, match="follows all namespaces already"):
        made.add_namespace("one", FakeSource())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resync_period": -1}, "resync_period must be a number of seconds, or 0 for never: got -1"),
        ({"resync_period": "10m"}, "resync_period must be a number of seconds"),
        ({"resync_period": True}, "resync_period must be a number of seconds"),
        ({"transform": "x"}, r"transform must be a function of \(obj\): got str"),
        ({"watch_error_handler": 3}, r"watch_error_handler must be a function of \(failure\): got int"),
        ({"indexers": {"x": 3}}, "indexers must map names to functions"),
        ({"options": {"page_size": 5}}, "options must be ReflectorOptions: got {'page_size': 5}"),
    ],
)
def test_bad_options_are_refused_at_the_call(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SharedInformer(FakeSource(), **options)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"": FakeSource()}, "namespace must be a name, for example 'default': got ''"),
        ({3: FakeSource()}, "namespace must be a name, for example 'default': got 3"),
        ({"one": "pods"}, "a source has the methods list, watch and close, as ListWatch does: str has no list"),
        (object(), "object has no list, watch, close"),
        (None, "NoneType has no list, watch, close"),
    ],
)
def test_an_invalid_source_is_refused(source: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        SharedInformer(source)
    assert message in str(raised.value)


def test_a_bad_resync_period_of_a_handler_is_refused() -> None:
    with informer(FakeSource()) as made, pytest.raises(ConfigurationError, match="resync_period"):
        made.add_event_handler(RecordingHandler[Obj](), resync_period=-5)


def test_a_repr_says_how_it_fares() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source) as made:
        assert repr(made) == "<SharedInformer things not synced, 0 objects rv= handlers=0>"
        started(made)
        assert repr(made) == "<SharedInformer things synced, 1 objects rv=1 handlers=0>"
        assert made.last_sync_resource_version == "1"
