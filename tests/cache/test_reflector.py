"""Lists and watches: what is asked for, in which order, and what happens when it fails."""

from __future__ import annotations

import gc
import random
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from informers import ConfigurationError, NextStep, Reflector, ReflectorOptions, ReflectorState, Store, WatchFailure
from informers.backoff import BackoffSettings
from informers.errors import (
    ConnectionLostError,
    DecodeError,
    ExpiredError,
    StatusError,
    StoppedError,
    TooLargeResourceVersionError,
    TooManyRequestsError,
)
from informers.source.records import HeldRecord
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, ListOptions, Page
from informers.testing import FakeClock, FakeSource

Obj = dict[str, Any]
EXPIRED = ExpiredError("too old resource version", code=410, reason="Expired")
TOO_LARGE = TooLargeResourceVersionError("Too large resource version", code=504, reason="Timeout")
BUSY = TooManyRequestsError("slow down", code=429, reason="TooManyRequests")
INTERNAL = StatusError("oops", code=500, reason="InternalError")
REFUSED = ConnectionLostError("connection refused")


def obj(name: str) -> Obj:
    return {"metadata": {"name": name}}


def change(kind: ChangeType, name: str, version: str) -> Change[Obj]:
    return Change(kind, HeldRecord({"metadata": {"name": name, "resourceVersion": version}}))


def low(low: float, _high: float) -> float:
    return low


@attrs.define(eq=False)
class Rig:
    """A reflector in a thread, with everything that it touches."""

    source: FakeSource[Obj]
    store: Store[Obj]
    clock: FakeClock
    reflector: Reflector[Obj]
    failures: list[WatchFailure]
    thread: threading.Thread

    def listed(self) -> list[tuple[str, int, str]]:
        """What every list asked for: version, limit, continue token."""
        return [(asked.resource_version, asked.limit, asked.continue_token) for asked in self.source.lists]

    def watched(self) -> list[str]:
        """The version that every watch asked for; of streaming lists with an s behind it."""
        return [
            w.options.resource_version + ("s" if w.options.send_initial_events else "") for w in self.source.watches
        ]

    def pass_pause(self, seconds: float = 60.0) -> None:
        """Wait until the reflector pauses, and let the pause be over."""
        self.clock.wait_for_waiters()
        self.clock.advance(seconds)

    def wait_for(self, predicate: Callable[[], object]) -> None:
        """Wait until a predicate holds; the reflector's thread makes it so."""
        deadline = threading.Event()
        for _ in range(2000):
            if predicate():
                return
            deadline.wait(0.005)
        raise TimeoutError(f"not in time; listed {self.listed()}, watched {self.watched()}, failed {self.failures}")

    def stop(self) -> None:
        self.reflector.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


@contextmanager
def rig(
    source: FakeSource[Obj] | None = None,
    *,
    streaming: bool = False,
    options: ReflectorOptions | None = None,
    start: bool = True,
) -> Iterator[Rig]:
    source = source or FakeSource(streaming_lists=streaming)
    store: Store[Obj] = Store()
    clock = FakeClock()
    failures: list[WatchFailure] = []
    reflector = Reflector(
        source,
        store,
        resource="things",
        options=options or ReflectorOptions(streaming_lists=streaming, uniform=low),
        on_failure=failures.append,
        clock=clock,
    )
    thread = threading.Thread(target=reflector.run, name="reflector")
    made = Rig(source, store, clock, reflector, failures, thread)
    if start:
        thread.start()
    try:
        yield made
    finally:
        if start:
            made.stop()


def failing(errors: Sequence[Exception | None]) -> Callable[[ListOptions], Exception | None]:
    """Return what gives out these errors, one for each request, and then none."""
    left = list(errors)
    return lambda _options: left.pop(0) if left else None


