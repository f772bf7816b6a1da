"""Work queues for event loops: the queues of `informers.workqueue`, whose items are awaited.

No thread waits, and an item is taken at the moment when it is returned: a task that is cancelled while it waits has
taken none.

Upstream: none; a goroutine waits in k8s.io/client-go/util/workqueue/queue.go Get (v0.37).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Hashable
from typing import TypeVar

from informers._base.checks import check_timeout
from informers._base.clock import Clock
from informers.aio.loop_wakeups import LoopWakeup
from informers.errors import ConfigurationError, StoppedError
from informers.workqueue import Queue, Waiter

__all__ = ["get", "items", "taken"]

T = TypeVar("T", bound=Hashable)
R = TypeVar("R")


async def get(queue: Queue[T], *, timeout: float | None = None) -> T:
    """Wait for an item of a work queue and take it, as `Queue.get` does. No other worker gets it until it is `done`.

    Many tasks and many threads may wait for one queue.

    Args:
        queue: a queue of `informers.workqueue`.
        timeout: seconds to wait; None for no limit, zero to not wait.

    Raises:
        StoppedError: the queue is shutting down, and empty.
        TimeoutError: no item came in time.
        ConfigurationError: the timeout or the queue is not valid.
    """
    check_timeout(timeout)
    if not isinstance(queue, Queue):
        raise ConfigurationError(f"expected a queue of informers.workqueue: got {type(queue).__name__}")
    try:
        return await taken(lambda: queue.get(timeout=0), queue.waiter, timeout=timeout, clock=queue.clock)
    except TimeoutError:
        raise TimeoutError(f"no item in {queue!r} within {timeout} s") from None


async def taken(
    take: Callable[[], R], waiter: Callable[[Callable[[], object]], Waiter], *, timeout: float | None, clock: Clock
) -> R:
    """Wait until `take` succeeds; return its result.

    Args:
        take: takes an item, or raises TimeoutError at once.
        waiter: see `Queue.waiter`.
        timeout: seconds to wait; None for no limit, zero to not wait.
        clock: measures the timeout and delays.

    Raises:
        TimeoutError: `take` did not succeed in time.
    """
    try:
        return take()
    except TimeoutError:
        if timeout == 0:
            raise
    async with LoopWakeup(timeout=timeout, clock=clock) as wakeup:
        while True:
            wakeup.clear()
            wait = waiter(wakeup.wake)
            got = False
            try:
                in_time = await wakeup.wait(wait.seconds)
                try:
                    result = take()
                except TimeoutError:
                    if not in_time:
                        raise
                else:
                    got = True
                    return result
            finally:
                if not (got and wait.is_woken):
                    wait.withdraw()


async def items(queue: Queue[T]) -> AsyncGenerator[T, None]:
    """Take items, one after the other, until the queue is shutting down and empty: the loop of a worker task.

    Report each as `done` before the loop goes on::

        async for key in aio.items(queue):
            try:
                await reconcile(key)
            except Exception:
                queue.add_rate_limited(key)
            else:
                queue.forget(key)
            finally:
                queue.done(key)

    Raises:
        ConfigurationError: the argument is not a work queue.
    """
    while True:
        try:
            item = await get(queue)
        except StoppedError:
            return
        yield item
