"""The body of an answer while it arrives: blocks, and lines.

A watch brings each event as a chunk and a line of its own. Reading them one by one would cost a system call, a lock
and a thread switch for each; here one read takes whatever has arrived, so a burst comes in batches.

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

#: A line: bytes, and where in them it begins and ends, without its line feed.
Line: TypeAlias = tuple[bytes, int, int]

#: Bytes asked for at a time: what a burst brings in one go is handed on in one go.
BLOCK = 1 << 18
#: Bytes that compressed ones may become at a time: a few of them can stand for very many, and a stop waits for one such
#: block to be read.
_UNPACKED = 1 << 20
#: Bytes that a trailer may have; API servers send none.
_TRAILER = 1 << 16
#: Bytes in a second below which an answer that is to come to an end will not.
_LEAST_RATE = 50
#: Bytes that a chunk's frame has at most where it is waited for whole.
_FRAME = 20
#: A chunk's size, and extensions that nobody uses.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


@final
class Dechunker:
    """Takes the chunks' frames out of an HTTP/1.1 body (RFC 9112, section 7.1).

    Attributes:
        finished: whether the body has been seen to its very end, so that what follows belongs to another answer.
    """

    def __init__(self) -> None:
        self.finished: bool = False
        self._left = 0
        self._tail = b""
        self._ended_chunk = False
        self._trailer = -1

    @property
    def is_between_chunks(self) -> bool:
        """Whether the next byte off the wire is the first of a chunk's frame."""
        return not (self._left or self._ended_chunk or self._tail or self._trailer >= 0)

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
    """Unpacks a gzip stream: one member or several, one behind the other (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=31)
        self._has_begun = False

    @property
    def is_cut_off(self) -> bool:
        """Whether more would have to come; not if there was nothing at all."""
        return self._has_begun and not self._unpacker.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes hold, never much at a time. Raises DecodeError where they are not gzip."""
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
            # A block that is full may have left something inside of the unpacker, too.
            if not data and len(body) < _UNPACKED:
                return


@final
class Lines:
    """Splits blocks into complete lines.

    A chunk that is one line, as an API server sends it, is found where it lies: the short way. Anything else has its
    frames taken out, is joined and split: the long way, which defines the right result.

    Args:
        limit: bytes that a line may have.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._tail: list[bytes] = []
        self._tail_size = 0
        #: The beginning of a chunk, how many bytes it lacks, and whether some of its line are there.
        self._held: list[bytes] = []
        self._missing = 0
        self._holds_line = False

    @property
    def has_begun_another(self) -> bool:
        """Whether a line has begun that has not ended; white space at its beginning means nothing."""
        return bool(self._tail) or self._holds_line

    def feed_chunks(self, data: bytes, dechunker: Dechunker) -> list[Line]:
        """Return the lines that are completed by `data`, the next bytes off the wire, in chunks.

        Raises:
            DecodeError: the frames are broken, or a line is longer than the limit.
        """
        if self._held:
            self._held.append(data)
            self._missing -= len(data)
            if self._missing > 0 and b"\n" not in data:
                return []
            data = b"".join(self._held)
            self._held, self._holds_line = [], False
        found: list[Line] = []
        position = self._find(data, found) if dechunker.is_between_chunks and not self._tail else 0
        if position < len(data):
            found += [(line, 0, len(line)) for line in self.feed(dechunker.feed(data[position:]))]
        return found

    def _find(self, data: bytes, found: list[Line]) -> int:
        """Find chunks that are one line each; return the place of the first that is not. One cut off is held."""
        position, end, limit = 0, len(data), self._limit
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
        """Return the lines that `block` completes, without their line feeds; those of white space are left out.

        Proxies and aggregated API servers send them to keep a connection alive.

        Raises:
            DecodeError: a line is longer than the limit.
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
    """Yield the body that `blocks` off the wire hold; returns once it is complete.

    Where bytes hold nothing of the body, an empty block is yielded: frames may drip for ever, too, and the reader
    looks at the time.

    Raises:
        EOFError: the blocks ended before the body did.
        DecodeError: framing or compression is broken.
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
    """Yield the lines that each block off the wire completes; returns and raises as `decoded`."""
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
    """Yield the blocks of an answer that has to come to an end: not so slowly that it will not.

    Args:
        blocks: of the body.
        seconds: over which the rate is taken; an answer that needs no longer may be as slow as it likes.
        clock: measures them.

    Raises:
        ConnectionLostError: bytes drip, so that no read takes too long, but next to nothing comes.
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
