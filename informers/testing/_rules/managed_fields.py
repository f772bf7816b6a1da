"""managedFields, and server-side apply, which depends on them.

A set of fields is a set of paths, for example `("f:spec", "f:replicas")`. Objects have it as a tree:
`{"f:spec": {"f:replicas": {}}}`.

Upstream: sigs.k8s.io/structured-merge-diff and k8s.io/apimachinery/pkg/util/managedfields (v0.37).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, cast

import attrs

from informers.testing._http.status import apply_conflict
from informers.testing._rules.patches import merge_keys
from informers.testing._store.documents import Json, mapping, quote, sequence

__all__ = ["Writer", "apply", "record_apply", "record_write"]

_Path = tuple[str, ...]

#: Metadata that a writer can own; the server sets the others.
_OWNED = frozenset({"generateName", "labels", "annotations", "ownerReferences", "finalizers"})
#: Types of values that have no fields.
_SIMPLE = frozenset({str, int, bool, float})
#: Objects that are maps of anything to anything, rather than structures.
_MAPS = frozenset(
    {"labels", "annotations", "data", "binaryData", "stringData", "matchLabels", "nodeSelector", "limits", "requests"}
)


class _Inner(enum.Enum):
    """What has fields of its own."""

    #: The manager that creates an item of a list owns it as well as its content.
    ITEM = enum.auto()
    #: Likewise a map or a list, but for an apply, which owns no more than what it names.
    MAP = enum.auto()
    #: It is owned field by field.
    STRUCTURE = enum.auto()


@attrs.frozen
class Writer:
    """The manager of a write, its operation and its time.

    Attributes:
        manager: the field manager's name.
        operation: `Update` or `Apply`.
        api_version: in which the fields are named.
        time: as it stands in objects.
        subresource: for example `status`; empty for the object itself.
    """

    manager: str
    operation: str
    api_version: str
    time: str
    subresource: str = ""

    def owns(self, entry: Json) -> bool:
        """Return whether an entry of managedFields is this writer's."""
        return (
            entry.get("manager") == self.manager
            and entry.get("operation") == self.operation
            and entry.get("subresource", "") == self.subresource
        )

    def entry(self, fields: Iterable[_Path]) -> Json:
        """Return this writer's entry of managedFields."""
        return {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(fields),
            **({"subresource": self.subresource} if self.subresource else {}),
        }


def _tree(fields: Iterable[_Path]) -> Json:
    """Return a set of fields as objects have it."""
    tree: Json = {}
    node = tree
    before: _Path = ("",)
    for path in sorted(fields):
        if before == path[: len(before)]:
            node["."] = {}
        node, before = tree, path
        for step in path:
            if step not in node:
                node[step] = {}
            node = node[step]
    return tree


def _paths(tree: Json, path: _Path = ()) -> Iterator[_Path]:
    """Iterate over a set of fields as objects have it."""
    for element, inner in tree.items():
        if element == ".":
            yield path
        elif inner:
            yield from _paths(inner, (*path, element))
        else:
            yield (*path, element)


def _items(value: Any, name: str) -> list[tuple[str, str, Any]] | None:
    """Return what can be owned within a value: path element, name and value of each; None if it is one value."""
    if isinstance(value, dict):
        return [(f"f:{field}", field, inner) for field, inner in cast("Json", value).items()]
    if not isinstance(value, list):
        return None
    items = sequence(value)
    if name == "finalizers":
        return [(f"v:{quote(item)}", "", item) for item in items]
    keys = merge_keys(name, items)
    if not keys or not all(isinstance(item, dict) for item in items):
        return None
    if name == "ports":
        # Two ports may differ in their protocol alone.
        keys = (*keys, "protocol")
    keyed = [(tuple(item.get(key, "TCP" if key == "protocol" else None) for key in keys), item) for item in items]
    if any(each.__class__ not in _SIMPLE for values, _ in keyed for each in values):
        return None
    return [(_item_element(keys, values), "", item) for values, item in keyed]


