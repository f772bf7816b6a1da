"""From the wire to records: only what the cache needs is decoded, the rest stays bytes.

In what an API server sends, an object begins `{"kind":"Pod","apiVersion":"v1","metadata":`. Where an anchored pattern
finds that, the JSON decoder is set on the metadata alone, which takes a seventh of the time that the whole would.
Where it does not, the whole is decoded, and written out again in that order.

Upstream: k8s.io/client-go/rest/watch/decoder.go and tools/cache/reflector.go (v0.37).
"""

from __future__ import annotations

import codecs
import copy
import json
import re
import sys
from collections.abc import Iterable, Mapping
from json import JSONDecodeError
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.errors import DecodeError
from informers.source.events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, Page, WatchEvent
from informers.source.models import Maker
from informers.source.records import Origin, WireRecord
from informers.source.status import error_of_status

__all__ = ["Decoder"]

T = TypeVar("T", default=Any)

_CHANGE = r'\{"type":"(ADDED|MODIFIED|DELETED)","object":'
_OBJECT = r'\{"kind":"%s","apiVersion":"%s","metadata":(?=\{)'
_ANY_KIND, _ANY_VERSION = "[A-Za-z0-9]+", "[a-z0-9./-]+"
_LIST = re.compile(r'\{"kind":"([A-Za-z0-9]+)List","apiVersion":"([a-z0-9./-]+)","metadata":')
_ITEMS = re.compile(r',"items":\s*\[')
_ITEM = '{"metadata":{'
_SECOND_METADATA = ',"metadata":'

_CHANGES = {change.value: change for change in ChangeType}
_raw_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(separators=(",", ":")).encode


