"""managedFields, and server-side apply, which depends on them.

A set of fields is a tree, as in the objects: `{"f:spec": {"f:replicas": {}}}`.

Upstream: sigs.k8s.io/structured-merge-diff and k8s.io/apimachinery/pkg/util/managedfields (v0.37).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, cast

import attrs

from informers.testing._http.status import apply_conflict
from informers.testing._rules.patches import merge_keys
from informers.testing._store.documents import Json, is_same, mapping, quote, sequence

__all__ = ["Writer", "apply", "record_apply", "record_write"]

#: Metadata that a writer can own; the server sets the others.
_OWNED = frozenset({"generateName", "labels", "annotations", "ownerReferences", "finalizers"})
#: Types of values that have no fields.
_SIMPLE = frozenset({str, int, bool, float})


#: Fields that are maps of anything to anything, rather than structures.
_MAPS = frozenset(
    {"labels", "annotations", "data", "binaryData", "stringData", "matchLabels", "nodeSelector", "limits", "requests"}
)


@attrs.frozen
class Writer:
    """The manager of a write, its operation and its time.

    Attributes:
        manager: the field manager's name.
        operation: `Update` or `Apply`.
        time: as it stands in objects.
        subresource: for example `status`; empty for the object itself.
    """

    manager: str
    operation: str
    time: str
    subresource: str = ""

    def owns(self, entry: Json) -> bool:
        """Return whether an entry of managedFields is this writer's."""
        return (
            entry.get("manager") == self.manager
            and entry.get("operation") == self.operation
            and entry.get("subresource", "") == self.subresource
        )


def _owned(obj: Json) -> Json:
    """Return the part of an object whose fields can be owned."""
    metadata = {f: v for f, v in mapping(obj.get("metadata")).items() if f in _OWNED and v not in (None, {}, [])}
    rest = {f: v for f, v in obj.items() if f not in {"kind", "apiVersion", "metadata"} and v is not None}
    return {**({"metadata": metadata} if metadata else {}), **rest}


def _items(value: Any, name: str) -> list[tuple[str, str, Any]] | None:
    """Return what can be owned within a value: path element, name and value of each; None if it is one value."""
    if isinstance(value, dict):
        return [(f"f:{field}", field, inner) for field, inner in cast("Json", value).items()]
    if isinstance(value, list):
        items = sequence(value)
        if name == "finalizers":
            return [(f"v:{quote(item)}", "", item) for item in items]
        keys = merge_keys(name, items)
        if (
            keys
            and items
            and all(isinstance(i, dict) and all(i.get(k).__class__ in _SIMPLE for k in keys) for i in items)
        ):
            if keys in {("containerPort",), ("port",)}:
                # Two ports may differ in their protocol alone.
                keyed = [((i[keys[0]], i.get("protocol", "TCP")), i) for i in items]
                keys = (*keys, "protocol")
            else:
                keyed = [(tuple(i[k] for k in keys), i) for i in items]
            return [(_item_element(keys, values), "", item) for values, item in keyed]
    return None


