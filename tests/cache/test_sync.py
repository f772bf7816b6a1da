"""Waiting for caches, and knowing what is missing."""

from __future__ import annotations

import threading
from typing import Any

import attrs
import pytest

from informers import ConfigurationError, NotSyncedError, SyncResult, wait_for_cache_sync
from informers.signals import Signal
from informers.testing import FakeClock


@attrs.define(eq=False)
class Part:
    """Something that has to be synced."""

    name: str
    reason: str = "still listing"
    synced: Signal = attrs.Factory(Signal)
    ended: Signal = attrs.Factory(Signal)

    def why_not_synced(self) -> str:
        return "" if self.synced.is_set() else self.reason


@pytest.mark.upstream("tools/cache/wait_test.go", "TestWaitFor")
def test_what_is_synced_already_is_not_waited_for_even_by_who_has_been_stopped() -> None:
    part, stop = Part("pods"), Signal()
    part.synced.set()
    stop.set()
    result = wait_for_cache_sync(part, timeout=0, stop=stop)
    assert result
    assert str(result) == "all caches are synced"
    result.raise_if_unsynced()


def test_nothing_to_wait_for_is_synced() -> None:
    assert wait_for_cache_sync()


@pytest.mark.upstream("tools/cache/wait_test.go", "TestWaitFor")
def test_a_wait_ends_when_the_last_one_is_synced() -> None:
    parts = [Part("pods"), Part("nodes")]
    results: list[SyncResult] = []
    waiter = threading.Thread(target=lambda: results.append(wait_for_cache_sync(*parts)))
    waiter.start()
    parts[1].synced.set()
    parts[0].synced.set()
    waiter.join(5)
    assert results == [SyncResult({})]


@pytest.mark.upstream("tools/cache/wait_test.go", "TestWaitFor", "TestSyncResult")
def test_a_wait_that_is_over_names_what_is_not_synced_and_why() -> None:
    clock = FakeClock()
    parts = [Part("pods"), Part("nodes", "403 Forbidden"), Part("secrets")]
    parts[0].synced.set()
    results: list[SyncResult] = []
    waiter = threading.Thread(target=lambda: results.append(wait_for_cache_sync(*parts, timeout=5, clock=clock)))
    waiter.start()
    clock.wait_for_waiters()
    clock.advance(5)
    waiter.join(5)

    (result,) = results
    assert not result
    assert str(result) == "not synced: nodes: 403 Forbidden; secrets: still listing"
    assert list(result.unsynced) == ["nodes", "secrets"]
    with pytest.raises(NotSyncedError, match="not synced: nodes: 403 Forbidden"):
        result.raise_if_unsynced()


@pytest.mark.upstream("tools/cache/wait_test.go", "TestWaitFor")
@pytest.mark.parametrize("how", ["stop", "ended"])
def test_a_stop_ends_the_wait_at_once(how: str) -> None:
    part, stop = Part("pods"), Signal()
    results: list[SyncResult] = []
    waiter = threading.Thread(target=lambda: results.append(wait_for_cache_sync(part, stop=stop)))
    waiter.start()
    (stop if how == "stop" else part.ended).set()
    waiter.join(5)
    assert str(results[0]) == "not synced: pods: still listing"


def test_a_wait_leaves_nothing_behind() -> None:
    part = Part("pods")
    wait_for_cache_sync(part, timeout=0)
    assert part.synced._callbacks == {} == part.ended._callbacks


@pytest.mark.parametrize("wrong", [None, "pods", object()])
def test_what_can_not_be_synced_is_refused_with_advice(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"such as factory\.core\.v1\.pods\.informer"):
        wait_for_cache_sync(wrong)


def test_a_negative_timeout_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="timeout must be None or not negative"):
        wait_for_cache_sync(timeout=-1)
