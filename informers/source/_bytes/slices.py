"""Parts of an object's JSON, cut out without decoding it.

An API server writes `{"kind":…,"apiVersion":…,"metadata":{…},"spec":{…},"status":{…}}` without white space. A search
for such a key finds its place, or a key of the same name deeper down. Which of both is seen by decoding the part: it is
JSON alone only where it was cut at the right depth, for what is cut off at the other end would leave brackets
open or close too many. It can't be within a string, where quotation marks come after a backslash. So a cut is a guess
that decoding proves; where it fails, decode the whole.

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
    """Return kind and API version, for certain."""
    match = _HEAD.match(raw)
    return (match[1].decode(), match[2].decode()) if match else None


@final
@attrs.frozen
class MetadataSlice:
    """An object's metadata.

    Attributes:
        whole: all of it.
        rest: all but managed fields.
        managed: the key and list of managed fields; empty where these can't be split off.
    """

    whole: bytes
    rest: bytes
    managed: bytes


def metadata_of(source: Source) -> MetadataSlice | None:
    """Return an object's metadata; None where it is not known where that ends."""
    end = source.metadata_end
    if not end:
        return None
    raw = source.raw
    start = raw.find(_METADATA) + len(_METADATA) - 1
    whole = raw[start:end]
    split = whole.find(_MANAGED_FIELDS)
    # The list ends the metadata if the first bracket after it that closes is the last but one byte.
    if split > 0 and whole.find(b"]", split) == len(whole) - 2:
        return MetadataSlice(whole, whole[:split] + b"}", whole[split + 1 : -1])
    return MetadataSlice(whole, whole, b"")


def guesses(source: Source, key: str) -> Iterator[bytes]:
    """Iterate over guesses at an object of this key and those that follow; the last is the whole."""
    raw = source.raw
    # Conditions have a status that is a text; what is looked for here mostly is an object.
    needle = b',"%s":{' % key.encode()
    # The status comes last, and its name is common further up; the others' names are common further down.
    place = raw.rfind(needle) if key == "status" else raw.find(needle, source.metadata_end)
    if place > 0:
        yield b"{" + raw[place + 1 :]
    yield raw
