"""Decodes JSON of any depth.

Python's own decoder is limited by the stack to hundreds or thousands of levels; an API server accepts ten thousand. So
one custom object could otherwise keep all others out of a cache or a lister's result. If the decoder gives up, the slow
one here takes over; honest objects do not need it. Python's decoder also refuses numbers with very many digits, and
takes `NaN` and `Infinity`, which are not JSON. Where only the end of a value matters, these become a `BadNumber`.

Upstream: none; Go's decoder has the same limit as the server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json import JSONDecodeError
from typing import Any, final

__all__ = ["BadNumber", "after_space", "loads", "raw_decode", "slow_loads", "slow_raw_decode"]


@final
class BadNumber:
    """A number that Python does not convert, or that JSON does not have. It can't be written as JSON."""

    def __init__(self, text: str) -> None:
        pass


def _integer(digits: str) -> int | BadNumber:
    try:
        return int(digits)
    except ValueError:
        return BadNumber(digits)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse)
_scan = _decoder.raw_decode
_scan_any_number = json.JSONDecoder(parse_int=_integer, parse_constant=BadNumber).raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")


def loads(raw: bytes) -> Any:
    """Return what JSON in UTF-8 says.

    Raises:
        ValueError: it is not valid JSON, or has a number that Python does not convert.
    """
    text = raw.decode()
    try:
        return _decoder.decode(text)
    except RecursionError:
        return slow_loads(text)


def raw_decode(text: str, start: int) -> tuple[Any, int]:
    """Return the value at a position, and the position after it; numbers may be bad.

    Raises:
        JSONDecodeError: the value is invalid or incomplete.
    """
    try:
        return _scan(text, start)
    except JSONDecodeError:
        raise
    except (RecursionError, ValueError):
        return slow_raw_decode(text, start)


def slow_loads(text: str) -> Any:
    """Do what `loads` does, with this module's own decoder; raises the same errors."""
    value, end = slow_raw_decode(text, after_space(text, 0), _scan)
    end = after_space(text, end)
    if end != len(text):
        raise JSONDecodeError("Extra data", text, end)
    return value


def slow_raw_decode(
    text: str, start: int, scan: Callable[[str, int], tuple[Any, int]] = _scan_any_number
) -> tuple[Any, int]:
    """Do what `raw_decode` does, with this module's own decoder; `scan` reads texts, numbers and words."""
    position = start
    #: The open containers, from the outside in; for a mapping, with the key of the next value.
    outer: list[tuple[dict[str, Any] | list[Any], str]] = []
    while True:
        opening = text[position : position + 1]
        value: Any
        if opening in ("{", "["):
            value = {} if opening == "{" else []
            inner = after_space(text, position + 1)
            if text[inner : inner + 1] != _closing(value):
                key, position = _key(text, inner) if opening == "{" else ("", inner)
                outer.append((value, key))
                continue
            position = inner + 1
        else:
            value, position = scan(text, position)
        while True:
            if not outer:
                return value, position
            around, key = outer[-1]
            if isinstance(around, dict):
                around[key] = value
            else:
                around.append(value)
            position = after_space(text, position)
            behind = text[position : position + 1]
            position += 1
            if behind == ",":
                position = after_space(text, position)
                if isinstance(around, dict):
                    key, position = _key(text, position)
                    outer[-1] = around, key
                break
            if behind != _closing(around):
                raise JSONDecodeError("Expecting ',' delimiter", text, position - 1)
            outer.pop()
            value = around


def _closing(value: dict[str, Any] | list[Any]) -> str:
    return "}" if isinstance(value, dict) else "]"


def _key(text: str, start: int) -> tuple[str, int]:
    """Return a key, and the position of its value."""
    if text[start : start + 1] != '"':
        raise JSONDecodeError("Expecting property name enclosed in double quotes", text, start)
    key, position = _scan(text, start)
    position = after_space(text, position)
    if text[position : position + 1] != ":":
        raise JSONDecodeError("Expecting ':' delimiter", text, position)
    return key, after_space(text, position + 1)


def after_space(text: str, position: int) -> int:
    """Return the position of the next character that is not white space."""
    match = _SPACE.match(text, position)
    return position if match is None else match.end()
