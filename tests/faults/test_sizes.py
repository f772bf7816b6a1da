"""What a server may make a client hold is bounded, and what is beyond the bound is said."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from informers.errors import DecodeError
from informers.kinds import core
from informers.source._models.object_makers import maker
from informers.source._wire.decode import Decoder
from informers.source._wire.list_reader import read_list
from informers.source.listwatch import ListWatch
from informers.source.watch_events import BadObject, ListOptions
from informers.testing import APIServer
from tests.faults.rig import plain_client

CONFIG_MAPS = core.V1.config_maps
LARGE = {"metadata": {"name": "large"}, "data": {"text": "x" * 5000}}
SMALL_FIRST = b'{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":['
ITEMS_FIRST = b'{"apiVersion":"v1","items":['


def decoder() -> Decoder[Any]:
    return Decoder(maker(CONFIG_MAPS), kind="ConfigMap", api_version="v1")


@pytest.fixture
def source() -> Iterator[ListWatch[Any]]:
    with APIServer() as server:
        server.create(LARGE, resource=CONFIG_MAPS)
        client = plain_client(int(server.url.rpartition(":")[2]))
        made = ListWatch(client, CONFIG_MAPS, max_object_size=1000)
        yield made
        made.close()


def test_an_object_of_a_list_that_is_too_large_is_said(source: ListWatch[Any]) -> None:
    with pytest.raises(DecodeError, match="a list with an object of more than 1000 bytes; none is that large"):
        source.list(ListOptions())


def test_an_object_of_a_watch_that_is_too_large_is_said(source: ListWatch[Any]) -> None:
    watch = source.watch(ListOptions(resource_version="0"))
    with pytest.raises(DecodeError, match="a line of more than 1000 bytes; no object is that large"):
        list(watch.batches())
    watch.close()


@pytest.mark.parametrize("head", [SMALL_FIRST, ITEMS_FIRST], ids=["in order", "of custom objects"])
def test_a_list_that_never_ends_is_not_held_for_ever(head: bytes) -> None:
    def blocks() -> Iterator[bytes]:
        yield head + b'{"metadata":{"name":"'
        while True:
            yield b"x" * 65536

    tracemalloc.start()
    with pytest.raises(DecodeError, match=r"more than 1000000 bytes"):
        read_list(decoder(), blocks(), limit=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_lists_of_any_size_are_taken_whose_objects_are_small() -> None:
    item = json.dumps({"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"x": "y" * 100}}).encode()

    def blocks() -> Iterator[bytes]:
        yield SMALL_FIRST + item
        for _ in range(100):
            yield (b"," + item) * 10
        yield b"]}"

    assert len(read_list(decoder(), blocks(), limit=4000).records) == 1001


def test_a_list_of_custom_objects_takes_time_in_line_with_its_size() -> None:
    item = json.dumps({"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"x": "y" * 5000}}).encode()

    def seconds(count: int) -> float:
        start = time.thread_time()
        tail = b'],"kind":"ConfigMapList","metadata":{"resourceVersion":"7"}}'
        page = read_list(decoder(), iter([ITEMS_FIRST + item, *[b"," + item] * count, tail]))
        assert len(page.records) == count + 1
        return time.thread_time() - start

    few, many = (min(seconds(count) for _ in range(3)) for count in (500, 4000))
    assert many < 8 * few * 3


@pytest.mark.parametrize(
    "obj",
    [
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a", "labels": "none", "resourceVersion": "5"}},
        {"metadata": {"name": "a", "labels": "none", "resourceVersion": "5"}},
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "5"}},
        {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a", "resourceVersion": "5"}},
    ],
    ids=["labels", "order", "name", "kind"],
)
def test_a_deletion_that_can_not_be_read_is_followed_by_a_list_rather_than_lost(obj: dict[str, Any]) -> None:
    def line(kind: str) -> bytes:
        return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode()

    assert isinstance(decoder().event(line("MODIFIED")), BadObject)
    with pytest.raises(DecodeError, match="a deletion can't be read: "):
        decoder().event(line("DELETED"))