@final
class Decoder(Generic[T]):
    """Reads lists and watches of one resource.

    Args:
        make: makes the object that a reader sees.
        kind: of the objects, such as `Pod`: list items lack it. Empty where it is not known: then as the list's.
        api_version: of the objects, such as `apps/v1`.
        drop_managed_fields: leave `metadata.managedFields`, half of a typical object, out of what is kept.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, make: Maker[T], *, kind: str, api_version: str, drop_managed_fields: bool = False) -> None:
        self._origin = Origin(make)
        self._drop_managed_fields = drop_managed_fields
        self._name_kind(kind, api_version)

    def _name_kind(self, kind: str, api_version: str) -> None:
        self._kind = kind
        self._api_version = api_version
        head = _OBJECT % (re.escape(kind) or _ANY_KIND, re.escape(api_version) or _ANY_VERSION)
        self._object_head = re.compile(head)
        self._change_head = re.compile(f"{_CHANGE}({head})")

    def event(self, line: bytes) -> WatchEvent[T]:
        """Return what a line of a watch says.

        Raises:
            DecodeError: the line is no watch event at all.
        """
        try:
            text = line.decode()
            match = self._change_head.match(text)
            if match is not None:
                start = match.start(2)
                metadata, end = _raw_decode(text, match.end())
                # A key that comes twice counts where it comes last; a server never does that, an attacker may.
                if text.endswith("}}") and text.find(_SECOND_METADATA, end) < 0:
                    raw = line[start:-1]
                    record = self._record(raw, metadata, text[start:-1], end - start)
                    return Change(_CHANGES[match[1]], record) if isinstance(record, WireRecord) else record
            event = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DecodeError(f"a line of the watch is no JSON: {error}", raw=line) from error
        return self._whole_event(event, line)

    def _whole_event(self, event: Any, line: bytes) -> WatchEvent[T]:
        kind, obj = (event.get("type"), event.get("object")) if isinstance(event, dict) else (None, None)
        if not isinstance(obj, dict):
            raise DecodeError("a line of the watch is no event: it has no object", raw=line)
        if kind == "ERROR":
            return ErrorEvent(error_of_status(obj))
        metadata = obj.get("metadata")
        if kind == "BOOKMARK":
            return _bookmark(metadata)
        change = _CHANGES.get(kind) if isinstance(kind, str) else None
        if change is None:
            return BadObject(
                DecodeError(f"the watch sent an event of unknown type {kind!r}", raw=line), _version(metadata)
            )
        record = self.record(obj)
        return Change(change, record) if isinstance(record, WireRecord) else record

    def object(self, raw: bytes) -> WireRecord[T] | BadObject:
        """Return the record for an object's own JSON.

        Raises:
            DecodeError: it is no JSON object.
        """
        try:
            return self.item(raw.decode(), json.loads(raw))
        except (ValueError, RecursionError, AttributeError) as error:
            raise DecodeError(f"an object is no JSON object: {error}", raw=raw) from error

    def record(self, obj: dict[str, Any]) -> WireRecord[T] | BadObject:
        """Return the record for an object that has been decoded as a whole."""
        if self._kind and obj.get("kind", self._kind) != self._kind:
            return BadObject(DecodeError(f"expected an object of kind {self._kind}, got {obj['kind']!r}"))
        metadata = obj.get("metadata")
        kept = metadata
        if self._drop_managed_fields and isinstance(metadata, dict):
            kept = {name: value for name, value in metadata.items() if name != "managedFields"}
        ordered = {"kind": self._kind, "apiVersion": self._api_version, **obj, "metadata": kept}
        return self._record_of(_encode(ordered).encode(), metadata)

    def page(self, blocks: Iterable[bytes]) -> Page[T]:
        """Return what a list's answer holds, given block by block while it arrives.

        Items are split off as they become complete, so the answer is never held as a whole.

        Raises:
            DecodeError: the answer is no list.
        """
        reader = _ListReader(self)
        for block in blocks:
            reader.feed(block)
        return reader.finish()

    def of_list(self, kind: str, api_version: str) -> Decoder[T]:
        """Return what reads a list's items: this, or where it knows no kind, one that knows the list's."""
        if self._kind:
            return self
        named = copy.copy(self)
        named._name_kind(kind, api_version)  # noqa: SLF001  its own kind
        return named

    def item(self, text: str, obj: Mapping[str, Any]) -> WireRecord[T] | BadObject:
        """Return the record for an item of a list, whose JSON is `text` and says `obj`."""
        if text.startswith(_ITEM):
            text = f'{{"kind":"{self._kind}","apiVersion":"{self._api_version}",{text[1:]}'
        elif self._object_head.match(text) is None:
            return self.record(dict(obj))
        metadata = obj.get("metadata")
        end = -1
        if self._drop_managed_fields and '"managedFields":' in text:
            head = self._object_head.match(text)
            end = _raw_decode(text, head.end())[1] if head else -1
        return self._record(text.encode(), metadata, text, end)

    def _record(self, raw: bytes, metadata: Any, text: str, end: int) -> WireRecord[T] | BadObject:
        """Return the record for the object `raw`, whose decoded text has its metadata end at `end`."""
        if self._drop_managed_fields and end >= 0 and isinstance(metadata, dict) and "managedFields" in metadata:
            raw = _without_managed_fields(text, end) or raw
        return self._record_of(raw, metadata)

    def _record_of(self, raw: bytes, metadata: Any) -> WireRecord[T] | BadObject:
        if not isinstance(metadata, dict):
            return BadObject(DecodeError("an object has no metadata", raw=raw))
        name = metadata.get("name")
        namespace = metadata.get("namespace") or ""
        version = metadata.get("resourceVersion") or ""
        uid = metadata.get("uid") or ""
        labels = metadata.get("labels")
        if not (
            name
            and isinstance(name, str)
            and isinstance(namespace, str)
            and isinstance(version, str)
            and isinstance(uid, str)
            and "/" not in name
        ):
            return BadObject(
                DecodeError(f"an object has no proper name: {name!r}", key=str(name or ""), raw=raw), _version(metadata)
            )
        key = f"{namespace}/{name}" if namespace else name
        if labels is not None:
            if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
                return BadObject(DecodeError("an object's labels are no map of strings", key=key, raw=raw), version)
            intern = sys.intern
            labels = {intern(label): intern(value) for label, value in labels.items()}
        return WireRecord(raw, self._origin, key, sys.intern(namespace), version, uid, labels)


@final
class _ListReader(Generic[T]):
    """Takes the items out of a list while it arrives."""

    def __init__(self, decoder: Decoder[T]) -> None:
        self._decoder = decoder
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._in_items = False
        self._records: list[WireRecord[T]] = []
        self._bad: list[DecodeError] = []
        self._metadata: dict[str, Any] = {}
        self._tried = 0

    def feed(self, block: bytes) -> None:
        """Take the next block."""
        try:
            self._text += self._utf8.decode(block)
        except UnicodeDecodeError as error:
            raise DecodeError(f"the list is no UTF-8: {error.reason}") from error
        if not self._in_items:
            self._begin()
        # An item that is not complete yet fails to decode, which costs as much as it has bytes: let it double first.
        if self._in_items and len(self._text) >= 2 * self._tried:
            self._take_items()
            self._tried = len(self._text)

    def _begin(self) -> None:
        head = _LIST.match(self._text)
        if head is None:
            return
        try:
            metadata, end = _raw_decode(self._text, head.end())
        except JSONDecodeError:
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
            if text[position] in ", \n\t\r":
                position += 1
                continue
            if text[position] != "{":
                break
            try:
                obj, end = _raw_decode(text, position)
            except JSONDecodeError:
                break
            except RecursionError as error:
                raise DecodeError("the list holds an object that is nested too deeply") from error
            self._keep(self._decoder.item(text[position:end], obj))
            position = end
        self._text = text[position:]

    def _keep(self, record: WireRecord[T] | BadObject) -> None:
        if isinstance(record, BadObject):
            self._bad.append(record.error)
        else:
            self._records.append(record)

    def finish(self) -> Page[T]:
        """Return the page; the answer has ended."""
        try:
            self._text += self._utf8.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise DecodeError(f"the list is no UTF-8: {error.reason}") from error
        if not self._in_items:
            return self._whole()
        self._take_items()
        if not self._text.startswith("]"):
            raise DecodeError("the list is no JSON: an item is broken or the end is missing")
        rest = "{" + self._text[1:].lstrip(", \n\t\r")
        try:
            after = json.loads(rest)
        except (ValueError, RecursionError) as error:
            raise DecodeError(f"the list is no JSON after its items: {error}") from error
        return self._page({**self._metadata, **(after.get("metadata") or {})})

    def _whole(self) -> Page[T]:
        try:
            answer = json.loads(self._text)
        except (ValueError, RecursionError) as error:
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
                self._bad.append(DecodeError("an item of the list is no object"))
        return self._page(answer["metadata"])

    def _page(self, metadata: Mapping[str, Any]) -> Page[T]:
        version, token = metadata.get("resourceVersion") or "", metadata.get("continue") or ""
        if not isinstance(version, str) or not isinstance(token, str):
            raise DecodeError("the list's resourceVersion or continue token is no string")
        return Page(self._records, version, token, self._bad)


def _without_managed_fields(text: str, end: int) -> bytes | None:
    """Return the object without its managedFields, or None where they can't be cut out by position.

    They come last in what a server writes: so cut where they begin, and see that what is left is whole.
    """
    start = text.find(',"managedFields":[', 0, end)
    if start < 0:
        return None
    try:
        _, stop = _raw_decode(text, start + len(',"managedFields":'))
    except JSONDecodeError:
        return None
    if stop != end - 1:
        return None
    return f"{text[:start]}{text[stop:]}".encode()


def _bookmark(metadata: Any) -> Bookmark | BadObject:
    version = _version(metadata)
    if not version:
        return BadObject(DecodeError("a bookmark has no resourceVersion"))
    annotations = metadata.get("annotations")
    marker = annotations.get("k8s.io/initial-events-end") if isinstance(annotations, dict) else None
    return Bookmark(version, marker == "true")


def _version(metadata: Any) -> str:
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""
