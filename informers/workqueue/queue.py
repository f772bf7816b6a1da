"""A queue that hands each item to one worker at a time.

An item that is added twice before a worker takes it is processed once. One that is added while it is processed is
processed again, but only after it is done. So a worker always sees the latest state, however often it changed, and two
workers never have the same item.

Upstream: k8s.io/client-go/util/workqueue/queue.go (v0.37).
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from informers._base.checks import check_hashable, check_string, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import OfOneProcess, new_condition, new_lock
from informers.errors import ConfigurationError, StoppedError
from informers.workqueue.instruments import Instruments, MetricsProvider, QueueStatistics
from informers.workqueue.lanes import Lanes, Order
from informers.workqueue.waiters import Waiter

__all__ = ["Queue"]

T = TypeVar("T", bound=Hashable)


class Queue(OfOneProcess, Generic[T]):
    """A work queue.

    Args:
        name: the queue's name in messages and metrics.
        order: the order of items; first in, first out by default.
        metrics: receives the queue's metrics; needs a name.
        clock: tells the time.

    Raises:
        ConfigurationError: metrics without a name.

    Example:
        >>> queue = Queue[str]()
        >>> queue.add("default/web-0")
        >>> queue.add("default/web-0")
        >>> len(queue)
        1
        >>> queue.shut_down()
        >>> for key in queue.items():
        ...     try:
        ...         print(key)
        ...     finally:
        ...         queue.done(key)
        default/web-0

    Thread safety: all methods may be called from any thread, but not from a signal handler, which may have
    interrupted one of them. Items are hashed and compared under the queue's lock.

    Upstream: k8s.io/client-go/util/workqueue/queue.go (v0.37).
    """

    def __init__(
        self,
        *,
        name: str = "",
        order: Order[T] | None = None,
        metrics: MetricsProvider | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        check_string(name, "a queue's name")
        if metrics is not None and not name:
            raise ConfigurationError("metrics need the queue's name, their label: Queue(name='pods', metrics=...)")
        self._name = name
        self._clock = clock
        self._lock = new_lock()
        self._available = new_condition(self._lock)
        self._drained = new_condition(self._lock)
        #: Every item in the lanes is dirty, and not in processing.
        self._lanes = Lanes(order)
        #: All items to process, with whether their priority is low: those in the lanes, and those that were added again
        #: while in processing.
        self._dirty: dict[T, bool] = {}
        #: Items that workers have, and since when.
        self._processing: dict[T, float] = {}
        #: Those of them that came from the low lane.
        self._processing_low: set[T] = set()
        #: Threads that wait in `get`.
        self._idle = 0
        #: Waits without a thread, the oldest first.
        self._waiters: OrderedDict[Waiter, None] = OrderedDict()
        self._shutting_down = False
        #: Calls of `shut_down`: each ends the drains that began before it.
        self._shut_downs = 0
        self._instruments: Instruments[T] | None = None
        if metrics is not None:
            self._instruments = Instruments(metrics, name, weakref.WeakMethod(self.statistics))

    def __repr__(self) -> str:
        # Without the lock: this is useful when something hangs.
        name = f" {self._name!r}" if self._name else ""
        state = " shutting down" if self._shutting_down else ""
        return f"<{type(self).__name__}{name} {len(self._dirty)} waiting {len(self._processing)} processing{state}>"

    def __len__(self) -> int:
        """Return how many items can be taken now."""
        with self._lock:
            self._promote_locked()
            return len(self._lanes)

    def add(self, item: T, *, low_priority: bool = False) -> None:
        """Queue `item` for processing. Does nothing once the queue is shutting down.

        Args:
            item: the item.
            low_priority: whether the item can wait until no others wait, for example if it is from the initial list or
                a resync. Such items are first in, first out, whatever the queue's order. While others wait, every
                eighth item taken has low priority, so none waits for ever. Of both priorities, the higher one counts.

        Raises:
            ConfigurationError: the item can't be hashed.
        """
        with self._lock:
            if not self._shutting_down:
                self._promote_locked()
                self._add_locked(item, low_priority)
        if self._instruments is not None:
            self._instruments.report()

    def get(self, *, timeout: float | None = None) -> T:
        """Wait for an item and take it. No other worker gets it until it is `done`.

        A queue that is shutting down still gives out the items that were added before.

        Args:
            timeout: seconds to wait; None for no limit, zero to not wait.

        Raises:
            StoppedError: the queue is shutting down, and empty.
            TimeoutError: no item came in time.
            ConfigurationError: the timeout is not valid.
        """
        check_timeout(timeout)
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        lanes = self._lanes
        with self._lock:
            while True:
                wait = self._promote_locked()
                if lanes.low or len(lanes.order):
                    break
                if self._shutting_down:
                    raise StoppedError(f"{self!r} gives out no more items")
                if deadline is not None:
                    left = deadline - self._clock.monotonic()
                    if left <= 0:
                        raise TimeoutError(f"no item in {self!r} within {timeout} s")
                    wait = left if wait is None else min(wait, left)
                self._idle += 1
                try:
                    self._clock.wait(self._available, wait)
                finally:
                    self._idle -= 1
            item = lanes.pop() if lanes.low else lanes.order.pop()
            if self._dirty.pop(item, False):
                self._processing_low.add(item)
            now = self._processing[item] = self._clock.monotonic()
            if self._instruments is not None:
                self._instruments.got_locked(item, now)
        if self._instruments is not None:
            self._instruments.report()
        return item

    def waiter(self, wake: Callable[[], object]) -> Waiter:
        """Wait for an item without a thread, as `informers.aio` does; use it to support another event loop.

        When woken, call `get(timeout=0)`. If it raises TimeoutError, another worker was quicker: wait again.

        Args:
            wake: called once, when an item can be taken or the queue is shutting down. It runs in any thread, under
                the queue's lock: it must be quick, must not call the queue, and must not raise.
        """
        with self._lock:
            seconds = self._promote_locked()
            waiter = Waiter(wake, seconds, self._withdraw)
            if self._lanes.low or len(self._lanes.order) or self._shutting_down:
                waiter.wake()
            else:
                self._waiters[waiter] = None
        if self._instruments is not None:
            self._instruments.report()
        return waiter

    def items(self) -> Iterator[T]:
        """Take items, one after the other, until the queue is shutting down and empty: a worker's loop.

        Report each as `done` before the loop goes on.
        """
        while True:
            try:
                item = self.get()
            except StoppedError:
                return
            yield item

    def done(self, item: T) -> None:
        """Report that the processing of `item` has ended, with or without success. If it was added again, it is queued.

        Raises:
            ConfigurationError: no worker has the item (it was never taken, or is done already), or it can't be hashed.
        """
        check_hashable(item)
        with self._lock:
            if item not in self._processing:
                raise ConfigurationError(
                    f"{item!r} is not in processing in {self!r}: call done() once for each item that get() returned"
                )
            self._promote_locked()
            low = self._dirty.get(item)
            if low is not None:
                self._push_locked(item, low)
            started = self._processing.pop(item)
            self._processing_low.discard(item)
            if not self._processing and not self._dirty:
                self._drained.notify_all()
            if self._instruments is not None:
                self._instruments.done_locked(self._clock.monotonic() - started)
        if self._instruments is not None:
            self._instruments.report()

    def shut_down(self, *, drop: bool = False) -> None:
        """Accept no more items; returns at once.

        Items that were added before are still given out; then `get` raises `StoppedError`, also in threads that wait in
        it. This ends a `shut_down_with_drain` in another thread.

        Args:
            drop: whether to drop the waiting items, so that workers end after their present ones. Use it for items that
                the next start lists again; it may follow a call without it.
        """
        with self._lock:
            self._shut_down_locked()
            if drop:
                self._lanes.clear()
                self._dirty.clear()
                if self._instruments is not None:
                    self._instruments.dropped_locked()
            self._shut_downs += 1
            self._drained.notify_all()
        if self._instruments is not None:
            self._instruments.report()

    def shut_down_with_drain(self, *, timeout: float | None = None) -> bool:
        """Accept no more items, and wait until all added ones are done, including those that still wait.

        Hazard: a worker must not call this, since it would wait for its own item.

        Args:
            timeout: seconds to wait; None to wait until the queue is drained or `shut_down` is called.

        Returns:
            Whether everything is done. False after `timeout`, or if another thread called `shut_down`.

        Raises:
            ConfigurationError: the timeout is not valid.
        """
        check_timeout(timeout)
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        with self._lock:
            self._shut_down_locked()
            before = self._shut_downs
            while (self._dirty or self._processing) and self._shut_downs == before:
                left = None if deadline is None else deadline - self._clock.monotonic()
                if left is not None and left <= 0:
                    break
                self._clock.wait(self._drained, left)
            drained = not self._dirty and not self._processing
        if self._instruments is not None:
            self._instruments.report()
        return drained

    @property
    def clock(self) -> Clock:
        """The queue's clock."""
        return self._clock

    @property
    def shutting_down(self) -> bool:
        """Whether `shut_down` or `shut_down_with_drain` has been called."""
        return self._shutting_down

    def statistics(self) -> QueueStatistics:
        """Return the present number of items, and how long workers have been busy."""
        with self._lock:
            self._promote_locked()
            now = self._clock.monotonic()
            ages = [now - started for started in self._processing.values()]
            return QueueStatistics(
                depth=len(self._dirty),
                processing=len(self._processing),
                delayed=self._delayed_locked(),
                unfinished_work=sum(ages),
                longest_running=max(ages, default=0.0),
            )

    def _add_locked(self, item: T, low: bool, moment: float | None = None) -> None:
        """Mark `item` as waiting since `moment`, or since now."""
        try:
            was_low = self._dirty.get(item)
        except TypeError:
            check_hashable(item)
            raise
        if was_low is not None:
            self._add_again_locked(item, moves_up=was_low and not low)
            return
        if item not in self._processing:
            self._push_locked(item, low)
        self._dirty[item] = low
        if self._instruments is not None:
            self._instruments.added_locked(item, self._clock.monotonic() if moment is None else moment)

    def _add_again_locked(self, item: T, *, moves_up: bool) -> None:
        if item not in self._processing:
            if moves_up:
                self._lanes.move_up(item)
            else:
                self._lanes.touch(item)
        if moves_up:
            self._dirty[item] = False

    def _push_locked(self, item: T, low: bool) -> None:
        if low:
            self._lanes.low[item] = None
        else:
            self._lanes.order.push(item)
        self._notify_locked()

    def _notify_locked(self) -> None:
        """Wake a worker, since there is an item."""
        if self._idle:
            self._available.notify()
        # In addition to a thread: that thread may already be on its way to another item.
        if self._waiters:
            self._waiters.popitem(last=False)[0].wake()

    def _notify_all_locked(self) -> None:
        """Wake all workers."""
        if self._idle:
            self._available.notify_all()
        while self._waiters:
            self._waiters.popitem(last=False)[0].wake()

    def _withdraw(self, waiter: Waiter) -> None:
        with self._lock:
            self._waiters.pop(waiter, None)
            if waiter.is_woken and (self._lanes.low or len(self._lanes.order)):
                # Wake the next one for the item that this one was woken for.
                self._notify_locked()

    def _promote_locked(self) -> float | None:
        """Queue the items that are due; return the seconds until the next one is due, or None."""
        return None

    def _delayed_locked(self) -> int:
        return 0

    def _shut_down_locked(self) -> None:
        self._promote_locked()
        self._shutting_down = True
        self._notify_all_locked()
