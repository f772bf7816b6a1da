"""The short way says what the long way says, of the same bytes, well-formed or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from informers.errors import DecodeError
from informers.source._bytes.slices import metadata_of
from informers.source._bytes.sources import mapping_of
from informers.source._wire import item_slices
from informers.source._wire.decode import Decoder
from informers.source._wire.item_slices import is_closed
from informers.source._wire.list_reader import ListReader, read_list
from informers.source.records import WireRecord
from informers.source.watch_events import BadObject, Change, Page

KIND, VERSION = "Widget", "example.com/v1"
#: Forged objects, ends of objects, and what looks like them.
TRICKY = [
    '},{"metadata":{"name":"evil"}',
    '},{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"evil"',
    '}]},"spec":{',
    '}],"name":"evil","uid":"1"}',
    "]}}",
    ',"metadata":{"name":"evil"}',
    "\\",
    'a"b',
    "語",
    "\U0001f600",
    "\x7f",
    "[",
    "]",
    "",
]
FORGED = [{"a": 1}, {"metadata": {"name": "evil"}}, {"apiVersion": VERSION, "kind": KIND, "metadata": {"name": "evil"}}]
texts = st.sampled_from(TRICKY) | st.text(max_size=6)
maps = st.dictionaries(texts, texts, max_size=2)
free = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.just(1.5) | texts | st.just(FORGED) | st.just(FORGED[::-1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("metadata"), inner, max_size=3),
    max_leaves=6,
)
managed = st.lists(
    st.fixed_dictionaries({"manager": texts, "fieldsV1": st.dictionaries(texts, st.just({}) | free, max_size=2)}),
    min_size=1,
    max_size=2,
)
owners = st.lists(
    st.fixed_dictionaries({"kind": texts, "name": texts}, optional={"controller": st.booleans(), "odd": free}),
    max_size=2,
)
OPTIONAL = {
    "generateName": texts,
    "namespace": st.sampled_from(["default", "", "a/b", "語"]),
    "selfLink": texts,
    "uid": st.sampled_from(["u1", "", "a\\b"]),
    "resourceVersion": st.sampled_from(["7", "", "9" * 30]),
    "generation": st.sampled_from([0, 1, -1, 10**18, 10**30, 1.5]),
    "creationTimestamp": st.sampled_from(["2026-01-02T03:04:05Z", None, ""]),
    "deletionTimestamp": st.sampled_from(["2026-01-02T03:04:05Z"]),
    "deletionGracePeriodSeconds": st.sampled_from([0, 30]),
    "labels": maps,
    "annotations": maps,
    "ownerReferences": owners,
    "finalizers": st.lists(texts, max_size=2),
    "managedFields": managed | st.just([]),
}
#: One in eight has a key of the future, a value of another type, or no name.
metadata = st.fixed_dictionaries({"name": st.sampled_from(["a", "b", "語", "a.b"])}, optional=OPTIONAL) | (
    st.dictionaries(st.sampled_from(["name", *OPTIONAL, "zzz"]), free, max_size=4)
)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """An object, its keys in Go's order, sorted, or in any; and its metadata's likewise."""
    order = draw(st.sampled_from(["go", "go", "sorted", "sorted", "any"]))
    said = draw(metadata)
    rest = draw(st.dictionaries(st.sampled_from(["spec", "status", "zzz"]), free, max_size=2))
    obj = {"kind": KIND, "apiVersion": VERSION, "metadata": said, **rest}
    if order == "sorted":
        return {key: dict(sorted(said.items())) if key == "metadata" else obj[key] for key in sorted(obj)}
    if order == "any":
        obj["metadata"] = dict(draw(st.permutations(list(said.items()))))
        return dict(draw(st.permutations(list(obj.items()))))
    return obj


def compact(value: object, *, ascii_only: bool = False) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only)


#: What is done to bytes: at a place, by share of the whole, so many bytes give way to others.
edits = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 2),
        st.sampled_from(
            [b"", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b" ", b"\n", b"\xff", b"\xc3", b"0", b"a"]
        ),
    ),
    max_size=2,
)


def edited(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for share, length, new in changes:
        place = int(share * len(data))
        data = data[:place] + new + data[place + length :]
    return data


def decoder(*, drop: bool = False) -> Decoder[dict[str, Any]]:
    return Decoder(mapping_of, kind=KIND, api_version=VERSION, drop_managed_fields=drop)


Outcome = tuple[str, Any]


def outcome(call: Callable[[], Any]) -> Outcome:
    """Return what came of it, so that it can be compared."""
    try:
        event = call()
    except DecodeError:
        return "refused", None
    if isinstance(event, BadObject):
        return "bad", (str(event.error), event.error.key, event.resource_version)
    assert isinstance(event, Change)
    record = event.record
    assert isinstance(record, WireRecord)
    return "record", record


UNREADABLE = ("unreadable",)


def says(record: WireRecord[Any]) -> tuple[Any, ...]:
    return record.key, record.namespace, record.resource_version, record.uid, dict(record.labels), record.object()


def says_if_readable(record: WireRecord[Any]) -> tuple[Any, ...]:
    try:
        return says(record)
    except DecodeError:
        return UNREADABLE


def check_known_metadata(record: WireRecord[Any]) -> None:
    """What a record knows of the metadata must be what they say, and their end where it is."""
    found = metadata_of(record)
    known = record.known_metadata()
    assert (found is None) == (known is None)
    if found is not None and known is not None:
        said = record.object()["metadata"]
        assert json.loads(found.whole) == said
        names = {"name": "name", "namespace": "namespace", "uid": "uid", "resource_version": "resourceVersion"}
        assert {name: said.get(key) for name, key in (names | {"labels": "labels"}).items()} == known


@settings(max_examples=200)
@given(obj=objects(), drop=st.booleans(), ascii_only=st.booleans(), changes=st.just([]) | edits)
@example(
    obj={
        "kind": KIND,
        "apiVersion": VERSION,
        "metadata": {"name": "a", "managedFields": [{"manager": "}]}", "fieldsV1": {"}]},\\": {}}}]},
    },
    drop=True,
    ascii_only=False,
    changes=[],
)
@example(
    obj={"kind": KIND, "apiVersion": VERSION, "metadata": {"name": "a", "managedFields": [{"x": "]}}"}]}},
    drop=True,
    ascii_only=False,
    changes=[],
)
def test_an_event(obj: dict[str, Any], drop: bool, ascii_only: bool, changes: list[tuple[float, int, bytes]]) -> None:
    line = edited(compact({"type": "ADDED", "object": obj}, ascii_only=ascii_only).encode(), changes)
    short = outcome(lambda: decoder(drop=drop).event(line))
    long = outcome(lambda: decoder(drop=drop).event_the_long_way(line))
    if long[0] == "refused" and short[0] == "record":
        # The rest of the line was not looked at. Then the object can't be read, so it is no other object.
        with pytest.raises(DecodeError):
            short[1].object()
    elif long[0] == short[0] == "record":
        assert says(short[1]) == says(long[1])
        check_known_metadata(short[1])
        check_known_metadata(long[1])
        assert drop or short[1].raw == long[1].raw
    else:
        assert short == long


@pytest.mark.parametrize("odd", ["\x01", "\n", '\\"', "\\u00e4", "\\\\", "\\x"])
@pytest.mark.parametrize("where", ["labels", "annotations", "finalizers", "name"])
def test_a_backslash_or_a_control_character_in_a_head_means_what_it_means_to_a_decoder(odd: str, where: str) -> None:
    value = {"finalizers": f'["{odd}"]', "name": f'"{odd}"'}.get(where, f'{{"a":"{odd}"}}')
    said = f'"name":"a","{where}":{value}' if where != "name" else f'"name":{value}'
    line = f'{{"type":"ADDED","object":{{"kind":"{KIND}","apiVersion":"{VERSION}","metadata":{{{said}}}}}}}'.encode()
    short, long = (outcome(lambda read=read: read(line)) for read in (decoder().event, decoder().event_the_long_way))
    if long[0] == "record":
        assert says(short[1]) == says(long[1])
    elif short[0] == "record":
        with pytest.raises(DecodeError):
            short[1].object()
    else:
        assert short == long


def test_objects_as_servers_write_them_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decoder, "event_the_long_way", lambda *_: pytest.fail("it took the long way"))
    said = {
        "name": "a", "generateName": "a-", "namespace": "default", "uid": "u", "resourceVersion": "7", "generation": 3,
        "creationTimestamp": "2026-01-02T03:04:05Z", "deletionTimestamp": "2026-01-02T03:04:05Z",
        "deletionGracePeriodSeconds": 30, "labels": {"app": "web"}, "annotations": {"x": '{"a":["b\\n"]}', "語": ""},
        "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "o", "uid": "x", "controller": True}],
        "finalizers": ["a/b"], "managedFields": [{"manager": "m", "fieldsV1": {"f:x": {'k:{"a":"b"}': {".": {}}}}}],
    }  # fmt: skip
    go_order = {"kind": KIND, "apiVersion": VERSION, "metadata": said, "spec": {"x": 1}}
    in_order = json.loads(json.dumps(go_order, sort_keys=True))
    for drop in (False, True):
        for obj in (go_order, in_order, {**go_order, "metadata": {"name": "a"}}):
            event = decoder(drop=drop).event(compact({"type": "ADDED", "object": obj}).encode())
            assert isinstance(event, Change)
            kept = {k: v for k, v in obj["metadata"].items() if not drop or k != "managedFields"}
            assert event.record.object() == {**obj, "metadata": kept}


def read(data: bytes, size: int, *, is_short: bool, drop: bool) -> tuple[str, Any]:
    reader: ListReader[dict[str, Any]] = ListReader(decoder(drop=drop), limit=1 << 20, is_short=is_short)
    try:
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
        page: Page[dict[str, Any]] = reader.finish()
    except DecodeError:
        return "refused", None
    # What is written out again without managed fields may have its kind and API version the other way round.
    records = [(says_if_readable(record), b"" if drop else record.raw) for record in reader.records]
    bad = [(str(bad.error), bad.error.key, bad.resource_version) for bad in page.bad]
    return "list", (records, bad, page.resource_version, page.continue_token)


DIALECTS: dict[str, Callable[[str], str]] = {
    "Go's order": lambda items: (
        '{"kind":"WidgetList","apiVersion":"example.com/v1","metadata":{"resourceVersion":"9"},"items":' + items + "}"
    ),
    "sorted": lambda items: (
        '{"apiVersion":"example.com/v1","items":' + items + ',"kind":"WidgetList","metadata":{"resourceVersion":"9"}}'
    ),
}


@settings(max_examples=120)
@given(
    items=st.lists(objects(), max_size=5),
    stripped=st.booleans(),
    dialect=st.sampled_from(list(DIALECTS)),
    drop=st.booleans(),
    size=st.sampled_from([1, 7, 97, 1000, 1 << 18]),
    changes=st.just([]) | edits,
)
def test_a_list(
    items: list[dict[str, Any]],
    stripped: bool,
    dialect: str,
    drop: bool,
    size: int,
    changes: list[tuple[float, int, bytes]],
) -> None:
    if stripped:
        items = [{key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in items]
    data = edited(DIALECTS[dialect](compact(items)).encode(), changes)
    short, long = (read(data, size, is_short=is_short, drop=drop) for is_short in (True, False))
    if long[0] == "refused" and short[0] == "list":
        # As of an event: what an object holds was not looked at. Then it can't be read.
        assert changes
        assert any(said is UNREADABLE for said, _ in short[1][0])
    else:
        assert short == long
    if not changes:
        assert short[0] == "list"
        objects = [said[-1] for said, _ in short[1][0]]
        assert len(objects) + len(short[1][1]) == len(items)
        assert not [obj for obj in objects if obj["metadata"]["name"] == "evil"]


@settings(max_examples=200, deadline=None)
@given(value=free, ascii_only=st.booleans())
@example(value=["[", "]]", "a\\", '\\"[', {"}{": '"'}], ascii_only=False)
def test_brackets_are_paired_outside_of_strings(value: object, ascii_only: bool) -> None:
    inner = compact(value, ascii_only=ascii_only)
    assert is_closed(inner.encode())
    assert is_closed(f'"a":[{inner},{inner}],"]":{{}}'.encode())
    for brackets in ("[{}", "{}]", "{}}},{{{}", '{{"[":{},"]":2', "[{}}}", '"["]{}'):
        assert not is_closed(brackets.format(inner, inner).encode())


def test_items_are_cut_out_without_being_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [
        {"apiVersion": VERSION, "kind": KIND, "metadata": {"name": f"a{number}", "uid": "u"}, "spec": FORGED[:2]}
        for number in range(50)
    ]
    monkeypatch.setattr(Decoder, "item", lambda *_: pytest.fail("an item was decoded"))
    for dialect in DIALECTS.values():
        reader: ListReader[dict[str, Any]] = ListReader(decoder(), limit=1 << 20)
        data = dialect(compact(items)).encode()
        for start in range(0, len(data), 1000):
            reader.feed(data[start : start + 1000])
        assert len(reader.records) == 49  # only that something comes behind the last one shows that it ends there


@pytest.mark.parametrize("forged", [1, 20, 2_000])
def test_an_item_with_many_forged_ones_costs_no_more_than_to_decode_it(
    forged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []

    def counted(raw: bytes) -> bool:
        looked_at.append(len(raw))
        return is_closed(raw)

    monkeypatch.setattr(item_slices, "is_closed", counted)
    item = {"metadata": {"name": "a"}, "spec": [{"metadata": {"name": "evil"}}] * forged}
    data = DIALECTS["Go's order"](compact([item] * 3)).encode()
    short = read(data, 1 << 18, is_short=True, drop=False)
    assert short == read(data, 1 << 18, is_short=False, drop=False)
    assert len(short[1][0]) == 3
    assert 0 < sum(looked_at) < 10 * len(data)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("is_short", [True, False])
def test_bytes_are_kept_as_they_came(dialect: str, is_short: bool) -> None:
    item = {"apiVersion": VERSION, "kind": KIND, "metadata": {"name": "a"}, "spec": {"text": "語" * 1000}}
    data = DIALECTS[dialect](compact([item, item])).encode()
    reader: ListReader[dict[str, Any]] = ListReader(decoder(), limit=1 << 20, is_short=is_short)
    reader.feed(data)
    assert [record.raw for record in reader.finish().records] == [compact(item).encode()] * 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_list_is_never_held_as_a_whole(dialect: str) -> None:
    item = {"apiVersion": VERSION, "kind": KIND, "metadata": {"name": "a"}, "spec": {"text": "x" * 1000}}
    for is_short in (True, False):
        reader: ListReader[dict[str, Any]] = ListReader(decoder(), limit=1 << 20, is_short=is_short)
        data = DIALECTS[dialect](compact([item] * 500)).encode()
        held = 0
        for start in range(0, len(data), 10_000):
            reader.feed(data[start : start + 10_000])
            held = max(held, len(reader._rest))
        assert len(reader.finish().records) == 500
        assert held < 40_000 if is_short else held < 70_000


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "value",
    ["9" * 5000, "[" * 3000 + "]" * 3000, '"\\ud800"', "[NaN,-Infinity]", "[" * 3000 + "NaN" + "]" * 3000],
    ids=["digits", "depth", "half", "constants", "deep constant"],
)
def test_what_one_item_has_spoils_no_other(dialect: str, value: str) -> None:
    begin = f'{{"apiVersion":"{VERSION}","kind":"{KIND}","metadata":{{"name":"%s"}},"spec":%s}}'
    items = f"[{begin % ('a', 1)},{begin % ('odd', value)},{begin % ('b', 2)}]"
    for is_short in (True, False):
        reader: ListReader[dict[str, Any]] = ListReader(decoder(), limit=1 << 20, is_short=is_short)
        reader.feed(DIALECTS[dialect](items).encode())
        records = reader.finish().records
        assert [record.key for record in records] == ["a", "odd", "b"]
        if "N" in value or "9" in value:
            # Go refuses them, or Python does.
            with pytest.raises(DecodeError, match="is not JSON"):
                records[1].object()


def test_of_a_kind_that_is_not_known_the_items_of_a_sorted_list_say_which() -> None:
    item = {"apiVersion": VERSION, "kind": KIND, "metadata": {"name": "a"}}
    page = read_list(Decoder(mapping_of, kind="", api_version=""), [DIALECTS["sorted"](compact([item])).encode()])
    assert [record.object() for record in page.records] == [item]
    assert (
        list(read_list(Decoder(mapping_of, kind="", api_version=""), [DIALECTS["sorted"]("[]").encode()]).records) == []
    )
