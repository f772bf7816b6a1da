"""A queue whose items may be added for later.

No thread moves items when their time has come. Every method first moves the items that are due, and `get` waits no
longer than for the next one. So there is nothing to stop, and the order never depends on a thread's scheduling.

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
        due: its time.
        number: keeps equal times in order.
        item: the item to queue then.
        low: whether its priority is low.
        limited: whether a rate limiter decided this wait: then the item waits no longer than it said.
    """

    due: float
    number: int
    item: T
    low: bool
    limited: bool


class DelayingQueue(Queue[T]):
    """A `Queue` with `add_after`.

    An item waits once, for the earliest requested time: `add` replaces a pending `add_after`, and `add_after` does
    nothing for an item that is queued already.

    A shutdown, with or without a drain, drops items that are not due; otherwise a drain would take as long as the
    longest delay. `statistics().delayed` is their number.

    Args:
        name, order, metrics, clock: see `Queue`.

    Raises:
        ConfigurationError: metrics without a name.

    Example:
        >>> queue = DelayingQueue[str]()
        >>> queue.add_after("default/web-0", 3600.0)
        >>> queue.withdraw("default/web-0"), queue.withdraw("default/web-0")
        (True, False)

    Thread safety: that of `Queue`.

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
        #: Items that are not due, each with its entry in the heap.
        self._pending: dict[T, _Delayed[T]] = {}
        #: Entries that are no longer in `_pending` are ignored.
        self._heap: list[_Delayed[T]] = []
        self._numbers = itertools.count()

    def add_after(self, item: T, delay: float, *, low_priority: bool | None = None) -> None:
        """Queue `item` in `delay` seconds. Does nothing once shutting down.

        Args:
            item: the item.
            delay: seconds; zero or less for at once.
            low_priority: see `add`. By default the item keeps its priority: that with which it waits, or with which a
                worker got it. So a retry that is requested before `done` has the priority of the first try.

        Raises:
            ConfigurationError: the delay is not a finite number, or the item can't be hashed.
        """
        check_seconds("delay", delay)
        check_hashable(item)
        self._ask_for(item, delay, low=low_priority, limited=False)

    def withdraw(self, item: T) -> bool:
        """Cancel an `add_after` or `add_rate_limited`; return whether it was still pending.

        An item that is due, or was added, is not cancelled: it waits for a worker.

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
        """Return whether the item's priority is low: that with which it waits, or with which a worker got it."""
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
            # All, not one: that one might leave with another item, and then nobody would wait for this one.
            self._notify_all_locked()

    def _tidy_locked(self) -> None:
        """Remove ignored entries before they are most of the heap."""
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
