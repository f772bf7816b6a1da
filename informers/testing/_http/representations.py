"""The forms in which clients can get objects: whole, metadata alone, or rows of a table.

Upstream: k8s.io/apiserver/pkg/endpoints/handlers/response.go, k8s.io/kubernetes/pkg/printers/internalversion (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Literal, final

import attrs

from informers.testing._http import status as failures
from informers.testing._rules.registry import load
from informers.testing._store.documents import Json, at, decode, encode, mapping, ordered_metadata
from informers.testing._store.served_resources import Served
from informers.testing._store.versioned_storage import StoredRecord

__all__ = ["Form", "negotiate"]

_PARTIAL_HEAD = b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":'


def _ready(obj: Json) -> str:
    statuses: list[Json] = at(obj, "status.containerStatuses", [])
    containers = len(at(obj, "spec.containers", [])) or len(statuses)
    return f"{sum(1 for status in statuses if status.get('ready'))}/{containers}"


def _restarts(obj: Json) -> str:
    return str(sum(s.get("restartCount", 0) for s in at(obj, "status.containerStatuses", [])))


def _pod_status(obj: Json) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str(at(obj, "status.reason") or at(obj, "status.phase", "Unknown"))


#: Columns between name and age. Other resources have none.
_COLUMNS: dict[str, dict[str, Callable[[Json], Any]]] = {
    "configmaps": {"Data": lambda obj: len(mapping(obj.get("data"))) + len(mapping(obj.get("binaryData")))},
    "pods": {"Ready": _ready, "Status": _pod_status, "Restarts": _restarts},
}


@final
@attrs.frozen
class Form:
    """The form of a resource's objects in one answer.

    Attributes:
        served: the resource.
        kind: `whole`, `metadata` or `table`.
        rows: content of a table's rows besides cells: `None`, `Metadata` or `Object`.
        now: seconds since the epoch, for ages.
    """

    served: Served
    kind: Literal["whole", "metadata", "table"] = "whole"
    rows: str = "Metadata"
    now: float = 0.0

    def event(self, type_: str, record: StoredRecord, *, has_columns: bool = False) -> list[bytes]:
        """Return a watch event's line, in parts."""
        return [b'{"type":"' + type_.encode() + b'","object":', *self._parts(record, has_columns=has_columns), b"}\n"]

    def _metadata(self, record: StoredRecord) -> bytes:
        """Return metadata on its own: in one order for all kinds."""
        return encode(ordered_metadata(decode(record.metadata))) if self.served.is_custom else record.metadata

    def one(self, record: StoredRecord) -> bytes:
        """Return a single object, as a get answers with it."""
        return b"".join((*self._parts(record), b"\n"))

    def _parts(self, record: StoredRecord, *, has_columns: bool = True) -> tuple[bytes, ...]:
        if self.kind == "whole":
            return self.served.prefix(), record.body
        if self.kind == "metadata":
            return _PARTIAL_HEAD, self._metadata(record), b"}"
        return (self._table([record], {"resourceVersion": str(record.version)}, has_columns=has_columns),)

    def many(self, records: Iterable[StoredRecord], metadata: Json) -> list[bytes]:
        """Return a list, in parts."""
        if self.kind == "table":
            return [self._table(records, metadata), b"\n"]
        if self.kind == "metadata":
            head = b'{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":'
            parts = [head, encode(metadata), b',"items":[']
            for record in records:
                parts += (_PARTIAL_HEAD, self._metadata(record), b"},")
            return _closed(parts, b"}", b"]}\n")
        served = self.served
        if served.is_custom:
            api_version = encode(served.resource.api_version)
            parts = [b'{"apiVersion":', api_version, b',"items":[']
            prefix = served.prefix()
            for record in records:
                parts += (prefix, record.body, b",")
            shown = {"continue": "", **dict(sorted(metadata.items()))}
            end = b"".join((b'],"kind":', encode(served.list_kind), b',"metadata":', encode(shown), b"}\n"))
            return _closed(parts, b"", end)
        parts = [served.prefix(kind=served.list_kind), b'"metadata":', encode(metadata), b',"items":[']
        for record in records:
            parts += (b"{", record.body, b",")
        return _closed(parts, b"", b"]}\n")

    def bookmark(self, version: int, *, is_initial_end: bool) -> list[bytes]:
        """Return a bookmark's line."""
        metadata: Json = {"resourceVersion": str(version)}
        if is_initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        if self.served.is_custom and self.kind == "whole":
            metadata = dict(sorted(metadata.items()))
        # The real server sends a pod with zero values; its one list that can't be left out is null.
        body: Json = {"spec": {"containers": None}, "status": {}} if str(self.served.resource) == "pods" else {}
        text = b'"metadata":' + encode(metadata)
        rest = b"".join(b"," + encode(field) + b":" + encode(value) for field, value in body.items())
        return self.event("BOOKMARK", StoredRecord("", version, text + rest + b"}", len(text), {}, {}))

    def _table(self, records: Iterable[StoredRecord], metadata: Json, *, has_columns: bool = True) -> bytes:
        columns = _COLUMNS.get(str(self.served.resource), {})
        rows: list[bytes] = []
        for record in records:
            cells: list[Any] = []
            if record.key:
                obj = load(self.served, record)
                age = _age(self.now, obj["metadata"].get("creationTimestamp", ""))
                cells = [obj["metadata"]["name"], *(column(obj) for column in columns.values()), age]
            shown = b"null"
            if self.rows == "Object":
                shown = self.served.prefix() + record.body
            elif self.rows != "None":
                shown = _PARTIAL_HEAD + self._metadata(record) + b"}"
            rows.append(b'{"cells":' + encode(cells) + b',"object":' + shown + b"}")
        fixed = {"description": "", "priority": 0}
        described = [
            {"name": name, "type": "string", "format": "name" if name == "Name" else "", **fixed}
            for name in ("Name", *columns, "Age")
        ]
        head: Json = {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "columnDefinitions": described if has_columns else None,
        }
        return encode(head)[:-1] + b',"rows":[' + b",".join(rows) + b"]}"


