"""Models of the official client before they were pydantic's: up to 36.

They keep a field such as `metadata` in `_metadata`, behind a property. `ApiClient.deserialize` builds them, from a
response or what looks like one; a class of one field makes it build that field alone. They refuse some nulls: such an
object is built here, of models that do not validate.

Upstream: none.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any, final

import attrs
from kubernetes import client
from typing_extensions import TypeVar, override

from informers.errors import DecodeError
from informers.source._bytes.slices import Cutter
from informers.source._models.lazy import Reader
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
class _Response:
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
            return _client().deserialize(_Response(json.dumps(value)), declared)
        except Exception:  # noqa: BLE001  whatever it does not like is given as it came
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
class _Part:
    """One field of a model, by itself."""

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
        self._parts = {f"_{name}": _Part(model, name) for name in names}
        super().__init__(model, fields=self._parts)
        self._cutter = Cutter(part.wire for part in self._parts.values())

    @override
    def field(self, raw: bytes, key: str, name: str) -> Any:
        part = self._parts[name]
        if part.wire in ("kind", "apiVersion"):
            type_meta = self._cutter.type_meta(raw)
            if type_meta is not None:
                return type_meta[part.wire != "kind"]
        cut = self._cutter.metadata(raw) if part.wire == "metadata" else None
        guesses = [b'{"metadata":' + raw[cut[0] : cut[2]] + b"}"] if cut else []
        guesses += self._cutter.field(raw, part.wire)
        for guess in guesses:
            # The client takes what is no JSON for a text, and makes an empty object of it.
            try:
                mapping = json.loads(guess)
            except (ValueError, RecursionError):
                continue
            self._check(mapping, raw, key, part)
            try:
                return _client().deserialize(_Response(guess), part.model).value
            except Exception:  # noqa: BLE001  the client raises of many sorts, and what is built leniently may do
                return self._leniently(
                    functools.partial(_convert, part.declared, mapping[part.wire], part.wire), raw, key
                )
        raise self._error("is not JSON", raw, key)

    @override
    def whole(self, raw: bytes, key: str) -> T:
        try:
            mapping = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise self._error(f"is not JSON: {error}", raw, key) from error
        self._check(mapping, raw, key, *self._parts.values())
        try:
            whole: T = _client().deserialize(_Response(raw), self.model)
        except Exception:  # noqa: BLE001  see above
            whole = self._leniently(functools.partial(_build, self.model, mapping), raw, key)
        return whole

    @override
    def dump(self, name: str, value: Any) -> tuple[str, Any]:
        return self._parts[name].wire, dump(value)

    def _leniently(self, build: Callable[[], Any], raw: bytes, key: str) -> Any:
        try:
            return build()
        except Exception as error:
            raise self._error(str(error), raw, key) from error

    def _check(self, mapping: Any, raw: bytes, key: str, *parts: _Part) -> None:
        """Raise DecodeError where a structure was expected and something else came: the client makes it empty."""
        if not is_mapping(mapping):
            raise self._error("is not a JSON object", raw, key)
        for part in parts:
            value = mapping.get(part.wire)
            if part.is_structure and value is not None and not is_mapping(value):
                raise self._error(str(MisshapenError(part.wire, "a JSON object", value)), raw, key)

    def _error(self, message: str, raw: bytes, key: str) -> DecodeError:
        return DecodeError(f"{self.model.__name__} {key or 'without a name'}: {message}", key=key, raw=raw)
