"""HTTP/1.1 over a socket, as much as a Kubernetes client needs, and as wrong as a script wants it.

Bytes on the wire are the business of tests here: cut answers, silence, resets. That is why this is not `http.server`.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import final
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from informers._base.clock import Clock
from informers._base.forks import new_condition

__all__ = ["BODY_LIMIT", "BrokenConnectionError", "Exchange", "Request", "read_request"]

#: The real server compresses what is larger than this, for clients that ask.
_GZIP_FROM = 128 * 1024
#: Answers up to this size are sent in one piece.
_ONE_PIECE = 64 * 1024
_BATCH = 256 * 1024
_HEAD_LIMIT = 64 * 1024
#: Bytes of a body that the real server reads.
BODY_LIMIT = 3 * 1024 * 1024
#: Bytes that are read and thrown away, so that anyone who sends them gets to read the refusal.
_DISCARD_LIMIT = 64 * 1024 * 1024


class BrokenConnectionError(Exception):
    """The connection is of no use any more: the client has left, or a fault has cut it."""


@attrs.frozen
class Request:
    """A request.

    Attributes:
        method: for example `GET`.
        path: decoded, without query.
        query: the first value of each parameter.
        headers: names in small letters.
        body: as sent.
        is_too_large: the body was larger than the server takes, and has been thrown away.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    is_too_large: bool = False

    @property
    def wants_close(self) -> bool:
        """Return whether the connection ends with the answer."""
        return self.is_too_large or self.headers.get("connection", "").lower() == "close"


