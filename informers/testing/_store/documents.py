"""JSON as the real server writes it: the order of fields, times, quoting.

Objects are kept as bytes from `"metadata":{…}` on. What stands before, kind and version, depends on what a client
asks for, and an object is stored once for all versions of its group.

Upstream: k8s.io/apimachinery/pkg/apis/meta/v1/types.go (v0.37).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, cast

from informers.errors import ConfigurationError

__all__ = [
    "Json",
    "at",
    "decode",
    "encode",
    "encode_body",
    "go_type",
    "is_same",
    "json_of",
    "mapping",
    "ordered_metadata",
    "quote",
    "sequence",
    "timestamp",
]

#: A JSON object.
Json = dict[str, Any]

_METADATA_ORDER = (
    *("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation"),
    *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations"),
    *("ownerReferences", "finalizers", "managedFields"),
)

_ITEM_ORDERS = {
    "ownerReferences": ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"),
    "managedFields": ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"),
}

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_SORTING_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def json_of(obj: Any) -> Json:
    """Return an object that a test gives as JSON: a mapping, or a model of the official client.

    Raises:
        ConfigurationError: it is neither.
    """
    content: Any = obj
    if not isinstance(obj, Mapping):
        from kubernetes.client import ApiClient  # noqa: PLC0415  only a test with a model has it imported

        client: Any = ApiClient()
        content = client.sanitize_for_serialization(obj)
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"an object must be a mapping, or a model of the official client: got {obj!r}")
    return dict(cast("Mapping[str, Any]", content))


def encode(value: object) -> bytes:
    """Return `value` as compact JSON.

    Raises:
        TypeError: it can't be written so.
        ValueError: likewise: it is a number that JSON has not, for example NaN.
    """
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def decode(text: bytes | str) -> Any:
    """Return what `text` says.

    Raises:
        ValueError: it is not valid JSON.
    """
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    # Python's own reader takes NaN and Infinity, which JSON has not.
    raise ValueError(f"invalid character {constant[0]!r} looking for beginning of value")


def is_same(one: object, other: object) -> bool:
    """Return whether two values are the same JSON: to Python 1 equals true, too."""
    return one == other and _SORTING_ENCODER.encode(one) == _SORTING_ENCODER.encode(other)


def go_type(value: object) -> str:
    """Return what Go's reader of JSON calls a value."""
    if isinstance(value, bool):
        return "bool"
    names: dict[type[Any], str] = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return names.get(type(value), "null")


def mapping(value: Any) -> Json:
    """Return `value` if it is a JSON object, or an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """Return `value` if it is a JSON array, or an empty one."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]  # mypy finds a cast redundant


def at(value: Any, path: str, default: Any = None) -> Any:
    """Return what is at a path, for example `spec.replicas`; `default` for null or nothing."""
    for field in path.split("."):
        value = mapping(value).get(field)
    return default if value is None else value


def ordered_metadata(metadata: Mapping[str, Any]) -> Json:
    """Return `metadata` in the real server's order, without what is empty or unknown to it."""
    found = {field: metadata[field] for field in _METADATA_ORDER if metadata.get(field) not in (None, "", {}, [])}
    for field in ("labels", "annotations"):
        if field in found:
            found[field] = dict(sorted(mapping(found[field]).items()))
    for field, order in _ITEM_ORDERS.items():
        if field in found:
            items = map(mapping, sequence(found[field]))
            found[field] = [{name: item[name] for name in order if name in item} for item in items]
    return found


def encode_body(obj: Mapping[str, Any], *, is_custom: bool) -> tuple[bytes, int]:
    """Encode an object from its metadata on.

    Args:
        obj: the object; what it says of its kind and version is left out.
        is_custom: sorts all fields by name, as the real server does with objects that it has no type for.

    Returns:
        The bytes, starting with `"metadata":`, and where in them the metadata end.
    """
    encoder = _SORTING_ENCODER if is_custom else _ENCODER
    metadata = encoder.encode(ordered_metadata(mapping(obj.get("metadata"))))
    fields = [field for field in obj if field not in {"kind", "apiVersion", "metadata"}]
    fields.sort(key=(lambda field: field) if is_custom else (lambda field: field == "status"))
    head = f'"metadata":{metadata}'.encode("utf-8", "surrogatepass")
    rest = "".join(f",{_ENCODER.encode(field)}:{encoder.encode(obj[field])}" for field in fields)
    return head + rest.encode("utf-8", "surrogatepass") + b"}", len(head)


def quote(value: object) -> str:
    """Return a value as messages show it: as JSON, which for plain text is what Go's `%q` writes."""
    return _SORTING_ENCODER.encode(value)


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as the real server writes a time."""
    return datetime.fromtimestamp(int(seconds), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
