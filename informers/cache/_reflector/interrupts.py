"""What breaks into the work of a reflector's thread: a stop, and the wish for a new list.

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
    """Ends every pause at once, when there is a reason.

    A relist breaks off the request under way, and is taken only when that is done: otherwise the request of the new
    list could be what is broken off.

    Args:
        clock: for waiting.

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
        """Whether the end has come."""
        return self._stopped

    @property
    def wants_relist(self) -> bool:
        """Whether a new list is wanted."""
        return self._asked > self._taken

    @property
    def any(self) -> bool:
        """Whether there is a reason to leave what is under way."""
        return self._stopped or self.wants_relist

    def check(self) -> None:
        """Raise StoppedError where there is a reason to leave."""
        if self.any:
            raise StoppedError("the list has been broken off")

    def stop(self) -> None:
        """Let nothing more begin."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def relist(self, break_off: Callable[[], object]) -> None:
        """Ask for a new list.

        Args:
            break_off: ends the request under way; it is called without a lock, since it may be the user's.
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
        """Note that a new list is made from here on; waits until requests are broken off for it."""
        with self._condition:
            while self._broken_off < self._asked and not self._stopped:
                self._clock.wait(self._condition, None)
            self._taken = self._broken_off

    def wake(self) -> None:
        """End `wait_once`; from any thread."""
        with self._condition:
            self._condition.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for so many seconds, or until there is a reason to leave."""
        deadline = self._clock.monotonic() + seconds
        with self._condition:
            while not self.any:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    return
                self._clock.wait(self._condition, left)

    def wait_once(self, seconds: Callable[[], float | None], *, unless: Callable[[], bool]) -> None:
        """Wait for some seconds, or for a `wake`, or until there is a reason to leave.

        Args:
            seconds: called under the lock that `wake` takes, so that no `wake` is lost; None for as long as it takes.
            unless: where it holds, there is no wait. Neither function may wait.
        """
        with self._condition:
            if not (self.any or unless()):
                self._clock.wait(self._condition, seconds())
