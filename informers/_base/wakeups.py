"""A wait for several events: each of them wakes it; a timeout or a stop ends it.

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
    """Ends a wait once it is set: a `threading.Event`, a `Signal`, or any object with these two methods."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...

    def wait(self, timeout: float | None = None) -> object:
        """Wait until it is set, at most `timeout` seconds."""
        ...


@final
class Wakeup:
    """Waits to be woken. Call `clear`, check the condition, and `wait` if it does not hold; then no event is missed.

    Args:
        timeout: seconds after which the wait ends; None for never.
        stop: ends the wait: a `Signal` at once, anything else within a twentieth of a second.
        clock: for waiting.

    Thread safety: `wake` may be called from any thread, the rest only from the waiting thread.
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
        """Whether the timeout has passed."""
        return self._deadline is not None and self._clock.monotonic() >= self._deadline

    def clear(self) -> None:
        """Forget earlier calls of `wake`."""
        self._is_woken = False

    def wake(self) -> None:
        """End the present `wait`, or the next one."""
        with self._condition:
            self._is_woken = True
            self._condition.notify_all()

    def wait(self, at_most: float | None = None) -> bool:
        """Wait until woken, or for `at_most` seconds; return False on a timeout or a stop."""
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
                    # A short pause of real time, whatever the clock: no clock shows when this stop is set.
                    self._condition.wait(min([_LOOK, *(end - now for end in ends)]))
        return not (self.is_stopped or self.is_late)
