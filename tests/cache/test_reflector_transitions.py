"""What follows from what came: the decisions of a reflector alone, without a source, a thread or a clock."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers import NextStep, ReflectorState
from informers.cache._reflector import states
from informers.cache._reflector.states import (
    AskedToWait,
    Began,
    CatchingUp,
    CaughtUp,
    Compared,
    Comparing,
    Connecting,
    Done,
    Ended,
    Failed,
    Listed,
    Memory,
    NotStarted,
    Outcome,
    Paging,
    RelistAsked,
    Resting,
    Situation,
    State,
    StopAsked,
    Stopped,
    Streaming,
    Waiting,
    Watching,
)
from informers.cache._reflector.transitions import step
from informers.errors import (
    ConnectionLostError,
    DecodeError,
    ExpiredError,
    StatusError,
    TooLargeResourceVersionError,
    TooManyRequestsError,
)

AT_10 = Memory(version="10", list_at="10")
RECONNECTING = Connecting(resumes=True)
EXPIRED = ExpiredError("too old", code=410, reason="Expired")
BUSY = TooManyRequestsError("slow down", code=429)
INTERNAL = StatusError("oops", code=500)
REFUSED = ConnectionLostError("connection refused")
REFUSED.__cause__ = ConnectionRefusedError()
BROKEN = ConnectionLostError("the server closed the connection without an answer")
SILENT = ConnectionLostError("nothing came over the connection for too long")
SILENT.__cause__ = TimeoutError()


def asking(code: int, seconds: float) -> StatusError:
    kind = TooManyRequestsError if code == 429 else StatusError
    return kind("wait", code=code, retry_after=seconds)


def ended(lasted: float, error: Exception | None = None, *, has_events: bool = False, version: str = "10") -> Ended:
    return Ended(version=version, lasted=lasted, has_events=has_events, error=error)


@pytest.mark.parametrize(
    ("state", "came", "then"),
    [
        (NotStarted(), Began(), Streaming("")),
        (NotStarted(), Began("7"), Comparing()),
        (Comparing(), Compared("10"), Connecting(resumes=False)),
        (Comparing(), Compared("12"), CatchingUp("12")),
        (Comparing(), Compared("9"), Waiting(Streaming(""))),
        (CatchingUp("12"), CaughtUp("12"), Watching()),
        (CatchingUp("12"), ended(3.0), Waiting(Streaming("10"))),
        (CatchingUp("12"), Failed(REFUSED), Waiting(Comparing())),
        (CatchingUp("12"), Failed(BROKEN), Waiting(Comparing())),
        (Streaming("10"), Listed("20"), Watching()),
        (Streaming("10"), Failed(EXPIRED), Streaming("")),
        (Streaming("10"), Failed(INTERNAL), Paging("10", 0)),
        (Streaming("10"), Failed(REFUSED), Waiting(Streaming("10"))),
        (Streaming("10"), Failed(REFUSED, was_answered=True), Paging("10", 0)),
        (Paging("10", 0), Listed("20"), Connecting(resumes=False)),
        (Paging("10", 0), Failed(EXPIRED), Streaming("")),
        (Connecting(resumes=False), Done(), Watching()),
        (Connecting(resumes=False), Failed(REFUSED), Waiting(RECONNECTING)),
        (Connecting(resumes=False), Failed(INTERNAL), Waiting(Streaming("10"))),
        (Watching(), ended(400.0), RECONNECTING),
        (Watching(), ended(0.1), Waiting(Streaming("10"))),
        (Watching(), ended(0.1, has_events=True), RECONNECTING),
        (Watching(), ended(0.1, REFUSED), Waiting(RECONNECTING)),
        (Watching(), ended(60.0, REFUSED, has_events=True), RECONNECTING),
        (Watching(), ended(60.0, EXPIRED, has_events=True), Waiting(Streaming("10"))),
        (Watching(), ended(60.0, BUSY), Waiting(RECONNECTING)),
        (Watching(), ended(60.0, DecodeError("no JSON")), Waiting(Streaming("10"))),
        (Waiting(RECONNECTING), Done(), RECONNECTING),
        (Resting(RECONNECTING), Done(), RECONNECTING),
        (AskedToWait(RECONNECTING, 3.0, BUSY), Done(), RECONNECTING),
    ],
    ids=str,
)
def test_each_state_is_followed_by_what_came_of_it(state: State, came: Outcome, then: State) -> None:
    memory = Memory() if isinstance(state, NotStarted) else AT_10
    assert step(Situation(state, memory), came).situation.state == then


ALL_STATES: list[State] = [
    NotStarted(),
    Comparing(),
    CatchingUp("12"),
    Streaming("10"),
    Paging("10", 500),
    Connecting(resumes=False),
    Watching(),
    Resting(RECONNECTING),
    Waiting(RECONNECTING),
    AskedToWait(RECONNECTING, 3.0, BUSY),
    Stopped(),
]


def test_every_state_has_a_sentence_and_a_word_for_people() -> None:
    classes = [type(state) for state in ALL_STATES]
    assert set(classes) == set(states.State.__args__)
    assert all((found.__doc__ or "").rstrip().endswith(".") for found in classes)
    # A list that is due may wait for its turn, which is no decision of the reflector.
    assert {found.shown for found in classes} == set(ReflectorState) - {ReflectorState.QUEUED}


@pytest.mark.parametrize("state", ALL_STATES, ids=str)
def test_a_stop_and_the_wish_for_a_list_are_heeded_in_every_state(state: State) -> None:
    now = Situation(state, AT_10)
    assert step(now, StopAsked()).situation == Situation(Stopped(), AT_10)
    relisting = step(now, RelistAsked())
    assert (relisting.situation.state, relisting.error) == (Streaming(""), None)
    assert relisting.situation.memory.version == "10"


@pytest.mark.parametrize(
    ("came", "has_worked"),
    [
        (ended(0.1, has_events=True), True),
        (ended(0.1, REFUSED, has_events=True), True),
        (ended(0.1, INTERNAL, has_events=True), True),
        (ended(60.0, SILENT, has_events=True), True),
        (ended(5.0), True),
        (ended(5.0, REFUSED), True),
        (ended(2.0), False),
        (ended(0.1), False),
        (ended(0.1, REFUSED), False),
        (ended(150.0, SILENT), False),
    ],
    ids=str,
)
def test_a_watch_that_brought_something_or_lasted_has_worked_however_it_ended(came: Ended, has_worked: bool) -> None:
    assert step(Situation(Watching(), AT_10), came).has_worked is has_worked


@pytest.mark.parametrize("code", [429, 503])
def test_a_pause_that_the_server_asks_for_is_not_a_failure_ten_times_in_a_row(code: int) -> None:
    error = asking(code, 3.0)
    now = Situation(Connecting(resumes=False), AT_10)
    for _ in range(10):
        due = step(now, Failed(error))
        assert (due.error, due.situation.state) == (None, AskedToWait(RECONNECTING, 3.0, error))
        now = step(due.situation, Done()).situation
    due = step(now, Failed(error))
    assert (due.error, due.next_step, due.situation.state) == (error, NextStep.WATCH, Waiting(RECONNECTING, 3.0))


@pytest.mark.parametrize(
    "error", [asking(500, 3.0), asking(403, 3.0), asking(429, 0.0), asking(503, 61.0), BUSY, REFUSED], ids=str
)
def test_other_pauses_are_reported_as_failures(error: Exception) -> None:
    due = step(Situation(Connecting(resumes=False), AT_10), Failed(error))
    assert isinstance(due.situation.state, Waiting)
    assert due.error is error


@pytest.mark.parametrize(("seconds", "expected"), [(61.0, 61.0), (2e9, 600.0)])
def test_a_pause_that_counts_is_at_least_as_long_as_asked_but_no_more_than_ten_minutes(
    seconds: float, expected: float
) -> None:
    due = step(Situation(Connecting(resumes=False), AT_10), Failed(asking(503, seconds)))
    assert due.situation.state == Waiting(RECONNECTING, expected)


@pytest.mark.parametrize(
    "came", [Listed("11"), ended(1.0), ended(0.1, has_events=True)], ids=["a list", "a watch that lasted", "an event"]
)
def test_what_works_lets_a_server_ask_ten_times_again(came: Any) -> None:
    state = Paging("10", 0) if isinstance(came, Listed) else Watching()
    asked = attrs.evolve(AT_10, asked_waits=10)
    assert step(Situation(state, asked), came).situation.memory.asked_waits == 0


def test_the_second_silent_watch_in_a_row_is_followed_by_a_list_and_an_event_ends_the_doubt() -> None:
    first = step(Situation(Watching(), AT_10), ended(150.0, SILENT)).situation
    assert first.state == Waiting(RECONNECTING)
    doubting = step(Situation(RECONNECTING, first.memory), Done()).situation
    assert (doubting.state, doubting.memory.silent_watches) == (Watching(), 1)
    assert step(doubting, ended(150.0, SILENT)).situation.state == Waiting(Streaming("10"))
    convinced = step(doubting, Done()).situation
    assert (convinced.state, convinced.memory.silent_watches) == (Watching(), 0)


def test_the_second_watch_from_a_saved_version_that_breaks_is_followed_by_a_list() -> None:
    first = step(Situation(CatchingUp("12"), AT_10), Failed(BROKEN)).situation
    again = step(Situation(CatchingUp("12"), first.memory), ended(0.1, BROKEN)).situation
    assert (first.state, again.state) == (Waiting(Comparing()), Waiting(Streaming("10")))


@pytest.mark.parametrize("error", [EXPIRED, TooLargeResourceVersionError("too large", code=504)], ids=str)
def test_a_lost_version_is_asked_for_once_and_the_newest_is_listed_until_that_works(error: Exception) -> None:
    pages = attrs.evolve(AT_10, streams=False)
    due = step(Situation(Paging("10", 0), pages), Failed(error))
    assert (due.situation.state, due.error) == (Paging("", 500), error)
    again = step(due.situation, Failed(error)).situation
    assert again.state == Waiting(Paging("", 500))
    listed = step(Situation(Paging("", 500), again.memory), Listed("30")).situation
    assert (listed.memory.list_at, listed.memory.version) == ("30", "30")


def test_a_bad_request_for_a_version_costs_the_version_and_not_the_streams() -> None:
    bad = StatusError("invalid resource version", code=400)
    paged = step(Situation(Streaming("1x7"), attrs.evolve(AT_10, list_at="1x7")), Failed(bad)).situation
    assert (paged.state, paged.memory.streams) == (Paging("1x7", 0), True)
    assert step(paged, Failed(bad)).situation.state == Streaming("")
    never = step(Situation(Streaming(""), Memory()), Failed(bad)).situation
    assert (never.state, never.memory.streams) == (Paging("0", 500), False)


ERRORS: list[Exception] = [
    EXPIRED,
    BUSY,
    INTERNAL,
    REFUSED,
    BROKEN,
    SILENT,
    asking(429, 1.0),
    asking(503, 90.0),
    ValueError(),
]
VERSIONS = ["", "9", "10", "11", "x"]
OUTCOMES = st.one_of(
    st.builds(Failed, st.sampled_from(ERRORS), st.sampled_from([0.0, 1.0]), st.booleans()),
    st.builds(
        Ended,
        version=st.sampled_from(VERSIONS),
        lasted=st.sampled_from([0.0, 0.5, 1.0, 5.0, 400.0]),
        has_events=st.booleans(),
        error=st.sampled_from([None, *ERRORS]),
    ),
    st.builds(Listed, st.sampled_from(VERSIONS), st.booleans()),
    st.builds(Compared, st.sampled_from(VERSIONS)),
    st.builds(CaughtUp, st.sampled_from(VERSIONS)),
    st.sampled_from([Done(), RelistAsked()]),
)
#: What can come of what.
COMES_OF: dict[type[Any], tuple[type[Any], ...]] = {
    Comparing: (Compared, Failed),
    CatchingUp: (CaughtUp, Ended, Failed),
    Streaming: (Listed, Failed),
    Paging: (Listed, Failed),
    Connecting: (Done, Failed),
    Watching: (Done, Ended),
}


@given(saved=st.sampled_from(["", "10"]), came=st.lists(OUTCOMES, max_size=40), streams=st.booleans())
def test_whatever_comes_there_is_a_next_step_and_failures_do_not_follow_at_once_for_ever(
    saved: str, came: list[Any], streams: bool
) -> None:
    memory = Memory(streams=streams)
    now = step(Situation(NotStarted(), memory), Began(saved)).situation
    without_pause = 0
    for outcome in came:
        if isinstance(now.state, (Waiting, AskedToWait, Resting)):
            assert not isinstance(now.state.then, (Waiting, AskedToWait, Resting, Watching))
            now = step(now, Done()).situation
        if not isinstance(outcome, (RelistAsked, *COMES_OF[type(now.state)])):
            continue
        due = step(now, outcome)
        is_pause = isinstance(due.situation.state, (Waiting, AskedToWait, Resting))
        is_failure = isinstance(outcome, Failed) and not is_pause
        without_pause = without_pause + 1 if is_failure else 0
        # A stream, its pages, and both of the newest version.
        assert without_pause <= 3
        assert isinstance(due.situation.state, AskedToWait) <= (due.error is None)
        now = due.situation
