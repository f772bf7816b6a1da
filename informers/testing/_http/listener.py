"""The server's socket and its connections: one thread that accepts, one per connection.

The accepting thread also notices if a client leaves while nothing is sent to it, for example one with a quiet watch.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable, Generator
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any, cast, final

import attrs
from typing_extensions import override

from informers._base.clock import Clock
from informers._base.forks import new_lock, on_fork
from informers._base.signals import Signal
from informers.testing._http.exchange import Exchange
from informers.testing._http.request_reader import UnreadableRequestError, read_request

__all__ = ["HTTPListener"]

_logger = logging.getLogger("informers.testing")

#: What a selector raises for a connection that is in it already or not any more, and once it is closed.
_UNSUITABLE = (KeyError, ValueError)


@final
@attrs.frozen(eq=False)
class _Connection:
    """A client's connection.

    Attributes:
        socket: the server's end of it.
        ended: set when it is closed, as far as that has been noticed.
    """

    socket: socket.socket
    ended: Signal

    def close(self) -> None:
        """Make its thread end soon."""
        # First: otherwise a watch could end in order, and the client's next request would come over this connection.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.ended.set()


@final
class HTTPListener:
    """Listens on loopback, and serves each connection in a thread of its own.

    Args:
        serve: answers a request.
        clock: for timestamps and waits.
        port: to listen at; 0 for any that is free.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, serve: Callable[[Exchange], None], *, clock: Clock, port: int) -> None:
        self.serve = serve
        self.clock = clock
        self.port = port
        #: Held by those who pause or resume, never by the other threads.
        self._turn = new_lock()
        self._is_accepting = False
        self._lock = new_lock()
        #: By their threads, including some that have ended.
        self._connections: dict[threading.Thread, _Connection] = {}
        self.resume()
        on_fork(self._forked)

    def stop(self) -> None:
        """End all connections and threads; returns when they have ended."""
        self.pause()
        for thread in self._connections:
            if thread is not threading.current_thread():
                thread.join()

    def pause(self) -> None:
        """Accept nothing more and break all connections, like a server that is gone."""
        with self._turn:
            self._is_accepting = False
            self._wake()
            self._thread.join()

    def resume(self) -> None:
        """Accept connections again, at the same port."""
        with self._turn:
            if self._is_accepting:
                return
            # Loopback only: there is no encryption.
            self._socket = socket.create_server(("127.0.0.1", self.port), backlog=512)
            self.port = self._socket.getsockname()[1]
            self._selector = selectors.DefaultSelector()
            self._woken, self._waker = socket.socketpair()
            self._waker.setblocking(False)
            self._is_accepting = True
            self._thread = threading.Thread(target=self._run, name="informers-testing-listener", daemon=True)
            self._thread.start()

    def close_connections(self) -> None:
        """Break all connections."""
        with self._lock:
            connections = list(self._connections.values())
        for connection in connections:
            connection.close()

    @contextlib.contextmanager
    def noticing_the_end(self, connection: _Connection) -> Generator[None]:
        """Return a context in which it is noticed when a client closes its connection."""
        with contextlib.suppress(*_UNSUITABLE):
            self._selector.register(connection.socket, selectors.EVENT_READ, partial(self._look_at, connection))
        # epoll and kqueue see what is registered while they wait, others only at their next wait.
        self._wake()
        try:
            yield
        finally:
            with self._lock, contextlib.suppress(*_UNSUITABLE):
                self._selector.unregister(connection.socket)

    def _forked(self, _parent: int) -> list[int]:
        """Give up all sockets in a forked child: the server continues in its parent alone."""
        sockets = [self._socket, self._woken, self._waker, *(each.socket for each in self._connections.values())]
        self._is_accepting, self._connections = False, {}
        return [sock.fileno() for sock in sockets]

    def _wake(self) -> None:
        # A full pipe wakes as well as one more byte.
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _run(self) -> None:
        with self._selector as selector, self._socket, self._woken, self._waker:
            selector.register(self._woken, selectors.EVENT_READ, partial(self._woken.recv, 4096))
            selector.register(self._socket, selectors.EVENT_READ, self._accept)
            while self._is_accepting:
                # Accepting fails if the client has left already; on Windows, selecting fails for a closed connection.
                with contextlib.suppress(OSError):
                    for key, _ in selector.select():
                        key.data()
            self._socket.close()
            self.close_connections()

    def _accept(self) -> None:
        sock, _ = self._socket.accept()
        connection = _Connection(sock, Signal(clock=self.clock))
        serve = partial(self._run_connection, connection)
        thread = threading.Thread(target=serve, name="informers-testing-connection", daemon=True)
        with self._lock:
            running = {thread: each for thread, each in self._connections.items() if thread.is_alive()}
            self._connections = {**running, thread: connection}
            thread.start()

    def _run_connection(self, connection: _Connection) -> None:
        with connection.socket:
            try:
                _RequestHandler(connection, self)
            except ConnectionError as problem:
                _logger.debug("connection ended: %s", problem)
            except Exception:  # a bug in here must show, and must not hang the client
                _logger.exception("a request to the test server could not be answered")

    def _look_at(self, connection: _Connection) -> None:
        sock = connection.socket
        with self._lock:
            # Once more, under the lock: its own thread may have read since. While it is registered, that does not read,
            # so looking does not block.
            if all(key.fileobj is not sock for key, _ in self._selector.select(0)):
                return
            # Once only: behind the client's next request its end can't be seen.
            self._selector.unregister(sock)
            try:
                has_left = not sock.recv(1, socket.MSG_PEEK)
            except OSError:
                has_left = True
        if has_left:
            connection.ended.set()


@final
class _RequestHandler(BaseHTTPRequestHandler):
    """Serves the requests of one connection, in its constructor."""

    protocol_version = "HTTP/1.1"
    #: Of a request that can't be read: an answer in HTTP/0.9 would have no status.
    default_request_version = protocol_version
    disable_nagle_algorithm = True
    error_message_format = "%(code)d %(message)s"
    error_content_type = "text/plain; charset=utf-8"

    def __init__(self, connection: _Connection, listener: HTTPListener) -> None:
        self._open = connection
        self._listener = listener
        super().__init__(connection.socket, None, cast("Any", None))

    @override
    def handle(self) -> None:
        super().handle()
        # What the client still sends is thrown away: closing earlier could destroy the answer.
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while not self._open.ended.is_set() and self.connection.recv(65536):
                pass

    def do_GET(self) -> None:
        """Answer a request."""
        try:
            request = read_request(self)
        except UnreadableRequestError as problem:
            self.send_error(problem.status, str(problem))
            return
        self.close_connection = request.is_last
        noticing = partial(self._listener.noticing_the_end, self._open)
        exchange = Exchange(request, self.connection, self._listener.clock, self._open.ended, noticing)
        self._listener.serve(exchange)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  http.server's names

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the server has a log of its own."""
