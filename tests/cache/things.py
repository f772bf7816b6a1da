"""What the tests of an informer share: objects, and an informer that is stopped at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest

from informers import ReflectorOptions, SharedInformer, wait_for_cache_sync
from informers.source.records import HeldRecord
from informers.testing import FakeSource

__all__ = ["Obj", "informer", "made", "obj", "record", "source", "started"]

Obj: TypeAlias = dict[str, Any]


def obj(name: str, version: str = "", **fields: Any) -> Obj:
    """Make an object; `name` may have its namespace before a slash."""
    namespace, _, own = name.rpartition("/")
    return {"metadata": {"namespace": namespace, "name": own, "resourceVersion": version}, **fields}


def record(name: str, version: str = "", **fields: Any) -> HeldRecord[Obj]:
    """Make a record of such an object."""
    return HeldRecord(obj(name, version, **fields))


@contextmanager
def informer(
    source: FakeSource[Obj] | Mapping[str, FakeSource[Obj]] | Any, **options: Any
) -> Iterator[SharedInformer[Obj]]:
    """Make an informer without jitter, and stop it."""
    options.setdefault("options", ReflectorOptions(uniform=lambda low, _high: low))
    made: SharedInformer[Obj] = SharedInformer(source, resource="things", **options)
    try:
        yield made
    finally:
        assert made.stop(10)


def started(made: SharedInformer[Obj]) -> None:
    """Start an informer and wait for its first list."""
    made.start()
    wait_for_cache_sync(made, timeout=10).raise_if_unsynced()


@pytest.fixture
def source() -> FakeSource[Obj]:
    made: FakeSource[Obj] = FakeSource()
    made.add(obj("shop/web-0", phase="Pending"))
    return made


@pytest.fixture
def made(source: FakeSource[Obj]) -> Iterator[SharedInformer[Obj]]:
    with informer(source) as made:
        started(made)
        yield made
