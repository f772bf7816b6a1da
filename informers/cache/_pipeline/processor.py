"""One queue and one thread for each handler, so that no handler delays another.

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
from informers._base.exceptions import report
from informers._base.forks import new_condition
from informers._base.signals import Signal
from informers._base.threads import start_thread
from informers.cache.handlers import Callbacks
from informers.cache.object_events import Added, Deleted, ObjectEvent, Updated
from informers.errors import escaped
from informers.objects import DeletedFinalStateUnknown
from informers.source.records import Record

__all__ = ["BEHIND", "Listener", "Notification", "RecordEvent", "deliver", "key_of"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")

#: Events that wait for a synced handler before a warning is logged; the next warning follows only after half are done.
BEHIND = 10_000


#: An event of an object, with records as its states.
RecordEvent: TypeAlias = ObjectEvent[Record[T]]
#: An event, or a signal to raise: then everything that existed at the beginning has been delivered.
Notification: TypeAlias = RecordEvent[T] | Signal


def key_of(event: RecordEvent[T]) -> str:
    """Return the key of the object."""
    if isinstance(event, Deleted):
        return event.key
    return event.new.key if isinstance(event, Updated) else event.obj.key


def deliver(event: RecordEvent[T], callbacks: Callbacks[T]) -> object:
    """Call a handler with the objects of an event; return what it returned."""
    if isinstance(event, Updated):
        if callbacks.on_update is None:
            return None
        new = event.new.object()
        old = new if event.old is event.new else _last_state(event.old, "its update is delivered as an add")
        if old is not None:
            return callbacks.on_update(old, new)
        return None if callbacks.on_add is None else callbacks.on_add(new, False)
    if isinstance(event, Added):
        return None if callbacks.on_add is None else callbacks.on_add(event.obj.object(), event.is_in_initial_list)
    if callbacks.on_delete is None:
        return None
    # A deletion must not be lost because its last state can't be made.
    obj = None if event.obj is None else _last_state(event.obj, "its deletion has no object")
    return callbacks.on_delete(DeletedFinalStateUnknown(event.key, obj) if event.is_tombstone or obj is None else obj)


def _last_state(record: Record[T], otherwise: str) -> T | None:
    """Return an object's last state; None, with a log line, if the user's code can't make it."""
    try:
        return record.object()
    except Exception:  # noqa: BLE001  the user's code may make the object
        with suppress(Exception):  # of the user's filters of the log
            _log.warning("%s can't be made as it was, so %s", escaped(record.key), otherwise, exc_info=True)
        return None


@final
@attrs.define(eq=False)
class _HandedOver(Generic[T]):
    """A `Delivery` that a listener has handed over."""

    listener: Listener[T]
    notification: RecordEvent[T]
    #: When the handler was called.
    since: float | None = None

    @property
    def key(self) -> str:
        """Key of the object."""
        return key_of(self.notification)

    def begin(self) -> object:
        """Call the handler; return what it returned."""
        self.since = self.listener.clock.monotonic()
        return deliver(self.notification, self.listener.callbacks)

    def finish(self, error: BaseException | None) -> None:
        """End the delivery; `error` is the handler's exception, if it raised one."""
        self.listener.finish(self, error)


