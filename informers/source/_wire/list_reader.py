"""A list's answer while it arrives: its items, split off one by one.

Upstream: k8s.io/client-go/tools/pager and rest/request.go (v0.37), which hold an answer as a whole.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any, Generic, Protocol, final

from typing_extensions import Self, TypeVar

from informers.errors import DecodeError
from informers.source._bytes import deep_json as deep
from informers.source.events import BadObject, Page
from informers.source.records import WireRecord

__all__ = ["ItemDecoder", "ListReader"]

T = TypeVar("T", default=Any)

_LIST = re.compile(r'\{"kind":"([A-Za-z0-9]+)List","apiVersion":"([a-z0-9./-]+)","metadata":')
_ITEMS = re.compile(r',"items":\s*\[')

#: Characters by which a list's items have begun, if they ever do where they can be split off.
_HEAD = 4096

#: What may come next among a list's items.
_ITEM_OR_END, _COMMA_OR_END, _ITEM = range(3)

_raw_decode = json.JSONDecoder().raw_decode


class ItemDecoder(Protocol[T]):
    """Makes records of a list's items."""

    def of_list(self, kind: str, api_version: str) -> Self:
        """Return what reads the items of a list of this kind."""
        ...

    def item(self, text: str, obj: Mapping[str, Any]) -> WireRecord[T] | BadObject:
        """Return the record for an item whose JSON is `text` and says `obj`."""
        ...

    def record(self, obj: dict[str, Any]) -> WireRecord[T] | BadObject:
        """Return the record for an item of which only what it says is known."""
        ...


@final
class ListReader(Generic[T]):
    """Takes the items out of a list while it arrives.

    Args:
        decoder: makes records of them.
        limit: bytes that an item may have, and a list that can't be split into items.
    """

    def __init__(self, decoder: ItemDecoder[T], *, limit: int) -> None:
        self._decoder = decoder
        self._limit = limit
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        #: The answer so far, where its items can't be split off; adding to one text would copy it each time.
        self._parts: list[str] = []
        self._size = 0
        self._in_items = False
        self._wants = _ITEM_OR_END
        self._records: list[WireRecord[T]] = []
        self._bad: list[BadObject] = []
        self._metadata: dict[str, Any] = {}
        self._tried = 0

    def __len__(self) -> int:
        """How many items have come."""
        return len(self._records)

    def feed(self, block: bytes) -> None:
        """Take the next block.

        Raises:
            DecodeError: it is no UTF-8, or an item is longer than the limit.
        """
        try:
            text = self._utf8.decode(block)
        except UnicodeDecodeError as error:
            raise DecodeError(f"the list is no UTF-8: {error.reason}") from error
        self._size += len(block)
        if self._parts:
            self._check(self._size, self._limit, "a list that can't be split into objects")
            self._parts.append(text)
            return
        self._text += text
        if not self._in_items:
            self._begin()
            if not self._in_items and len(self._text) >= _HEAD:
                self._parts, self._text = [self._text], ""
        # An item that is not complete yet fails to decode, which costs as much as it has bytes: let it double first.
        if self._in_items and len(self._text) >= 2 * self._tried:
            self._take_items()
            self._tried = len(self._text)
            self._check(self._tried, self._limit, "a list with an object")

    def _check(self, size: int, limit: int, what: str) -> None:
        if size > limit:
            raise DecodeError(f"the server sent {what} of more than {limit} bytes; none is that large")

    def _begin(self) -> None:
        head = _LIST.match(self._text)
        if head is None:
            return
        try:
            metadata, end = _raw_decode(self._text, head.end())
        except (ValueError, RecursionError):
            return
        items = _ITEMS.match(self._text, end)
        if items is None or not isinstance(metadata, dict):
            return
        self._metadata = metadata
        self._decoder = self._decoder.of_list(head[1], head[2])
        self._text = self._text[items.end() :]
        self._in_items = True

    def _take_items(self) -> None:
        text, position = self._text, 0
        while position < len(text):
            character = text[position]
            if character in " \n\t\r":
                position += 1
                continue
            if character == "," and self._wants == _COMMA_OR_END:
                position += 1
                self._wants = _ITEM
                continue
            if character != "{" or self._wants == _COMMA_OR_END:
                break
            try:
                # One object that is nested too deeply for Python's decoder must not keep all others out.
                obj, end = deep.raw_decode(text, position)
            except JSONDecodeError:
                break
            except ValueError as error:
                raise DecodeError(f"the list holds an object that can't be decoded: {error}") from error
            self._check(end - position, self._limit, "a list with an object")
            self._keep(self._decoder.item(text[position:end], obj))
            position = end
            self._wants = _COMMA_OR_END
        self._text = text[position:]

    def _keep(self, record: WireRecord[T] | BadObject) -> None:
        if isinstance(record, BadObject):
            self._bad.append(record)
        else:
            self._records.append(record)

    def finish(self) -> Page[T]:
        """Return the page; the answer has ended."""
        try:
            self._text = "".join((*self._parts, self._text, self._utf8.decode(b"", final=True)))
        except UnicodeDecodeError as error:
            raise DecodeError(f"the list is no UTF-8: {error.reason}") from error
        if not self._in_items:
            return self._whole()
        self._take_items()
        if not self._text.startswith("]") or self._wants == _ITEM:
            raise DecodeError("the list is no JSON: an item is broken or the end is missing")
        try:
            # With the items left out, the rest is an object by itself.
            after = json.loads(f'{{"items":[{self._text}')
        except (ValueError, RecursionError) as error:
            raise DecodeError(f"the list is no JSON after its items: {error}") from error
        metadata = after.get("metadata", self._metadata)
        if not isinstance(metadata, dict) or after["items"] != []:
            raise DecodeError("the list has its metadata or its items twice")
        return self._page(metadata)

    def _whole(self) -> Page[T]:
        try:
            answer = deep.loads(self._text)
        except ValueError as error:
            raise DecodeError(f"the list is no JSON: {error}") from error
        if not isinstance(answer, dict) or not isinstance(answer.get("items", []), (list, type(None))):
            raise DecodeError("the answer is no list: it has no items")
        if not str(answer.get("kind", "")).endswith("List") or not isinstance(answer.get("metadata"), dict):
            raise DecodeError(f"the answer is no list but a {answer.get('kind', 'JSON object')!r}")
        decoder = self._decoder.of_list(str(answer["kind"]).removesuffix("List"), str(answer.get("apiVersion", "")))
        for obj in answer.get("items") or []:
            if isinstance(obj, dict):
                self._keep(decoder.record(obj))
            else:
                self._bad.append(BadObject(DecodeError("an item of the list is no object")))
        return self._page(answer["metadata"])

    def _page(self, metadata: Mapping[str, Any]) -> Page[T]:
        version, token = metadata.get("resourceVersion") or "", metadata.get("continue") or ""
        if not isinstance(version, str) or not isinstance(token, str):
            raise DecodeError("the list's resourceVersion or continue token is no string")
        remaining = metadata.get("remainingItemCount")
        # Only a hint, for people to read: one that makes no sense is left out.
        is_count = isinstance(remaining, int) and not isinstance(remaining, bool) and remaining >= 0
        return Page(self._records, version, token, self._bad, remaining if is_count else None)
