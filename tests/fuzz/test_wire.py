"""Whatever bytes a server sends: what comes of them is what the standard library's JSON says, or one clear error.

Bytes are made up as servers write them, and then spoiled: some are left out, put in, changed, or repeated.
"""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from informers.errors import DecodeError
from informers.source._bytes.sources import mapping_of
from informers.source._transport.http_body import Lines, decoded
from informers.source._wire.decode import Decoder
from informers.source._wire.list_reader import read_list
from informers.source.records import Record
from informers.source.watch_events import BadObject, Bookmark, Change, ErrorEvent
from tests.properties.profile import histories

LIMIT = 1 << 16
#: What tells apart a reader that looks for a pattern from one that reads.
PIECES = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b" ", b"\x00", b"\xff", b'"metadata":', b'"items":[']
PIECES += [
    b'"managedFields":',
    b'{"type":"ADDED","object":',
    b'{"metadata":{"name":"b"}}',
    b"0",
    b"\\u0022",
    b"\\ud800",
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
METADATA = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "", "ü", "x/y", 'q"']) | st.none()},
    optional={
        "namespace": st.sampled_from(["default", "]}", ""]),
        "resourceVersion": st.sampled_from(["1", "", "x"]) | st.integers(),
        "uid": st.sampled_from(["u", ""]),
        "labels": st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.none(), max_size=2),
        "managedFields": st.just([{"manager": "x", "fieldsV1": {"f:metadata": {}}}]),
        "annotations": st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=2),
    },
)
#: Keys as built-in kinds have them on the wire, and sorted, as custom resources have them.
OBJECTS = st.fixed_dictionaries(
    {"metadata": METADATA | JSON},
    optional={"kind": st.sampled_from(["Pod", "Service"]), "apiVersion": st.just("v1"), "spec": JSON, "status": JSON},
)
TYPES = st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "OTHER"])


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[float, int, bytes]]:
    """Draw what is done to some bytes: where, how many are left out there, what is put in."""
    piece = st.sampled_from(PIECES) | st.binary(max_size=3)
    return draw(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), piece), max_size=3))


