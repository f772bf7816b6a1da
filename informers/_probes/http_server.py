"""The standard library's HTTP server, with limits on clients, threads and descriptors.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/httpserver.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import socket
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar, cast, final

import attrs
from typing_extensions import override

from informers._base.clock import SYSTEM_CLOCK
from informers._base.exceptions import report
from informers._base.forks import new_lock
from informers._base.signals import Signal
from informers._base.threads import start_thread
from informers.errors import escaped

__all__ = ["LOOK", "ProbeAnswer", "ProbeHTTPServer"]

_log = logging.getLogger("informers.probes")

#: Seconds for a client to send its request, and to read the answer.
_PATIENCE = 5.0
#: Connections at a time. Another one ends the oldest without a request; at twice as many, it is refused.
_MOST = 16
#: Seconds between two checks of the serving thread for its end and for slow clients.
LOOK = 0.05
#: Seconds until the next try if the system has no descriptor or memory for a connection.
_PAUSE = 0.2
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@attrs.frozen
class ProbeAnswer:
    """The answer to a request."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


@final
class ProbeHTTPServer(socketserver.ThreadingMixIn, HTTPServer):
    """Keeps track of its connections and threads, so that none outlives it and no slow client blocks it."""

    request_queue_size = 64
    # On Windows a second server could use the same port, too.
    allow_reuse_address = os.name != "nt"
    allow_reuse_port = False

    def __init__(self, host: str, port: int, answer: Callable[[str], ProbeAnswer]) -> None:
        self.answer = answer
        #: Threads of connections, including some that have ended.
        self.threads: list[threading.Thread] = []
        self._lock = new_lock()
        self._ending = Signal()
        self._open: set[socket.socket] = set()
        #: Connections without a request yet, with the end of their time; the oldest first.
        self._reading: dict[socket.socket, float] = {}
        self._is_dual = host in {"", "::"} and socket.has_dualstack_ipv6()
        self.address_family, address = (socket.AF_INET6, "::") if self._is_dual else _resolved(host)
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            # The error's own text does not name the address.
            raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
        self.port: int = self.server_address[1]

    @override
    def server_bind(self) -> None:
        if self._is_dual:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Not HTTPServer's method, which looks up the host's name: that may take long, and is not needed.
        socketserver.TCPServer.server_bind(self)

    def end(self) -> None:
        """Accept no more connections, and break the open ones."""
        self._ending.set()
        with self._lock:
            for connection in self._open:
                _break(connection)

    def descriptors(self) -> list[int]:
        """Return the descriptors of all sockets; takes no lock."""
        return [self.fileno(), *(connection.fileno() for connection in list(self._open))]

    def has_asked(self, connection: socket.socket) -> None:
        """Note that a client has sent its request."""
        with self._lock:
            self._reading.pop(connection, None)

    @override
    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                # The connection still waits, so without a pause the next try would fail at once.
                self._ending.wait(_PAUSE)
            raise

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if self._ending.is_set() or len(self._open) >= 2 * _MOST:
                raise ConnectionRefusedError("too many connections")
            if len(self._open) >= _MOST and self._reading:
                oldest = next(iter(self._reading))
                del self._reading[oldest]
                _break(oldest)
            self._open.add(request)
            self._reading[request] = SYSTEM_CLOCK.monotonic() + _PATIENCE
            self.threads = [thread for thread in self.threads if thread.is_alive()]
            # If the system has no thread left, the error ends only this connection.
            serve = functools.partial(self.process_request_thread, request, client_address)
            self.threads.append(start_thread("probe", serve))

    @override
    def service_actions(self) -> None:
        now = SYSTEM_CLOCK.monotonic()
        with self._lock:
            while self._reading:
                oldest, end = next(iter(self._reading.items()))
                if now < end:
                    return
                del self._reading[oldest]
                _break(oldest)

    @override
    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
            self._reading.pop(request, None)
        super().shutdown_request(request)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("a probe's connection broke", exc_info=True)


def _resolved(host: str) -> tuple[socket.AddressFamily, str]:
    """Return the family and number of an address; IPv4 for a name that has both."""
    if host == "":
        return socket.AF_INET, ""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, str(address[0])


def _break(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@final
class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    timeout: ClassVar[float | None] = _PATIENCE

    @override
    def version_string(self) -> str:
        return "informers"

    def do_GET(self) -> None:
        """Answer with a body."""
        self._respond(has_body=True)

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self._respond(has_body=False)

    def _respond(self, *, has_body: bool) -> None:
        server = cast("ProbeHTTPServer", self.server)
        server.has_asked(self.connection)
        try:
            answer = server.answer(self.path.partition("?")[0])
        except Exception as error:  # noqa: BLE001  the user's collector may raise anything
            # Only the known paths can fail.
            report(_log, error, "%s can't be answered", self.path.partition("?")[0])
            answer = ProbeAnswer(HTTPStatus.INTERNAL_SERVER_ERROR, b"internal error, see the log\n")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if has_body:
            self.wfile.write(answer.body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        _log.debug("%s", escaped(format % args))
