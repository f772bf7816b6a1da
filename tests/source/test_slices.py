"""What is cut out of an object is right wherever it is JSON, whatever the object holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from informers.source._bytes.slices import guesses, metadata_of, type_meta
from informers.source._bytes.sources import OpenSource, mapping_of
from informers.source._wire.decode import Decoder
from informers.source.records import WireRecord
from tests.source import samples

KEYS = ["metadata", "spec", "status", "managedFields", "kind", 'x]},"spec":{"', "a"]

texts = st.sampled_from(["", "True", '},"spec":{', ',"status":{', "]}", ',"managedFields":[', "\\", 'é"'])
values = st.recursive(
    st.none() | st.integers(0, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
mappings = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)


def decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def record_of(obj: dict[str, Any]) -> WireRecord[dict[str, Any]]:
    """Return the record for an object that is decoded and written out again, so that its metadata may be anything."""
    record = Decoder(mapping_of, kind="Pod", api_version="v1").record(obj)
    assert isinstance(record, WireRecord)
    return record


@settings(max_examples=80)
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
    metadata = {"name": "a", **metadata}
    if managed is not None:
        metadata = {**metadata, "managedFields": managed}
        metadata |= {f"{key}2": value for key, value in after.items()}
    obj = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, **rest}
    record = record_of(obj)
    for source in (record, OpenSource(samples.encode(obj), "")):
        for key in ("spec", "status"):
            for guess in guesses(source, key):
                cut = decoded(guess)
                assert cut is None or cut.get(key) == obj.get(key)
    found = metadata_of(record)
    assert found is not None
    assert json.loads(found.whole) == metadata
    head = decoded(found.rest)
    if head is not None and not found.managed:
        assert head == metadata
    elif head is not None:
        assert decoded(b"{" + found.managed + b"}") == {"managedFields": metadata["managedFields"]}
        assert head == {key: value for key, value in metadata.items() if key != "managedFields"}


def test_what_servers_send_is_cut_at_the_first_guess() -> None:
    pod = samples.pod()
    record = record_of(pod)
    found = metadata_of(record)
    assert found is not None
    managed = pod["metadata"].pop("managedFields")
    assert json.loads(found.rest) == pod["metadata"]
    assert json.loads(b"{" + found.managed + b"}") == {"managedFields": managed}
    assert next(guesses(record, "status")) == samples.encode({"status": pod["status"]})
    assert next(guesses(record, "spec")) == samples.encode({"spec": pod["spec"], "status": pod["status"]})
    assert type_meta(record.raw) == ("Pod", "v1")


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"apiVersion":"v1","kind":"Pod","metadata":{}}', b'{ "kind":"Pod"}'])
def test_what_does_not_begin_as_servers_write_it_is_not_cut_by_its_head(raw: bytes) -> None:
    source = OpenSource(raw, "")
    assert type_meta(raw) is None
    assert metadata_of(source) is None
    assert list(guesses(source, "spec")) == [raw]


def test_metadata_that_comes_last_is_cut_too() -> None:
    found = metadata_of(record_of({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}))
    assert found is not None
    assert found.whole == found.rest == b'{"name":"a"}'
