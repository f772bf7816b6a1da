"""Lists that are split into objects while they arrive say what json.loads says of the whole, or are refused."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from informers.errors import DecodeError
from informers.source._bytes.sources import mapping_of
from informers.source._wire.decode import Decoder
from informers.source._wire.list_reader import read_list
from informers.source.watch_events import Page

HEAD = '{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"}'


def read(data: bytes, size: int, *, drop: bool = False, limit: int = 1 << 20) -> Page[dict[str, Any]]:
    decoder = Decoder(mapping_of, kind="Pod", api_version="v1", drop_managed_fields=drop)
    return read_list(decoder, (data[start : start + size] for start in range(0, len(data), size)), limit=limit)


def completed(item: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Pod", "apiVersion": "v1", **item}


def agrees(data: bytes, size: int) -> bool:
    """Return whether a list was taken, and says what it should; False where it was refused."""
    try:
        page = read(data, size)
    except DecodeError:
        return False
    whole = json.loads(data)
    assert page.resource_version == (whole["metadata"].get("resourceVersion") or "")
    assert page.continue_token == (whole["metadata"].get("continue") or "")
    items = whole.get("items") or []
    good = [record.object() for record in page.records]
    assert len(good) + len(page.bad) == len(items)
    rest = iter(items)
    # The good ones, in their order; those that are left out have been set aside.
    assert all(any(completed(item) == obj for item in rest) for obj in good)
    return True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
METADATA = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "", "ü", "x/y"]) | st.none()},
    optional={
        "namespace": st.sampled_from(["default", "]}", ""]),
        "labels": st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.none(), max_size=2),
        "managedFields": st.just([{"manager": "x"}]),
        "annotations": st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=2),
    },
)
ITEMS = st.lists(
    st.fixed_dictionaries({"metadata": METADATA | JSON}, optional={"spec": JSON, "metadata2": JSON}), max_size=4
)


@settings(max_examples=200)
@given(
    items=ITEMS,
    size=st.integers(1, 40),
    indent=st.none() | st.integers(0, 1),
    ascii_only=st.booleans(),
    order=st.permutations(["kind", "apiVersion", "metadata", "items"]),
)
def test_random_lists_are_the_same_in_any_order_spacing_and_split(
    items: list[dict[str, Any]], size: int, indent: int | None, ascii_only: bool, order: list[str]
) -> None:
    fields = {
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "9", "continue": "t"},
        "items": items,
    }
    separators = (",", ":") if indent is None else None
    text = json.dumps(
        {key: fields[key] for key in order}, indent=indent, ensure_ascii=ascii_only, separators=separators
    )
    assert agrees(text.encode(), size)


@settings(max_examples=300)
@given(
    items=ITEMS,
    size=st.integers(1, 40),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=2)), min_size=1, max_size=2),
)
def test_a_list_that_was_spoiled_is_refused_or_says_what_it_says(
    items: list[dict[str, Any]], size: int, edits: list[tuple[float, bytes]]
) -> None:
    data = f'{HEAD},"items":{json.dumps(items, separators=(",", ":"))}}}'.encode()
    for where, with_what in edits:
        place = int(where * len(data))
        data = data[:place] + with_what + data[place + 1 :]
    agrees(data, size)


@pytest.mark.parametrize(
    "behind",
    [
        ',"items":[{"metadata":{"name":"a"}}{"metadata":{"name":"b"}}]}',
        ',"items":[{"metadata":{"name":"a"}},]}',
        ',"items":[{"metadata":{"name":"a"}},,{"metadata":{"name":"b"}}]}',
        ',"items":[,{"metadata":{"name":"a"}}]}',
        ',"items":[{"metadata":{"name":"a"}}],}',
        ',"items":[{"metadata":{"name":"a"}}],,"x":1}',
        ',"items":[{"metadata":{"name":"a"}}]"x":1}',
        ',"items":[{"metadata":{"name":"a"}}]',
        ',"items":[{"metadata":{"name":"a"}}]} {}',
        ',"items":[{"metadata":{"name":"a"}}],"items":[{"metadata":{"name":"b"}}]}',
        ',"items":[{"metadata":{"name":"a"}}],"metadata":3}',
        ',"items":[{"metadata":{"name":"a"}}],"metadata":[["resourceVersion","1"]]}',
        f',"items":[{{"metadata":{{"name":"a"}},"x":{"[" * 20_000}',
    ],
)
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_what_is_not_valid_json_is_refused(behind: str, size: int) -> None:
    with pytest.raises(DecodeError):
        read((HEAD + behind).encode(), size)


@pytest.mark.parametrize("deep", ["[" * 20_000, '{"a":' * 20_000, '{"x":' + "1" * 5000 + "}"])
def test_metadata_that_can_not_be_read_are_refused(deep: str) -> None:
    for size in (4000, 1 << 20):
        with pytest.raises(DecodeError):
            read(f'{{"kind":"PodList","apiVersion":"v1","metadata":{deep}'.encode(), size)


def test_of_metadata_that_come_twice_the_last_count() -> None:
    data = HEAD + ',"items":[{"metadata":{"name":"a"}}] , "metadata":{"continue":"t"}, "x":1}'
    page = read(data.encode(), 5)
    assert (page.resource_version, page.continue_token, len(page.records)) == ("", "t", 1)


@pytest.mark.parametrize("size", [1, 3, 50, 1000])
def test_letters_and_escapes_are_not_torn(size: int) -> None:
    names = ["ä", "\U0001f600", "\u2028", 'q"\\', "\x7f"]
    items = [{"metadata": {"name": "n", "labels": {"x": name}}} for name in names]
    for ascii_only in (False, True):
        data = f'{HEAD},"items":{json.dumps(items, ensure_ascii=ascii_only)}}}'.encode()
        assert [record.labels["x"] for record in read(data, size).records] == names


@pytest.mark.parametrize("broken", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_what_is_not_valid_utf_8_is_refused_wherever_it_is_split(broken: bytes) -> None:
    data = HEAD.encode() + b',"items":[{"metadata":{"name":"a"},"x":"' + broken + b'"}]}'
    for size in (1, 10, 1000):
        with pytest.raises(DecodeError, match=r"UTF-8|JSON"):
            read(data, size)


def test_managed_fields_are_dropped_in_whatever_order() -> None:
    item = {"metadata": {"managedFields": [{"manager": "x"}], "name": "a"}, "spec": {"managedFields": [1]}}
    for text in (json.dumps(item), json.dumps(item, separators=(",", ":"))):
        (record,) = read(f'{HEAD},"items":[{text}]}}'.encode(), 9, drop=True).records
        assert record.object() == completed({"metadata": {"name": "a"}, "spec": {"managedFields": [1]}})


@pytest.mark.parametrize(
    ("said", "understood"), [("1500", 1500), ("0", 0), ("null", None), ("-1", None), ('"7"', None), ("true", None)]
)
def test_how_many_objects_remain_is_a_hint(said: str, understood: int | None) -> None:
    head = HEAD.removesuffix("}") + f',"remainingItemCount":{said}}}'
    assert read((head + ',"items":[]}').encode(), 9).remaining == understood
    assert read((HEAD + ',"items":[]}').encode(), 9).remaining is None


#: Deeper than `json` goes in any Python. An API server takes ten thousand, more than some do.
DEEP = '{"a":' * 20_000 + '{"metadata":["}]",{"x":"\\\\\\"]"}]}' + "}" * 20_000


@pytest.mark.parametrize("size", [1 << 16, 1 << 20])
@pytest.mark.parametrize("drop", [False, True])
def test_an_object_that_is_nested_deeply_keeps_no_other_out(size: int, drop: bool) -> None:
    """Anybody who may make a custom object could do that."""
    items = ",".join(
        (
            '{"metadata":{"name":"a"}}',
            f'{{"metadata":{{"name":"deep"}},"spec":{DEEP}}}',
            f'{{"metadata":{{"name":"odd"}},"spec":{{"x":1,"metadata":{DEEP}}}}}',
            f'{{"spec":{DEEP},"metadata":{{"namespace":"one","name":"aside"}}}}',
            f'{{"metadata":{{"name":"managed","managedFields":[{{"fieldsV1":{DEEP}}}]}}}}',
            '{"metadata":{"name":"b"}}',
        )
    )
    page = read(f'{HEAD},"items":[{items}]}}'.encode(), size, drop=drop)
    keys, aside = [record.key for record in page.records], [bad.error.key for bad in page.bad]
    assert {"a", "deep", "b"} <= set(keys)
    assert sorted(keys + aside) == ["a", "b", "deep", "managed", "odd", "one/aside"]
    thing = page.records[1].object()
    assert thing["metadata"] == {"name": "deep"}
    depth, inner = 0, thing["spec"]
    while "a" in inner:
        depth, inner = depth + 1, inner["a"]
    assert (depth, inner) == (20_000, {"metadata": ["}]", {"x": '\\"]'}]})


@pytest.mark.parametrize("end", ["", "}", '"', '"}'])
def test_an_object_that_is_nested_deeply_and_has_no_end_is_refused(end: str) -> None:
    with pytest.raises(DecodeError, match="an item is broken or the end is missing"):
        read(f'{HEAD},"items":[{{"metadata":{{"name":"a"}},"spec":{DEEP},"x":"\\{end}'.encode(), 1 << 16)


def peak(head: str, limit: int) -> int:
    """Return the bytes that are held at most of an answer that never ends, until it is refused."""

    def blocks() -> Iterator[bytes]:
        yield head.encode()
        while True:
            yield bytes(bytearray(b"x" * (1 << 14)))

    decoder = Decoder(mapping_of, kind="Pod", api_version="v1")
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match=f"more than {limit} bytes; none is that large"):
            read_list(decoder, blocks(), limit=limit)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + ',"items":[{"metadata":{"name":"a"},"x":"', id="an item of a built-in kind"),
        pytest.param('{"apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"', id="custom"),
        pytest.param(HEAD + ',"items":[{"metadata":{"name":"a"}},{"x":"', id="an item unlike the others"),
        pytest.param(HEAD + ',"items":[],"x":"', id="behind the items"),
        pytest.param(HEAD + ',"items":[{"metadata":{"name":"a"}} ] , "x":"', id="behind the items and a space"),
        pytest.param('{"x":"', id="a list that can not be split"),
    ],
)
def test_what_is_too_large_is_held_once_before_it_is_refused_and_not_copied(head: str) -> None:
    small, large = peak(head, 1 << 20), peak(head, 1 << 23)
    # A buffer that grows in place has an eighth to spare.
    assert small < 1.3 * (1 << 20)
    assert large < 1.3 * (1 << 23)
