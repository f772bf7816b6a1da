"""The items of a list, cut out of its bytes.

All items of a list begin alike: `{"metadata":{"name":"` for built-in kinds, `{"apiVersion":…,"kind":…,"metadata":{"`
for custom ones. So where `},` and that follows, an item may end. It may as well be something within the item: an object
may hold a list of objects, forged ones among them. The proof is that the slice from the item's first byte up to there
is complete JSON: a decoder that begins at that byte ends at that place. If not, the next place is tried.

The proof comes from pydantic's parser, which checks JSON in C without making anything of it. Where the official client
has no pydantic, nothing is cut, and the items are decoded.

Upstream: none; client-go holds an answer as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import final

from informers._base.forks import hold_forks

__all__ = ["ItemSlices"]

_BEGIN = re.compile(
    rb'\{"metadata":\{"name":"'
    rb'|\{"kind":"[A-Za-z0-9]+","apiVersion":"[a-z0-9./-]+","metadata":\{"name":"'
    rb'|\{"apiVersion":"[a-z0-9./-]+","kind":"[A-Za-z0-9]+","metadata":\{"'
)
#: Places in an item that are tried. Each costs a look at all before it, so anyone who forges many must not get them.
_PLACES = 8


@cache
def _prover() -> Callable[[bytes | bytearray], bool] | None:
    """Return what tells whether bytes are one JSON object; None where that is not possible."""
    try:
        with hold_forks():
            from pydantic_core import SchemaValidator, ValidationError, core_schema  # noqa: PLC0415  comes with the client
    except ImportError:
        return None
    validate = SchemaValidator(core_schema.typed_dict_schema({}, extra_behavior="ignore")).validate_json

    def is_object(raw: bytes | bytearray) -> bool:
        try:
            validate(raw)
        except ValidationError:
            return False
        return True

    return is_object


@final
class ItemSlices:
    """Cuts out the items of one list.

    Attributes:
        is_stuck: whether what comes next is not as expected, so that it has to be decoded.
    """

    def __init__(self) -> None:
        self._is_object = _prover()
        self._begin = b""
        self._boundary = b""
        self._searched = 0
        self._failures = 0
        self.is_stuck: bool = False

    def reset(self) -> None:
        """Begin again at the next item, which is at the beginning of the next bytes."""
        self._searched, self._failures, self.is_stuck = 0, 0, False

    def cut(self, data: bytearray, start: int) -> Iterator[tuple[int, int]]:
        """Yield where the items begin and end that are complete in `data`, the first of which begins at `start`.

        The last is left: what comes behind it is not known to be the next. The next call gets what was not yielded.
        """
        if self._is_object is None:
            self.is_stuck = True
            return
        if not self._begin and not self._learn(data, start):
            return
        begin, boundary, is_object = self._begin, self._boundary, self._is_object
        while True:
            if not data.startswith(begin, start):
                self.is_stuck = not begin.startswith(data[start : start + len(begin)])
                return
            place = data.find(boundary, start + (self._searched or len(begin)))
            if place < 0:
                # The next call goes on where a boundary could still begin.
                self._searched = max(len(begin), len(data) - start - len(boundary))
                return
            if is_object(data[start : place + 1]):
                self._searched = self._failures = 0
                yield start, place + 1
                start = place + 2
                continue
            self._failures += 1
            self._searched = place + 1 - start
            if self._failures >= _PLACES:
                self.is_stuck = True
                return

    def _learn(self, data: bytearray, start: int) -> bool:
        match = _BEGIN.match(data, start)
        if match is None:
            # Enough to tell that it is something else.
            self.is_stuck = len(data) - start > 512
            return False
        self._begin = match[0]
        self._boundary = b"}," + match[0]
        return True
