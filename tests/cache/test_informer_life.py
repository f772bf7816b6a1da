"""What users' code can do to an informer, from within and from several threads at once."""

from __future__ import annotations

import gc
import logging
import random
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from informers import (
    DeletedFinalStateUnknown,
    ResourceEventHandlerFuncs,
    SharedInformer,
    StoppedError,
    WatchFailure,
    wait_for_cache_sync,
)
from informers._base.threads import start_thread
from informers.cache._pipeline.deltas import Replaced
from informers.errors import ConnectionLostError, StatusError
from informers.source.records import HeldRecord
from informers.source.watch_events import Change, ChangeType, ListOptions
from informers.testing import FakeClock, FakeSource, RecordedEvent, RecordingHandler
from tests.cache.things import Obj, informer, obj, record, started
from tests.waiting import QUICK, eventually


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Have threads take turns after a microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_all(*functions: Callable[[], object]) -> None:
    """Run functions at the same time, and wait for them."""
    ready = threading.Barrier(len(functions))

    def at_once(function: Callable[[], object]) -> None:
        ready.wait(10)
        function()

    threads = [threading.Thread(target=at_once, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def leave(*_: object) -> Any:
    sys.exit(3)


@pytest.mark.parametrize("place", ["transform", "index"])
def test_an_exit_in_a_users_function_leaves_one_object_out_and_the_cache_continues(place: str) -> None:
    def exit_on_bad(thing: Obj) -> Any:
        if thing["metadata"]["name"] == "bad":
            leave()
        return thing if place == "transform" else ["x"]

    told: list[WatchFailure] = []
    options: dict[str, Any] = {"transform": exit_on_bad} if place == "transform" else {"indexers": {"x": exit_on_bad}}
    source: FakeSource[Obj] = FakeSource()
    with informer(source, watch_error_handler=told.append, **options) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)
        source.add(obj("bad"))
        source.add(obj("good"))
        handler.wait_until(lambda events: events[-1:] and events[-1].key == "good")
        assert ("bad" in made.indexer) is (place == "index")
        assert [failure.key for failure in told] == ["bad"]
        assert "SystemExit(3)" in str(told[0])
        assert made.health().is_live


@pytest.mark.parametrize("place", ["transform", "index"])
def test_an_error_that_is_kept_keeps_no_list_with_it(place: str) -> None:
    """Its traceback would, by the frames of whoever was at work on the list."""

    def fail_on_bad(thing: Obj) -> Any:
        if thing["metadata"]["name"].startswith("bad"):
            raise ValueError("bad")
        return thing if place == "transform" else ["x"]

    def lists() -> list[Replaced[Obj]]:
        gc.collect()
        found = [thing for thing in gc.get_objects() if isinstance(thing, Replaced)]
        return [listed for listed in found if any(record.key == "bad-one" for record in listed.records)]

    told: list[WatchFailure] = []
    options: dict[str, Any] = {"transform": fail_on_bad} if place == "transform" else {"indexers": {"x": fail_on_bad}}
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    source.add(obj("bad-one"))
    with informer(source, watch_error_handler=told.append, **options) as made:
        started(made)
        source.add(obj("good"))
        eventually(lambda: "good" in made.indexer)
        assert [failure.key for failure in told if failure.key] == ["bad-one"]
        assert lists() == []
        # Where it was raised can still be seen.
        error = told[-1].error.__cause__ or told[-1].error
        assert "fail_on_bad" in "".join(traceback.format_exception(error))


class UnshownError(Exception):
    """An error of the user's with a mistake of its own."""

    def __str__(self) -> str:
        raise KeyError("no such field")

    __repr__ = __str__


@pytest.mark.parametrize("place", ["transform", "index"])
def test_an_error_that_can_not_be_shown_leaves_one_object_out_and_the_cache_continues(place: str) -> None:
    def fail_on_bad(thing: Obj) -> Any:
        if thing["metadata"]["name"] == "bad":
            raise UnshownError
        return thing if place == "transform" else ["x"]

    told: list[str] = []

    def tell(failure: WatchFailure) -> None:
        told.append(str(failure))
        raise UnshownError

    options: dict[str, Any] = {"transform": fail_on_bad} if place == "transform" else {"indexers": {"x": fail_on_bad}}
    source: FakeSource[Obj] = FakeSource()
    with informer(source, watch_error_handler=tell, **options) as made:
        started(made)
        source.add(obj("bad"))
        source.add(obj("good"))
        eventually(lambda: "good" in made.indexer)
        assert made.health().is_live
    assert "UnshownError (which can't be shown)" in told[0]


@pytest.fixture
def spoiled_log() -> Iterator[None]:
    """Have a filter of the log's raise, as one does that looks for what only the records of another thread have."""

    def look(record: logging.LogRecord) -> bool:
        return bool(record.request_id)  # type: ignore[attr-defined] # that is the mistake

    loggers = [logging.getLogger(name) for name in ("informers", "informers.cache")]
    for logger in loggers:
        logger.addFilter(look)
    yield
    for logger in loggers:
        logger.removeFilter(look)


@pytest.mark.usefixtures("spoiled_log")
def test_a_log_that_raises_keeps_neither_handlers_nor_cache_from_going_on() -> None:
    def fail(*_: object) -> Any:
        raise ValueError("no")

    def fail_on_bad(thing: Obj) -> Obj:
        return fail() if thing["metadata"]["name"] == "bad" else thing

    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source, transform=fail_on_bad, watch_error_handler=fail) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(fail)
        made.add_event_handler(handler)
        made.synced.add_callback(fail)
        started(made)
        source.add(obj("bad"))
        source.add(obj("b"))
        handler.wait_for(2)
        eventually(lambda: made.health().handlers[0].failed == 2)
        assert made.health().is_live


