"""How long an item waits before it is retried.

Limiters that count the tries of items need `forget` for each item that is not retried any more; otherwise they grow
with the number of items that ever failed.

Upstream: k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar, final

from informers._base.checks import check_count, check_limiter, check_seconds
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_lock
from informers.errors import ConfigurationError

__all__ = [
    "BucketRateLimiter",
    "ItemExponentialFailureRateLimiter",
    "ItemFastSlowRateLimiter",
    "MaxOfRateLimiter",
    "RateLimiter",
    "WithMaxWaitRateLimiter",
    "default_controller_rate_limiter",
    "default_item_based_rate_limiter",
]

T_contra = TypeVar("T_contra", bound=Hashable, contravariant=True)


class RateLimiter(Protocol[T_contra]):
    """Decides how long an item waits.

    Thread safety: a queue calls it from all its workers' threads, without a lock.

    Upstream: `TypedRateLimiter` in k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
    """

    def when(self, item: T_contra, /) -> float:
        """Return the seconds that `item` must wait, and count the try."""
        ...

    def forget(self, item: T_contra, /) -> None:
        """Reset the tries of `item`: it succeeded, or is given up."""
        ...

    def num_requeues(self, item: T_contra, /) -> int:
        """Return the number of counted tries of `item`."""
        ...


class _CountsTries:
    """Counts the tries of each item."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._tries: dict[Hashable, int] = {}

    def _count(self, item: Hashable) -> int:
        """Count one more try; return the number before."""
        with self._lock:
            before = self._tries.get(item, 0)
            self._tries[item] = before + 1
            return before

    def forget(self, item: Hashable, /) -> None:
        """Start again, as for a new item."""
        with self._lock:
            self._tries.pop(item, None)

    def num_requeues(self, item: Hashable, /) -> int:
        """Return the number of calls of `when` for `item` since the last `forget`."""
        with self._lock:
            return self._tries.get(item, 0)


@final
class ItemExponentialFailureRateLimiter(_CountsTries):
    """Doubles the wait with each try of an item.

    Args:
        base_delay: seconds before the first try.
        max_delay: seconds of the longest wait.

    Raises:
        ConfigurationError: a delay is negative or not a finite number.

    Example:
        >>> limiter = ItemExponentialFailureRateLimiter(0.5, 60.0)
        >>> [limiter.when("default/web-0") for _ in range(3)]
        [0.5, 1.0, 2.0]

    Thread safety: all methods may be called from any thread.

    Upstream: k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
    """

    def __init__(self, base_delay: float, max_delay: float) -> None:
        self._base_delay = check_seconds("base_delay", base_delay, at_least=0)
        self._max_delay = check_seconds("max_delay", max_delay, at_least=0)
        super().__init__()

    def when(self, item: Hashable, /) -> float:
        """Return `base_delay` times two to the number of tries before this one, at most `max_delay`."""
        try:
            delay = math.ldexp(self._base_delay, self._count(item))
        except OverflowError:
            return self._max_delay
        return min(delay, self._max_delay)


@final
class ItemFastSlowRateLimiter(_CountsTries):
    """Waits briefly before an item's first tries, and long before later ones.

    Args:
        fast_delay: seconds before each of the first tries.
        slow_delay: seconds before each later one.
        max_fast_attempts: number of fast tries.

    Raises:
        ConfigurationError: a delay is negative or not a finite number, or the attempts are not a whole number.

    Thread safety: all methods may be called from any thread.

    Upstream: k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
    """

    def __init__(self, fast_delay: float, slow_delay: float, max_fast_attempts: int) -> None:
        self._fast_delay = check_seconds("fast_delay", fast_delay, at_least=0)
        self._slow_delay = check_seconds("slow_delay", slow_delay, at_least=0)
        self._max_fast_attempts = check_count("max_fast_attempts", max_fast_attempts, at_least=0)
        super().__init__()

    def when(self, item: Hashable, /) -> float:
        """Return `fast_delay` for the first `max_fast_attempts` tries, then `slow_delay`."""
        fast = self._count(item) < self._max_fast_attempts
        return self._fast_delay if fast else self._slow_delay


