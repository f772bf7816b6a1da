"""How a reflector fares: what its health is made of.

Upstream: none; client-go shows no more than the last resource version.
"""

from __future__ import annotations

import enum
import logging
from contextlib import suppress
from typing import final

from informers._base.clock import Clock
from informers.cache.sync import PartProgress

__all__ = ["SHORT_WATCH", "Progress", "ReflectorState"]

_log = logging.getLogger("informers.cache")

#: Seconds. A watch that ends sooner is not opened again at once, whatever it brought.
SHORT_WATCH = 1.0
#: Seconds between two lines in the log about a list that takes long.
_NEWS = 5.0


@final
class ReflectorState(enum.Enum):
    """What a reflector is doing."""

    NOT_STARTED = "not started"
    LISTING = "listing"
    CONNECTING = "opening a watch"
    CATCHING_UP = "catching up from a saved version"
    WATCHING = "watching"
    WAITING = "waiting to try again"
    STOPPED = "stopped"


@final
class Progress:
    """Kept by the reflector's thread, read by any. Says in the log how far a list is that takes long.

    Args:
        name: what the log calls the list: the resource, and the namespace if it is of one.
        clock: tells the time.

    Attributes:
        state: what it is doing.
        connected_since: since when the watch that is open has been open; None while there is none.
        last_event: when an event or a bookmark came last; None before the first.
        is_doubtful: whether the last watch was silent until it was given up, and nothing has come since.
        error: what went wrong last, if nothing has gone right since.
        retry_at: when it is tried again; None where nothing waits.
        listed: objects that the list under way, or else the last, has brought.
        total: how many that list has in all, as far as the server says that; None where it does not.
        lists: how many lists have been completed.
        watches: how many watches have been opened.
        failures: how many requests have failed.
        list_seconds: how long the completed lists took, summed up.
        items_listed: how many objects they have brought, summed up.
        watches_ended: how many watches have been opened, and are no more.
        watch_seconds: how long those were open, summed up.
        watch_events: how many events and bookmarks those have brought, summed up.
        short_watches: how many of them ended by themselves within a second, without an event.

    All times are the clock's `monotonic`.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self.state: ReflectorState = ReflectorState.NOT_STARTED
        self.connected_since: float | None = None
        self.last_event: float | None = None
        self.is_doubtful: bool = False
        #: Whether anything has come since the list or the opening of the watch.
        self._is_proven = False
        self.error: Exception | None = None
        self.retry_at: float | None = None
        self.listed: int = 0
        self.total: int | None = None
        self._list_began = 0.0
        #: When the log was told of the list last; None if not yet.
        self._told: float | None = None
        self.lists: int = 0
        self.watches: int = 0
        self.failures: int = 0
        self.list_seconds: float = 0.0
        self.items_listed: int = 0
        self.watches_ended: int = 0
        self.watch_seconds: float = 0.0
        self.watch_events: int = 0
        self.short_watches: int = 0
        #: Of the watch that is open.
        self._events = 0

    def listing(self) -> None:
        """Note that a list begins."""
        self.state = ReflectorState.LISTING
        self._disconnected()
        self.retry_at = None
        self.listed = 0
        self.total = None
        self._list_began = self._clock.monotonic()
        self._told = None

    def arrived(self, listed: int, remaining: int | None = None) -> None:
        """Note how many objects the list under way has brought, and how many are still to come, if that is known."""
        self.listed = listed
        self.total = None if remaining is None else listed + remaining
        now = self._clock.monotonic()
        if now - (self._list_began if self._told is None else self._told) >= _NEWS:
            self._told = now
            self._say("listing goes on")

    def listed_all(self, listed: int) -> None:
        """Note that a list is complete."""
        self.listed = self.total = listed
        if self._told is not None:
            self._say("all listed")
        self.lists += 1
        self.list_seconds += self._clock.monotonic() - self._list_began
        self.items_listed += listed
        self.error = None
        self._prove()

    def opening(self) -> None:
        """Note that a watch has been asked for, and no answer has come yet."""
        self.state = ReflectorState.CONNECTING
        self._disconnected()
        self.retry_at = None

    def opened(self) -> None:
        """Note that a watch is open."""
        self.state = ReflectorState.WATCHING
        self.connected_since = self._clock.monotonic()
        self.watches += 1
        self._events = 0
        self.retry_at = None
        self._is_proven = False

    def catching_up(self, *, is_over: bool) -> None:
        """Note that the watch that is open still has to bring what has happened before, or has now."""
        self.state = ReflectorState.WATCHING if is_over else ReflectorState.CATCHING_UP

    def arrived_by_watch(self, count: int) -> None:
        """Note a sign of life: events and bookmarks, so many."""
        self._events += count
        self.last_event = self._clock.monotonic()
        self.error = None
        self._prove()

    def failed(self, error: Exception, delay: float) -> None:
        """Note a failure, and that the next try is `delay` seconds away."""
        self.failures += 1
        self.error = error
        if self.is_silence(error):
            self.is_doubtful = True
        self._disconnected()
        self.retry_at = self._clock.monotonic() + delay
        self.state = ReflectorState.WAITING

    def is_silence(self, error: Exception) -> bool:
        """Return whether an error ends a watch that is open, but has never brought anything."""
        return self.connected_since is not None and not self._is_proven and isinstance(error.__cause__, TimeoutError)

    def ended(self) -> None:
        """Note that nothing more will happen."""
        self.state = ReflectorState.STOPPED
        self._disconnected(by_itself=False)
        self.retry_at = None

    def _disconnected(self, *, by_itself: bool = True) -> None:
        """Note that no watch is open; if one was, that it is no more."""
        if self.connected_since is None:
            return
        lasted = self._clock.monotonic() - self.connected_since
        self.connected_since = None
        self.watches_ended += 1
        self.watch_seconds += lasted
        self.watch_events += self._events
        self.short_watches += by_itself and not self._events and lasted < SHORT_WATCH

    def _prove(self) -> None:
        self._is_proven = True
        self.is_doubtful = False

    def _say(self, what: str) -> None:
        total = self.total if self.total != self.listed else None
        part = PartProgress(name=self._name, objects=self.listed, total=total, synced=False)
        with suppress(Exception):  # of the user's filters of the log
            _log.info("%s in %.0f s, %s", part, self._clock.monotonic() - self._list_began, what)
