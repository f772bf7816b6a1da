"""The cache's record of an object: its key, the metadata that the cache needs, and a way to the whole object.

A record holds the bytes from the wire. The object is made from them again for each reader, so that a
reader's changes reach neither the cache nor another reader.

Upstream: none; client-go caches decoded objects, which nobody may change.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, ClassVar, Generic, cast, final

from typing_extensions import TypeVar, override

from informers.errors import ConfigurationError, DecodeError, escaped
from informers.objects import object_name, read
from informers.source._bytes.compression import Packer
from informers.source._bytes.sources import KnownMetadata, Source

__all__ = ["HeldRecord", "Origin", "Record", "WireRecord", "learn_from", "objects_of"]

T = TypeVar("T", default=Any)

_NO_LABELS: Mapping[str, str] = {}


class Record(ABC, Generic[T]):
    """An object as the cache holds it. Never changes.

    Attributes:
        key: `namespace/name`, or `name` for an object of the whole cluster.
        namespace: empty for an object of the whole cluster.
        resource_version: opaque; empty if the object has none.
        uid: distinguishes the object from a later one with the same name; empty if the object has none.
        labels: read-only.
    """

    __slots__ = ("key", "labels", "namespace", "resource_version", "uid")

    def __init__(
        self, key: str, namespace: str, resource_version: str, uid: str, labels: Mapping[str, str] | None
    ) -> None:
        self.key: str = key
        self.namespace: str = namespace
        self.resource_version: str = resource_version
        self.uid: str = uid
        self.labels: Mapping[str, str] = labels or _NO_LABELS

    def __repr__(self) -> str:
        return escaped(f"<{type(self).__name__} {self.key} rv={self.resource_version}>")

    @abstractmethod
    def object(self) -> T:
        """Return the object, for one reader."""

    @abstractmethod
    def has_content_of(self, other: Record[T]) -> bool:
        """Return whether both have the same content, to the last field."""

    @property
    def size(self) -> int:
        """Size of the object in bytes; 0 if unknown."""
        return 0

    @property
    def is_packable(self) -> bool:
        """Whether `pack` has an effect."""
        return False

    def pack(self) -> None:
        """Compress the object, since it will not be read soon; its content stays the same."""


@final
class Origin(Generic[T]):
    """The common parts of one resource's records: the maker of objects, and the packer of bytes.

    Attributes:
        make: makes the object of a source.
        make_many: makes many objects in less time than one by one; None if `make` has no such method `many`.
        packer: packs and unpacks the bytes.
    """

    __slots__ = ("make", "make_many", "packer")

    def __init__(self, make: Callable[[Source], T], packer: Packer | None = None) -> None:
        self.make: Callable[[Source], T] = make
        self.make_many: Callable[[Sequence[Source]], list[T]] | None = getattr(make, "many", None)
        self.packer: Packer = packer or Packer()


@final
class WireRecord(Record[T]):
    """An object held as the bytes of its JSON, complete with `kind` and `apiVersion`, packed or not.

    Attributes:
        origin: makes the object, and packs the bytes.
        metadata_end: position in the JSON after the metadata; 0 if unknown, or if the record's values differ from the
            metadata's, for example empty instead of missing.
    """

    __slots__ = ("_data", "metadata_end", "origin")

    def __init__(
        self,
        raw: bytes,
        origin: Origin[T],
        key: str,
        namespace: str,
        resource_version: str,
        uid: str,
        labels: Mapping[str, str] | None,
        metadata_end: int = 0,
    ) -> None:
        #: The JSON, packed or not. It is replaced in one step, so readers need no lock.
        self._data = raw
        self.origin: Origin[T] = origin
        self.key = key
        self.namespace = namespace
        self.resource_version = resource_version
        self.uid = uid
        self.labels: Mapping[str, str] = labels or _NO_LABELS
        self.metadata_end: int = metadata_end

    @property
    def raw(self) -> bytes:
        """The object's JSON.

        Raises:
            DecodeError: the packed bytes, from a saved cache, are damaged.
        """
        try:
            return self.origin.packer.unpack(self._data)
        except Exception as error:
            raise DecodeError(f"object {self.key}: its packed bytes are damaged: {error}", key=self.key) from error

    @property
    def held(self) -> tuple[bytes, Packer]:
        """The present bytes, and the packer that unpacks them."""
        return self._data, self.origin.packer

    @override
    def object(self) -> T:
        # Packed bytes are only unpacked when the object is read.
        return self.origin.make(self)

    def known_metadata(self) -> KnownMetadata | None:
        """Return the metadata that is known exactly, as new objects; None if none is."""
        if not self.metadata_end:
            return None
        key, namespace, labels = self.key, self.namespace, self.labels
        return {
            "name": key[len(namespace) + 1 :] if namespace else key,
            "namespace": namespace or None,
            "uid": self.uid or None,
            "resource_version": self.resource_version or None,
            "labels": dict(labels) if labels else None,
        }

    @override
    def has_content_of(self, other: Record[T]) -> bool:
        if not isinstance(other, WireRecord):
            return False
        # Equal packed bytes have equal content: one packer always packs the same way.
        if self.held == other.held:
            return True
        try:
            own, others = self.raw, other.raw
            if own == others:
                return True
            # A list and a watch may write an object's fields in different orders.
            return len(own) == len(others) and bool(json.loads(own) == json.loads(others))
        except (ValueError, RecursionError):
            return False

    @property
    @override
    def size(self) -> int:
        return len(self._data)

    @property
    @override
    def is_packable(self) -> bool:
        return self._data[:1] == b"{"

    @override
    def pack(self) -> None:
        if self.is_packable:
            self._data = self.origin.packer.pack(self._data)


@final
class HeldRecord(Record[T]):
    """An object held as it was given, in a `Store`, or from a source of your own.

    Every reader gets the same object, so nobody may change it.

    Raises:
        ConfigurationError: the object has no metadata with a name, or its name or namespace has a slash.
    """

    __slots__ = ("_object",)

    #: The bytes are not known.
    origin: ClassVar[None] = None

    def __init__(self, obj: T) -> None:
        name = object_name(obj)
        if "/" in name.name or "/" in name.namespace:
            # Otherwise two objects could have the same key.
            raise ConfigurationError(f"an object's name and namespace have no slash: got {name!r}")
        metadata = read(obj, "metadata")
        super().__init__(
            str(name),
            name.namespace,
            str(read(metadata, "resource_version", "resourceVersion") or ""),
            str(read(metadata, "uid") or ""),
            read(metadata, "labels"),
        )
        self._object = obj

    @override
    def object(self) -> T:
        return self._object

    @override
    def has_content_of(self, other: Record[T]) -> bool:
        if not isinstance(other, HeldRecord):
            return False
        try:
            return bool(self._object == other.object())
        except Exception:  # noqa: BLE001  the class is the user's
            return False


#: The most objects that a packer learns from.
_SAMPLES = 64

_origin_of = attrgetter("origin")


def learn_from(records: Collection[Record[Any]]) -> None:
    """Let the packers of these records learn from a sample of them, spread over all, unless they have learnt before."""
    samples: dict[Packer, list[bytes]] = {}
    for record in islice(records, 0, None, -(-len(records) // _SAMPLES) or 1):
        if isinstance(record, WireRecord) and record.origin.packer.codec is None:
            samples.setdefault(record.origin.packer, []).append(record.raw)
    for packer, each in samples.items():
        packer.learn(each)


def objects_of(records: Sequence[Record[T]]) -> list[T]:
    """Return the objects of records, for one reader; if all have one origin, in loops that run in C."""
    if records and isinstance(records[0], WireRecord):
        make_many = records[0].origin.make_many
        if make_many is not None and len(set(map(_origin_of, records))) == 1:
            # Records of one origin are of one class.
            return make_many(cast("Sequence[WireRecord[T]]", records))
    return [record.object() for record in records]
