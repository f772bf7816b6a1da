"""JSON of any depth says what json.loads says of it."""

from __future__ import annotations

import json
from json import JSONDecodeError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers.source._bytes import deep_json as deep

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, indent=st.sampled_from([None, 1]), is_ascii=st.booleans())
def test_it_is_the_same_as_of_the_standard_library(value: object, indent: int | None, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    assert deep.slow_loads(f" {text}\n") == value
    assert deep.slow_raw_decode(f"x{text} y", 1)[0] == value


@given(value=JSON, at=st.integers(0), letter=st.sampled_from(["", ",", ":", "{", "}", "[", "]", '"', "1", " ", "x"]))
def test_what_was_spoiled_is_refused_or_the_same_as_of_the_standard_library(
    value: object, at: int, letter: str
) -> None:
    text = json.dumps(value)
    at %= len(text)
    text = f"{text[:at]}{letter}{text[at + 1 :]}"
    try:
        expected = json.loads(text)
    except JSONDecodeError:
        with pytest.raises(JSONDecodeError):
            deep.slow_loads(text)
    else:
        assert deep.slow_loads(text) == expected


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "9" * 5000])
@pytest.mark.parametrize("depth", [1, 5000])
def test_of_a_number_that_is_not_json_or_too_long_only_the_end_is_found(number: str, depth: int) -> None:
    text = "[" * depth + number + "]" * depth
    assert deep.raw_decode(f"{text},", 0)[1] == len(text)
    for read in (lambda: deep.loads(text.encode()), lambda: deep.slow_loads(text)):
        with pytest.raises(ValueError, match=r"is not JSON|Exceeds the limit"):
            read()


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert deep.slow_loads('{"a":1,"b":2,"a":{"c":3}}') == {"a": {"c": 3}, "b": 2}


def test_it_goes_as_deep_as_it_must() -> None:
    value, depth = deep.slow_loads("[" * 50_000 + "7" + "]" * 50_000), 0
    while isinstance(value, list):
        (value,) = value
        depth += 1
    assert (value, depth) == (7, 50_000)


@pytest.mark.parametrize("text", ["[" * 50_000, "[" * 50_000 + "]" * 49_999, '{"a":' * 50_000])
def test_an_end_that_is_missing_is_said(text: str) -> None:
    with pytest.raises(JSONDecodeError):
        deep.slow_loads(text)
