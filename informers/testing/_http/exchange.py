"""Answers over HTTP/1.1, complete or broken as a script of faults says.

Faults cut answers at a byte, keep silent, or reset the connection, so answers are written to the socket here.
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

from informers._base.clock import Clock
from informers._base.signals import Signal
from informers.testing._http.request_reader import Request

__all__ = ["Exchange"]

#: The real server compresses what is larger than this, for clients that ask.
_GZIP_FROM = 128 * 1024
#: Answers up to this size are sent in one piece.
_ONE_PIECE = 64 * 1024
_BATCH = 256 * 1024


@final
class Exchange:
    """A request, and the answer to it.

    Args:
        request: the request.
        sock: where the answer goes.
        clock: for dates and waits.
        ended: set when the server closes the connection.
        noticing: makes a context in which `ended` is also set when the client closes the connection.
    """

    def __init__(
        self,
        request: Request,
        sock: socket.socket,
        clock: Clock,
        ended: Signal,
        noticing: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        self.request = request
        #: Called once, with the status, before anything is sent.
        self.on_status: Callable[[int], None] = lambda _: None
        #: Body bytes after which the answer stops; None for never.
        self.stops_after: int | None = None
        #: Whether it then hangs; otherwise it is cut.
        self.hangs = False
        self._socket = sock
        self._clock = clock
        self._ended = ended
        self._noticing = noticing
        #: Whether any of the answer has been sent.
        self.is_started = False
        self._written = 0
        self._compressor: zlib._Compress | None = None

    def respond(self, status: int, parts: Iterable[bytes], *, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer, compressed if it is large and the client can read that.

        Raises:
            ConnectionError: the client has left, or a fault has cut the answer.
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
        chunked = {} if self.request.is_old else {"Transfer-Encoding": "chunked"}
        self._send(self._head(status, {**chunked, **headers}))

    def write(self, data: bytes) -> None:
        """Send a piece of the answer.

        Raises:
            ConnectionError: the client has left, or a fault has cut the answer.
        """
        self._limited(data, self._write_chunk)

    def end(self) -> None:
        """End an answer that `start` began."""
        if self._compressor is not None:
            self._send(self._chunk(self._compressor.flush()))
        self._send(self._chunk(b""))

    def reset(self) -> None:
        """Break the connection, so that the client sees an error.

        Raises:
            ConnectionError: always, to end the exchange.
        """
        # To linger for no time makes close() send a reset.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionError("reset by a fault")

    def wait(self, seconds: float | None) -> None:
        """Wait, by the clock; None for ever.

        Raises:
            ConnectionError: the client or the server has closed the connection meanwhile.
        """
        with self._noticing():
            if self._ended.wait(seconds):
                raise ConnectionError("closed while waiting")

    @contextlib.contextmanager
    def noticing_the_end(self, callback: Callable[[], None]) -> Generator[None]:
        """Return a context in which `callback` is called when client or server close the connection."""
        withdraw = self._ended.add_callback(callback)
        try:
            with self._noticing():
                yield
        finally:
            withdraw()

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
            self._send(self._chunk(data))

    def _chunk(self, data: bytes) -> bytes:
        return data if self.request.is_old else b"%x\r\n%b\r\n" % (len(data), data)

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
        shown = {
            "Cache-Control": "no-cache, private",
            "Content-Type": "application/json",
            "Date": formatdate(self._clock.time(), usegmt=True),
            **headers,
        }
        if self.request.is_last:
            shown["Connection"] = "close"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in shown.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, data: bytes) -> None:
        self.is_started = True
        self._socket.sendall(data)
