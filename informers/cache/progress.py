"""How a reflector fares: what its health is made of.

Upstream: none; client-go shows no more than the last resource version.
"""

from __future__ import annotations

import enum
from typing import final

from informers.clock import Clock

__all__ = ["Progress", "ReflectorState"]


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
    """Kept by the reflector's thread, read by any.

    Attributes:
        state: what it is doing.
        connected_since: since when the watch that is open has been open; None while there is none.
        last_event: when an event or a bookmark came last; None before the first.
        is_doubtful: whether the last watch was silent until it was given up, and nothing has come since.
        error: what went wrong last, if nothing has gone right since.
        retry_at: when it is tried again; None where nothing waits.
        listed: objects that the list under way has brought so far.
        lists: how many lists have been completed.
        watches: how many watches have been opened.
        failures: how many requests have failed.

    All times are the clock's `monotonic`.
    """

    def __init__(self, clock: Clock) -> None:
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
        self.lists: int = 0
        self.watches: int = 0
        self.failures: int = 0

    def listing(self) -> None:
        """Note that a list begins."""
        self.state = ReflectorState.LISTING
        self.connected_since = None
        self.retry_at = None
        self.listed = 0

    def listed_all(self) -> None:
        """Note that a list is complete."""
        self.lists += 1
        self.error = None
        self._prove()

    def opening(self) -> None:
        """Note that a watch has been asked for, and no answer has come yet."""
        self.state = ReflectorState.CONNECTING
        self.connected_since = None
        self.retry_at = None

    def opened(self) -> None:
        """Note that a watch is open."""
        self.state = ReflectorState.WATCHING
        self.connected_since = self._clock.monotonic()
        self.watches += 1
        self.retry_at = None
        self._is_proven = False

    def catching_up(self, *, is_over: bool) -> None:
        """Note that the watch that is open still has to bring what has happened before, or has now."""
        self.state = ReflectorState.WATCHING if is_over else ReflectorState.CATCHING_UP

    def event(self) -> None:
        """Note a sign of life: events, or a bookmark."""
        self.last_event = self._clock.monotonic()
        self.error = None
        self._prove()

    def failed(self, error: Exception, delay: float) -> None:
        """Note a failure, and that the next try is `delay` seconds away."""
        self.failures += 1
        self.error = error
        if self.is_silence(error):
            self.is_doubtful = True
        self.connected_since = None
        self.retry_at = self._clock.monotonic() + delay
        self.state = ReflectorState.WAITING

    def is_silence(self, error: Exception) -> bool:
        """Return whether an error ends a watch that is open, but has never brought anything."""
        return self.connected_since is not None and not self._is_proven and isinstance(error.__cause__, TimeoutError)

    def ended(self) -> None:
        """Note that nothing more will happen."""
        self.state = ReflectorState.STOPPED
        self.connected_since = None
        self.retry_at = None

    def _prove(self) -> None:
        self._is_proven = True
        self.is_doubtful = False
