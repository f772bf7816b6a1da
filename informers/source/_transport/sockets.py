"""Connections that another thread can break off, at any moment of their life.

A blocked read, a hanging TLS handshake or a name look-up that does not end would otherwise hold up a stop for
as long as their own time limit. urllib3 hands out no socket before the answer has begun, so it is caught where it is
made: each is duplicated, and shutting the duplicate down ends whatever goes on over the original.

Upstream: none; Go's contexts do this.
"""

from __future__ import annotations

import contextlib
import copy
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, final

from informers._base.forks import new_condition, on_fork, renewed
from informers.errors import StoppedError

if TYPE_CHECKING:
    from urllib3 import PoolManager

__all__ = ["Sockets"]

R = TypeVar("R")

#: Seconds without a byte after which the system asks the other side whether it is there, seconds between two such
#: questions, and how many go without an answer before the connection counts as broken: 75 seconds in all. A watch on
#: which nothing happens is told from one that is dead by this, where the server sends no bookmarks.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 3}


@final
class Sockets:
    """The open connections of one source.

    Thread safety: `close` and `sweep` may be called from any thread; the rest belongs to the one that makes requests.
    """

    def __init__(self) -> None:
        self._condition = new_condition()
        self._closed = False
        #: A duplicate of each socket; False once its connection has been closed.
        self._open: dict[socket.socket, bool] = {}
        on_fork(self._forked)

    def _forked(self, _parent: int) -> list[int]:
        """In a forked child: the connections are the parent's, and shutting one down would be felt there."""
        # A source that no process has used yet may be used here.
        self._closed = self._closed or bool(self._open)
        duplicates, self._open = list(self._open), {}
        return [duplicate.fileno() for duplicate in duplicates]

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._closed

    def close(self) -> None:
        """Break off whatever goes on, and let nothing new begin."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
            duplicates = list(self._open)
        for duplicate in duplicates:
            with contextlib.suppress(OSError):  # the other side may have been quicker
                duplicate.shutdown(socket.SHUT_RDWR)

    def sweep(self) -> None:
        """Let go of the connections that have been closed.

        A connection that the server ends with its answer is closed by urllib3 while the answer is still being read:
        so this waits until its reader is done.
        """
        with self._condition:
            stale = [duplicate for duplicate, in_use in self._open.items() if not in_use]
            for duplicate in stale:
                del self._open[duplicate]
        for duplicate in stale:
            duplicate.close()

    def apart(self, name: str, make: Callable[[], R], *, discard: Callable[[R], object] | None = None) -> R:
        """Return what `make` returns, or raise what it raises.

        It runs in a thread of its own, since it can't be broken off: after `close` that thread is left alone.

        Args:
            name: of the thread.
            make: such as a name look-up, which ends when the operating system gives up.
            discard: gets what comes when nobody wants it any more.

        Raises:
            StoppedError: `close` was called meanwhile.
        """
        outcome: list[R] = []
        errors: list[BaseException] = []
        abandoned = threading.Event()

        def run() -> None:
            result: list[R] = []
            try:
                result.append(make())
            except BaseException as error:  # noqa: BLE001  raised again where it is waited for
                errors.append(error)
            with self._condition:
                if not abandoned.is_set():
                    outcome.extend(result)
                    self._condition.notify_all()
                    return
            if discard is not None and result:
                discard(result[0])

        if self.closed:
            raise StoppedError("the source has been closed")
        threading.Thread(target=run, name=f"informers-{name}", daemon=True).start()
        with self._condition:
            self._condition.wait_for(lambda: outcome or errors or self._closed)
            if not outcome and not errors:
                abandoned.set()
                raise StoppedError("the source has been closed")
        if errors:
            raise errors[0]
        return outcome[0]

    def connect(self, make: Callable[[], socket.socket]) -> tuple[socket.socket, socket.socket]:
        """Return the socket that `make` connects, and the duplicate that stands for it here.

        Raises:
            StoppedError: `close` was called meanwhile.
        """
        result = self.apart("connect", make, discard=socket.socket.close)
        try:
            _keep_alive(result)
            duplicate = result.dup()
        except OSError:
            result.close()
            raise
        with self._condition:
            closed = self._closed
            if not closed:
                self._open[duplicate] = True
        if closed:
            duplicate.close()
            result.close()
            raise StoppedError("the source has been closed")
        return result, duplicate

    def disconnect(self, duplicate: socket.socket) -> None:
        """Note that the connection has been closed; `sweep` lets go of it, which may have been for the last time."""
        with self._condition:
            if duplicate in self._open:
                self._open[duplicate] = False
        if self.closed:
            self.sweep()

    def pool_manager(self, template: PoolManager) -> PoolManager:
        """Return a pool manager with the settings of `template` (TLS, proxy, …) whose connections are kept here."""
        from urllib3._collections import RecentlyUsedContainer  # noqa: PLC0415  kubernetes is imported when first used

        manager = copy.copy(template)
        manager.pools = RecentlyUsedContainer(4)
        renewed(manager.pools.lock)
        manager.pool_classes_by_scheme = {
            scheme: _tracking_pool(pool_class, self) for scheme, pool_class in template.pool_classes_by_scheme.items()
        }
        return manager


def _keep_alive(made: socket.socket) -> None:
    """Have the system notice that the other side is gone; settings of the client's own stay."""
    if made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        return
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        # Systems differ in which they have.
        if (option := getattr(socket, name, None)) is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)


def _tracking_pool(pool_class: Any, sockets: Sockets) -> Any:
    """Return a subclass of a urllib3 connection pool whose connections `sockets` knows."""
    connection_class: Any = pool_class.ConnectionCls

    class TrackedConnection(connection_class):  # type: ignore[misc] # its base is known only at run time
        _duplicate: socket.socket | None = None

        def _new_conn(self) -> socket.socket:
            made, self._duplicate = sockets.connect(super()._new_conn)
            return made

        def close(self) -> None:
            super().close()
            if self._duplicate is not None:
                sockets.disconnect(self._duplicate)
                self._duplicate = None

    class TrackingPool(pool_class):  # type: ignore[misc] # its base is known only at run time
        ConnectionCls = TrackedConnection

        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            # It is taken once more when the process ends.
            renewed(self.pool.mutex)

    return TrackingPool