def test_an_error_of_a_source_that_can_not_be_shown_is_reported_all_the_same() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = source.watch_error = UnshownError()
    with informer(source) as made:
        made.start()
        eventually(lambda: made.health().watches[0].error)
        assert "UnshownError (which can't be shown)" in made.why_not_synced()


def test_an_exit_in_the_error_handler_is_logged_and_the_cache_continues(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    source.add(obj("a"))
    source.list_error = StatusError("no", code=403, reason="Forbidden")
    with informer(source, clock=clock, watch_error_handler=leave) as made:
        made.start()
        clock.wait_for_waiters()
        source.list_error = None
        clock.advance(10)
        assert made.synced.wait(10)
        assert made.indexer.keys() == ["a"]
    assert "the error handler of things failed" in caplog.text


def test_an_exit_where_a_request_is_made_only_costs_a_pause() -> None:
    """As of a tweak, or of a client's credential hook."""
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.watch_error = lambda _: leave() if len(source.watches) == 1 else None
    told: list[WatchFailure] = []
    with informer(source, options=QUICK, watch_error_handler=told.append) as made:
        started(made)
        assert made.indexer.keys() == ["a"]
        eventually(lambda: made.health().is_live)
    assert "SystemExit(3)" in str(told[0])


def test_an_interrupt_in_an_index_function_reaches_the_caller_in_whose_thread_it_runs() -> None:
    def interrupt(_: Obj) -> list[str]:
        raise KeyboardInterrupt

    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source) as made:
        started(made)
        with pytest.raises(KeyboardInterrupt):
            made.add_indexers({"x": interrupt})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_informer_whose_controller_ends_by_an_error_of_ours_is_stopped_and_looks_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        started(made)

        def fail(*_: object) -> None:
            raise RuntimeError("a mistake")

        made._controller._apply_changes = fail  # type: ignore[method-assign] # stands for a mistake of ours
        source.add(obj("a"))
        assert made.ended.wait(10)
        assert made.health().reason == "stopped"
        assert not made.health().is_live
        assert made.stop(10)
    assert "ended by an error of this library" in caplog.text


