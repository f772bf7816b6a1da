"""Time as an argument.

Everything in this package that waits or measures uses a `Clock`, so that a test can move time by hand
(`informers.testing.FakeClock`), and does not have to sleep. This is the only module that imports `time`.

Upstream: k8s.io/utils/clock (v0.37).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, final, runtime_checkable

__all__ = ["SYSTEM_CLOCK", "AlarmClock", "Clock", "SystemClock"]

#: Seconds that the main thread waits at a time. A signal handler runs there, also between a check and the wait that
#: follows: then its notification is too early, and only the next check sees what it has set.
_MAIN_THREAD_WAIT = 1.0


class Clock(Protocol):
    """Tells the time, and waits for it to pass.

    Thread safety: every method may be called from any thread.
    """

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        ...

    def time(self) -> float:
        """Return seconds since the Unix epoch, for people and other machines."""
        ...

    def wait(self, condition: threading.Condition, timeout: float | None) -> None:
        """Wait on a condition that the caller holds, until it is notified or `timeout` seconds have passed.

        Spurious returns are allowed: call it in a loop that checks the condition. `None` waits
        for a notification only; a timeout of zero or less returns at once.
        """
        ...


@runtime_checkable
class AlarmClock(Protocol):
    """A `Clock` that can call back. With any other clock, event loops use their own timers."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` after `seconds`, in any thread; return a function that cancels the call."""
        ...


@final
class SystemClock:
    """The computer's own time."""

    def __repr__(self) -> str:
        return "SYSTEM_CLOCK"  # as a default in signatures

    def monotonic(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def time(self) -> float:
        """Return `time.time()`."""
        return time.time()

    def wait(self, condition: threading.Condition, timeout: float | None) -> None:
        """Wait on `condition` for at most `timeout` seconds."""
        if timeout is None or timeout > 0:
            # A Condition raises OverflowError for a timeout beyond 9e9 (some 292 years).
            longest = _MAIN_THREAD_WAIT if threading.current_thread() is threading.main_thread() else 9e9
            condition.wait(longest if timeout is None else min(timeout, longest))


#: The default clock.
SYSTEM_CLOCK: Clock = SystemClock()
