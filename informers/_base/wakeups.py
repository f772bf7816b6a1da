"""One wait for several things: each of them wakes it, and it ends in time, or on a stop.

Upstream: `select` over channels, and contexts.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, final

from typing_extensions import Self

from informers._base.clock import Clock
from informers._base.forks import new_condition
from informers._base.signals import Signal

__all__ = ["Stop", "Wakeup"]

#: Seconds between two looks at a stop that can't call back.
_LOOK = 0.05


class Stop(Protocol):
    """What ends a wait once it is set: a `threading.Event`, a `Signal`, or anything with these two methods."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...

    def wait(self, timeout: float | None = None) -> object:
        """Wait until it is set, at most `timeout` seconds."""
        ...


@final
class Wakeup:
    """Waits to be woken. Call `clear`, look whether it is over, and `wait` if it is not; then nothing is missed.

    Args:
        timeout: seconds after which it waits no longer; None for never.
        stop: ends the wait. A `Signal` ends it at once, anything else within a twentieth of a second.
        clock: for waiting.

    Thread safety: `wake` may be called from any thread, the rest belongs to the one that waits.
    """

    def __init__(self, *, timeout: float | None, stop: Stop | None, clock: Clock) -> None:
        self._condition = new_condition()
        self._clock = clock
        self._stop = stop
        self._deadline = None if timeout is None else clock.monotonic() + timeout
        self._is_woken = False
        self._withdraw = stop.add_callback(self.wake) if isinstance(stop, Signal) else lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._withdraw()

    @property
    def is_stopped(self) -> bool:
        """Whether the stop is set."""
        return self._stop is not None and self._stop.is_set()

    @property
    def is_late(self) -> bool:
        """Whether the time is over."""
        return self._deadline is not None and self._clock.monotonic() >= self._deadline

    def clear(self) -> None:
        """Forget that it has been woken."""
        self._is_woken = False

    def wake(self) -> None:
        """End the `wait` that goes on, or the next one."""
        with self._condition:
            self._is_woken = True
            self._condition.notify_all()

    def wait(self, at_most: float | None = None) -> bool:
        """Wait until it is woken, or for `at_most` seconds; return False once the time is over, or on a stop."""
        look = None if at_most is None else self._clock.monotonic() + at_most
        ends = [end for end in (look, self._deadline) if end is not None]
        with self._condition:
            while not (self._is_woken or self.is_stopped or self.is_late):
                now = self._clock.monotonic()
                if look is not None and now >= look:
                    break
                if self._stop is None or isinstance(self._stop, Signal):
                    self._clock.wait(self._condition, min(ends) - now if ends else None)
                else:
                    # A short rest of real time, whatever the clock: no clock says when this stop is set.
                    self._condition.wait(min([_LOOK, *(end - now for end in ends)]))
        return not (self.is_stopped or self.is_late)
