"""From an object that a transform returned back to a record.

A record keeps bytes. An object that was not touched gives the record that it was made from. Where only the metadata was
read, only that is written, and the bytes behind it are kept. Otherwise the whole is written. What was written is never
read again, and no part of the object is kept: the function may go on changing it.

Upstream: none; client-go keeps what a transform returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from typing_extensions import TypeVar

from informers.errors import ConfigurationError
from informers.resources import Resource
from informers.source._bytes.slices import type_meta
from informers.source._bytes.sources import mapping_of
from informers.source._models.lazy import Peek, peek
from informers.source._models.object_makers import dump
from informers.source._models.partial_metadata import PartialObjectMetadata
from informers.source._wire.decode import Decoder
from informers.source.records import HeldRecord, Record, WireRecord
from informers.source.watch_events import BadObject

__all__ = ["restorer"]

T = TypeVar("T", default=Any)

_SECOND_METADATA = b',"metadata":'
_HEAD = frozenset({"kind", "api_version", "metadata"})


def restorer(resource: Resource[T], *, metadata_only: bool = False) -> Callable[[T], Record[T]]:
    """Return what makes a record of an object that a transform returned: a model or a JSON mapping.

    It raises `ConfigurationError` for an object that is neither, that lacks kind, API version or name, or that can't be
    written as JSON, and `DecodeError` for a lazy one whose bytes can't be read.

    Objects that a function of one's own decodes are held as they are, since nothing can write them out again.
    """
    if resource.decode is not None:
        return HeldRecord
    decoder = Decoder[T].of(resource, metadata_only=metadata_only)
    made = PartialObjectMetadata if metadata_only else resource

    def restore(obj: T) -> Record[T]:
        seen = peek(obj)
        if seen is not None and not seen.read and isinstance(seen.source, WireRecord):
            return seen.source
        mapping, rest = (_mapping_of(obj), b"") if seen is None else _as_seen(seen)
        mapping["kind"] = mapping.get("kind") or made.kind
        mapping["apiVersion"] = mapping.get("apiVersion") or made.api_version
        if not mapping["kind"] or not mapping["apiVersion"]:
            raise ConfigurationError("the object lacks kind or apiVersion, for example 'Pod' and 'v1': set them")
        record = decoder.record(mapping, rest)
        if isinstance(record, BadObject):
            raise ConfigurationError(f"the object can't be kept: {record.error}") from record.error
        return record

    return restore


def _mapping_of(obj: object) -> dict[str, Any]:
    if isinstance(obj, PartialObjectMetadata):
        return obj.to_dict()
    if isinstance(obj, Mapping):
        return dict(cast("Mapping[str, Any]", obj))
    if hasattr(type(obj), "openapi_types"):
        return dump(obj)
    raise ConfigurationError(f"expected a model of the official client or a JSON mapping, got {type(obj).__name__}")


def _as_seen(seen: Peek) -> tuple[dict[str, Any], bytes]:
    """Return the mapping of a lazy object, and what its JSON has behind the metadata where that is as it was.

    Only what was read is written, so that fields which the model does not know are kept in all else.
    """
    raw, end = seen.source.raw, seen.source.metadata_end
    is_head = end and "metadata" in seen.read and _HEAD.issuperset(seen.read)
    said = type_meta(raw) if is_head and raw.find(_SECOND_METADATA, end) < 0 else None
    if said is None:
        mapping, rest = mapping_of(seen.source), b""
    else:
        mapping, rest = {"kind": said[0], "apiVersion": said[1]}, raw[end:]
    for name, value in seen.read.items():
        wire, dumped = seen.reader.dump(name, value)
        if dumped is None:
            mapping.pop(wire, None)
        else:
            mapping[wire] = dumped
    return mapping, rest