@pytest.mark.upstream(
    "tools/cache/reflector_test.go",
    "TestReflectorListAndWatch",
    "TestReflectorWatchHandler",
    "TestReflectorResourceVersionUpdate",
)
def test_a_list_is_followed_by_a_watch_from_its_version_and_every_event_moves_it() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with rig(source) as r:
        watch = source.wait_for_watch()
        assert r.listed() == [("0", 500, "")]
        assert (watch.options.resource_version, watch.options.allow_watch_bookmarks) == ("1", True)
        versions = []
        for event in (
            change(ChangeType.ADDED, "b", "55"),
            change(ChangeType.MODIFIED, "a", "60"),
            change(ChangeType.DELETED, "b", "70"),
            Bookmark("80"),
        ):
            watch.send(event)
            expected = event.resource_version if isinstance(event, Bookmark) else event.record.resource_version
            r.wait_for(lambda expected=expected: r.reflector.last_sync_resource_version == expected)
            versions.append(r.store.resource_version)
        assert versions == ["55", "60", "70", "80"]
        watch.send(change(ChangeType.ADDED, "c", "32"))  # an event does not take it back
        r.wait_for(lambda: r.store.keys() == ["a", "c"])
        assert r.reflector.last_sync_resource_version == r.store.resource_version == "80"


@pytest.mark.upstream(
    "tools/cache/reflector_test.go",
    "TestRunUntil",
    "TestReflectorWatchStoppedAfter",
    "TestReflectorHandleWatchStoppedAfter",
)
def test_a_stop_ends_a_watch_that_is_open_and_closes_it_once() -> None:
    with rig() as r:
        watch = r.source.wait_for_watch()
        r.stop()
        assert watch.closed
        assert r.source.closed
        assert r.reflector.progress.state is ReflectorState.STOPPED


@pytest.mark.upstream(
    "tools/cache/reflector_test.go",
    "TestReflectorWatchStoppedBefore",
    "TestReflectorHandleWatchStoppedBefore",
    "TestReflectorStopWatch",
)
def test_a_reflector_that_was_stopped_before_asks_for_nothing() -> None:
    with rig(start=False) as r:
        r.reflector.stop()
        r.reflector.run()
        assert (r.listed(), r.watched(), r.failures) == ([], [], [])


@pytest.mark.upstream(
    "tools/cache/reflector_test.go", "TestCloseWatchChannelOnError", "TestReflectorListAndWatchWithErrors"
)
@pytest.mark.parametrize(
    ("error", "relists"), [(EXPIRED, True), (INTERNAL, True), (BUSY, False), (StatusError("no", code=403), True)]
)
def test_an_error_in_a_watch_closes_it_is_reported_and_costs_a_pause(error: StatusError, relists: bool) -> None:
    with rig() as r:
        watch = r.source.wait_for_watch()
        r.source.add(obj("a"))
        watch.send(ErrorEvent(error))
        r.clock.wait_for_waiters()
        assert watch.closed
        (failure,) = r.failures
        assert failure.error is error
        assert failure.next_step is (NextStep.LIST if relists else NextStep.WATCH)
        assert failure.delay == 0.8
        assert r.reflector.progress.state is ReflectorState.WAITING
        r.source.add(obj("b"))
        r.pass_pause()
        r.source.wait_for_watch(2)
        assert len(r.listed()) == (2 if relists else 1)
        r.wait_for(lambda: r.store.keys() == ["a", "b"])


@pytest.mark.upstream(
    "tools/cache/reflector_test.go",
    "TestReflectorHandleWatchResultChanClosedBefore",
    "TestReflectorHandleWatchResultChanClosedAfter",
)
def test_a_watch_that_ends_at_once_without_an_event_costs_a_pause_and_a_list() -> None:
    with rig() as r:
        watch = r.source.wait_for_watch()
        r.source.drop_watches()
        r.pass_pause()
        r.source.wait_for_watch(2)
        assert watch.closed
        assert "a watch ended after 0.000 s without an event" in str(r.failures[0])
        assert r.listed() == [("0", 500, ""), ("0", 0, "")] or len(r.listed()) == 2


