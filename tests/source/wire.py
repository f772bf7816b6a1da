"""A server on loopback that answers exactly what a test scripts, byte by byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["Connection", "Request", "Script", "WireServer", "answer", "breaks_off", "chunk", "client", "serving"]


@final
@attrs.frozen
class Request:
    """What a client asked for."""

    line: str
    headers: dict[str, str]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@final
class Connection:
    """One connection, as the server sees it."""

    def __init__(self, sock: socket.socket, server: WireServer) -> None:
        self._sock = sock
        self._server = server
        self._reader = sock.makefile("rb")

    def request(self) -> Request | None:
        """Read the next request; None where the client has gone."""
        lines: list[str] = []
        for raw in self._reader:
            text = raw.decode("latin-1").rstrip("\r\n")
            if not text:
                break
            lines.append(text)
        if not lines:
            return None
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        request = Request(lines[0], headers)
        self._server.note(request)
        return request

    @property
    def client_name(self) -> str:
        """The common name in the client's certificate; only with a TLS context that asks for one."""
        assert isinstance(self._sock, ssl.SSLSocket)
        subject: Any = (self._sock.getpeercert() or {})["subject"]
        return str(dict(pair[0] for pair in subject)["commonName"])

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def wait_for_end(self) -> None:
        """Say nothing more until the client goes."""
        with contextlib.suppress(OSError):
            while self._sock.recv(4096):
                pass

    def close(self) -> None:
        self._reader.close()
        self._sock.close()


#: What is done with a connection; it is closed behind that.
Script: TypeAlias = Callable[[Connection], object]


@final
class WireServer:
    """Serves each connection by the next script, and those behind the last by the last."""

    def __init__(self, *scripts: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._host = f"[{host}]" if ":" in host else host
        self._condition = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self.port: int = self._listener.getsockname()[1]
        #: Every request so far.
        self.requests: list[Request] = []
        #: How many connections there have been.
        self.connections = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    def note(self, request: Request) -> None:
        with self._condition:
            self.requests.append(request)
            self._condition.notify_all()

    def wait_for(self, *, requests: int = 0, connections: int = 0) -> None:
        with self._condition:
            assert self._condition.wait_for(
                lambda: len(self.requests) >= requests and self.connections >= connections, 10
            ), (self.requests, self.connections)

    def run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._condition:
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                self._open.add(sock)
                self._condition.notify_all()
            thread = threading.Thread(target=self._serve, args=(sock, script), name="wire-connection")
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, script: Script) -> None:
        with contextlib.suppress(OSError):
            made = sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True)
            with self._condition:
                self._open.discard(sock)
                self._open.add(made)
            connection = Connection(made, self)
            try:
                with contextlib.suppress(OSError):
                    script(connection)
            finally:
                with self._condition:
                    self._open.discard(made)
                connection.close()
        sock.close()

    def refuse(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def close(self) -> None:
        """End every connection; to be called when no more can come."""
        with self._condition:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


@contextmanager
def serving(*scripts: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[WireServer]:
    """Run a server."""
    server = WireServer(*scripts, host=host, tls=tls)
    thread = threading.Thread(target=server.run, name="wire-server")
    thread.start()
    try:
        yield server
    finally:
        server.refuse()
        thread.join(10)
        server.close()


def client(url: str) -> ApiClient:
    """Return a client of the official kind."""
    from kubernetes.client import ApiClient, Configuration

    return ApiClient(Configuration(host=url))


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@contextmanager
def breaks_off(stop: Callable[[], object], *, once: Callable[[], object], seconds: float = 1.0) -> Iterator[None]:
    """Call `stop` in another thread when `once` has returned; the block must then end within a second."""
    stopped: list[float] = []

    def run() -> None:
        once()
        stopped.append(time.monotonic())
        stop()

    thread = threading.Thread(target=run, name="stopper")
    thread.start()
    try:
        yield
        ended = time.monotonic()
    finally:
        thread.join(10)
    assert stopped, "it ended before it was stopped"
    assert ended - stopped[0] < seconds
