"""Bodies while they arrive: whatever the blocks, the same bytes, the same lines."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers.errors import ConnectionLostError, DecodeError
from informers.source._transport.http_body import Dechunker, Lines, decoded, hastened, lines_of
from informers.testing import FakeClock

PARTS = st.lists(st.binary(min_size=1, max_size=40), max_size=5)
CUTS = st.lists(st.integers(0, 400), max_size=8)


def chunked(parts: list[bytes], *, extension: bytes = b"", trailer: bytes = b"", end: bool = True) -> bytes:
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    return framed + (b"0" + extension + b"\r\n" + trailer + b"\r\n" if end else b"")


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


@given(
    parts=PARTS,
    cuts=CUTS,
    extension=st.sampled_from([b"", b";a=b", b'; q="x"', b" "]),
    trailer=st.sampled_from([b"", b"Digest: 1\r\n", b"A: 1\r\nB: 2\r\n"]),
)
def test_chunks_are_joined_wherever_they_are_split(
    parts: list[bytes], cuts: list[int], extension: bytes, trailer: bytes
) -> None:
    dechunker = Dechunker()
    body = b"".join(
        dechunker.feed(block) for block in split(chunked(parts, extension=extension, trailer=trailer), cuts)
    )
    assert body == b"".join(parts)
    assert dechunker.finished


@pytest.mark.parametrize("trailer", [b"", b"A: 1\r\n"])
def test_an_answer_is_complete_with_its_very_last_byte_and_no_sooner(trailer: bytes) -> None:
    """Or the next answer on this connection would begin with the rest of this one."""
    data = chunked([b"hello", b"world"], trailer=trailer)
    for size in range(len(data)):
        dechunker = Dechunker()
        body = dechunker.feed(data[:size])
        assert not dechunker.finished, size
        assert body + dechunker.feed(data[size:]) == b"helloworld"
        assert dechunker.finished


def test_a_trailer_may_drip() -> None:
    dechunker = Dechunker()
    data = chunked([b"a"], trailer=b"A: " + b"x" * 2000 + b"\r\n")
    assert b"".join(dechunker.feed(bytes([byte])) for byte in data) == b"a"
    assert dechunker.finished


def test_what_has_arrived_of_a_chunk_is_handed_on_at_once() -> None:
    dechunker = Dechunker()
    assert dechunker.feed(b"5\r\nhe") == b"he"
    assert dechunker.feed(b"l") == b"l"
    assert dechunker.feed(b"lo\r\n3\r\nyou\r\n2\r\nm") == b"loyoum"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x\r\n", "a chunk has no size"),
        (b"\r\n", "a chunk has no size"),
        (b"-1\r\n", "a chunk has no size"),
        (b"+1\r\na\r\n", "a chunk has no size"),
        (b"0x1\r\na\r\n", "a chunk has no size"),
        (b"1_0\r\n", "a chunk has no size"),
        (b"1\r\nab\r\n", "a chunk does not end with CRLF"),
        (b"0" * 5000, "a chunk's size does not end"),
        (b"0\r\n" + b"a" * 70_000, "its trailer does not end"),
        (b"0\r\n" + b"a: b\r\n" * 20_000, "its trailer does not end"),
    ],
)
def test_broken_frames_are_refused(data: bytes, reason: str) -> None:
    for step in (len(data), 1000):
        dechunker = Dechunker()
        with pytest.raises(DecodeError, match=reason):
            list(map(dechunker.feed, (data[start : start + step] for start in range(0, len(data), step))))


@given(parts=PARTS, cuts=CUTS)
def test_a_body_may_be_both_compressed_and_chunked(parts: list[bytes], cuts: list[int]) -> None:
    packed = gzip.compress(b"".join(parts))
    data = chunked([packed[:7], packed[7:]])
    assert b"".join(decoded(iter(split(data, cuts)), chunked=True, gzipped=True)) == b"".join(parts)


def test_a_compressed_body_is_unpacked_while_it_arrives() -> None:
    packed = gzip.compress(b"a" * 100_000 + bytes(range(256)) * 400)
    blocks = decoded(iter([packed[:-20], packed[-20:]]), chunked=False, gzipped=True)
    assert len(next(blocks)) > 100_000


def test_a_body_that_ends_before_its_last_chunk_is_not_taken_for_complete() -> None:
    blocks = decoded(iter([chunked([b"hello"], end=False)]), chunked=True, gzipped=False)
    assert next(blocks) == b"hello"
    with pytest.raises(EOFError):
        next(blocks)


def test_an_empty_body_may_be_called_compressed() -> None:
    assert list(decoded(iter([]), chunked=False, gzipped=True)) == []
    assert b"".join(decoded(iter([chunked([])]), chunked=True, gzipped=True)) == b""


@pytest.mark.parametrize(
    ("drips", "gzipped"),
    [
        pytest.param([b"5;x", b"x", b"x"], False, id="an extension of a chunk"),
        pytest.param([b"0\r\nX: y", b"y", b"y"], False, id="a trailer"),
        pytest.param([b"1\r\n\x1f\r\n", b"1\r\n\x8b\r\n", b"1\r\n\x08\r\n"], True, id="compression"),
    ],
)
def test_bytes_that_hold_nothing_of_the_body_yield_empty_blocks_so_that_time_can_be_checked(
    drips: list[bytes], gzipped: bool
) -> None:
    blocks = decoded(iter(drips), chunked=True, gzipped=gzipped)
    assert [next(blocks) for _ in drips] == [b""] * 3


@pytest.mark.parametrize("size", [1, 12, 40])
def test_a_compressed_body_that_is_cut_off_is_not_taken_for_complete(size: int) -> None:
    packed = gzip.compress(bytes(range(256)))
    with pytest.raises(EOFError):
        list(decoded(iter([packed[:size]]), chunked=False, gzipped=True))


def test_broken_compression_is_refused() -> None:
    with pytest.raises(DecodeError, match="compression is broken"):
        list(decoded(iter([b"this is no gzip at all"]), chunked=False, gzipped=True))


def test_a_little_that_unpacks_to_a_lot_comes_in_blocks_of_bounded_size() -> None:
    packed = gzip.compress(bytes(32 << 20))
    sizes = [len(block) for block in decoded(iter([packed]), chunked=False, gzipped=True)]
    assert sum(sizes) == 32 << 20
    assert max(sizes) <= 1 << 20


@given(parts=PARTS, cuts=CUTS)
def test_a_compressed_body_may_have_several_members_as_go_reads_them(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(gzip.compress(part, mtime=0) for part in parts)
    assert b"".join(decoded(iter(split(data, cuts)), chunked=False, gzipped=True)) == b"".join(parts)


@pytest.mark.parametrize("size", [1, 11, 20])
def test_a_further_member_that_is_cut_off_is_not_taken_for_complete(size: int) -> None:
    member = gzip.compress(b"hello" * 9, mtime=0)
    with pytest.raises(EOFError):
        list(decoded(iter([member + member[:size]]), chunked=False, gzipped=True))


def test_what_follows_a_compressed_body_and_is_not_compressed_is_refused() -> None:
    with pytest.raises(DecodeError, match="compression is broken"):
        list(decoded(iter([gzip.compress(b"hello", mtime=0) + b"more"]), chunked=False, gzipped=True))


def test_an_answer_that_drips_is_given_up_and_one_that_is_slow_is_not() -> None:
    clock = FakeClock()

    def coming(size: int, count: int) -> Iterator[bytes]:
        for _ in range(count):
            clock.advance(1)
            yield bytes(size)

    assert len(b"".join(hastened(coming(60, 100), seconds=10, clock=clock))) == 6000
    # It is over before that can be known.
    assert len(b"".join(hastened(coming(1, 9), seconds=10, clock=clock))) == 9
    with pytest.raises(ConnectionLostError, match="no more than 10 bytes in 10 s"):
        list(hastened(coming(1, 100), seconds=10, clock=clock))
    # Fast at first.
    with pytest.raises(ConnectionLostError, match="no more than 400 bytes in 10 s"):
        list(hastened(itertools.chain(coming(1000, 30), coming(40, 100)), seconds=10, clock=clock))


@given(lines=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=6), cuts=CUTS)
def test_lines_are_the_same_wherever_they_are_split(lines: list[bytes], cuts: list[int]) -> None:
    reader = Lines(limit=100)
    data = b"".join(line + b"\n" for line in lines)
    seen = [line for block in split(data, cuts) for line in reader.feed(block)]
    assert seen == [line for line in lines if line.strip()]
    assert not reader.has_begun_another


def test_a_line_that_has_not_ended_has_begun() -> None:
    reader = Lines(limit=100)
    assert reader.feed(b"one\ntw") == [b"one"]
    assert reader.has_begun_another
    assert reader.feed(b"o") == []
    assert reader.has_begun_another
    assert reader.feed(b"\n\n\n") == [b"two"]
    assert not reader.has_begun_another


@pytest.mark.parametrize("space", [b"\n", b"\r\n", b" \n", b"\t\r\n\r\n"])
def test_white_space_between_lines_is_passed_over_as_go_does(space: bytes) -> None:
    reader = Lines(limit=100)
    assert reader.feed(space + b"one\n" + space + b"two\n" + space) == [b"one", b"two"]
    assert reader.feed(space[:-1]) == []
    assert not reader.has_begun_another


@pytest.mark.parametrize("block", [b"x" * 11, b"x" * 11 + b"\n", b"a\n" + b"x" * 11 + b"\nb\n"])
def test_a_line_beyond_the_limit_is_refused_whether_it_has_ended_or_not(block: bytes) -> None:
    with pytest.raises(DecodeError, match="a line of more than 10 bytes"):
        Lines(limit=10).feed(block)
    reader = Lines(limit=10)
    with pytest.raises(DecodeError):
        list(map(reader.feed, (block[place : place + 1] for place in range(len(block)))))
    assert Lines(limit=10).feed(b"x" * 10 + b"\n" + b"y" * 10) == [b"x" * 10]


def short_way(blocks: list[bytes], limit: int) -> list[tuple[list[bytes], bool]]:
    """Return what each block completes, and whether another line has begun then; at its end what is wrong, if so."""
    lines, seen = Lines(limit=limit), list[tuple[list[bytes], bool]]()
    try:
        for found in lines_of(iter(blocks), lines, chunked=True, gzipped=False):
            seen.append(([data[start:stop] for data, start, stop in found], lines.has_begun_another))
    except (DecodeError, EOFError) as error:
        seen.append(([str(error).encode()], False))
    return seen


def long_way(blocks: list[bytes], limit: int) -> list[tuple[list[bytes], bool]]:
    dechunker, lines, seen = Dechunker(), Lines(limit=limit), list[tuple[list[bytes], bool]]()
    try:
        for block in blocks:
            seen.append((lines.feed(dechunker.feed(block)), lines.has_begun_another))
            if dechunker.finished:
                return seen
    except DecodeError as error:
        seen.append(([str(error).encode()], False))
    else:
        seen.append(([b""], False))
    return seen


@given(
    bodies=st.lists(
        st.sampled_from([b'{"a":1}\n', b"{}\n", b"{" + b"x" * 30 + b"}\n", b"\n", b" \n", b"{}\n{}\n", b'{"a', b"}\n"]),
        max_size=6,
    ),
    cuts=CUTS,
    extension=st.sampled_from([b"", b";a=b"]),
    spoilt=st.none() | st.tuples(st.integers(0, 120), st.sampled_from([b"", b"\n", b"\r\n", b"x", b"{", b"1"])),
    limit=st.sampled_from([7, 31, 32, 100]),
)
def test_chunks_that_are_lines_give_what_joining_and_splitting_gives_block_by_block(
    bodies: list[bytes], cuts: list[int], extension: bytes, spoilt: tuple[int, bytes] | None, limit: int
) -> None:
    data = chunked(bodies, extension=extension)
    if spoilt is not None:
        place, piece = spoilt
        data = data[:place] + piece + data[place + 1 :]
    for blocks in ([data], split(data, cuts), [data[place : place + 1] for place in range(len(data))]):
        assert short_way(blocks, limit) == long_way(blocks, limit)


def test_a_line_in_one_chunk_is_not_copied() -> None:
    block = chunked([b"{}\n", b'{"a":1}\n'], end=False)
    half = chunked([b'{"b":2}\n'], end=False)
    lines = Lines(limit=100)
    first, second = lines_of(iter([block + half[:6], half[6:] + b"0\r\n\r\n"]), lines, chunked=True, gzipped=False)
    assert [data is first[0][0] for data, _, _ in first] == [True, True]
    assert [data[start:stop] for data, start, stop in (*first, *second)] == [b"{}", b'{"a":1}', b'{"b":2}']


def test_what_has_left_the_short_way_comes_back_to_it_wherever_the_next_chunks_are_cut() -> None:
    data = chunked([b'{"a":1}\n'] * 12, end=False)
    size = len(data) // 12
    # The second chunk is cut before its last line feed, and each block from then on in the middle of a chunk.
    cuts = [2 * size - 1, *(count * size + 5 for count in (4, 6, 8, 10)), len(data)]
    blocks = [data[start:stop] for start, stop in zip([0, *cuts], cuts, strict=False)]
    found = lines_of(iter([*blocks, b"0\r\n\r\n"]), Lines(limit=100), chunked=True, gzipped=False)
    in_blocks = [[len(data) > stop - start for data, start, stop in lines] for lines in found]
    assert sum(map(len, in_blocks)) == 12
    assert all(map(all, in_blocks[2:]))
