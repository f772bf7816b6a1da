"""Schemas of definitions applied to objects: pruning, defaults, validation.

Types and required fields are checked here, since pruning needs them. All other constraints are checked by `jsonschema`,
which the extra `informers[testing]` brings; without it they are not. Rules in CEL are not run.

Upstream: k8s.io/apiextensions-apiserver/pkg/apiserver/schema and k8s.io/kube-openapi/pkg/validation (v0.37).
"""

from __future__ import annotations

import copy
import importlib
import logging
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, final

import attrs

from informers.testing._http import status as failures
from informers.testing._http.status import Cause
from informers.testing._rules.known_fields import FieldCheck, known_metadata
from informers.testing._store.documents import Json, go_type, mapping, quote, sequence
from informers.testing._store.served_resources import Served

__all__ = ["Shape", "fitted", "shaped"]

_logger = logging.getLogger("informers.testing")
#: Fields of an object, and of an embedded one, that no schema takes away.
_OWN = ("apiVersion", "kind", "metadata")
#: What a value should do, by the rule that it breaks.
_SHOULD = {
    "minimum": "be greater than{bound} {limit}",
    "maximum": "be less than{bound} {limit}",
    "multipleOf": "be a multiple of {limit}",
    "minLength": "be at least {limit} chars long",
    "minItems": "have at least {limit} items",
    "minProperties": "have at least {limit} properties",
    "pattern": "match '{limit}'",
}


@final
@attrs.define
class Shape:
    """An object after a schema was applied.

    Attributes:
        obj: the object without what the schema does not know, with its defaults.
        unknown: paths of the fields that were taken away.
        causes: what is wrong with it.
    """

    obj: Json
    unknown: list[str] = attrs.field(factory=list[str])
    causes: list[Cause] = attrs.field(factory=list[Cause])


def shaped(obj: Json, schema: Json) -> Shape:
    """Return what a schema makes of an object, which is not changed."""
    shape = Shape(obj)
    properties = {name: part for name, part in mapping(schema.get("properties")).items() if name not in _OWN}
    rest = {field: value for field, value in obj.items() if field not in _OWN}
    required = [field for field in sequence(schema.get("required")) if field not in _OWN]
    rules = {**schema, "properties": properties, "required": required}
    found = _walk_object(rest, rules, "", shape)
    shape.obj = {**{field: obj[field] for field in _OWN if field in obj}, **found}
    shape.causes += [cause for cause in _constraint_causes(found, rules) if cause not in shape.causes]
    return shape


def fitted(served: Served, obj: Json, check: FieldCheck) -> Json:
    """Return an object as the schema of its definition has it.

    Args:
        served: the resource.
        obj: the object.
        check: notified of the fields that the schema does not know.

    Raises:
        Failure: 422, 400.
    """
    if not served.schema:
        return obj
    try:
        metadata, unknown = known_metadata(obj["metadata"])
    except TypeError as problem:
        raise failures.bad_request(str(problem)) from None
    shape = shaped({**obj, "metadata": metadata}, served.schema)
    resource, name = served.resource, obj["metadata"].get("name", "")
    check.report(served, obj, sorted([*unknown, *shape.unknown]))
    if shape.causes:
        raise failures.invalid(resource.group, resource.kind, name, shape.causes)
    return shape.obj


def _walk(value: Any, schema: Json, path: str, shape: Shape) -> Any:
    types = ["integer", "string"] if schema.get("x-kubernetes-int-or-string") else [schema.get("type", "")]
    if value is None or types == [""]:
        return value
    have = _type_of(value)
    if have not in types and not (have == "integer" and "number" in types):
        if have in {"boolean", "object"} and schema.get("format"):
            types, have = [schema["format"]], ""
        what = f'{path} in body must be of type {",".join(types)}: "{have}"'
        shape.causes.append(Cause("FieldValueTypeInvalid", path, f'Invalid value: "{have}": {what}'))
        return value
    if isinstance(value, list):
        items = mapping(schema.get("items"))
        return [_walk(item, items, f"{path}[{index}]", shape) for index, item in enumerate(sequence(value))]
    return _walk_object(mapping(value), schema, path, shape) if isinstance(value, dict) else value


