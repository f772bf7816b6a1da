"""The server's socket and its connections: one thread that accepts, one per connection.

The accepting thread also notices when a client leaves that is being sent nothing, for example one with a quiet watch.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable
from typing import final

from informers._base.clock import Clock
from informers._base.forks import new_lock, on_fork
from informers.errors import StoppedError
from informers.testing._http.exchange import Exchange
from informers.testing._http.request_reader import BrokenConnectionError, RequestReader, UnreadableRequestError

__all__ = ["HTTPListener"]

_logger = logging.getLogger("informers.testing")


@final
class _Connection:
    """A client's connection, and the thread that serves it."""

    def __init__(self, listener: HTTPListener, sock: socket.socket, number: int) -> None:
        self._listener = listener
        self.socket: socket.socket = sock
        self._exchange: Exchange | None = None
        self._is_closed = False
        self.thread: threading.Thread = threading.Thread(
            target=self._run, name=f"informers-testing-connection-{number}", daemon=True
        )

    def close(self) -> None:
        """Make the connection's thread end soon."""
        self._is_closed = True
        if self._exchange is not None:
            self._exchange.close()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            self._serve()
        except BrokenConnectionError as problem:
            _logger.debug("connection ended: %s", problem)
        except Exception:  # a bug in here must show, and must not hang the client
            _logger.exception("a request to the test server could not be answered")
        finally:
            self._listener.forget(self)
            self.socket.close()

    def _serve(self) -> None:
        listener, sock = self._listener, self.socket
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = RequestReader(sock)
        while not self._is_closed:
            try:
                request = reader.request()
            except UnreadableRequestError as problem:
                reader.refuse(problem.answer)
                return
            self._exchange = Exchange(
                request, sock, listener.clock, lambda callback: listener.watch_for_end(sock, callback)
            )
            if self._is_closed:
                return
            listener.serve(self._exchange)
            if request.is_too_large:
                reader.refuse()
            if request.wants_close:
                return


@final
class HTTPListener:
    """Listens on loopback, and serves each connection in a thread of its own.

    Args:
        serve: answers a request.
        port: to listen at; 0 for any that is free.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, serve: Callable[[Exchange], None], *, clock: Clock, port: int) -> None:
        self.serve = serve
        self.clock = clock
        self._lock = new_lock()
        self._connections: set[_Connection] = set()
        # Apart from the connections: a thread lives a little longer than its connection, and a stop waits for it.
        self._threads: list[threading.Thread] = []
        self._count = 0
        self._is_stopped = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)
        #: What the accepting thread is to do to its selector.
        self._orders: list[Callable[[selectors.BaseSelector], None]] = []
        self._socket: socket.socket | None = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="informers-testing-listener", daemon=True)
        self._thread.start()
        on_fork(self._forked)

    def stop(self) -> None:
        """End all connections and threads; returns when they have ended."""
        with self._lock:
            self._is_stopped = True
        self.pause()
        self._wake()
        self._thread.join()
        # No more threads will come, since the accepting one has ended.
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._wake_reader.close()
        self._wake_writer.close()

    def pause(self) -> None:
        """Accept nothing more and break all connections, as when the server is gone."""
        with self._lock:
            listening, self._socket = self._socket, None
        if listening is not None:
            self._order(lambda selector: _unregister(selector, listening))
            listening.close()
        self.close_connections()

    def resume(self) -> None:
        """Accept connections again, at the same port.

        Raises:
            StoppedError: the server has been stopped.
        """
        with self._lock:
            if self._is_stopped:
                raise StoppedError("this server has been stopped: make a new one")
            if self._socket is not None:
                return
            listening = self._socket = _listen(self.port)
        self._order(lambda selector: _register(selector, listening, None))

    def close_connections(self) -> None:
        """Break all connections."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    def forget(self, connection: _Connection) -> None:
        """Take a connection as ended; its thread does this."""
        with self._lock:
            self._connections.discard(connection)

    def watch_for_end(self, sock: socket.socket, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when the other side of a socket closes it; return a function that stops watching."""
        self._order(lambda selector: _register(selector, sock, callback))
        return lambda: self._order(lambda selector: _unregister(selector, sock))

    def _forked(self, _parent: int) -> list[int]:
        """Give up all sockets in a forked child: the server goes on in its parent alone."""
        sockets = [self._wake_reader, self._wake_writer, *(each.socket for each in self._connections)]
        sockets += [self._socket] if self._socket is not None else []
        self._is_stopped, self._socket, self._connections, self._threads = True, None, set(), []
        return [sock.fileno() for sock in sockets]

    def _order(self, order: Callable[[selectors.BaseSelector], None]) -> None:
        """Have the accepting thread do something to its selector; returns when it is done."""
        done = threading.Event()

        def run(selector: selectors.BaseSelector) -> None:
            try:
                order(selector)
            finally:
                done.set()

        with self._lock:
            if not self._thread.is_alive() or threading.current_thread() is self._thread:
                return
            self._orders.append(run)
        self._wake()
        while not done.wait(0.2):
            if not self._thread.is_alive():
                return

    def _wake(self) -> None:
        # A full pipe wakes as well as one more byte.
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"\0")

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ)
            _register(selector, self._socket, None)
            while True:
                with self._lock:
                    orders, self._orders = self._orders, []
                    is_stopped = self._is_stopped
                for order in orders:
                    order(selector)
                if is_stopped:
                    if orders:
                        continue  # more may have come meanwhile; their wake-up has been taken already
                    return
                for key, _ in selector.select():
                    self._ready(selector, key)

    def _ready(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        sock = key.fileobj
        assert isinstance(sock, socket.socket)
        if sock is self._wake_reader:
            sock.recv(4096)
        elif key.data is None:
            self._accept(sock)
        elif _has_ended(sock):
            selector.unregister(sock)
            key.data()
        else:
            # The client has sent its next request already: its end can't be seen behind that.
            selector.unregister(sock)

    def _accept(self, listening: socket.socket) -> None:
        try:
            sock, _ = listening.accept()
        except OSError:
            return
        with self._lock:
            if self._socket is not listening:
                sock.close()
                return
            self._count += 1
            connection = _Connection(self, sock, self._count)
            self._connections.add(connection)
        connection.thread.start()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(connection.thread)


def _listen(port: int) -> socket.socket:
    # Loopback only: this server asks nobody who they are.
    return socket.create_server(("127.0.0.1", port), backlog=512)


def _register(selector: selectors.BaseSelector, sock: socket.socket | None, data: Callable[[], None] | None) -> None:
    if sock is not None and sock.fileno() >= 0 and sock not in selector.get_map():
        selector.register(sock, selectors.EVENT_READ, data)


def _unregister(selector: selectors.BaseSelector, sock: socket.socket) -> None:
    # What was closed meanwhile is not registered any more.
    with contextlib.suppress(KeyError, ValueError):
        selector.unregister(sock)


def _has_ended(sock: socket.socket) -> bool:
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