def test_a_watch_that_ends_when_its_time_is_up_is_opened_again_without_a_word() -> None:
    with rig() as r:
        r.source.wait_for_watch()
        r.source.add(obj("a"))
        r.wait_for(lambda: r.store.keys() == ["a"])
        r.clock.advance(400)
        r.source.drop_watches()
        r.source.wait_for_watch(2)
        assert r.failures == []
        assert r.watched() == ["0", "1"]
        assert len(r.listed()) == 1


def test_a_server_that_ends_each_watch_after_an_event_is_not_asked_at_once_each_time() -> None:
    with rig() as r:
        for number in range(1, 5):
            r.source.wait_for_watch(number)
            r.source.add(obj(f"n{number}"))
            r.wait_for(lambda number=number: len(r.store) == number)
            r.source.drop_watches()
            if number > 2:
                r.clock.wait_for_waiters()
                assert len(r.source.watches) == number
                assert r.clock.next_deadline() == pytest.approx((number - 2) * 0.8)
                r.clock.advance(0.8)
        r.source.wait_for_watch(5)
        assert (len(r.listed()), r.failures) == (1, [])


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestReflectorListAndWatchInitConnBackoff")
def test_refused_connections_back_off_with_growing_pauses() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([REFUSED] * 8)
    with rig(source) as r:
        for _ in range(8):
            r.pass_pause()
        r.source.wait_for_watch()
        assert [failure.delay for failure in r.failures] == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_pauses_have_jitter_up_to_twice_as_long() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([REFUSED] * 3)
    options = ReflectorOptions(streaming_lists=False, uniform=lambda _low, high: high)
    with rig(source, options=options) as r:
        for _ in range(3):
            r.pass_pause()
        r.source.wait_for_watch()
        assert [failure.delay for failure in r.failures] == [1.6, 3.2, 6.4]


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestNewReflectorWithCustomBackoff")
def test_how_pauses_grow_can_be_chosen() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([REFUSED] * 5)
    backoff = BackoffSettings(initial=0.01, maximum=0.1, factor=2, jitter=0)
    with rig(source, options=ReflectorOptions(streaming_lists=False, backoff=backoff, uniform=low)) as r:
        for _ in range(5):
            r.pass_pause()
        r.source.wait_for_watch()
        assert [failure.delay for failure in r.failures] == [0.01, 0.02, 0.04, 0.08, 0.1]


def test_pauses_start_small_again_after_two_quiet_minutes() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([REFUSED] * 3)
    with rig(source) as r:
        for _ in range(3):
            r.pass_pause(4)
        r.source.wait_for_watch()
        r.clock.advance(150)
        source.list_error = failing([REFUSED])
        r.source.break_watches(INTERNAL)
        r.pass_pause(1)
        r.pass_pause()
        r.source.wait_for_watch(2)
        assert [failure.delay for failure in r.failures] == [0.8, 1.6, 3.2, 0.8, 1.6]


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestBackoffOnTooManyRequests", "TestNoRelistOnTooManyRequests")
def test_too_many_requests_cost_a_pause_but_no_list() -> None:
    source: FakeSource[Obj] = FakeSource()
    with rig(source) as r:
        source.wait_for_watch()
        source.watch_error = failing([BUSY, BUSY, BUSY])
        source.watches[0].send(ErrorEvent(BUSY))
        for _ in range(4):
            r.pass_pause()
        source.wait_for_watch(5)
        assert len(r.listed()) == 1
        assert [failure.next_step for failure in r.failures] == [NextStep.WATCH] * 4
        assert [failure.delay for failure in r.failures] == [0.8, 1.6, 3.2, 6.4]


@pytest.mark.parametrize(
    "asking",
    [TooManyRequestsError("slow", code=429, retry_after=17.0), StatusError("full", code=503, retry_after=17.0)],
    ids=["429", "503"],
)
def test_a_pause_that_the_server_asks_for_is_as_long_as_it_asks_and_is_not_a_failure(asking: StatusError) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([asking] * 10)
    with rig(source) as r:
        for number in range(1, 11):
            r.clock.wait_for_waiters()
            progress = r.reflector.progress
            assert (progress.state, progress.asked_to_wait) == (ReflectorState.ASKED_TO_WAIT, asking)
            assert (r.clock.next_deadline(), progress.counts.failures, progress.error) == (17.0 * number, 0, None)
            r.clock.advance(17.0)
        source.wait_for_watch()
        assert (r.failures, len(r.listed())) == ([], 11)


