"""Reads models of the official client up to version 36, which do not use pydantic.

They keep a field such as `metadata` in `_metadata`, behind a property. `ApiClient.deserialize` builds them, from a
response or a similar object; with a class of one field it builds that field alone. They refuse some nulls: then the
object is built here, of models that do not validate.

Upstream: none.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, final

import attrs
from kubernetes import client
from typing_extensions import TypeVar, override

from informers.source._bytes.slices import guesses, metadata_of, type_meta
from informers.source._bytes.sources import OpenSource, Source
from informers.source._models.lazy import Lazy, Reader, json_of, unreadable
from informers.source._models.shapes import MisshapenError, is_list, is_mapping

__all__ = ["LegacyReader", "dump"]

T = TypeVar("T", default=Any)

_CONTAINER = re.compile(r"(list|dict)[\[(](?:str, )?(.+)[\])]")


def dump(obj: Any) -> Any:
    """Return a model's JSON mapping, without nulls, or that of a list or mapping of them."""
    return _client().sanitize_for_serialization(obj)


@functools.cache
def _client() -> Any:
    # Any: the signature of deserialize differs between majors, and the checkers see only one of them.
    return client.ApiClient()


@functools.cache
def _lax_configuration() -> Any:
    configuration = client.Configuration.get_default_copy()
    configuration.client_side_validation = False
    return configuration


@attrs.frozen
class _OpenAPIResponse:
    data: bytes | str


def _convert(declared: str, value: Any, path: str) -> Any:
    """Return a value of the declared type as far as it goes. Raises MisshapenError."""
    if value is None:
        return None
    container = _CONTAINER.fullmatch(declared)
    if container is not None and container[1] == "list":
        if not is_list(value):
            raise MisshapenError(path, "a list", value)
        return [_convert(container[2], item, f"{path}[{index}]") for index, item in enumerate(value)]
    model = getattr(client, declared, None)
    if container is None and model is None:
        try:
            return _client().deserialize(_OpenAPIResponse(json.dumps(value)), declared)
        except Exception:  # noqa: BLE001  a value that it refuses is kept as received
            return value
    if not is_mapping(value):
        raise MisshapenError(path, "a JSON object", value)
    if container is not None:
        return {name: _convert(container[2], item, f"{path}.{name}") for name, item in value.items()}
    return _build(model, value, path)


def _build(model: Any, mapping: dict[str, Any], path: str = "") -> Any:
    """Return a model of a mapping that it would refuse. Raises MisshapenError."""
    values = {
        name: _convert(declared, mapping[wire], f"{path}.{wire}" if path else wire)
        for name, declared in model.openapi_types.items()
        if (wire := model.attribute_map[name]) in mapping
    }
    return model(local_vars_configuration=_lax_configuration(), **values)


@final
class _OpenAPIPart:
    """One field of a model."""

    def __init__(self, model: Any, name: str) -> None:
        self.wire: str = model.attribute_map[name]
        self.declared: str = model.openapi_types[name]
        self.is_structure = hasattr(client, self.declared)

        class Alone:
            openapi_types = {name: self.declared}  # noqa: RUF012  as the client's models have it
            attribute_map = {name: self.wire}  # noqa: RUF012

            def __init__(self, **values: Any) -> None:
                self.value = values.get(name)

        self.model = Alone


@final
class LegacyReader(Reader[T]):
    """Reads objects of one kind, see `Reader`.

    Args:
        model: class of the official client.
    """

    def __init__(self, model: type[T]) -> None:
        names: dict[str, str] = vars(model)["openapi_types"]
        self._parts = {f"_{name}": _OpenAPIPart(model, name) for name in names}
        super().__init__(model, fields=self._parts)
        self._metadata = Lazy[Any](_OpenAPIMetadataReader(self))

    @override
    def early(self, source: Source, name: str) -> Any:
        known = source.known_metadata() if name == "_metadata" else None
        if known is None:
            return None
        return self._metadata.fill({f"_{field}": value for field, value in known.items()}, source)

    @override
    def read(self, source: OpenSource, name: str) -> Mapping[str, Any]:
        part = self._parts[name]
        if part.wire in ("kind", "apiVersion"):
            said = type_meta(source.raw)
            if said is not None:
                return {name: said[part.wire != "kind"]}
        cut = metadata_of(source) if part.wire == "metadata" else None
        slices = [b'{"metadata":' + cut.whole + b"}"] if cut else []
        slices += guesses(source, part.wire)
        for each in slices:
            # The client takes invalid JSON for a text, and makes an empty object of it.
            try:
                mapping = json.loads(each)
            except (ValueError, RecursionError):
                continue
            self._check(mapping, source, part)
            try:
                return {name: _client().deserialize(_OpenAPIResponse(each), part.model).value}
            except Exception:  # noqa: BLE001  the client raises various errors; a lenient build may still work
                return {name: self._leniently(source, _convert, part.declared, mapping[part.wire], part.wire)}
        raise unreadable("is not JSON", source, self.model)

    @override
    def whole(self, source: OpenSource) -> T:
        mapping = json_of(source, self.model)
        self._check(mapping, source, *self._parts.values())
        try:
            whole: T = _client().deserialize(_OpenAPIResponse(source.raw), self.model)
        except Exception:  # noqa: BLE001  see above
            whole = self._leniently(source, _build, self.model, mapping)
        return whole

    @override
    def dump(self, name: str, value: Any) -> tuple[str, Any]:
        return self._parts[name].wire, dump(value)

    def _leniently(self, source: OpenSource, build: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return build(*arguments)
        except Exception as error:
            raise unreadable(str(error), source, self.model) from error

    def _check(self, mapping: Any, source: OpenSource, *parts: _OpenAPIPart) -> None:
        """Raise DecodeError if a structure is expected and there is something else: the client would make it empty."""
        if not is_mapping(mapping):
            raise unreadable("is not a JSON object", source, self.model)
        for part in parts:
            value = mapping.get(part.wire)
            if part.is_structure and value is not None and not is_mapping(value):
                raise unreadable(str(MisshapenError(part.wire, "a JSON object", value)), source, self.model)


@final
class _OpenAPIMetadataReader(Reader[Any]):
    """Reads the metadata of objects of one kind; all fields that the source does not know are read at once."""

    def __init__(self, owner: LegacyReader[Any]) -> None:
        model = client.V1ObjectMeta
        self._attributes: dict[str, str] = {f"_{name}": wire for name, wire in model.attribute_map.items()}
        super().__init__(model, fields=self._attributes, few=len(self._attributes) + 1)
        self._owner = owner

    @override
    def read(self, source: OpenSource, name: str) -> Mapping[str, Any]:
        values: dict[str, Any] = vars(self.whole(source))
        return values

    @override
    def whole(self, source: OpenSource) -> Any:
        return self._owner.read(source, "_metadata")["_metadata"]

    @override
    def dump(self, name: str, value: Any) -> tuple[str, Any]:
        return self._attributes[name], dump(value)
