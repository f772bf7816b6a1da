"""Slices of an object's JSON, cut out without decoding it.

An API server writes `{"kind":…,"apiVersion":…,"metadata":{…},"spec":{…},"status":{…}}` without white space. A search
for such a key finds it, or a key of the same name deeper down. Decoding the slice tells which: a slice is only valid
JSON if it was cut at the right depth; otherwise its brackets do not match. It can't begin within a string, where
quotation marks have a backslash before them. So a slice is a guess that decoding proves; if it fails, decode the whole.

Upstream: none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import final

import attrs

from informers.source._bytes.sources import Source

__all__ = ["MetadataSlice", "guesses", "metadata_of", "type_meta"]

_HEAD = re.compile(rb'\{"kind":"([A-Za-z0-9]+)","apiVersion":"([a-z0-9./-]+)","metadata":(?=\{)')
_METADATA = b'"metadata":{'
_MANAGED_FIELDS = b',"managedFields":['


def type_meta(raw: bytes) -> tuple[str, str] | None:
    """Return kind and API version, or None if they are not at the beginning."""
    match = _HEAD.match(raw)
    return (match[1].decode(), match[2].decode()) if match else None


@final
@attrs.frozen
class MetadataSlice:
    """An object's metadata.

    Attributes:
        whole: all of it.
        rest: the metadata without managed fields.
        managed: key and list of the managed fields; empty if they can't be split off.
    """

    whole: bytes
    rest: bytes
    managed: bytes


def metadata_of(source: Source) -> MetadataSlice | None:
    """Return an object's metadata; None if their end is unknown."""
    end = source.metadata_end
    if not end:
        return None
    raw = source.raw
    start = raw.find(_METADATA) + len(_METADATA) - 1
    whole = raw[start:end]
    split = whole.find(_MANAGED_FIELDS)
    # The list is the end of the metadata if the first closing bracket after its start is the second-last byte.
    if split > 0 and whole.find(b"]", split) == len(whole) - 2:
        return MetadataSlice(whole, whole[:split] + b"}", whole[split + 1 : -1])
    return MetadataSlice(whole, whole, b"")


def guesses(source: Source, key: str) -> Iterator[bytes]:
    """Yield slices that may begin with this key of the object; the last one is the whole object."""
    raw = source.raw
    # Conditions have a status, too, but as a text; the wanted value is mostly an object.
    needle = b',"%s":{' % key.encode()
    # The status is the last key, and its name is common before; the other names are common after.
    place = raw.rfind(needle) if key == "status" else raw.find(needle, source.metadata_end)
    if place > 0:
        yield b"{" + raw[place + 1 :]
    yield raw
