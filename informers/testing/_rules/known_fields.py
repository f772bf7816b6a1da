"""Unknown fields and wrong types in objects of built-in kinds, by the official client's models.

Upstream: k8s.io/apimachinery/pkg/runtime/serializer/json (strict decoding, v0.37) and k8s.io/kube-openapi.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast, final

import attrs

from informers.testing._http import status as failures
from informers.testing._http.status import Cause, Failure
from informers.testing._store.documents import Json, encode, go_type, mapping, quote, sequence
from informers.testing._store.served_resources import Served

__all__ = ["FieldCheck", "doubled_fields", "known_metadata", "recognized"]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)")
_CONTAINER = re.compile(r"(list|dict)[\[(](?:str, ?)?(.+)[\])]", re.IGNORECASE)
#: For plain types of models the type in JSON, and Go's name.
_PLAIN = {
    "str": ("string", "string"),
    "bytes": ("string", "[]uint8"),
    "datetime": ("string", "Time"),
    "bool": ("bool", "bool"),
    "int": ("number", "int32"),
    "float": ("number", "float64"),
}
#: Fields, and maps, of quantities: texts or numbers.
_QUANTITIES = frozenset(
    {
        *("allocatable", "allocatedResources", "capacity", "default", "defaultRequest", "hard", "limits", "max"),
        *("maxLimitRequestRatio", "min", "podFixed", "requests", "used"),
        *("averageValue", "divisor", "maximumVolumeSize", "sizeLimit", "value"),
    }
)


@final
@attrs.define
class FieldCheck:
    """How unknown and duplicate fields of a write are handled.

    Attributes:
        mode: of `fieldValidation`.
        is_patch: the wording of a refusal depends on it.
        is_apply: likewise; an apply takes no such fields, whatever the mode.
        doubled: problems with duplicate fields.
        warnings: what the answer's headers say.
    """

    mode: str = "Ignore"
    is_patch: bool = False
    is_apply: bool = False
    doubled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def report(self, served: Served, obj: Json, unknown: list[str]) -> None:
        """Warn of fields, or refuse the object for them.

        Raises:
            Failure: 400, or 422 for a patch.
        """
        if unknown and self.is_apply:
            raise self.refusal(served, obj, f".{unknown[0]}: field not declared in schema")
        problems = (*self.doubled, *(f'unknown field "{path}"' for path in unknown))
        if not problems or self.mode == "Ignore":
            return
        if self.mode != "Strict":
            self.warnings = problems
            return
        raise self.refusal(served, obj, f"strict decoding error: {', '.join(problems)}")

    def refusal(self, served: Served, obj: Json, why: str) -> Failure:
        """Return the failure for an object that can't be read as one of its kind: 400, 422 for a patch, or 500."""
        group, version, kind = served.resource.group, served.resource.version, served.resource.kind
        if self.is_apply:
            what = f"/{obj['metadata'].get('name', '')}; {group}/{version}, Kind={kind}"
            return Failure(f"failed to create typed patch object ({what}): {why}", code=500, reason="")
        if self.is_patch:
            return failures.invalid("", "", "", [Cause.invalid("patch", encode(obj).decode(), why)])
        return failures.bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {why}')


def recognized(served: Served, obj: Json, check: FieldCheck) -> Json:
    """Return an object of a built-in kind without the fields that its model does not have.

    Raises:
        Failure: 400, or 422 for a patch, for a value of another type; for unknown fields where `check` says so.
    """
    if served.is_custom or not served.resource.model:
        return obj
    unknown: list[str] = []
    kind = served.resource.kind
    try:
        known = _walk(obj, served.resource.model, kind, "", unknown)
    except TypeError as problem:
        raise check.refusal(served, obj, str(problem)) from None
    check.report(served, obj, unknown)
    return mapping(known)