def test_what_is_asked_for_an_eleventh_time_in_a_row_is_a_failure_which_the_pause_honours() -> None:
    source: FakeSource[Obj] = FakeSource()
    asking = TooManyRequestsError("slow", code=429, retry_after=17.0)
    source.list_error = failing([asking] * 12)
    with rig(source) as r:
        for _ in range(12):
            r.pass_pause(17.0)
        source.wait_for_watch()
        assert [(failure.error, failure.delay) for failure in r.failures] == [(asking, 17.0)] * 2


def test_a_pause_is_at_most_ten_minutes_however_long_the_server_asks() -> None:
    """As the page does by which a proxy says that there is maintenance; or a date that is far off."""
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([StatusError("maintenance", code=503, retry_after=2e9)])
    with rig(source) as r:
        r.pass_pause(600.0)
        source.wait_for_watch()
        assert [failure.delay for failure in r.failures] == [600.0]


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestReflectorWatchListPageSize")
def test_a_page_size_of_ones_own_is_kept_to_and_pages_are_joined() -> None:
    source: FakeSource[Obj] = FakeSource()
    for number in range(10):
        source.add(obj(f"n{number}"))
    with rig(source, options=ReflectorOptions(streaming_lists=False, page_size=4, uniform=low)) as r:
        source.wait_for_watch()
        assert r.listed() == [("0", 4, ""), ("", 4, "4"), ("", 4, "8")]
        assert len(r.store) == 10


@pytest.mark.upstream(
    "tools/cache/reflector_test.go",
    "TestReflectorNotPaginatingNotConsistentReads",
    "TestReflectorResyncWithResourceVersion",
)
def test_a_list_at_a_known_version_comes_from_the_servers_cache_in_one_piece() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with rig(source) as r:
        source.wait_for_watch()
        source.forget_history()
        r.pass_pause()
        source.wait_for_watch(2)
        assert r.listed() == [("0", 500, ""), ("1", 0, "")]


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestReflectorPaginatingNonConsistentReadsIfWatchCacheDisabled")
def test_a_server_that_pages_at_version_0_is_asked_for_pages_ever_after() -> None:
    source: FakeSource[Obj] = FakeSource(page_size_limit=2)
    for name in "abc":
        source.add(obj(name))
    with rig(source) as r:
        source.wait_for_watch()
        source.forget_history()
        r.pass_pause()
        source.wait_for_watch(2)
        assert r.listed() == [("0", 500, ""), ("", 500, "2"), ("3", 500, ""), ("", 500, "2")]


@pytest.mark.upstream(
    "tools/cache/reflector_test.go", "TestReflectorExpiredExactResourceVersion", "TestReflectorFullListIfTooLarge"
)
@pytest.mark.parametrize("error", [EXPIRED, TOO_LARGE])
def test_a_version_that_the_server_does_not_have_is_given_up_at_once(error: StatusError) -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    with rig(source) as r:
        source.wait_for_watch()
        source.list_error = failing([error])
        source.forget_history()
        r.pass_pause()
        source.wait_for_watch(2)
        assert [asked[0] for asked in r.listed()] == ["0", "1", ""]
        assert [(failure.error, failure.delay) for failure in r.failures[1:]] == [(error, 0.0)]
        source.forget_history()
        r.pass_pause()
        source.wait_for_watch(3)
        assert [asked[0] for asked in r.listed()] == ["0", "1", "", "1"]


