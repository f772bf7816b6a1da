"""From the wire to records: only what the cache needs is decoded, the rest stays bytes.

Where an object begins as a server writes it, only its metadata are decoded (`heads`), and it is kept as it came. Where
it does not, the whole is decoded, and written out again in that order.

Upstream: k8s.io/client-go/rest/watch/decoder.go and tools/cache/reflector.go (v0.37).
"""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, final

from typing_extensions import Self, TypeVar

from informers.errors import DecodeError
from informers.source._bytes import deep_json as deep
from informers.source._models.object_makers import Maker
from informers.source._wire.list_reader import ListReader
from informers.source._wire.metadata_scan import locate, object_pattern
from informers.source._wire.status_errors import error_of_status
from informers.source.events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, Page, WatchEvent
from informers.source.records import Origin, WireRecord

__all__ = ["Decoder"]

T = TypeVar("T", default=Any)

_CHANGE = r'\{"type":"(ADDED|MODIFIED|DELETED)","object":'
_ITEM = '{"metadata":{'
#: Different sets of labels that are remembered, to be shared.
_LABELS = 10_000
_SECOND_METADATA = ',"metadata":'

_CHANGES = {change.value: change for change in ChangeType}
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
        self._labels: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
        self._drop_managed_fields = drop_managed_fields
        self._name_kind(kind, api_version)

    def _name_kind(self, kind: str, api_version: str) -> None:
        self._kind = kind
        self._api_version = api_version
        head = object_pattern(kind, api_version)
        self._object_head = re.compile(head)
        self._change_head = re.compile(f"{_CHANGE}({head})")

    def event(self, line: bytes) -> WatchEvent[T]:
        """Return what a line of a watch says.

        Raises:
            DecodeError: the line is no watch event at all; or a deletion of nobody knows what, which only a list shows.
        """
        try:
            text = line.decode()
            match = self._change_head.match(text)
            if match is not None and text.endswith("}}"):
                record = self._cut_out(line, text, match.start(2), match.end(), -1)
                if record is not None:
                    change = _CHANGES[match[1]]
                    return Change(change, record) if isinstance(record, WireRecord) else _unless_deleted(change, record)
            event = deep.loads(text)
        except ValueError as error:
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
            return self._of_another_kind(obj) or _bookmark(metadata)
        change = _CHANGES.get(kind) if isinstance(kind, str) else None
        if change is None:
            return BadObject(
                DecodeError(f"the watch sent an event of unknown type {kind!r}", raw=line), _version(metadata)
            )
        record = self.record(obj)
        return Change(change, record) if isinstance(record, WireRecord) else _unless_deleted(change, record)

    def object(self, raw: bytes) -> WireRecord[T] | BadObject:
        """Return the record for an object's own JSON.

        Raises:
            DecodeError: it is no JSON object.
        """
        try:
            return self.item(raw.decode(), json.loads(raw))
        except (ValueError, TypeError, RecursionError, AttributeError) as error:
            raise DecodeError(f"an object is no JSON object: {error}", raw=raw) from error

    def record(self, obj: dict[str, Any]) -> WireRecord[T] | BadObject:
        """Return the record for an object that has been decoded as a whole."""
        if stray := self._of_another_kind(obj):
            return stray
        metadata = obj.get("metadata")
        kept = metadata
        if self._drop_managed_fields and isinstance(metadata, dict):
            kept = {name: value for name, value in metadata.items() if name != "managedFields"}
        ordered = {"kind": self._kind, "apiVersion": self._api_version, **obj, "metadata": kept}
        try:
            raw = _encode(ordered).encode()
        except RecursionError:
            reason = "an object is nested too deeply to be written out again"
            return BadObject(DecodeError(reason, key=_key(metadata)), _version(metadata))
        return self._record_of(raw, metadata)

    def _of_another_kind(self, obj: Mapping[str, Any]) -> BadObject | None:
        if self._kind and obj.get("kind", self._kind) != self._kind:
            return BadObject(DecodeError(f"expected an object of kind {self._kind}, got {obj['kind']!r}"))
        return None

    def page(
        self, blocks: Iterable[bytes], *, limit: int = 64 << 20, on_arrival: Callable[[int], None] | None = None
    ) -> Page[T]:
        """Return what a list's answer holds, given block by block while it arrives.

        Items are split off as they become complete, so the answer is never held as a whole.

        Args:
            blocks: of the answer's body.
            limit: bytes that an item may have.
            on_arrival: told after each block how many items have come.

        Raises:
            DecodeError: the answer is no list, or an item is longer.
        """
        reader: ListReader[T] = ListReader(self, limit=limit)
        for block in blocks:
            reader.feed(block)
            if on_arrival is not None:
                on_arrival(len(reader))
        return reader.finish()

    def of_list(self, kind: str, api_version: str) -> Self:
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
        head = self._object_head.match(text)
        record = None
        if head is not None and self._drop_managed_fields:
            record = self._cut_out(text.encode(), text, 0, head.end(), None)
        elif head is not None:
            record = self._record_of(text.encode(), obj.get("metadata"))
        return record or self.record(dict(obj))

    def _cut_out(
        self, line: bytes, text: str, start: int, metadata: int, stop: int | None
    ) -> WireRecord[T] | BadObject | None:
        """Return the record for the object at `start:stop` of a line, whose metadata begin at a position of its text.

        None where it takes more than a look at the metadata.
        """
        located = locate(text, metadata)
        # A key that comes twice counts where it comes last; a server never does that, an attacker may.
        if text.find(_SECOND_METADATA, located.end) >= 0:
            return None
        if not self._drop_managed_fields or '"managedFields":' not in text:
            return self._record_of(line[start:stop], located.metadata)
        if located.managed < 0:
            return None
        slim = f"{text[start : located.managed]}{text[located.end - 1 : stop]}"
        return self._record_of(slim.encode(), located.metadata)

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
            reason = f"an object has no proper name, namespace, resourceVersion or uid: its name is {name!r}"
            return BadObject(DecodeError(reason, key=_key(metadata), raw=raw), _version(metadata))
        key = f"{namespace}/{name}" if namespace else name
        if labels is not None:
            try:
                labels = self._shared_labels(labels)
            except (AttributeError, TypeError):
                return BadObject(DecodeError("an object's labels are no map of strings", key=key, raw=raw), version)
        return WireRecord(raw, self._origin, key, sys.intern(namespace), version, uid, labels)

    def _shared_labels(self, labels: dict[str, str]) -> dict[str, str]:
        """Return these labels as others have them too: objects of one owner have the same. Raises what is no map."""
        pairs = tuple(labels.items())
        known = self._labels.get(pairs)
        if known is None:
            intern = sys.intern
            known = {intern(label): intern(value) for label, value in pairs}
            if len(self._labels) >= _LABELS:
                self._labels.clear()
            self._labels[tuple(known.items())] = known
        return known


def _bookmark(metadata: Any) -> Bookmark | BadObject:
    version = _version(metadata)
    if not version:
        return BadObject(DecodeError("a bookmark has no resourceVersion"))
    annotations = metadata.get("annotations")
    marker = annotations.get("k8s.io/initial-events-end") if isinstance(annotations, dict) else None
    return Bookmark(version, marker == "true")


def _key(metadata: Any) -> str:
    """Return the key of an object that can't be held, as far as it has one: that of its former state in the cache."""
    name, namespace = (metadata.get("name"), metadata.get("namespace")) if isinstance(metadata, dict) else ("", "")
    if not isinstance(name, str) or not name:
        return ""
    return f"{namespace}/{name}" if namespace and isinstance(namespace, str) else name


def _version(metadata: Any) -> str:
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""


def _unless_deleted(change: ChangeType, bad: BadObject) -> BadObject:
    """Return an object that can't be held; raises where it was a deletion, which must not be lost."""
    if change is ChangeType.DELETED:
        raise DecodeError(f"a deletion can't be read: {bad.error}", key=bad.error.key, raw=bad.error.raw)
    return bad
