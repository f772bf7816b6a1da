"""The models of the official client since version 37, which use pydantic.

`model_validate_json` takes half the time of `ApiClient.deserialize` and returns an equal object, except that it
makes bytes of Secrets' texts: `json` first decodes whatever may hold bytes. Unknown fields are ignored. A model of one
field reads that field alone.

Spec and status are lazy, too: their texts and numbers are read at once, the rest together when any of it is needed.

Upstream: none.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, cast, final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo
from typing_extensions import override

from informers.source._bytes.slices import guesses
from informers.source._bytes.sources import OpenSource
from informers.source._models.lazy import Lazy
from informers.source._models.lenient import model_of
from informers.source._models.model_readers import ModelReader, Models, PartOfModel

__all__ = ["PydanticModels"]

_LAZY_PARTS = frozenset({"spec", "status"})
_PLAIN = frozenset({"str", "int", "float", "bool"})
_TIME = TypeAdapter(datetime)


@functools.cache
def _wires(model: type[BaseModel]) -> dict[str, str]:
    return {name: info.serialization_alias or name for name, info in model.model_fields.items()}


def _declared(model: Any) -> dict[str, str]:
    """Return the declared types of a model's fields, by their keys in JSON."""
    return {model.attribute_map[name]: declared for name, declared in model.openapi_types.items()}


@functools.cache
def _holds_bytes(declared: str) -> bool:
    """Return whether a value of a declared type may contain bytes."""
    found: set[str] = set()
    new = {declared}
    while new:
        found |= new
        inner = (each for name in new for each in getattr(model_of(name), "openapi_types", {}).values())
        new = {name for each in (*new, *inner) for name in re.findall(r"\w+", each)} - found
    return "bytes" in found


def _validated(model: type[BaseModel], raw: bytes, *, through_python: bool) -> BaseModel:
    if through_python:
        return model.model_validate(json.loads(raw), extra="ignore")
    return model.model_validate_json(raw, extra="ignore")


def _model_of(name: str, fields: Mapping[str, tuple[Any, FieldInfo]]) -> type[BaseModel]:
    """Return a model with some fields of one of the client's models."""
    config = ConfigDict(validate_by_name=True, validate_by_alias=True, protected_namespaces=())
    # The overloads of create_model need literal keywords, not computed names.
    made: type[BaseModel] = cast("Any", create_model)(name, __config__=config, **fields)
    return made


def _dump(obj: BaseModel) -> dict[str, Any]:
    # Much faster than `ApiClient.sanitize_for_serialization`.
    return obj.model_dump(mode="json", by_alias=True, exclude_none=True, warnings=False)


@final
class _PydanticPart:
    """One field of a model."""

    def __init__(self, model: type[BaseModel], name: str) -> None:
        info = model.model_fields[name]
        self._name = name
        self._wire = _wires(model)[name]
        self._through_python = _holds_bytes(_declared(model)[self._wire])
        self._model = _model_of(model.__name__, {name: (info.annotation, info)})

    def read(self, raw: bytes) -> Any:
        return _validated(self._model, raw, through_python=self._through_python).__dict__[self._name]

    def dump(self, value: Any) -> Any:
        return _dump(self._model.model_construct(**{self._name: value})).get(self._wire)


@functools.cache
def _part(model: type[BaseModel], name: str) -> _PydanticPart:
    return _PydanticPart(model, name)


@final
class PydanticModels(Models):
    """The models since version 37."""

    slots: ClassVar[tuple[str, ...]] = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")

    @override
    def wires(self, model: Any) -> Mapping[str, str]:
        return _wires(model)

    @override
    def whole(self, model: Any, raw: bytes) -> Any:
        return _validated(model, raw, through_python=_holds_bytes(model.__name__))

    @override
    def part(self, model: Any, name: str) -> _PydanticPart:
        return _part(model, name)

    @override
    def begin(self, owner: ModelReader[Any], name: str, source: OpenSource) -> Any:
        reader = _part_reader(owner, name) if name in _LAZY_PARTS else None
        return None if reader is None else reader.begin(source)

    @override
    def dump(self, obj: Any) -> Any:
        return _dump(obj)

    @override
    def construct(self, model: Any, values: dict[str, Any]) -> Any:
        names = {wire: name for name, wire in _wires(model).items()}
        given = {names[model.attribute_map[name]]: value for name, value in values.items()}
        missing = dict.fromkeys(name for name, info in model.model_fields.items() if info.is_required())
        return model.model_construct(_fields_set=set(given), **{**missing, **given})

    @override
    def plain(self, declared: str, value: Any) -> Any:
        try:
            return _TIME.validate_python(value) if declared == "datetime" else value
        except ValidationError:
            return value


@final
class _PydanticPartReader(PartOfModel[BaseModel]):
    """Reads one part of objects of one kind: its texts and numbers at once, the rest when any of it is needed.

    Args:
        owner: the reader of the objects.
        name: the part.
        model: the model of its value.
        plain: its fields with texts and numbers.
    """

    def __init__(
        self, owner: ModelReader[Any], name: str, model: type[BaseModel], plain: Mapping[str, FieldInfo]
    ) -> None:
        # Fields that were not read at the beginning are read with the whole.
        super().__init__(owner.models, model, fields=())
        self._owner = owner
        self._name = name
        self._lazy = Lazy[BaseModel](self)
        value = _model_of(model.__name__, {name: (info.annotation, info) for name, info in plain.items()})
        self._begin = _model_of(owner.model.__name__, {name: (value, owner.model.model_fields[name])})

    def begin(self, source: OpenSource) -> BaseModel | None:
        """Return the lazy part; None if its texts and numbers are unreadable, or if there is no slice of it."""
        cut = next(guesses(source, self._name))
        if cut is source.raw:
            return None
        try:
            # This fails unless the slice is valid JSON to its end, and so was cut at the right depth.
            begun = self._begin.model_validate_json(cut, extra="ignore")
        except ValueError:
            return None
        return self._lazy.fill(begun.__dict__[self._name].__dict__, source)

    @override
    def read(self, source: OpenSource, name: str) -> Mapping[str, Any]:
        return self.whole(source).__dict__

    @override
    def whole(self, source: OpenSource) -> BaseModel:
        part: BaseModel = self._owner.read_part(self._name, guesses(source, self._name), source)
        return part


@functools.cache
def _part_reader(owner: ModelReader[Any], name: str) -> _PydanticPartReader | None:
    """Return the lazy reader of this part; None if it gains nothing."""
    declared = owner.model.openapi_types[name]
    model = model_of(declared)
    if model is None or _holds_bytes(declared):
        return None
    types, wires = _declared(model), _wires(model)
    plain = {name: info for name, info in model.model_fields.items() if types[wires[name]] in _PLAIN}
    return _PydanticPartReader(owner, name, model, plain) if 0 < len(plain) < len(wires) else None