@lru_cache(maxsize=4096)
def _item_element(keys: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """Return the path element of a list's item; the same few come again with each object of a kind."""
    return f"k:{quote(dict(zip(keys, values, strict=True)))}"


def _fields(obj: Json) -> dict[_Path, Any]:
    """Return what an object has at each path: a value, or for what has fields of its own which kind of that it is."""
    metadata = {f: v for f, v in mapping(obj.get("metadata")).items() if f in _OWNED and v not in (None, {}, [])}
    found: dict[_Path, Any] = {}
    if metadata:
        _collect(found, ("f:metadata",), "metadata", metadata)
    for field, value in obj.items():
        if field not in {"kind", "apiVersion", "metadata"} and value is not None:
            _collect(found, (f"f:{field}",), field, value)
    return found


def _collect(found: dict[_Path, Any], path: _Path, name: str, value: Any) -> None:
    items = _items(value, name)
    if not items:
        found[path] = value
        return
    is_structure = name == "containers" or (isinstance(value, dict) and name not in _MAPS)
    found[path] = _Inner.ITEM if not name else _Inner.STRUCTURE if is_structure else _Inner.MAP
    for element, child_name, child in items:
        where = (*path, element)
        if child.__class__ in _SIMPLE:
            found[where] = child
        else:
            _collect(found, where, child_name, child)


def _applied(config: Json) -> set[_Path]:
    """Return the fields that an apply of a configuration owns."""
    return {path for path, value in _fields(config).items() if value not in (_Inner.MAP, _Inner.STRUCTURE)}


def _compare(old: Json, new: Json) -> tuple[set[_Path], set[_Path]]:
    """Return the fields that are new or changed, and those that are removed."""
    # Most writes change one part alone.
    parts = [field for field in {**old, **new} if old.get(field) != new.get(field)]
    before, after = (_fields({field: obj[field] for field in parts if field in obj}) for obj in (old, new))
    changed = {
        path
        for path, value in after.items()
        if value is not _Inner.STRUCTURE
        and (path not in before or (before[path] != value and not isinstance(value, _Inner)))
    }
    return changed, before.keys() - after.keys()


def record_apply(obj: Json, config: Json, writer: Writer) -> None:
    """Set an object's managedFields after an apply that created it."""
    obj["metadata"]["managedFields"] = _handed_over([], writer, _applied(config), set())


def record_write(obj: Json, old: Json | None, writer: Writer) -> None:
    """Set an object's managedFields after an update that made it of `old`."""
    entries: list[Json] = [] if old is None else sequence(old["metadata"].get("managedFields"))
    # An object without managedFields gets none before its first apply.
    if old is None or entries:
        changed, removed = _compare(old or {}, obj)
        if changed or removed:
            mine = _paths_of(entries, writer) - removed | changed
            entries = _handed_over(entries, writer, mine, changed | removed)
    obj["metadata"]["managedFields"] = entries


def _paths_of(entries: list[Json], writer: Writer) -> set[_Path]:
    return {path for entry in entries if writer.owns(entry) for path in _paths(entry["fieldsV1"])}


def _handed_over(entries: list[Json], writer: Writer, mine: set[_Path], lost: set[_Path]) -> list[Json]:
    """Return the entries after a write: this writer owns some fields, and the others lose some."""
    kept = [writer.entry(mine)] if mine else []
    for entry in entries:
        if not writer.owns(entry):
            fields = set(_paths(entry["fieldsV1"]))
            if left := fields - lost:
                kept.append(entry if left == fields else {**entry, "fieldsV1": _tree(left)})
    return sorted(kept, key=lambda entry: (entry["operation"], entry["time"], entry["manager"]))


def apply(old: Json, config: Json, writer: Writer, *, force: bool) -> Json:
    """Return `old` with a configuration applied: server-side apply.

    Fields that this writer applied before and leaves out now go, unless others own them too.

    Raises:
        Failure: 409, others own fields that the configuration wants to be different.
    """
    entries: list[Json] = sequence(old["metadata"].get("managedFields"))
    if not entries:
        first = attrs.evolve(writer, manager="before-first-apply", operation="Update")
        entries = _handed_over([], first, _compare({}, old)[0], set())
    wanted = _applied(config)
    merged = cast("Json", _merge(old, {k: v for k, v in config.items() if k not in {"kind", "apiVersion"}}, ""))
    changed, removed = _compare(old, merged)
    others = [(entry, set(_paths(entry["fieldsV1"]))) for entry in entries if not writer.owns(entry)]
    conflicts = sorted((_manager(entry), path) for entry, fields in others for path in fields & changed)
    if conflicts and not force:
        raise apply_conflict([(manager, _shown(path)) for manager, path in conflicts])
    # What has fields that are kept is kept too.
    kept = {path[:end] for path in wanted.union(*(fields for _, fields in others)) for end in range(1, len(path) + 1)}
    result = cast("Json", _drop(merged, _paths_of(entries, writer) - kept, (), ""))
    handed_over = _handed_over(entries, writer, wanted, changed | removed)
    return {**result, "metadata": {**result["metadata"], "managedFields": handed_over}}


def _manager(entry: Json) -> str:
    name = quote(entry.get("manager", ""))
    subresource = f" with subresource {quote(entry['subresource'])}" if entry.get("subresource") else ""
    return f"{name}{subresource}" + (f" using {entry['apiVersion']}" if entry.get("operation") == "Update" else "")


def _shown(path: _Path) -> str:
    shown = ""
    for kind, _, rest in (element.partition(":") for element in path):
        if kind == "k":
            shown += f"[{','.join(f'{key}={quote(value)}' for key, value in json.loads(rest).items())}]"
        else:
            shown += f"[={rest}]" if kind == "v" else f".{rest}"
    return shown


def _merge(old: Any, new: Any, name: str) -> Any:
    if isinstance(new, dict) and isinstance(old, dict):
        there = mapping(old)
        return {**there, **{field: _merge(there.get(field), value, field) for field, value in mapping(new).items()}}
    items = _items(new, name) if isinstance(new, list) else None
    if items and isinstance(old, list):
        before = {element: child for element, _, child in _items(old, name) or []}
        return [
            *{**before, **{element: _merge(before.get(element), child, "") for element, _, child in items}}.values()
        ]
    return new


def _drop(value: Any, dropped: set[_Path], path: _Path, name: str) -> Any:
    """Return a value without some of its fields."""
    items = _items(value, name)
    if not items or not dropped:
        return value
    there = [(field, (*path, element), child) for element, field, child in items]
    kept = [(field, _drop(child, dropped, where, field)) for field, where, child in there if where not in dropped]
    return dict(kept) if isinstance(value, dict) else [child for _, child in kept]
