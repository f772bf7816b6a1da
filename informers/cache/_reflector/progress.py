"""How a reflector fares: what its health is made of.

Upstream: none; client-go shows no more than the last resource version.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import final

import attrs

from informers._base.clock import Clock
from informers.cache._reflector.states import (
    AskedToWait,
    Connecting,
    Memory,
    NotStarted,
    Paging,
    ReflectorState,
    Resting,
    Situation,
    Stopped,
    Streaming,
    Watching,
)
from informers.cache._reflector.transitions import SHORT_WATCH
from informers.cache.sync import PartProgress

__all__ = ["Outage", "Progress", "WatchCounts"]

_log = logging.getLogger("informers.cache")

#: Seconds between two lines in the log about a list that takes long.
_NEWS = 5.0


@final
@attrs.frozen
class Outage:
    """A time without a watch that worked, which is over; `failures` were told in it."""

    seconds: float
    failures: int
    is_first: bool


@attrs.frozen(kw_only=True)
class WatchCounts:
    """What a reflector has counted so far.

    Attributes:
        listed: objects that the list under way, or else the last, has brought.
        total: how many that list has in all, as far as the server says that; None where it does not.
        lists: how many lists have been completed.
        watches: how many watches have been opened.
        failures: how many requests have failed.
        list_seconds: how long the completed lists took, summed up.
        items_listed: how many objects they have brought, summed up.
        watches_ended: how many watches have been opened, and are over.
        watch_seconds: how long those were open, summed up.
        watch_events: how many events and bookmarks those have brought, summed up.
        short_watches: how many of them ended on their own within a second, without an event.
    """

    listed: int = 0
    total: int | None = None
    lists: int = 0
    watches: int = 0
    failures: int = 0
    list_seconds: float = 0.0
    items_listed: int = 0
    watches_ended: int = 0
    watch_seconds: float = 0.0
    watch_events: int = 0
    short_watches: int = 0


@final
class Progress:
    """Kept by the reflector's thread, read by any. Says in the log how far a list is that takes long.

    Args:
        name: what the log calls the list: the resource, and the namespace if it is of one.
        clock: tells the time.

    Attributes:
        situation: where the reflector is, and what it knows.
        is_queued: whether the list that is due waits for its turn.
        not_live_since: since when there has been no watch that works; None while there is one.
        connected_since: since when the watch that is open has been open; None while there is none.
        last_event: when an event or a bookmark came last; None before the first.
        error: what went wrong last, if nothing has gone right since.
        retry_at: when it is tried again; None where nothing waits.
        counts: what has been counted; replaced in one step, since readers have other threads.

    All times are the clock's `monotonic`.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.name: str = name
        self._clock = clock
        self.situation: Situation = Situation(NotStarted(), Memory())
        self.is_queued: bool = False
        self.not_live_since: float | None = clock.monotonic()
        self.connected_since: float | None = None
        self.last_event: float | None = None
        self.error: Exception | None = None
        self.retry_at: float | None = None
        self.counts: WatchCounts = WatchCounts()
        self._list_began = 0.0
        #: When the log was notified of the list last; None if not yet.
        self._told: float | None = None
        #: How many since there was a watch that worked, but for those that another way to list has made good.
        self._failures_in_outage = 0
        self._was_live = False
        #: Of the watch that is open.
        self._events = 0

    @property
    def state(self) -> ReflectorState:
        """What it is doing."""
        return ReflectorState.QUEUED if self.is_queued else self.situation.state.shown

    @property
    def is_doubtful(self) -> bool:
        """Whether the last watch was silent until it was given up, and nothing has come since."""
        return self.situation.memory.silent_watches > 0

    @property
    def asked_to_wait(self) -> Exception | None:
        """What the server asked for a pause with; None where it did not."""
        state = self.situation.state
        return state.reason if isinstance(state, AskedToWait) else None

    def entered(self, situation: Situation) -> Outage | None:
        """Note where the reflector is now; return the outage that ends by it, if one does."""
        state = situation.state
        self.situation = situation
        self.retry_at = None
        if isinstance(state, (Streaming, Paging)):
            self._listing()
        if isinstance(state, Stopped):
            self._disconnected(by_itself=False)
        elif isinstance(state, (Connecting, Resting)):
            self._disconnected()
        return self._live(is_live=isinstance(state, Watching))

    def has_turn(self) -> None:
        """Note that the list that waited for its turn begins."""
        self.is_queued = False
        self._list_began = self._clock.monotonic()

    def pausing(self, seconds: float) -> None:
        """Note that a pause begins."""
        self._disconnected()
        self.retry_at = self._clock.monotonic() + seconds

    def opened(self) -> None:
        """Note that a watch is open."""
        self.connected_since = self._clock.monotonic()
        self.counts = attrs.evolve(self.counts, watches=self.counts.watches + 1)
        self._events = 0

    def failed(self, error: Exception, *, is_made_good: bool = False) -> None:
        """Note a failure; `is_made_good` says that pages are listed in place of a stream, at once."""
        self.counts = attrs.evolve(self.counts, failures=self.counts.failures + 1)
        self._failures_in_outage += not is_made_good
        self.error = error
        self._disconnected()

    def _live(self, *, is_live: bool) -> Outage | None:
        if not is_live:
            if self.not_live_since is None:
                self.not_live_since = self._clock.monotonic()
            return None
        if self.not_live_since is None:
            return None
        seconds = self._clock.monotonic() - self.not_live_since
        outage = Outage(seconds, self._failures_in_outage, not self._was_live)
        self.not_live_since, self._failures_in_outage, self._was_live = None, 0, True
        return outage

    def _listing(self) -> None:
        self._disconnected()
        self.counts = attrs.evolve(self.counts, listed=0, total=None)
        self._list_began = self._clock.monotonic()
        self._told = None

    def arrived(self, listed: int, remaining: int | None = None) -> None:
        """Note how many objects the list under way has brought, and how many are still to come, if that is known."""
        self.counts = attrs.evolve(self.counts, listed=listed, total=None if remaining is None else listed + remaining)
        now = self._clock.monotonic()
        if now - (self._list_began if self._told is None else self._told) >= _NEWS:
            self._told = now
            self._say("listing goes on")

    def listed_all(self, listed: int) -> None:
        """Note that a list is complete."""
        counts = self.counts
        self.counts = attrs.evolve(
            self.counts,
            listed=listed,
            total=listed,
            lists=counts.lists + 1,
            list_seconds=counts.list_seconds + self._clock.monotonic() - self._list_began,
            items_listed=counts.items_listed + listed,
        )
        if self._told is not None:
            self._say("all listed")
        self.error = None

    def arrived_by_watch(self, count: int) -> None:
        """Note a sign of life: events and bookmarks, so many."""
        self._events += count
        self.last_event = self._clock.monotonic()
        self.error = None

    def _disconnected(self, *, by_itself: bool = True) -> None:
        """Note that no watch is open; if one was, that it is no more."""
        if self.connected_since is None:
            return
        lasted = self._clock.monotonic() - self.connected_since
        self.connected_since = None
        counts = self.counts
        is_short = by_itself and not self._events and lasted < SHORT_WATCH
        self.counts = attrs.evolve(
            self.counts,
            watches_ended=counts.watches_ended + 1,
            watch_seconds=counts.watch_seconds + lasted,
            watch_events=counts.watch_events + self._events,
            short_watches=counts.short_watches + is_short,
        )

    def _say(self, what: str) -> None:
        listed, total = self.counts.listed, self.counts.total
        part = PartProgress(name=self.name, objects=listed, total=None if total == listed else total, synced=False)
        with suppress(Exception):  # of the user's filters of the log
            _log.info("%s in %.0f s, %s", part, self._clock.monotonic() - self._list_began, what)
