"""Start, wait and stop without blocking the loop.

Upstream: none.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import TypeVar

from informers._base.checks import check_function, check_timeout
from informers._factory.base import InformerFactory
from informers.aio.handlers import cancelled_calls
from informers.cache.informer import SharedInformer
from informers.cache.registration import Registration
from informers.cache.sync import PROGRESS_INTERVAL, SyncProgress, SyncResult, wait_for_cache_sync

__all__ = ["running", "stop", "synced"]

F = TypeVar("F", bound=InformerFactory)


@asynccontextmanager
async def running(factory: F) -> AsyncGenerator[F, None]:
    """Start a factory on entry, and stop it on exit, as `stop` does.

    Raises:
        StoppedError: it has been stopped before.
    """
    factory.start()
    try:
        yield factory
    finally:
        await stop(factory)


async def stop(what: InformerFactory | SharedInformer[Any], timeout: float | None = None) -> bool:
    """Stop a factory or an informer without blocking the loop. Asynchronous handlers are cancelled.

    Returns when every thread has ended, and every handler that was cancelled. If this is cancelled, the stop goes on.

    Args:
        what: a factory or an informer.
        timeout: seconds to wait for threads at most; None for as long as it takes.

    Returns:
        Whether every thread has ended.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def tell(result: bool | BaseException) -> None:
        if done.cancelled():
            return
        if isinstance(result, BaseException):
            done.set_exception(result)
        else:
            done.set_result(result)

    def run() -> None:
        try:
            result: bool | BaseException = what.stop(timeout)
        except Exception as error:  # noqa: BLE001  it is raised where it was asked for
            result = error
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(tell, result)

    # A thread of its own: the loop's executor may be full of what waits for this.
    threading.Thread(target=run, name="informers-aio-stop", daemon=True).start()
    result = await done
    cancelled = cancelled_calls(loop) - {asyncio.current_task()}
    if cancelled:
        await asyncio.wait(cancelled, timeout=timeout)
    return result


async def synced(
    *what: InformerFactory | SharedInformer[Any] | Registration[Any],
    timeout: float | None = None,
    progress: Callable[[SyncProgress], object] | None = None,
) -> SyncResult:
    """Wait until factories, informers and handlers are synced; otherwise as `informers.wait_for_cache_sync`.

    Args:
        what: factories, informers, or what `add_event_handler` returned.
        timeout: seconds to wait at most; None for as long as it takes.
        progress: told how far they are, on the loop: each second, and when the wait is over. Try `print`. What it
            raises ends the wait.

    Returns:
        True if all are synced; as text it names those that are not, and why.

    Raises:
        ConfigurationError: there is something else among them, `timeout` is negative, or `progress` is no function.
    """
    check_timeout(timeout)
    check_function("progress", progress, "progress")
    loop = asyncio.get_running_loop()
    factories = [each for each in what if isinstance(each, InformerFactory)]
    others = [each for each in what if not isinstance(each, InformerFactory)]
    wait_for_cache_sync(*others, timeout=0)  # says what is wrong with them
    # As with the factory's own method: what has not been started is not waited for, and is in the result.
    informers = [kind.informer for factory in factories for kind in factory.kinds if kind.informer.is_started]
    waiting: list[SharedInformer[Any] | Registration[Any]] = [
        *others,
        *(informer for informer in informers if not informer.is_stopped),
    ]
    changed = asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(changed.set)

    withdrawals = [signal.add_callback(wake) for each in waiting for signal in (each.synced, each.ended)]
    begin = loop.time()
    deadline = math.inf if timeout is None else begin + timeout
    report = math.inf if progress is None else begin + PROGRESS_INTERVAL

    def is_over() -> bool:
        left = [each for each in waiting if not each.has_synced]
        return not left or any(each.ended.is_set() for each in left) or loop.time() >= deadline

    def tell() -> None:
        if progress is not None:
            parts = tuple(each.sync_progress() for each in waiting)
            progress(SyncProgress(parts=parts, seconds=loop.time() - begin))

    try:
        while not is_over():
            alarm = loop.call_at(min(deadline, report), changed.set) if min(deadline, report) < math.inf else None
            try:
                await changed.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()
            changed.clear()
            if loop.time() >= report and not is_over():
                report += PROGRESS_INTERVAL
                tell()
    finally:
        for withdraw in withdrawals:
            withdraw()
    tell()
    unsynced = dict(wait_for_cache_sync(*others, timeout=0).unsynced)
    for factory in factories:
        unsynced.update(factory.wait_for_cache_sync(timeout=0).unsynced)
    return SyncResult(unsynced)
