"""Patches: merge, JSON and strategic.

A strategic merge needs to know by which field the items of a list are told apart. The real server reads that from
its types; here it is the table of merge keys of the kinds that people patch, by the list's name.

Upstream: k8s.io/apimachinery/pkg/util/strategicpatch/patch.go, RFC 7386, RFC 6902 (v0.37).
"""

from __future__ import annotations

import copy
from functools import reduce
from typing import Any, cast

from informers.testing._http.status import Failure, bad_request
from informers.testing._store.documents import Json, go_type, is_same, mapping, sequence

__all__ = ["json_patch", "merge_keys", "merge_patch", "strategic_patch"]

_NAMED = (
    *("containers", "initContainers", "ephemeralContainers", "env", "volumes", "imagePullSecrets", "secrets"),
    *("resourceClaims", "schedulingGates", "webhooks"),
)
#: By which field the items of a list are told apart, by the list's name. Lists not named here are replaced.
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_NAMED, ("name",)),
    **dict.fromkeys(("conditions", "addresses"), ("type",)),
    **dict.fromkeys(("hostAliases", "podIPs"), ("ip",)),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
}
#: Lists of plain values that are merged as sets.
_SETS = frozenset({"finalizers"})


def merge_keys(name: str, items: list[Any]) -> tuple[str, ...]:
    """Return by which fields the items of a list are told apart; empty if the list is one value."""
    if name == "ports":
        # A service's ports are told apart by "port", a container's by "containerPort".
        return ("containerPort",) if any(isinstance(i, dict) and "containerPort" in i for i in items) else ("port",)
    return _MERGE_KEYS.get(name, ())


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with a JSON merge patch applied; null deletes."""
    if not isinstance(patch, dict):
        return patch
    result = dict(mapping(target))
    for field, value in cast("Json", patch).items():
        if value is None:
            result.pop(field, None)
        else:
            result[field] = merge_patch(result.get(field), value)
    return result


def strategic_patch(target: Any, patch: Any, *, name: str = "") -> Any:
    """Return `target` with a strategic merge patch applied: lists of named items are merged item by item."""
    if isinstance(patch, dict):
        return _strategic_mapping(mapping(target), cast("Json", patch))
    if isinstance(patch, list):
        return _strategic_list(sequence(target), sequence(patch), name)
    return patch


def _strategic_mapping(target: Json, patch: Json) -> Json:
    directive = patch.get("$patch")
    if directive == "replace":
        return {field: value for field, value in patch.items() if field != "$patch"}
    if directive == "delete":
        return {}
    result = dict(target)
    for field, value in patch.items():
        if field.startswith("$deleteFromPrimitiveList/"):
            name = field.partition("/")[2]
            result[name] = [item for item in result.get(name, []) if item not in value]
        elif field == "$retainKeys":
            result = {kept: result[kept] for kept in result if kept in value}
        elif field.startswith("$setElementOrder/"):
            continue
        elif value is None:
            result.pop(field, None)
        else:
            result[field] = strategic_patch(result.get(field), value, name=field)
    for field, order in patch.items():
        if field.startswith("$setElementOrder/"):
            name = field.partition("/")[2]
            if isinstance(result.get(name), list):
                result[name] = _in_order(
                    result[name], order, sequence(target.get(name)), merge_keys(name, result[name])
                )
    return result


def _strategic_list(target: list[Any], patch: list[Any], name: str) -> list[Any]:
    if name in _SETS:
        return _in_order(target + [item for item in patch if item not in target], patch, target, ())
    keys = merge_keys(name, target + patch)
    if not keys or not all(isinstance(item, dict) for item in target + patch):
        return patch
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    result = list(target)
    for item in patch:
        if target and (lacking := [key for key in keys if key not in item]):
            raise Failure(f"map: {item} does not contain declared merge key: {lacking[0]}", code=500, reason="")
        position = next((i for i, old in enumerate(result) if _same(old, item, keys)), None)
        if item.get("$patch") == "delete":
            if position is not None:
                del result[position]
        elif position is None:
            result.append(strategic_patch({}, item))
        else:
            result[position] = strategic_patch(result[position], item)
    return _in_order(result, patch, target, keys)


def _same(one: Any, other: Any, keys: tuple[str, ...]) -> bool:
    if keys and isinstance(one, dict) and isinstance(other, dict):
        return all(mapping(one).get(key) == mapping(other).get(key) for key in keys)
    return bool(one == other)


def _in_order(items: list[Any], order: list[Any], target: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """Return the items of a merged list: those of `order` as there, and the others where they were before them."""

    def place(item: Any, within: list[Any]) -> int:
        return next((index for index, each in enumerate(within) if _same(item, each, keys)), len(within))

    ordered = sorted((item for item in items if place(item, order) < len(order)), key=lambda item: place(item, order))
    others = [item for item in items if place(item, order) == len(order)]
    result: list[Any] = []
    for item in ordered:
        at = place(item, target)
        while others and at < len(target) and place(others[0], target) < at:
            result.append(others.pop(0))
        result.append(item)
    return result + others


def json_patch(target: Json, operations: Any) -> Json:
    """Return `target` with a JSON patch applied.

    Raises:
        Failure: 400 for what is not a JSON patch, 422 for one that does not fit the object.
    """
    if not isinstance(operations, list):
        raise _undecodable(operations, "value of type []handlers.jsonPatchOp")
    for operation in sequence(operations):
        if not isinstance(operation, dict):
            raise _undecodable(operation, "value of type handlers.jsonPatchOp")
        for field in ("op", "from", "path"):
            value = cast("Json", operation).get(field)
            if not (value is None or isinstance(value, str)):
                raise _undecodable(value, f"struct field jsonPatchOp.{field} of type string")
    root: Any = {"": copy.deepcopy(target)}
    for operation in cast("list[Json]", operations):
        try:
            _operate(root, operation)
        except (KeyError, IndexError, TypeError, ValueError) as problem:
            raise _unfit() from problem
    if not isinstance(root.get(""), dict):
        raise _unfit()
    return cast("Json", root[""])


def _undecodable(value: object, what: str) -> Failure:
    return bad_request(f"error decoding patch: json: cannot unmarshal {go_type(value)} into Go {what}")


def _unfit() -> Failure:
    # The real server does not say more either.
    message = "the server rejected our request due to an error in our request"
    return Failure(message, code=422, reason="Invalid", details={})


def _operate(root: Any, operation: Json) -> None:
    op, path = operation["op"], operation["path"]
    match op:
        case "test":
            if not is_same(_read(root, path), operation.get("value")):
                raise ValueError(f"testing value {path} failed: test failed")
        case "remove":
            _remove(root, path)
        case "add" | "replace" | "copy" | "move":
            is_given = op in {"add", "replace"}
            value = operation["value"] if is_given else copy.deepcopy(_read(root, operation["from"]))
            if op in {"replace", "move"}:
                _remove(root, path if is_given else operation["from"])
            _add(root, path, value)
        case _:
            raise ValueError(f"unexpected kind: {op}")


def _steps(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(f"path {path!r} must start with a slash")
    return ["", *(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])]


def _child(parent: Any, step: str) -> Any:
    return sequence(parent)[int(step)] if isinstance(parent, list) else parent[step]


def _read(root: Any, path: str) -> Any:
    return reduce(_child, _steps(path), root)


def _parent(root: Any, path: str) -> tuple[Any, str]:
    *parents, last = _steps(path)
    return reduce(_child, parents, root), last


def _add(root: Any, path: str, value: Any) -> None:
    parent, last = _parent(root, path)
    if isinstance(parent, list):
        items = sequence(parent)
        index = len(items) if last == "-" else int(last)
        if index > len(items):
            raise IndexError(f"index {index} is out of bounds")
        items.insert(index, value)
    else:
        parent[last] = value


def _remove(root: Any, path: str) -> None:
    parent, last = _parent(root, path)
    del parent[int(last) if isinstance(parent, list) else last]
