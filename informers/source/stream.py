"""The body of an answer while it arrives: blocks, and lines.

A watch brings each event as a chunk and a line of its own. Reading them one by one would cost a system call, a lock
and a thread switch for each; here one read takes whatever has arrived, so a burst comes in batches.

Upstream: k8s.io/apimachinery/pkg/util/framer and pkg/watch/streamwatcher.go (v0.37).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import final

from informers.errors import DecodeError

__all__ = ["Dechunker", "Lines", "gunzip"]

#: Bytes asked for at a time: what a burst brings in one go is handed on in one go.
BLOCK = 1 << 18


@final
class Dechunker:
    """Takes the chunks' frames out of an HTTP/1.1 body (RFC 9112, section 7.1).

    Attributes:
        finished: whether the last chunk has been seen.
    """

    def __init__(self) -> None:
        self.finished: bool = False
        self._left = 0
        self._tail = b""
        self._ended_chunk = False

    def feed(self, data: bytes) -> bytes:
        """Return what `data`, the next bytes off the wire, holds of the body.

        Raises:
            DecodeError: the frames are broken.
        """
        if self._tail:
            data = self._tail + data
            self._tail = b""
        parts: list[bytes] = []
        position, end = 0, len(data)
        while position < end and not self.finished:
            if self._left:
                part = data[position : position + self._left]
                parts.append(part)
                position += len(part)
                self._left -= len(part)
                self._ended_chunk = not self._left
                continue
            if self._ended_chunk:
                if end - position < 2:
                    break
                if data[position : position + 2] != b"\r\n":
                    raise DecodeError("the answer's chunked framing is broken: a chunk does not end with CRLF")
                position += 2
                self._ended_chunk = False
            newline = data.find(b"\r\n", position)
            if newline < 0:
                if end - position > 4096:
                    raise DecodeError("the answer's chunked framing is broken: a chunk's size does not end")
                break
            try:
                size = int(data[position:newline].partition(b";")[0], 16)
            except ValueError:
                size = -1
            if size < 0:
                raise DecodeError("the answer's chunked framing is broken: a chunk has no size")
            position = newline + 2
            self._left = size
            self.finished = size == 0
        self._tail = data[position:]
        return parts[0] if len(parts) == 1 else b"".join(parts)


def gunzip() -> Callable[[bytes], bytes]:
    """Return a function that unpacks the next bytes of a gzip stream."""
    return zlib.decompressobj(wbits=31).decompress


@final
class Lines:
    """Splits blocks into complete lines.

    Args:
        limit: bytes that a line may have.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._tail: list[bytes] = []
        self._tail_size = 0

    @property
    def pending(self) -> int:
        """Bytes of a line that has not ended yet."""
        return self._tail_size

    def feed(self, block: bytes) -> list[bytes]:
        """Return the lines that `block` completes, without their line feeds; empty ones are left out.

        Raises:
            DecodeError: a line is longer than the limit.
        """
        lines = block.split(b"\n")
        rest = lines.pop()
        if lines and self._tail:
            lines[0] = b"".join((*self._tail, lines[0]))
            self._tail = []
            self._tail_size = 0
        if rest:
            self._tail.append(rest)
            self._tail_size += len(rest)
        if self._tail_size > self._limit or any(len(line) > self._limit for line in lines):
            raise DecodeError(f"the server sent a line of more than {self._limit} bytes; no object is that large")
        return [line for line in lines if line]


def decoded(blocks: Iterator[bytes], *, chunked: bool, gzipped: bool) -> Iterator[bytes]:
    """Yield the body that `blocks` off the wire hold; returns once it is complete.

    Raises:
        EOFError: the blocks ended before the body did.
        DecodeError: framing or compression is broken.
    """
    dechunker = Dechunker() if chunked else None
    unpack = gunzip() if gzipped else None
    for block in blocks:
        body = block if dechunker is None else dechunker.feed(block)
        if unpack is not None:
            try:
                body = unpack(body)
            except zlib.error as error:
                raise DecodeError(f"the answer's compression is broken: {error}") from error
        if body:
            yield body
        if dechunker is not None and dechunker.finished:
            return
    if dechunker is not None:
        raise EOFError
