"""A cache that is behind is listed anew on demand, and whoever was told that it fails is told when it works again."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from informers import (
    ConfigurationError,
    ListWatch,
    ReflectorOptions,
    ReflectorState,
    SharedInformerFactory,
    StoppedError,
    WatchFailure,
    WatchRecovery,
)
from informers.errors import ConnectionLostError, StatusError, TooManyRequestsError
from informers.kinds import core
from informers.source.watch_events import Bookmark, Change, ChangeType, ListOptions, Page
from informers.testing import APIServer, FakeClock, FakeSource, FakeWatch, RecordingHandler
from tests.cache.test_reflector import REFUSED, failing, rig
from tests.cache.things import Obj, informer, obj, record, started
from tests.waiting import QUICK, eventually


def test_a_relist_lists_the_newest_and_tells_only_what_has_changed() -> None:
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    for name in ("a", "b", "c"):
        source.add(obj(name))
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        registration = made.add_event_handler(handler)
        made.add_indexers({"name": lambda thing: [thing["metadata"]["name"]]})
        started(made)
        handler.wait_for(3)
        # Behind the watch's back.
        with source._condition:
            source._records.pop("b")
        failures = made.health().watches[0].failures
        made.relist()
        source.wait_for_watch(3)
        assert [(event.type, event.key) for event in handler.wait_for(4)[3:]] == [("delete", "b")]
        assert source.lists[-1].resource_version == ""
        source.add(obj("d"))
        handler.wait_for(5)
        assert made.indexer.index_keys("name", "d") == ["d"]
        assert (registration.has_synced, made.health().watches[0].failures) == (True, failures)
        assert made.health().is_live


@pytest.mark.parametrize("streaming", [False, True])
def test_a_relist_over_http_uses_a_new_connection(streaming: bool) -> None:
    with APIServer(streaming_lists=streaming) as server:
        failures: list[WatchFailure] = []
        factory = SharedInformerFactory(server.client(), options=QUICK, watch_error_handler=failures.append)
        made = factory.core.v1.config_maps.informer
        with factory:
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            eventually(lambda: made.health().is_live)
            failures.clear()
            for number in range(2, 5):
                lists = made.health().watches[0].lists
                made.relist()
                eventually(lambda lists=lists: made.health().watches[0].lists > lists and made.health().is_live)
                server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": f"n{number}"}})
                eventually(lambda number=number: len(made.indexer.keys()) == number - 1)
        assert failures == []


def test_a_relist_ends_a_pause_at_once() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([REFUSED])
    with rig(source) as r:
        r.clock.wait_for_waiters()
        r.reflector.relist()
        source.wait_for_watch()
        assert [asked[0] for asked in r.listed()] == ["0", ""]


def test_relists_from_many_threads_at_once_are_no_failures_and_end_in_a_watch() -> None:
    source: FakeSource[Obj] = FakeSource()
    with rig(source, streaming=True) as r:
        source.wait_for_watch()
        threads = [threading.Thread(target=r.reflector.relist) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        source.add(obj("a"))
        r.wait_for(lambda: r.reflector.progress.state is ReflectorState.WATCHING and len(r.store) == 1)
        assert r.failures == []


def test_a_source_of_ones_own_that_can_not_reconnect_is_listed_when_its_watch_brings_something() -> None:
    inner: FakeSource[Obj] = FakeSource(streaming_lists=False)

    class Plain:
        def list(self, options: ListOptions, /) -> Page[Obj]:
            return inner.list(options)

        def watch(self, options: ListOptions, /) -> FakeWatch[Obj]:
            return inner.watch(options)

        def close(self) -> None:
            inner.close()

    with informer(Plain()) as made:
        started(made)
        made.relist()
        assert len(inner.lists) == 1
        inner.bookmark()
        inner.wait_for_watch(3)
        assert [asked.resource_version for asked in inner.lists] == ["0", ""]


def test_a_relist_of_such_a_source_ends_a_list_in_pages_at_its_next_page() -> None:
    inner: FakeSource[Obj] = FakeSource(streaming_lists=False)
    for name in ("a", "b", "c", "d"):
        inner.add(obj(name))

    class Plain:
        def list(self, options: ListOptions, /) -> Page[Obj]:
            if len(inner.lists) == 1:
                made.relist()
            return inner.list(options)

        def watch(self, options: ListOptions, /) -> FakeWatch[Obj]:
            return inner.watch(options)

        def close(self) -> None:
            inner.close()

    with informer(Plain(), options=ReflectorOptions(streaming_lists=False, page_size=1)) as made:
        started(made)
        assert [asked.resource_version or asked.continue_token for asked in inner.lists] == [
            "0",
            "1",
            "",
            "1",
            "2",
            "3",
        ]
        assert made.health().watches[0].failures == 0


def test_a_relist_of_such_a_source_ends_a_streaming_list_at_its_next_object() -> None:
    watches: list[FakeWatch[Obj]] = []

    class Plain:
        def list(self, options: ListOptions, /) -> Page[Obj]:
            raise AssertionError(options)

        def watch(self, options: ListOptions, /) -> FakeWatch[Obj]:
            watches.append(FakeWatch(options))
            return watches[-1]

        def close(self) -> None:
            for watch in watches:
                watch.end()

    with informer(Plain()) as made:
        made.start()
        eventually(lambda: watches)
        made.relist()
        watches[0].send(Change(ChangeType.ADDED, record("a", "1")))
        eventually(lambda: len(watches) == 2)
        watches[1].send(Change(ChangeType.ADDED, record("b", "1")), Bookmark("1", initial_events_end=True))
        assert made.synced.wait(10)
        assert list(made.indexer.keys()) == ["b"]
        assert made.health().watches[0].failures == 0


def test_a_source_whose_reconnect_raises_is_named_for_it(caplog: pytest.LogCaptureFixture) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.reconnect = lambda: 1 / 0  # type: ignore[method-assign] # a user's own
    with informer(source) as made:
        started(made)
        made.relist()
        source.bookmark()
        source.wait_for_watch(2)
    assert "connecting the source of things again failed" in caplog.text


def test_a_relist_of_one_namespace_leaves_the_others_alone() -> None:
    sources: dict[str, FakeSource[Obj]] = {"a": FakeSource(), "b": FakeSource()}
    with informer(sources) as made:
        started(made)
        made.relist("a")
        sources["a"].wait_for_watch(2)
        assert len(sources["b"].watches) == 1
        with pytest.raises(ConfigurationError, match=r"has no list of namespace 'c' alone: it follows namespaces a, b"):
            made.relist("c")
    with pytest.raises(StoppedError, match="the informer of things has been stopped"):
        made.relist()


def test_a_relist_before_the_start_does_nothing() -> None:
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    with informer(source) as made:
        made.relist()
        started(made)
        source.wait_for_watch(2)
        assert [asked.resource_version for asked in source.lists] == ["0"]


def test_a_connection_is_given_up_for_a_new_one_after_its_time() -> None:
    clock = FakeClock()
    with APIServer() as server:
        source = ListWatch(server.client(), core.V1.config_maps, connection_lifetime=60.0, clock=clock)
        pools: list[Any] = []
        for _ in range(4):
            source.list(ListOptions())
            pools.append(source._transport._pool_since)
            clock.advance(35)
        source.close()
    assert pools == [0.0, 0.0, 70.0, 70.0]


def test_a_recovery_is_reported_with_its_time_after_the_failures() -> None:
    told: list[WatchFailure | WatchRecovery] = []
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource()
    with informer(source, clock=clock, watch_error_handler=told.append, watch_recovery_handler=told.append) as made:
        started(made)
        assert told == []
        source.watch_error = failing([ConnectionLostError("refused")] * 2)
        source.break_watches(ConnectionLostError("reset by peer"))
        for _ in range(3):
            clock.wait_for_waiters()
            clock.advance(4)
        eventually(lambda: len(told) == 4)
        *failures, recovery = told
        assert all(isinstance(failure, WatchFailure) for failure in failures)
        assert isinstance(recovery, WatchRecovery)
        assert (recovery.failures, recovery.is_first, str(recovery)) == (
            3,
            False,
            "things: live again after 12 s and 3 failures",
        )


def test_an_informer_that_is_live_for_the_first_time_after_failures_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="informers.cache")
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    source.list_error = failing([REFUSED])
    with informer({"shop": source}, clock=clock) as made:
        made.start()
        clock.wait_for_waiters()
        clock.advance(2.5)
        source.wait_for_watch()
        eventually(lambda: "live" in caplog.text)
    assert caplog.messages[-1] == "things in shop: live after 2.5 s and 1 failure"
    assert caplog.records[-1].levelno == logging.WARNING


def test_a_server_without_streaming_lists_is_not_said_to_have_recovered() -> None:
    told: list[WatchRecovery] = []
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    with informer(source, watch_recovery_handler=told.append) as made:
        started(made)
        source.wait_for_watch(2)
        source.add(obj("a"))
        eventually(lambda: made.indexer.keys() == ["a"])
    assert told == []


def test_a_recovery_is_logged_where_failures_are_and_a_handler_of_it_that_raises_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="informers.cache")
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource()
    source.watch_error = failing([REFUSED])

    def fail(recovery: WatchRecovery) -> None:
        raise KeyError("a bug in it")

    with informer(source, clock=clock, watch_error_handler=lambda _: None, watch_recovery_handler=fail) as made:
        made.start()
        clock.wait_for_waiters()
        clock.advance(2)
        source.wait_for_watch(2)
        eventually(lambda: "the recovery handler of things failed on: things: live after 2.0 s" in caplog.text)
        source.add(obj("a"))
        eventually(lambda: made.indexer.keys() == ["a"])
    levels = {log.levelno for log in caplog.records if "live after" in log.getMessage() and log.exc_info is None}
    assert levels == {logging.DEBUG}


def test_health_says_for_how_long_an_informer_has_not_been_live_from_the_first_moment_on() -> None:
    clock = FakeClock(100.0)
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    asking = TooManyRequestsError("storage is (re)initializing", code=429, retry_after=5.0)
    source.list_error = failing([StatusError("no", code=403, reason="Forbidden"), asking])
    with informer(source, clock=clock) as made:
        clock.advance(3)
        assert (made.health().not_live_for, made.health().watches[0].not_live_for) == (3.0, 3.0)
        made.start()
        clock.wait_for_waiters()
        clock.advance(7)
        eventually(lambda: made.health().watches[0].state is ReflectorState.ASKED_TO_WAIT)
        health = made.health()
        assert (health.not_live_for, health.watches[0].failures) == (10.0, 2)
        assert str(health.watches[0]) == (
            "waiting as the server asked: 429: storage is (re)initializing, last error: 403 Forbidden: no, "
            "next try in 5.0 s"
        )
        clock.wait_for_waiters()
        clock.advance(5)
        eventually(lambda: made.health().is_live)
        assert (made.health().not_live_for, made.health().watches[0].not_live_for) == (0.0, 0.0)
        source.break_watches(StatusError("oops", code=500))
        clock.wait_for_waiters()
        assert made.health().not_live_for == 0.0
        assert not made.health().is_live
