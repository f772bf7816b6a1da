"""Connections that another thread can break off, at any moment of their life.

A blocked read, a hanging TLS handshake or a name look-up that does not end would otherwise hold up a stop for
as long as their own time limit. Shutting a socket down ends whatever goes on over it. What has no socket yet, a name
look-up or a hook for credentials, runs in a thread of its own, which can be left alone.

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

#: Seconds without a byte after which the system asks the other side whether it is there, seconds between two such
#: questions, and how many go without an answer before the connection counts as broken: 75 seconds in all. A watch on
#: which nothing happens is told from one that is dead by this, where the server sends no bookmarks.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 3}


@final
class Call(Generic[R]):
    """A call of a function in a thread of its own, since it can't be broken off.

    Args:
        name: of the thread.
        function: for example a name look-up, which ends when the operating system gives up.

    Attributes:
        done: set when the function has returned or raised.

    Thread safety: all methods may be called from any thread, by several at once.
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
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            self._error = error
        self.done.set()

    def result(self) -> R:
        """Return what the function returned, or raise what it raised; `done` must be set."""
        if self._error is not None:
            raise self._error
        return self._results[0]

    def abandon(self, discard: Callable[[R], object]) -> None:
        """Give `discard` what the function returns, whenever that is: nobody wants it any more."""
        self.done.add_callback(lambda: [discard(result) for result in self._results])


@final
class Sockets:
    """The open connections of one source.

    Args:
        clock: measures how long connecting takes.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._condition = new_condition()
        self._clock = clock
        self._closed = False
        #: A socket that is closed stays in here until it is collected, and shutting it down then does nothing.
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        on_fork(self._forked)

    def _forked(self, _parent: int) -> list[int]:
        """In a forked child: the connections are the parent's, and shutting one down would be felt there."""
        descriptors = [sock.fileno() for sock in list(self._open) if sock.fileno() >= 0]
        # A source that no process has used yet may be used here.
        self._closed = self._closed or bool(descriptors)
        self._open = weakref.WeakSet()
        return descriptors

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._closed

    def close(self) -> None:
        """Break off whatever goes on, and let nothing new begin."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
            self._shut_down_locked()

    def break_off(self) -> None:
        """Break off whatever goes on over the connections that stand; what begins later makes new ones."""
        with self._condition:
            self._shut_down_locked()

    def _shut_down_locked(self) -> None:
        # Under the lock, like `closing`: the number of a closed socket may be that of another file by now.
        for sock in self._open:
            with contextlib.suppress(OSError):  # the other side may have been quicker
                # Not SSLSocket's own, which first forgets its TLS: what another thread sends just then would go out
                # as it is.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def add(self, sock: socket.socket) -> None:
        """Take in a socket, to be shut down by `close`.

        Raises:
            StoppedError: `close` has been called.
        """
        with self._condition:
            if self._closed:
                raise StoppedError("the source has been closed")
            self._open.add(sock)

    def discard(self, sock: socket.socket) -> None:
        """Close a socket that stood for another, whose connection goes on."""
        with self._condition:
            self._open.discard(sock)
            sock.close()

    @contextmanager
    def closing(self) -> Generator[None]:
        """Hold back `close` while a socket is closed in the block."""
        with self._condition:
            yield

    def wait(self, done: Signal, timeout: float) -> bool:
        """Wait for a signal; return whether it has been set within `timeout` seconds.

        Raises:
            StoppedError: `close` was called before that.
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
                if self._closed:
                    raise StoppedError("the source has been closed")
                return True
        finally:
            withdraw()

    def connect(self, make: Callable[[], socket.socket], *, timeout: float) -> tuple[socket.socket, socket.socket]:
        """Return the socket that `make` connects, and a duplicate that stands for it here.

        Args:
            make: looks up the name and connects.
            timeout: seconds for both, however many addresses the name has.

        Raises:
            TimeoutError: it took longer.
            StoppedError: `close` was called meanwhile.
        """
        if self._closed:
            raise StoppedError("the source has been closed")
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
    """Have the system notice that the other side is gone; settings of the client's own stay."""
    if made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        return
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        # Systems differ in which they have.
        if (option := getattr(socket, name, None)) is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
