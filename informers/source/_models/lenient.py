"""Builds models of objects that do not pass their own validation.

API servers serve objects that the official client's models forbid: a null `eventTime`, required lists that are null or
missing, a number in place of text. Such a value is kept as received, and everything around it is typed. Only if a
structure is expected and there is something else, no model can be built: its attributes would fail later, elsewhere,
and without a reason.

Upstream: none; Go's decoder accepts nulls, and refuses wrong types.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Hashable, Iterator
from typing import Annotated, Any, Union, cast, get_args, get_origin

import attrs
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from informers.source._models.shapes import MisshapenError, is_list, is_mapping

__all__ = ["build", "convert", "members", "wire_name"]


@attrs.frozen
class _Field:
    name: str
    wire: str
    annotation: Any
    adapter: TypeAdapter[Any]
    default: Any


def wire_name(name: str, info: FieldInfo) -> str:
    """Return a field's key in JSON."""
    return info.serialization_alias or name


def members(annotation: Any) -> Iterator[Any]:
    """Iterate over the types that an annotation allows, except None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members(get_args(annotation)[0])
    elif origin is Union or origin is types.UnionType:
        for argument in get_args(annotation):
            yield from members(argument)
    elif annotation is not types.NoneType:
        yield annotation


@functools.cache
def _fields(model: type[BaseModel]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            name=name,
            wire=wire_name(name, info),
            annotation=info.annotation,
            adapter=_adapter(cast("Any", info.annotation)),
            default=None if info.is_required() else info.get_default(call_default_factory=True),
        )
        for name, info in model.model_fields.items()
    )


def build(model: type[BaseModel], value: Any, path: str = "") -> BaseModel:
    """Return a model of a JSON mapping, valid or not.

    Args:
        model: class of the official client.
        value: the mapping.
        path: its place in the object, for errors.

    Raises:
        MisshapenError: it, or a value in it, is not a structure although one is expected.
    """
    if not is_mapping(value):
        raise MisshapenError(path, "a JSON object", value)
    try:
        return model.model_validate(value, extra="ignore")
    except ValidationError:
        pass
    values: dict[str, Any] = {}
    given: set[str] = set()
    for field in _fields(model):
        # Python's name counts too, as in what is valid.
        key = field.wire if field.wire in value else field.name
        if key in value:
            values[field.name] = _lenient(field.adapter, field.annotation, value[key], f"{path}.{key}" if path else key)
            given.add(field.name)
        else:
            values[field.name] = field.default
    return model.model_construct(_fields_set=given, **values)


def _lenient(adapter: TypeAdapter[Any], annotation: Any, value: Any, path: str) -> Any:
    try:
        return adapter.validate_python(value, extra="ignore")
    except ValidationError:
        return convert(annotation, value, path)


def convert(annotation: Any, value: Any, path: str) -> Any:
    """Return a value of the annotated type, as far as it is valid. Raises MisshapenError."""
    if value is None:
        return None
    allowed = list(members(annotation))
    for member in allowed:
        origin = get_origin(member)
        if isinstance(member, type) and issubclass(member, BaseModel):
            if is_mapping(value):
                return build(member, value, path)
        elif origin is list:
            if is_list(value):
                (element,) = get_args(member)
                adapter = _adapter(element)
                return [_lenient(adapter, element, item, f"{path}[{index}]") for index, item in enumerate(value)]
        elif origin is dict:
            if is_mapping(value):
                _, element = get_args(member)
                adapter = _adapter(element)
                return {name: _lenient(adapter, element, item, f"{path}.{name}") for name, item in value.items()}
        else:
            return value
    raise MisshapenError(path, " or ".join(map(_expected, allowed)), value)


@functools.cache
def _adapter(annotation: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast("Any", annotation))


def _expected(member: Any) -> str:
    return "a list" if get_origin(member) is list else "a JSON object"
