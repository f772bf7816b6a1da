"""JSON of any depth.

Python's own decoder goes as deep as there is stack: some thousand levels, or hundreds. An API server takes ten
thousand, so anyone who may make a custom object could keep all others out of a cache, or out of what a lister returns.
So where that decoder gives up, another takes over: it is slow, and needed by nobody who means well. Likewise it refuses
numbers of more digits than it cares to convert. Where only the end of a value is looked for, such a number is a
`HugeNumber`.

Upstream: none; Go's decoder has a limit of its own, which the server's is.
"""

from __future__ import annotations

import json
import re
from json import JSONDecodeError
from typing import Any, final

__all__ = ["HugeNumber", "loads", "raw_decode", "slow_loads", "slow_raw_decode"]


@final
class HugeNumber:
    """Stands for a number that Python does not convert. It can't be written as JSON."""


def _integer(digits: str) -> int | HugeNumber:
    try:
        return int(digits)
    except ValueError:
        return HugeNumber()


_scan = json.JSONDecoder().raw_decode
_scan_huge = json.JSONDecoder(parse_int=_integer).raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")


def loads(text: str | bytes) -> Any:
    """Return what `json.loads` does.

    Raises:
        ValueError: it is not valid JSON.
    """
    try:
        return json.loads(text)
    except RecursionError:
        return slow_loads(text if isinstance(text, str) else text.decode())


def raw_decode(text: str, start: int) -> tuple[Any, int]:
    """Return the value that begins at a position, and the position behind it; numbers may be huge.

    Raises:
        JSONDecodeError: there is none, or its end is missing.
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
    """Do what `loads` does, without Python's own decoder for what is nested; numbers may be huge.

    Raises:
        JSONDecodeError: it is not valid JSON.
    """
    value, end = slow_raw_decode(text, _after_space(text, 0))
    end = _after_space(text, end)
    if end != len(text):
        raise JSONDecodeError("Extra data", text, end)
    return value


def slow_raw_decode(text: str, start: int) -> tuple[Any, int]:
    """Do what `raw_decode` does, likewise.

    Raises:
        JSONDecodeError: there is none, or its end is missing.
    """
    position = start
    #: What has begun and not ended, from the outside in; of a mapping with the key whose value comes next.
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
