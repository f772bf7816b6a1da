"""From the wire to records: the short way must say what the long way says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from informers.errors import DecodeError, ExpiredError
from informers.source._bytes.sources import mapping_of
from informers.source._wire.decode import Decoder
from informers.source._wire.list_reader import read_list
from informers.source.records import WireRecord
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, Page, WatchEvent

MANAGED = [{"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {'k:{"name":"c"}': {}}}}]
METADATA = {"name": "web-0", "namespace": "default", "uid": "u1", "resourceVersion": "7", "labels": {"app": "web"}}


def decoder(*, kind: str = "Pod", drop: bool = False) -> Decoder[dict[str, Any]]:
    return Decoder(mapping_of, kind=kind, api_version="v1" if kind else "", drop_managed_fields=drop)


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def pod(**metadata: Any) -> dict[str, Any]:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {**METADATA, **metadata}, "spec": {"nodeName": "n1"}}


def line(obj: object, kind: str = "ADDED") -> bytes:
    return compact({"type": kind, "object": obj}).encode()


def changed(event: WatchEvent[dict[str, Any]]) -> WireRecord[dict[str, Any]]:
    assert isinstance(event, Change), event
    assert isinstance(event.record, WireRecord)
    return event.record


@pytest.mark.parametrize("kind", list(ChangeType))
def test_a_change_becomes_a_record_with_the_objects_own_bytes(kind: ChangeType) -> None:
    obj = pod(managedFields=MANAGED)
    event = decoder().event(line(obj, kind.value))
    record = changed(event)
    assert isinstance(event, Change)
    assert event.type is kind
    assert (record.key, record.namespace, record.resource_version, record.uid) == (
        "default/web-0",
        "default",
        "7",
        "u1",
    )
    assert record.labels == {"app": "web"}
    assert record.raw == compact(obj).encode()
    assert record.object() == obj


ODD: dict[str, Callable[[dict[str, Any]], str]] = {
    "spaces": lambda obj: json.dumps({"type": "ADDED", "object": obj}),
    "object first": lambda obj: compact({"object": obj, "type": "ADDED"}),
    "metadata last": lambda obj: compact({"type": "ADDED", "object": dict(reversed(obj.items()))}),
    "apiVersion first": lambda obj: compact(
        {"type": "ADDED", "object": {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **obj}}
    ),
    "sorted": lambda obj: json.dumps({"type": "ADDED", "object": obj}, sort_keys=True, separators=(",", ":")),
    "ASCII": lambda obj: json.dumps({"type": "ADDED", "object": obj}, separators=(",", ":")),
    "no kind": lambda obj: compact({"type": "ADDED", "object": {"metadata": obj["metadata"], "spec": obj["spec"]}}),
}


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"managedFields": MANAGED},
        {"managedFields": []},
        {"managedFields": MANAGED, "zzz": "behind it"},
        {"annotations": {"x": 'a "quote", {"metadata":{"name":"other"}} and ,"managedFields":[{"'}},
        {"labels": {"ü": "ö"}},
    ],
    ids=str,
)
def test_whatever_the_order_and_spacing_the_object_is_the_same(how: str, drop: bool, metadata: dict[str, Any]) -> None:
    obj = pod(**metadata)
    record = changed(decoder(drop=drop).event(ODD[how](obj).encode()))
    expected = json.loads(json.dumps(obj))
    if drop:
        expected["metadata"].pop("managedFields", None)
    assert record.object() == expected
    assert record.key == "default/web-0"
    assert record.labels == obj["metadata"]["labels"]


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"metadata":{"name":"b"}}}',
        '{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","name":"b"}}}',
        '{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","managedFields":[{"manager":"x"}],"name":"b"}}}',
        '{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"managedFields":[{"m":1}],"name":"b"}}}',
    ],
)
def test_of_a_key_that_comes_twice_the_last_counts(text: str) -> None:
    assert changed(decoder().event(text.encode())).key == "b"


def test_managed_fields_of_something_else_are_no_end_of_the_metadata() -> None:
    obj = pod()
    obj["spec"] = {"template": {"managedFields": MANAGED, "x": 1}, "managedFields": MANAGED}
    record = changed(decoder().event(line(obj)))
    assert record.object() == obj
    assert record.labels == {"app": "web"}


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (None, "an object has no metadata"),
        (
            {"namespace": "default", "resourceVersion": "7"},
            "an object has no proper name, namespace, resourceVersion or uid: its name is None",
        ),
        (
            {"name": "", "resourceVersion": "7"},
            "an object has no proper name, namespace, resourceVersion or uid: its name is ''",
        ),
        (
            {"name": "a/b", "resourceVersion": "7"},
            "an object has no proper name, namespace, resourceVersion or uid: its name is 'a/b'",
        ),
        ({"name": "a", "labels": ["x"], "resourceVersion": "7"}, "an object's labels are not a map of strings"),
        ({"name": "a", "labels": {"x": 1}, "resourceVersion": "7"}, "an object's labels are not a map of strings"),
    ],
)
def test_an_object_that_can_not_be_held_is_unreadable_and_has_its_version(metadata: Any, reason: str) -> None:
    event = decoder().event(line({"kind": "Pod", "apiVersion": "v1", "metadata": metadata}))
    assert isinstance(event, BadObject)
    assert str(event.error) == reason
    assert event.resource_version == ("7" if metadata else "")


def test_an_object_of_another_kind_is_unreadable() -> None:
    event = decoder().event(line({**pod(), "kind": "Node"}))
    assert isinstance(event, BadObject)
    assert "expected an object of kind Pod, got 'Node'" in str(event.error)
    assert changed(decoder(kind="").event(line({**pod(), "kind": "Node"}))).object()["kind"] == "Node"


def test_a_bookmark_of_another_kind_moves_no_version() -> None:
    stray = {"kind": "Node", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}}
    event = decoder().event(line(stray, "BOOKMARK"))
    assert isinstance(event, BadObject)
    assert (event.error.key, event.resource_version) == ("", "")
    assert decoder(kind="").event(line(stray, "BOOKMARK")) == Bookmark("9")


def test_bookmarks_errors_and_what_is_unknown() -> None:
    marked = {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}}
    assert decoder().event(line(marked, "BOOKMARK")) == Bookmark("9")
    for value, ends in (("true", True), ("false", False)):
        marked["metadata"] = {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": value}}
        assert decoder().event(line(marked, "BOOKMARK")) == Bookmark("9", ends)
    error = decoder().event(line({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}, "ERROR"))
    assert isinstance(error, ErrorEvent)
    assert isinstance(error.error, ExpiredError)
    unknown = decoder().event(line(pod(), "RENAMED"))
    assert isinstance(unknown, BadObject)
    assert unknown.resource_version == "7"
    assert isinstance(decoder().event(line({"metadata": {}}, "BOOKMARK")), BadObject)


@pytest.mark.parametrize(
    "text", [b"", b"rubbish", b"[]", b"3", b'{"type":"ADDED"}', b'{"type":"ADDED","object":3}', b"\xff\xfe"]
)
def test_a_line_that_is_not_an_event_is_an_error_that_holds_it(text: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decoder().event(text)
    assert caught.value.raw == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["name", "namespace", "uid", "resourceVersion", "labels", "managedFields", "annotations", "x"])
VALUES = st.sampled_from(["a", "b", "", {"a": "b"}, [{"manager": "x"}], [], None, 3, 'q",{"}]},"']) | JSON


@settings(max_examples=300)
@given(
    pairs=st.lists(st.tuples(FIELDS, VALUES), max_size=6),
    rest=st.dictionaries(st.sampled_from(["spec", "metadata2", "managedFields"]), JSON, max_size=3),
    drop=st.booleans(),
    spaced=st.booleans(),
)
def test_random_metadata_say_what_json_loads_says_or_are_reported(
    pairs: list[tuple[str, Any]], rest: dict[str, Any], drop: bool, spaced: bool
) -> None:
    """Keys may come twice: so the text is put together by hand."""
    comma, colon = (", ", ": ") if spaced else (",", ":")
    metadata = "{" + comma.join(f"{json.dumps(key)}{colon}{json.dumps(value)}" for key, value in pairs) + "}"
    body = "".join(f",{json.dumps(key)}:{json.dumps(value)}" for key, value in rest.items())
    text = f'{{"type":"ADDED","object":{{"kind":"Pod","apiVersion":"v1","metadata":{metadata}{body}}}}}'
    whole = json.loads(text)["object"]
    event = decoder(drop=drop).event(text.encode())
    if isinstance(event, BadObject):
        return
    record = changed(event)
    said = whole["metadata"]
    name, namespace = said["name"], said.get("namespace") or ""
    assert record.key == (f"{namespace}/{name}" if namespace else name)
    assert record.resource_version == (said.get("resourceVersion") or "")
    assert record.labels == (said.get("labels") or {})
    if drop:
        said.pop("managedFields", None)
    assert record.object() == whole


@settings(max_examples=200)
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")))
def test_random_bytes_are_an_error_that_holds_them(data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decoder().event(data)
    assert caught.value.raw == data


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    deep = "[" * 100_000
    with pytest.raises(DecodeError):
        decoder().event(f'{{"type":"ADDED","object":{deep}'.encode())


def listing(*items: dict[str, Any], **metadata: str) -> bytes:
    stripped = [{key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in items]
    return compact(
        {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "9", **metadata}, "items": stripped}
    ).encode()


def page_of(data: bytes, size: int, **options: Any) -> Page[dict[str, Any]]:
    return read_list(decoder(**options), (data[start : start + size] for start in range(0, len(data), size)))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
@pytest.mark.parametrize("kind", ["Pod", ""])
def test_a_list_is_the_same_wherever_it_is_split(size: int, kind: str) -> None:
    data = listing(pod(name="ä"), pod(name="b", managedFields=MANAGED), **{"continue": "token"})
    page = page_of(data, size, kind=kind)
    assert [record.object() for record in page.records] == [pod(name="ä"), pod(name="b", managedFields=MANAGED)]
    assert (page.resource_version, page.continue_token, list(page.bad)) == ("9", "token", [])


def test_a_list_in_another_order_is_read_as_a_whole() -> None:
    data = json.dumps({"items": [pod()], "metadata": {"resourceVersion": "9"}, "kind": "PodList", "apiVersion": "v1"})
    page = page_of(data.encode(), 10)
    assert [record.object() for record in page.records] == [pod()]


def test_an_empty_list_may_have_null_for_items() -> None:
    data = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":null}'
    assert list(page_of(data, 10).records) == []


def test_only_the_bad_item_is_unreadable() -> None:
    page = page_of(listing(pod(name="a"), pod(name=""), pod(name="c")), 50)
    assert [record.key for record in page.records] == ["default/a", "default/c"]
    assert [str(bad.error) for bad in page.bad] == [
        "an object has no proper name, namespace, resourceVersion or uid: its name is ''"
    ]


@pytest.mark.parametrize("wrong", ["resourceVersion", "uid", "labels"])
def test_an_object_that_can_not_be_held_has_the_key_of_its_former_state(wrong: str) -> None:
    """By it the cache knows what to keep; with another the object would count as deleted."""
    page = page_of(listing({**pod(), "metadata": {"namespace": "default", "name": "a", wrong: 7}}), 50)
    assert [bad.error.key for bad in page.bad] == ["default/a"]


def test_managed_fields_are_dropped_from_a_lists_items() -> None:
    page = page_of(listing(pod(managedFields=MANAGED), pod(name="b")), 50, drop=True)
    assert [record.object() for record in page.records] == [pod(), pod(name="b")]


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestIsUnsupportedTableObject")
@pytest.mark.parametrize(
    "answer",
    [
        b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"9"},"rows":[]}',
        b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":{}}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":9},"items":[]}',
        b"[]",
        b"<html>",
        b"",
    ],
)
def test_an_answer_that_is_not_a_list_is_refused(answer: bytes) -> None:
    with pytest.raises(DecodeError):
        page_of(answer, 16)


@pytest.mark.parametrize("cut", [30, 90, 120, 250, -1])
def test_a_list_that_is_cut_off_is_refused_wherever(cut: int) -> None:
    data = listing(pod(name="a"), pod(name="b"))
    with pytest.raises(DecodeError):
        page_of(data[:cut], 32)


def deep_line(kind: str, rest: str) -> bytes:
    """A line of a watch whose object is nested deeper than `json` goes."""
    deep = '{"a":' * 20_000 + "1" + "}" * 20_000
    metadata = '{"namespace":"default","name":"a","resourceVersion":"7"}'
    return (
        f'{{"type":"{kind}","object":{{"kind":"Pod","apiVersion":"v1","metadata":{metadata}{rest % deep}}}}}'.encode()
    )


def test_an_object_of_a_watch_that_is_nested_deeply_is_held_or_alone_unreadable() -> None:
    record = changed(decoder().event(deep_line("ADDED", ',"spec":%s')))
    assert (record.key, record.object()["metadata"]["name"]) == ("default/a", "a")
    assert changed(decoder().event(deep_line("MODIFIED", ',"spec":{"x":%s,"metadata":1}'))).key == "default/a"
    swapped = deep_line("MODIFIED", ',"spec":%s').replace(b'"kind":"Pod","apiVersion":"v1",', b"")
    bad = decoder().event(swapped)
    assert isinstance(bad, BadObject)
    assert (bad.error.key, bad.resource_version) == ("default/a", "7")
    with pytest.raises(DecodeError, match="a deletion can't be read: an object is nested too deeply to be written"):
        decoder().event(swapped.replace(b"MODIFIED", b"DELETED"))


BOM = b"\xef\xbb\xbf"
ADDED = b'{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"5"}}}'


def test_a_byte_order_mark_is_refused_as_go_refuses_it() -> None:
    decoder = Decoder(mapping_of, kind="Pod", api_version="v1")
    page = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[]}'
    assert read_list(decoder, [page]).resource_version == "9"
    for size in (1, len(page)):
        marked = BOM + page
        with pytest.raises(DecodeError, match="the list is not valid JSON"):
            read_list(decoder, (marked[start : start + size] for start in range(0, len(marked), size)))
    with pytest.raises(DecodeError, match="a line of the watch is not valid JSON"):
        decoder.event(BOM + ADDED)


def test_a_line_that_ends_with_crlf_says_what_it_says_without() -> None:
    decoder = Decoder(mapping_of, kind="Pod", api_version="v1")
    event, ended = decoder.event(ADDED), decoder.event(ADDED + b"\r")
    assert isinstance(event, Change)
    assert isinstance(ended, Change)
    assert ended.record.has_content_of(event.record)
