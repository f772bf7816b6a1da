"""Decodes JSON of any depth.

Python's own decoder is limited by the stack to hundreds or thousands of levels; an API server accepts ten thousand. So
one custom object could otherwise keep all others out of a cache or a lister's result. If the decoder gives up, the slow
one here takes over; honest objects do not need it. Python's decoder also refuses numbers with very many digits. Where
only the end of a value matters, such a number becomes a `HugeNumber`.

Upstream: none; Go's decoder has the same limit as the server.
"""

from __future__ import annotations

import json
import re
from json import JSONDecodeError
from typing import Any, final

__all__ = ["HugeNumber", "loads", "raw_decode", "slow_loads", "slow_raw_decode"]


@final
class HugeNumber:
    """A number that Python does not convert. It can't be written as JSON."""


def _integer(digits: str) -> int | HugeNumber:
    try:
        return int(digits)
    except ValueError:
        return HugeNumber()


_scan = json.JSONDecoder().raw_decode
_scan_huge = json.JSONDecoder(parse_int=_integer).raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")


def loads(text: str | bytes) -> Any:
    """Return the result of `json.loads`.

    Raises:
        ValueError: it is not valid JSON.
    """
    try:
        return json.loads(text)
    except RecursionError:
        return slow_loads(text if isinstance(text, str) else text.decode())


def raw_decode(text: str, start: int) -> tuple[Any, int]:
    """Return the value at a position, and the position after it; numbers may be huge.

    Raises:
        JSONDecodeError: the value is invalid or incomplete.
    """
    try:
        return _scan(text, start)
    except RecursionError:
        return slow_raw_decode(text, start)
    except JSONDecodeError:
        raise
    except ValueError:
        pass
    try:
        return _scan_huge(text, start)
    except RecursionError:
        return slow_raw_decode(text, start)


def slow_loads(text: str) -> Any:
    """Do what `loads` does, with this module's own decoder; numbers may be huge.

    Raises:
        JSONDecodeError: it is not valid JSON.
    """
    value, end = slow_raw_decode(text, _after_space(text, 0))
    end = _after_space(text, end)
    if end != len(text):
        raise JSONDecodeError("Extra data", text, end)
    return value


def slow_raw_decode(text: str, start: int) -> tuple[Any, int]:
    """Do what `raw_decode` does, with this module's own decoder.

    Raises:
        JSONDecodeError: the value is invalid or incomplete.
    """
    position = start
    #: The open containers, from the outside in; for a mapping, with the key of the next value.
    outer: list[tuple[dict[str, Any] | list[Any], str]] = []
    while True:
        opening = text[position : position + 1]
        value: Any
        if opening in ("{", "["):
            value = {} if opening == "{" else []
            inner = _after_space(text, position + 1)
            if text[inner : inner + 1] != _closing(value):
                key, position = _key(text, inner) if opening == "{" else ("", inner)
                outer.append((value, key))
                continue
            position = inner + 1
        else:
            value, position = _scan_huge(text, position)
        while True:
            if not outer:
                return value, position
            around, key = outer[-1]
            if isinstance(around, dict):
                around[key] = value
            else:
                around.append(value)
            position = _after_space(text, position)
            behind = text[position : position + 1]
            position += 1
            if behind == ",":
                position = _after_space(text, position)
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
    position = _after_space(text, position)
    if text[position : position + 1] != ":":
        raise JSONDecodeError("Expecting ':' delimiter", text, position)
    return key, _after_space(text, position + 1)


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return position if match is None else match.end()
