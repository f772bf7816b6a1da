"""What a reflector asks for, request by request and pause by pause; and that no server gets more than the pauses allow.

Time passes at once here, and everything runs in the test's own thread: each case is the transcript of one run.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, final

import pytest

from informers import ConfigurationError, NextStep, Reflector, ReflectorOptions, Store, WatchFailure
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

Obj: TypeAlias = dict[str, Any]

ASKED = TooManyRequestsError("slow down", code=429, reason="TooManyRequests", retry_after=3.0)
BAD_REQUEST = StatusError("invalid resource version", code=400, reason="BadRequest")
EXPIRED = ExpiredError("too old", code=410, reason="Expired")
TOO_LARGE = TooLargeResourceVersionError("Too large resource version", code=504, reason="Timeout")
BUSY = TooManyRequestsError("slow down", code=429, reason="TooManyRequests")
INTERNAL = StatusError("oops", code=500, reason="InternalError")
FORBIDDEN = StatusError("no", code=403, reason="Forbidden")
INVALID = StatusError("sendInitialEvents is forbidden", code=422, reason="Invalid")
REFUSED = ConnectionLostError("connection refused")
REFUSED.__cause__ = ConnectionRefusedError()
BROKEN = ConnectionLostError("the server closed the connection without an answer")
SILENT = ConnectionLostError("nothing came over the connection for too long")
SILENT.__cause__ = TimeoutError()
UNREADABLE = DecodeError("a line of the watch is not valid JSON")


def record(name: str, version: str = "") -> HeldRecord[Obj]:
    return HeldRecord({"metadata": {"name": name, "resourceVersion": version}})


def added(name: str, version: str) -> Change[Obj]:
    return Change(ChangeType.ADDED, record(name, version))


def modified(name: str, version: str) -> Change[Obj]:
    return Change(ChangeType.MODIFIED, record(name, version))


def deleted(name: str, version: str) -> Change[Obj]:
    return Change(ChangeType.DELETED, record(name, version))


def end(version: str) -> Bookmark:
    return Bookmark(version, initial_events_end=True)


def page(version: str, *names: str, token: str = "") -> Page[Obj]:
    return Page([record(name) for name in names], version, token)


@final
class Clock:
    """Every wait is over at once, and is written down."""

    def __init__(self, log: list[str]) -> None:
        self._log = log
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def wait(self, condition: threading.Condition, timeout: float | None) -> None:
        assert timeout is not None
        self._log.append(f"pause {timeout:g}")
        self.now += timeout


@final
class Stream:
    """A watch: batches of events, seconds that pass, and what is raised; at its end the server ends it."""

    def __init__(self, *steps: Any) -> None:
        self.steps = steps
        self.closed = 0

    def opened(self, source: ScriptedSource) -> Stream:
        self._source = source
        return self

    def batches(self) -> Iterator[Any]:
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                self._source.clock.now += step
            else:
                yield list(step) if isinstance(step, (list, tuple)) else [step]

    def close(self) -> None:
        self.closed += 1


@final
class ScriptedSource:
    """Answers request by request from a script, also after some seconds, then stops the reflector."""

    def __init__(self, script: Iterable[Any]) -> None:
        self._script = iter(script)
        self.log: list[str] = []
        self.streams: list[Stream] = []
        self.clock = Clock(self.log)
        self.stop: Callable[[], object] = lambda: None

    def list(self, options: ListOptions, /) -> Page[Obj]:
        is_at_version = options.resource_version not in {"", "0"}
        assert options.resource_version_match == ("NotOlderThan" if options.limit and is_at_version else "")
        assert not options.send_initial_events
        assert not (options.continue_token and options.resource_version)
        where = f"at {options.resource_version}" if options.resource_version else "newest"
        if options.continue_token:
            where = f"behind {options.continue_token}"
        answer = self._next(f"list {where}, {options.limit or 'all'}")
        assert isinstance(answer, Page)
        return answer

    def watch(self, options: ListOptions, /) -> Stream:
        assert options.allow_watch_bookmarks
        assert options.timeout_seconds >= 300
        assert not options.limit
        assert options.resource_version_match == ("NotOlderThan" if options.send_initial_events else "")
        kind = "stream" if options.send_initial_events else "watch"
        answer = self._next(f"{kind} {options.resource_version or 'newest'}")
        assert isinstance(answer, Stream)
        answer = Stream(*answer.steps).opened(self)
        self.streams.append(answer)
        return answer

    def close(self) -> None:
        pass

    def _next(self, request: str) -> Any:
        answer = next(self._script, None)
        self.log.append(request)
        if isinstance(answer, tuple):
            seconds, answer = answer
            self.clock.now += seconds
        if answer is None:
            self.stop()
            raise StoppedError("the script is over")
        if isinstance(answer, Exception):
            raise answer
        return answer


@final
class Run:
    """One run of a reflector over a script."""

    def __init__(self, script: Iterable[Any], *, streaming: bool = False, store: Any = None, **options: Any) -> None:
        self.source = ScriptedSource(script)
        self.store: Store[Obj] = Store() if store is None else store
        self.failures: list[WatchFailure] = []
        self.reflector = Reflector(
            self.source,
            self.store,
            options=ReflectorOptions(streaming_lists=streaming, uniform=lambda low, _high: low, **options),
            on_failure=self.failures.append,
            clock=self.source.clock,
        )
        self.source.stop = self.reflector.stop
        self.reflector.run()
        assert all(stream.closed == 1 for stream in self.source.streams)

    @property
    def log(self) -> list[str]:
        return self.source.log


LIST, WATCH, STREAM = "list at 0, 500", "watch 10", "stream newest"
GIVEN_UP = "pause 1.6", "list at 11, all", "watch 12"
LONG = 400.0


@pytest.mark.upstream(
    "tools/cache/reflector_test.go",
    "TestReflectorListAndWatch",
    "TestReflectorExpiredExactResourceVersion",
    "TestReflectorFullListIfExpired",
    "TestReflectorFullListIfTooLarge",
    "TestReflectorResyncWithResourceVersion",
    "TestReflectorWatchListPageSize",
)
@pytest.mark.parametrize(
    ("script", "transcript"),
    [
        pytest.param([page("10")], [LIST, WATCH], id="a list, then a watch from its version"),
        pytest.param(
            [page("10"), Stream(added("a", "12"), LONG)], [LIST, WATCH, "watch 12"], id="an event moves the version"
        ),
        pytest.param(
            [page("10"), Stream(deleted("a", "12"), LONG)], [LIST, WATCH, "watch 12"], id="a deletion moves it"
        ),
        pytest.param([page("10"), Stream(Bookmark("15"), LONG)], [LIST, WATCH, "watch 15"], id="a bookmark moves it"),
        pytest.param(
            [page("10"), Stream(BadObject(DecodeError("bad"), "14"), LONG)],
            [LIST, WATCH, "watch 14"],
            id="an object that is set aside moves it",
        ),
        pytest.param(
            [page("10"), Stream(modified("a", "5"), LONG)],
            [LIST, WATCH, WATCH],
            id="a lower version does not take the watch back",
        ),
        pytest.param(
            [page("10"), Stream((modified("a", "12"), modified("b", "11")), LONG)],
            [LIST, WATCH, "watch 12"],
            id="nor does one that comes together with a higher one",
        ),
        pytest.param(
            [page("10"), Stream(modified("a", "odd"), LONG)],
            [LIST, WATCH, "watch odd"],
            id="a version that has no order counts",
        ),
        pytest.param(
            [page("10"), Stream((modified("a", "11"), ErrorEvent(INTERNAL), modified("b", "12")))],
            [LIST, WATCH, "pause 0.8", "list at 11, all"],
            id="what stands before an error counts, what stands behind it does not",
        ),
        pytest.param(
            [page("10"), Stream(ErrorEvent(EXPIRED)), page("20"), Stream(LONG)],
            [LIST, WATCH, "pause 0.8", "list at 10, all", "watch 20", "watch 20"],
            id="a watch that expired: a list at the last version",
        ),
        pytest.param(
            [page("10"), Stream(ErrorEvent(EXPIRED)), EXPIRED, page("20")],
            [LIST, WATCH, "pause 0.8", "list at 10, all", "list newest, 500", "watch 20"],
            id="a list that expired: the newest, at once",
        ),
        pytest.param(
            [page("10"), Stream(ErrorEvent(EXPIRED)), TOO_LARGE, page("20"), EXPIRED],
            [
                LIST,
                WATCH,
                "pause 0.8",
                "list at 10, all",
                "list newest, 500",
                "watch 20",
                "pause 1.6",
                "list at 20, all",
            ],
            id="a version that is too large: the newest at once, later lists at a version again",
        ),
        pytest.param(
            [page("10"), Stream(ErrorEvent(EXPIRED)), EXPIRED, INTERNAL],
            [LIST, WATCH, "pause 0.8", "list at 10, all", "list newest, 500", "pause 1.6", "list newest, 500"],
            id="the version is given up until a list has succeeded",
        ),
        pytest.param(
            [page("10"), Stream(ErrorEvent(INTERNAL)), page("10")],
            [LIST, WATCH, "pause 0.8", "list at 10, all", WATCH],
            id="a watch that failed: a list",
        ),
        pytest.param(
            [page("10"), Stream(UNREADABLE), page("10")],
            [LIST, WATCH, "pause 0.8", "list at 10, all", WATCH],
            id="a watch that can't be read: a list",
        ),
        pytest.param(
            [page("10"), BUSY, REFUSED, Stream(ErrorEvent(BUSY)), Stream(modified("a", "11"), REFUSED)],
            [LIST, WATCH, "pause 0.8", WATCH, "pause 1.6", WATCH, "pause 3.2", WATCH, "watch 11"],
            id="a server that is busy or gone: the same watch again, and no list",
        ),
        pytest.param(
            [page("10"), FORBIDDEN, page("10")],
            [LIST, WATCH, "pause 0.8", "list at 10, all", WATCH],
            id="a watch that is refused: a list",
        ),
        pytest.param(
            [page("10"), Stream(), page("10")],
            [LIST, WATCH, "pause 0.8", "list at 10, all", WATCH],
            id="a watch that ends at once: a list",
        ),
        pytest.param(
            [page("10"), Stream(modified("a", "11"), 0.25)],
            [LIST, WATCH, "watch 11"],
            id="a watch that ends after an event: the next at once",
        ),
        pytest.param(
            [page("10"), *(Stream(modified("a", str(n)), 0.25) for n in (11, 12, 13, 14)), Stream(LONG)],
            [LIST, WATCH, "watch 11", "watch 12", "pause 0.8", "watch 13", "pause 0.8", "watch 14", "watch 14"],
            id="watches that end after an event: from the third in a row on, the first pause between them",
        ),
        pytest.param(
            [
                page("10"),
                *(Stream(modified("a", str(n)), REFUSED) for n in (11, 12, 13)),
                REFUSED,
                Stream(9.0, REFUSED),
            ],
            [LIST, WATCH, "watch 11", "watch 12", "pause 0.8", "watch 13", "pause 0.8", "watch 13", "watch 13"],
            id="watches that break after an event: likewise, and they have worked",
        ),
        pytest.param(
            [page("10"), REFUSED, REFUSED, Stream(6.0, REFUSED), REFUSED],
            [LIST, WATCH, "pause 0.8", WATCH, "pause 1.6", WATCH, WATCH, "pause 0.8", WATCH],
            id="a watch that lasted has worked, though it brought nothing: pauses start small again",
        ),
        pytest.param(
            [page("10"), REFUSED, REFUSED, Stream(2.0, REFUSED), REFUSED],
            [LIST, WATCH, "pause 0.8", WATCH, "pause 1.6", WATCH, WATCH, "pause 3.2", WATCH],
            id="one that lasted two seconds is opened again at once, and the pauses go on",
        ),
        pytest.param(
            [page("10"), BROKEN, BROKEN, page("20"), BROKEN],
            [LIST, WATCH, "pause 0.8", WATCH, "pause 1.6", "list at 10, all", "watch 20", "pause 3.2", "watch 20"],
            id="the second watch in a row that is not answered is followed by a list",
        ),
        pytest.param(
            [page("10"), BROKEN, Stream(0.5, BROKEN), page("20")],
            [LIST, WATCH, "pause 0.8", WATCH, "pause 1.6", "list at 10, all", "watch 20"],
            id="one that breaks within a second without an event counts as well",
        ),
        pytest.param(
            [page("10"), (60.0, BROKEN), (1.0, BROKEN), (30.0, SILENT)],
            [LIST, WATCH, "pause 0.8", WATCH, "pause 1.6", WATCH, "pause 3.2", WATCH],
            id="one that a proxy held back and cut after a second or more does not count",
        ),
        pytest.param(
            [page("10"), (0.6, Stream(0.5)), (0.6, Stream(0.5, BROKEN)), (0.6, Stream(0.5, BROKEN))],
            [LIST, WATCH, WATCH, WATCH, WATCH],
            id="the time of a watch counts from its request",
        ),
        pytest.param(
            [page("10"), BROKEN, Stream(Bookmark("12"), 2.0, BROKEN), BROKEN, REFUSED],
            [LIST, WATCH, "pause 0.8", WATCH, "watch 12", "pause 0.8", "watch 12", "pause 1.6", "watch 12"],
            id="one that brought something, or was refused since no server was there, does not count",
        ),
        pytest.param(
            [page("10"), Stream(Bookmark("12"), 60.0, REFUSED), Stream(Bookmark("13"), 60.0, SILENT)],
            [LIST, WATCH, "watch 12", "watch 13"],
            id="a watch that worked and then breaks, or falls silent, is opened again at once",
        ),
        pytest.param(
            [page("10"), ASKED, ASKED, ASKED],
            [LIST, WATCH, "pause 3", WATCH, "pause 3", WATCH, "pause 3", WATCH],
            id="a server that names a time is asked again after it",
        ),
        pytest.param(
            [page("10"), *[ASKED] * 12],
            [LIST, *[WATCH, "pause 3"] * 11, WATCH, "pause 3", WATCH],
            id="pauses that it names are at least as long also when they count",
        ),
        pytest.param(
            [page("10"), Stream(modified("a", "1x7"), LONG), INTERNAL, BAD_REQUEST, page("20")],
            [LIST, WATCH, "watch 1x7", "pause 0.8", "list at 1x7, all", "list newest, 500", "watch 20"],
            id="a version that lists are refused with as a bad request: the newest, at once",
        ),
        pytest.param(
            [page("10"), Stream(Bookmark("12"), LONG), Stream(added("a", "12")), page("12"), Stream(added("a", "12"))],
            [LIST, WATCH, "watch 12", "pause 0.8", "list at 12, all", "watch 12", "watch 12"],
            id="a watch that begins with what was there: a list, but not behind a list",
        ),
        pytest.param([page("10"), Stream(1.0)], [LIST, WATCH, WATCH], id="a watch that lasted is opened again at once"),
        pytest.param(
            [page("10", token="t"), page("99", token="u"), page("98")],
            [LIST, "list behind t, 500", "list behind u, 500", WATCH],
            id="of pages the first has the version",
        ),
        pytest.param(
            [page("10", token="t"), page("10"), EXPIRED, page("12", token="t"), page("12")],
            [LIST, "list behind t, 500", WATCH, "pause 0.8", "list at 10, 500", "list behind t, 500", "watch 12"],
            id="pages at version 0 mean that there is no watch cache",
        ),
        pytest.param(
            [page("10", token="t"), EXPIRED, page("11")],
            [LIST, "list behind t, 500", "list at 0, all", "watch 11"],
            id="a token that expired: all at the same version",
        ),
        pytest.param(
            [page("10"), Stream(SILENT), Stream(SILENT), page("4")],
            [LIST, WATCH, "pause 0.8", WATCH, "pause 1.6", "list at 10, all", "watch 4"],
            id="two watches that never bring anything: a list",
        ),
    ],
)
def test_lists_and_watches_follow_from_what_happened(script: list[Any], transcript: list[str]) -> None:
    assert Run(script).log == transcript


def test_a_watch_from_no_version_has_none_until_something_has_changed() -> None:
    """Its first events are what exists, in any order: going on from one of them would miss those before it."""
    start = "watch newest"
    state = [added("b", "40"), added("a", "50"), BadObject(DecodeError("bad"), "55")]
    for event in (modified("b", "60"), deleted("b", "60"), Bookmark("60")):
        assert Run([page(""), Stream(state, event, added("c", "61"), LONG)]).log == [LIST, start, "watch 61"]
    # Until then a list is due, or what is deleted in between would be missed.
    assert Run([page(""), Stream(state, LONG)]).log == [LIST, start, LIST]
    assert Run([page(""), Stream(state, REFUSED)]).log == [LIST, start, "pause 0.8", LIST]


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList", "TestWatchListResourceVersion")
@pytest.mark.parametrize(
    ("script", "transcript"),
    [
        pytest.param([Stream(end("10"), LONG)], [STREAM, WATCH], id="a stream goes on as a watch"),
        pytest.param(
            [Stream(added("a", "50"), Bookmark("4"), end("10"), LONG)],
            [STREAM, WATCH],
            id="the version is the end's",
        ),
        pytest.param(
            [Stream([end("10"), added("a", "11")], LONG)], [STREAM, "watch 11"], id="events behind the end move it"
        ),
        pytest.param(
            [Stream(end("10"), ErrorEvent(INTERNAL)), Stream(end("20"), LONG)],
            [STREAM, "pause 0.8", "stream 10", "watch 20"],
            id="the next list is a stream at the last version",
        ),
        pytest.param(
            [Stream(end("10"), ErrorEvent(EXPIRED)), EXPIRED, Stream(end("20"), LONG)],
            [STREAM, "pause 0.8", "stream 10", STREAM, "watch 20"],
            id="a stream that expired when it was opened: the newest, at once",
        ),
        pytest.param(
            [Stream(end("10"), ErrorEvent(EXPIRED)), Stream(ErrorEvent(TOO_LARGE)), Stream(end("20"), LONG)],
            [STREAM, "pause 0.8", "stream 10", STREAM, "watch 20"],
            id="a stream that turned out too large: the newest, at once",
        ),
        pytest.param(
            [REFUSED, BUSY, Stream(end("10"), LONG)],
            [STREAM, "pause 0.8", STREAM, "pause 1.6", STREAM, WATCH],
            id="a server that is gone or busy: the stream again",
        ),
        pytest.param(
            [FORBIDDEN, page("10"), FORBIDDEN, INTERNAL, page("11"), Stream(LONG)],
            [STREAM, LIST, WATCH, "pause 0.8", "stream 10", "list at 10, all", "watch 11", "watch 11"],
            id="a stream that is refused: pages at once, and the next list is a stream",
        ),
        pytest.param(
            [INVALID, page("10"), FORBIDDEN, page("11"), Stream(LONG)],
            [STREAM, LIST, WATCH, "pause 0.8", "list at 10, all", "watch 11", "watch 11"],
            id="a server that does not know streams: pages for ever",
        ),
        pytest.param(
            [Stream(added("a", "1"), LONG), page("10")],
            [STREAM, LIST, WATCH],
            id="a stream without an end: pages at once",
        ),
        pytest.param(
            [Stream(), page("10"), FORBIDDEN, Stream(), page("11"), FORBIDDEN, page("12")],
            [STREAM, LIST, WATCH, "pause 0.8", "stream 10", "list at 10, all", "watch 11", *GIVEN_UP],
            id="two streams without an end: pages for ever",
        ),
        pytest.param(
            [SILENT, page("10"), FORBIDDEN, SILENT, page("11"), FORBIDDEN, page("12")],
            [STREAM, LIST, WATCH, "pause 0.8", "stream 10", "list at 10, all", "watch 11", *GIVEN_UP],
            id="streams that are never answered where pages are: likewise",
        ),
        pytest.param(
            [Stream(), REFUSED, Stream(), REFUSED, Stream(), REFUSED, Stream(end("10"), LONG)],
            [STREAM, LIST, "pause 0.8", STREAM, LIST, "pause 1.6", STREAM, LIST, "pause 3.2", STREAM, WATCH],
            id="a network that breaks pages too says nothing about streams",
        ),
        pytest.param(
            [SILENT, SILENT, SILENT, SILENT, Stream(end("10"), LONG)],
            [STREAM, LIST, "pause 0.8", STREAM, LIST, "pause 1.6", STREAM, WATCH],
            id="neither does a server that answers nothing",
        ),
    ],
)
def test_streaming_lists_follow_from_what_happened(script: list[Any], transcript: list[str]) -> None:
    assert Run(script, streaming=True).log == transcript


def forever(*answers: Any) -> Iterator[Any]:
    return itertools.islice(itertools.cycle(answers), 120)


ERRORS = [REFUSED, SILENT, BUSY, EXPIRED, TOO_LARGE, INTERNAL, FORBIDDEN, INVALID, UNREADABLE, ValueError("bug")]


def named(error: Exception) -> str:
    return f"{type(error).__name__} {getattr(error, 'code', '')}".strip()


def assert_bounded(run: Run, *, in_a_row: int = 4) -> None:
    """Check that no more than a few requests come between two pauses, and that pauses grow as they should."""
    assert len(run.log) > 40
    pauses: list[float] = []
    for is_pause, entries in itertools.groupby(run.log[:-1], lambda entry: entry.startswith("pause")):
        together = list(entries)
        assert is_pause or len(together) <= in_a_row, together[:10]
        if is_pause:
            pauses += [float(entry.split()[1]) for entry in together]
    assert pauses == [min(0.8 * 2**number, 30.0) for number in range(len(pauses))]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_a_server_that_refuses_everything_gets_no_more_requests_than_the_pauses_allow(
    error: Exception, streaming: bool
) -> None:
    assert_bounded(Run(forever(error), streaming=streaming))


@pytest.mark.parametrize(
    "failing",
    [
        *(pytest.param(error, id=f"{named(error)} at the opening") for error in ERRORS),
        *(pytest.param(Stream(error), id=f"{named(error)} behind it") for error in ERRORS),
        *(
            pytest.param(Stream(ErrorEvent(error)), id=f"{named(error)} as an event")
            for error in ERRORS
            if isinstance(error, StatusError)
        ),
    ],
)
def test_a_server_that_lists_but_does_not_let_watch_gets_no_more(failing: Any) -> None:
    assert_bounded(_by_request(lambda request: page("10") if request.startswith("list") else failing))


def _by_request(answer: Callable[[str], Any], *, streaming: bool = False, store: Any = None, count: int = 120) -> Run:
    """Run with answers that depend on what is asked."""
    original = ScriptedSource._next

    def following(self: ScriptedSource, request: str) -> Any:
        if len(self.log) >= count:
            self._script = iter(())
        else:
            self._script = iter([answer(request)])
        return original(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedSource, "_next", following)
        return Run([], streaming=streaming, store=store)


@pytest.mark.upstream("tools/cache/reflector_watchlist_test.go", "TestWatchList")
@pytest.mark.parametrize(
    "stream",
    [
        Stream(),
        Stream(added("a", "1")),
        Stream(added("a", "1"), LONG, added("a", "2")),
        Stream(ErrorEvent(EXPIRED)),
        Stream(ErrorEvent(BUSY)),
        Stream(end("10")),
        Stream(end("10"), ErrorEvent(INTERNAL)),
        Stream(SILENT),
    ],
    ids=["ends", "ends behind an object", "has no end", "expires", "is busy", "ends at once", "breaks", "is silent"],
)
def test_a_server_whose_streams_are_no_good_gets_no_more(stream: Stream) -> None:
    """Upstream asks it again without a pause, for ever (kubernetes/kubernetes#140890)."""

    def answer(request: str) -> Any:
        if request.startswith("list"):
            return page("10")
        return stream if request.startswith("stream") else Stream(ErrorEvent(INTERNAL))

    run = _by_request(answer, streaming=True)
    pauses = [float(entry.split()[1]) for entry in run.log if entry.startswith("pause")]
    assert sum(pauses) > 20 * 10
    for is_pause, entries in itertools.groupby(run.log, lambda entry: entry.startswith("pause")):
        assert is_pause or len(list(entries)) <= 4


def test_a_server_whose_tokens_always_expire_gets_no_more() -> None:
    """Even the whole list comes in pages from it."""
    assert_bounded(
        _by_request(lambda request: EXPIRED if "behind" in request else page("10", "a", token="t")), in_a_row=8
    )


def test_a_server_whose_pages_do_not_move_on_gets_no_more() -> None:
    run = _by_request(lambda _: page("10", "a", token="t"))
    assert_bounded(run)
    assert "the same continue token twice" in str(run.failures[0])


@pytest.mark.parametrize("names", [(), ("a", "b")], ids=["nothing", "the same"])
def test_a_server_whose_pages_bring_nothing_new_and_have_no_end_gets_no_more(names: tuple[str, ...]) -> None:
    tokens = itertools.count()
    run = _by_request(lambda _: page("10", *names, token=f"t{next(tokens)}"), count=1000)
    assert_bounded(run, in_a_row=103)
    assert "pages in a row brought nothing new: they do not move on" in str(run.failures[0])


def test_pages_of_which_many_are_empty_are_joined_all_the_same() -> None:
    left = [page("10", "a", token="0"), *(page("10", token=str(n)) for n in range(1, 90)), page("10", "b")]
    run = Run(left)
    assert (run.failures, run.store.keys()) == ([], ["a", "b"])


def test_a_store_that_takes_no_list_costs_pauses() -> None:
    class Full:
        def replace_records(self, *_args: Any, **_options: Any) -> Any:
            raise OSError("disk full")

        def apply_events(self, _events: Any) -> Any:
            raise AssertionError("there is nothing to apply")

    run = _by_request(lambda _: page("10"), store=Full())
    assert_bounded(run)
    assert {str(failure.error) for failure in run.failures} == {"disk full"}


def test_every_failure_is_reported_with_the_step_and_the_pause_that_follow() -> None:
    script = [INTERNAL, page("10"), BUSY, Stream(ErrorEvent(EXPIRED)), EXPIRED, page("20")]
    run = Run(script)
    assert [(failure.error, failure.next_step, failure.delay) for failure in run.failures] == [
        (INTERNAL, NextStep.LIST, 0.8),
        (BUSY, NextStep.WATCH, 1.6),
        (EXPIRED, NextStep.LIST, 0.8),  # a list is the remedy: the pauses start small again
        (EXPIRED, NextStep.LIST, 0.0),
    ]


def test_the_first_watch_that_expired_after_failures_costs_a_small_pause_and_later_ones_growing_ones() -> None:
    refused = [page("10"), REFUSED, REFUSED, REFUSED]
    expired = [Stream(ErrorEvent(EXPIRED)), page("20"), Stream(ErrorEvent(EXPIRED)), page("30")]
    run = Run([*refused, *expired, Stream(LONG), *refused[1:], *expired])
    assert [failure.delay for failure in run.failures] == [0.8, 1.6, 3.2, 0.8, 1.6, 0.8, 1.6, 3.2, 0.8, 1.6]


def test_a_failure_handler_that_raises_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    source = ScriptedSource([INTERNAL, page("10")])
    store: Store[Obj] = Store()

    def fail(failure: WatchFailure) -> None:
        raise KeyError("a bug in it")

    reflector = Reflector(
        source,
        store,
        options=ReflectorOptions(streaming_lists=False, uniform=lambda low, _high: low),
        on_failure=fail,
        clock=source.clock,
    )
    source.stop = reflector.stop
    with caplog.at_level(logging.ERROR, logger="informers"):
        reflector.run()
    assert source.log == [LIST, "pause 0.8", LIST, WATCH]
    assert "a bug in it" in caplog.text


def test_an_object_that_was_unreadable_and_then_deleted_is_not_kept() -> None:
    """A list keeps what the store has of an object that can't be read; but only if it still exists."""
    store: Store[Obj] = Store()
    store.replace([record("a").object(), record("b").object()], "1")
    bad = BadObject(DecodeError("bad labels", key="a"), "2")
    Run([Stream(bad, added("b", "3"), end("4"), LONG)], streaming=True, store=store)
    assert store.keys() == ["a", "b"]
    Run([Stream(bad, deleted("a", "3"), added("b", "3"), end("4"), LONG)], streaming=True, store=store)
    assert store.keys() == ["b"]


def test_a_watch_that_brought_something_is_not_called_empty_whatever_the_clock_says() -> None:
    run = Run([page("10"), Stream(modified("a", "11")), Stream(modified("a", "12"))])
    assert run.failures == []
    assert run.log == [LIST, WATCH, "watch 11", "watch 12"]


def test_nothing_is_connected_while_a_watch_is_being_opened_again() -> None:
    states: list[tuple[Any, ...]] = []

    def answer(request: str) -> Any:
        progress = runs[0].progress if runs else None
        states.append((request, progress and progress.connected_since))
        return page("10") if request.startswith("list") else Stream(LONG)

    runs: list[Reflector[Obj]] = []
    original = Reflector.run

    def run(self: Reflector[Obj]) -> None:
        runs.append(self)
        original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reflector, "run", run)
        _by_request(answer, count=4)
    assert states == [(LIST, None), (WATCH, None), (WATCH, None), (WATCH, None)]


@pytest.mark.parametrize(
    "options",
    [
        {"page_size": -1},
        {"page_size": 1.5},
        {"page_size": "5"},
        {"page_size": True},
        {"min_watch_timeout": 0.5},
        {"min_watch_timeout": math.nan},
        {"min_watch_timeout": math.inf},
        {"min_watch_timeout": "300"},
        {"min_watch_timeout": None},
    ],
)
def test_options_of_the_wrong_kind_are_refused_where_they_are_given(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(options))} must be a (whole )?number"):
        ReflectorOptions(**options)
