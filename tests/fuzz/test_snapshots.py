"""Whatever a snapshot file holds: it is refused, or is what was saved, and loading it never raises."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers import SharedInformerFactory
from informers.errors import DecodeError
from informers.snapshots.files import FormatError, read_pieces, write_pieces
from informers.source._wire.record_blocks import RecordReader
from informers.source.records import WireRecord
from informers.testing import APIServer
from tests.fuzz.test_wire import edits, spoiled
from tests.properties.profile import histories
from tests.waiting import QUICK

Changes = list[tuple[float, int, bytes]]


def factory_of(server: APIServer) -> SharedInformerFactory:
    factory = SharedInformerFactory(server.client(), options=QUICK)
    assert factory.core.v1.config_maps
    return factory


@pytest.fixture(scope="module")
def server() -> Any:
    with APIServer() as running:
        for name in ("a", "b", "c"):
            metadata = {"name": name, "namespace": "default", "labels": {"app": name}}
            running.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": {"x": name * 50}})
        yield running


@pytest.fixture(scope="module")
def path(server: APIServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("snapshots") / "caches"
    factory = factory_of(server)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
    assert factory.save(made)
    return made


@pytest.fixture(scope="module")
def content(path: Path) -> bytes:
    return path.read_bytes()


@pytest.fixture(scope="module")
def pieces(path: Path) -> list[bytes]:
    with read_pieces(path) as read:
        return list(read)


@histories(100)
@given(changes=edits())
def test_a_file_of_any_bytes_is_refused_or_holds_what_was_saved(
    content: bytes, pieces: list[bytes], path: Path, changes: Changes
) -> None:
    damaged = path.with_name("damaged")
    damaged.write_bytes(spoiled(content, changes))
    try:
        with read_pieces(damaged) as read:
            assert list(read) == pieces
    except FormatError:
        assert damaged.read_bytes() != content


@histories(60)
@given(data=st.data(), changes=edits())
def test_pieces_that_were_changed_are_refused_or_loaded_and_raise_nothing_else(
    server: APIServer, pieces: list[bytes], path: Path, data: st.DataObject, changes: Changes
) -> None:
    """With a checksum that is right: who may write the file decides what it says, but not what happens."""
    forged = list(pieces)
    number = data.draw(st.integers(0, len(forged) - 1))
    forged[number] = spoiled(forged[number], changes)
    place = path.with_name("forged")
    write_pieces(place, forged)
    factory = factory_of(server)
    records: list[WireRecord[Any]] = []
    block = RecordReader[Any].block

    def read_block(self: RecordReader[Any], heads: bytes, data: bytes) -> list[WireRecord[Any]]:
        read = block(self, heads, data)
        records.extend(read)
        return read

    with mock.patch.object(RecordReader, "block", read_block):
        result = factory.load(place)
    assert set(result.objects) | set(result.refused) == {"configmaps"}
    assert all(reason.isprintable() for reason in result.refused.values())
    for record in records:
        # Read, or not to be read, which is one error.
        with contextlib.suppress(DecodeError):
            record.object().to_dict()
    factory.stop()
