"""An HTTP server for a factory's health: what Kubernetes and Prometheus ask a controller for.

Upstream: sigs.k8s.io/controller-runtime/pkg/healthz and pkg/metrics/server.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, cast, final

import attrs
from typing_extensions import Self, override

from informers._base.forks import new_lock
from informers._base.threads import start_thread
from informers._factory.base import InformerFactory
from informers.errors import ConfigurationError, escaped

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

__all__ = ["ProbeServer"]

_log = logging.getLogger("informers.probes")

#: Seconds that a client may take to send its request.
_PATIENCE = 5.0
_TEXT = "text/plain; charset=utf-8"


@attrs.frozen
class _Answer:
    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT


@final
class ProbeServer:
    r"""Serves `/healthz`, `/readyz` and, with a registry, `/metrics`. Start it before the factory; stop it last.

    - `/healthz` is 200 while this process answers, and no handler has been at one event for `stuck_after` seconds. That
      the API server can't be reached does not make it fail: to start this program again would not help.
    - `/readyz` is 200 once every informer that has been asked for is synced, and until one is stopped. That a watch
      breaks later does not make it fail: the cache still answers, and no other replica would fare better.

    The body of both is `str(factory.health())`: a line for each informer, what is wrong, and when it is tried again.

    Args:
        factory: whose health is served.
        port: to listen at; 0 for any that is free.
        host: address to listen at. In a pod, where probes come from outside, give `""`: all addresses.
        registry: a `prometheus_client.CollectorRegistry` whose metrics are served; None for no `/metrics`.
        stuck_after: seconds; None for any time.

    Raises:
        ConfigurationError: an argument is wrong.

    Example:
        >>> from informers import SharedInformerFactory
        >>> from informers.testing import APIServer
        >>> from urllib.request import urlopen
        >>> with APIServer() as server:
        ...     factory = SharedInformerFactory(server.client())
        ...     with ProbeServer(factory, port=0) as probes:
        ...         urlopen(f"http://127.0.0.1:{probes.port}/readyz").read()
        b'no informers\n'

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        factory: InformerFactory,
        *,
        port: int,
        host: str = "127.0.0.1",
        registry: CollectorRegistry | None = None,
        stuck_after: float | None = None,
    ) -> None:
        if not isinstance(factory, InformerFactory):
            raise ConfigurationError(f"factory must be a factory of informers: got {type(factory).__name__}")
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
            raise ConfigurationError(f"port must be a number from 0 (any that is free) to 65535: got {port!r}")
        if stuck_after is not None and not stuck_after > 0:
            raise ConfigurationError(f"stuck_after must be seconds above zero, or None: got {stuck_after!r}")
        self._factory = factory
        self._registry = registry
        self._stuck_after = stuck_after
        self._address = (host, port)
        self._lock = new_lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<ProbeServer {self._address[0]}:{self._server.port if self._server else self._address[1]}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that it listens at.

        Raises:
            ConfigurationError: it does not run.
        """
        server = self._server
        if server is None:
            raise ConfigurationError("the probe server has no port before it is started")
        return server.port

    def start(self) -> None:
        """Listen. Does nothing if it does.

        Raises:
            OSError: the port is taken.
        """
        with self._lock:
            if self._server is None:
                self._server = _Server(self._address, self._answer)
                self._thread = start_thread("probes", self._server.serve)

    def stop(self) -> None:
        """Break all connections; returns when all threads have ended."""
        with self._lock:
            server, thread = self._server, self._thread
            self._server = self._thread = None
        if server is not None and thread is not None:
            server.end()
            thread.join()

    def _answer(self, path: str) -> _Answer:
        if path == "/healthz":
            return self._healthz()
        if path == "/readyz":
            return self._readyz()
        if path == "/metrics" and self._registry is not None:
            from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415  who has a registry has it

            return _Answer(HTTPStatus.OK, generate_latest(self._registry), CONTENT_TYPE_LATEST)
        return _Answer(HTTPStatus.NOT_FOUND, b"not found\n")

    def _healthz(self) -> _Answer:
        health = self._factory.health()
        limit = self._stuck_after
        stuck = [
            f"{informer.resource}: handler {handler.name} has been at {handler.busy_with} for {handler.busy_for:.0f} s"
            for informer in health.informers
            for handler in informer.handlers
            if limit is not None and handler.busy_for is not None and handler.busy_for > limit
        ]
        return _Answer(
            HTTPStatus.SERVICE_UNAVAILABLE if stuck else HTTPStatus.OK, "\n".join([*stuck, f"{health}\n"]).encode()
        )

    def _readyz(self) -> _Answer:
        health = self._factory.health()
        is_ready = health.is_synced and not any(informer.stopped for informer in health.informers)
        return _Answer(HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE, f"{health}\n".encode())


@final
class _Server(ThreadingHTTPServer):
    """Knows its connections, so that none outlives it."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], answer: Callable[[str], _Answer]) -> None:
        self.answer = answer
        self._lock = new_lock()
        self._open: set[socket.socket] = set()
        self._is_ending = False
        self._wakes, self._waker = socket.socketpair()
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            self._close_wakers()
            # Its own text says what is in use, but not where.
            raise OSError(error.errno, error.strerror, f"{address[0]}:{address[1]}") from error
        except BaseException:
            self._close_wakers()
            raise
        self.port: int = self.server_address[1]

    def serve(self) -> None:
        """Take connections until `end`; returns when all have been served."""
        # Not serve_forever, which looks only now and then whether it is to end.
        try:
            with selectors.DefaultSelector() as selector:
                for each in (self.socket, self._wakes):
                    selector.register(each, selectors.EVENT_READ)
                while not self._is_ending:
                    if any(key.fileobj is self.socket for key, _ in selector.select()):
                        self._accept()
        finally:
            self.server_close()
            self._close_wakers()

    def end(self) -> None:
        """Take no more connections, and break those that are open."""
        with self._lock:
            self._is_ending = True
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._waker.send(b"x")

    def _accept(self) -> None:
        try:
            connection, address = self.get_request()
        except OSError:
            return  # it is gone again
        with self._lock:
            self._open.add(connection)
            if self._is_ending:
                connection.shutdown(socket.SHUT_RDWR)
        self.process_request(connection, address)

    def _close_wakers(self) -> None:
        self._wakes.close()
        self._waker.close()

    @override
    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("a probe's connection broke", exc_info=True)


@final
class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    timeout: ClassVar[float | None] = _PATIENCE

    @override
    def version_string(self) -> str:
        return "informers"

    def do_GET(self) -> None:
        """Answer, with a body."""
        self._respond(has_body=True)

    def do_HEAD(self) -> None:
        """Answer, without."""
        self._respond(has_body=False)

    def _respond(self, *, has_body: bool) -> None:
        try:
            answer = cast("_Server", self.server).answer(self.path.partition("?")[0])
        except Exception:  # noqa: BLE001  a collector may be the user's
            _log.exception("%s can't be answered", escaped(self.path))
            answer = _Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"internal error, see the log\n")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if has_body:
            self.wfile.write(answer.body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        _log.debug("%s", escaped(format % args))
