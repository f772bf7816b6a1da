"""The state of a reflector, for its health.

Upstream: none; client-go shows no more than the last resource version.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import final

import attrs

from informers._base.clock import Clock
from informers.cache._reflector import states
from informers.cache._reflector.states import Memory, ReflectorState, Situation
from informers.cache._reflector.transitions import SHORT_WATCH
from informers.cache._reflector.watch_failures import WatchRecovery, named
from informers.cache.sync import PartProgress

__all__ = ["Progress", "WatchCounts"]

_log = logging.getLogger("informers.cache")

#: Seconds between two log lines about a slow list.
_NEWS = 5.0


@attrs.frozen(kw_only=True)
class WatchCounts:
    """The counters of a reflector.

    Attributes:
        listed: objects that the present or last list has received.
        total: objects in that list, as far as the server says it; None otherwise.
        lists: completed lists.
        watches: opened watches.
        failures: failed requests.
        list_seconds: seconds that the completed lists took, in total.
        items_listed: objects that they received, in total.
        watches_ended: watches that were opened and have ended.
        watch_seconds: seconds for which those were open, in total.
        watch_events: events and bookmarks that those received, in total.
        short_watches: watches that the server ended within a second, without an event.
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
    """Updated by the reflector's thread, read by any. Logs the progress of a slow list.

    Attributes:
        resource: names the resource in messages; it may be changed.
        namespace: names the namespace in messages; None for all.
        situation: the reflector's state and memory.
        is_queued: whether a list waits for its turn.
        not_live_since: since when no watch works; None while one does.
        connected_since: when the open watch was opened; None if none is open.
        last_event: when the last event or bookmark was received; None before the first.
        error: the last failure, if nothing has succeeded since.
        retry_at: when the next try begins; None if none is due.
        counts: the counters; replaced in one step, since other threads read them.

    All times are the clock's `monotonic`.
    """

    def __init__(self, resource: str, namespace: str | None, clock: Clock) -> None:
        self.resource: str = resource
        self.namespace: str | None = namespace
        self._clock = clock
        self.situation: Situation = Situation(states.NotStarted(), Memory())
        self.is_queued: bool = False
        self.not_live_since: float | None = clock.monotonic()
        self.connected_since: float | None = None
        self.last_event: float | None = None
        self.error: Exception | None = None
        self.retry_at: float | None = None
        self.counts: WatchCounts = WatchCounts()
        self._list_began = 0.0
        #: When the last log line about the list was written; None before the first.
        self._told: float | None = None
        #: Failures since a watch worked last, except those that another way to list made good.
        self._failures_in_outage = 0
        self._was_live = False
        #: Events of the open watch.
        self._events = 0

    @property
    def state(self) -> ReflectorState:
        """The present activity."""
        return ReflectorState.QUEUED if self.is_queued else self.situation.state.shown

    @property
    def is_doubtful(self) -> bool:
        """Whether the last watch was silent until it was given up, and nothing has been received since."""
        return self.situation.memory.silent_watches > 0

    @property
    def asked_to_wait(self) -> Exception | None:
        """The answer with which the server asked for a pause; None if it did not."""
        state = self.situation.state
        return state.reason if isinstance(state, states.AskedToWait) else None

    def entered(self, situation: Situation) -> WatchRecovery | None:
        """Note the new situation; return the end of an outage, or None. An outage may have had no failures."""
        state = situation.state
        self.situation = situation
        self.retry_at = None
        if isinstance(state, (states.Streaming, states.Paging)):
            self._listing()
        if isinstance(state, states.Stopped):
            self._disconnected(by_itself=False)
        elif isinstance(state, (states.Connecting, states.Resting)):
            self._disconnected()
        return self._live(is_live=isinstance(state, states.Watching) and not self.is_doubtful)

    def has_turn(self) -> None:
        """Note that the queued list begins."""
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
        """Note a failure; `is_made_good` if pages are listed at once in place of a stream."""
        self.counts = attrs.evolve(self.counts, failures=self.counts.failures + 1)
        self._failures_in_outage += not is_made_good
        self.error = error
        self._disconnected()

    def _live(self, *, is_live: bool) -> WatchRecovery | None:
        if not is_live:
            if self.not_live_since is None:
                self.not_live_since = self._clock.monotonic()
            return None
        if self.not_live_since is None:
            return None
        seconds = self._clock.monotonic() - self.not_live_since
        recovery = WatchRecovery(
            self.resource, self.namespace, seconds, self._failures_in_outage, is_first=not self._was_live
        )
        self.not_live_since, self._failures_in_outage, self._was_live = None, 0, True
        return recovery

    def _listing(self) -> None:
        self._disconnected()
        self.counts = attrs.evolve(self.counts, listed=0, total=None)
        self._list_began = self._clock.monotonic()
        self._told = None

    def arrived(self, listed: int, remaining: int | None = None) -> None:
        """Note how many objects the present list has received, and how many remain, if that is known."""
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
        """Note that this many events and bookmarks were received."""
        self._events += count
        self.last_event = self._clock.monotonic()
        self.error = None

    def _disconnected(self, *, by_itself: bool = True) -> None:
        """Note that no watch is open, and count the one that was."""
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
        name = named(self.resource, self.namespace)
        part = PartProgress(name=name, objects=listed, total=None if total == listed else total, synced=False)
        with suppress(Exception):  # of the user's filters of the log
            _log.info("%s in %.0f s, %s", part, self._clock.monotonic() - self._list_began, what)
