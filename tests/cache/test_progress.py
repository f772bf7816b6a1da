"""How far a first list is: what the log, a health report and who waits for it are told."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from informers import ListWatch, PartProgress, ReflectorOptions, Shard, SyncProgress, wait_for_cache_sync
from informers.cache._reflector.paged_list import PagedList
from informers.cache._reflector.progress import Progress
from informers.cache._reflector.states import Connecting, Memory, Situation, Stopped, Streaming, Waiting, Watching
from informers.errors import StatusError
from informers.kinds import core
from informers.source.records import Record
from informers.source.shards import ShardedSource
from informers.source.watch_events import Bookmark, Change, ChangeType, ListOptions, Page
from informers.testing import APIServer, FakeClock, FakeSource, FakeWatch, RecordedEvent, RecordingHandler
from tests.cache.things import Obj, informer, obj, record, started
from tests.waiting import eventually


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [log.getMessage() for log in caplog.records if log.levelno == logging.INFO]


LISTING = Situation(Streaming(""), Memory())
CONNECTING = Situation(Connecting(resumes=True), Memory())
WATCHING = Situation(Watching(), Memory())
WAITING = Situation(Waiting(Connecting(resumes=True)), Memory())


def test_a_list_that_takes_long_is_reported_every_five_seconds_and_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="informers.cache")
    clock = FakeClock()
    progress = Progress("pods", None, clock)
    progress.entered(LISTING)
    for second in range(13):
        progress.arrived(1000 * second)
        clock.advance(1)
    progress.listed_all(13000)
    assert messages(caplog) == [
        "pods: 5,000 objects in 5 s, listing goes on",
        "pods: 10,000 objects in 10 s, listing goes on",
        "pods: 13,000 objects in 13 s, all listed",
    ]
    assert {log.name for log in caplog.records} == {"informers.cache"}


def test_a_list_that_is_quick_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="informers.cache")
    clock = FakeClock()
    progress = Progress("pods", None, clock)
    for _ in range(3):
        progress.entered(LISTING)
        progress.arrived(500)
        clock.advance(4.9)
        progress.arrived(1000)
        progress.listed_all(1000)
    assert messages(caplog) == []


def test_the_server_s_count_of_the_rest_is_reported_and_forgotten_with_the_list(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="informers.cache")
    clock = FakeClock()
    progress = Progress("pods", "shop", clock)
    progress.entered(LISTING)
    clock.advance(6)
    progress.arrived(500, 1500)
    assert (progress.counts.listed, progress.counts.total) == (500, 2000)
    progress.entered(LISTING)
    assert (progress.counts.listed, progress.counts.total) == (0, None)
    progress.arrived(500)
    assert (progress.counts.listed, progress.counts.total) == (500, None)
    assert messages(caplog) == ["pods in shop: 500 of about 2,000 objects in 6 s, listing goes on"]


class SlowSource:
    """A source whose every page takes six seconds of the clock, and says what remains."""

    def __init__(self, clock: FakeClock, *, streaming_lists: bool = False) -> None:
        self._source: FakeSource[Obj] = FakeSource(streaming_lists=streaming_lists)
        self._clock = clock
        for number in range(6):
            self._source.add(obj(f"a/{number}"))

    def list(self, options: ListOptions, /) -> Page[Obj]:
        self._clock.advance(6)
        page = self._source.list(options)
        remaining = 6 - int(options.continue_token or 0) - len(page.records)
        return Page(page.records, page.resource_version, page.continue_token, remaining=remaining or None)

    def watch(self, options: ListOptions, /) -> FakeWatch[Obj]:
        return self._source.watch(options)

    def close(self) -> None:
        self._source.close()


def test_an_informer_s_list_in_pages_is_reported_with_what_remains(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="informers.cache")
    clock = FakeClock()
    options = ReflectorOptions(page_size=2, streaming_lists=False)
    with informer(SlowSource(clock), clock=clock, options=options) as made:
        started(made)
        assert made.sync_progress() == PartProgress(name="things", objects=6, total=6, synced=True)
    assert messages(caplog) == [
        "things: 2 of about 6 objects in 6 s, listing goes on",
        "things: 4 of about 6 objects in 12 s, listing goes on",
        "things: 6 objects in 18 s, all listed",
    ]


def test_the_list_of_one_namespace_is_reported_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="informers.cache")
    clock = FakeClock()
    options = ReflectorOptions(page_size=5, streaming_lists=False)
    with informer({"a": SlowSource(clock)}, clock=clock, options=options) as made:
        started(made)
    assert messages(caplog)[0] == "things in a: 5 of about 6 objects in 6 s, listing goes on"


def streamed(*names: str) -> list[Change[Obj]]:
    return [Change(ChangeType.ADDED, record(name, "1")) for name in names]


class OpenSource:
    """A source whose streaming list the test feeds."""

    def __init__(self) -> None:
        self.watches: list[FakeWatch[Obj]] = []

    def list(self, options: ListOptions, /) -> Page[Obj]:
        raise AssertionError(options)

    def watch(self, options: ListOptions, /) -> FakeWatch[Obj]:
        self.watches.append(FakeWatch(options))
        return self.watches[-1]

    def close(self) -> None:
        for watch in self.watches:
            watch.end()


def test_a_list_by_stream_is_counted_while_it_comes_and_a_handler_has_a_count_of_its_own() -> None:
    source = OpenSource()
    handler: RecordingHandler[Obj] = RecordingHandler()
    with informer(source) as made:
        registration = made.add_event_handler(handler)
        made.start()
        eventually(lambda: source.watches)
        source.watches[0].send(*streamed("a/1", "a/2"))
        eventually(lambda: made.sync_progress().objects == 2)
        assert str(made.sync_progress()) == "things: 2 objects"
        assert str(registration.sync_progress()).endswith("RecordingHandler of things: 0 objects")
        source.watches[0].send(*streamed("a/3"), Bookmark("1", initial_events_end=True))
        assert wait_for_cache_sync(made, registration, timeout=10)
        assert str(made.sync_progress()) == "things: synced, 3 objects"
        assert str(registration.sync_progress()).endswith("RecordingHandler of things: synced, 3 objects")


def test_the_backlog_of_a_slow_handler_is_counted() -> None:
    go_on = threading.Event()

    def hold(event: RecordedEvent[Obj]) -> None:
        if event.key == "a/2":
            go_on.wait(10)

    source: FakeSource[Obj] = FakeSource()
    for number in range(5):
        source.add(obj(f"a/{number}"))
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(hold)
        registration = made.add_event_handler(handler)
        started(made)
        handler.wait_for(3)
        part = registration.sync_progress()
        assert (part.objects, part.total, part.synced) == (2, 5, False)
        told: list[SyncProgress] = []
        assert not wait_for_cache_sync(made, registration, timeout=0, progress=told.append)
        assert [part.synced for part in told[0].parts] == [True, False]
        go_on.set()
        assert wait_for_cache_sync(registration, timeout=10)


def test_of_several_namespaces_the_lists_are_added_up_and_the_total_is_known_if_all_are() -> None:
    sources: dict[str, Any] = {"a": OpenSource(), "b": FakeSource()}
    sources["b"].add(obj("b/1"))
    with informer(sources) as made:
        made.start()
        eventually(lambda: sources["a"].watches)
        sources["a"].watches[0].send(*streamed("a/1", "a/2"))
        eventually(lambda: made.sync_progress().objects == 3)
        assert made.sync_progress() == PartProgress(name="things", objects=3, total=None, synced=False)
        sources["a"].watches[0].send(Bookmark("1", initial_events_end=True))
        wait_for_cache_sync(made, timeout=10).raise_if_unsynced()
        assert made.sync_progress().total == 3


def test_a_list_in_pages_after_a_stream_that_failed_counts_as_listing_in_health() -> None:
    seen: list[str] = []
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a/1"))
    source.watch_error = lambda options: StatusError("no", code=422) if options.send_initial_events else None
    source.list_error = lambda _options: seen.append(str(made.health().watches[0].state.value))
    with informer(source) as made:
        started(made)
    assert seen == ["listing"]


def test_what_remains_of_all_shares_is_not_said_of_one() -> None:
    page = ShardedSource(SlowSource(FakeClock()), Shard(0, of=2)).list(ListOptions(limit=2))
    assert (page.continue_token, page.remaining) == ("2", None)


def test_a_watch_is_short_that_the_server_ends_within_a_second_and_without_an_event() -> None:
    clock = FakeClock()
    progress = Progress("pods", None, clock)

    def watch(seconds: float, events: int) -> None:
        progress.entered(CONNECTING)
        progress.opened()
        progress.entered(WATCHING)
        if events:
            progress.arrived_by_watch(events)
        clock.advance(seconds)

    for seconds, events in ((0.5, 0), (0.5, 1), (1.0, 0), (2.0, 3)):
        watch(seconds, events)
        progress.failed(StatusError("over", code=0, reason=""))
    assert (progress.counts.watches_ended, progress.counts.watch_seconds, progress.counts.watch_events) == (4, 4.0, 4)
    assert progress.counts.short_watches == 1
    watch(0.5, 0)
    assert progress.counts.watches_ended == 4
    progress.entered(Situation(Stopped(), Memory()))
    counts = progress.counts
    assert (counts.watches_ended, counts.short_watches) == (5, 1), "it was stopped, and did not end by itself"


def test_a_time_without_a_watch_that_works_is_measured_from_the_first_moment_on() -> None:
    clock = FakeClock()
    progress = Progress("pods", None, clock)
    assert progress.not_live_since == 0.0
    clock.advance(3)
    ended = progress.entered(WATCHING)
    assert ended is not None
    assert (ended.seconds, ended.failures, ended.is_first) == (3.0, 0, True)
    assert progress.not_live_since is None
    clock.advance(10)
    for _ in range(2):
        progress.failed(StatusError("no", code=500))
        assert progress.entered(WAITING) is None
        clock.advance(6)
        assert progress.not_live_since == 13.0
    progress.entered(CONNECTING)
    ended = progress.entered(WATCHING)
    assert ended is not None
    assert (ended.seconds, ended.failures, ended.is_first) == (12.0, 2, False)
    assert progress.entered(WATCHING) is None


def test_lists_that_were_completed_are_summed_up() -> None:
    clock = FakeClock()
    progress = Progress("pods", None, clock)
    for seconds, objects in ((3.0, 10), (2.0, 20)):
        progress.entered(LISTING)
        clock.advance(7.0)
        progress.entered(LISTING)
        clock.advance(seconds)
        progress.listed_all(objects)
    assert (progress.counts.lists, progress.counts.list_seconds, progress.counts.items_listed) == (2, 5.0, 30)


class WholeSource:
    """A source that brings its list in one piece, told object by object, two seconds of the clock each."""

    def __init__(self, clock: FakeClock) -> None:
        self.on_arrival: Callable[[Sequence[Record[Any]]], None] | None = None
        self._source: FakeSource[Obj] = FakeSource(streaming_lists=False)
        self._clock = clock
        for number in range(4):
            self._source.add(obj(f"a/{number}"))

    def list(self, options: ListOptions, /) -> Page[Obj]:
        page = self._source.list(options)
        for each in page.records:
            self._clock.advance(2)
            if self.on_arrival is not None:
                self.on_arrival([each])
        return page

    def watch(self, options: ListOptions, /) -> FakeWatch[Obj]:
        return self._source.watch(options)

    def close(self) -> None:
        self._source.close()


def test_a_list_in_one_long_piece_is_counted_while_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="informers.cache")
    clock = FakeClock()
    source = WholeSource(clock)
    with informer(source, clock=clock, options=ReflectorOptions(streaming_lists=False)) as made:
        started(made)
        assert source.on_arrival is None
    assert messages(caplog) == [
        "things: 3 objects in 6 s, listing goes on",
        "things: 4 objects in 8 s, all listed",
    ]


def test_within_a_page_what_remains_is_counted_down() -> None:
    clock = FakeClock()
    source = WholeSource(clock)
    pages = [
        Page([record("a/0", "1"), record("a/1", "1")], "1", "2", remaining=4),
        Page([record(f"a/{number}", "1") for number in range(2, 6)], "1"),
    ]

    def listed(options: ListOptions) -> Page[Obj]:
        if options.continue_token:
            assert source.on_arrival is not None
            source.on_arrival(pages[0].records[:3])
        return pages.pop(0)

    source.list = listed  # type: ignore[method-assign] # pages of its own
    told: list[tuple[int, int | None]] = []
    content: PagedList[Obj] = PagedList(source, resource_version="0", limit=2)
    content.read(on_progress=lambda count, left: told.append((count, left)), on_expired=pytest.fail)
    assert told == [(2, 4), (5, 1)]
    assert len(content.records) == 6


def test_the_list_of_an_api_server_is_counted_block_by_block() -> None:
    with APIServer() as server:
        for number in range(200):
            metadata = {"name": f"m{number}", "annotations": {"filler": random.Random(number).randbytes(2000).hex()}}
            server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata})
        source = ListWatch(server.client(), core.V1.config_maps)
        told: list[Sequence[Record[Any]]] = []
        source.on_arrival = told.append
        listed = source.list(ListOptions()).records
        source.close()
    arrived = [record for records in told for record in records]
    assert len(listed) == 200
    assert 0 < len(told[0]) < 200
    assert arrived == listed[: len(arrived)]
