"""Parts of an object's JSON, cut out without decoding it.

An API server writes `{"kind":…,"apiVersion":…,"metadata":{…},"spec":{…},"status":{…}}` without white space. A search
for such a key finds its place, or a key of the same name deeper down. Which of both is seen by decoding the part: it is
JSON by itself only where it was cut at the right depth, for what is cut off at the other end would leave brackets
open or close too many. It can't be within a string, where quotation marks come after a backslash. So a cut is a guess
that decoding proves; where it fails, decode the whole.

Upstream: none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import final

__all__ = ["Cutter"]

_HEAD = re.compile(rb'\{"kind":"([A-Za-z0-9]+)","apiVersion":"([a-z0-9./-]+)","metadata":(?=\{)')
_MANAGED_FIELDS = b',"managedFields":['


@final
class Cutter:
    """Cuts objects of one kind.

    Args:
        keys: the top-level keys that the kind has.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        others = [re.escape(key) for key in keys if key not in {"kind", "apiVersion", "metadata"}]
        self._after_metadata = re.compile(rb'\},"(?:%s)":' % "|".join(others).encode()) if others else None

    def type_meta(self, raw: bytes) -> tuple[str, str] | None:
        """Return kind and API version, for certain."""
        match = _HEAD.match(raw)
        return (match[1].decode(), match[2].decode()) if match else None

    def metadata(self, raw: bytes) -> tuple[int, int, int] | None:
        """Return where the metadata starts, where its managed fields are split off, and where it ends; or None.

        Split and end are the same where nothing can be split off. Otherwise what comes before the split, closed by a
        brace, is the metadata without managed fields, and what comes from the split on is a comma and only these.
        """
        match = _HEAD.match(raw)
        if match is None:
            return None
        start = match.end()
        after = self._after_metadata.search(raw, start) if self._after_metadata else None
        end = after.start() + 1 if after else len(raw) - 1
        split = raw.find(_MANAGED_FIELDS, start, end)
        # The list ends the metadata if the first bracket after it that closes is the last but one byte.
        return (start, split, end) if split > 0 and raw.find(b"]", split) == end - 2 else (start, end, end)

    def field(self, raw: bytes, key: str) -> Iterator[bytes]:
        """Iterate over guesses at an object of this key and those that follow; the last is the whole."""
        # Conditions have a status that is a text; what is looked for here mostly is an object.
        needle = b',"%s":{' % key.encode()
        # The status comes last, and its name is common further up; the others' names are common further down.
        place = raw.rfind(needle) if key == "status" else raw.find(needle)
        if place > 0:
            yield b"{" + raw[place + 1 :]
        yield raw