def test_a_source_that_can_not_be_closed_keeps_nothing_from_ending(caplog: pytest.LogCaptureFixture) -> None:
    class Unclosable:
        def __init__(self) -> None:
            self.inner: FakeSource[Obj] = FakeSource()
            self.list, self.watch = self.inner.list, self.inner.watch

        def close(self) -> None:
            self.inner.close()
            raise OSError("busy")

    source = Unclosable()
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        registration = made.add_event_handler(handler)
        started(made)
        source.inner.add(obj("a"))
        handler.wait_for(1)
        assert made.stop(10)
        assert registration.ended.is_set()
    assert "closing the source of things failed" in caplog.text
    assert "please report it" not in caplog.text


def test_a_stop_waits_for_the_call_of_a_handler_that_was_removed_before() -> None:
    go_on = threading.Event()
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(lambda _: go_on.wait(10))
        registration = made.add_event_handler(handler)
        made.start()
        handler.wait_for(1)
        made.remove_event_handler(registration)
        assert not made.stop(0.2)
        go_on.set()
        assert made.stop(10)
        assert registration.join(0)


@pytest.mark.parametrize("flag", ["synced", "ended", "a namespace's ended"])
def test_flags_call_back_without_a_lock(flag: str) -> None:
    made: SharedInformer[Obj] = SharedInformer({"a": FakeSource(), "b": FakeSource()}, resource="things")
    part = made.sync_of("a")
    assert part is not None
    outcomes: list[str] = []

    def add() -> None:
        # Another thread, so that no lock which this one holds lets it in.
        adder = threading.Thread(target=try_to_add)
        adder.start()
        adder.join(10)
        outcomes.append("stuck" if adder.is_alive() else "came through")

    def try_to_add() -> None:
        try:
            made.add_event_handler(RecordingHandler[Obj]())
        except StoppedError:
            outcomes.append("stopped")

    flags = {"synced": made.synced, "ended": made.ended, "a namespace's ended": part.ended}
    flags[flag].add_callback(add)
    made.start()
    assert made.synced.wait(10)
    if flag == "synced":
        eventually(lambda: outcomes)
    made.remove_namespace("a")
    assert made.stop(10)
    assert outcomes == (["stopped", "came through"] if flag == "ended" else ["came through"])


@pytest.mark.parametrize("flag", ["the informer's synced", "the handler's synced", "ended"])
def test_an_exit_in_a_flags_callback_ends_nothing(flag: str) -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        registration = made.add_event_handler(handler)
        flags = {"the informer's synced": made.synced, "the handler's synced": registration.synced, "ended": made.ended}
        flags[flag].add_callback(leave)
        started(made)
        assert registration.synced.wait(10)
        source.add(obj("a"))
        handler.wait_for(1)
        assert made.stop(10)
        assert not any(thread.is_alive() for thread in made._life.threads)


@pytest.mark.usefixtures("hasty_threads")
def test_starts_and_stops_at_once_end_in_a_stop() -> None:
    for _ in range(30):
        made: SharedInformer[Obj] = SharedInformer(FakeSource(), resource="things")
        made.add_event_handler(RecordingHandler[Obj]())
        stopped: list[bool] = []

        def start(made: SharedInformer[Obj] = made) -> None:
            with suppress(StoppedError):
                made.start()

        def stop(made: SharedInformer[Obj] = made, stopped: list[bool] = stopped) -> None:
            stopped.append(made.stop(10))

        run_all(start, stop, stop, start)
        assert stopped == [True, True]
        assert made.is_stopped


@pytest.mark.usefixtures("hasty_threads")
def test_two_handlers_that_stop_it_while_others_do_end_it() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source) as made:
        within: list[bool] = []
        both = threading.Barrier(3)

        def stop(_: Obj) -> None:
            both.wait(10)
            within.append(made.stop())

        for _ in range(2):
            made.add_event_handler(ResourceEventHandlerFuncs(on_add=stop))
        made.start()
        both.wait(10)
        run_all(lambda: made.stop(10), lambda: made.stop(10))
        assert within == [False, False]


