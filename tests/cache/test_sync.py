"""Waiting for caches, and knowing what is missing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from informers import ConfigurationError, NotSyncedError, PartProgress, SyncProgress, SyncResult, wait_for_cache_sync
from informers._base.signals import Signal
from informers.testing import FakeClock


@attrs.define(eq=False)
class Part:
    """Something that has to be synced."""

    name: str
    reason: str = "still listing"
    synced: Signal = attrs.Factory(Signal)
    ended: Signal = attrs.Factory(Signal)
    objects: int = 0
    total: int | None = None

    def sync_progress(self) -> PartProgress:
        return PartProgress(name=self.name, objects=self.objects, total=self.total, synced=self.synced.is_set())

    @property
    def parts(self) -> Sequence[Part]:
        return ()

    def why_not_synced(self) -> str:
        return "" if self.synced.is_set() else self.reason


@pytest.mark.upstream("tools/cache/wait_test.go", "TestWaitFor")
def test_what_is_synced_already_is_not_waited_for_even_after_a_stop() -> None:
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
    waiter.join(10)
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
    waiter.join(10)

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
    waiter.join(10)
    assert str(results[0]) == "not synced: pods: still listing"


def test_a_wait_leaves_nothing_behind() -> None:
    part = Part("pods")
    wait_for_cache_sync(part, timeout=0)
    assert part.synced._callbacks == {} == part.ended._callbacks


@pytest.mark.parametrize("wrong", [None, "pods", object()])
def test_what_can_not_be_synced_is_refused_with_advice(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"for example factory\.core\.v1\.pods\.informer"):
        wait_for_cache_sync(wrong)


def test_an_event_ends_a_wait_as_a_signal_does_and_what_can_not_is_refused() -> None:
    stop = threading.Event()
    waiter = threading.Thread(target=lambda: wait_for_cache_sync(Part("pods"), stop=stop))
    waiter.start()
    stop.set()
    waiter.join(10)
    assert not waiter.is_alive()
    for wrong in (7, asyncio.Event(), object()):
        with pytest.raises(ConfigurationError, match=r"stop must have the methods is_set\(\) and wait\(\)"):
            wait_for_cache_sync(stop=wrong)  # type: ignore[arg-type] # the mistake that is tested


def test_a_negative_timeout_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="timeout must be None or not negative"):
        wait_for_cache_sync(timeout=-1)


def test_a_wait_reports_its_progress_each_second_once_after_a_pause_and_at_its_end() -> None:
    clock = FakeClock()
    parts = [Part("pods", objects=500, total=2000), Part("nodes", objects=3)]
    told: list[SyncProgress] = []
    threads: list[threading.Thread] = []

    def note(progress: SyncProgress) -> None:
        told.append(progress)
        threads.append(threading.current_thread())

    waiter = threading.Thread(target=wait_for_cache_sync, args=parts, kwargs={"progress": note, "clock": clock})
    waiter.start()
    clock.wait_for_waiters()
    assert told == []
    clock.advance(1)
    clock.wait_for_waiters()
    parts[1].synced.set()
    parts[0].objects = 1500
    clock.advance(3)
    clock.wait_for_waiters()
    parts[0].objects = 2000
    parts[0].synced.set()
    waiter.join(10)
    assert [str(progress) for progress in told] == [
        "0 of 2 synced after 1 s: pods: 500 of about 2,000 objects; nodes: 3 objects",
        "1 of 2 synced after 4 s: pods: 1,500 of about 2,000 objects; nodes: synced, 3 objects",
        "2 of 2 synced after 4 s: pods: synced, 2,000 objects; nodes: synced, 3 objects",
    ]
    assert [progress.is_synced for progress in told] == [False, False, True]
    assert set(threads) == {waiter}


def test_a_wait_that_is_over_at_once_is_reported_once() -> None:
    told: list[SyncProgress] = []
    assert not wait_for_cache_sync(Part("pods", objects=7), timeout=0, progress=told.append)
    assert [str(progress) for progress in told] == ["0 of 1 synced after 0 s: pods: 7 objects"]


def test_a_timeout_between_two_reports_ends_the_wait_then() -> None:
    clock = FakeClock()
    told: list[SyncProgress] = []
    waiter = threading.Thread(
        target=wait_for_cache_sync,
        args=[Part("pods")],
        kwargs={"timeout": 1.5, "progress": told.append, "clock": clock},
    )
    waiter.start()
    clock.wait_for_waiters()
    clock.advance(1)
    clock.wait_for_waiters()
    assert clock.next_deadline() == 1.5
    clock.advance(0.5)
    waiter.join(10)
    assert [progress.seconds for progress in told] == [1, 1.5]


def test_a_wait_ends_with_what_the_report_raises_and_leaves_nothing_behind() -> None:
    class GivenUpError(Exception):
        pass

    def give_up(progress: SyncProgress) -> None:
        raise GivenUpError

    clock = FakeClock()
    part = Part("pods")
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            wait_for_cache_sync(part, progress=give_up, clock=clock)
        except GivenUpError as error:
            errors.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    clock.wait_for_waiters()
    clock.advance(1)
    waiter.join(10)
    assert len(errors) == 1
    assert part.synced._callbacks == {} == part.ended._callbacks


def test_a_report_may_raise_what_is_waited_for_itself() -> None:
    clock = FakeClock()
    part = Part("pods")
    waiter = threading.Thread(
        target=wait_for_cache_sync, args=[part], kwargs={"progress": lambda _: part.synced.set(), "clock": clock}
    )
    waiter.start()
    clock.wait_for_waiters()
    clock.advance(1)
    waiter.join(10)
    assert not waiter.is_alive()


def test_a_report_to_what_is_not_a_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"progress must be a function of \(progress\): got str"):
        wait_for_cache_sync(progress="print")  # type: ignore[arg-type] # a mistake
