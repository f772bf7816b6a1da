"""Builds models of objects that do not pass their own validation.

API servers serve objects that the official client's models forbid: a null `eventTime`, required lists that are null or
missing, a number in place of text. Such a value is kept as received, and everything around it is typed. Only if a
structure is expected and there is something else, no model can be built: its attributes would fail later, elsewhere,
and without a reason.

Upstream: none; Go's decoder accepts nulls, and refuses wrong types.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from kubernetes import client

__all__ = ["MakesModels", "MisshapenError", "build", "convert", "model_of"]

#: A list or a mapping in the declarations of the models: `dict(str, str)`; since version 37, `Dict[str, str]`.
_CONTAINER = re.compile(r"(?i:(list)|dict)[\[(](?:str, )?(.+)[\])]")
_STRUCTURES: dict[type, str] = {dict: "a JSON object", list: "a list"}


class MisshapenError(ValueError):
    """A structure is expected, but there is something else. No model can be built of it.

    Args:
        path: its place, for example `spec.containers[0]`.
        expected: the expected structure, for example `a list`.
        value: the value. It is not part of the message, since objects hold secrets.
    """

    def __init__(self, path: str, expected: str, value: object) -> None:
        found = _STRUCTURES.get(type(value), type(value).__name__)
        super().__init__(f"{path} should be {expected}, not {found}")


class MakesModels(Protocol):
    """Makes models without validation."""

    def construct(self, model: Any, values: dict[str, Any]) -> Any:
        """Return a model with these values, by the names of its type declarations; the others are None."""
        ...

    def plain(self, declared: str, value: Any) -> Any:
        """Return a value of a type without a structure; as received if it is not valid."""
        ...


def model_of(declared: str) -> Any:
    """Return the client's model of a declared type; None if it is another type."""
    return getattr(client, declared, None)


def build(models: MakesModels, model: Any, value: Any, path: str = "") -> Any:
    """Return a model of a JSON mapping, valid or not.

    Args:
        models: makes the models.
        model: class of the official client.
        value: the mapping.
        path: its place in the object, for errors.

    Raises:
        MisshapenError: it, or a value in it, is not a structure although one is expected.
    """
    if not isinstance(value, dict):
        raise MisshapenError(path, "a JSON object", value)
    values: dict[str, Any] = {}
    for name, declared in model.openapi_types.items():
        wire = model.attribute_map[name]
        # Python's name counts too, as in what is valid.
        key = wire if wire in value else name
        if key in value:
            values[name] = convert(models, declared, value[key], f"{path}.{key}" if path else key)
    return models.construct(model, values)


def convert(models: MakesModels, declared: str, value: Any, path: str) -> Any:
    """Return a value of the declared type, as far as it is valid. Raises MisshapenError."""
    if value is None:
        return None
    container = _CONTAINER.fullmatch(declared)
    if container is None:
        model = model_of(declared)
        return models.plain(declared, value) if model is None else build(models, model, value, path)
    is_list, element = container.groups()
    if is_list:
        if not isinstance(value, list):
            raise MisshapenError(path, "a list", value)
        return [convert(models, element, item, f"{path}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, dict):
        raise MisshapenError(path, "a JSON object", value)
    return {name: convert(models, element, item, f"{path}.{name}") for name, item in value.items()}