@final
class BucketRateLimiter:
    """Limits all items together: a bucket of tokens; each try takes one.

    Args:
        qps: tokens added per second.
        burst: tokens that the bucket holds, and starts with.
        clock: tells the time.

    Raises:
        ConfigurationError: `qps` is not above zero, or `burst` is not a whole number above zero.

    Thread safety: all methods may be called from any thread.

    Upstream: k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37), golang.org/x/time/rate.
    """

    def __init__(self, qps: float, burst: int, *, clock: Clock = SYSTEM_CLOCK) -> None:
        if check_seconds("qps", qps, at_least=0) == 0:
            raise ConfigurationError("qps must be above zero: with none, nothing would ever be tried again")
        self._qps = qps
        self._burst = check_count("burst", burst, at_least=1)
        self._clock = clock
        self._lock = new_lock()
        #: Below zero: this many tries wait for future tokens.
        self._tokens = float(burst)
        self._filled_at = clock.monotonic()

    def when(self, _item: Hashable, /) -> float:
        """Take a token; return the seconds until it is available."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._qps) - 1
            self._filled_at = now
            return max(0.0, -self._tokens / self._qps)

    def forget(self, _item: Hashable, /) -> None:
        """Do nothing: tokens are not returned."""

    def num_requeues(self, _item: Hashable, /) -> int:
        """Return 0: this limiter does not count items."""
        return 0


@final
class MaxOfRateLimiter(Generic[T_contra]):
    """Takes the longest wait of several limiters.

    Args:
        limiters: one or more; each of them counts every try.

    Raises:
        ConfigurationError: there are none, or one lacks a method of a limiter.

    Thread safety: all methods may be called from any thread, if the limiters' may.

    Upstream: k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
    """

    def __init__(self, *limiters: RateLimiter[T_contra]) -> None:
        if not limiters:
            raise ConfigurationError("MaxOfRateLimiter needs at least one limiter")
        for limiter in limiters:
            check_limiter(limiter)
        self._limiters = limiters

    def when(self, item: T_contra, /) -> float:
        """Return the longest of the limiters' waits, in seconds."""
        return max(limiter.when(item) for limiter in self._limiters)

    def forget(self, item: T_contra, /) -> None:
        """Make every limiter forget `item`."""
        for limiter in self._limiters:
            limiter.forget(item)

    def num_requeues(self, item: T_contra, /) -> int:
        """Return the highest of the limiters' counts."""
        return max(limiter.num_requeues(item) for limiter in self._limiters)


@final
class WithMaxWaitRateLimiter(Generic[T_contra]):
    """Limits another limiter's waits.

    Args:
        limiter: the other limiter.
        max_delay: seconds of the longest wait.

    Raises:
        ConfigurationError: `limiter` lacks a method, or the delay is negative or not a finite number.

    Thread safety: all methods may be called from any thread, if the limiter's may.

    Upstream: k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
    """

    def __init__(self, limiter: RateLimiter[T_contra], max_delay: float) -> None:
        check_limiter(limiter)
        self._limiter = limiter
        self._max_delay = check_seconds("max_delay", max_delay, at_least=0)

    def when(self, item: T_contra, /) -> float:
        """Return the limiter's wait, at most `max_delay`."""
        return min(self._limiter.when(item), self._max_delay)

    def forget(self, item: T_contra, /) -> None:
        """Make the limiter forget `item`."""
        self._limiter.forget(item)

    def num_requeues(self, item: T_contra, /) -> int:
        """Return the limiter's count."""
        return self._limiter.num_requeues(item)


def default_controller_rate_limiter(*, clock: Clock = SYSTEM_CLOCK) -> RateLimiter[Hashable]:
    """Return the default limiter of controllers: 5 ms, doubled up to 1000 s per item; in all 10 per second, burst 100.

    Args:
        clock: tells the time.

    Upstream: `DefaultTypedControllerRateLimiter` in k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
    """
    return MaxOfRateLimiter(ItemExponentialFailureRateLimiter(0.005, 1000.0), BucketRateLimiter(10.0, 100, clock=clock))


def default_item_based_rate_limiter() -> RateLimiter[Hashable]:
    """Return a limiter per item without a common limit: 1 ms, doubled up to 1000 s.

    Upstream: `DefaultTypedItemBasedRateLimiter` in k8s.io/client-go/util/workqueue/default_rate_limiters.go (v0.37).
    """
    return ItemExponentialFailureRateLimiter(0.001, 1000.0)