def known_metadata(metadata: Json) -> tuple[Json, list[str]]:
    """Return the metadata that objects have, and the paths of the others.

    Raises:
        TypeError: a value is of another type.
    """
    unknown: list[str] = []
    return mapping(_walk(metadata, "V1ObjectMeta", "ObjectMeta", "metadata", unknown)), unknown


def _walk(value: Any, type_: str, owner: str, path: str, unknown: list[str]) -> Any:
    if value is None or type_ == "object":
        return value
    have = go_type(value)
    if container := _CONTAINER.fullmatch(type_):
        item = container[2]
        if container[1].lower() == "list":
            if not isinstance(value, list):
                raise _mistyped(have, owner, path, f"[]{_go_name(item)}")
            return [_walk(each, item, owner, f"{path}[{index}]", unknown) for index, each in enumerate(value)]
        if not isinstance(value, dict):
            raise _mistyped(have, owner, path, f"map[string]{_go_name(item)}")
        # Go's message does not name the key of a plain value.
        is_plain = item in _PLAIN
        return {
            field: _walk(each, item, owner, path if is_plain else f"{path}.{field}", unknown)
            for field, each in value.items()
        }
    if type_ in _PLAIN:
        is_quantity = type_ == "str" and have == "number" and path.rpartition(".")[2] in _QUANTITIES
        is_broken = type_ == "int" and isinstance(value, float) and not value.is_integer()
        if (have != _PLAIN[type_][0] and not (is_quantity and owner != "EnvVar")) or is_broken:
            raise _mistyped(have, owner, path, _go_name(type_))
        if type_ == "datetime" and not _TIME.fullmatch(str(value)):
            raise TypeError(f'parsing time {quote(str(value))} as "2006-01-02T15:04:05Z07:00": cannot parse it')
        return value
    fields = _fields(type_)
    if fields is None:
        return value
    if not isinstance(value, dict):
        raise _mistyped(have, owner, path, _go_name(type_))
    found: Json = {}
    for field, each in value.items():
        where = f"{path}.{field}" if path else field
        if field in fields:
            found[field] = _walk(each, fields[field], _go_name(type_).rpartition(".")[2], where, unknown)
        else:
            unknown.append(where)
    return found


@cache
def _fields(model: str) -> dict[str, str] | None:
    """Return a model's fields in JSON and their types; None if the installed client has no such model."""
    # Imported with the first write over HTTP: it takes a second.
    found: Any = getattr(importlib.import_module("kubernetes.client"), model, None)
    types = getattr(found, "openapi_types", None)
    return None if types is None else {json_name: types[name] for name, json_name in found.attribute_map.items()}


def _go_name(type_: str) -> str:
    if type_ in _PLAIN:
        return _PLAIN[type_][1]
    version, name = re.fullmatch(r"(?:Core|Events)?(V\d+(?:(?:alpha|beta)\d+)?)?(.*)", type_).groups("")  # type: ignore[union-attr]  # it matches anything
    return f"{version.lower()}.{name}" if version else name


def _mistyped(have: str, owner: str, path: str, wanted: str) -> TypeError:
    where = re.sub(r"\[\d+\]", "", path)
    return TypeError(f"json: cannot unmarshal {have} into Go struct field {owner}.{where} of type {wanted}")


def doubled_fields(body: bytes, *, is_patch: bool = False) -> tuple[str, ...]:
    """Return problems with duplicate fields of a JSON text; none for invalid JSON."""
    try:
        # Objects become tuples of pairs, which keep what a mapping would lose.
        content = json.loads(body, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return ()
    prefix = "json patch " if is_patch and isinstance(content, list) else ""
    return tuple(dict.fromkeys(f'{prefix}duplicate field "{path}"' for path in _doubled(content, "")))


def _doubled(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(sequence(value)):
            yield from _doubled(item, f"{path}[{index}]")
    elif isinstance(value, tuple):
        seen: set[str] = set()
        for field, item in cast("tuple[tuple[str, Any], ...]", value):
            where = f"{path}.{field}" if path else field
            if field in seen:
                yield where
            seen.add(field)
            yield from _doubled(item, where)