def test_a_stop_says_which_handler_it_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    go_on = threading.Event()
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(lambda _: go_on.wait(10))
        made.add_event_handler(handler)
        made.start()
        handler.wait_for(1)
        made._remind(threading.enumerate()[:1])
        assert "stop of things waits for MainThread: informers.testing.recorder.RecordingHandler on a for 0 s" in (
            caplog.text
        )
        go_on.set()
    made._remind([])
    assert "no handler is busy" in caplog.text


def test_handlers_and_cache_after_the_stop() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with informer(source, indexers={"x": lambda _: ["y"]}) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        registration = made.add_event_handler(handler)
        started(made)
        handler.wait_for(1)
        made.stop(10)
        source.add(obj("b"))
        assert made.indexer.keys() == ["a"]
        assert made.indexer.index_keys("x", "y") == ["a"]
        assert made.has_synced
        assert handler.texts() == ["add a (initial)"]
        assert (registration.ended.is_set(), registration.backlog) == (True, 0)


@pytest.mark.usefixtures("hasty_threads")
def test_late_handlers_lose_nothing_of_10000_events_and_get_nothing_twice() -> None:
    source: FakeSource[Obj] = FakeSource()
    count = 2500
    with informer(source) as made:
        started(made)
        handlers = [RecordingHandler[Obj]()]
        made.add_event_handler(handlers[0])

        def write() -> None:
            for number in range(count):
                name = f"n{number % 50}"
                source.add(obj(name, step=4 * number))
                source.modify(obj(name, step=4 * number + 1))
                source.modify(obj(name, step=4 * number + 2))
                if number % 50 != 7:
                    source.delete(obj(name, step=4 * number + 3))

        def join_late() -> None:
            for share in range(1, 6):
                handlers[0].wait_for(share * 1500)
                handlers.append(RecordingHandler())
                made.add_event_handler(handlers[-1])

        run_all(write, join_late)
        source.add(obj("last", step=4 * count))
        for handler in handlers:
            events = handler.wait_until(lambda seen: seen[-1:] and seen[-1].key == "last")
            assert ends(events) == {thing["metadata"]["name"]: thing["step"] for thing in made.indexer.list()}
        # Behind what it found there, each was told exactly what the first was told.
        first = [(event.type, event.key, event.obj and event.obj["step"]) for event in handlers[0].events]
        for handler in handlers[1:]:
            told = [
                (event.type, event.key, event.obj and event.obj["step"])
                for event in handler.events
                if not event.is_in_initial_list
            ]
            assert 0 < len(told) <= len(first)
            assert told == first[-len(told) :]


def ends(events: Any) -> dict[str, int]:
    """Return what is there after a history, which must be a legal one."""
    there: dict[str, int] = {}
    for event in events:
        assert event.obj is not None
        step: int = event.obj["step"]
        if event.type == "add":
            assert event.key not in there
        else:
            assert there[event.key] <= step
        if event.type == "update":
            assert event.old is not None
            assert event.old["step"] == there[event.key]
        if event.type == "delete":
            del there[event.key]
        else:
            there[event.key] = step
    return there


