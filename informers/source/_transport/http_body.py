"""Reads the body of an answer while it arrives: blocks, and lines.

A watch sends each event as a chunk and a line. To read them one by one would cost a system call, a lock and a thread
switch each; here one read takes all that has arrived, so a burst arrives in batches.

Upstream: k8s.io/apimachinery/pkg/util/framer and pkg/watch/streamwatcher.go (v0.37).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import TypeAlias, final

from informers._base.clock import Clock
from informers.errors import ConnectionLostError, DecodeError

__all__ = ["BLOCK", "Dechunker", "Line", "Lines", "decoded", "hastened", "lines_of"]

#: A line: bytes, and its start and end in them, without its line feed.
Line: TypeAlias = tuple[bytes, int, int]

#: Bytes to read at a time, so that a burst is passed on at once.
BLOCK = 1 << 18
#: Bytes to unpack at a time: a few compressed bytes may become very many, and a stop waits until one such block is
#: read.
_UNPACKED = 1 << 20
#: The longest trailer in bytes; API servers send none.
_TRAILER = 1 << 16
#: Bytes per second below which a finite answer is given up.
_LEAST_RATE = 50
#: The longest chunk frame in bytes that is waited for as a whole.
_FRAME = 20
#: A chunk's size, and extensions, which are ignored.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


@final
class Dechunker:
    """Removes the chunk frames from an HTTP/1.1 body (RFC 9112, section 7.1).

    Attributes:
        finished: whether the complete body has been seen, so that later bytes belong to another answer.
    """

    def __init__(self) -> None:
        self.finished: bool = False
        self._left = 0
        self._tail = b""
        self._ended_chunk = False
        self._trailer = -1

    @property
    def is_between_chunks(self) -> bool:
        """Whether the next byte on the wire is the first of a chunk's frame."""
        return not (self._left or self._ended_chunk or self._tail or self._trailer >= 0)

    @property
    def missing(self) -> int:
        """Bytes up to the end of the chunk under way; 0 where there is none, or its size is not known."""
        return self._left + 2 - len(self._tail) if self._left or self._ended_chunk else 0

    def feed(self, data: bytes) -> bytes:
        """Return the part of the body in `data`, the next bytes on the wire.

        Raises:
            DecodeError: the frames are invalid.
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
            if self._trailer >= 0:
                newline = data.find(b"\r\n", position)
                size = (end if newline < 0 else newline) - position
                if self._trailer + size > _TRAILER:
                    raise DecodeError("the answer's chunked framing is broken: its trailer does not end")
                if newline < 0:
                    break
                self._trailer += size
                self.finished = not size
                position = newline + 2
                continue
            head = _SIZE.match(data, position)
            if head is None:
                if data.find(b"\r\n", position) >= 0:
                    raise DecodeError("the answer's chunked framing is broken: a chunk has no size")
                if end - position > 4096:
                    raise DecodeError("the answer's chunked framing is broken: a chunk's size does not end")
                break
            position = head.end()
            self._left = int(head[1], 16)
            if not self._left:
                self._trailer = 0
        self._tail = data[position:]
        return parts[0] if len(parts) == 1 else b"".join(parts)


@final
class _Gunzipper:
    """Unpacks a gzip stream of one or several members (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=31)
        self._has_begun = False

    @property
    def is_cut_off(self) -> bool:
        """Whether the stream is incomplete; an empty one is not."""
        return self._has_begun and not self._unpacker.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the unpacked bytes in small blocks. Raises DecodeError if the input is not gzip."""
        while data or self._has_begun:
            if self._unpacker.eof:
                if not data:
                    return
                self._unpacker = zlib.decompressobj(wbits=31)
            self._has_begun = True
            try:
                body = self._unpacker.decompress(data, _UNPACKED)
            except zlib.error as error:
                raise DecodeError(f"the answer's compression is broken: {error}") from error
            yield body
            data = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
            # After a full block, the unpacker may hold more.
            if not data and len(body) < _UNPACKED:
                return


@final
class Lines:
    """Splits blocks into complete lines.

    A chunk that is exactly one line, as an API server sends it, is found in place: the short way. All other input has
    its frames removed, is joined and split: the long way, which defines the right result.

    Args:
        limit: the longest line in bytes.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._tail: list[bytes] = []
        self._tail_size = 0
        #: The beginning of a chunk, the number of missing bytes, and whether it includes a part of its line.
        self._held: list[bytes] = []
        self._missing = 0
        self._holds_line = False

    @property
    def has_begun_another(self) -> bool:
        """Whether an incomplete line has begun; white space at its beginning does not count."""
        return bool(self._tail) or self._holds_line

    def feed_chunks(self, data: bytes, dechunker: Dechunker) -> list[Line]:
        """Return the lines that `data`, the next bytes on the wire with chunk frames, completes.

        Raises:
            DecodeError: the frames are invalid, or a line exceeds the limit.
        """
        if self._held:
            self._held.append(data)
            self._missing -= len(data)
            if self._missing > 0 and b"\n" not in data:
                return []
            data = b"".join(self._held)
            self._held, self._holds_line = [], False
        found: list[Line] = []
        # What has left the short way comes back to it at the end of a chunk.
        position = dechunker.missing
        if 0 < position < len(data):
            found += self._split(dechunker.feed(data[:position]))
        else:
            position = 0
        if dechunker.is_between_chunks and not self._tail:
            position = self._find(data, position, found)
        if position < len(data):
            found += self._split(dechunker.feed(data[position:]))
        return found

    def _split(self, block: bytes) -> list[Line]:
        return [(line, 0, len(line)) for line in self.feed(block)]

    def _find(self, data: bytes, position: int, found: list[Line]) -> int:
        """Find chunks of exactly one line; return the place of the first other one. An incomplete chunk is held."""
        end, limit = len(data), self._limit
        while position < end:
            frame = _SIZE.match(data, position)
            if frame is None:
                if end - position > _FRAME or data.find(b"\n", position) >= 0:
                    return position
                self._hold(data[position:], 1, holds_line=False)
                return end
            begin = frame.end()
            stop = begin + int(frame[1], 16)
            if stop - begin - 1 > limit or (begin < end and not data.startswith(b"{", begin)):
                return position
            newline = data.find(b"\n", begin, stop)
            if stop > end and newline < 0:
                self._hold(data[position:], stop - end if begin < end else 1, holds_line=begin < end)
                return end
            if newline < 0 or newline != stop - 1 or not data.startswith(b"\r\n", stop):
                return position
            found.append((data, begin, newline))
            position = stop + 2
        return end

    def _hold(self, data: bytes, missing: int, *, holds_line: bool) -> None:
        self._held, self._missing, self._holds_line = [data], missing, holds_line

    def feed(self, block: bytes) -> list[bytes]:
        """Return the lines that `block` completes, without line feeds and without lines of white space.

        Proxies and aggregated API servers send such lines to keep a connection alive.

        Raises:
            DecodeError: a line exceeds the limit.
        """
        lines = block.split(b"\n")
        rest = lines.pop()
        if lines and self._tail:
            lines[0] = b"".join((*self._tail, lines[0]))
            self._tail = []
            self._tail_size = 0
        if rest and (self._tail or not rest.isspace()):
            self._tail.append(rest)
            self._tail_size += len(rest)
        if self._tail_size > self._limit or any(len(line) > self._limit for line in lines):
            raise DecodeError(f"the server sent a line of more than {self._limit} bytes; no object is that large")
        return [line for line in lines if line and not line.isspace()]


