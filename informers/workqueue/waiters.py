"""Waiting for a work queue without a thread, as event loops do.

Upstream: none; a goroutine waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

__all__ = ["Waiter"]


@final
class Waiter:
    """A wait for an item, made by `Queue.waiter`: it wakes what waits, once.

    Attributes:
        seconds: after which to ask again though nothing has woken it, since the next delayed item is due then; by the
            queue's `clock`. None where no item is delayed.
        is_woken: whether it has woken what waits.

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
        """Wake what waits."""
        self.is_woken = True
        self._wake()

    def withdraw(self) -> None:
        """Wait no longer, and take no item: what it may have been woken for wakes the next that waits."""
        self._withdraw(self)
