"""Coroutine functions as handlers: a handler's thread hands each call to the loop, and waits for it.

Upstream: none.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, final

from typing_extensions import TypeVar

from informers._base.forks import new_lock
from informers.cache.handlers import ResourceEventHandlerFuncs
from informers.cache.informer import SharedInformer
from informers.cache.registration import Registration
from informers.errors import ConfigurationError
from informers.objects import DeletedFinalStateUnknown

__all__ = ["add_event_handler", "cancelled_calls"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.aio")

#: Seconds between two looks at whether the loop has been closed, of which nobody is told.
_LOOK = 0.2
#: Calls that were cancelled and are not over yet.
_ending: set[asyncio.Task[Any]] = set()


def add_event_handler(
    informer: SharedInformer[T],
    *,
    on_add: Callable[[T], Coroutine[Any, Any, object]] | Callable[[T, bool], Coroutine[Any, Any, object]] | None = None,
    on_update: Callable[[T, T], Coroutine[Any, Any, object]] | None = None,
    on_delete: Callable[[T | DeletedFinalStateUnknown[T]], Coroutine[Any, Any, object]] | None = None,
    resync_period: float | None = None,
) -> Registration[T]:
    """Let coroutine functions be told what changes, in the loop that runs here; arguments as those of plain handlers.

    One call at a time: the next event waits until the last call is over. When the handler is removed or the informer
    stopped, a call under way is cancelled. What it raises is logged and counted, and the next event goes on.

    Args:
        informer: whose events.
        on_add: takes the object; and whether it is in the initial list, if it has a second parameter for that.
        on_update: takes the old object and the new one.
        on_delete: takes the object, or a `DeletedFinalStateUnknown`.
        resync_period: seconds after which it is told of every object again; 0 for never, None for the informer's.

    Returns:
        What `informer.remove_event_handler` takes, and `synced`.

    Raises:
        ConfigurationError: one is no coroutine function, or can't be called so.
        StoppedError: the informer has been stopped.
        RuntimeError: no loop runs here.
    """
    caller = _Caller(asyncio.get_running_loop())
    handler: ResourceEventHandlerFuncs[T] = ResourceEventHandlerFuncs(
        on_add=caller.bridge("on_add", on_add),
        on_update=caller.bridge("on_update", on_update),
        on_delete=caller.bridge("on_delete", on_delete),
    )
    registration = informer.add_event_handler(handler, resync_period=resync_period)
    registration.ended.add_callback(caller.end)
    caller.remove_with(lambda: informer.remove_event_handler(registration))
    return registration


def cancelled_calls(loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[Any]]:
    """Return the calls in a loop that were cancelled, since their handler is removed, and are not over yet."""
    return {task for task in _ending if task.get_loop() is loop}


@final
class _Caller:
    """Has coroutine functions called in a loop by a handler's thread, which waits for each call.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._context = contextvars.copy_context()
        self._lock = new_lock()
        self._call: _Call | None = None
        self._is_ended = False
        self._remove: Callable[[], object] | None = None

    def bridge(self, what: str, function: Any) -> Any:
        """Return the plain function for a coroutine function, of the same signature and name.

        Raises:
            ConfigurationError: it is none.
        """
        if function is None:
            return None
        # A callable object counts by its method.
        if not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)):
            raise ConfigurationError(
                f"{what} must be a coroutine function (async def): got {function!r}; "
                "a plain one goes to informer.add_event_handler"
            )

        @functools.wraps(function)
        def call(*arguments: Any) -> None:
            self._run(functools.partial(function, *arguments))

        return call

    def remove_with(self, remove: Callable[[], object]) -> None:
        """Say how the handler is removed once its loop is closed."""
        with self._lock:
            self._remove = remove
            is_late = self._is_ended
        if is_late:
            remove()

    def end(self) -> None:
        """Make no more calls, and cancel the one under way."""
        with self._lock:
            self._is_ended = True
            call = self._call
        if call is not None:
            call.abandon()

    def _run(self, function: Callable[[], Awaitable[object]]) -> None:
        call = _Call(self._loop, self._context, function)
        with self._lock:
            if self._is_ended:
                return
            self._call = call
        try:
            if call.is_over():
                call.raise_error()
            else:
                self._loop_is_closed()
        finally:
            with self._lock:
                self._call = None

    def _loop_is_closed(self) -> None:
        with self._lock:
            if self._is_ended:
                return
            self._is_ended = True
            remove = self._remove
        _log.error("the event loop of a handler has been closed: the handler is removed")
        if remove is not None:
            remove()


@final
class _Call:
    """One call of a coroutine function in a loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context,
        function: Callable[[], Awaitable[object]],
    ) -> None:
        self._loop = loop
        self._context = context
        self._function = function
        self._over = threading.Event()
        self._is_abandoned = False
        self._task: asyncio.Task[object] | None = None
        self._error: BaseException | None = None

    def is_over(self) -> bool:
        """Make the call and wait until it is over; return whether it is, which it never will be in a closed loop."""
        try:
            self._loop.call_soon_threadsafe(self._begin)
        except RuntimeError:
            return False
        while not self._over.wait(_LOOK):
            if self._loop.is_closed():
                return False
        return True

    def raise_error(self) -> None:
        """Raise what the call raised, unless nobody waits for it any more."""
        if self._error is not None and not self._is_abandoned:
            raise self._error

    def abandon(self) -> None:
        """Wait no longer, and cancel it."""
        self._is_abandoned = True
        self._over.set()
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self) -> None:
        if self._is_abandoned:
            return
        # A task runs in a copy of the context that it is made in.
        self._task = self._context.run(self._loop.create_task, self._awaited())
        self._task.add_done_callback(self._finished)

    async def _awaited(self) -> object:
        return await self._function()

    def _cancel(self) -> None:
        task = self._task
        if task is not None and not task.done():
            _ending.add(task)
            task.add_done_callback(_ending.discard)
            task.cancel()

    def _finished(self, task: asyncio.Task[object]) -> None:
        if task.cancelled():
            self._error = asyncio.CancelledError("the call of the handler was cancelled")
        else:
            self._error = task.exception()
            if self._error is not None and self._is_abandoned:
                _log.error("a handler failed while it was cancelled", exc_info=self._error)
        self._over.set()
