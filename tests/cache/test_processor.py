"""A handler's queue and thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from informers._base.clock import SYSTEM_CLOCK
from informers.cache._pipeline.processor import Listener, Notification, deliver
from informers.cache.handlers import Callbacks
from informers.cache.health import handler_health
from informers.cache.object_events import Added, Deleted, Updated
from informers.source.records import HeldRecord, Record
from informers.testing import FakeClock, RecordedEvent, RecordingHandler
from tests.cache.things import Obj, obj, record

React = Callable[[RecordedEvent[Obj]], object]


def added(name: str) -> Added[Record[Obj]]:
    return Added(record(name, "1"), False)


@contextmanager
def listening(
    react: React | None = None,
    *,
    clock: Any = SYSTEM_CLOCK,
    resync_period: float = 0.0,
    resync: Callable[[Listener[Obj]], None] = lambda _listener: None,
    start: bool = True,
) -> Iterator[tuple[Listener[Obj], RecordingHandler[Obj]]]:
    handler: RecordingHandler[Obj] = RecordingHandler(react)
    listener: Listener[Obj] = Listener(Callbacks.of(handler), resync_period=resync_period, resync=resync, clock=clock)
    if start:
        listener.start("handler-things-1")
    try:
        yield listener, handler
    finally:
        listener.end()
        if listener.thread is not None:
            listener.thread.join(10)
            assert not listener.thread.is_alive()


def flush(listener: Listener[Obj]) -> None:
    """Wait until everything that was pushed before has been delivered."""
    listener.push([listener.synced])
    assert listener.synced.wait(10)


def test_what_is_pushed_is_delivered_in_order_in_one_thread_of_its_own() -> None:
    threads: set[str] = set()
    with listening(lambda _: threads.add(threading.current_thread().name)) as (listener, handler):
        listener.push([added("a"), Updated(record("a", "1"), record("a", "2"))])
        listener.push([Deleted("a", record("a", "3"), False), Deleted("b", record("b", "3"), True)])
        handler.wait_for(4)
        assert handler.texts() == ["add a", "update a", "delete a", "delete b (tombstone)"]
    assert threads == {"informers-handler-things-1"}


def test_what_is_pushed_before_the_start_waits_for_it() -> None:
    with listening(start=False) as (listener, handler):
        listener.push([added("a")])
        assert (listener.backlog, listener.thread) == (1, None)
        listener.start("handler-things-1")
        handler.wait_for(1)


def test_it_starts_once() -> None:
    with listening() as (listener, _):
        thread = listener.thread
        listener.start("another")
        assert listener.thread is thread


def test_one_that_has_ended_neither_starts_nor_takes_anything() -> None:
    with listening(start=False) as (listener, handler):
        listener.push([added("a")])
        listener.end()
        listener.start("handler-things-1")
        listener.push([added("b")])
        assert (listener.thread, listener.backlog, handler.texts()) == (None, 0, [])
        assert repr(listener).endswith("RecordingHandler backlog=0 ended>")


def test_the_end_drops_what_waits_and_lets_the_call_under_way_finish() -> None:
    go_on = threading.Event()
    with listening(lambda _: go_on.wait(10)) as (listener, handler):
        listener.push([added(name) for name in "abc"])
        listener.push([added("d")])
        handler.wait_for(1)
        assert listener.backlog == 4
        listener.end()
        assert listener.backlog == 1
        go_on.set()
        assert listener.thread is not None
        listener.thread.join(10)
        assert (listener.backlog, handler.texts()) == (0, ["add a"])


def test_events_are_counted_and_the_end_of_the_initial_list_is_none() -> None:
    def fail_on_b(event: RecordedEvent[Obj]) -> None:
        if event.key == "b":
            raise ValueError("no")

    with listening(fail_on_b) as (listener, _):
        listener.push([added("a"), added("b"), added("c")])
        flush(listener)
        health = handler_health(listener, 0.0)
        assert (health.delivered, health.failed, health.backlog, health.busy_with) == (3, 1, 0, None)


def test_an_error_is_logged_with_handler_event_and_key(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise ValueError("no such table")

    with listening(fail) as (listener, _):
        listener.push([Updated(record("default/a", "1"), record("default/a", "2"))])
        flush(listener)
    assert "RecordingHandler failed on updated of default/a; going on with the next event" in caplog.text
    assert "ValueError: no such table" in caplog.text


class Unmakeable(HeldRecord[Obj]):
    def object(self) -> Obj:
        raise ValueError("no widget")


def test_an_object_that_could_not_be_made_is_added_once_it_can_and_its_deletion_is_delivered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = Unmakeable(obj("a", "1"))
    with listening() as (listener, handler):
        listener.push([Added(bad, False), Updated(bad, record("a", "2"))])
        listener.push([Updated(record("a", "2"), bad), Deleted("a", bad, False), Deleted("a", bad, True)])
        flush(listener)
        assert handler.texts() == ["add a", "delete a (tombstone)", "delete a (tombstone)"]
        assert [event.obj for event in handler.events] == [obj("a", "2"), None, None]
        # Of the states that can't be made the handler was not told.
        assert (listener.delivered, listener.failed) == (5, 2)
    assert "a can't be made as it was, so its deletion has no object" in caplog.text


def test_nothing_that_has_been_delivered_is_kept_for_the_sake_of_what_came_with_it() -> None:
    class Thing:
        def __init__(self, name: str) -> None:
            self.metadata = {"name": name}

    things = [Thing("a"), Thing("b")]
    first = weakref.ref(things[0])
    notifications: list[Notification[Any]] = [Added(HeldRecord(thing), False) for thing in things]
    things.clear()
    left: list[object] = []
    done = threading.Event()

    def on_add(thing: Thing, _flag: bool) -> None:
        if thing.metadata["name"] == "b":
            gc.collect()
            left.append(first())
            done.set()

    listener: Listener[Any] = Listener(Callbacks("test", on_add, None, None), resync=lambda _listener: None)
    listener.push(notifications)
    notifications.clear()
    listener.start("handler-things-1")
    assert done.wait(10)
    listener.end()
    assert listener.thread is not None
    listener.thread.join(10)
    assert left == [None]


def test_no_object_is_made_for_a_handler_that_does_not_ask_for_it() -> None:
    class Unread(HeldRecord[Obj]):
        __slots__ = ()

        def object(self) -> Obj:
            raise AssertionError("made")

    callbacks: Callbacks[Obj] = Callbacks("nobody", None, None, None)
    unread = Unread(obj("a", "1"))
    for notification in (Added(unread, True), Updated(unread, unread), Deleted("a", unread, True)):
        deliver(notification, callbacks)


def test_a_resync_comes_when_its_period_is_over_and_again_a_period_later() -> None:
    clock = FakeClock()

    def resync(listener: Listener[Obj]) -> None:
        same = record("a", "1")
        listener.push([Updated(same, same)])

    with listening(clock=clock, resync_period=30.0, resync=resync) as (_, handler):
        for count in (1, 2, 3):
            clock.wait_for_waiters()
            assert clock.next_deadline() == 30.0 * count
            clock.advance(29.5)
            clock.wait_for_waiters()
            assert len(handler.events) == count - 1
            clock.advance(0.5)
            handler.wait_for(count)


def test_resyncs_do_not_pile_up_behind_a_slow_handler() -> None:
    clock = FakeClock()
    go_on = threading.Event()

    def resync(listener: Listener[Obj]) -> None:
        same = record("a", "1")
        listener.push([Updated(same, same)])

    with listening(lambda _: go_on.wait(10), clock=clock, resync_period=1.0, resync=resync) as (listener, handler):
        listener.push([added("a"), added("b")])
        handler.wait_for(1)
        for _ in range(50):
            clock.advance(1.0)
        go_on.set()
        handler.wait_for(3)
        clock.wait_for_waiters()
        assert handler.texts() == ["add a", "add b", "update a"]
        assert clock.next_deadline() == 51.0


def test_one_that_ends_while_a_resync_is_due_asks_for_none() -> None:
    clock = FakeClock()
    resyncs: list[object] = []
    go_on = threading.Event()
    with listening(lambda _: go_on.wait(10), clock=clock, resync_period=1.0, resync=resyncs.append) as (
        listener,
        handler,
    ):
        listener.push([added("a")])
        handler.wait_for(1)
        clock.advance(5)
        listener.end()
        go_on.set()
        assert listener.thread is not None
        listener.thread.join(10)
        assert resyncs == []
