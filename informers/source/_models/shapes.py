"""The two structures of JSON, and the error if something else is in their place.

Upstream: none.
"""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["MisshapenError", "is_list", "is_mapping"]


class MisshapenError(ValueError):
    """A structure is expected, but there is something else. No model can be built of it.

    Args:
        path: its place, for example `spec.containers[0]`.
        expected: the expected structure, for example `a list`.
        value: the value. It is not part of the message, since objects hold secrets.
    """

    def __init__(self, path: str, expected: str, value: object) -> None:
        found = "a JSON object" if is_mapping(value) else "a list" if is_list(value) else type(value).__name__
        super().__init__(f"{path or 'the whole'} should be {expected}, not {found}")


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a JSON list."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a JSON object."""
    return isinstance(value, dict)
