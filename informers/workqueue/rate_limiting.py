"""A queue whose rate limiter decides when an item is retried.

Upstream: k8s.io/client-go/util/workqueue/rate_limiting_queue.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar, final

from informers._base.checks import check_hashable, check_limiter, check_seconds
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.workqueue.delaying import DelayingQueue
from informers.workqueue.instruments import MetricsProvider
from informers.workqueue.lanes import Order
from informers.workqueue.rate_limiters import RateLimiter, default_controller_rate_limiter

__all__ = ["RateLimitingQueue"]

T = TypeVar("T", bound=Hashable)


@final
class RateLimitingQueue(DelayingQueue[T]):
    """A `DelayingQueue` with `add_rate_limited`: the queue of a controller.

    Args:
        limiter: decides how long an item waits before a retry; by default `default_controller_rate_limiter()`.
        name, order, metrics, clock: see `Queue`.

    Raises:
        ConfigurationError: `limiter` lacks a method, or there are metrics without a name.

    Example:
        >>> queue = RateLimitingQueue[str]()
        >>> queue.add("default/web-0")
        >>> key = queue.get()
        >>> queue.add_rate_limited(key)  # it failed: again in 5 ms
        0.005
        >>> queue.done(key)
        >>> queue.num_requeues(key)
        1
        >>> key = queue.get(timeout=10)
        >>> queue.forget(key)  # it succeeded: start at 5 ms the next time
        >>> queue.done(key)

    Thread safety: that of `Queue`.

    Upstream: k8s.io/client-go/util/workqueue/rate_limiting_queue.go (v0.37).
    """

    def __init__(
        self,
        limiter: RateLimiter[T] | None = None,
        *,
        name: str = "",
        order: Order[T] | None = None,
        metrics: MetricsProvider | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(name=name, order=order, metrics=metrics, clock=clock)
        if limiter is not None:
            check_limiter(limiter)
        self._limiter: RateLimiter[T] = default_controller_rate_limiter(clock=clock) if limiter is None else limiter

    def add_rate_limited(self, item: T, *, at_least: float = 0.0) -> float | None:
        """Queue `item` when the limiter allows it. Does nothing once shutting down.

        For an item that waits already, for a worker or for the limiter's time, no try is counted and no token is taken;
        so repeated calls for one item do not delay the others. An item that is added before `done` keeps the priority
        with which a worker got it.

        Args:
            item: the item.
            at_least: seconds that the item waits even if the limiter says less, for example a server's `Retry-After`.

        Returns:
            The seconds until the retry, for a log; None if the limiter was not asked.

        Raises:
            ConfigurationError: the limiter's answer or `at_least` is not a finite number, or the item can't be hashed.
        """
        check_seconds("at_least", at_least)
        # First of all: a limiter would raise its own error, or count an item that can't be added.
        check_hashable(item)
        if not self._needs_limiter(item):
            return None
        delay = max(check_seconds("delay", self._limiter.when(item)), at_least)
        self._ask_for(item, delay, low=None, limited=True)
        return delay

    def _needs_limiter(self, item: T) -> bool:
        with self._lock:
            self._promote_locked()
            if self._shutting_down or item in self._dirty:
                return False
            pending = self._pending.get(item)
            # The time of an `add_after` may be much later than the limiter's.
            return pending is None or not pending.limited

    def forget(self, item: T) -> None:
        """Reset the tries of `item`: it succeeded, or is given up. It must still be reported as `done`.

        Raises:
            ConfigurationError: the item can't be hashed.
        """
        check_hashable(item)
        self._limiter.forget(item)

    def num_requeues(self, item: T) -> int:
        """Return the number of tries of `item` that the limiter has counted.

        Raises:
            ConfigurationError: the item can't be hashed.
        """
        check_hashable(item)
        return self._limiter.num_requeues(item)
