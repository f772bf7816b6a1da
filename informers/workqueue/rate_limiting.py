"""A queue that decides by itself when an item is tried again.

Upstream: k8s.io/client-go/util/workqueue/rate_limiting_queue.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar, final

from informers._base.checks import check_hashable, check_limiter
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.workqueue.delaying import DelayingQueue
from informers.workqueue.metrics import MetricsProvider
from informers.workqueue.queue import Order
from informers.workqueue.rate_limiters import RateLimiter, default_controller_rate_limiter

__all__ = ["RateLimitingQueue"]

T = TypeVar("T", bound=Hashable)


@final
class RateLimitingQueue(DelayingQueue[T]):
    """A `DelayingQueue` with `add_rate_limited`: the queue of a controller.

    Args:
        limiter: how long an item waits before it is tried again; `default_controller_rate_limiter()` by default.
        name: what the queue is called in messages and metrics.
        order: in which order items are got that are due; first in, first out by default.
        metrics: where the queue's metrics go; nowhere by default. Needs a name.
        clock: what tells the time.

    Raises:
        ConfigurationError: `limiter` is none, or metrics without a name.

    Example:
        >>> queue = RateLimitingQueue[str]()
        >>> queue.add("default/web-0")
        >>> key = queue.get()
        >>> queue.add_rate_limited(key)  # it failed: again in 5 ms
        >>> queue.done(key)
        >>> queue.num_requeues(key)
        1
        >>> key = queue.get(timeout=10)
        >>> queue.forget(key)  # it succeeded: start at 5 ms the next time
        >>> queue.done(key)

    Thread safety: as `Queue`.

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

    def add_rate_limited(self, item: T) -> None:
        """Ask for `item` to be processed once the limiter allows it. Does nothing once shutting down.

        Raises:
            ConfigurationError: the limiter's answer is no finite number, or the item can't be hashed.
        """
        # First: a limiter would raise an error of its own, or count what can't be added.
        check_hashable(item)
        self.add_after(item, self._limiter.when(item))

    def forget(self, item: T) -> None:
        """Stop counting the tries of `item`: it succeeded, or is given up. It has to be `done` all the same."""
        self._limiter.forget(item)

    def num_requeues(self, item: T) -> int:
        """Return how many tries of `item` the limiter has counted."""
        return self._limiter.num_requeues(item)
