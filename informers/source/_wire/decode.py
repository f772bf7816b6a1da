"""Makes records from the wire: it reads only what the cache needs; the rest stays bytes.

If an object begins as servers write it, its head has all that is needed (`object_head`), and its bytes are kept: the
short way. Otherwise the whole object is decoded: the long way, which defines the right result. Even then its bytes are
kept if kind and metadata are first; if they are not, the object is written again in that order.

Upstream: k8s.io/client-go/rest/watch/decoder.go and tools/cache/reflector.go (v0.37).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any, Generic, final

from typing_extensions import Self, TypeVar

from informers.errors import DecodeError
from informers.resources import Resource
from informers.source._bytes import deep_json as deep
from informers.source._bytes.compression import packer_of
from informers.source._models.object_makers import Maker
from informers.source._models.partial_metadata import PartialObjectMetadata, maker_of
from informers.source._wire.object_head import Head, HeadReader
from informers.source._wire.shared_texts import SharedTexts
from informers.source._wire.status_errors import error_of_status
from informers.source.records import Origin, WireRecord
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, WatchEvent

__all__ = ["Decoder"]

T = TypeVar("T", default=Any)

_CHANGE = re.compile(rb'\{"type":"(ADDED|MODIFIED|DELETED)","object":')
_ITEM = b'{"metadata":{'
#: White space in JSON.
_SPACE = " \t\n\r"
_SECOND_METADATA = b',"metadata":'

#: Values of a record if the key is missing. Compared one by one: a list can't be looked up in a set.
_EMPTY: tuple[Any, ...] = ("", {}, [], 0)

_CHANGES = {change.value: change for change in ChangeType}
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@final
class Decoder(Generic[T]):
    """Reads lists and watches of one resource.

    Args:
        make: makes the object for a reader.
        kind: for example `Pod`: list items do not have it. Empty if unknown: then it is taken from the list.
        api_version: of the objects, for example `apps/v1`.
        drop_managed_fields: remove `metadata.managedFields`, half of a typical object, from the stored bytes.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, make: Maker[T], *, kind: str, api_version: str, drop_managed_fields: bool = False) -> None:
        alike = (kind, api_version, drop_managed_fields)
        self._origin = Origin(make, packer_of(alike) if kind else None)
        self._shared = SharedTexts()
        self._drop_managed_fields = drop_managed_fields
        self._name_kind(kind, api_version)

    @classmethod
    def of(cls, resource: Resource[T], *, metadata_only: bool = False, drop_managed_fields: bool = False) -> Self:
        """Return a decoder of a resource's objects, or of their metadata alone.

        Raises:
            ConfigurationError: the installed client does not know the resource's model.
        """
        made = PartialObjectMetadata if metadata_only else resource
        return cls(
            maker_of(resource, metadata_only=metadata_only),
            kind=made.kind,
            api_version=made.api_version,
            drop_managed_fields=drop_managed_fields,
        )

    def _name_kind(self, kind: str, api_version: str) -> None:
        self._kind = kind
        self._api_version = api_version
        self._heads = HeadReader(kind, api_version)
        self._item_head = b'{"kind":"%s","apiVersion":"%s",' % (kind.encode(), api_version.encode())

    def event(self, data: bytes, start: int = 0, stop: int | None = None) -> WatchEvent[T]:
        """Return the event in a line of a watch: all of `data`, or `start:stop` in it.

        Raises:
            DecodeError: the line is not a watch event, or it is an unreadable deletion, which only a list can show.
        """
        if stop is None:
            stop = len(data)
        match = _CHANGE.match(data, start, stop)
        if match is not None and data.endswith(b"}}", start, stop):
            record = self._short(data, match.end(), stop - 1)
            if record is not None:
                return Change(_CHANGES[match[1].decode()], record)
        return self.event_the_long_way(data[start:stop])

    def event_the_long_way(self, line: bytes) -> WatchEvent[T]:
        """Do what `event` does, by decoding the whole line."""
        try:
            text = line.decode()
            match = _CHANGE.match(line)
            # Up to the metadata there is only ASCII, so positions in the bytes are the same as in the text.
            if match is not None and self._heads.metadata_of(line, match.end()) is not None:
                obj, end = deep.raw_decode(text, match.end())
                if text[end:] == "}":
                    return _changed(_CHANGES[match[1].decode()], self.item(text[match.end() : end].encode(), obj))
            event, end = deep.raw_decode(text, len(text) - len(text.lstrip(_SPACE)))
            if text[end:].strip(_SPACE):
                raise ValueError("something comes behind it")
        except ValueError as error:
            raise DecodeError(f"a line of the watch is not valid JSON: {error}", raw=line) from error
        return self._whole_event(event, line)

    def _whole_event(self, event: Any, line: bytes) -> WatchEvent[T]:
        kind, obj = (event.get("type"), event.get("object")) if isinstance(event, dict) else (None, None)
        if not isinstance(obj, dict):
            raise DecodeError("a line of the watch is not an event: it has no object", raw=line)
        if kind == "ERROR":
            return ErrorEvent(error_of_status(obj))
        metadata = obj.get("metadata")
        if kind == "BOOKMARK":
            return self._of_another_kind(obj) or _bookmark(metadata)
        change = _CHANGES.get(kind) if isinstance(kind, str) else None
        if change is None:
            error = DecodeError(f"the watch sent an event of unknown type {kind!r}", raw=line)
            return BadObject(error, _version(metadata))
        return _changed(change, self.record(obj))

    def record(self, obj: Mapping[str, Any], rest: bytes = b"") -> WireRecord[T] | BadObject:
        """Return the record for an object that has been decoded as a whole.

        Args:
            obj: its JSON mapping, of which the record keeps no part.
            rest: what its JSON has behind the metadata, to the last brace, if it need not be written again.
        """
        if stray := self._of_another_kind(obj):
            return stray
        metadata = obj.get("metadata")
        kept = metadata
        if self._drop_managed_fields and isinstance(metadata, dict):
            kept = {name: value for name, value in metadata.items() if name != "managedFields"}
        head = {
            "kind": obj.get("kind", self._kind),
            "apiVersion": obj.get("apiVersion", self._api_version),
            "metadata": kept,
        }
        try:
            begin = _written(head)[:-1]
            if not rest:
                rest = _written({name: value for name, value in obj.items() if name not in head})
                rest = rest[1:] if rest == b"{}" else b"," + rest[1:]
        except RecursionError:
            return _bad("an object is nested too deeply to be written out again", metadata)
        except (TypeError, ValueError) as error:
            return _bad(f"an object can't be written as JSON: {error}", metadata)
        return self._record_of(begin + rest, metadata, len(begin))

    def _of_another_kind(self, obj: Mapping[str, Any]) -> BadObject | None:
        if self._kind and obj.get("kind", self._kind) != self._kind:
            return BadObject(DecodeError(f"expected an object of kind {self._kind}, got {obj['kind']!r}"))
        return None

    @property
    def knows_kind(self) -> bool:
        """Whether it reads one kind, whatever a list says."""
        return bool(self._kind)

    def of_list(self, kind: str, api_version: str) -> Self:
        """Return a decoder of a list's items: this one, or one with the list's kind if this one has none."""
        if self._kind:
            return self
        named = copy.copy(self)
        named._name_kind(kind, api_version)  # noqa: SLF001  its own kind
        return named

    def item(self, raw: bytes, obj: Mapping[str, Any]) -> WireRecord[T] | BadObject:
        """Return the record of a list's item with the JSON `raw`, decoded as `obj`."""
        if raw.startswith(_ITEM):
            raw = self._item_head + raw[1:]
        metadata = obj.get("metadata")
        if self._heads.metadata_of(raw) is None or (
            self._drop_managed_fields and isinstance(metadata, dict) and "managedFields" in metadata
        ):
            return self.record(obj)
        head = self._heads.read(raw, 0, len(raw))
        return self._record_of(raw, metadata, head.end if head is not None and _agrees(head, metadata) else 0)

    def short_item(self, raw: bytes) -> WireRecord[T] | None:
        """Return the record of an item by its head alone, or None."""
        if raw.startswith(_ITEM):
            raw = self._item_head + raw[1:]
        return self._short(raw, 0, len(raw))

    def _short(self, data: bytes, start: int, stop: int) -> WireRecord[T] | None:
        """Return the record of the object at `start:stop` by its head alone, or None."""
        head = self._heads.read(data, start, stop)
        # Of a repeated key, the last counts. Servers never repeat one, but an attacker may.
        if head is None or data.rfind(_SECOND_METADATA, head.end, stop) >= 0:
            return None
        name, namespace, uid, version, labels, end, (cut, behind) = head
        if labels == b"{}":
            return None
        if behind and self._drop_managed_fields:
            raw = data[start:cut] + data[behind:stop]
            end -= behind - cut
        else:
            raw = data[start:stop]
        shared = self._shared
        try:
            if not raw.isascii():
                raw.decode()
            key = name.decode()
            space = ""
            if namespace is not None:
                space = shared.decoded(namespace)
                key = f"{space}/{key}"
            return WireRecord(
                raw,
                self._origin,
                key,
                space,
                "" if version is None else version.decode(),
                "" if uid is None else uid.decode(),
                None if labels is None else shared.decoded_labels(labels),
                shared.value(end - start),
            )
        except ValueError:
            # Letters that are not valid, or a control character in a label.
            return None

    def _record_of(self, raw: bytes, metadata: Any, end: int) -> WireRecord[T] | BadObject:
        """Return the record of an object whose metadata end at a position; 0 if unknown."""
        if not isinstance(metadata, dict):
            return _bad("an object has no metadata", metadata, raw)
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
            return _bad(reason, metadata, raw)
        key = f"{namespace}/{name}" if namespace else name
        if labels is not None:
            try:
                labels = self._shared.labels(labels)
            except (AttributeError, TypeError):
                return _bad("an object's labels are not a map of strings", metadata, raw)
        if any(metadata.get(name, "?") in _EMPTY for name in ("namespace", "resourceVersion", "uid", "labels")):
            # The record does not distinguish empty from missing.
            end = 0
        shared = self._shared
        return WireRecord(raw, self._origin, key, shared.value(namespace), version, uid, labels, shared.value(end))


