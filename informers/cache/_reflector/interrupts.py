"""What interrupts a reflector's thread: a stop, or a request for a new list.

Upstream: contexts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from informers._base.clock import Clock
from informers._base.forks import new_condition
from informers.errors import StoppedError

__all__ = ["Interrupts"]


@final
class Interrupts:
    """Ends every pause at once on a stop or a request for a new list.

    A relist breaks off the present request. The reflector begins the new list only when that is done: otherwise the
    new list's own request could be broken off.

    Thread safety: `wait` and `take_relist` belong to the reflector's thread; the rest may be called from any.
    """

    def __init__(self, clock: Clock) -> None:
        self._condition = new_condition()
        self._clock = clock
        self._asked = 0
        self._broken_off = 0
        self._taken = 0
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether a stop was requested."""
        return self._stopped

    @property
    def wants_relist(self) -> bool:
        """Whether a new list was requested."""
        return self._asked > self._taken

    @property
    def any(self) -> bool:
        """Whether to leave the present work."""
        return self._stopped or self.wants_relist

    def check(self) -> None:
        """Raise StoppedError on a stop or a request for a new list."""
        if self.any:
            raise StoppedError("the list has been broken off")

    def stop(self) -> None:
        """Request the stop."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def relist(self, break_off: Callable[[], object]) -> None:
        """Request a new list.

        Args:
            break_off: ends the present request; called without a lock, since it may be the user's.
        """
        with self._condition:
            self._asked += 1
            self._condition.notify_all()
        try:
            break_off()
        finally:
            with self._condition:
                self._broken_off += 1
                self._condition.notify_all()

    def take_relist(self) -> None:
        """Note that the new list begins now; waits until requests have been broken off for it."""
        with self._condition:
            while self._broken_off < self._asked and not self._stopped:
                self._clock.wait(self._condition, None)
            self._taken = self._broken_off

    def wake(self) -> None:
        """End `wait_once`; from any thread."""
        with self._condition:
            self._condition.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for so many seconds, or until there is an interrupt."""
        deadline = self._clock.monotonic() + seconds
        with self._condition:
            while not self.any:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return
                self._clock.wait(self._condition, left)

    def wait_once(self, seconds: Callable[[], float | None], *, unless: Callable[[], bool]) -> None:
        """Wait for some seconds, for a `wake`, or until there is an interrupt.

        Args:
            seconds: called under the lock of `wake`, so that no `wake` is lost; None for no limit.
            unless: if it holds, there is no wait. Neither function may wait.
        """
        with self._condition:
            if not (self.any or unless()):
                self._clock.wait(self._condition, seconds())
