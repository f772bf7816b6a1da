"""Records as they are written: what comes back is what was held, and what was not packed yet takes no more room."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

import pytest

from informers.errors import DecodeError
from informers.kinds import core
from informers.source._bytes.codecs import DEFLATE, ZSTD, Codec, Deflate, Zstd, best_codec, codec_of
from informers.source._bytes.compression import Packer
from informers.source._models.object_makers import maker
from informers.source._wire.record_blocks import RecordReader, RecordWriter
from informers.source.records import Origin, WireRecord, learn_from

MAKE = maker(core.V1.pods)


def records(count: int, origin: Origin[Any]) -> list[WireRecord[Any]]:
    made = []
    for number in range(count):
        name = f"web-{number}"
        metadata = {"name": name, "namespace": "default", "resourceVersion": str(number), "labels": {"app": "web"}}
        status = {"message": " ".join(str(word) for word in range(300))}
        raw = json.dumps({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "status": status}).encode()
        made.append(WireRecord(raw, origin, f"default/{name}", "default", str(number), "", {"app": "web"}, number))
    return made


def written(given: Sequence[WireRecord[Any]]) -> tuple[list[Codec], list[tuple[bytes, bytes]]]:
    writer = RecordWriter(given)
    codecs = [codec_of(codec.name, codec.dictionary) for codec in writer.codecs]
    return codecs, list(writer.blocks())


@pytest.mark.parametrize("packed", [0, 1, 40])
def test_what_is_read_is_what_was_written_packed_or_not(packed: int) -> None:
    given = records(40, Origin(MAKE))
    for record in given[:packed]:
        record.pack()
    codecs, blocks = written(given)
    reader = RecordReader(MAKE, codecs)
    read = [record for block in blocks for record in reader.block(*block)]
    assert [(r.key, r.namespace, r.resource_version, r.labels, r.metadata_end, r.raw) for r in read] == [
        (r.key, r.namespace, r.resource_version, r.labels, r.metadata_end, r.raw) for r in given
    ]


def test_what_has_not_been_packed_yet_takes_no_more_room() -> None:
    early, late = records(40, Origin(MAKE, Packer())), records(40, Origin(MAKE, Packer()))
    learn_from(late)
    for record in late:
        record.pack()
    sizes = [sum(len(data) for _, data in written(given)[1]) for given in (early, late)]
    assert sizes[0] == sizes[1]
    assert sizes[0] < sum(len(record.raw) for record in early) / 4


@pytest.mark.parametrize("name", sorted({DEFLATE, best_codec().name}))
def test_damaged_bytes_give_one_error_at_the_read_and_are_not_what_others_are(name: str) -> None:
    """As a saved cache may hold, whose checksum is right."""
    raw = records(1, Origin(MAKE))[0].raw
    codec = codec_of(name, raw)
    packed = codec.pack(raw)
    errors: list[DecodeError] = []
    for place in range(len(packed)):
        damaged = packed[:place] + bytes([packed[place] ^ 0xFF]) + packed[place + 1 :]
        record, whole = (
            WireRecord(held, Origin(MAKE, Packer(codec)), "default/web-0", "default", "0", "", None)
            for held in (damaged, packed)
        )
        try:
            assert record.object().to_dict()
        except DecodeError as error:
            errors.append(error)
            assert not record.has_content_of(whole)
    assert errors
    assert {error.key for error in errors} == {"default/web-0"}


#: Values that are not valid in a head: its texts, labels, end of the metadata, number of the codec, size.
ODD: dict[range, list[object]] = {
    range(4): [None, 1, True, [], {}],
    range(4, 5): ["x", 1, [], {"app": 1}],
    range(5, 8): [None, "x", 1.0, True, [], {}],
}
ODD_HEADS = [(place, odd) for places, values in ODD.items() for place in places for odd in values]


@pytest.mark.parametrize(("place", "odd"), [*ODD_HEADS, (5, -1), (6, 9), (7, -1)])
def test_a_forged_head_is_refused_with_its_block_and_not_at_a_read(place: int, odd: object) -> None:
    codecs, [(heads, data)] = written(records(1, Origin(MAKE)))
    (head,) = json.loads(zlib.decompress(heads))
    assert RecordReader(MAKE, codecs).block(zlib.compress(json.dumps([head]).encode()), data)
    head[place] = odd
    with pytest.raises(ValueError, match="block of records"):
        RecordReader(MAKE, codecs).block(zlib.compress(json.dumps([head]).encode()), data)


@pytest.mark.skipif(best_codec() is Deflate, reason="zstd is not installed")
def test_a_damaged_dictionary_is_refused() -> None:
    learnt = Zstd.learn([record.raw for record in records(40, Origin(MAKE))]).dictionary
    assert codec_of(ZSTD, learnt).dictionary == learnt
    with pytest.raises(ValueError, match="not a valid dictionary"):
        codec_of(ZSTD, learnt[:10] + b'"' + learnt[10:])
