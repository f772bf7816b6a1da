"""Requests, with the limits of the real server.

Upstream: net/http.Server (Go 1.26).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from urllib.parse import parse_qs, unquote

import attrs

__all__ = ["BODY_LIMIT", "Request", "UnreadableRequestError", "read_request"]

#: The most bytes of a body.
BODY_LIMIT = 3 * 1024 * 1024
_LINE_LIMIT = 65536

_ABSOLUTE = re.compile(r"https?://([^/?]*)", re.IGNORECASE)


class UnreadableRequestError(Exception):
    """A request is invalid.

    Attributes:
        status: the status of the answer.
    """

    def __init__(self, why: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(why)
        self.status = status


@attrs.frozen
class Request:
    """A request.

    Attributes:
        method: for example `GET`.
        path: decoded, without query.
        query: the first value of each parameter.
        headers: by names in small letters.
        body: as sent; empty if it is too large.
        is_too_large: whether the body exceeds the limit; then it has not been read.
        is_old: whether the client speaks HTTP/1.0, which has no chunks.
        is_last: whether the connection ends with the answer.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    is_too_large: bool
    is_old: bool
    is_last: bool

    @property
    def media(self) -> str:
        """Return the media type of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()


def read_request(handler: BaseHTTPRequestHandler) -> Request:
    """Return the request whose head `handler` has parsed; reads its body.

    Raises:
        UnreadableRequestError: it is invalid.
        ConnectionError: the client has left.
    """
    headers = {name.lower(): value for name, value in handler.headers.items()}
    target, is_old = handler.path, handler.request_version == "HTTP/1.0"
    if absolute := _ABSOLUTE.match(target):
        headers["host"], target = absolute[1], target[absolute.end() :]
    if "host" not in headers and not is_old:
        raise UnreadableRequestError("missing required Host header")
    path, _, parameters = target.partition("?")
    query = {name: values[0] for name, values in parse_qs(parameters, keep_blank_values=True).items()}
    body = _body(headers, handler.rfile)
    is_too_large = body is None
    is_last = handler.close_connection or is_old or is_too_large
    return Request(handler.command, unquote(path), query, headers, body or b"", is_too_large, is_old, is_last)


def _body(headers: Mapping[str, str], file: BufferedIOBase) -> bytes | None:
    """Return a body, or None if it is too large."""
    encoding = headers.get("transfer-encoding", "").lower()
    if not encoding:
        length = _size(headers.get("content-length", "0"), 10)
        return _exactly(file, length) if length <= BODY_LIMIT else None
    if encoding != "chunked":
        raise UnreadableRequestError("unsupported transfer encoding", HTTPStatus.NOT_IMPLEMENTED)
    body = bytearray()
    while size := _size(file.readline(_LINE_LIMIT).decode("latin-1").partition(";")[0], 16):
        if len(body) + size > BODY_LIMIT:
            return None
        body += _exactly(file, size)
        if _exactly(file, 2) != b"\r\n":
            raise UnreadableRequestError("malformed chunk")
    while file.readline(_LINE_LIMIT).strip():
        pass  # trailers
    return bytes(body)


def _exactly(file: BufferedIOBase, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise ConnectionError("the client has left")
    return data


def _size(text: str, base: int) -> int:
    digits = text.strip()
    if not re.fullmatch(r"[0-9]{1,16}" if base == 10 else r"[0-9a-fA-F]{1,16}", digits):
        raise UnreadableRequestError("malformed length")
    return int(digits, base)
