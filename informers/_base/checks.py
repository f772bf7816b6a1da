"""Checks of arguments: every invalid one is refused by one rule, with a `ConfigurationError`.

Upstream: none; in Go the compiler checks arguments.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from informers.errors import ConfigurationError

__all__ = [
    "as_number",
    "check_count",
    "check_function",
    "check_hashable",
    "check_instance",
    "check_instances",
    "check_items",
    "check_limiter",
    "check_methods",
    "check_period",
    "check_port",
    "check_seconds",
    "check_stop",
    "check_string",
    "check_string_pairs",
    "check_strings",
    "check_time_limit",
    "check_timeout",
    "fields_of",
    "name_of",
    "signature_of",
]


T = TypeVar("T")

#: Seconds: sockets accept no longer timeout.
_DAY = 86_400


def as_number(value: object) -> float:
    """Return a number; NaN, with which no comparison holds, of anything else, and of what no clock can add."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def check_period(name: str, seconds: object) -> float:
    """Return a period."""
    number = as_number(seconds)
    if not number >= 0:
        raise ConfigurationError(f"{name} must be a number of seconds, or 0 for never: got {seconds!r}")
    return number


def check_timeout(timeout: object) -> None:
    """Refuse an invalid timeout."""
    if timeout is not None and not as_number(timeout) >= 0:
        raise ConfigurationError(f"timeout must be None or not negative, in seconds: got {timeout!r}")


def check_stop(stop: object) -> None:
    """Refuse an object that can't end a wait."""
    methods = [getattr(stop, name, None) for name in ("is_set", "wait")]
    if stop is not None and not all(callable(method) and not inspect.iscoroutinefunction(method) for method in methods):
        raise ConfigurationError(
            "stop must have the methods is_set() and wait(), as a threading.Event or an informers.Signal has: "
            f"got {type(stop).__name__}"
        )


def check_namespace_name(namespace: object) -> None:
    """Refuse a value that is neither None nor a text."""
    if not (namespace is None or isinstance(namespace, str)):
        raise ConfigurationError(f"namespace must be a name, for example 'default', or None: got {namespace!r}")


def check_time_limit(name: str, seconds: object) -> None:
    """Refuse an invalid time limit of a connection."""
    if not 0 < as_number(seconds) <= _DAY:
        raise ConfigurationError(f"{name} must be a number of seconds above zero, and at most a day: got {seconds!r}")


def check_methods(what: str, given: object, methods: tuple[str, ...], example: str) -> None:
    """Refuse an object that lacks a method."""
    missing = [name for name in methods if not callable(getattr(given, name, None))]
    if missing:
        raise ConfigurationError(
            f"a {what} has the methods {', '.join(methods[:-1])} and {methods[-1]}, as {example} does: "
            f"{type(given).__name__} has no {', '.join(missing)}"
        )


def check_seconds(name: str, value: object, *, at_least: float = -math.inf, above: float = -math.inf) -> float:
    """Return `value` if it is a finite number of seconds within a bound."""
    number = as_number(value)
    if not (at_least <= number < math.inf and number > above):
        bound = f", {at_least:g} or more" if at_least > above else f" above {above:g}" if above > at_least else ""
        raise ConfigurationError(f"{name} must be a finite number of seconds{bound}, not {value!r}")
    return number


def check_count(name: str, value: object, *, at_least: int) -> int:
    """Return `value` if it is a whole number from `at_least` up."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise ConfigurationError(f"{name} must be a whole number, {at_least} or more, not {value!r}")
    return value


def check_port(port: object) -> None:
    """Refuse an invalid TCP port to listen at."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ConfigurationError(f"port must be a number from 0 (any that is free) to 65535: got {port!r}")


def check_hashable(item: object) -> None:
    """Refuse an item that can't be put in a set."""
    try:
        hash(item)
    except TypeError as error:
        raise ConfigurationError(
            f"a queue's items must be hashable, and {type(item).__name__} is not: add an object's name or key, "
            "not the object"
        ) from error


def check_limiter(limiter: object) -> None:
    """Refuse a limiter that lacks a method."""
    missing = [name for name in ("when", "forget", "num_requeues") if not callable(getattr(limiter, name, None))]
    if missing or isinstance(limiter, type):
        raise ConfigurationError(
            "limiter must be a rate limiter, such as ItemExponentialFailureRateLimiter(0.5, 60.0), with when, forget "
            f"and num_requeues: got {limiter!r}"
            + ("; a queue's name is given as name=" if isinstance(limiter, str) else "")
        )


