"""Waits on a loop for a write or a state that a cache does not show yet.

`informers.cache.waits` decides when a wait is over, as for threads; here no thread waits.

Upstream: k8s.io/client-go/tools/watch/until.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typing_extensions import TypeVar

from informers._base.checks import check_function, check_instance, check_timeout
from informers.aio.loop_wakeups import AnyStop, LoopWakeup, check_any_stop
from informers.cache.informer import SharedInformer
from informers.cache.waits import SeenResult
from informers.objects import ObjectName

__all__ = ["wait_until", "wait_until_seen"]

T = TypeVar("T", default=Any)


async def wait_until(
    informer: SharedInformer[T],
    key: str | ObjectName,
    predicate: Callable[[T | None], object],
    *,
    timeout: float | None = None,
    stop: AnyStop | None = None,
) -> T | None:
    """Wait until a predicate holds for an object; otherwise like `SharedInformer.wait_until`.

    Args:
        informer: the informer of the object's kind.
        key: `namespace/name`, `name` for an object of the whole cluster, or an `ObjectName`.
        predicate: a plain function that takes the object, or None if it does not exist, and returns whether to end the
            wait. It is called on the loop. An exception that it raises ends the wait.
        timeout: seconds to wait at most; None for as long as it takes.
        stop: ends the wait: a `threading.Event`, an `informers.Signal`, or an `asyncio.Event`.

    Returns:
        The object for which the predicate held; None if it does not exist.

    Raises:
        WaitTimeoutError: the timeout has passed; the message says what the cache shows.
        StoppedError: the wait was stopped, the informer has been stopped, or the namespace is no longer followed.
        ConfigurationError: an argument is wrong.
    """
    _check(informer, timeout, stop)
    check_function("predicate", predicate, "obj", is_needed=True)
    lookout = informer.lookout(key, predicate)
    async with LoopWakeup(timeout=timeout, stop=stop, clock=informer.clock) as wakeup:
        return await wakeup.run(lookout.waiting(wakeup, timeout))


async def wait_until_seen(
    informer: SharedInformer[Any],
    written: Any,
    *,
    namespace: str | None = None,
    timeout: float | None = None,
    stop: AnyStop | None = None,
) -> SeenResult:
    """Wait until the cache has reached a write; otherwise like `SharedInformer.wait_until_seen`.

    Args:
        informer: the informer of the written kind.
        written: the API server's answer to the write: an object or a `Status`; or a resource version.
        namespace: where it was written; needed if `written` does not say it, and the informer follows single
            namespaces.
        timeout: seconds to wait at most; 0 to look only, None for as long as it takes.
        stop: ends the wait: a `threading.Event`, an `informers.Signal`, or an `asyncio.Event`.

    Returns:
        True if the cache has reached it; as text, why not.

    Raises:
        ConfigurationError: an argument is wrong.
    """
    _check(informer, timeout, stop)
    sighting = informer.sighting(written, namespace=namespace)
    async with LoopWakeup(timeout=timeout, stop=stop, clock=informer.clock) as wakeup:
        return await wakeup.run(sighting.waiting(wakeup, timeout))


def _check(informer: object, timeout: object, stop: object) -> None:
    check_instance(informer, SharedInformer, "an informer, for example factory.core.v1.pods.informer")
    check_timeout(timeout)
    check_any_stop(stop)