@pytest.mark.usefixtures("hasty_threads")
def test_readers_writers_and_handlers_that_come_and_go_agree_in_the_end() -> None:
    source: FakeSource[Obj] = FakeSource()
    rng = random.Random(1)
    over = threading.Event()
    told: list[tuple[RecordedEvent[Obj], ...]] = []
    with informer(source, indexers={"size": lambda thing: [str(thing["step"] % 3)]}, resync_period=0.01) as made:
        started(made)
        stays: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(stays, resync_period=0)

        def write() -> None:
            there: dict[str, int] = {}
            for step in range(1500):
                name = f"n{rng.randrange(30)}"
                if name in there and rng.random() < 0.4:
                    source.delete(obj(name, step=step))
                    del there[name]
                else:
                    (source.modify if name in there else source.add)(obj(name, step=step))
                    there[name] = step
            over.set()

        def read() -> None:
            while not over.is_set():
                for value in made.indexer.index_values("size"):
                    assert all(str(thing["step"] % 3) == value for thing in made.indexer.by_index("size", value))
                made.health()
                repr(made)

        def come_and_go() -> None:
            while not over.is_set():
                handler: RecordingHandler[Obj] = RecordingHandler()
                registration = made.add_event_handler(handler)
                assert registration.synced.wait(10)
                assert made.has_synced
                made.remove_event_handler(registration)
                assert registration.join(10)
                told.append(tuple(handler.events))

        run_all(write, read, read, come_and_go, come_and_go, come_and_go)
        source.add(obj("last", step=0))
        events = stays.wait_until(lambda seen: seen[-1:] and seen[-1].key == "last")
        assert ends(events) == {thing["metadata"]["name"]: thing["step"] for thing in made.indexer.list()}
        assert told
        for history in told:
            ends(history)


@pytest.mark.usefixtures("hasty_threads")
def test_a_backlog_is_never_lower_than_what_has_not_been_delivered() -> None:
    source: FakeSource[Obj] = FakeSource()
    gate = threading.Semaphore(0)
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(lambda _: gate.acquire(timeout=10))
        registration = made.add_event_handler(handler)
        started(made)
        assert registration.synced.wait(10)
        for number in range(100):
            source.add(obj(f"n{number}"))
            eventually(lambda: registration.backlog > 0)
            seen = {registration.backlog for _ in range(30)}
            handler.wait_for(number + 1)
            assert seen == {1}
            gate.release()
            eventually(lambda: registration.backlog == 0)


