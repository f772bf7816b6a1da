"""What is remembered of writes: by name, by resource, by version; and that nothing of it is kept when all is seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from informers import ObjectName
from informers.controllers import Controller, OwnWrites
from informers.source.watch_events import Bookmark
from informers.testing import FakeClock
from informers.workqueue import ItemExponentialFailureRateLimiter
from tests.controllers.cluster import OWNERS, PODS, Cluster, Obj, _Response, kind_of, settled, started, written
from tests.waiting import eventually

WEB, API = ObjectName("shop", "web"), ObjectName("shop", "api")
KINDS = {"pods": ("v1", "Pod"), "podsets": ("example.com/v1", "PodSet")}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def kinds(cluster: Cluster) -> Iterator[Any]:
    with kind_of(cluster, OWNERS) as owners, kind_of(cluster, PODS) as pods:
        started(owners, pods)
        yield owners, pods


def wrote(plural: str, version: int, name: str = "p") -> Obj:
    """Return what a server answers to a write."""
    api_version, kind = KINDS[plural]
    metadata = {"name": name, "namespace": "shop", "resourceVersion": str(version), "uid": f"uid-{version}"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def show(cluster: Cluster, kind: Any, version: int) -> None:
    """Let a cache get to a version, as by a bookmark."""
    watch = cluster.sources[kind.resource.plural].watch_now
    assert watch is not None
    watch.send(Bookmark(str(version)))
    kind.informer.wait_until_seen(str(version), timeout=10)


@pytest.mark.upstream("consistency_test.go", "TestOwnerRecord_WroteAt", "TestConsistencyStore_WroteAt")
def test_the_highest_version_of_each_resource_counts_whatever_came_last(cluster: Cluster, kinds: Any) -> None:
    owners, pods = kinds
    writes = OwnWrites(owners, pods)
    for plural, version in (("pods", 5), ("pods", 10), ("pods", 8), ("podsets", 20)):
        writes.record(wrote(plural, version), name=WEB)
    show(cluster, pods, 8)
    pending = writes.pending(WEB)
    assert pending is not None
    assert (pending.group, pending.resource) == ("", "pods")
    assert pending.reason == "pods: the cache is at version 8, the write at 10"
    show(cluster, pods, 10)
    pending = writes.pending(WEB)
    assert pending is not None
    assert (pending.group, pending.resource) == ("example.com", "podsets"), "each resource has versions of its own"
    show(cluster, owners, 20)
    assert writes.pending(WEB) is None


@pytest.mark.upstream("consistency_test.go", "TestOwnerRecord_IsReady", "TestConsistencyStore_IsReady")
@pytest.mark.parametrize(("shown", "is_ready"), [(5, False), (10, True), (15, True)])
def test_a_name_is_ready_once_every_cache_has_come_as_far_and_then_nothing_is_kept(
    cluster: Cluster, kinds: Any, shown: int, is_ready: bool
) -> None:
    _, pods = kinds
    writes = OwnWrites(pods)
    assert writes.pending(WEB) is None, "nothing was written"
    writes.record(wrote("pods", 10), name=WEB)
    show(cluster, pods, shown)
    assert (writes.pending(WEB) is None) == is_ready
    assert (writes._writes == {}) == is_ready


@pytest.mark.upstream("consistency_test.go", "TestConsistencyStore_EnsureWrittenRecord_Concurrent")
def test_what_many_threads_write_for_a_name_is_all_waited_for(cluster: Cluster, kinds: Any) -> None:
    _, pods = kinds
    writes = OwnWrites(pods)
    barrier = threading.Barrier(20)

    def record(number: int) -> None:
        barrier.wait(10)
        writes.record(wrote("pods", 10 + number), name=WEB)

    threads = [threading.Thread(target=record, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    show(cluster, pods, 28)
    assert writes.pending(WEB) is not None
    show(cluster, pods, 29)
    assert writes.pending(WEB) is None
    assert writes._writes == {}


@pytest.mark.upstream("kopf/tests/reactor/test_queueing.py", "test_garbage_collection_of_streams")
def test_of_names_that_are_as_they_should_be_nothing_is_kept(cluster: Cluster, kinds: Any) -> None:
    owners, pods = kinds
    clock, failed = FakeClock(), set[ObjectName]()

    def reconcile(name: ObjectName) -> None:
        rest.request("POST", "http://cluster/api/v1/namespaces/shop/pods", body={"metadata": {"generateName": "p-"}})
        if name not in failed:
            failed.add(name)
            raise ValueError("once")

    limiter: Any = ItemExponentialFailureRateLimiter(0.1, 1.0)
    controller = Controller("sets", owners, reconcile, limiter=limiter, clock=clock).watches(pods, lambda _pod: [])
    rest: Any = controller.client(cluster).rest_client
    for number in range(100):
        controller.enqueue(ObjectName("shop", str(number)))
    while controller.process_next() is not None:
        pass
    clock.advance(1.0)
    while controller.process_next() is not None:
        pass
    assert len(controller.health().postponed) == 100
    cluster.bookmark("pods")
    settled(controller, cluster)
    eventually(lambda: controller.health().waiting == 100)
    while controller.process_next() is not None:
        pass
    cluster.bookmark("pods")
    settled(controller, cluster)
    turns = controller._turns
    kept = [turns._running, turns._overdue, turns._failing, turns._postponed]
    eventually(lambda: not controller.own_writes._writes)
    clock.advance(10.0)
    assert kept == [{}, set(), {}, {}]
    assert (turns.queue.statistics().depth, turns.queue.statistics().delayed) == (0, 0)
    assert all(limiter.num_requeues(name) == 0 for name in failed)
    controller.stop()


def test_a_deletion_of_many_whose_answer_does_not_name_them_is_not_waited_for_which_is_logged_once(
    cluster: Cluster, kinds: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "informers.controllers")
    _, pods = kinds
    writes = OwnWrites(pods)
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    monkeypatch.setattr(cluster, "answer", lambda *_: _Response(200, status))
    rest: Any = writes.client(cluster).rest_client
    for _ in range(3):
        with writes.working_on(WEB):
            rest.request("DELETE", "http://cluster/api/v1/namespaces/shop/pods")
        assert writes.pending(WEB) is None
    assert caplog.text.count("the server does not say which pods it deleted") == 1


def test_a_write_is_postponed_once_for_each_name_and_none_blocks_another(cluster: Cluster, kinds: Any) -> None:
    owners, pods = kinds
    controller = Controller("sets", owners, lambda name: None).watches(pods, lambda _pod: [])
    written(cluster, "pods", API)
    controller.own_writes.record(wrote("pods", 10), name=WEB)
    for name in (WEB, API):
        controller.enqueue(name)
    outcomes = [controller.process_next(), controller.process_next()]
    assert [found and (found.name, found.outcome) for found in outcomes] == [(WEB, "stale"), (API, "success")]
    controller.stop()