def _walk_object(value: Json, schema: Json, path: str, shape: Shape) -> Json:
    properties, others = mapping(schema.get("properties")), schema.get("additionalProperties")
    keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or others is True
    found: Json = {}
    for field, given in value.items():
        where = f"{path}.{field}" if path else field
        part = properties.get(field, others if isinstance(others, dict) else None)
        if part is None:
            if keeps or (schema.get("x-kubernetes-embedded-resource") and field in _OWN):
                found[field] = given
            else:
                shape.unknown.append(where)
        elif given is not None or mapping(part).get("nullable"):
            found[field] = _walk(given, mapping(part), where, shape)
    for field, part in properties.items():
        if field not in found and "default" in part:
            where = f"{path}.{field}" if path else field
            found[field] = _walk(copy.deepcopy(part["default"]), part, where, shape)
    for field in sequence(schema.get("required")):
        if field not in found:
            shape.causes.append(Cause.required(f"{path}.{field}" if path else field))
    return found


def _type_of(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "integer"
    return {"bool": "boolean"}.get(name := go_type(value), name)


@cache
def _validator() -> Callable[[Json], Any] | None:
    """Return what makes a validator of a schema; None if there is no library for it."""
    try:
        jsonschema: Any = importlib.import_module("jsonschema")
    except ImportError:
        _logger.warning(
            "types and required fields of custom resources are checked, but no other constraints of their schemas: "
            "pip install 'informers[testing]'"
        )
        return None
    formats = jsonschema.FormatChecker()
    formats.checks("date-time", raises=ValueError)(_is_time)
    # The types have been checked; exclusive bounds are flags, as in that draft.
    cls: Any = jsonschema.validators.extend(jsonschema.Draft4Validator, {"type": lambda *_: ()})
    return lambda schema: cls(schema, format_checker=formats)


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo)


def _constraint_causes(obj: Json, schema: Json) -> list[Cause]:
    make = _validator()
    return [] if make is None else [each for error in make(schema).iter_errors(obj) for each in _causes(error, make)]


def _causes(error: Any, make: Callable[[Json], Any]) -> list[Cause]:
    """Return what is wrong, and where no alternative fits, what is wrong by the first of those that nearly do."""
    found = [_cause(error, make)]
    if error.validator in {"oneOf", "anyOf"}:
        alternatives: dict[int, list[Any]] = {}
        for each in error.context:
            alternatives.setdefault(each.schema_path[0], []).append(each)
        if len(alternatives) == len(error.validator_value):
            found += [cause for each in min(alternatives.values(), key=len) for cause in _causes(each, make)]
    return found


def _cause(error: Any, make: Callable[[Json], Any]) -> Cause:
    """Return what is wrong in the real server's words."""
    path = ""
    for step in error.absolute_path:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    rule, value, limit = error.validator, error.instance, error.validator_value
    if should := _SHOULD.get(rule):
        bound = "" if error.schema.get(f"exclusive{rule.capitalize()}") else " or equal to"
        given = len(value) if rule in {"minItems", "minProperties"} else value
        return Cause.invalid(path, given, f"{path} in body should {should.format(limit=limit, bound=bound)}")
    invalid, nowhere = "FieldValueInvalid", "<nil>"
    match rule:
        case "maxLength":
            return Cause.too_long(path, limit)
        case "enum":
            return Cause.not_supported(path, value if isinstance(value, str) else quote(value), list(map(str, limit)))
        case "maxItems" | "maxProperties":
            why = f"must have at most {limit} {'item' if limit == 1 else 'items'}"
            return Cause("FieldValueTooMany", path, f"Too many: {len(value)}: {why}")
        case "format":
            why = f"{path} in body must be of type {limit}: {quote(value)}"
            return Cause("FieldValueTypeInvalid", path, f"Invalid value: {quote(value)}: {why}")
        case "required":
            field = error.message.split("'")[1]
            return Cause.required(f"{path}.{field}" if path else field)
        case "oneOf":
            valid = sum(make(each).is_valid(value) for each in limit)
            found = f"{valid} valid alternatives" if valid else "none valid"
            why = f'"{path}" must validate one and only one schema (oneOf). Found {found}'
            return Cause(invalid, nowhere, f'Invalid value: "": {why}')
        case "anyOf":
            return Cause(invalid, nowhere, f'Invalid value: "": "{path}" must validate at least one schema (anyOf)')
        case "not":
            return Cause(invalid, nowhere, f'Invalid value: "": "{path}" must not validate the schema (not)')
        case _:
            return Cause.invalid(path, value, error.message)
