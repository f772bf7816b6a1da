"""The registration of a handler that has been added.

Upstream: k8s.io/client-go/tools/cache/shared_informer.go ResourceEventHandlerRegistration (v0.37).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers._base.checks import check_timeout
from informers._base.forks import OfOneProcess
from informers._base.signals import Signal
from informers._base.threads import join_all
from informers.cache._pipeline.processor import Listener
from informers.cache.sync import PartProgress, Syncable
from informers.errors import escaped

__all__ = ["Registration"]

T = TypeVar("T", default=Any)


@final
class Registration(OfOneProcess, Generic[T]):
    """A handler in an informer: tells how far it is, and removes it.

    Thread safety: may be used from any thread.
    """

    def __init__(self, listener: Listener[T], informer: Any) -> None:
        self._listener = listener
        self._informer = informer

    def __repr__(self) -> str:
        return f"<Registration of {self.name}, backlog {self._listener.backlog}>"

    @property
    def name(self) -> str:
        """The handler and its resource."""
        return f"handler {self._listener.callbacks.name} of {self._informer.name}"

    @property
    def has_synced(self) -> bool:
        """Whether the handler has received everything that existed when it was added; stays true."""
        return self._listener.synced.is_set()

    @property
    def synced(self) -> Signal:
        """Raised when `has_synced` becomes true."""
        return self._listener.synced

    @property
    def ended(self) -> Signal:
        """Raised when the handler has been removed, or its informer stopped: it receives nothing more."""
        return self._listener.ended

    @property
    def backlog(self) -> int:
        """Number of unfinished events."""
        return self._listener.backlog

    @property
    def _waiting(self) -> int:
        # The last waiting notification is the mark after which the handler is synced, not an event.
        return max(0, self.backlog - 1)

    @property
    def parts(self) -> Sequence[Syncable]:
        """None: it has no further parts to wait for."""
        return ()

    def why_not_synced(self) -> str:
        """Return in words what delays it; empty if it is synced."""
        if self.has_synced:
            return ""
        if self._listener.ended.is_set():
            return "removed, or its informer stopped, before it was synced"
        waiting, busy = self._waiting, self._listener.busy
        return self._informer.why_not_synced() or (
            f"{waiting} event{'s' * (waiting != 1)} still to be delivered"
            + (f", the handler is busy with {escaped(busy[0])}" if busy else "")
        )

    def sync_progress(self) -> PartProgress:
        """Return how many of the objects that existed when it was added the handler has received."""
        listener = self._listener
        told = listener.delivered
        if self.has_synced:
            return PartProgress(name=self.name, objects=told, total=told, synced=True)
        part: PartProgress = self._informer.sync_progress()
        total = told + self._waiting if part.synced else part.total
        return PartProgress(name=self.name, objects=told, total=total, synced=False)

    def remove(self) -> None:
        """Remove the handler, as `SharedInformer.remove_event_handler` does."""
        self._informer.remove_event_handler(self)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until a removed handler's last call has returned; return whether it has.

        Args:
            timeout: seconds to wait at most; None for as long as it takes. In a handler there is no wait.

        Raises:
            ConfigurationError: `timeout` is invalid.
        """
        check_timeout(timeout)
        thread = self._listener.thread
        return thread is None or join_all([thread], timeout=timeout)
