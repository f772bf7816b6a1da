"""A clock that only a test moves.

Upstream: k8s.io/utils/clock/testing/fake_clock.go (v0.37).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import final

import attrs

from informers._base.checks import check_seconds
from informers._base.forks import new_condition
from informers.errors import ConfigurationError

__all__ = ["FakeClock"]


@attrs.frozen(eq=False)
class _Waiter:
    #: A waiting condition, or a function to call back.
    waits: threading.Condition | Callable[[], object]
    deadline: float | None

    def wake(self) -> None:
        if isinstance(self.waits, threading.Condition):
            with self.waits:
                self.waits.notify_all()
        else:
            self.waits()


@final
class FakeClock:
    """A `Clock` for tests: `advance` moves it, and wakes the waits for that moment.

    Args:
        start: initial result of `monotonic` and `time`, in seconds.

    Example:
        >>> clock = FakeClock()
        >>> clock.advance(30)
        >>> clock.monotonic()
        30.0

    Thread safety: all methods may be called from any thread. Hazard: do not call `advance` while holding a condition
    that another thread waits on by this clock.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._condition = new_condition()
        self._now = check_seconds("start", start)
        self._waiters: list[_Waiter] = []

    def __repr__(self) -> str:
        return f"<FakeClock {self._now:g} s, {len(self._waiters)} waiting>"

    def monotonic(self) -> float:
        """Return the seconds that this clock has been moved to."""
        return self._now

    def time(self) -> float:
        """Return the same seconds as `monotonic`."""
        return self._now

    def wait(self, condition: threading.Condition, timeout: float | None) -> None:
        """Wait on `condition` until it is notified or this clock is moved past `timeout` seconds from now."""
        with self._condition:
            deadline = None if timeout is None else self._now + timeout
            if deadline is not None and deadline <= self._now:
                return
            waiter = _Waiter(condition, deadline)
            self._waiters.append(waiter)
            self._condition.notify_all()
        try:
            # The caller holds `condition`, so an `advance` that finds the waiter blocks on the
            # condition until this wait has released it: no wake-up is lost.
            condition.wait()
        finally:
            with self._condition:
                self._waiters.remove(waiter)

    def advance(self, seconds: float) -> None:
        """Move this clock by `seconds`, and wake every wait that ends by then.

        Raises:
            ConfigurationError: the seconds are negative, or not a finite number.
        """
        if check_seconds("seconds", seconds) < 0:
            raise ConfigurationError(f"a clock can't go back: got {seconds!r}")
        with self._condition:
            self._now += seconds
            due = [w for w in self._waiters if w.deadline is not None and w.deadline <= self._now]
            for waiter in due:
                # A thread removes itself once it has woken up.
                if not isinstance(waiter.waits, threading.Condition):
                    self._waiters.remove(waiter)
        for waiter in due:
            waiter.wake()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` in the `advance` that moves this clock past `seconds` from now: for event loops.

        Returns:
            A function that cancels the call.
        """
        with self._condition:
            waiter = _Waiter(callback, self._now + seconds)
            self._waiters.append(waiter)
            self._condition.notify_all()

        def cancel() -> None:
            with self._condition:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

        return cancel

    def wait_for_waiters(self, count: int = 1, *, timeout: float = 10.0) -> None:
        """Block until so many threads or loops wait for a moment of this clock; waits without an end do not count.

        Args:
            count: how many at least.
            timeout: real seconds after which this gives up.

        Raises:
            TimeoutError: fewer threads were waiting after `timeout` real seconds.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: self._timed() >= count, timeout):
                msg = f"{self._timed()} threads wait on this clock after {timeout} s, expected {count}"
                raise TimeoutError(msg)

    def next_deadline(self) -> float | None:
        """Return the earliest moment that a wait ends at, or None."""
        with self._condition:
            deadlines = (w.deadline for w in self._waiters if w.deadline is not None and w.deadline > self._now)
            return min(deadlines, default=None)

    def _timed(self) -> int:
        # A wait whose moment has come is over, though its thread may not have got there yet.
        return sum(1 for w in self._waiters if w.deadline is not None and w.deadline > self._now)