def _written(mapping: dict[str, Any]) -> bytes:
    """Return a mapping as JSON. Raises RecursionError, TypeError or ValueError."""
    try:
        return _encode(mapping).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair: JSON's escapes can express it, UTF-8 can't.
        return _encode_ascii(mapping).encode()


def _agrees(head: Head, metadata: Any) -> bool:
    """Return whether a head agrees with the decoded metadata; it does unless a key is repeated."""
    said = (head.name, head.namespace, head.uid, head.version)
    keys = ("name", "namespace", "uid", "resourceVersion")
    if any(metadata.get(key) != (None if raw is None else raw.decode()) for key, raw in zip(keys, said, strict=True)):
        return False
    return bool(metadata.get("labels") == (None if head.labels is None else json.loads(head.labels)))


def _bookmark(metadata: Any) -> Bookmark | BadObject:
    version = _version(metadata)
    if not version:
        return BadObject(DecodeError("a bookmark has no resourceVersion"))
    annotations = metadata.get("annotations")
    marker = annotations.get("k8s.io/initial-events-end") if isinstance(annotations, dict) else None
    return Bookmark(version, marker == "true")


def _bad(reason: str, metadata: Any, raw: bytes = b"") -> BadObject:
    """Return an unreadable object, with the key that its former state in the cache has, if that is known."""
    name, namespace = (metadata.get("name"), metadata.get("namespace")) if isinstance(metadata, dict) else ("", "")
    key = name if isinstance(name, str) else ""
    if key and namespace and isinstance(namespace, str):
        key = f"{namespace}/{key}"
    return BadObject(DecodeError(reason, key=key, raw=raw), _version(metadata))


def _version(metadata: Any) -> str:
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""


def _changed(change: ChangeType, record: WireRecord[T] | BadObject) -> Change[T] | BadObject:
    """Return the event of an object, or an unreadable one; raises if it was a deletion, which must not be lost."""
    if isinstance(record, WireRecord):
        return Change(change, record)
    if change is ChangeType.DELETED:
        error = record.error
        raise DecodeError(f"a deletion can't be read: {error}", key=error.key, raw=error.raw)
    return record
