"""A queue whose items may be added for later.

There is no thread that moves items when their time comes. Every method moves those that are due before it does
anything else, and anyone who waits in `get` waits for the next one's time at most. So there is nothing to stop, and
no order that depends on when a thread got its turn.

Upstream: k8s.io/client-go/util/workqueue/delaying_queue.go (v0.37).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Hashable
from typing import Generic, TypeVar

from typing_extensions import NamedTuple

from informers._base.checks import check_hashable, check_seconds
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.workqueue.instruments import MetricsProvider
from informers.workqueue.lanes import Order
from informers.workqueue.queue import Queue

__all__ = ["DelayingQueue"]

T = TypeVar("T", bound=Hashable)


class _Delayed(NamedTuple, Generic[T]):
    """An entry of the heap, ordered by its time.

    Attributes:
        due: when.
        number: keeps equal times in order.
        item: what is to be queued then.
        low: whether its priority is low.
        limited: whether a rate limiter has been asked for this wait: then the item comes no later than it said.
    """

    due: float
    number: int
    item: T
    low: bool
    limited: bool


class DelayingQueue(Queue[T]):
    """A `Queue` with `add_after`.

    An item waits once, and for the earliest time that was asked for: `add` takes the place of an `add_after`
    that is pending, and an `add_after` of an item that is queued already does nothing.

    Shutting down, with or without a drain, drops what is not due: it is not work yet, and a drain would take as
    long as the longest delay. `statistics().delayed` says how many there are.

    Args:
        name: what the queue is called in messages and metrics.
        order: in which order items are got that are due; first in, first out by default.
        metrics: where the queue's metrics go; nowhere by default. Needs a name.
        clock: what tells the time.

    Raises:
        ConfigurationError: metrics without a name.

    Example:
        >>> queue = DelayingQueue[str]()
        >>> queue.add_after("default/web-0", 3600.0)
        >>> queue.withdraw("default/web-0"), queue.withdraw("default/web-0")
        (True, False)

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
        self._pending: dict[T, _Delayed[T]] = {}
        #: Entries that are not in `_pending` any more count for nothing.
        self._heap: list[_Delayed[T]] = []
        self._numbers = itertools.count()

    def add_after(self, item: T, delay: float, *, low_priority: bool | None = None) -> None:
        """Ask for `item` to be processed once `delay` seconds have passed. Does nothing once shutting down.

        Args:
            item: what is to be processed.
            delay: seconds; zero or less is now.
            low_priority: as for `add`. By default the item keeps the priority that it waits with, or was got with: so
                a retry, asked for before `done`, has the priority of the first try.

        Raises:
            ConfigurationError: the delay is not a finite number, or the item can't be hashed.
        """
        check_seconds("delay", delay)
        check_hashable(item)
        self._ask_for(item, delay, low=low_priority, limited=False)

    def withdraw(self, item: T) -> bool:
        """Take back what was asked for by `add_after` or `add_rate_limited`; return whether its time had not come yet.

        An item whose time has come is not taken back, nor one that was added: it waits for a worker.

        Raises:
            ConfigurationError: the item can't be hashed.
        """
        check_hashable(item)
        with self._lock:
            self._promote_locked()
            was_pending = self._pending.pop(item, None) is not None
            self._tidy_locked()
        if self._instruments is not None:
            self._instruments.report()
        return was_pending

    def _ask_for(self, item: T, delay: float, *, low: bool | None, limited: bool) -> None:
        with self._lock:
            if not self._shutting_down:
                if self._instruments is not None:
                    self._instruments.retried_locked()
                self._promote_locked()
                if low is None:
                    low = self._low_locked(item)
                waits_low = self._dirty.get(item)
                if delay <= 0 or (waits_low and not low):
                    self._add_locked(item, low)
                elif waits_low is None:
                    self._delay_locked(item, self._clock.monotonic() + delay, low=low, limited=limited)
        if self._instruments is not None:
            self._instruments.report()

    def _low_locked(self, item: T) -> bool:
        """Return whether the item's priority is low: the one that it waits with, or else was got with."""
        if item in self._dirty:
            return self._dirty[item]
        pending = self._pending.get(item)
        return item in self._processing_low if pending is None else pending.low

    def _delay_locked(self, item: T, due: float, *, low: bool, limited: bool) -> None:
        pending = self._pending.get(item)
        if pending is not None:
            due, low, limited = min(due, pending.due), low and pending.low, limited or pending.limited
            if (due, low, limited) == (pending.due, pending.low, pending.limited):
                return
        entry = self._pending[item] = _Delayed(due, next(self._numbers), item, low, limited)
        heapq.heappush(self._heap, entry)
        self._tidy_locked()
        if self._heap[0] is entry:
            # All of them, not one: the one might leave for another item, and nobody would know of this one.
            self._notify_all_locked()

    def _tidy_locked(self) -> None:
        """Let go of entries that count for nothing, before they are most of the heap."""
        if len(self._heap) > 2 * len(self._pending) + 100:
            self._heap = list(self._pending.values())
            heapq.heapify(self._heap)

    def _add_locked(self, item: T, low: bool, moment: float | None = None) -> None:
        pending = self._pending.get(item) if self._pending else None
        super()._add_locked(item, low and (pending is None or pending.low), moment)
        if pending is not None:
            del self._pending[item]

    def _promote_locked(self) -> float | None:
        if not self._heap:
            return None
        now = self._clock.monotonic()
        while self._heap:
            entry = self._heap[0]
            if self._pending.get(entry.item) is entry:
                if entry.due > now:
                    return entry.due - now
                self._add_locked(entry.item, entry.low, entry.due)
            heapq.heappop(self._heap)
        return None

    def _delayed_locked(self) -> int:
        return len(self._pending)

    def _shut_down_locked(self) -> None:
        super()._shut_down_locked()
        self._pending.clear()
        self._heap.clear()
