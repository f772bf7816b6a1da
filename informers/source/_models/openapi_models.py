"""The models of the official client up to version 36, which do not use pydantic.

They keep a field such as `metadata` in `_metadata`, behind a property. `ApiClient.deserialize` builds them, from a
response or a similar object; with a class of one field it builds that field alone.

Upstream: none.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, ClassVar, final

import attrs
from kubernetes import client
from typing_extensions import override

from informers.source._models.lenient import MisshapenError, model_of
from informers.source._models.model_readers import Models

__all__ = ["OpenAPIModels"]


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


def _read(model: Any, raw: bytes) -> Any:
    # The client takes invalid JSON for a text, and makes an empty object of it, as of anything but a structure.
    mapping = json.loads(raw)
    for name, declared in model.openapi_types.items():
        value = mapping.get(model.attribute_map[name])
        if not (value is None or isinstance(value, dict)) and model_of(declared):
            raise MisshapenError(model.attribute_map[name], "a JSON object", value)
    return _client().deserialize(_OpenAPIResponse(raw), model)


@final
class _OpenAPIPart:
    """One field of a model."""

    def __init__(self, model: Any, name: str) -> None:
        class Alone:
            openapi_types = {name: model.openapi_types[name]}  # noqa: RUF012  as the client's models have it
            attribute_map = {name: model.attribute_map[name]}  # noqa: RUF012

            def __init__(self, **values: Any) -> None:
                self.value = values.get(name)

        self._model = Alone

    def read(self, raw: bytes) -> Any:
        return _read(self._model, raw).value

    def dump(self, value: Any) -> Any:
        return _client().sanitize_for_serialization(value)


@functools.cache
def _part(model: Any, name: str) -> _OpenAPIPart:
    return _OpenAPIPart(model, name)


@final
class OpenAPIModels(Models):
    """The models up to version 36."""

    prefix: ClassVar[str] = "_"

    @override
    def wires(self, model: Any) -> Mapping[str, str]:
        return {f"_{name}": wire for name, wire in model.attribute_map.items()}

    @override
    def whole(self, model: Any, raw: bytes) -> Any:
        return _read(model, raw)

    @override
    def part(self, model: Any, name: str) -> _OpenAPIPart:
        return _part(model, name[1:])

    @override
    def dump(self, obj: Any) -> Any:
        return _client().sanitize_for_serialization(obj)

    @override
    def construct(self, model: Any, values: dict[str, Any]) -> Any:
        return model(local_vars_configuration=_lax_configuration(), **values)

    @override
    def plain(self, declared: str, value: Any) -> Any:
        try:
            return _client().deserialize(_OpenAPIResponse(json.dumps(value)), declared)
        except Exception:  # noqa: BLE001  a value that it refuses is kept as received
            return value
