"""What is cut out of an object is right wherever it is JSON, whatever the object holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from informers.source._bytes.slices import Cutter
from tests.source import samples

KEYS = ["metadata", "spec", "status", "managedFields", "kind", 'x]},"spec":{"', "a"]
CUTTER = Cutter(["kind", "apiVersion", "metadata", "spec", "status"])

texts = st.sampled_from(["", "True", '},"spec":{', ',"status":{', "]}", ',"managedFields":[', "\\", 'é"'])
values = st.recursive(
    st.none() | st.integers(0, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
mappings = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)


def decoded(guess: bytes) -> Any:
    try:
        return json.loads(guess)
    except ValueError:
        return None


@settings(max_examples=80, deadline=None)
@given(
    metadata=mappings,
    rest=st.dictionaries(st.sampled_from(["spec", "status", "a"]), values, max_size=3),
    managed=st.none() | st.lists(values, max_size=3),
    after=mappings,
)
@example(metadata={}, rest={"status": {"a": 1}, "spec": {"status": {"a": 2}}}, managed=None, after={})
@example(metadata={"a": {"spec": 1}}, rest={"spec": {}}, managed=[{"x": ["]"]}], after={})
@example(metadata={"a": 1}, rest={"spec": {}}, managed=[], after={"a": ["x"]})
def test_a_guess_that_is_json_is_right(
    metadata: dict[str, Any], rest: dict[str, Any], managed: list[Any] | None, after: dict[str, Any]
) -> None:
    if managed is not None:
        metadata = {**metadata, "managedFields": managed}
        metadata |= {f"{key}2": value for key, value in after.items()}
    obj = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, **rest}
    raw = samples.encode(obj)
    for key in ("metadata", "spec", "status"):
        for guess in CUTTER.field(raw, key):
            cut = decoded(guess)
            assert cut is None or cut.get(key) == obj.get(key)
    found = CUTTER.metadata(raw)
    assert found is not None
    start, split, end = found
    head = decoded(raw[start:end] if split == end else raw[start:split] + b"}")
    if head is not None and split == end:
        assert head == metadata
    elif head is not None:
        assert decoded(b"{" + raw[split + 1 : end]) == {"managedFields": metadata["managedFields"]}
        assert head == {key: value for key, value in metadata.items() if key != "managedFields"}


def test_what_servers_send_is_cut_at_the_first_guess() -> None:
    pod = samples.pod()
    raw = samples.encode(pod)
    found = CUTTER.metadata(raw)
    assert found is not None
    start, split, end = found
    assert json.loads(raw[start:end]) == pod["metadata"]
    assert json.loads(b"{" + raw[split + 1 : end]) == {"managedFields": pod["metadata"]["managedFields"]}
    assert next(CUTTER.field(raw, "status")) == samples.encode({"status": pod["status"]})
    assert next(CUTTER.field(raw, "spec")) == samples.encode({"spec": pod["spec"], "status": pod["status"]})
    assert CUTTER.type_meta(raw) == ("Pod", "v1")


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"apiVersion":"v1","kind":"Pod","metadata":{}}', b'{ "kind":"Pod"}'])
def test_what_does_not_begin_as_servers_write_it_is_not_cut_by_its_head(raw: bytes) -> None:
    assert CUTTER.type_meta(raw) is None
    assert CUTTER.metadata(raw) is None
    assert list(CUTTER.field(raw, "spec")) == [raw]


def test_metadata_that_comes_last_is_cut_too() -> None:
    raw = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}'
    for cutter in (CUTTER, Cutter(["kind", "apiVersion", "metadata"])):
        start, split, end = cutter.metadata(raw) or (0, 0, 0)
        assert raw[start:split] == raw[start:end] == b'{"name":"a"}'
