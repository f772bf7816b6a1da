"""How a function of the user's is recognised by a later process.

Upstream: none.
"""

from __future__ import annotations

import dis
import hashlib
from collections.abc import Iterator
from types import CodeType, FunctionType

from informers._base.checks import name_of

__all__ = ["fingerprint", "has_state"]

_CONSTANTS = (type(None), bool, int, float, complex, str, bytes)


def has_state(function: object) -> bool:
    """Return whether what a function does may depend on more than its code and what it finds by name.

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

    Functions of the same package that it calls by name count too, and constants of its module; other packages don't.
    Another version of Python makes other code of the same lines.
    """
    if function is None:
        return ""
    name = name_of(function)
    if not isinstance(function, FunctionType):
        return name
    digest = hashlib.sha256()
    for part in _whole(function, {function}):
        digest.update(part.encode())
        digest.update(b"\0")
    return f"{name} {digest.hexdigest()[:16]}"


def _whole(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """Return what decides what a function does, with that of the functions that it calls."""
    yield from (*_parts(function.__code__), repr(function.__defaults__), repr(function.__kwdefaults__))
    for name in sorted(_read_names(function.__code__)):
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType):
            if value not in seen and _package(value) == _package(function):
                seen.add(value)
                yield name
                yield from _whole(value, seen)
        elif name in function.__globals__ and _is_constant(value):
            yield from (name, *_constant(value))


def _package(function: FunctionType) -> str:
    return str(function.__module__).partition(".")[0]


def _read_names(code: CodeType) -> set[str]:
    """Return the module's names that code reads; without those that it sets, such as a count."""
    read: set[str] = set()
    written: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            read.add(instruction.argval)
        elif instruction.opname == "STORE_GLOBAL":
            written.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            read |= _read_names(constant)
    return read - written


def _is_constant(value: object) -> bool:
    if isinstance(value, (tuple, frozenset)):
        items: Iterator[object] = iter(value)  # pyright: ignore[reportUnknownArgumentType]  whatever they are
        return all(map(_is_constant, items))
    return isinstance(value, _CONSTANTS)


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
