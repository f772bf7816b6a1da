"""Events for `async for`: a bounded buffer between a handler's thread and the loop.

Upstream: none.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, Generic, TypeAlias, cast, final

import attrs
from typing_extensions import TypeVar

from informers.cache.informer import SharedInformer
from informers.errors import ConfigurationError
from informers.objects import DeletedFinalStateUnknown, object_key

__all__ = ["Added", "Deleted", "Event", "Updated", "events"]

T = TypeVar("T", default=Any)

#: After so many events without a wait, a stream lets others run.
_BURST = 64


@final
@attrs.frozen
class Added(Generic[T]):
    """An object is new to the cache.

    Attributes:
        obj: the object.
        is_in_initial_list: whether it was there when the stream began.
    """

    obj: T
    is_in_initial_list: bool

    @property
    def key(self) -> str:
        """Key of the object."""
        return object_key(self.obj)


@final
@attrs.frozen
class Updated(Generic[T]):
    """An object has changed, or is told again on a resync: then both are the object as it is.

    Attributes:
        old: as it was.
        new: as it is.
    """

    old: T
    new: T

    @property
    def key(self) -> str:
        """Key of the object."""
        return object_key(self.new)


@final
@attrs.frozen
class Deleted(Generic[T]):
    """An object is gone.

    Attributes:
        key: of the object.
        obj: its last state; None where that is unknown.
        is_tombstone: whether the deletion itself was missed, so that `obj` may not be the very last state.
    """

    key: str
    obj: T | None
    is_tombstone: bool


#: What a stream gives.
Event: TypeAlias = Added[T] | Updated[T] | Deleted[T]


def events(
    informer: SharedInformer[T], *, maxsize: int = 100, resync_period: float | None = None
) -> AsyncGenerator[Event[T], None]:
    """Return a stream of what changes: of what is there as `Added`, then of everything that comes.

    It ends when the informer is stopped. To end it early, close it, which `contextlib.aclosing` does::

        async with aclosing(aio.events(pods.informer)) as stream:
            async for event in stream:
                ...

    A reader that is slow delays nobody: events wait in the informer, as small records.

    Args:
        informer: whose events.
        maxsize: how many events wait as objects, between the informer's thread and the loop.
        resync_period: seconds after which every object is told again; 0 for never, None for the informer's.

    Raises:
        ConfigurationError: an argument is wrong.
        StoppedError: at the first event: the informer has been stopped before.
    """
    if not isinstance(informer, SharedInformer):
        raise ConfigurationError(
            f"expected an informer, such as factory.core.v1.pods.informer: got {type(informer).__name__}"
        )
    if isinstance(maxsize, bool) or not isinstance(maxsize, int) or maxsize < 1:
        raise ConfigurationError(f"maxsize must be a number of events above zero: got {maxsize!r}")
    return _stream(informer, maxsize, resync_period)


async def _stream(
    informer: SharedInformer[T], maxsize: int, resync_period: float | None
) -> AsyncGenerator[Event[T], None]:
    buffer: _Buffer[T] = _Buffer(asyncio.get_running_loop(), maxsize)
    registration = informer.add_event_handler(buffer, resync_period=resync_period)
    registration.ended.add_callback(buffer.end)
    in_a_row = 0
    try:
        while True:
            event = buffer.take_now()
            if event is None:
                in_a_row = 0
                event = await buffer.take()
                if event is None:
                    return
            elif (in_a_row := in_a_row + 1) >= _BURST:
                in_a_row = 0
                await asyncio.sleep(0)
            yield event
    finally:
        informer.remove_event_handler(registration)


@final
class _Buffer(Generic[T]):
    """A handler that hands events to a loop, and waits while it has too many.

    Thread safety: `take` and `take_now` belong to the loop; the other methods may be called from any thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, maxsize: int) -> None:
        self._loop = loop
        self._maxsize = maxsize
        self._room = threading.Condition()
        self._waiting: deque[Event[T]] = deque()
        self._is_ended = False
        #: Of who waits for an event.
        self._waker: asyncio.Future[None] | None = None

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
        """Take no more events; those that are here can still be taken."""
        with self._room:
            self._is_ended = True
            self._room.notify_all()
            self._wake_locked()

    def take_now(self) -> Event[T] | None:
        """Return the next event; None where there is none at the moment."""
        with self._room:
            if not self._waiting:
                return None
            self._room.notify_all()
            return self._waiting.popleft()

    async def take(self) -> Event[T] | None:
        """Wait for the next event; None once there are no more."""
        while True:
            with self._room:
                if self._waiting:
                    self._room.notify_all()
                    return self._waiting.popleft()
                if self._is_ended:
                    return None
                waker = self._waker = self._loop.create_future()
            await waker

    def _put(self, event: Event[T]) -> None:
        with self._room:
            while len(self._waiting) >= self._maxsize and not self._is_ended:
                self._room.wait()
            if not self._is_ended:
                self._waiting.append(event)
                self._wake_locked()

    def _wake_locked(self) -> None:
        waker, self._waker = self._waker, None
        if waker is not None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed, and the stream with it
                self._loop.call_soon_threadsafe(_wake, waker)


def _wake(waker: asyncio.Future[None]) -> None:
    if not waker.done():
        waker.set_result(None)