@lru_cache(maxsize=4096)
def _item_element(keys: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """Return the path element of a list's item; the same few come again with each object of a kind."""
    return f"k:{quote(dict(zip(keys, values, strict=True)))}"


def _tree(value: Any, name: str = "", *, is_top: bool = False, is_applied: bool = False) -> Json:
    """Return the set of all fields of a value; an apply owns no more than what it names."""
    items = _items(value, name)
    if not items:
        return {}
    inner: Json = {
        element: _tree(child, child_name, is_applied=is_applied) if child.__class__ not in _SIMPLE else {}
        for element, child_name, child in items
    }
    is_item = isinstance(value, dict) and name == "" and not is_top
    # The manager that creates a map, or an item of a list, owns it as well as its content.
    has_dot = is_item or (name in _MAPS and not is_applied)
    return {".": {}, **inner} if has_dot and not is_top else inner


def _compare(old: Any, new: Any, name: str = "") -> tuple[Json, Json]:
    """Return the fields of a mapping or list that are new or changed, and those that are removed."""
    before = {element: child for element, _, child in _items(old, name) or []}
    after = {element: (child, n) for element, n, child in _items(new, name) or []}
    changed: Json = {}
    removed: Json = {element: {} for element in before if element not in after}
    for element, (child, child_name) in after.items():
        was = before.get(element)
        if element in before and is_same(was, child):
            continue
        if _items(child, child_name) and _items(was, child_name):
            inner_changed, inner_removed = _compare(was, child, child_name)
            changed.update({element: inner_changed} if inner_changed else {})
            removed.update({element: inner_removed} if inner_removed else {})
        else:
            changed[element] = _tree(child, child_name)
    return changed, removed


def _union(one: Json, other: Json) -> Json:
    result = dict(one)
    for element, inner in other.items():
        result[element] = _union(result[element], inner) if result.get(element) else inner
    return result


def _without(one: Json, other: Json) -> Json:
    """Return a set less another; where the other ends, all below goes."""
    result: Json = {}
    for element, inner in one.items():
        if element not in other:
            result[element] = inner
        elif other[element]:
            rest = _without(inner, other[element])
            is_owned_empty = not inner and "." not in other[element]
            if is_owned_empty or (rest and set(rest) != {"."}):
                result[element] = rest
    return result


def _entry(writer: Writer, api_version: str, fields: Json) -> Json:
    return {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": api_version,
        "time": writer.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **({"subresource": writer.subresource} if writer.subresource else {}),
    }


def record_apply(obj: Json, config: Json, writer: Writer, api_version: str) -> None:
    """Set an object's managedFields after an apply that created it."""
    fields = _tree(_owned(config), is_top=True, is_applied=True)
    obj["metadata"]["managedFields"] = [_entry(writer, api_version, fields)] if fields else []


def record_write(obj: Json, old: Json | None, writer: Writer, api_version: str) -> None:
    """Set an object's managedFields after an update that made it of `old`."""
    changed: Json = {}
    removed: Json = {}
    if old is None:
        entries: list[Json] = []
        changed = _tree(_owned(obj), is_top=True)
    else:
        entries = sequence(old["metadata"].get("managedFields"))
        # An object without managedFields gets none before its first apply.
        if entries:
            changed, removed = _compare(_owned(old), _owned(obj))
    if changed or removed:
        entries = _reassign(entries, changed, removed, writer, api_version, mine_only=None)
    obj["metadata"]["managedFields"] = entries


def _reassign(
    entries: list[Json], changed: Json, removed: Json, writer: Writer, api_version: str, *, mine_only: Json | None
) -> list[Json]:
    kept: list[Json] = []
    mine: Json = {}
    for entry in entries:
        fields = _without(entry["fieldsV1"], removed) if removed else entry["fieldsV1"]
        if writer.owns(entry):
            mine = fields
            continue
        fields = _without(fields, changed) if changed else fields
        if fields:
            kept.append({**entry, "fieldsV1": fields} if fields is not entry["fieldsV1"] else entry)
    mine = mine_only if mine_only is not None else _union(mine, changed)
    if mine:
        kept.append(_entry(writer, api_version, mine))
    return sorted(kept, key=lambda entry: (entry["operation"], entry["time"], entry["manager"]))


def apply(old: Json, config: Json, writer: Writer, api_version: str, *, force: bool) -> Json:
    """Return `old` with a configuration applied: server-side apply.

    Fields that this writer applied before and leaves out now go, unless others own them too.

    Raises:
        Failure: 409, others own fields that the configuration wants to be different.
    """
    entries: list[Json] = sequence(old["metadata"].get("managedFields"))
    if not entries and (unowned := _tree(_owned(old), is_top=True)):
        entries = [_entry(attrs.evolve(writer, manager="before-first-apply", operation="Update"), api_version, unowned)]
    wanted = _owned(config)
    fields = _tree(wanted, is_top=True, is_applied=True)
    merged = cast("Json", _merge(old, {k: v for k, v in config.items() if k not in {"kind", "apiVersion"}}, ""))
    changed, _ = _compare(_owned(old), _owned(merged))
    others = [entry for entry in entries if not writer.owns(entry)]
    conflicts = [(_manager(entry), path) for entry in others for path in _paths(_common(entry["fieldsV1"], changed))]
    if conflicts and not force:
        raise apply_conflict(conflicts)
    mine = mapping(next((entry["fieldsV1"] for entry in entries if writer.owns(entry)), None))
    dropped = _without_leaves(mine, fields)
    for entry in others:
        dropped = _without_leaves(dropped, entry["fieldsV1"])
    result = cast("Json", _drop(merged, dropped, "")) if dropped else merged
    result["metadata"] = {**result["metadata"], "managedFields": []}
    result["metadata"]["managedFields"] = _reassign(entries, changed, {}, writer, api_version, mine_only=fields)
    return result


def _manager(entry: Json) -> str:
    name = quote(entry.get("manager", ""))
    subresource = f" with subresource {quote(entry['subresource'])}" if entry.get("subresource") else ""
    return f"{name}{subresource}" + (f" using {entry['apiVersion']}" if entry.get("operation") == "Update" else "")


def _merge(old: Any, new: Any, name: str) -> Any:
    if isinstance(new, dict) and isinstance(old, dict):
        result = dict(cast("Json", old))
        for field, value in cast("Json", new).items():
            result[field] = _merge(result.get(field), value, field)
        return result
    items = _items(new, name) if isinstance(new, list) else None
    if items and isinstance(old, list):
        before = {element: child for element, _, child in _items(cast("Any", old), name) or []}
        before.update({element: _merge(before.get(element), child, "") for element, _, child in items})
        return sequence([*before.values()])
    return cast("Any", new)


def _drop(value: Any, fields: Json, name: str) -> Any:
    """Return a value without a set of fields."""
    items = _items(value, name) or []
    # A map, or an item of a list, goes as a whole if only this manager owns it.
    gone = {element for element, inner in fields.items() if not inner or "." in inner}
    kept = [(e, n, _drop(c, fields[e], n) if e in fields else c) for e, n, c in items if e not in gone]
    if isinstance(value, dict):
        return {element[2:]: child for element, _, child in kept}
    return [child for _, _, child in kept]


def _common(one: Json, other: Json) -> Json:
    """Return the fields that both sets name down to a leaf of one of them."""
    result: Json = {}
    for element, inner in one.items():
        if element != "." and element in other:
            common = _common(inner, other[element])
            # An empty map or list is owned as such, without what others put into it.
            if common or not other[element]:
                result[element] = common
    return result


def _without_leaves(one: Json, other: Json) -> Json:
    result: Json = {}
    for element, inner in one.items():
        if element not in other:
            result[element] = inner
        elif inner:
            rest = _without_leaves(inner, other[element])
            if rest and set(rest) != {"."}:
                result[element] = rest
    return result


def _paths(fields: Json, prefix: str = "") -> list[str]:
    result: list[str] = []
    for element, inner in fields.items():
        kind, _, rest = element.partition(":")
        if kind == "k":
            keys = ",".join(f"{k}={quote(v)}" for k, v in json.loads(rest).items())
            path = f"{prefix}[{keys}]"
        else:
            path = f"{prefix}[={rest}]" if kind == "v" else f"{prefix}.{rest}"
        result.extend(_paths(inner, path) if inner else [path])
    return result