def _closed(parts: list[bytes], last: bytes, end: bytes) -> list[bytes]:
    """Return a list's parts, without the comma after its last item."""
    if parts[-1].endswith(b","):
        parts[-1] = last
    return [*parts, end]


def _age(now: float, created: str) -> str:
    if not created:
        return "<unknown>"
    then = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
    seconds = max(0, int(now - then))
    for length, unit in ((86400, "d"), (3600, "h"), (120, "m")):
        if seconds >= length:
            return f"{seconds // (60 if unit == 'm' else length)}{unit}"
    return f"{seconds}s"


def negotiate(
    served: Served, accept: str, query: Mapping[str, str], *, now: float, is_list: bool | None = None
) -> Form:
    """Return the form for an Accept header: the first in it that this server knows.

    Args:
        served: the resource.
        accept: the header.
        query: of the request.
        now: seconds since the epoch, for ages.
        is_list: whether the answer is a list, not one object; None for a watch.

    Raises:
        Failure: 406.
    """
    for item in accept.split(",") or [""]:
        media, *parameters = (part.strip() for part in item.split(";"))
        if media not in {"", "*/*", "application/*", "application/json"}:
            continue
        options = dict(p.split("=", 1) for p in parameters if re.fullmatch(r"[^=]+=[^=]*", p))
        wanted = options.get("as", "")
        if not wanted:
            return Form(served)
        if options.get("g") != "meta.k8s.io" or options.get("v") != "v1":
            continue
        if wanted == "Table":
            return Form(served, "table", rows=query.get("includeObject") or "Metadata", now=now)
        if is_list is not None and wanted == ("PartialObjectMetadata" if is_list else "PartialObjectMetadataList"):
            package = (served.resource.group or "core").partition(".")[0]
            kind = f"*{package}.{served.resource.kind}" if not served.is_custom else "*unstructured.Unstructured"
            given = f"a list ({kind}List)" if is_list else f"not a list ({kind})"
            raise failures.not_acceptable(f"you requested {wanted}, but the requested object is {given}")
        if wanted in {"PartialObjectMetadata", "PartialObjectMetadataList"}:
            return Form(served, "metadata")
    raise failures.not_acceptable()
