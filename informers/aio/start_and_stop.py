"""Start, wait, release and stop without blocking the loop.

Upstream: none.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import TypeVar

from informers._base.checks import check_function, check_instance, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._factory.base import InformerFactory
from informers.aio.coroutine_handlers import cancelled_calls
from informers.aio.loop_wakeups import AnyStop, LoopWakeup, check_any_stop
from informers.cache.informer import SharedInformer
from informers.cache.registration import Registration
from informers.cache.sync import NamespaceSync, Syncable, SyncProgress, SyncResult, syncing, wait_for_cache_sync
from informers.resources import Resource

__all__ = ["release", "running", "stop", "synced"]

F = TypeVar("F", bound=InformerFactory)

_EITHER = "a factory, or an informer, for example factory.core.v1.pods.informer"


@asynccontextmanager
async def running(factory: F) -> AsyncGenerator[F, None]:
    """Start a factory on entry, and stop it on exit.

    Raises:
        StoppedError: it has been stopped before.
        ConfigurationError: the argument is not a factory.
    """
    check_instance(factory, (InformerFactory, SharedInformer), _EITHER)
    factory.start()
    try:
        yield factory
    finally:
        await stop(factory)


async def stop(what: InformerFactory | SharedInformer[Any], timeout: float | None = None) -> bool:
    """Stop a factory or an informer without blocking the loop. Asynchronous handlers are cancelled.

    Returns when every thread and every cancelled handler has ended. If this call is cancelled, the stop goes on.

    Args:
        what: a factory or an informer.
        timeout: seconds to wait for threads at most; None for no limit.

    Returns:
        Whether every thread has ended.

    Raises:
        ConfigurationError: an argument is not valid.
    """
    check_instance(what, (InformerFactory, SharedInformer), _EITHER)
    result = await _in_thread("stop", lambda: what.stop(timeout))
    await _cancelled_calls(timeout)
    return result


async def release(factory: InformerFactory, resource: Resource[Any]) -> bool:
    """Stop one informer of a factory, as its method `release` does, without blocking the loop.

    Returns when its threads and its cancelled handlers have ended. If this call is cancelled, the stop goes on.

    Args:
        factory: the factory.
        resource: the informer's resource.

    Returns:
        Whether the factory had one.

    Raises:
        ConfigurationError: an argument is not valid.
    """
    check_instance(factory, InformerFactory, "a factory")
    result = await _in_thread("release", lambda: factory.release(resource))
    await _cancelled_calls(None)
    return result


async def _in_thread(name: str, function: Callable[[], bool]) -> bool:
    done: Future[bool] = Future()
    # From now on it can't be cancelled: if this call is, the function goes on.
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(function())
        except Exception as error:  # noqa: BLE001  it is raised in the caller
            done.set_exception(error)

    # A thread of its own: the loop's executor may be full of tasks that wait for this.
    threading.Thread(target=run, name=f"informers-aio-{name}", daemon=True).start()
    return await asyncio.wrap_future(done)


async def _cancelled_calls(timeout: float | None) -> None:
    cancelled = cancelled_calls(asyncio.get_running_loop()) - {asyncio.current_task()}
    if cancelled:
        await asyncio.wait(cancelled, timeout=timeout)


async def synced(
    *what: InformerFactory | SharedInformer[Any] | Registration[Any] | NamespaceSync,
    timeout: float | None = None,
    stop: AnyStop | None = None,
    progress: Callable[[SyncProgress], object] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> SyncResult:
    """Wait until factories, informers and handlers are synced; otherwise like `informers.wait_for_cache_sync`.

    Args:
        what: factories, informers, or results of `add_event_handler` or `add_namespace`.
        timeout: seconds to wait at most; None for as long as it takes.
        stop: ends the wait: a `threading.Event`, an `informers.Signal`, or an `asyncio.Event`.
        progress: called with the progress, on the loop, every second and at the end, for example `print`. An exception
            that it raises ends the wait.
        clock: for waiting.

    Returns:
        True if all are synced; as text, what is not, and why.

    Raises:
        ConfigurationError: an argument can't be waited for, `timeout` is negative, `stop` does not have the methods of
            an event, or `progress` is not a function.
    """
    check_timeout(timeout)
    check_any_stop(stop)
    check_function("progress", progress, "progress")
    # Called now to check the arguments, and at the end for the result.
    results: list[Callable[[], SyncResult]] = []
    waiting: list[Syncable] = []
    others: list[SharedInformer[Any] | Registration[Any]] = []
    for each in what:
        if isinstance(each, InformerFactory):
            results.append(functools.partial(each.wait_for_cache_sync, timeout=0))
            # Like the factory's own method: an informer that is not started, or follows nothing, is only in the result.
            informers = [kind.informer for kind in each.kinds if kind.informer.is_started]
            waiting += [informer for informer in informers if informer.namespaces and not informer.is_stopped]
        elif isinstance(each, NamespaceSync):
            results.append(functools.partial(each.wait, timeout=0))
            waiting += each.parts
        else:
            others.append(each)
    results.append(functools.partial(wait_for_cache_sync, *others, timeout=0))
    for result in results:
        result()
    waiting += others
    waiting += [part for each in waiting for part in each.parts]
    async with LoopWakeup(timeout=timeout, stop=stop, clock=clock) as wakeup:
        await wakeup.run(syncing(waiting, wakeup, progress, clock))
    return SyncResult({name: why for result in results for name, why in result().unsynced.items()})
