"""What users give to be called, refused at once where it could not be.

Upstream: none: there the compiler does it.
"""

from __future__ import annotations

import inspect

from informers.errors import ConfigurationError

__all__ = ["check_function", "name_of", "signature_of"]


def check_function(
    name: str, function: object, expected: str, *, arguments: int | None = None, advice: str = ""
) -> None:
    """Refuse what is neither None nor a plain function of so many arguments.

    Args:
        name: what the caller calls it.
        function: what was given.
        expected: the arguments, for the message: such as `old, new`.
        arguments: how many there are; as many as `expected` names by default.
        advice: what takes a coroutine function instead.

    Raises:
        ConfigurationError: saying what was given, and what is right.
    """
    if function is None:
        return
    if not callable(function):
        raise ConfigurationError(f"{name} must be a function of ({expected}): got {type(function).__name__}")
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        raise ConfigurationError(
            f"{name} must be a plain function: got a coroutine function, which would never be awaited{advice}"
        )
    signature = signature_of(function)
    if signature is None:
        return
    try:
        signature.bind(*range(expected.count(",") + 1 if arguments is None else arguments))
    except TypeError:
        raise ConfigurationError(
            f"{name} must be a function of ({expected}): got {name_of(function)}{signature}"
        ) from None


def name_of(function: object) -> str:
    """Return what a message calls a function, or the class of what is none."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(named, '__module__', '?')}.{getattr(named, '__qualname__', '?')}"


def signature_of(function: object) -> inspect.Signature | None:
    """Return the signature, or None of what is written in C without one: there the call will tell."""
    try:
        return inspect.signature(function)  # type: ignore[arg-type] # whatever it is, it says no by raising
    except (TypeError, ValueError):
        return None