@final
class Listener(Generic[T]):
    """A handler with its queue and its thread.

    If the handler runs elsewhere, for example as a coroutine on its loop, the thread hands events over and goes on.
    They count in the backlog until they are finished. The handler is synced when all events before the mark are
    finished.

    Args:
        callbacks: the handler.
        resync_period: seconds, plus up to a tenth at random, after which all objects are delivered again; 0 for never.
        resync: called for that in this listener's thread; it calls `push`.
        uniform: returns a random number between two, for the jitter of resyncs.

    Thread safety: all methods may be called from any thread; `push` neither waits nor calls users' code.
    """

    def __init__(
        self,
        callbacks: Callbacks[T],
        *,
        resync_period: float = 0.0,
        resync: Callable[[Listener[T]], None],
        uniform: Callable[[float, float], float] = lambda low, _high: low,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.callbacks = callbacks
        self.resync_period = resync_period
        self.synced: Signal = Signal(clock=clock)
        self._resync = resync
        self._uniform = uniform
        self.clock: Clock = clock
        self._condition = new_condition()
        self._waiting: deque[Notification[T]] = deque()
        #: Notifications that the thread has taken; the first is being delivered. Only the thread changes it.
        self._taken: deque[Notification[T]] = deque()
        #: Raised when nothing more will be delivered.
        self.ended: Signal = Signal(clock=clock)
        #: The thread that delivers, after the start.
        self.thread: threading.Thread | None = None
        self._next_resync = 0.0
        self._set_next_resync()
        self._is_behind = False
        #: Deliveries that have been handed over and are not finished.
        self._open: dict[_HandedOver[T], None] = {}
        #: Marks that have been reached, each with the deliveries that must be finished first.
        self._marks: list[tuple[Signal, set[_HandedOver[T]]]] = []
        self.delivered: int = 0
        self.failed: int = 0
        #: The event that is being delivered in the thread, and since when.
        self._busy: tuple[RecordEvent[T], float] | None = None

    def __repr__(self) -> str:
        return f"<Listener {self.callbacks.name} backlog={self.backlog}{' ended' if self.ended.is_set() else ''}>"

    @property
    def backlog(self) -> int:
        """Number of undelivered notifications, including the present one."""
        with self._condition:
            if self.ended.is_set():
                return int(self._busy is not None) + len(self._open)
            return len(self._waiting) + len(self._taken) + len(self._open) + len(self._marks)

    @property
    def busy(self) -> tuple[str, float] | None:
        """Key of the object that is being handled, and since when by the clock; the first of several."""
        with self._condition:
            begun = ((each.notification, each.since) for each in self._open if each.since is not None)
            first = min(begun, key=lambda busy: busy[1], default=self._busy)
        return first and (key_of(first[0]), first[1])

    def start(self, name: str) -> None:
        """Start to deliver, in a thread of this name; does nothing if started already or after `end`."""
        with self._condition:
            if self.thread is None and not self.ended.is_set():
                self._set_next_resync()
                self.thread = start_thread(name, self._run)

    def push(self, notifications: Sequence[Notification[T]]) -> None:
        """Append notifications; they are dropped after `end`."""
        with self._condition:
            if not self.ended.is_set() and notifications:
                self._waiting.extend(notifications)
                self._condition.notify_all()

    def report_backlog(self, resource: str) -> None:
        """Log once that the handler is too slow; under no lock, since log handlers may be users' code."""
        count = self.backlog
        if count < BEHIND // 2:
            self._is_behind = False
        elif count >= BEHIND and not self._is_behind and self.synced.is_set():
            self._is_behind = True
            with suppress(Exception):  # of the user's filters of the log
                _log.warning(
                    "handler %s of %s is behind: a backlog of %s events waits for it, in memory",
                    self.callbacks.name,
                    resource,
                    f"{count:,}",
                )

    def end(self) -> None:
        """Deliver nothing more: waiting events are dropped, the present call goes on to its end."""
        self.ended.set()
        with self._condition:
            self._waiting.clear()
            self._marks.clear()
            self._open = {delivery: None for delivery in self._open if delivery.since is not None}
            self._condition.notify_all()

    def finish(self, delivery: _HandedOver[T], error: BaseException | None) -> None:
        """Note that a delivery is finished."""
        synced: list[Signal] = []
        with self._condition:
            if self._open.pop(delivery, self) is self:
                return
            self.delivered += 1
            self.failed += error is not None
            for _, before in self._marks:
                before.discard(delivery)
            while self._marks and not self._marks[0][1]:
                synced.append(self._marks.pop(0)[0])
        if error is not None:
            self._report(delivery.notification, error)
        for signal in synced:
            signal.set()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self.ended.is_set() and not self._is_due():
                    self.clock.wait(self._condition, self._until_resync())
                if self.ended.is_set():
                    self._taken.clear()
                    return
                self._taken, self._waiting = self._waiting, self._taken
            taken = self._taken
            while taken and not self.ended.is_set():
                self._deliver(taken[0])
                # One at a time, so that delivered events are freed at once.
                taken.popleft()
            if self._is_due() and not self.ended.is_set():
                self._set_next_resync()
                self._resync(self)

    def _deliver(self, notification: Notification[T]) -> None:
        if isinstance(notification, Signal):
            # Not an event, so it is not counted.
            with self._condition:
                if self._open:
                    self._marks.append((notification, set(self._open)))
                    return
            notification.set()
            return
        if self.callbacks.hand_over is not None:
            delivery = _HandedOver(self, notification)
            with self._condition:
                self._open[delivery] = None
            self.callbacks.hand_over(delivery)
            return
        self._busy = notification, self.clock.monotonic()
        try:
            deliver(notification, self.callbacks)
        except BaseException as error:  # noqa: BLE001  users' code; even its exit must not lose the other events
            self.failed += 1
            self._report(notification, error)
        finally:
            self.delivered += 1
            self._busy = None

    def _report(self, event: RecordEvent[T], error: BaseException) -> None:
        name, kind, key = self.callbacks.name, type(event).__name__.lower(), escaped(key_of(event))
        report(_log, error, "handler %s failed on %s of %s; going on with the next event", name, kind, key)

    def _set_next_resync(self) -> None:
        # Jitter, so that handlers that started together do not always resync together.
        period = self.resync_period * self._uniform(1.0, 1.1) if self.resync_period else 0.0
        self._next_resync = self.clock.monotonic() + period

    def _is_due(self) -> bool:
        return self.resync_period > 0 and self.clock.monotonic() >= self._next_resync

    def _until_resync(self) -> float | None:
        return self._next_resync - self.clock.monotonic() if self.resync_period > 0 else None