class Stuck:
    """A source whose requests end long after it has been closed."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def watch(self, _options: ListOptions, /) -> Any:
        self.entered.set()
        assert self.go_on.wait(10)
        raise StoppedError("closed")

    list = watch

    def close(self) -> None:
        pass


def test_a_namespace_that_comes_back_before_it_has_gone_is_not_emptied() -> None:
    stuck, good = Stuck(), FakeSource[Obj]()
    good.add(obj("one/a"))
    with informer({"one": stuck}) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        made.start()
        assert stuck.entered.wait(10)
        removal = threading.Thread(target=made.remove_namespace, args=("one",))
        removal.start()
        eventually(lambda: not made.health().watches)
        made.add_namespace("one", good)
        handler.wait_for(1)
        stuck.go_on.set()
        removal.join(10)
        assert not removal.is_alive()
        good.add(obj("one/b"))
        handler.wait_until(lambda events: events[-1].key == "one/b")
        assert [(event.type, event.key) for event in handler.events] == [("add", "one/a"), ("add", "one/b")]
        assert made.indexer.keys() == ["one/a", "one/b"]


def test_a_namespace_that_comes_back_before_the_first_sync_is_waited_for_though_its_former_list_is_still_queued() -> (
    None
):
    first, second, other = FakeSource[Obj](), FakeSource[Obj](), FakeSource[Obj]()
    first.add(obj("one/a"))
    second.add(obj("one/b"))
    other.list_error = second.list_error = StatusError("no", code=403)
    other.watch_error = second.watch_error = StatusError("no", code=403)
    entered, go_on = threading.Event(), threading.Event()

    def slow(thing: Obj) -> Obj:
        entered.set()
        assert go_on.wait(10)
        return thing

    with informer({"one": first, "two": other}, transform=slow, options=QUICK) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        made.start()
        assert entered.wait(10)
        made.remove_namespace("one")
        made.add_namespace("one", second)
        other.list_error = other.watch_error = None
        go_on.set()
        # What the former list brought has come and gone, and the other namespace is in.
        handler.wait_for(2)
        eventually(lambda: made.health().watches[0].is_live and not made.health().queued)
        assert not made.has_synced
        second.list_error = second.watch_error = None
        assert made.synced.wait(10)
        assert made.indexer.keys() == ["one/b"]


def test_an_error_handler_may_remove_a_namespace_though_the_queue_is_full() -> None:
    clock = FakeClock()
    denied, busy = FakeSource[Obj](streaming_lists=False), FakeSource[Obj]()
    denied.list_error = StatusError("no", code=403, reason="Forbidden")
    removed = threading.Event()

    def remove(_: WatchFailure) -> None:
        if not removed.is_set():
            # Whatever the busy one sends waits for this very thread.
            busy.wait_for_watch()
            for number in range(10):
                busy.add(obj(f"busy/n{number}"))
            eventually(lambda: len(made._queue) >= 3)
            made.remove_namespace("denied")
            removed.set()

    with informer({"denied": denied, "busy": busy}, clock=clock, watch_error_handler=remove) as made:
        made._queue._limit = 3
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        made.start()
        assert removed.wait(10)
        handler.wait_for(10)
        assert made.synced.wait(10)
        assert denied.closed
        assert [watch.namespace for watch in made.health().watches] == ["busy"]


def test_what_a_removed_namespace_still_brings_is_dropped_even_where_it_waits_for_room() -> None:
    slow, other = FakeSource[Obj](), FakeSource[Obj]()
    slow.add(obj("slow/a"))
    held, go_on = threading.Event(), threading.Event()

    def hold(thing: Obj) -> Obj:
        if thing["metadata"]["name"] == "held":
            held.set()
            assert go_on.wait(10)
        return thing

    with informer({"slow": slow, "other": other}, transform=hold) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)
        made._queue._limit = 1
        other.add(obj("other/held"))
        assert held.wait(10)
        other.add(obj("other/b"))
        eventually(lambda: len(made._queue) == 1)
        slow.add(obj("slow/waits"))
        made.remove_namespace("slow")
        go_on.set()
        handler.wait_until(lambda events: any(event.type == "delete" for event in events))
        assert handler.texts() == ["add slow/a (initial)", "add other/held", "add other/b", "delete slow/a (tombstone)"]


def test_a_namespace_that_is_added_before_the_first_sync_is_waited_for_and_one_that_comes_later_is_not() -> None:
    one, two, three = FakeSource[Obj](), Stuck(), Stuck()
    with informer({"one": one}) as made:
        made.add_namespace("two", two)
        made.start()
        one.wait_for_watch()
        assert two.entered.wait(10)
        assert not wait_for_cache_sync(made, timeout=0.05)
        assert "two: listing" in made.why_not_synced()
        made_two = threading.Thread(target=made.remove_namespace, args=("two",))
        made_two.start()
        assert made.synced.wait(10)
        made.add_namespace("three", three)
        assert made.has_synced
        assert not made.health().is_live
        two.go_on.set()
        made_two.join(10)
        three.go_on.set()


def test_an_informer_whose_listed_namespaces_were_all_removed_has_not_synced_any_more() -> None:
    unlisted: FakeSource[Obj] = FakeSource()
    unlisted.list_error = unlisted.watch_error = StatusError("not yet")
    with informer({"a": FakeSource[Obj]()}) as made:
        started(made)
        made.remove_namespace("a")
        assert not made.has_synced
        assert str(wait_for_cache_sync(made)) == "not synced: things: it follows no namespace"
        made.add_namespace("b", unlisted)
        assert not made.has_synced
        assert not made.health().synced
        result = wait_for_cache_sync(made, timeout=0)
        assert list(result.unsynced) == ["things in b"]
        unlisted.list_error = unlisted.watch_error = None
        made.relist()
        assert wait_for_cache_sync(made, timeout=10)
        assert made.has_synced


def test_an_informer_of_no_namespace_yet_has_not_synced_and_takes_one_later() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("one/a"))
    with informer({}) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        registration = made.add_event_handler(handler)
        made.start()
        assert str(wait_for_cache_sync(made, timeout=0)) == "not synced: things: it follows no namespace"
        assert not made.has_listed(None)
        assert (made.last_sync_resource_version, len(made.indexer)) == ("", 0)
        assert made.add_namespace("one", source).wait(timeout=10)
        assert wait_for_cache_sync(made, registration, timeout=10)
        assert handler.texts() == ["add one/a (initial)"]
        made.stop(10)
        assert not made.health().is_live


def made(name: str, uid: str) -> Obj:
    thing = obj(name)
    thing["metadata"]["uid"] = uid
    return thing


def test_what_was_made_again_while_nobody_watched_is_delivered_as_two_objects() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(made("a", "first"))
    with informer(source, options=QUICK) as watching:
        handler: RecordingHandler[Obj] = RecordingHandler()
        watching.add_event_handler(handler)
        started(watching)
        source.list_error = source.watch_error = ConnectionLostError("away")
        source.break_watches(ConnectionLostError("away"))
        source.delete(made("a", "first"))
        source.add(made("a", "second"))
        source.forget_history()
        source.list_error = source.watch_error = None
        handler.wait_for(3)
        assert handler.texts() == ["add a (initial)", "delete a (tombstone)", "add a"]
        uids = [event.obj and event.obj["metadata"]["uid"] for event in handler.events]
        assert uids == ["first", "first", "second"]


def test_a_watch_is_opened_again_where_it_was_though_a_deletion_had_an_older_version() -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer(source, options=QUICK) as watching:
        started(watching)
        watch = source.wait_for_watch()
        watch.send(Change(ChangeType.ADDED, record("a", "4")), Change(ChangeType.ADDED, record("b", "10")))
        watching.wait_until("b", lambda thing: thing, timeout=10)
        watch.send(Change(ChangeType.DELETED, record("a", "4")))
        watching.wait_until("a", lambda thing: thing is None, timeout=10)
        assert watching.resource_version_of(None) == watching.indexer.resource_version == "10"
        source.drop_watches()
        assert source.wait_for_watch(2).options.resource_version == "10"


def test_a_handler_that_is_behind_is_named_in_health_and_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a", n=0))
    go_on = threading.Event()
    with informer(source) as watching:
        registration = watching.add_event_handler(
            ResourceEventHandlerFuncs(on_update=lambda _old, _new: go_on.wait(30))
        )
        started(watching)
        assert registration.synced.wait(10)
        for number in range(1, 12_001):
            source.modify(obj("a", n=number))
        eventually(lambda: registration.backlog == 12_000)
        eventually(lambda: "is behind" in caplog.text)
        assert "is behind: 12,000 events wait for it" in str(watching.health())
        assert caplog.text.count("is behind") == 1
        assert watching.health().is_live
        go_on.set()
        eventually(lambda: not registration.backlog)
        assert "behind" not in str(watching.health())


def test_a_namespace_may_go_before_the_start() -> None:
    one, two = FakeSource[Obj](), FakeSource[Obj]()
    one.add(obj("one/a"))
    two.add(obj("two/a"))
    with informer({"one": one, "two": two}) as made:
        made.remove_namespace("one")
        started(made)
        assert made.indexer.keys() == ["two/a"]
        assert (one.closed, one.watches) == (True, [])


def test_what_has_not_changed_for_a_while_is_packed() -> None:
    class Loose(HeldRecord[Obj]):
        __slots__ = ()
        is_packable = True
        #: Of fewer bytes nothing is packed.
        size = 1_000_000

        def pack(self) -> None:
            packed.append(self.key)

    packed: list[str] = []
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource()
    with informer(source, clock=clock, transform=lambda thing: thing, restore=Loose) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)
        source.add(obj("a"))
        handler.wait_for(1)
        clock.wait_for_waiters()
        assert packed == []
        clock.advance(0.25)
        eventually(lambda: packed)
        assert packed == ["a"]


@pytest.mark.usefixtures("hasty_threads")
def test_namespaces_come_and_go_while_others_look() -> None:
    over = threading.Event()
    with informer({}) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        made.start()

        def change(name: str) -> None:
            for _ in range(15):
                source: FakeSource[Obj] = FakeSource()
                source.add(obj(f"{name}/a"))
                made.add_namespace(name, source)
                made.remove_namespace(name)

        def look() -> None:
            while not over.is_set():
                _ = made.last_sync_resource_version
                str(made.health())

        def change_all() -> None:
            run_all(lambda: change("one"), lambda: change("two"), lambda: change("three"))
            over.set()

        run_all(change_all, look, look)
        eventually(lambda: not len(made.indexer) and not len(made._queue))
        there: set[str] = set()
        for event in handler.events:
            if event.type == "add":
                assert event.key not in there
                there.add(event.key)
            else:
                assert event.is_tombstone
                there.remove(event.key)
        eventually(lambda: made.health().handlers[0].backlog == 0)


def test_a_handler_for_which_there_is_no_thread_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with informer(FakeSource()) as made:
        started(made)

        def refuse(*_: object) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr("informers.cache._pipeline.processor.start_thread", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            made.add_event_handler(RecordingHandler[Obj]())
        assert made.health().handlers == ()


def test_a_start_for_which_there_are_too_few_threads_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    threads = available = 0

    def stingy(name: str, run: Callable[[], None]) -> threading.Thread:
        nonlocal threads
        if threads == available:
            raise RuntimeError("can't start new thread")
        threads += 1
        return start_thread(name, run)

    for module in ("_life", "_pipeline.processor", "_pipeline.inlets"):
        monkeypatch.setattr(f"informers.cache.{module}.start_thread", stingy)
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        while available < 3:
            with pytest.raises(RuntimeError, match="can't start new thread"):
                made.start()
            assert not made.is_started
            available += 1
        started(made)
        handler.wait_for(1)
        assert handler.texts() == ["add a (initial)"]
        assert (threads, len(source.watches)) == (3, 1)


def test_a_namespace_for_which_there_is_no_thread_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    source: FakeSource[Obj] = FakeSource()
    with informer({"one": FakeSource()}) as made:
        started(made)

        def refuse(*_: object) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr("informers.cache._pipeline.inlets.start_thread", refuse)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                made.add_namespace("two", source)
        assert [watch.namespace for watch in made.health().watches] == ["one"]
        made.add_namespace("two", source)
        source.wait_for_watch()


def test_a_handler_may_add_and_remove_others() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    inner: RecordingHandler[Obj] = RecordingHandler()
    with informer(source) as made:

        def add(_: Obj) -> None:
            registration = made.add_event_handler(inner)
            inner.wait_for(1)
            made.remove_event_handler(registration)
            done.set()

        done = threading.Event()
        made.add_event_handler(ResourceEventHandlerFuncs(on_add=add))
        made.start()
        assert done.wait(10)
        assert inner.texts() == ["add a (initial)"]
        assert len(made.health().handlers) == 1


def test_what_a_handler_does_not_ask_for_is_passed_over() -> None:
    source: FakeSource[Obj] = FakeSource()
    gone: list[Obj | DeletedFinalStateUnknown[Obj]] = []
    with informer(source) as made:
        registration = made.add_event_handler(ResourceEventHandlerFuncs(on_delete=gone.append))
        started(made)
        source.add(obj("a"))
        source.modify(obj("a", step=2))
        source.delete(obj("a", step=3))
        eventually(lambda: gone)
        assert [thing["step"] for thing in gone if not isinstance(thing, DeletedFinalStateUnknown)] == [3]
        eventually(lambda: made.health().handlers[0].delivered == 3)
        assert registration.has_synced