def spoiled(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for where, count, piece in changes:
        place = int(where * len(data))
        data = data[:place] + piece + data[place + count :]
    return data


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


@st.composite
def written(draw: st.DrawFn, value: dict[str, Any]) -> bytes:
    """Draw one of the ways in which servers, and others, write an object."""
    compact = draw(st.booleans())
    text = json.dumps(
        value,
        sort_keys=draw(st.booleans()),
        ensure_ascii=draw(st.booleans()),
        separators=(",", ":") if compact else None,
    )
    return text.encode("utf-8", "surrogatepass")


def said(record: Record[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what a reader of a record gets; None where the one clear error."""
    try:
        return record.object()
    except DecodeError:
        return None


def without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}
    return obj


def as_kept(obj: dict[str, Any], *, drop: bool) -> dict[str, Any]:
    whole = {"kind": "Pod", "apiVersion": "v1", **obj}
    return without_managed_fields(whole) if drop else whole


def decoder(*, drop: bool) -> Decoder[dict[str, Any]]:
    return Decoder(mapping_of, kind="Pod", api_version="v1", drop_managed_fields=drop)


@histories(400)
@given(st.data(), TYPES, OBJECTS, edits(), st.booleans())
def test_a_line_of_a_watch_is_what_json_says_or_an_error(
    data: st.DataObject, kind: str, obj: dict[str, Any], changes: list[tuple[float, int, bytes]], drop: bool
) -> None:
    line = spoiled(data.draw(written({"type": kind, "object": obj})), changes)
    try:
        event = decoder(drop=drop).event(line)
    except DecodeError:
        return
    assert isinstance(event, (Change, Bookmark, ErrorEvent, BadObject))
    if not isinstance(event, Change):
        return
    seen = said(event.record)
    if seen is None:
        return
    # It was accepted and can be read: then the line is JSON, and says this.
    whole = json.loads(line)
    assert whole["type"] == event.type.value
    assert seen == as_kept(whole["object"], drop=drop)
    metadata = seen["metadata"]
    namespace = metadata.get("namespace") or ""
    assert event.record.key == (f"{namespace}/{metadata['name']}" if namespace else metadata["name"])
    assert event.record.resource_version == (metadata.get("resourceVersion") or "")


@histories(400)
@given(
    st.data(),
    st.lists(OBJECTS, max_size=4),
    st.permutations(["kind", "apiVersion", "metadata", "items"]) | st.just(["apiVersion", "items", "kind", "metadata"]),
    edits(),
    st.lists(st.integers(0, 2000), max_size=6),
    st.booleans(),
)
def test_a_list_of_either_dialect_is_what_json_says_or_an_error(
    data: st.DataObject,
    items: list[dict[str, Any]],
    order: list[str],
    changes: list[tuple[float, int, bytes]],
    cuts: list[int],
    drop: bool,
) -> None:
    fields: dict[str, Any] = {
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "9", "continue": "t"},
        "items": items,
    }
    answer = spoiled(data.draw(written({name: fields[name] for name in order})), changes)
    try:
        page = read_list(decoder(drop=drop), iter(split(answer, cuts)), limit=LIMIT)
    except DecodeError:
        return
    whole = json.loads(answer)
    assert page.resource_version == (whole["metadata"].get("resourceVersion") or "")
    listed = whole.get("items") or []
    assert len(page.records) + len(page.bad) == len(listed)
    # In their order; what can't be held has been set aside.
    rest = iter(listed)
    for record in page.records:
        seen = said(record)
        assert any(isinstance(item, dict) and seen == as_kept(item, drop=drop) for item in rest)


def outcome(blocks: list[bytes], *, chunked: bool, gzipped: bool) -> tuple[str, bytes]:
    """Return what a body is unpacked to, and how it ended."""
    body = b""
    try:
        for block in decoded(iter(blocks), chunked=chunked, gzipped=gzipped):
            assert len(block) <= 1 << 20 or not gzipped
            body += block
    except (DecodeError, EOFError) as error:
        return type(error).__name__, body
    return "complete", body


@histories(400)
@given(
    st.lists(st.binary(min_size=1, max_size=60), max_size=5),
    st.sampled_from([b"", b";a=b", b" "]),
    st.sampled_from([b"", b"Digest: 1\r\n"]),
    edits(),
    st.lists(st.integers(0, 500), max_size=8),
    st.booleans(),
)
def test_a_body_is_the_same_wherever_it_is_split_and_whole_or_not_taken_for_it(
    parts: list[bytes],
    extension: bytes,
    trailer: bytes,
    changes: list[tuple[float, int, bytes]],
    cuts: list[int],
    gzipped: bool,
) -> None:
    content = b"".join(gzip.compress(part, mtime=0) for part in parts) if gzipped else b"".join(parts)
    pieces = split(content, cuts[:3])
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces if piece)
    sound = framed + b"0" + extension + b"\r\n" + trailer + b"\r\n"
    assert outcome(split(sound, cuts), chunked=True, gzipped=gzipped) == ("complete", b"".join(parts))
    wire = spoiled(sound, changes)
    at_once, in_pieces = (outcome(blocks, chunked=True, gzipped=gzipped) for blocks in ([wire], split(wire, cuts)))
    assert at_once[0] == in_pieces[0]
    if at_once[0] == "complete":
        assert at_once == in_pieces


@histories(200)
@given(st.lists(st.binary(max_size=30), max_size=6), edits(), st.lists(st.integers(0, 400), max_size=8))
def test_lines_are_those_of_the_whole_without_white_space(
    lines: list[bytes], changes: list[tuple[float, int, bytes]], cuts: list[int]
) -> None:
    data = spoiled(b"\n".join(lines) + b"\n", changes)
    reader = Lines(limit=LIMIT)
    seen = [line.strip() for block in split(data, cuts) for line in reader.feed(block)]
    complete = data.rpartition(b"\n")[0].split(b"\n")
    assert seen == [line.strip() for line in complete if line.strip()]
    assert reader.has_begun_another == bool(data.rpartition(b"\n")[2].strip())
