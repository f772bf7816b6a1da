"""Reads a list's answer while it arrives: splits off its items one by one.

Upstream: k8s.io/client-go/tools/pager and rest/request.go (v0.37), which hold the whole answer.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from json import JSONDecodeError
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.errors import DecodeError
from informers.source._bytes import deep_json as deep
from informers.source._wire.decode import Decoder
from informers.source._wire.item_slices import ItemSlices
from informers.source.records import WireRecord
from informers.source.watch_events import BadObject, Page

__all__ = ["ListReader", "read_list"]

T = TypeVar("T", default=Any)

_LIST = re.compile(r'\{"kind":"([A-Za-z0-9]+)List","apiVersion":"([a-z0-9./-]+)","metadata":')
_ITEMS = re.compile(r',"items":\s*\[')
#: Custom resources are written with sorted keys: kind and metadata are after the items.
_SORTED_LIST = re.compile(r'\{"apiVersion":"([a-z0-9./-]+)","items":\s*\[')
_SORTED_ITEM = re.compile(r'\{"apiVersion":"([a-z0-9./-]+)","kind":"([A-Za-z0-9]+)","metadata":')

#: Bytes within which the items of a list must begin, to be split off.
_HEAD = 4096
#: Bytes of an incomplete item after which it is tried again.
_PATIENCE = 1 << 16

#: The possible next elements in a list of items.
_ITEM_OR_END, _COMMA_OR_END, _ITEM = range(3)


def read_list(
    decoder: Decoder[T],
    blocks: Iterable[bytes],
    *,
    limit: int = 64 << 20,
    on_arrival: Callable[[Sequence[WireRecord[T]]], None] | None = None,
) -> Page[T]:
    """Return a list's page, from blocks of the answer while it arrives.

    Items are split off when they are complete, so the whole answer is never in memory.

    Args:
        decoder: makes their records.
        blocks: of the answer's body.
        limit: the longest item in bytes.
        on_arrival: called after each block with the objects that it completed.

    Raises:
        DecodeError: the answer is not a list, or an item exceeds the limit.
    """
    reader = ListReader(decoder, limit=limit)
    told = 0
    for block in blocks:
        reader.feed(block)
        if on_arrival is not None:
            on_arrival(reader.records[told:])
            told = len(reader.records)
    return reader.finish()


@final
class ListReader(Generic[T]):
    """Reads the items of a list while it arrives.

    Args:
        decoder: makes their records.
        limit: the longest item in bytes, and the longest answer that can't be split into items.
        is_short: whether items may be cut out without decoding; otherwise all are decoded, with the same result.

    Attributes:
        records: the objects so far, in the server's order.
    """

    def __init__(self, decoder: Decoder[T], *, limit: int, is_short: bool = True) -> None:
        self._decoder = decoder
        self._limit = limit
        self._is_short = is_short
        #: None where items are decoded, and as long as it is not known what their records are made by.
        self._slices: ItemSlices[T] | None = None
        #: What has come and is not taken yet; it grows and shrinks in place, so that nothing is there twice.
        self._rest = bytearray()
        #: Whether the answer's items can't be split off, so that it is collected as a whole.
        self._is_whole = False
        self._in_items = False
        self._wants = _ITEM_OR_END
        self.records: list[WireRecord[T]] = []
        self._bad: list[BadObject] = []
        #: The list's metadata; None where they come after the items.
        self._metadata: dict[str, Any] | None = None
        self._tried = 0

    def feed(self, block: bytes) -> None:
        """Take the next block.

        Raises:
            DecodeError: it is not valid UTF-8, or an item exceeds the limit.
        """
        self._rest += block
        if not (self._is_whole or self._in_items):
            self._begin()
            self._is_whole = not self._in_items and len(self._rest) >= _HEAD
        if self._is_whole:
            self._check(len(self._rest), "a list that can't be split into objects, of")
        if not self._in_items:
            return
        if self._has_ended:
            self._check(len(self._rest), "a list with something behind its objects of")
            return
        is_stuck = self._slices is None or self._cut_items(self._slices)
        # A failed try costs as much as the item has bytes so far: wait until it has doubled, though not beyond the
        # longest item.
        patience = min(2 * self._tried if is_stuck else max(2 * self._tried, _PATIENCE), self._limit + 1)
        if self._rest and len(self._rest) >= patience:
            # An item without a new closing brace since the last try is incomplete.
            if not self._rest.startswith(b"{") or self._rest.find(b"}", self._tried) >= 0:
                self._decode_items(is_end=False)
            self._tried = len(self._rest)
            self._check(self._tried, "a list with an object of")

    @property
    def _has_ended(self) -> bool:
        """Whether the items end here."""
        return self._wants != _ITEM and self._rest.startswith(b"]")

    def _check(self, size: int, what: str) -> None:
        if size > self._limit:
            raise DecodeError(f"the server sent {what} more than {self._limit} bytes; none is that large")

    def _begin(self) -> None:
        text = _text(self._rest, is_end=False)
        head = _LIST.match(text)
        if head is None:
            self._begin_sorted(text)
            return
        try:
            metadata, end = deep.raw_decode(text, head.end())
        except JSONDecodeError:
            return
        items = _ITEMS.match(text, end)
        if items is None or not isinstance(metadata, dict):
            return
        self._metadata = metadata
        self._begin_items(text[: items.end()], head[1], head[2])

    def _begin_sorted(self, text: str) -> None:
        head = _SORTED_LIST.match(text)
        if head is None:
            return
        kind, api_version = "", head[1]
        if not self._decoder.knows_kind:
            # The list's kind is at its end, but each item has its own.
            item = _SORTED_ITEM.match(text, head.end())
            if item is None:
                return
            api_version, kind = item.groups()
        self._begin_items(text[: head.end()], kind, api_version)

    def _begin_items(self, head: str, kind: str, api_version: str) -> None:
        self._decoder = self._decoder.of_list(kind, api_version)
        self._slices = ItemSlices(self._decoder.short_item) if self._is_short else None
        del self._rest[: len(head.encode())]
        self._in_items = True

    def _cut_items(self, slices: ItemSlices[T]) -> bool:
        """Take what can be cut out; return whether what comes next must be decoded."""
        rest, taken = self._rest, 0
        if self._wants == _COMMA_OR_END:
            if not rest.startswith(b","):
                return True
            taken, self._wants = 1, _ITEM
        for raw, record in slices.cut(rest, taken):
            self._check(len(raw), "a list with an object of")
            self._keep(record or self._decoded(raw))
            # Behind the comma, which was seen.
            taken += len(raw) + 1
            self._wants = _ITEM
        if taken:
            del rest[:taken]
            self._tried = 0
        return slices.is_stuck

    def _decoded(self, raw: bytes) -> WireRecord[T] | BadObject:
        text = _text(raw, is_end=True)
        try:
            obj, end = deep.raw_decode(text, 0)
        except JSONDecodeError as error:
            raise DecodeError(f"the list is not valid JSON: an item is broken: {error}") from error
        if end != len(text):
            raise DecodeError("the list is not valid JSON: an item is broken")
        return self._decoder.item(raw, obj)

    def _decode_items(self, *, is_end: bool) -> None:
        """Take all complete items, the long way, which defines the right result."""
        text, position, taken = _text(self._rest, is_end=is_end), 0, 0
        is_ascii = text.isascii()
        while True:
            position = deep.after_space(text, position)
            character = text[position : position + 1]
            if character == "," and self._wants == _COMMA_OR_END:
                position += 1
                self._wants = _ITEM
                continue
            if character != "{" or self._wants == _COMMA_OR_END:
                break
            try:
                # One object that is too deeply nested for Python's decoder must not keep out all others.
                obj, end = deep.raw_decode(text, position)
            except JSONDecodeError:
                break
            raw = text[position:end].encode()
            self._check(len(raw), "a list with an object of")
            self._keep(self._decoder.item(raw, obj))
            position = end
            self._wants = _COMMA_OR_END
        taken = position if is_ascii else len(text[:position].encode())
        del self._rest[:taken]
        if self._slices is not None:
            self._slices.reset()

    def _keep(self, record: WireRecord[T] | BadObject) -> None:
        if isinstance(record, BadObject):
            self._bad.append(record)
        else:
            self.records.append(record)

    def finish(self) -> Page[T]:
        """Return the page, after the end of the answer.

        Raises:
            DecodeError: it is not a list, or not complete.
        """
        if not self._in_items:
            text = _text(self._rest, is_end=True)
            self._rest.clear()
            return self._whole(text)
        self._decode_items(is_end=True)
        if not self._has_ended:
            raise DecodeError("the list is not valid JSON: an item is broken or the end is missing")
        try:
            # Without the items, the rest is a complete object.
            self._rest[:0] = b'{"items":['
            after = json.loads(self._rest)
        except (ValueError, RecursionError) as error:
            raise DecodeError(f"the list is not valid JSON after its items: {error}") from error
        metadata = _list_metadata(after) if self._metadata is None else after.get("metadata", self._metadata)
        if not isinstance(metadata, dict) or after["items"] != []:
            raise DecodeError("the list has its metadata or its items twice")
        return self._page(metadata)

    def _whole(self, text: str) -> Page[T]:
        try:
            answer, end = deep.raw_decode(text, deep.after_space(text, 0))
        except ValueError as error:
            raise DecodeError(f"the list is not valid JSON: {error}") from error
        if deep.after_space(text, end) != len(text):
            raise DecodeError("the list is not valid JSON: something comes behind it")
        if not isinstance(answer, dict) or not isinstance(answer.get("items", []), (list, type(None))):
            raise DecodeError("expected a list: the answer has no items")
        metadata = _list_metadata(answer)
        decoder = self._decoder.of_list(str(answer["kind"]).removesuffix("List"), str(answer.get("apiVersion", "")))
        for obj in answer.get("items") or []:
            if isinstance(obj, dict):
                self._keep(decoder.record(obj))
            else:
                self._bad.append(BadObject(DecodeError("an item of the list is not an object")))
        return self._page(metadata)

    def _page(self, metadata: Mapping[str, Any]) -> Page[T]:
        version, token = metadata.get("resourceVersion") or "", metadata.get("continue") or ""
        if not isinstance(version, str) or not isinstance(token, str):
            raise DecodeError("the list's resourceVersion or continue token is not a string")
        remaining = metadata.get("remainingItemCount")
        # Only a hint for people: a nonsensical one is left out.
        is_count = isinstance(remaining, int) and not isinstance(remaining, bool) and remaining >= 0
        return Page(self.records, version, token, self._bad, remaining if is_count else None)


def _list_metadata(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a list's metadata. Raises DecodeError if the answer is not a list."""
    metadata = answer.get("metadata")
    if not str(answer.get("kind", "")).endswith("List") or not isinstance(metadata, dict):
        raise DecodeError(f"expected a list, got a {answer.get('kind', 'JSON object')!r}")
    return metadata


def _text(data: bytes | bytearray, *, is_end: bool) -> str:
    """Return bytes as text, up to the last complete character. Raises DecodeError."""
    try:
        return codecs.utf_8_decode(data, "strict", is_end)[0]
    except UnicodeDecodeError as error:
        raise DecodeError(f"the list is not valid UTF-8: {error.reason}") from error
