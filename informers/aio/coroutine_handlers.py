"""Coroutine functions as handlers: the handler's thread hands events to the loop, which calls the functions.

Events of one object are handled one after the other, in a chain; those of different objects at the same time::

    handler's thread ──→ inbox ──→ a chain for each object ──→ calls, up to a limit

Upstream: none.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, cast, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_count, check_instance
from informers._base.exceptions import report
from informers._base.forks import new_lock
from informers.cache.handlers import Callbacks, Delivery, ResourceEventHandler, ResourceEventHandlerFuncs
from informers.cache.informer import SharedInformer
from informers.cache.registration import Registration
from informers.errors import ConfigurationError
from informers.objects import DeletedFinalStateUnknown

__all__ = ["add_event_handler", "cancelled_calls"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.aio")

#: After this many events from the inbox, the loop has a turn.
_BURST = 64
#: Calls that were cancelled and have not ended yet.
_ending: set[asyncio.Task[Any]] = set()


def add_event_handler(
    informer: SharedInformer[T],
    *,
    on_add: Callable[[T], Coroutine[Any, Any, object]] | Callable[[T, bool], Coroutine[Any, Any, object]] | None = None,
    on_update: Callable[[T, T], Coroutine[Any, Any, object]] | None = None,
    on_delete: Callable[[T | DeletedFinalStateUnknown[T]], Coroutine[Any, Any, object]] | None = None,
    workers: int = 100,
    resync_period: float | None = None,
) -> Registration[T]:
    """Call coroutine functions for events, on the running loop.

    Events of one object are delivered in order, each after the call for the one before has ended. Those of different
    objects are delivered at the same time, in up to `workers` calls. Hazard: data that the functions share may change
    wherever they await. When the handler is removed or the informer stopped, present calls are cancelled. An exception
    is logged and counted, and the next event follows. Calls see the context variables as they are set now.

    Args:
        informer: the source of the events.
        on_add: takes the object, and whether it is in the initial list if it has a second parameter for that.
        on_update: takes the old object and the new one.
        on_delete: takes the object, or a `DeletedFinalStateUnknown`.
        workers: the most calls at a time; with 1 all events are handled one after the other, in order.
        resync_period: seconds after which every object is delivered again; 0 for never, None for the informer's.

    Returns:
        The registration, for `synced` and `remove`.

    Raises:
        ConfigurationError: a function is not a coroutine function, or takes other arguments, or an argument is wrong.
        StoppedError: the informer has been stopped.
        RuntimeError: there is no running loop.
    """
    check_instance(informer, SharedInformer, "an informer, for example factory.core.v1.pods.informer")
    check_count("workers", workers, at_least=1)
    caller = _Caller(asyncio.get_running_loop(), workers)
    functions: ResourceEventHandlerFuncs[T] = ResourceEventHandlerFuncs(
        on_add=_plain("on_add", on_add),
        on_update=_plain("on_update", on_update),
        on_delete=_plain("on_delete", on_delete),
    )
    callbacks = attrs.evolve(Callbacks.of(functions), hand_over=caller.hand_over)
    handler = cast("ResourceEventHandler[T]", callbacks)
    registration = informer.add_event_handler(handler, resync_period=resync_period)
    registration.ended.add_callback(caller.end)
    caller.remove_with(lambda: informer.remove_event_handler(registration))
    return registration


def cancelled_calls(loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[Any]]:
    """Return the calls in a loop that were cancelled because their handler was removed, and have not ended yet."""
    return {task for task in _ending if task.get_loop() is loop}


def _plain(what: str, function: Any) -> Any:
    """Return a plain function with the signature and name of a coroutine function; it returns the coroutine.

    Raises:
        ConfigurationError: it is not a coroutine function.
    """
    if function is None:
        return None
    # Of a callable object, the method counts.
    if not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)):
        raise ConfigurationError(
            f"{what} must be a coroutine function (async def): got {function!r}; "
            "a plain one goes to informer.add_event_handler"
        )

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return function(*arguments)

    return call


@final
class _Caller:
    """Delivers a handler's events in a loop: those of one object in order, those of several at the same time.

    Thread safety: `hand_over`, `remove_with` and `end` may be called from any thread; the rest belongs to the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, workers: int) -> None:
        self._loop = loop
        self._workers = workers
        self._context = contextvars.copy_context()
        self._lock = new_lock()
        #: Deliveries that the loop has not taken yet.
        self._inbox: deque[Delivery] = deque()
        self._is_called = False
        self._is_ended = False
        self._remove: Callable[[], object] | None = None
        #: By key, the deliveries that wait for the one in progress or in `_ready`.
        self._chains: dict[str, deque[Delivery]] = {}
        self._ready: deque[tuple[str, Delivery]] = deque()
        self._calls: set[asyncio.Task[object]] = set()

    def hand_over(self, delivery: Delivery) -> None:
        """Take an event in the handler's thread."""
        with self._lock:
            if self._is_ended:
                return
            self._inbox.append(delivery)
            is_called, self._is_called = self._is_called, True
        if is_called and not self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._accept)
        except RuntimeError:
            self._loop_is_closed()

    def remove_with(self, remove: Callable[[], object]) -> None:
        """Set the function that removes the handler once its loop is closed."""
        with self._lock:
            self._remove = remove
            is_late = self._is_ended
        if is_late:
            remove()

    def end(self) -> None:
        """Begin no more calls, and cancel the present ones."""
        with self._lock:
            self._is_ended = True
            self._inbox.clear()
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _loop_is_closed(self) -> None:
        with self._lock:
            if self._is_ended:
                return
            self._is_ended = True
            self._inbox.clear()
            remove = self._remove
        _log.error("the event loop of a handler has been closed: the handler is removed")
        if remove is not None:
            remove()

    def _accept(self) -> None:
        for _ in range(_BURST):
            with self._lock:
                if not self._inbox:
                    self._is_called = False
                    break
                delivery = self._inbox.popleft()
            # With one call at a time, all events are one chain.
            key = delivery.key if self._workers > 1 else ""
            chain = self._chains.get(key)
            if chain is None:
                self._chains[key] = deque()
                self._ready.append((key, delivery))
            else:
                chain.append(delivery)
        else:
            self._loop.call_soon(self._accept)
        self._fill()

    def _fill(self) -> None:
        """Begin as many calls as the limit allows."""
        while self._ready and len(self._calls) < self._workers and not self._is_ended:
            key, delivery = self._ready.popleft()
            try:
                coroutine = cast("Coroutine[Any, Any, object] | None", delivery.begin())
            except BaseException as error:  # noqa: BLE001  the user's code may make the object
                delivery.finish(error)
            else:
                if coroutine is not None:
                    # A task runs in a copy of the context in which it is created.
                    call = self._context.run(self._loop.create_task, coroutine)
                    self._calls.add(call)
                    call.add_done_callback(functools.partial(self._over, key, delivery))
                    continue
                delivery.finish(None)
            self._go_on(key)

    def _go_on(self, key: str) -> None:
        chain = self._chains.get(key)
        if chain:
            self._ready.append((key, chain.popleft()))
        else:
            self._chains.pop(key, None)

    def _over(self, key: str, delivery: Delivery, call: asyncio.Task[object]) -> None:
        self._calls.discard(call)
        if call.cancelled():
            error: BaseException | None = asyncio.CancelledError("the call of the handler was cancelled")
        else:
            error = call.exception()
        if self._is_ended:
            if error is not None and not call.cancelled():
                report(_log, error, "a handler failed while it was cancelled")
            error = None
        delivery.finish(error)
        self._go_on(key)
        self._fill()

    def _cancel(self) -> None:
        self._ready.clear()
        self._chains.clear()
        for call in self._calls:
            _ending.add(call)
            call.add_done_callback(_ending.discard)
            call.cancel()
