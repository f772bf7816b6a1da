"""How a function of the user's is recognised by a later process.

Upstream: none.
"""

from __future__ import annotations

import hashlib
from types import CodeType, FunctionType

__all__ = ["fingerprint", "has_state"]

_CONSTANTS = (type(None), bool, int, float, complex, str, bytes)


def has_state(function: object) -> bool:
    """Return whether what a function does may depend on more than its code and the module's globals.

    That is so for all but plain functions without a closure and with constants for defaults.
    """
    if function is None:
        return False
    if not isinstance(function, FunctionType) or function.__closure__:
        return True
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return not all(isinstance(default, _CONSTANTS) for default in defaults)


def fingerprint(function: object) -> str:
    """Return what two functions have in common only if they have the same name and code; empty for None.

    Another version of Python makes other code of the same lines.
    """
    if function is None:
        return ""
    named = function if hasattr(function, "__qualname__") else type(function)
    name = f"{getattr(named, '__module__', '')}.{getattr(named, '__qualname__', '')}"
    if not isinstance(function, FunctionType):
        return name
    digest = hashlib.sha256()
    for part in (*_parts(function.__code__), repr(function.__defaults__), repr(function.__kwdefaults__)):
        digest.update(part.encode())
        digest.update(b"\0")
    return f"{name} {digest.hexdigest()[:16]}"


def _parts(code: CodeType) -> list[str]:
    """Return what of code decides what it does; not where it stands."""
    parts = [code.co_code.hex(), repr(code.co_names), repr(code.co_argcount), repr(code.co_kwonlyargcount)]
    for constant in code.co_consts:
        parts += _constant(constant)
    return parts


def _constant(constant: object) -> list[str]:
    if isinstance(constant, CodeType):
        return _parts(constant)
    if isinstance(constant, frozenset):
        # In an order of its own in each process.
        return sorted(map(repr, constant))
    return [repr(constant)]
