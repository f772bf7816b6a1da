"""Waits for a work queue without a thread, for event loops.

Upstream: none; a goroutine waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

__all__ = ["Waiter"]


@final
class Waiter:
    """A wait for an item, made by `Queue.waiter`; it calls `wake` once.

    Attributes:
        seconds: time after which to ask again without a wake-up, by the queue's `clock`: then the next delayed item is
            due. None if no item is delayed.
        is_woken: whether it has been woken.

    Thread safety: `withdraw` may be called from any thread; `wake` is for the queue.
    """

    __slots__ = ("_wake", "_withdraw", "is_woken", "seconds")

    def __init__(
        self,
        wake: Callable[[], object],
        seconds: float | None,
        withdraw: Callable[[Waiter], object],
    ) -> None:
        self._wake = wake
        self._withdraw = withdraw
        self.seconds: float | None = seconds
        self.is_woken: bool = False

    def wake(self) -> None:
        """Wake the waiting code."""
        self.is_woken = True
        self._wake()

    def withdraw(self) -> None:
        """Stop waiting, and take no item: if it was woken, the next waiter is woken in its place."""
        self._withdraw(self)