def test_a_server_that_has_no_version_at_all_is_not_asked_without_a_pause() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([EXPIRED] * 4)
    with rig(source) as r:
        r.pass_pause()
        r.pass_pause()
        r.pass_pause()
        source.wait_for_watch()
        assert [asked[0] for asked in r.listed()] == ["0", "", "", "", ""]
        assert [failure.delay for failure in r.failures] == [0.0, 0.8, 1.6, 3.2]


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestReflectorFullListIfExpired")
def test_a_token_that_expires_between_pages_is_answered_by_a_whole_list_at_the_same_version() -> None:
    source: FakeSource[Obj] = FakeSource(page_size_limit=2)
    for name in "abc":
        source.add(obj(name))

    def expire(options: ListOptions) -> Exception | None:
        if options.continue_token:
            source._page_size_limit = 0
            return EXPIRED
        return None

    source.list_error = expire
    with rig(source) as r:
        source.wait_for_watch()
        assert r.listed() == [("0", 500, ""), ("", 500, "2"), ("0", 0, "")]
        assert r.store.keys() == ["a", "b", "c"]
        assert [failure.next_step for failure in r.failures] == [NextStep.LIST]


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestRetryInternalError")
def test_internal_errors_back_off_and_list_however_many_there_are() -> None:
    source: FakeSource[Obj] = FakeSource()
    with rig(source) as r:
        for number in range(1, 6):
            source.wait_for_watch(number).send(ErrorEvent(INTERNAL))
            r.pass_pause()
        source.wait_for_watch(6)
        assert [failure.delay for failure in r.failures] == [0.8, 1.6, 3.2, 6.4, 12.8]
        assert len(r.listed()) == 6


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestWatchTimeout")
@pytest.mark.parametrize(("minimum", "shortest", "longest"), [(300.0, 300, 600), (1800.0, 1800, 3600), (1.0, 1, 2)])
def test_the_server_is_asked_to_end_a_watch_after_one_to_two_times_the_minimum(
    minimum: float, shortest: int, longest: int
) -> None:
    for uniform, expected in ((low, shortest), (lambda _low, high: high, longest)):
        options = ReflectorOptions(streaming_lists=False, min_watch_timeout=minimum, uniform=uniform)
        with rig(options=options) as r:
            assert r.source.wait_for_watch().options.timeout_seconds == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backoff": 5.0}, "backoff must be BackoffSettings: got 5.0"),
        ({"backoff": None}, "backoff must be BackoffSettings: got None"),
        ({"uniform": 5.0}, r"uniform must be a function of \(low, high\): got 5.0"),
        ({"uniform": None}, r"uniform must be a function of \(low, high\): got None"),
        ({"idle_timeout": 0}, "idle_timeout must be a number of seconds above zero, and at most a day: got 0"),
        (
            {"list_timeout": 1e6},
            "list_timeout must be a number of seconds above zero, and at most a day: got 1000000.0",
        ),
        ({"connect_timeout": True}, "connect_timeout must be a number of seconds above zero"),
        ({"streaming_timeout": "1"}, "streaming_timeout must be a number of seconds above zero"),
        ({"max_object_size": 0}, "max_object_size must be a whole number, 1 or more, not 0"),
        ({"uniform": random.random}, r"uniform must be a function of \(low, high\): got"),
    ],
)
def test_what_could_only_fail_when_the_first_pause_is_due_is_refused_before(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ReflectorOptions(**options)


@pytest.mark.parametrize(
    ("source", "store", "message"),
    [
        (
            None,
            Store(),
            "a source has the methods list, watch and close, as ListWatch does: NoneType has no list, watch,",
        ),
        (
            FakeSource(),
            {},
            "a store has the methods replace_records and apply_events, as Store does: dict has no replace",
        ),
    ],
)
def test_an_invalid_source_or_store_is_refused(source: Any, store: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Reflector(source, store)


def test_what_was_listed_before_a_failure_is_not_kept_with_its_error() -> None:
    source: FakeSource[Obj] = FakeSource(page_size_limit=1)
    for name in "abc":
        source.add(obj(name))
    pages: list[weakref.ref[Page[Obj]]] = []
    failures = [StatusError("oops", code=500)]
    original = source.list

    def listing(options: ListOptions, /) -> Page[Obj]:
        if len(pages) == 2 and failures:
            raise failures.pop()
        page = original(options)
        pages.append(weakref.ref(page))
        return page

    source.list = listing  # type: ignore[method-assign] # the third page fails
    with rig(source) as r:
        r.clock.wait_for_waiters()
        (failure,) = r.failures
        assert r.reflector.progress.error is failure.error
        gc.collect()
        assert [page() for page in pages] == [None, None]
        r.pass_pause()
        source.wait_for_watch()


def test_a_source_that_raises_anything_at_all_only_costs_a_pause() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([ValueError("bug"), ZeroDivisionError(), StoppedError("some queue has been stopped")])
    source.watch_error = failing([KeyError("another")])
    with rig(source) as r:
        for _ in range(4):
            r.pass_pause()
        source.wait_for_watch(2)
        errors = [type(failure.error) for failure in r.failures]
        assert errors == [ValueError, ZeroDivisionError, StoppedError, KeyError]


@pytest.mark.parametrize("error", [OSError("bad file descriptor"), ConnectionLostError("it has been closed")], ids=str)
def test_what_a_source_raises_as_it_is_closed_is_not_a_failure(error: Exception) -> None:
    with rig() as r:
        watch = r.source.wait_for_watch()
        r.source.close = lambda: watch.fail(error)  # type: ignore[method-assign] # one of a user's own
        r.stop()
        assert r.failures == []


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestReflectorReplacesStoreOnUnsafeDelete")
def test_an_error_that_says_nothing_known_is_followed_by_a_list_which_drops_what_is_gone() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("broken"))
    source.add(obj("a"))
    with rig(source) as r:
        watch = source.wait_for_watch()
        with source._condition:
            source._records.pop("broken")  # without an event, as an unsafe deletion is
        watch.send(
            ErrorEvent(StatusError("data from the storage is not transformable", code=500, reason="StorageReadError"))
        )
        r.pass_pause()
        source.wait_for_watch(2)
        assert r.store.keys() == ["a"]


def test_a_bad_object_in_a_watch_is_left_out_and_the_version_moves_on() -> None:
    with rig() as r:
        watch = r.source.wait_for_watch()
        watch.send(
            change(ChangeType.ADDED, "a", "2"),
            BadObject(DecodeError("no name"), "3"),
            change(ChangeType.ADDED, "b", "4"),
        )
        r.wait_for(lambda: r.store.keys() == ["a", "b"])
        watch.send(BadObject(DecodeError("no name"), "5"))
        r.wait_for(lambda: r.reflector.last_sync_resource_version == "5")


def test_a_bad_object_in_a_list_leaves_the_others_alone_and_what_the_store_has_of_it() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.add(obj("b"))
    with rig(source) as r:
        source.wait_for_watch()
        pages = [Page([HeldRecord(obj("a"))], "9", "", [BadObject(DecodeError("bad labels", key="b"))])]
        original = source.list
        source.list = lambda options: pages.pop() if pages else original(options)  # type: ignore[method-assign] # one page
        source.watches[0].send(ErrorEvent(INTERNAL))
        r.pass_pause()
        source.wait_for_watch(2)
        assert r.store.keys() == ["a", "b"]
        assert r.watched()[-1] == "9"


def test_a_stop_ends_a_pause_at_once() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = REFUSED
    with rig(source) as r:
        r.clock.wait_for_waiters()
        r.stop()
        assert len(r.listed()) == 1


def test_progress_says_what_happens() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.list_error = failing([REFUSED])
    with rig(source) as r:
        r.clock.wait_for_waiters()
        progress = r.reflector.progress
        assert (progress.state, progress.error, progress.retry_at) == (ReflectorState.WAITING, REFUSED, 0.8)
        r.clock.advance(1)
        source.wait_for_watch()
        r.wait_for(lambda: progress.state is ReflectorState.WATCHING)
        assert (progress.error, progress.retry_at, progress.connected_since) == (None, None, 1.0)
        assert (progress.counts.lists, progress.counts.watches, progress.counts.failures) == (1, 1, 1)


def test_a_repr_says_where_a_reflector_is() -> None:
    with rig() as r:
        r.source.wait_for_watch()
        assert repr(r.reflector) == "<Reflector things in all namespaces rv=0>"
