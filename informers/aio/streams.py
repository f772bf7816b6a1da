"""Events for `async for`: a bounded buffer between a handler's thread and the loop.

Upstream: none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, cast, final

from typing_extensions import TypeVar, override

from informers._base.checks import check_count, check_instance, check_period
from informers._base.forks import new_condition
from informers.cache.informer import SharedInformer
from informers.cache.object_events import Added, Deleted, ObjectEvent, Updated
from informers.objects import DeletedFinalStateUnknown, object_key

__all__ = ["events"]

T = TypeVar("T", default=Any)

#: After this many events, a stream lets other tasks run.
_BURST = 64
#: Seconds between two checks whether the loop is closed, or the stream was dropped.
_LOOK = 0.2


def events(
    informer: SharedInformer[T], *, maxsize: int = 100, resync_period: float | None = None
) -> AsyncGenerator[ObjectEvent[T], None]:
    """Return a stream of events: the existing objects as `Added`, then every change.

    It ends when the informer is stopped. After a `break`, its handler and thread end within the loop's next turns, once
    the stream is not referenced any more. To end it at once, close it, for example by `contextlib.aclosing`::

        async with aclosing(aio.events(pods.informer)) as stream:
            async for event in stream:
                ...

    A slow reader delays nobody: its events wait in the informer, as small records. If a wait is cancelled, for example
    by `asyncio.wait_for(anext(stream), 1)`, no event is missed: the next wait returns the next event.

    Args:
        informer: the source of the events.
        maxsize: the most events that wait as objects, between the informer's thread and the loop.
        resync_period: seconds after which every object is delivered again; 0 for never, None for the informer's.

    Raises:
        ConfigurationError: an argument is wrong.
        StoppedError: at the first event, if the informer was stopped before.
    """
    check_instance(informer, SharedInformer, "an informer, for example factory.core.v1.pods.informer")
    check_count("maxsize", maxsize, at_least=1)
    if resync_period is not None:
        check_period("resync_period", resync_period)
    return _Stream(informer, maxsize, resync_period)


@final
class _Stream(AsyncGenerator[ObjectEvent[T], None]):
    """A stream. It is not a generator function: a cancelled wait would end that, and lose its events.

    Thread safety: all methods belong to the loop.
    """

    def __init__(self, informer: SharedInformer[T], maxsize: int, resync_period: float | None) -> None:
        self._informer = informer
        self._maxsize = maxsize
        self._resync_period = resync_period
        #: Made for the first event.
        self._buffer: _Buffer[T] | None = None
        self._guard: AsyncGenerator[None, None] | None = None
        self._is_closed = False
        self._is_read = False
        self._in_a_row = 0

    def __del__(self) -> None:
        # For a closed loop, whose hook does nothing. It may run in any thread, under any lock, so it only sets a flag.
        if self._buffer is not None:
            self._buffer.is_abandoned = True

    @override
    async def __anext__(self) -> ObjectEvent[T]:
        if self._is_read:
            raise RuntimeError("a stream has one reader: make another of the same informer")
        self._is_read = True
        try:
            event = None if self._is_closed else await self._next()
        finally:
            self._is_read = False
        if event is None:
            await self._close()
            raise StopAsyncIteration
        return event

    @override
    async def asend(self, value: None, /) -> ObjectEvent[T]:
        return await self.__anext__()

    @override
    async def athrow(self, typ: Any, val: Any = None, tb: Any = None, /) -> ObjectEvent[T]:
        await self._close()
        raise typ if val is None else val

    @override
    async def aclose(self) -> None:
        await self._close()

    async def _next(self) -> ObjectEvent[T] | None:
        buffer = self._buffer
        if buffer is None:
            buffer = self._buffer = _Buffer(asyncio.get_running_loop(), self._maxsize)
            buffer.follow(self._informer, self._resync_period)
            self._guard = _guard(buffer)
            await anext(self._guard)
        if self._in_a_row >= _BURST:
            self._in_a_row = 0
            # Before an event is taken: a reader that is cancelled here must not lose one.
            await asyncio.sleep(0)
        self._in_a_row += 1
        return await buffer.take()

    async def _close(self) -> None:
        self._is_closed = True
        if self._guard is not None:
            await self._guard.aclose()


async def _guard(buffer: _Buffer[Any]) -> AsyncGenerator[None, None]:
    """Leave when this generator is closed: the loop does that soon after its stream was dropped, and before it ends."""
    try:
        yield
    finally:
        buffer.leave()


@final
class _Buffer(Generic[T]):
    """A handler that hands events to a loop, and waits while it has too many.

    Thread safety: `take` belongs to the loop; the other methods may be called from any thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, maxsize: int) -> None:
        self._loop = loop
        self._maxsize = maxsize
        self._room = new_condition()
        self._waiting: deque[ObjectEvent[T]] = deque()
        self._is_ended = False
        #: Set when the stream has been dropped.
        self.is_abandoned = False
        self._leave: Callable[[], object] | None = None
        #: The reader's wait for an event.
        self._waker: asyncio.Future[None] | None = None

    def follow(self, informer: SharedInformer[T], resync_period: float | None) -> None:
        """Register as a handler.

        Raises:
            StoppedError: the informer has been stopped.
        """
        registration = informer.add_event_handler(self, resync_period=resync_period)
        self._leave = lambda: informer.remove_event_handler(registration)
        registration.ended.add_callback(self.end)

    def leave(self) -> None:
        """Unregister."""
        if self._leave is not None:
            self._leave()

    def on_add(self, obj: T, is_in_initial_list: bool, /) -> None:
        """Hand an add on."""
        self._put(Added(obj, is_in_initial_list))

    def on_update(self, old: T, new: T, /) -> None:
        """Hand an update on."""
        self._put(Updated(old, new))

    def on_delete(self, obj: T | DeletedFinalStateUnknown[Any], /) -> None:
        """Hand a deletion on."""
        if isinstance(obj, DeletedFinalStateUnknown):
            tombstone = cast("DeletedFinalStateUnknown[T]", obj)
            self._put(Deleted(tombstone.key, tombstone.obj, is_tombstone=True))
        else:
            self._put(Deleted(object_key(obj), obj, is_tombstone=False))

    def end(self) -> None:
        """Accept no more events; those in the buffer can still be taken."""
        with self._room:
            self._is_ended = True
            self._room.notify_all()
            self._wake_locked()

    async def take(self) -> ObjectEvent[T] | None:
        """Wait for the next event; None if there are no more."""
        while True:
            with self._room:
                if self._waiting:
                    self._room.notify_all()
                    return self._waiting.popleft()
                if self._is_ended:
                    return None
                waker = self._waker = self._loop.create_future()
            await waker

    def _put(self, event: ObjectEvent[T]) -> None:
        with self._room:
            while len(self._waiting) >= self._maxsize and not self._is_ended and not self._is_forsaken():
                self._room.wait(_LOOK)
            if not self._is_ended and not self._is_forsaken():
                self._waiting.append(event)
                self._wake_locked()
                return
        # Not under the lock, since this takes the informer's locks.
        self.leave()

    def _is_forsaken(self) -> bool:
        """Return whether no reader can ever take an event."""
        return self.is_abandoned or self._loop.is_closed()

    def _wake_locked(self) -> None:
        waker, self._waker = self._waker, None
        if waker is not None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed, and the stream with it
                self._loop.call_soon_threadsafe(_wake, waker)


def _wake(waker: asyncio.Future[None]) -> None:
    if not waker.done():
        waker.set_result(None)
