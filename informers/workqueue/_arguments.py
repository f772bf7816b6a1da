"""Checks of arguments, with messages that say what is right."""

from __future__ import annotations

import math

from informers.errors import ConfigurationError

__all__ = ["check_count", "check_hashable", "check_limiter", "check_seconds"]


def check_seconds(name: str, value: object) -> float:
    """Return `value` if it is a finite number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigurationError(f"{name} must be a finite number of seconds, not {value!r}")
    return value


def check_timeout(timeout: object) -> None:
    """Raise unless `timeout` is None or a number of seconds."""
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or math.isnan(timeout):
        raise ConfigurationError(f"timeout must be None or a number of seconds, not {timeout!r}")


def check_count(name: str, value: object, *, at_least: int) -> int:
    """Return `value` if it is a whole number from `at_least` up."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise ConfigurationError(f"{name} must be a whole number, {at_least} or more, not {value!r}")
    return value


def check_hashable(item: object) -> None:
    """Raise unless `item` can stand in a set."""
    try:
        hash(item)
    except TypeError as error:
        raise ConfigurationError(
            f"a queue's items must be hashable, and {type(item).__name__} is not: add an object's name or key, "
            "not the object"
        ) from error


def check_limiter(limiter: object) -> None:
    """Raise unless `limiter` has the methods of one."""
    missing = [name for name in ("when", "forget", "num_requeues") if not callable(getattr(limiter, name, None))]
    if missing or isinstance(limiter, type):
        raise ConfigurationError(
            "limiter must be such as ItemExponentialFailureRateLimiter(0.5, 60.0), with the methods when, forget and "
            f"num_requeues: got {limiter!r}"
            + ("; a queue's name is given as name=" if isinstance(limiter, str) else "")
        )
