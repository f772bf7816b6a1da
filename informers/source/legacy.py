"""Models of the official client before they were pydantic's: up to 36.

They keep a field such as `metadata` in `_metadata`, behind a property. `ApiClient.deserialize` builds them, from a
response or what looks like one; a class of one field makes it build that field alone. It validates little: where it
does, a second client that does not makes the object all the same.

Upstream: none.
"""

from __future__ import annotations

import functools
import json
from typing import Any, cast, final

import attrs
from kubernetes import client
from typing_extensions import TypeVar, override

from informers.errors import DecodeError
from informers.source.cuts import Cutter
from informers.source.lazy import Reader

__all__ = ["LegacyReader", "dump"]

T = TypeVar("T", default=Any)


def dump(obj: Any) -> Any:
    """Return a model's JSON mapping, without nulls, or that of a list or mapping of them."""
    return _client(strict=True).sanitize_for_serialization(obj)


@functools.cache
def _client(*, strict: bool) -> Any:
    # Any: the signature of deserialize differs between majors, and the checkers see only one of them.
    if strict:
        return client.ApiClient()
    configuration = client.Configuration.get_default_copy()
    configuration.client_side_validation = False
    return client.ApiClient(configuration)


@attrs.frozen
class _Response:
    data: bytes


def _deserialize(raw: bytes, model: Any) -> Any:
    try:
        return _client(strict=True).deserialize(_Response(raw), model)
    except ValueError:
        return _client(strict=False).deserialize(_Response(raw), model)


@final
class _Part:
    """One field of a model, by itself."""

    def __init__(self, model: Any, name: str) -> None:
        self.wire: str = model.attribute_map[name]
        self.is_structure = hasattr(client, model.openapi_types[name])

        class Alone:
            openapi_types = {name: model.openapi_types[name]}  # noqa: RUF012  as the client's models have it
            attribute_map = {name: self.wire}  # noqa: RUF012

            def __init__(self, **values: Any) -> None:
                self.value = values.get(name)

        self._model = Alone

    def read(self, raw: bytes) -> Any:
        """Return the value. Raises whatever the official client does."""
        return _deserialize(raw, self._model).value


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
                return part.read(guess)
            except Exception as error:
                raise self._error(f"{part.wire}: {error}", raw, key) from error
        raise self._error("is not JSON", raw, key)

    @override
    def whole(self, raw: bytes, key: str) -> T:
        try:
            mapping = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise self._error(f"is not JSON: {error}", raw, key) from error
        self._check(mapping, raw, key, *self._parts.values())
        try:
            whole: T = _deserialize(raw, self.model)
        except Exception as error:
            raise self._error(str(error), raw, key) from error
        return whole

    @override
    def dump(self, name: str, value: Any) -> tuple[str, Any]:
        return self._parts[name].wire, dump(value)

    def _check(self, mapping: Any, raw: bytes, key: str, *parts: _Part) -> None:
        """Raise DecodeError where a structure was expected and something else came: the client makes it empty."""
        if not isinstance(mapping, dict):
            raise self._error("is not a JSON object", raw, key)
        present = cast("dict[str, Any]", mapping)
        for part in parts:
            value: Any = present.get(part.wire)
            if part.is_structure and value is not None and not isinstance(value, dict):
                raise self._error(f"{part.wire} should be a JSON object, not {type(value).__name__}", raw, key)

    def _error(self, message: str, raw: bytes, key: str) -> DecodeError:
        return DecodeError(f"{self.model.__name__} {key or 'without a name'}: {message}", key=key, raw=raw)
