"""Records as they are written: what comes back is what was held, and what was not packed yet takes no more room."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from informers.kinds import core
from informers.source._bytes.codecs import Codec, codec_of
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
