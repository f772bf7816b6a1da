"""Checks of what callers hand in, whose types nobody has checked for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from informers.errors import ConfigurationError

__all__ = ["fields_of", "instances", "items", "string", "string_pairs", "strings"]


T = TypeVar("T")


def string(value: object, what: str) -> str:
    """Return `value` if it is a str, or raise ConfigurationError."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} must be a str: got {value!r}, a {type(value).__name__}")
    return value


def strings(value: object, what: str) -> list[str]:
    """Return the strings of an iterable that is not a string itself, or raise ConfigurationError."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{what} must be several str, such as ('a', 'b'): got {value!r}")
    return [string(item, f"each of {what}") for item in cast("Iterable[object]", value)]


def items(value: object, what: str) -> list[object]:
    """Return the items of a list, or raise ConfigurationError."""
    if not isinstance(value, (list, tuple)):
        raise ConfigurationError(f"{what} must be a list: got {value!r}, a {type(value).__name__}")
    return list(cast("Iterable[object]", value))


def instances(values: object, cls: type[T]) -> list[T]:
    """Return a list of the instances of `cls` in an iterable, or raise ConfigurationError."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(f"expected several {cls.__name__}: got {values!r}; text is read by parse()")
    found = list(cast("Iterable[object]", values))
    for value in found:
        if not isinstance(value, cls):
            raise ConfigurationError(f"expected several {cls.__name__}: one is {value!r}, a {type(value).__name__}")
    return cast("list[T]", found)


def string_pairs(value: object, what: str) -> list[tuple[str, str]]:
    """Return the items of a mapping of str to str, or raise ConfigurationError."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{what} must be a text such as 'app=web', a mapping of str to str, a selector or None: "
            f"got {value!r}, a {type(value).__name__}"
        )
    pairs = cast("Mapping[object, object]", value).items()
    return [(string(key, f"a key of {what}"), string(item, f"{what}[{key!r}]")) for key, item in pairs]


def fields_of(value: object, what: str, **names: str) -> tuple[Any, ...]:
    """Return fields of an official model or of its JSON mapping, None for those that are not there.

    Args:
        value: the model or the mapping.
        what: what it should be, for the error's message.
        names: of each field, the name in the model by that in JSON.

    Raises:
        ConfigurationError: it is neither, or a mapping with other fields.
    """
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, Any]", value)
        if unknown := [key for key in mapping if key not in names]:
            raise ConfigurationError(f"{what} has the fields {', '.join(names)}, not {', '.join(map(repr, unknown))}")
        return tuple(mapping.get(name) for name in names)
    if not all(hasattr(value, name) for name in names.values()):
        raise ConfigurationError(
            f"{what} must be the official client's model or its JSON mapping with the fields {', '.join(names)}: "
            f"got {value!r}, a {type(value).__name__}"
        )
    return tuple(getattr(value, name) for name in names.values())
