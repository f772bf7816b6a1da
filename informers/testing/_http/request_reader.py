"""Requests, read from a socket as Go's server reads them.

Upstream: net/http.Server and net/http/internal/chunked.go (Go 1.26).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from http import HTTPStatus
from typing import final
from urllib.parse import parse_qsl, unquote

import attrs

__all__ = ["BODY_LIMIT", "BrokenConnectionError", "Request", "RequestReader", "UnreadableRequestError"]

#: The real server reads as many bytes of a body, and of a request's head.
BODY_LIMIT = 3 * 1024 * 1024
_HEAD_LIMIT = 1024 * 1024
#: As many bytes are thrown away behind a refused request, so that a client that still sends can read the answer.
_DISCARD_LIMIT = 64 * 1024 * 1024

_FIRST_LINE = re.compile(r"([!-~]+) (\S+) HTTP/1\.([01])")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_ABSOLUTE = re.compile(r"https?://([^/?]*)", re.IGNORECASE)
_SIZES = {10: re.compile(r"[0-9]{1,16}"), 16: re.compile(r"[0-9a-fA-F]{1,16}")}


class BrokenConnectionError(Exception):
    """The connection is of no use any more: the client has left, or a fault has cut it."""


class UnreadableRequestError(Exception):
    """The client sent something that is not a request.

    Attributes:
        answer: what to send before the connection is closed.
    """

    def __init__(self, why: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(why)
        head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        said = f"{status.value} {status.phrase}"
        self.answer: bytes = f"HTTP/1.1 {said}\r\n{head}{said}: {why}".encode()


@attrs.frozen
class Request:
    """A request.

    Attributes:
        method: for example `GET`.
        path: decoded, without query.
        query: the first value of each parameter.
        headers: by names in small letters.
        body: as sent.
        is_too_large: whether the body is larger than the server takes; then it has not been read.
        is_old: whether the client speaks HTTP/1.0, which has no chunks.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    is_too_large: bool = False
    is_old: bool = False

    @property
    def media(self) -> str:
        """Return the media type of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def wants_close(self) -> bool:
        """Return whether the connection ends with the answer."""
        options = self.headers.get("connection", "").lower().split(",")
        return self.is_too_large or self.is_old or "close" in map(str.strip, options)


@final
class RequestReader:
    """Reads the requests of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()

    def request(self) -> Request:
        """Return the next request.

        Raises:
            UnreadableRequestError: it is not a request.
            BrokenConnectionError: the client has left.
        """
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        if (start := _FIRST_LINE.fullmatch(first)) is None:
            raise UnreadableRequestError("malformed request line")
        method, target, minor = start.groups()
        headers: dict[str, str] = {}
        for line in lines:
            if (header := _HEADER.fullmatch(line)) is None:
                raise UnreadableRequestError("malformed header")
            name, value = header[1].lower(), header[2]
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if absolute := _ABSOLUTE.match(target):
            headers["host"], target = absolute[1], target[absolute.end() :]
        path, _, parameters = target.partition("?")
        query: dict[str, str] = {}
        for name, value in parse_qsl(parameters, keep_blank_values=True):
            query.setdefault(name, value)
        if headers.get("expect", "").lower() == "100-continue":
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(headers)
        is_too_large = body is None
        return Request(method, unquote(path), query, headers, body or b"", is_too_large, is_old=minor == "0")

    def refuse(self, answer: bytes = b"") -> None:
        """Send an answer, and throw away what the client still sends: closing earlier could destroy the answer."""
        self._send(answer)
        try:
            self._socket.shutdown(socket.SHUT_WR)
            left = _DISCARD_LIMIT
            while left > 0 and (data := self._socket.recv(65536)):
                left -= len(data)
        except OSError as problem:
            raise BrokenConnectionError(str(problem)) from problem

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        """Return a body, or None if it is too large."""
        encoding = headers.get("transfer-encoding", "").lower()
        if not encoding:
            length = _size(headers.get("content-length", "0"), 10)
            return self._exactly(length) if length <= BODY_LIMIT else None
        if encoding != "chunked":
            raise UnreadableRequestError("unsupported transfer encoding", HTTPStatus.NOT_IMPLEMENTED)
        body = bytearray()
        while size := _size(self._until(b"\r\n").decode("latin-1").partition(";")[0].strip(), 16):
            if len(body) + size > BODY_LIMIT:
                return None
            body += self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise UnreadableRequestError("malformed chunk")
        while self._until(b"\r\n"):
            pass  # trailers
        return bytes(body)

    def _until(self, mark: bytes) -> bytes:
        """Return the bytes before `mark`, which is taken too."""
        start = 0
        while (at := self._buffer.find(mark, start)) < 0 and len(self._buffer) <= _HEAD_LIMIT:
            start = max(0, len(self._buffer) - len(mark))
            self._receive()
        if not 0 <= at <= _HEAD_LIMIT:
            raise UnreadableRequestError("too many bytes", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        found = self._exactly(at)
        del self._buffer[: len(mark)]
        return found

    def _exactly(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        while len(self._buffer) < length:
            self._receive()
        found = bytes(self._buffer[:length])
        del self._buffer[:length]
        return found

    def _receive(self) -> None:
        try:
            data = self._socket.recv(65536)
        except OSError as problem:
            raise BrokenConnectionError(str(problem)) from problem
        if not data:
            raise BrokenConnectionError("the client has left")
        self._buffer += data

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as problem:
            raise BrokenConnectionError(str(problem)) from problem


def _size(text: str, base: int) -> int:
    if not _SIZES[base].fullmatch(text):
        raise UnreadableRequestError("malformed length")
    return int(text, base)
