"""Streaming lists: their end, and what is done when it does not come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from informers import NextStep, ReflectorOptions
from informers.cache._reflector.streamed_list import StreamedList
from informers.errors import ConnectionLostError, DecodeError, StatusError
from informers.source.watch_events import BadObject, Bookmark, ChangeType, ErrorEvent, ListOptions
from informers.testing import FakeSource, FakeWatch
from tests.cache.test_reflector import (
    BUSY,
    EXPIRED,
    INTERNAL,
    REFUSED,
    TOO_LARGE,
    Obj,
    Rig,
    change,
    failing,
    low,
    obj,
    rig,
)

ADDED, MODIFIED, DELETED = ChangeType.ADDED, ChangeType.MODIFIED, ChangeType.DELETED
END = Bookmark("7", initial_events_end=True)


@contextmanager
def fed() -> Iterator[tuple[Rig, FakeWatch[Obj]]]:
    """Yield a rig, and its first streaming list, which sends only what the test sends."""
    source: FakeSource[Obj] = FakeSource()
    original = source.watch

    def watch(options: ListOptions, /) -> FakeWatch[Obj]:
        if not options.send_initial_events:
            return original(options)
        with source._condition:
            made: FakeWatch[Obj] = FakeWatch(options)
            source.watches.append(made)
            source._open.append(made)
            source._condition.notify_all()
            return made

    source.watch = watch  # type: ignore[method-assign] # the test feeds it
    with rig(source, streaming=True) as r:
        yield r, source.wait_for_watch()


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
@pytest.mark.upstream("tools/cache/reflector_test.go", "TestReflectorListAndWatch")
def test_a_streaming_list_fills_the_store_and_continues_as_the_watch() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.add(obj("b"))
    with rig(source, streaming=True) as r:
        watch = source.wait_for_watch()
        asked = watch.options
        assert (asked.send_initial_events, asked.resource_version_match, asked.allow_watch_bookmarks) == (
            True,
            "NotOlderThan",
            True,
        )
        assert (asked.resource_version, asked.limit, asked.timeout_seconds) == ("", 0, 300)
        r.wait_for(lambda: r.store.keys() == ["a", "b"])
        source.add(obj("c"))
        r.wait_for(lambda: r.store.keys() == ["a", "b", "c"])
        assert (r.watched(), r.listed(), r.failures) == (["s"], [], [])
        assert r.reflector.last_sync_resource_version == "3"


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList", "TestWatchListResourceVersion")
def test_what_changes_before_the_end_is_honoured_and_the_version_is_the_bookmarks() -> None:
    with fed() as (r, watch):
        watch.send(change(ADDED, "a", "9"), change(ADDED, "b", "2"), change(ADDED, "c", "3"))
        watch.send(change(MODIFIED, "a", "12"), change(DELETED, "b", "13"), Bookmark("5"))
        assert len(r.store) == 0
        assert r.reflector.last_sync_resource_version == ""
        watch.send(END, change(ADDED, "d", "14"))
        r.wait_for(lambda: r.store.keys() == ["a", "c", "d"])
        assert r.reflector.last_sync_resource_version == "14"
        r.clock.advance(400)
        watch.end()
        r.source.wait_for_watch(2)
        assert r.watched() == ["s", "14"]


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
def test_a_bookmark_without_the_marker_does_not_end_the_list() -> None:
    with fed() as (r, watch):
        watch.send(change(ADDED, "a", "1"), Bookmark("5", initial_events_end=False))
        watch.end()
        r.source.wait_for_watch(2)
        assert r.store.keys() == []
        assert r.listed() == [("0", 500, "")]


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestNewReflectorWithDisablementWatchList")
def test_without_streaming_lists_none_is_requested() -> None:
    with rig(options=ReflectorOptions(streaming_lists=False, uniform=low)) as r:
        r.source.wait_for_watch()
        assert (r.watched(), r.listed()) == (["0"], [("0", 500, "")])


@pytest.mark.upstream(
    "tools/cache/reflector_watchlist_test.go", "TestNewReflectorWithDisablementWatchList", "TestWatchList"
)
def test_a_server_that_does_not_know_streaming_lists_is_asked_only_once() -> None:
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    with rig(source, streaming=True) as r:
        source.wait_for_watch(2)
        source.forget_history()
        r.pass_pause()
        source.wait_for_watch(3)
        assert r.watched() == ["s", "0", "0"]
        assert len(r.listed()) == 2
        assert r.failures[0].next_step is NextStep.LIST_PAGES
        assert r.failures[0].delay == 0.0


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
@pytest.mark.parametrize("error", [StatusError("no", code=403, reason="Forbidden"), INTERNAL, ValueError("bug")])
def test_any_other_error_falls_back_to_pages_in_the_same_round_and_tries_again_in_the_next(error: Exception) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.watch_error = failing([error])
    with rig(source, streaming=True) as r:
        source.wait_for_watch(2)
        r.wait_for(lambda: r.store.keys() == ["a"])
        assert r.failures[0].error is error
        source.forget_history()
        r.pass_pause()
        source.wait_for_watch(3)
        assert r.watched() == ["s", "1", "1s"]


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
@pytest.mark.parametrize("error", [REFUSED, BUSY])
def test_a_server_that_is_not_there_or_busy_is_asked_for_the_stream_again_after_a_pause(error: Exception) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.watch_error = failing([error, error])
    with rig(source, streaming=True) as r:
        r.pass_pause()
        r.pass_pause()
        source.wait_for_watch(3)
        assert (r.watched(), r.listed()) == (["s", "s", "s"], [])
        assert [failure.delay for failure in r.failures] == [0.8, 1.6]


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
@pytest.mark.parametrize("where", ["open", "stream"])
@pytest.mark.parametrize("error", [EXPIRED, TOO_LARGE])
def test_a_version_that_is_lost_is_given_up_at_once(where: str, error: StatusError) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with rig(source, streaming=True) as r:
        source.wait_for_watch()
        r.wait_for(lambda: len(r.store) == 1)
        if where == "open":
            source.watch_error = failing([error])
            source.break_watches(INTERNAL)
            r.pass_pause()
            source.wait_for_watch(3)
        else:
            original = source.watch
            once = [True]

            def watch(options: ListOptions, /) -> FakeWatch[Obj]:
                made = original(options)
                if options.send_initial_events and once:
                    once.clear()
                    made._waiting.clear()
                    made.send(ErrorEvent(error))
                return made

            source.watch = watch  # type: ignore[method-assign] # one stream that says no
            source.break_watches(INTERNAL)
            r.pass_pause()
            source.wait_for_watch(3)
        assert r.watched() == ["s", "1s", "s"]


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList", "TestInitialEventsEndBookmarkTicker")
def test_a_stream_that_brings_nothing_new_for_ten_seconds_has_no_end_and_pages_are_listed() -> None:
    with fed() as (r, watch):
        r.source.add(obj("a"))
        watch.send(change(ADDED, "a", "1"))
        r.wait_for(lambda: r.reflector.progress.counts.listed == 1)
        r.clock.advance(11)
        watch.send(change(MODIFIED, "a", "2"))
        r.source.wait_for_watch(2)
        assert r.store.keys() == ["a"]
        assert "brought nothing new for 10 s, and no end" in str(r.failures[0])
        assert r.failures[0].next_step is NextStep.LIST_PAGES


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
def test_a_stream_without_an_end_is_given_up_also_while_new_objects_are_made() -> None:
    with fed() as (r, watch):
        for number in range(7):
            watch.send(change(ADDED, f"n{number}", str(number + 1)))
            r.wait_for(lambda number=number: r.reflector.progress.counts.listed == number + 1 or r.failures)
            r.clock.advance(2)
        r.source.wait_for_watch(2)
        assert "a streaming list did not come to its end within 12 s: 7 objects came" in str(r.failures[0])


def test_a_stream_may_take_longer_the_more_objects_there_are_but_not_for_ever() -> None:
    content: StreamedList[Obj] = StreamedList(0.0, patience=10.0, limit=300.0)
    for number in range(4000):
        now = 0.07 * number
        if now > 10 + 0.05 * number:
            break
        assert content.take([change(ADDED, f"n{number}", "1")], now) is None
    assert number > 400
    with pytest.raises(ConnectionLostError, match="did not come to its end within 36 s: 502 objects came"):
        content.take([change(ADDED, "another", "1")], 36.0)
    quick: StreamedList[Obj] = StreamedList(0.0, patience=10.0, limit=300.0)
    quick.take([change(ADDED, f"n{number}", "1") for number in range(20_000)], 299.0 - 290.0)
    quick.take([change(ADDED, "one-more", "1")], 15.0)
    with pytest.raises(ConnectionLostError):
        quick.take([change(ADDED, "the-last", "1")], 301.0)


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
def test_a_server_whose_streams_break_twice_is_asked_for_no_third() -> None:
    with fed() as (r, watch):
        watch.fail(ConnectionLostError("nothing came"))
        second = r.source.wait_for_watch(2)
        second.send(ErrorEvent(EXPIRED))
        r.pass_pause()
        r.source.wait_for_watch(3).end()
        r.source.wait_for_watch(4).send(ErrorEvent(EXPIRED))
        r.pass_pause()
        r.source.wait_for_watch(5)
        assert r.watched() == ["s", "0", "s", "0", "0"]


@pytest.mark.parametrize("error", [EXPIRED, INTERNAL])
def test_an_error_right_behind_the_end_is_the_watchs_and_costs_a_pause(error: StatusError) -> None:
    with fed() as (r, watch):
        watch.send(change(ADDED, "a", "1"), END, change(ADDED, "b", "8"), ErrorEvent(error))
        r.clock.wait_for_waiters()
        assert r.store.keys() == ["a", "b"]
        assert (r.watched(), r.listed(), watch.closed) == (["s"], [], True)
        assert [(failure.next_step, failure.delay) for failure in r.failures] == [(NextStep.LIST, 0.8)]
        r.pass_pause()
        r.source.wait_for_watch(2)
        assert (r.watched(), r.listed()) == (["s", "8s"], [])


def test_a_stop_ends_a_streaming_list() -> None:
    with fed() as (r, watch):
        watch.send(change(ADDED, "a", "1"))
        r.stop()
        assert watch.closed
        assert len(r.store) == 0


def test_a_bad_object_in_a_streaming_list_leaves_the_others_alone() -> None:
    with fed() as (r, watch):
        watch.send(change(ADDED, "a", "1"), BadObject(DecodeError("bad labels", key="b"), "2"), END)
        r.wait_for(lambda: r.store.keys() == ["a"])
        assert r.reflector.last_sync_resource_version == "7"


def test_a_stop_that_comes_while_a_list_is_handed_on_closes_its_watch() -> None:
    source: FakeSource[Obj] = FakeSource()
    with rig(source, streaming=True, start=False) as r:
        writer: Any = r.reflector._store
        hand_on = writer.replace_records

        def stop_too(*args: Any, **kwargs: Any) -> object:
            r.reflector.stop()
            return hand_on(*args, **kwargs)

        writer.replace_records = stop_too  # stands for a queue that is full
        r.reflector.run()
        assert [watch.closed for watch in source.watches] == [True]
