"""The decisions of a reflector: the next state for each state and outcome, as one pure function.

Upstream: k8s.io/client-go/tools/cache/reflector.go ListAndWatch, watch and handleWatch (v0.37).
"""

from __future__ import annotations

from typing import final

import attrs

from informers.cache._reflector import states
from informers.cache._reflector.states import Memory, Outcome, Situation, State
from informers.cache._reflector.watch_failures import NextStep
from informers.cache.versions import reaches
from informers.errors import (
    ConnectionLostError,
    ExpiredError,
    StatusError,
    StoppedError,
    TooLargeResourceVersionError,
    TooManyRequestsError,
)

__all__ = ["SHORT_WATCH", "Step", "step"]

#: Seconds. A watch that ended earlier without an event did not work.
SHORT_WATCH = 1.0
#: Seconds. A watch that lasted this long did work, with or without events.
_WORKED = 5.0
#: The longest pause in seconds that a server may ask for (Retry-After). Some ask for days, which would mean giving up.
_LONGEST_ASKED = 600.0
#: The longest requested pause, in seconds, that is not a failure, and the number of such pauses allowed in a row.
_LONGEST_QUIETLY, _MOST_ASKED = 60.0, 10
#: How many streaming lists in a row may break where pages do not, and watches before a list. Once may be a mishap.
_MOST_BROKEN = 2
#: Watches in a row with events that may end within a second and are still opened again at once.
_MOST_QUICK = 2
_PAGE_SIZE = 500
#: Status codes of servers that do not support streaming lists.
_NOT_UNDERSTOOD = frozenset({400, 405, 415, 422})


@final
@attrs.frozen
class Step:
    """The next step of a reflector.

    Attributes:
        situation: the next state, which says what to do, and the memory.
        error: a failure to report, or None.
        next_step: the step after the failure, for the report.
        has_worked: whether the backoff starts again with small pauses.
        is_caught_up: whether the store, filled from a saved cache, turned out to be up to date.
    """

    situation: Situation
    error: Exception | None = None
    next_step: NextStep = NextStep.LIST
    has_worked: bool = False
    is_caught_up: bool = False


def step(now: Situation, came: Outcome) -> Step:
    """Return the next step after an outcome."""
    memory = now.memory
    match now.state, came:
        case _, states.StopAsked():
            return _go(states.Stopped(), memory)
        case _, states.RelistAsked():
            # The newest version: the user may know about changes that the server's cache does not have yet.
            return _list(attrs.evolve(memory, list_at="", silent_watches=0))
        case states.NotStarted(), states.Began(saved=""):
            return _list(memory)
        case states.NotStarted(), states.Began(saved=saved):
            return _go(states.Comparing(), _at(memory, saved))
        case ((states.Resting(then=then) | states.Waiting(then=then) | states.AskedToWait(then=then)), states.Done()):
            return _go(then, memory)
        case states.Comparing(), states.Compared(newest=newest):
            return _compared(memory, newest)
        case states.CatchingUp(), states.CaughtUp(version=version):
            return attrs.evolve(_go(states.Watching(), _at(memory, version)), is_caught_up=True)
        case (states.Streaming() | states.Paging()) as listing, states.Listed() as listed:
            return _listed(listing, memory, listed)
        case states.Connecting(), states.Done():
            return _go(states.Watching(), memory)
        case states.Watching(), states.Done():
            return _go(states.Watching(), attrs.evolve(memory, silent_watches=0))
        case states.Comparing(), states.Failed(error=error):
            return _not_compared(memory, error)
        case states.CatchingUp(), (states.Failed() | states.Ended()) as failed:
            return _not_caught_up(memory, failed)
        case states.Streaming(at=at), states.Failed() as failed:
            return _not_streamed(at, memory, failed)
        case states.Paging(at=at), states.Failed(error=error):
            return _not_paged(at, memory, error)
        case states.Connecting(), states.Failed(error=error) as failed:
            return _not_watched(memory, failed, error)
        case states.Watching(), states.Ended() as ended:
            return _ended(memory, ended)
        case _:
            raise AssertionError(f"{came} can't come of {now.state}")


def _go(state: State, memory: Memory) -> Step:
    return Step(Situation(state, memory))


def _at(memory: Memory, version: str) -> Memory:
    return attrs.evolve(memory, version=version, list_at=version or "0")


def _listing(memory: Memory) -> State:
    """Return the state that makes the next list."""
    at = memory.list_at
    if memory.streams:
        return states.Streaming("" if at == "0" else at)
    return _paging(memory)


def _paging(memory: Memory) -> states.Paging:
    at = memory.list_at
    return states.Paging(at, memory.page_size or (_PAGE_SIZE if at in {"", "0"} else 0))


