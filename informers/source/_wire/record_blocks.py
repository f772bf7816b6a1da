"""Writes records to a file, and reads them: packed as they are held, so that both ways only copy bytes.

A block has two parts: the cache's metadata of some objects, as packed JSON, and their bytes, one after the other.

Upstream: none.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.errors import ConfigurationError
from informers.source._bytes.codecs import Codec
from informers.source._bytes.compression import Packer
from informers.source._models.object_makers import Maker
from informers.source._wire.shared_texts import SharedTexts
from informers.source.records import Origin, Record, WireRecord, learn_from

__all__ = ["RecordReader", "RecordWriter"]

T = TypeVar("T", default=Any)

#: A block is full at this many records, or bytes.
_RECORDS, _BYTES = 1_000, 4 << 20

#: The types in a record's head; it has labels, or none.
_HEADS = frozenset((str, str, str, str, labels, int, int, int) for labels in (dict, type(None)))

_encode = json.JSONEncoder(separators=(",", ":")).encode


@final
class RecordWriter:
    """Writes the records of one cache.

    Args:
        records: the records to write.

    Attributes:
        codecs: the codecs that a reader needs to unpack them.

    Raises:
        ConfigurationError: a record is held in a form that can't be written.

    Thread safety: none, but the cache may change meanwhile: records never change.
    """

    def __init__(self, records: Sequence[Record[Any]]) -> None:
        self._records = [record for record in records if isinstance(record, WireRecord)]
        if len(self._records) != len(records):
            raise ConfigurationError("its objects are held as they are, not as bytes from the server")
        learn_from(self._records)
        packers = dict.fromkeys(record.origin.packer for record in self._records)
        written = {packer: codec for packer in packers if (codec := packer.codec) is not None}
        self.codecs: list[Codec] = list(written.values())
        self._numbers = {packer: number for number, packer in enumerate(written)}

    def __len__(self) -> int:
        return len(self._records)

    def blocks(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the blocks."""
        heads: list[object] = []
        parts: list[bytes] = []
        size = 0
        for record in self._records:
            held, packer = record.held
            number = self._numbers.get(packer, -1)
            if number < 0:
                # A codec that was made later is not among those that are written.
                held = packer.unpack(held)
            elif held[:1] == b"{":
                held = packer.pack(held)
            name = record.key.rpartition("/")[2]
            labels = record.labels or None
            end = record.metadata_end
            heads.append([record.namespace, name, record.resource_version, record.uid, labels, end, number, len(held)])
            parts.append(held)
            size += len(held)
            if len(parts) >= _RECORDS or size >= _BYTES:
                yield _block(heads, parts)
                heads, parts, size = [], [], 0
        if parts:
            yield _block(heads, parts)


def _block(heads: list[object], parts: list[bytes]) -> tuple[bytes, bytes]:
    return zlib.compress(_encode(heads).encode(), 1), b"".join(parts)


@final
class RecordReader(Generic[T]):
    """Makes records from the blocks of a `RecordWriter`.

    Args:
        make: makes the object for a reader of the cache.
        codecs: the writer's codecs.

    Thread safety: none.
    """

    def __init__(self, make: Maker[T], codecs: Iterable[Codec]) -> None:
        self._origins = [Origin(make, Packer(codec)) for codec in codecs]
        #: For bytes that are not packed.
        self._plain = self._origins[0] if self._origins else Origin(make)
        self._shared = SharedTexts()

    def block(self, heads: bytes, data: bytes) -> list[WireRecord[T]]:
        """Return a block's records.

        Raises:
            ValueError: it is not a valid block.
        """
        records: list[WireRecord[T]] = []
        position, shared = 0, self._shared
        try:
            for head in json.loads(zlib.decompress(heads)):
                namespace, name, version, uid, labels, end, number, length = head
                if tuple(map(type, head)) not in _HEADS or end < 0 or length < 0:
                    raise TypeError("a head of other types")
                held = data[position : position + length]
                position += length
                origin = self._origins[number] if number >= 0 else self._plain
                key = f"{namespace}/{name}" if namespace else name
                known = shared.labels(labels) if labels else None
                records.append(
                    WireRecord(held, origin, key, shared.value(namespace), version, uid, known, shared.value(end))
                )
        except (zlib.error, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"not a valid block of records: {error!r}") from error
        if position != len(data):
            raise ValueError(f"a block of records has {len(data)} bytes, not {position}")
        return records
