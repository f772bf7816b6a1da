"""Work queues for event loops: the queues of `informers.workqueue`, whose items are awaited.

No thread waits, and an item is taken at the moment when it is returned: a task that is cancelled while it waits has
taken none.

Upstream: none; a goroutine waits in k8s.io/client-go/util/workqueue/queue.go Get (v0.37).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable
from typing import TypeVar

from informers._base.checks import check_instance, check_timeout
from informers.aio.loop_wakeups import LoopWakeup
from informers.errors import StoppedError
from informers.workqueue import Queue

__all__ = ["get", "items"]

T = TypeVar("T", bound=Hashable)


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
    check_instance(queue, Queue, "a queue of informers.workqueue")
    try:
        return queue.get(timeout=0)
    except TimeoutError:
        if timeout == 0:
            raise
    async with LoopWakeup(timeout=timeout, clock=queue.clock) as wakeup:
        while True:
            wakeup.clear()
            waiter = queue.waiter(wakeup.wake)
            got = False
            try:
                in_time = await wakeup.wait(waiter.seconds)
                try:
                    item = queue.get(timeout=0)
                except TimeoutError:
                    if not in_time:
                        raise TimeoutError(f"no item in {queue!r} within {timeout} s") from None
                else:
                    got = True
                    return item
            finally:
                if not (got and waiter.is_woken):
                    waiter.withdraw()


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