def _list(memory: Memory) -> Step:
    return _go(_listing(memory), memory)


def _again(memory: Memory, then: State, error: Exception, next_step: NextStep) -> Step:
    """Try again after a pause: the one that the server asked for, or the next of the backoff."""
    asked = (error.retry_after if isinstance(error, StatusError) else None) or 0.0
    is_named = isinstance(error, TooManyRequestsError) or (isinstance(error, StatusError) and error.code == 503)
    if is_named and 0 < asked <= _LONGEST_QUIETLY and memory.asked_waits < _MOST_ASKED:
        memory = attrs.evolve(memory, asked_waits=memory.asked_waits + 1)
        return _go(states.AskedToWait(then, asked, error), memory)
    return Step(Situation(states.Waiting(then, min(asked, _LONGEST_ASKED)), memory), error, next_step)


def _list_again(memory: Memory, error: Exception) -> Step:
    return _again(memory, _listing(memory), error, NextStep.LIST)


def _watch_again(memory: Memory, error: Exception) -> Step:
    if not memory.version:
        # Without a version to continue from, deletions in between would be missed.
        return _list_again(memory, error)
    return _again(memory, states.Connecting(resumes=True), error, NextStep.WATCH)


def _watch_once_more(
    memory: Memory, came: states.Failed | states.Ended, error: ConnectionLostError, then: State
) -> Step:
    """Watch again by way of `then`; the second time in a row that a watch breaks within a second without events, list.

    An API server that fills its cache again breaks off some watches from a version that it has forgotten, and does not
    say why. Where a connection is refused, or a proxy holds the answer back and cuts the watch later, a list does not
    help.
    """
    if came.lasted < SHORT_WATCH and not _is_refused(error):
        memory = attrs.evolve(memory, broken_watches=memory.broken_watches + 1)
    if not memory.version or memory.broken_watches >= _MOST_BROKEN:
        return _list_again(memory, error)
    return _again(memory, then, error, NextStep.WATCH)


