"""One queue and one thread for each handler, so that none can hold up another.

Upstream: k8s.io/client-go/tools/cache/shared_informer.go sharedProcessor and processorListener (v0.37).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_condition
from informers._base.signals import Signal
from informers._base.threads import start_thread
from informers.cache.handlers import Callbacks
from informers.errors import escaped
from informers.objects import DeletedFinalStateUnknown
from informers.source.records import Record

__all__ = ["Added", "Deleted", "Gone", "Listener", "Notification", "Synced", "Updated"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")


@final
@attrs.define(eq=False)
class Added(Generic[T]):
    """An object is new to the cache."""

    record: Record[T]
    is_in_initial_list: bool

    @property
    def key(self) -> str:
        """Key of the object."""
        return self.record.key

    def deliver(self, callbacks: Callbacks[T]) -> None:
        """Tell the handler."""
        if callbacks.on_add is not None:
            callbacks.on_add(self.record.object(), self.is_in_initial_list)


@final
@attrs.define(eq=False)
class Updated(Generic[T]):
    """An object has changed; or it has not, and is delivered again (then both records are one)."""

    old: Record[T]
    new: Record[T]

    @property
    def key(self) -> str:
        """Key of the object."""
        return self.new.key

    @property
    def is_repetition(self) -> bool:
        """Whether the object is as it was: a list had it again, or a resync delivers it."""
        old, new = self.old, self.new
        return old is new or (bool(new.resource_version) and old.resource_version == new.resource_version)

    def deliver(self, callbacks: Callbacks[T]) -> None:
        """Tell the handler."""
        if callbacks.on_update is None:
            return
        new = self.new.object()
        if self.old is self.new:
            callbacks.on_update(new, new)
            return
        try:
            old = self.old.object()
        except Exception:  # noqa: BLE001  what makes it may be the user's
            # The handler could not be told of it as it was: to the handler it is new.
            _log.warning(
                "%s can't be made as it was, so its update is told as an add", escaped(self.key), exc_info=True
            )
            if callbacks.on_add is not None:
                callbacks.on_add(new, False)
        else:
            callbacks.on_update(old, new)


@final
@attrs.define(eq=False)
class Deleted(Generic[T]):
    """An object is gone; `missed` where only its absence was seen, and `record` is what the cache had."""

    record: Record[T]
    missed: bool

    @property
    def key(self) -> str:
        """Key of the object."""
        return self.record.key

    def deliver(self, callbacks: Callbacks[T]) -> None:
        """Tell the handler."""
        if callbacks.on_delete is None:
            return
        try:
            obj = self.record.object()
        except Exception:  # noqa: BLE001  what makes it may be the user's
            # A deletion must not be lost for want of the last state.
            _log.warning(
                "%s can't be made as it was last, so its deletion has no object", escaped(self.key), exc_info=True
            )
            callbacks.on_delete(DeletedFinalStateUnknown(self.key))
        else:
            callbacks.on_delete(DeletedFinalStateUnknown(self.key, obj) if self.missed else obj)


@final
@attrs.define(eq=False)
class Gone(Generic[T]):
    """An object is gone of which the cache had nothing, and whose last state can't be had."""

    key: str

    def deliver(self, callbacks: Callbacks[T]) -> None:
        """Tell the handler."""
        if callbacks.on_delete is not None:
            callbacks.on_delete(DeletedFinalStateUnknown(self.key))


@final
@attrs.define(eq=False)
class Synced:
    """Everything that was there at the beginning has been delivered before this."""

    signal: Signal


Notification: TypeAlias = Added[T] | Updated[T] | Deleted[T] | Gone[T] | Synced


@final
class Listener(Generic[T]):
    """A handler with its queue and its thread.

    Args:
        callbacks: the handler.
        resync_period: seconds after which all objects are delivered again; 0 for never.
        resync: delivers them: called in this listener's thread, it calls `push`.
        clock: for waiting.

    Thread safety: all methods may be called from any thread; `push` neither blocks nor calls users' code.
    """

    def __init__(
        self,
        callbacks: Callbacks[T],
        *,
        resync_period: float = 0.0,
        resync: Callable[[Listener[T]], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.callbacks = callbacks
        self.resync_period = resync_period
        self.synced: Signal = Signal(clock=clock)
        self._resync = resync
        self._clock = clock
        self._condition = new_condition()
        self._waiting: deque[Notification[T]] = deque()
        #: What the thread has taken; the first is the one under way. Only the thread changes it.
        self._taken: deque[Notification[T]] = deque()
        #: Raised when nothing more is delivered.
        self.ended: Signal = Signal(clock=clock)
        self._thread: threading.Thread | None = None
        self._next_resync = clock.monotonic() + resync_period
        self.delivered: int = 0
        self.failed: int = 0
        self.busy_with: str | None = None
        self.busy_since: float | None = None

    def __repr__(self) -> str:
        return f"<Listener {self.callbacks.name} backlog={self.backlog}{' ended' if self.ended.is_set() else ''}>"

    @property
    def backlog(self) -> int:
        """How many notifications are not delivered yet, with the one under way."""
        with self._condition:
            if self.ended.is_set():
                return int(self.busy_since is not None)
            return len(self._waiting) + len(self._taken)

    @property
    def thread(self) -> threading.Thread | None:
        """The thread that delivers, once it has been started."""
        return self._thread

    def start(self, name: str) -> None:
        """Start to deliver, in a thread of this name; does nothing the second time or after `end`."""
        with self._condition:
            if self._thread is None and not self.ended.is_set():
                self._next_resync = self._clock.monotonic() + self.resync_period
                self._thread = start_thread(name, self._run)

    def push(self, notifications: Sequence[Notification[T]]) -> None:
        """Append notifications; dropped after `end`."""
        with self._condition:
            if not self.ended.is_set() and notifications:
                self._waiting.extend(notifications)
                self._condition.notify_all()

    def end(self) -> None:
        """Deliver nothing more: what waits is dropped, what is under way runs to its end."""
        self.ended.set()
        with self._condition:
            self._waiting.clear()
            self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self.ended.is_set() and not self._is_due():
                    self._clock.wait(self._condition, self._until_resync())
                if self.ended.is_set():
                    self._taken.clear()
                    return
                self._taken, self._waiting = self._waiting, self._taken
            taken = self._taken
            while taken and not self.ended.is_set():
                self._deliver(taken[0])
                # One at a time, so that nothing is kept alive for the sake of what came with it.
                taken.popleft()
            if self._is_due() and not self.ended.is_set():
                self._next_resync = self._clock.monotonic() + self.resync_period
                self._resync(self)

    def _deliver(self, notification: Notification[T]) -> None:
        if isinstance(notification, Synced):
            # No event: it is not counted.
            notification.signal.set()
            return
        self.busy_with = notification.key
        self.busy_since = self._clock.monotonic()
        try:
            notification.deliver(self.callbacks)
        except BaseException:  # noqa: BLE001  the handler is the user's, and even an exit must not lose the rest
            self.failed += 1
            # The user's filters of the log may raise, too.
            with suppress(Exception):
                _log.exception(
                    "handler %s failed on %s of %s; going on with the next event",
                    self.callbacks.name,
                    type(notification).__name__.lower(),
                    escaped(notification.key),
                )
        finally:
            self.delivered += 1
            self.busy_since = None
            self.busy_with = None

    def _is_due(self) -> bool:
        return self.resync_period > 0 and self._clock.monotonic() >= self._next_resync

    def _until_resync(self) -> float | None:
        return self._next_resync - self._clock.monotonic() if self.resync_period > 0 else None