def check_function(
    name: str,
    function: object,
    expected: str,
    *,
    arguments: int | None = None,
    may_yield: bool = False,
    is_needed: bool = False,
    advice: str = "",
) -> None:
    """Refuse a value that is neither None nor a plain function with the expected number of arguments.

    Args:
        name: what the caller calls it.
        function: what was given.
        expected: the arguments, for the message: for example `old, new`.
        arguments: how many there are; as many as `expected` names by default.
        may_yield: whether what it returns is iterated over, so that it may be a generator function.
        is_needed: whether None is refused, too.
        advice: what takes a coroutine function instead.
    """
    if function is None and not is_needed:
        return
    if not callable(function):
        given = None if function is None else type(function).__name__
        raise ConfigurationError(f"{name} must be a function of ({expected}): got {given}")
    kinds = (function, type(function).__call__)  # a callable object counts by its method
    if any(map(inspect.iscoroutinefunction, kinds)) or any(map(inspect.isasyncgenfunction, kinds)):
        raise ConfigurationError(
            f"{name} must be a plain function: got a coroutine function, which would never be awaited{advice}"
        )
    if not may_yield and any(map(inspect.isgeneratorfunction, kinds)):
        raise ConfigurationError(f"{name} must be a plain function: got one with a yield, of which nothing would run")
    signature = signature_of(function)
    if signature is None:
        return
    try:
        signature.bind(*range(expected.count(",") + 1 if arguments is None else arguments))
    except TypeError:
        raise ConfigurationError(
            f"{name} must be a function of ({expected}): got {name_of(function)}{signature}"
        ) from None


def check_string(value: object, what: str) -> str:
    """Return `value` if it is a str, or raise ConfigurationError."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{what} must be a str: got {value!r}, a {type(value).__name__}")
    return value


def check_strings(value: object, what: str) -> list[str]:
    """Return the strings of an iterable that is not a string itself, or raise ConfigurationError."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{what} must be several str, for example ('a', 'b'): got {value!r}")
    return [check_string(item, f"each of {what}") for item in cast("Iterable[object]", value)]


def check_items(value: object, what: str) -> list[object]:
    """Return the items of a list, or raise ConfigurationError."""
    if not isinstance(value, (list, tuple)):
        raise ConfigurationError(f"{what} must be a list: got {value!r}, a {type(value).__name__}")
    return list(cast("Iterable[object]", value))


def check_instance(value: object, cls: type | tuple[type, ...], expected: str) -> None:
    """Refuse an instance of another class."""
    if not isinstance(value, cls):
        raise ConfigurationError(f"expected {expected}: got {type(value).__name__}")


def check_instances(values: object, cls: type[T]) -> list[T]:
    """Return a list of the instances of `cls` in an iterable, or raise ConfigurationError."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(f"expected several {cls.__name__}: got {values!r}; text is read by parse()")
    found = list(cast("Iterable[object]", values))
    for value in found:
        if not isinstance(value, cls):
            raise ConfigurationError(f"expected several {cls.__name__}: one is {value!r}, a {type(value).__name__}")
    return cast("list[T]", found)


def check_string_pairs(value: object, what: str) -> list[tuple[str, str]]:
    """Return the items of a mapping of str to str, or raise ConfigurationError."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{what} must be a text, for example 'app=web', a mapping of str to str, a selector or None: "
            f"got {value!r}, a {type(value).__name__}"
        )
    pairs = cast("Mapping[object, object]", value).items()
    return [(check_string(key, f"a key of {what}"), check_string(item, f"{what}[{key!r}]")) for key, item in pairs]


def fields_of(value: object, what: str, **names: str) -> tuple[Any, ...]:
    """Return fields of an official model or of its JSON mapping; None for missing fields.

    Args:
        value: the model or the mapping.
        what: the expected object, for the message.
        names: maps each field's name in JSON to its name in the model.
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


def name_of(function: object) -> str:
    """Return a function's name for messages, or the name of the object's class."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):
        # A class method that a subclass inherits is a different function there.
        return f"{owner.__module__}.{owner.__qualname__}.{getattr(function, '__name__', '?')}"
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(named, '__module__', '?')}.{getattr(named, '__qualname__', '?')}"


def signature_of(function: object) -> inspect.Signature | None:
    """Return the signature, or None if it is unknown, as of some functions in C; the call will show whether it fits."""
    try:
        return inspect.signature(function)  # type: ignore[arg-type] # it raises for anything else
    except (TypeError, ValueError):
        return None