def _is_refused(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__
    return error is not None


def _expired(memory: Memory, error: ExpiredError) -> Step:
    """List after the smallest pause: the server works, and a list repairs it. If it happens again, pauses grow."""
    is_first = memory.expired_watches == 0
    memory = attrs.evolve(memory, expired_watches=memory.expired_watches + 1)
    return attrs.evolve(_list_again(memory, error), has_worked=is_first)


def _compared(memory: Memory, newest: str) -> Step:
    saved = memory.version
    if saved == newest:
        return attrs.evolve(_go(states.Connecting(resumes=False), memory), is_caught_up=True)
    if reaches(newest, saved):
        return _go(states.CatchingUp(newest), memory)
    error = TooLargeResourceVersionError(f"the server is at version {newest!r}, the cache was saved at {saved!r}")
    return _list_again(attrs.evolve(memory, list_at=""), error)


def _not_compared(memory: Memory, error: Exception) -> Step:
    """Compare again where the way to the server is to blame."""
    if isinstance(error, (ConnectionLostError, TooManyRequestsError)):
        return _again(memory, states.Comparing(), error, NextStep.WATCH)
    return _list_again(memory, error)


def _not_caught_up(memory: Memory, came: states.Failed | states.Ended) -> Step:
    """Compare again if only the connection failed; list if the server can't continue from the saved version."""
    error = came.error
    if isinstance(came, states.Ended):
        memory = _at(memory, came.version)
    if error is None:
        error = StatusError(f"a watch from the saved version {memory.version} ended without a bookmark")
    if isinstance(error, ConnectionLostError) and not (isinstance(came, states.Ended) and _is_silence(came)):
        return _watch_once_more(memory, came, error, states.Comparing())
    return _not_compared(memory, error) if isinstance(error, TooManyRequestsError) else _list_again(memory, error)


def _listed(listing: states.Streaming | states.Paging, memory: Memory, came: states.Listed) -> Step:
    memory = attrs.evolve(_at(memory, came.version), asked_waits=0, silent_watches=0, broken_watches=0)
    if isinstance(listing, states.Streaming):
        return _go(states.Watching(), attrs.evolve(memory, broken_streams=0))
    if listing.at == "0" and came.in_pages:
        # Pages at version 0 mean that the server has no watch cache: a list in one page may be too large for it.
        memory = attrs.evolve(memory, page_size=memory.page_size or _PAGE_SIZE)
    if memory.broken_streams >= _MOST_BROKEN:
        memory = attrs.evolve(memory, streams=False)
    return _go(states.Connecting(resumes=False), memory)


def _not_streamed(at: str, memory: Memory, came: states.Failed) -> Step:
    """List in pages if that may help."""
    error = came.error
    if isinstance(error, (ExpiredError, TooLargeResourceVersionError)):
        return _version_lost(memory, error)
    is_unanswered = isinstance(error, ConnectionLostError) and isinstance(error.__cause__, TimeoutError)
    is_gone = isinstance(error, ConnectionLostError) or _asks_to_wait(error)
    if isinstance(error, StoppedError) or (is_gone and not (came.was_answered or is_unanswered)):
        return _list_again(memory, error)
    # A proxy may hold an answer back until its body begins; a quiet stream's body may never begin.
    if came.was_answered or is_unanswered:
        memory = attrs.evolve(memory, broken_streams=memory.broken_streams + 1)
    elif isinstance(error, StatusError) and error.code in _NOT_UNDERSTOOD and not (at and error.code == 400):
        # A 400 may also mean that the server does not understand the version: pages will show that.
        memory = attrs.evolve(memory, streams=False)
    return Step(Situation(_paging(memory), memory), error, NextStep.LIST_PAGES)


def _asks_to_wait(error: Exception) -> bool:
    is_busy = isinstance(error, StatusError) and error.code == 503 and error.retry_after is not None
    return is_busy or isinstance(error, TooManyRequestsError)


def _not_paged(at: str, memory: Memory, error: Exception) -> Step:
    # If pages fail too, streams are not to blame.
    memory = attrs.evolve(memory, broken_streams=0)
    is_refused = isinstance(error, StatusError) and error.code == 400 and at != "0"
    if is_refused or isinstance(error, (ExpiredError, TooLargeResourceVersionError)):
        return _version_lost(memory, error)
    return _list_again(memory, error)


def _version_lost(memory: Memory, error: Exception) -> Step:
    """List the newest version: at once, unless the failed list requested that already."""
    is_newest = memory.list_at == ""
    memory = attrs.evolve(memory, list_at="")
    if is_newest:
        return _list_again(memory, error)
    return Step(Situation(_listing(memory), memory), error, NextStep.LIST)


def _not_watched(memory: Memory, came: states.Failed | states.Ended, error: Exception) -> Step:
    if isinstance(error, ExpiredError):
        return _expired(memory, error)
    if isinstance(error, ConnectionLostError):
        return _watch_once_more(memory, came, error, states.Connecting(resumes=True))
    return _watch_again(memory, error) if _asks_to_wait(error) else _list_again(memory, error)


def _is_silence(came: states.Ended) -> bool:
    is_timeout = isinstance(came.error, ConnectionLostError) and isinstance(came.error.__cause__, TimeoutError)
    return is_timeout and not came.has_events


def _ended(memory: Memory, came: states.Ended) -> Step:
    """Open a watch that worked again at once, however it ended; otherwise decide by the failure."""
    memory = _at(memory, came.version)
    has_worked = came.has_events or came.lasted >= _WORKED
    if came.has_events:
        memory = attrs.evolve(memory, silent_watches=0)
    if came.has_events or came.lasted >= SHORT_WATCH:
        memory = attrs.evolve(memory, asked_waits=0, broken_watches=0)
    if came.lasted >= _WORKED:
        memory = attrs.evolve(memory, expired_watches=0)
    if _is_silence(came):
        return _silent(memory, came.error)
    due = _after(memory, came)
    return attrs.evolve(due, has_worked=has_worked or due.has_worked)


def _silent(memory: Memory, error: Exception | None) -> Step:
    """Watch again; list after the second silent watch in a row.

    A server that was restored from a backup may have lower versions than ours. It accepts watches from our version and
    stays silent until it reaches it. Only a list shows that.
    """
    assert error is not None
    memory = attrs.evolve(memory, silent_watches=memory.silent_watches + 1)
    return _watch_again(memory, error) if memory.silent_watches < _MOST_BROKEN else _list_again(memory, error)


def _after(memory: Memory, came: states.Ended) -> Step:
    error = came.error
    is_short = came.lasted < SHORT_WATCH and not came.has_events
    if error is None and is_short:
        error = StatusError(f"a watch ended after {came.lasted:.3f} s without an event")
        return _list_again(memory, error)
    if error is None or (isinstance(error, ConnectionLostError) and memory.version and not is_short):
        then = states.Connecting(resumes=True) if memory.version else _listing(memory)
        quick = memory.quick_watches + 1 if came.lasted < SHORT_WATCH else 0
        memory = attrs.evolve(memory, quick_watches=quick)
        # A few short watches may be chance; a server that ends every watch at once gets pauses.
        state = states.Resting(then) if quick > _MOST_QUICK else then
        return Step(Situation(state, memory), error, NextStep.WATCH)
    return _not_watched(memory, came, error)