def decoded(blocks: Iterator[bytes], *, chunked: bool, gzipped: bool) -> Iterator[bytes]:
    """Yield the body in `blocks` from the wire; returns when it is complete.

    A block without bytes of the body yields an empty block, so that the reader can check the time although only frames
    drip.

    Raises:
        EOFError: the blocks ended before the body.
        DecodeError: framing or compression is invalid.
    """
    dechunker = Dechunker() if chunked else None
    gunzipper = _Gunzipper() if gzipped else None
    for block in blocks:
        body = block if dechunker is None else dechunker.feed(block)
        parts = iter((body,)) if gunzipper is None else gunzipper.feed(body)
        yield next(filter(None, parts), b"")
        yield from filter(None, parts)
        if dechunker is not None and dechunker.finished:
            break
    if (dechunker is not None and not dechunker.finished) or (gunzipper is not None and gunzipper.is_cut_off):
        raise EOFError


def lines_of(blocks: Iterator[bytes], lines: Lines, *, chunked: bool, gzipped: bool) -> Iterator[list[Line]]:
    """Yield the lines that each block from the wire completes; returns and raises like `decoded`."""
    if gzipped or not chunked:
        for body in decoded(blocks, chunked=chunked, gzipped=gzipped):
            yield [(line, 0, len(line)) for line in lines.feed(body)]
        return
    dechunker = Dechunker()
    for block in blocks:
        yield lines.feed_chunks(block, dechunker)
        if dechunker.finished:
            return
    raise EOFError


def hastened(blocks: Iterator[bytes], *, seconds: float, clock: Clock) -> Iterator[bytes]:
    """Yield the blocks of a finite answer; give it up if it is too slow to ever end.

    Args:
        blocks: of the body.
        seconds: period for the rate; an answer that takes less may be of any rate.
        clock: measures the period.

    Raises:
        ConnectionLostError: so few bytes arrive that no single read times out, but the answer hardly advances.
    """
    began, size = clock.monotonic(), 0
    for block in blocks:
        size += len(block)
        now = clock.monotonic()
        if now - began >= seconds:
            if size < _LEAST_RATE * (now - began):
                raise ConnectionLostError(f"an answer brought no more than {size} bytes in {now - began:.0f} s")
            began, size = now, 0
        yield block
