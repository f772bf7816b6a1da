"""A queue whose items may be added for later.

There is no thread that moves items when their time comes. Every method moves those that are due before it does
anything else, and whoever waits in `get` waits for the next one's time at most. So there is nothing to stop, and
no order that depends on when a thread got its turn.

Upstream: k8s.io/client-go/util/workqueue/delaying_queue.go (v0.37).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from typing import TypeVar

from informers._base.checks import check_hashable, check_seconds
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.workqueue.metrics import MetricsProvider
from informers.workqueue.queue import Order, Queue

__all__ = ["DelayingQueue"]

T = TypeVar("T", bound=Hashable)


class DelayingQueue(Queue[T]):
    """A `Queue` with `add_after`.

    An item waits once, and for the earliest time that was asked for: `add` takes the place of an `add_after`
    that is pending, and an `add_after` of an item that is queued already does nothing.

    Shutting down, with or without a drain, drops what is not due: it is no work yet, and a drain would take as
    long as the longest delay. `statistics().delayed` says how many there are.

    Args:
        name: what the queue is called in messages and metrics.
        order: in which order items are got that are due; first in, first out by default.
        metrics: where the queue's metrics go; nowhere by default. Needs a name.
        clock: what tells the time.

    Raises:
        ConfigurationError: metrics without a name.

    Thread safety: as `Queue`.

    Upstream: k8s.io/client-go/util/workqueue/delaying_queue.go (v0.37).
    """

    def __init__(
        self,
        *,
        name: str = "",
        order: Order[T] | None = None,
        metrics: MetricsProvider | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(name=name, order=order, metrics=metrics, clock=clock)
        #: What is not due, each with its entry in the heap.
        self._pending: dict[T, tuple[float, int, T]] = {}
        #: When each is due, a number that keeps equal times in order, the item. Entries that are not in
        #: `_pending` any more count for nothing.
        self._heap: list[tuple[float, int, T]] = []
        self._numbers = itertools.count()

    def add_after(self, item: T, delay: float) -> None:
        """Ask for `item` to be processed once `delay` seconds have passed. Does nothing once shutting down.

        Args:
            item: what is to be processed.
            delay: seconds; zero or less is now.

        Raises:
            ConfigurationError: the delay is no finite number, or the item can't be hashed.
        """
        check_seconds("delay", delay)
        check_hashable(item)
        with self._lock:
            if not self._shutting_down:
                if self._instruments is not None:
                    self._instruments.retried_locked()
                self._promote_locked()
                if delay <= 0:
                    self._add_locked(item)
                else:
                    self._delay_locked(item, self._clock.monotonic() + delay)
        if self._instruments is not None:
            self._instruments.report()

    def _delay_locked(self, item: T, due: float) -> None:
        if item in self._dirty:
            return
        pending = self._pending.get(item)
        if pending is not None and pending[0] <= due:
            return
        entry = self._pending[item] = (due, next(self._numbers), item)
        if len(self._heap) > 2 * len(self._pending) + 100:
            self._heap = list(self._pending.values())
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, entry)
        if self._heap[0] is entry and self._idle:
            # All of them, not one: the one might leave for another item, and nobody would know of this one.
            self._available.notify_all()

    def _add_locked(self, item: T, moment: float | None = None) -> None:
        super()._add_locked(item, moment)
        if self._pending:
            self._pending.pop(item, None)

    def _promote_locked(self) -> float | None:
        if not self._heap:
            return None
        now = self._clock.monotonic()
        while self._heap:
            entry = due, _, item = self._heap[0]
            if self._pending.get(item) is entry:
                if due > now:
                    return due - now
                self._add_locked(item, due)
            heapq.heappop(self._heap)
        return None

    def _delayed_locked(self) -> int:
        return len(self._pending)

    def _shut_down_locked(self) -> None:
        super()._shut_down_locked()
        self._pending.clear()
        self._heap.clear()