@final
class RequestReader:
    """Reads from a socket up to a mark or a length."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()

    def until(self, mark: bytes, limit: int) -> bytes | None:
        """Return what comes before `mark`, which is taken too; None if the client has nothing more to say."""
        start = 0
        while (at := self._buffer.find(mark, start)) < 0:
            start = max(0, len(self._buffer) - len(mark))
            if len(self._buffer) > limit:
                raise BrokenConnectionError(f"more than {limit} bytes without an end")
            if not self._fill():
                if self._buffer:
                    raise BrokenConnectionError("the client left in mid-request")
                return None
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return found

    def exactly(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        if length < 0:
            raise ValueError(f"a length of {length}")
        while len(self._buffer) < length:
            if not self._fill():
                raise BrokenConnectionError("the client left in mid-request")
        found = bytes(self._buffer[:length])
        del self._buffer[:length]
        return found

    def discard(self, length: int) -> None:
        """Throw the next `length` bytes away."""
        if not 0 <= length <= _DISCARD_LIMIT:
            raise BrokenConnectionError(f"a body of {length} bytes")
        while length:
            if not self._buffer and not self._fill():
                raise BrokenConnectionError("the client left in mid-request")
            taken = min(length, len(self._buffer))
            del self._buffer[:taken]
            length -= taken

    def _fill(self) -> bool:
        try:
            data = self._socket.recv(65536)
        except OSError:
            return False
        self._buffer += data
        return bool(data)


def read_request(reader: RequestReader, sock: socket.socket) -> Request | None:
    """Read the next request; None at the end of the connection.

    Raises:
        BrokenConnectionError: it is not a request, or the connection broke.
    """
    head = reader.until(b"\r\n\r\n", _HEAD_LIMIT)
    if head is None:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        raise BrokenConnectionError("no HTTP request")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("expect", "").lower() == "100-continue":
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    url = urlsplit(parts[1])
    query: dict[str, str] = {}
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        query.setdefault(name, value)
    body = _read_body(reader, headers)
    return Request(parts[0], unquote(url.path), query, headers, body or b"", is_too_large=body is None)


def _read_body(reader: RequestReader, headers: Mapping[str, str]) -> bytes | None:
    """Return a body, or None for one that is too large, which is thrown away."""
    try:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            length = int(headers.get("content-length", "0"))
            if length <= BODY_LIMIT:
                return reader.exactly(length)
            reader.discard(length)
            return None
        pieces: list[bytes] = []
        total = 0
        while size := int((reader.until(b"\r\n", _HEAD_LIMIT) or b"0").partition(b";")[0], 16):
            total += size
            if total <= BODY_LIMIT:
                pieces.append(reader.exactly(size))
            elif total <= _DISCARD_LIMIT:
                reader.discard(size)
            else:
                raise BrokenConnectionError(f"a body of more than {_DISCARD_LIMIT} bytes")
            reader.until(b"\r\n", _HEAD_LIMIT)
        reader.until(b"\r\n", _HEAD_LIMIT)
        return b"".join(pieces) if total <= BODY_LIMIT else None
    except ValueError as problem:
        raise BrokenConnectionError(f"a body of unclear length: {problem}") from problem


@final
class Exchange:
    """A request, and the answer to it.

    Args:
        request: the request.
        sock: where the answer goes.
        watch_for_end: calls back when the client closes the connection; returns a function that stops watching.

    Thread safety: one thread answers; `close` may be called from any thread.
    """

    def __init__(
        self,
        request: Request,
        sock: socket.socket,
        clock: Clock,
        watch_for_end: Callable[[Callable[[], None]], Callable[[], None]],
    ) -> None:
        self.request = request
        #: Called once, with the status, before anything is sent.
        self.on_status: Callable[[int], None] = lambda _: None
        #: Body bytes after which the answer stops; None for never.
        self.stops_after: int | None = None
        #: Whether it then hangs, rather than to be cut.
        self.hangs = False
        self._socket = sock
        self._clock = clock
        self._watch_for_end = watch_for_end
        self._condition = new_condition()
        self._is_closed = False
        self._end_callbacks: list[Callable[[], None]] = []
        self._is_started = False
        self._written = 0
        self._compressor: zlib._Compress | None = None

    @property
    def is_started(self) -> bool:
        """Return whether any of the answer has been sent."""
        return self._is_started

    def respond(self, status: int, parts: Iterable[bytes], *, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer, compressed if it is large and the client can read that.

        Raises:
            BrokenConnectionError: the client has left, or a fault has cut the answer.
        """
        pieces = list(parts)
        size = sum(map(len, pieces))
        is_head = self.request.method == "HEAD"
        if size <= _ONE_PIECE or is_head:
            # What comes behind the answer to a HEAD would be read as the next answer.
            body = b"" if is_head else b"".join(pieces)
            head = self._head(status, {"Content-Length": str(size), **(headers or {})})
            self.on_status(status)
            if self.stops_after is None:
                self._send(head + body)
            else:
                self._send(head)
                self._limited(body, self._send)
            return
        extra = dict(headers or {})
        if size > _GZIP_FROM and "gzip" in self.request.headers.get("accept-encoding", ""):
            extra |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            self._compressor = zlib.compressobj(1, wbits=31)
        self.start(status, extra)
        batch: list[bytes] = []
        length = 0
        for piece in pieces:
            batch.append(piece)
            length += len(piece)
            if length >= _BATCH:
                self.write(b"".join(batch))
                batch, length = [], 0
        self.write(b"".join(batch))
        self.end()

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer of unknown length: `write` its pieces, then `end` it."""
        self.on_status(status)
        self._send(self._head(status, {"Transfer-Encoding": "chunked", **headers}))

    def write(self, data: bytes) -> None:
        """Send a piece of the answer.

        Raises:
            BrokenConnectionError: the client has left, or a fault has cut the answer.
        """
        self._limited(data, self._write_chunk)

    def end(self) -> None:
        """End an answer that `start` began."""
        last = self._compressor.flush() if self._compressor else b""
        self._send((b"%x\r\n%b\r\n" % (len(last), last) if last else b"") + b"0\r\n\r\n")

    def reset(self) -> None:
        """Break the connection, so that the client sees an error.

        Raises:
            BrokenConnectionError: always, to end the exchange.
        """
        # To linger for no time makes close() send a reset.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise BrokenConnectionError("reset by a fault")

    def wait(self, seconds: float | None) -> None:
        """Wait, by the clock; None for ever.

        Raises:
            BrokenConnectionError: the client or the server has closed the connection meanwhile.
        """
        deadline = None if seconds is None else self._clock.monotonic() + seconds
        with self.noticing_the_end(self._notice), self._condition:
            while not self._is_closed:
                left = None if deadline is None else deadline - self._clock.monotonic()
                if left is not None and left <= 0:
                    return
                self._clock.wait(self._condition, left)
        raise BrokenConnectionError("closed while waiting")

    def _notice(self) -> None:
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    def close(self) -> None:
        """End all waiting: the connection is at its end."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
            callbacks = list(self._end_callbacks)
        for callback in callbacks:
            callback()

    @contextlib.contextmanager
    def noticing_the_end(self, callback: Callable[[], None]) -> Generator[None]:
        """Return a context in which `callback` is called when client or server close the connection."""
        with self._condition:
            self._end_callbacks.append(callback)
            is_closed = self._is_closed
        if is_closed:
            callback()
        cease = self._watch_for_end(callback)
        try:
            yield
        finally:
            cease()
            with self._condition:
                self._end_callbacks.remove(callback)

    def _limited(self, data: bytes, send: Callable[[bytes], None]) -> None:
        if self.stops_after is None or self._written + len(data) < self.stops_after:
            self._written += len(data)
            send(data)
            return
        rest = data[: self.stops_after - self._written]
        if rest:
            send(rest)
        if self.hangs:
            self.wait(None)
        self.reset()

    def _write_chunk(self, data: bytes) -> None:
        if self._compressor is not None:
            data = self._compressor.compress(data)
        if data:
            self._send(b"%x\r\n%b\r\n" % (len(data), data))

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
        shown = {
            "Cache-Control": "no-cache, private",
            "Content-Type": "application/json",
            "Date": formatdate(self._clock.time(), usegmt=True),
            **headers,
        }
        if self.request.wants_close:
            shown["Connection"] = "close"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in shown.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, data: bytes) -> None:
        self._is_started = True
        try:
            self._socket.sendall(data)
        except OSError as problem:
            raise BrokenConnectionError(f"the client has left: {problem}") from problem
