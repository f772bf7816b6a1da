"""The life of an informer: whether it runs, its threads, and its end.

Upstream: k8s.io/client-go/tools/cache/shared_informer.go sharedIndexInformer.started and stopped (v0.37).
"""

from __future__ import annotations

import functools
import logging
import threading
import warnings
import weakref
from contextlib import suppress
from typing import Any, Generic, Protocol, final

import attrs
from typing_extensions import TypeVar

from informers._base.forks import new_lock
from informers._base.signals import Signal
from informers._base.threads import start_thread
from informers.cache._pipeline.cache_controller import CacheController
from informers.cache._pipeline.deltas import DeltaQueue
from informers.cache._pipeline.inlets import Reflectors
from informers.errors import ForkedError, StoppedError

__all__ = ["InformerParts", "Life", "Stoppable"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")


class Stoppable(Protocol):
    """An object with such a life: an informer."""

    def stop(self, timeout: float | None = None) -> bool:
        """Stop it."""
        ...


@final
@attrs.frozen(eq=False)
class InformerParts(Generic[T]):
    """The parts that an informer's threads work on, and that end with it."""

    controller: CacheController[T]
    reflectors: Reflectors[T]
    queue: DeltaQueue[T]
    stop: Signal

    def end(self) -> None:
        """End all threads, without waiting."""
        self.stop.set()
        for _, fed in self.reflectors:
            fed.reflector.stop()
            fed.ended.set()
        self.queue.close()
        for listener in self.controller.listeners:
            listener.end()


@final
class Life:
    """Whether an informer has been started, stopped, or inherited by a fork; and its threads.

    Attributes:
        lock: held while it is changed.
        started: whether it has been started.
        stopped: whether it has been stopped, or was inherited by a fork.
        inherited_from: id of the process that this one was forked from while it ran; None otherwise.
        threads: threads that may still run, including those of removed handlers and namespaces.
    """

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.lock: threading.Lock = new_lock()
        self.started: bool = False
        self.stopped: bool = False
        self.inherited_from: int | None = None
        self.threads: list[threading.Thread] = []
        #: At this number of threads, the ended ones are dropped.
        self._limit = 16
        #: Runs when the informer was started and is no longer referenced.
        self._finalizer: weakref.finalize[..., Stoppable] | None = None

    def check(self, before: str = "", *, advice: str = "") -> None:
        """Refuse a call after the end.

        Raises:
            StoppedError: it has been stopped.
            ForkedError: it belongs to the process that this one was forked from.
        """
        if self.inherited_from is not None:
            raise ForkedError(f"{before}the informer of {self.resource}", self.inherited_from)
        if self.stopped:
            raise StoppedError(f"{before}the informer of {self.resource} has been stopped{advice}")

    def begin(self, informer: Stoppable, parts: InformerParts[Any]) -> None:
        """Start the controller's thread. It must not reference the informer, which ends when nobody else does."""
        run = functools.partial(_control, weakref.ref(informer), parts)
        self.note(start_thread(f"controller-{self.resource}", run))
        self._finalizer = weakref.finalize(informer, _dropped, self.resource, parts.queue)
        self._finalizer.atexit = False

    def note(self, thread: threading.Thread) -> None:
        """Remember a started thread."""
        if len(self.threads) >= self._limit:
            self.threads = [other for other in self.threads if other.is_alive()]
            self._limit = max(16, 2 * len(self.threads))
        self.threads.append(thread)

    def end(self) -> None:
        """Note the end, under the lock."""
        self.stopped = True
        if self._finalizer is not None:
            self._finalizer.detach()

    def inherit(self, parent: int) -> bool:
        """Note in a forked child that the threads do not exist; return whether the informer ran."""
        if not self.threads or self.stopped:
            return False
        self.inherited_from = parent
        self.end()
        self.threads = []
        return True


def _control(informer: weakref.ref[Stoppable], parts: InformerParts[Any]) -> None:
    """Run the controller, then end the rest: after an unexpected error, the cache must not look alive."""
    try:
        parts.controller.run()
    finally:
        held = informer()
        if held is not None:
            held.stop()
        else:
            parts.end()


def _dropped(resource: str, queue: DeltaQueue[Any]) -> None:
    """End an informer that is no longer referenced; the garbage collector may call this in any thread."""
    # The controller ends the rest in its own thread, since that takes locks and calls back.
    queue.close()
    message = (
        f"the informer of {resource} ends, since nothing holds it or its factory any more, and it was not stopped: "
        "keep the factory while it is needed, and call its stop(), or use it in a with statement"
    )
    with suppress(Exception):  # of the user's filters of the log
        _log.warning(message)
    warnings.warn(message, ResourceWarning, stacklevel=2)
