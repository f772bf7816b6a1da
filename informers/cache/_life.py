"""The life of an informer: whether it runs, its threads, and its end.

Upstream: k8s.io/client-go/tools/cache/shared_informer.go sharedIndexInformer.started and stopped (v0.37).
"""

from __future__ import annotations

import logging
import threading
import warnings
import weakref
from contextlib import suppress
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers._base.forks import new_lock
from informers._base.signals import Signal
from informers._base.threads import start_thread
from informers.cache._pipeline.cache_controller import CacheController
from informers.cache._pipeline.deltas import DeltaQueue
from informers.cache._pipeline.inlets import Reflectors
from informers.errors import ForkedError, StoppedError

__all__ = ["Life"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")


@final
class Life(Generic[T]):
    """Whether an informer has been started, stopped, or inherited by a fork; and what ends with it.

    Attributes:
        resource: names the resource in messages; it may be changed.
        lock: held while it is changed.
        started: whether it has been started.
        stopped: whether it has been stopped, or was inherited by a fork.
        inherited_from: id of the process that this one was forked from while it ran; None otherwise.
        threads: threads that may still run, including those of removed handlers and namespaces.
    """

    def __init__(
        self,
        resource: str,
        *,
        controller: CacheController[T],
        reflectors: Reflectors[T],
        queue: DeltaQueue[T],
        stop: Signal,
    ) -> None:
        self.resource = resource
        self._controller = controller
        self._reflectors = reflectors
        self._queue = queue
        #: Raised after the end, not under the lock, since it calls back.
        self._stop = stop
        self.lock: threading.Lock = new_lock()
        self.started: bool = False
        self.stopped: bool = False
        self.inherited_from: int | None = None
        self.threads: list[threading.Thread] = []
        #: At this number of threads, the ended ones are dropped.
        self._limit = 16
        #: Runs when the informer was started and is no longer referenced.
        self._finalizer: weakref.finalize[..., Any] | None = None

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

    def begin(self, informer: object) -> None:
        """Start the controller's thread. It must not reference the informer, which ends when nobody else does."""
        self.note(start_thread(f"controller-{self.resource}", self._control))
        self._finalizer = weakref.finalize(informer, _dropped, self.resource, self._queue)
        self._finalizer.atexit = False

    def note(self, thread: threading.Thread) -> None:
        """Remember a started thread."""
        if len(self.threads) >= self._limit:
            self.threads = [other for other in self.threads if other.is_alive()]
            self._limit = max(16, 2 * len(self.threads))
        self.threads.append(thread)

    def end(self) -> None:
        """Note the end, and end all threads, without waiting."""
        with self.lock:
            self._end_locked()
        self._stop.set()
        for fed in self._reflectors:
            fed.reflector.stop()
            fed.ended.set()
        self._queue.close()
        for listener in self._controller.listeners:
            listener.end()

    def inherit(self, parent: int) -> bool:
        """Note in a forked child that the threads do not exist; return whether the informer ran."""
        if not self.threads or self.stopped:
            return False
        self.inherited_from = parent
        self._end_locked()
        self.threads = []
        return True

    def _end_locked(self) -> None:
        self.stopped = True
        if self._finalizer is not None:
            self._finalizer.detach()

    def _control(self) -> None:
        """Run the controller, then end the rest: after an unexpected error, the cache must not look alive."""
        try:
            self._controller.run()
        finally:
            self.end()


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
