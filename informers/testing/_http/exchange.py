"""Answers over HTTP/1.1, complete or broken as a script of faults says.

Faults cut answers at a byte, keep silent, or reset the connection, so this is not `http.server`.
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
from informers._base.forks import new_condition
from informers.testing._http.request_reader import BrokenConnectionError, Request

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
        chunked = {} if self.request.is_old else {"Transfer-Encoding": "chunked"}
        self._send(self._head(status, {**chunked, **headers}))

    def write(self, data: bytes) -> None:
        """Send a piece of the answer.

        Raises:
            BrokenConnectionError: the client has left, or a fault has cut the answer.
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
        self._notice()
        with self._condition:
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
