"""Caches saved and loaded on the real API server: it remembers, or does not, or is another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from informers import ReflectorOptions, SharedInformerFactory, SnapshotResult
from informers.backoff import BackoffSettings
from informers.errors import ExpiredError
from informers.testing import RecordingHandler
from informers.testing.controlplane import ControlPlane
from tests.real.conftest import Permission, Space
from tests.waiting import Failures

pytestmark = pytest.mark.timeout(120)
QUICK = ReflectorOptions(backoff=BackoffSettings(initial=0.1, maximum=0.5))


@attrs.frozen(eq=False)
class Process:
    """What one process has: a factory, and what its handler was told."""

    factory: SharedInformerFactory
    handler: RecordingHandler[Any]
    failures: Failures
    result: SnapshotResult

    def names(self) -> list[str]:
        return sorted(m.metadata.name for m in self.factory.core.v1.config_maps.lister.list())

    @property
    def lists(self) -> int:
        return sum(watch.lists for informer in self.factory.health().informers for watch in informer.watches)


def process(space: Space, path: Path, *, user: str = "admin") -> Process:
    failures = Failures()
    factory = SharedInformerFactory(
        space.plane.client(user), 0, namespace=space.name, options=QUICK, watch_error_handler=failures
    )
    handler = RecordingHandler[Any]()
    factory.core.v1.config_maps.informer.add_event_handler(handler)
    return Process(factory, handler, failures, factory.load(path))


@pytest.fixture
def path(space: Space, tmp_path: Path) -> Path:
    """A snapshot of three ConfigMaps, and what happened after it."""
    for name in ("changed", "deleted", "kept"):
        space.create(name)
    path = tmp_path / "caches"
    first = process(space, path)
    with first.factory:
        assert first.factory.wait_for_cache_sync(timeout=30)
    assert str(first.factory.save(path)) == "3 configmaps"
    space.update("changed", "after")
    space.delete("deleted")
    space.create("new")
    return path


def test_a_later_process_watches_on_without_a_list(space: Space, path: Path) -> None:
    later = process(space, path)
    assert later.result
    with later.factory:
        assert later.factory.wait_for_cache_sync(timeout=30)
        assert later.names() == ["changed", "kept", "new"]
        later.handler.wait_for(6)
        assert later.lists == 0
        space.create("newer")
        later.handler.wait_for(7)
    assert [str(event).replace(space.name, "ns") for event in later.handler.events[3:]] == [
        "update ns/changed",
        "delete ns/deleted",
        "add ns/new (initial)",
        "add ns/newer",
    ]
    assert later.factory.save(path)


def test_on_a_quiet_server_it_has_synced_without_a_list_too(space: Space, path: Path) -> None:
    """Nothing of this kind happens, so only the server's bookmark can show that nothing is missing."""
    first = process(space, path)
    with first.factory:
        assert first.factory.wait_for_cache_sync(timeout=30)
    assert first.factory.save(path)
    space.plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": f"{space.name}-other"}})
    later = process(space, path)
    with later.factory:
        assert later.factory.wait_for_cache_sync(timeout=30)
        assert later.lists == 0
        assert later.names() == ["changed", "kept", "new"]


def test_after_a_restart_of_the_server_what_is_gone_comes_as_tombstones(
    control_plane: ControlPlane, space: Space, path: Path
) -> None:
    """Its watch cache begins anew, so it can't go on from before."""
    control_plane.kill_apiserver()
    control_plane.restart_apiserver()
    later = process(space, path)
    assert later.result
    with later.factory:
        assert later.factory.wait_for_cache_sync(timeout=30)
        later.handler.wait_for(6)
        assert later.names() == ["changed", "kept", "new"]
    later.failures.wait_for(lambda failure: isinstance(failure.error, ExpiredError))
    assert sorted(str(event).replace(space.name, "ns") for event in later.handler.events[3:]) == [
        "add ns/new (initial)",
        "delete ns/deleted (tombstone)",
        "update ns/changed",
    ]


def test_a_server_that_is_away_at_the_load_is_not_trusted_to_be_the_same(
    control_plane: ControlPlane, space: Space, path: Path
) -> None:
    control_plane.kill_apiserver()
    try:
        later = process(space, path)
    finally:
        control_plane.restart_apiserver()
    assert "its identity could not be read" in later.result.refused["configmaps"]
    with later.factory:
        assert later.factory.wait_for_cache_sync(timeout=30)
        assert later.lists == 1


def test_without_access_to_namespaces_a_snapshot_is_used_by_address_and_authority(
    space: Space, permission_of: Any, tmp_path: Path
) -> None:
    permission: Permission = permission_of("alice")
    permission.grant()
    path = tmp_path / "caches"
    space.create("one")
    first = process(space, path, user="alice")
    with first.factory:
        assert first.factory.wait_for_cache_sync(timeout=30)
    assert first.factory.save(path)
    later = process(space, path, user="alice")
    assert later.result
    with later.factory:
        assert later.factory.wait_for_cache_sync(timeout=30)
        assert (later.names(), later.lists) == (["one"], 0)
    permission.revoke()
