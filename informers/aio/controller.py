"""A controller whose reconcile function is a coroutine function: one task for each name in work.

It shares the queue, results, own writes and metrics of `informers.controllers`; only the driver differs.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/controller/controller.go (v0.25).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, final

from typing_extensions import override

from informers._base.checks import check_function, check_timeout
from informers.aio.loop_wakeups import AnyStop, LoopWakeup, check_any_stop
from informers.aio.queues import get
from informers.controllers._base_controller import BaseController
from informers.controllers._in_work import IN_WORK
from informers.controllers._turns import Turn
from informers.controllers.results import Processed, Result
from informers.errors import ConfigurationError, InformersError, StoppedError
from informers.objects import ObjectName

__all__ = ["Controller"]

#: Seconds between the log lines of a stop that waits.
_REMINDER = 5.0


@final
class Controller(BaseController[Callable[[ObjectName], Coroutine[Any, Any, "Result | None"]]]):
    """Awaits a reconcile function with the names of objects that may need work, in tasks of the loop.

    Like `informers.controllers.Controller`, with tasks in place of threads: up to `workers`, each for another name. A
    name has one task at a time; the next begins only when it has ended, also if it was cancelled. Hazard: a thread that
    the function started, for example by `asyncio.to_thread`, goes on when the task is cancelled. So set time limits on
    the requests themselves, not by `asyncio.timeout` around them.

    Args:
        reconcile: a coroutine function that takes an `ObjectName`; returns None or a `Result`. Its exceptions are
            logged, and the name is retried after a growing pause; after a `TerminalError` it is not.
        workers: the most names in work at a time.
        run_timeout: seconds after which a run is reported in the log, the metrics and the health; it goes on.

    The other arguments are those of `informers.controllers.Controller`.

    Raises:
        ConfigurationError: an argument is wrong.
        StoppedError: the informer of the kind has been stopped.

    Example:
        >>> import asyncio
        >>> from informers import SharedInformerFactory, aio
        >>> from informers.testing import APIServer
        >>> async def reconcile(name: ObjectName) -> None:
        ...     print(name)
        >>> async def main(server: APIServer) -> None:
        ...     async with aio.running(SharedInformerFactory(server.client())) as factory:
        ...         controller = aio.Controller("pods", factory.core.v1.pods, reconcile)
        ...         factory.start()
        ...         controller.enqueue(ObjectName("shop", "web-0"))
        ...         await controller.process_next(timeout=10)
        >>> with APIServer() as server:
        ...     asyncio.run(main(server))
        shop/web-0

    Thread safety: `enqueue`, `health` and `stop` may be called from any thread and loop; `run` and `process_next`
    belong to one loop.
    """

    @staticmethod
    @override
    def _check_reconcile(reconcile: Callable[[ObjectName], Coroutine[Any, Any, Result | None]]) -> None:
        if not (inspect.iscoroutinefunction(reconcile) or inspect.iscoroutinefunction(type(reconcile).__call__)):
            raise ConfigurationError(
                f"reconcile must be a coroutine function (async def) of (name): got {reconcile!r}; "
                "informers.controllers.Controller takes a plain one"
            )

        @functools.wraps(reconcile)
        def plain(*_arguments: Any) -> None: ...

        check_function("reconcile", plain, "name")

    async def run(self, stop: AnyStop) -> None:
        """Work until the end; otherwise like `informers.controllers.Controller.run`, with the same errors.

        Present runs go on to their end; if this call is cancelled, they are cancelled, too, and awaited.

        Args:
            stop: an `asyncio.Event`, a `threading.Event` or an `informers.Signal`.
        """
        if stop is None:
            raise ConfigurationError("stop must be an asyncio.Event, a threading.Event or a Signal: got None")
        check_any_stop(stop)
        self._begin()
        turns: list[asyncio.Task[None]] = []
        tasks: set[asyncio.Task[object]] = set()
        try:
            await self._wait_synced(self._sync_timeout, stop)
            async with LoopWakeup(stop=stop, clock=self._clock) as wakeup:
                await wakeup.run(
                    self._supervision(wakeup, lambda: turns.append(asyncio.create_task(self._take_turns(tasks))))
                )
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise
        finally:
            self._take_no_more()
            try:
                for task in turns:
                    task.cancel()
                await _ended({*turns, *tasks}, self._remind)
            finally:
                self._drained.set()
                self._finish()
        if self._fatal is not None:
            raise self._fatal

    async def stop(self, timeout: float | None = 30.0, *, drain: bool = False) -> bool:
        """End `run`; otherwise like `informers.controllers.Controller.stop`."""
        check_timeout(timeout)
        if self._owner is not None:
            return True
        work = IN_WORK.get()
        is_own = work is not None and work.owner is self._own_writes
        async with LoopWakeup(timeout=timeout, clock=self._clock) as wakeup:
            if drain and self._works and not is_own:
                self._turns.queue.shut_down_with_drain(timeout=0)
                await wakeup.run(wakeup.until(self._drained.is_set, [self._drained.add_callback]))
            return await wakeup.run(self._ending(wakeup, is_own=is_own))

    async def process_next(self, *, timeout: float = 0.0) -> Processed | None:
        """Take one name and await the function; otherwise like `informers.controllers.Controller.process_next`."""
        await self._wait_synced(self._limit_of_sync(timeout))
        try:
            name = await get(self._turns.queue, timeout=timeout)
        except TimeoutError:
            return None
        turn = self._turns.begin(name)
        if isinstance(turn, Processed):
            return turn
        task = self._task(turn)
        is_cancelled = True
        try:
            await _ended({task})
            is_cancelled = False
        finally:
            processed = self._end(turn, task, is_cancelled=is_cancelled)
        if self._fatal is not None:
            raise self._fatal
        return processed

    async def _take_turns(self, tasks: set[asyncio.Task[object]]) -> None:
        """Begin turns until there are no more, each in its own task."""
        room = asyncio.Event()
        try:
            while not self._stopping.is_set():
                room.clear()
                if len(tasks) >= self._workers:
                    await room.wait()
                    continue
                try:
                    name = await get(self._turns.queue)
                except StoppedError:
                    if not tasks:
                        break
                    # In a drain, a name that is added again while in work has another turn.
                    await room.wait()
                    continue
                turn = self._turns.begin(name)
                if isinstance(turn, Turn):
                    task = self._task(turn)
                    tasks.add(task)
                    task.add_done_callback(functools.partial(self._task_ended, turn, tasks, room))
            self._drained.set()
        except Exception as error:  # noqa: BLE001  it ends the controller, and `run` raises it
            self._fail(error)

    def _task(self, turn: Turn) -> asyncio.Task[object]:
        # A task runs in a copy of the context in which it is created.
        return turn.context.run(asyncio.create_task, self._guarded(turn.name))

    async def _guarded(self, name: ObjectName) -> object:
        try:
            return await self._reconcile(name)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:
            self._fail(error)
            raise asyncio.CancelledError from error

    def _task_ended(
        self, turn: Turn, tasks: set[asyncio.Task[object]], room: asyncio.Event, task: asyncio.Task[object]
    ) -> None:
        tasks.discard(task)
        try:
            self._end(turn, task, is_cancelled=self._stopping.is_set())
        except Exception as error:  # noqa: BLE001  from a user's limiter or clock
            self._fail(error)
        room.set()

    def _end(self, turn: Turn, task: asyncio.Task[object], *, is_cancelled: bool = False) -> Processed | None:
        """End a turn whose task has ended. If others cancelled the task, the name is retried."""
        if not task.cancelled():
            error = task.exception()
            return self._turns.end(turn, error=error) if error else self._turns.end(turn, result=task.result())
        if is_cancelled or self._fatal is not None:
            return self._turns.end(turn, error=asyncio.CancelledError())
        return self._turns.end(turn, error=InformersError("the reconcile function was cancelled"))

    async def _wait_synced(self, timeout: float | None, stop: AnyStop | None = None) -> None:
        if self._unsynced():
            async with LoopWakeup(timeout=timeout, stop=stop, clock=self._clock) as wakeup:
                await wakeup.run(self._synced(wakeup))


async def _ended(tasks: set[asyncio.Task[Any]], remind: Callable[[], object] = lambda: None) -> None:
    """Wait until all tasks have ended; if this wait is cancelled, cancel them, and still wait for them."""
    interrupt: asyncio.CancelledError | None = None
    while tasks:
        try:
            done, pending = await asyncio.wait(tasks, timeout=_REMINDER)
        except asyncio.CancelledError as error:
            interrupt = error
            for task in tasks:
                task.cancel()
        else:
            tasks -= done
            if pending:
                remind()
    if interrupt is not None:
        raise interrupt
