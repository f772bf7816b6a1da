"""Connections that another thread can break off at any time.

Otherwise a blocked read, a hanging TLS handshake or a slow name look-up would delay a stop by its own time limit. To
shut a socket down ends every operation on it. Operations without a socket, for example a name look-up or a hook for
credentials, run in a thread of their own, which can be abandoned.

Upstream: none; Go's contexts do this.
"""

from __future__ import annotations

import contextlib
import socket
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Generic, TypeVar, final

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_condition, on_fork
from informers._base.signals import Signal
from informers._base.threads import start_thread
from informers.errors import StoppedError

__all__ = ["Call", "Sockets"]

R = TypeVar("R")

#: Seconds without a byte after which the system probes the other side, seconds between probes, and the number of
#: unanswered probes after which the connection counts as broken: 75 seconds in all. If the server sends no bookmarks,
#: this distinguishes a dead watch from a quiet one.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 3}


@final
class Call(Generic[R]):
    """A call of a function in a thread of its own, since it can't be interrupted.

    Args:
        name: name of the thread.
        function: for example a name look-up, which ends when the operating system gives up.

    Attributes:
        done: set when the function has returned or raised.

    Thread safety: all methods may be called from any thread, also at the same time.
    """

    def __init__(self, name: str, function: Callable[[], R]) -> None:
        self.done = Signal()
        self._function = function
        self._results: list[R] = []
        self._error: BaseException | None = None
        start_thread(name, self._run)

    def _run(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:  # noqa: BLE001  raised again in the waiting thread
            self._error = error
        self.done.set()

    def result(self) -> R:
        """Return the function's result or raise its exception; `done` must be set."""
        if self._error is not None:
            raise self._error
        return self._results[0]

    def abandon(self, discard: Callable[[R], object]) -> None:
        """Pass the function's result to `discard` when it returns: nobody needs it any more."""
        self.done.add_callback(lambda: [discard(result) for result in self._results])


@final
class Sockets:
    """The open connections of one source.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._condition = new_condition()
        self._clock = clock
        self._closed = False
        #: A closed socket stays here until it is collected; to shut it down then does nothing.
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        on_fork(self._forked)

    def _forked(self, _parent: int) -> list[int]:
        """Give up the connections in a forked child: they are the parent's, which a shutdown would affect."""
        descriptors = [sock.fileno() for sock in list(self._open) if sock.fileno() >= 0]
        # The child may use a source that no process has used yet.
        self._closed = self._closed or bool(descriptors)
        self._open = weakref.WeakSet()
        return descriptors

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._closed

    def check_open(self) -> None:
        """Raise StoppedError if `close` has been called."""
        if self._closed:
            raise StoppedError("the source has been closed")

    def close(self) -> None:
        """Break off all present operations, and refuse new ones."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
            self._shut_down_locked()

    def break_off(self) -> None:
        """Break off operations on the present connections; later requests make new ones."""
        with self._condition:
            self._shut_down_locked()

    def _shut_down_locked(self) -> None:
        # Under the lock, like `closing`: the number of a closed socket may belong to another file by now.
        for sock in self._open:
            with contextlib.suppress(OSError):  # the other side may have been quicker
                # Not by SSLSocket's method, which first drops TLS: another thread could then send bytes unencrypted.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def add(self, sock: socket.socket) -> None:
        """Add a socket, for `close` to shut down.

        Raises:
            StoppedError: `close` has been called.
        """
        with self._condition:
            self.check_open()
            self._open.add(sock)

    def discard(self, sock: socket.socket) -> None:
        """Close a duplicate of a socket, whose connection goes on."""
        with self._condition:
            self._open.discard(sock)
            sock.close()

    @contextmanager
    def closing(self) -> Generator[None]:
        """Hold off `close` while the block closes a socket."""
        with self._condition:
            yield

    def wait(self, done: Signal, timeout: float) -> bool:
        """Wait for a signal; return whether it has been set within `timeout` seconds.

        Raises:
            StoppedError: `close` was called earlier.
        """

        def wake() -> None:
            with self._condition:
                self._condition.notify_all()

        deadline = self._clock.monotonic() + timeout
        withdraw = done.add_callback(wake)
        try:
            with self._condition:
                while not done.is_set() and not self._closed:
                    left = deadline - self._clock.monotonic()
                    if left <= 0:
                        return False
                    self._clock.wait(self._condition, left)
                self.check_open()
                return True
        finally:
            withdraw()

    def connect(self, make: Callable[[], socket.socket], *, timeout: float) -> tuple[socket.socket, socket.socket]:
        """Return the socket that `make` connects, and a duplicate that represents it here.

        Args:
            make: looks up the name and connects.
            timeout: seconds for both, however many addresses the name has.

        Raises:
            TimeoutError: it took longer.
            StoppedError: `close` was called meanwhile.
        """
        self.check_open()
        call = Call("connect", make)
        is_done = False
        try:
            is_done = self.wait(call.done, timeout)
        finally:
            if not is_done:
                call.abandon(socket.socket.close)
        if not is_done:
            raise TimeoutError(f"no connection within {timeout:g} s")
        made = call.result()
        duplicate: socket.socket | None = None
        try:
            _keep_alive(made)
            duplicate = made.dup()
            self.add(duplicate)
        except BaseException:
            made.close()
            if duplicate is not None:
                duplicate.close()
            raise
        return made, duplicate


def _keep_alive(made: socket.socket) -> None:
    """Let the system detect that the other side is gone; the client's own settings are kept."""
    if made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        return
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        # Systems differ in the options that they have.
        if (option := getattr(socket, name, None)) is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
