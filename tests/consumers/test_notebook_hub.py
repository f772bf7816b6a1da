"""A notebook hub, with what made its authors restart its watch each half minute."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from informers import WaitTimeoutError
from informers.kinds import core
from informers.testing import APIServer, Cut, EndWatch, FakeClock, Fault, Lag, Status
from tests.consumers.notebook_hub import LABELS, NotebookHub
from tests.waiting import QUICK, eventually

PODS = core.V1.pods


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        running.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hub"}})
        yield running


@contextmanager
def hub_of(server: APIServer, clock: FakeClock, **options: Any) -> Iterator[NotebookHub]:
    options.setdefault("on_failure", pytest.fail)
    with NotebookHub(server.client(), namespace="hub", patience=30.0, options=QUICK, clock=clock, **options) as hub:
        yield hub


def runs(server: APIServer, user: str) -> None:
    server.wait_for_object(PODS, f"jupyter-{user}", lambda pod: pod is not None, namespace="hub")
    server.patch(PODS, f"jupyter-{user}", {"status": {"phase": "Running"}}, namespace="hub")


@pytest.mark.parametrize("fault", [EndWatch(after_events=1), Cut(after_bytes=10), Status(410), Status(500)], ids=str)
def test_a_pod_is_waited_for_while_watches_end_and_are_refused(server: APIServer, fault: Fault) -> None:
    clock = FakeClock()
    with hub_of(server, clock) as hub, ThreadPoolExecutor() as pool:
        server.faults.add(fault, verb="watch", resource=PODS)
        server.drop_watches(PODS)
        started = pool.submit(hub.start, "ada", timeout=None)
        runs(server, "ada")
        # Pauses after failures end when the clock moves.
        eventually(lambda: clock.advance(0.02) or started.done())
        assert started.result().status.phase == "Running"
        assert list(hub.pods) == ["hub/jupyter-ada"]


def test_a_pod_that_failed_ends_the_wait_at_once(server: APIServer) -> None:
    with hub_of(server, FakeClock()) as hub, ThreadPoolExecutor() as pool:
        started = pool.submit(hub.start, "ada", timeout=None)
        server.wait_for_object(PODS, "jupyter-ada", lambda pod: pod is not None, namespace="hub")
        failed = {"status": {"phase": "Failed", "reason": "Evicted"}}
        server.patch(PODS, "jupyter-ada", failed, namespace="hub")
        with pytest.raises(RuntimeError, match="the notebook failed: Evicted"):
            started.result(10)


def test_what_was_deleted_and_what_is_not_a_notebook_is_not_in_the_snapshot(server: APIServer) -> None:
    spec = {"containers": [{"name": "c", "image": "i"}]}
    for name, labels in (("jupyter-ada", LABELS), ("jupyter-bob", LABELS), ("hub", {"component": "hub"})):
        metadata = {"name": name, "namespace": "hub", "labels": labels}
        server.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    with hub_of(server, FakeClock()) as hub:
        before = hub.pods
        assert sorted(before) == ["hub/jupyter-ada", "hub/jupyter-bob"]
        server.delete(PODS, "jupyter-bob", namespace="hub")
        eventually(lambda: list(hub.pods) == ["hub/jupyter-ada"])
        assert sorted(before) == ["hub/jupyter-ada", "hub/jupyter-bob"], "a snapshot changes under its reader"


def test_where_the_cache_never_had_the_pod_it_is_listed_again(server: APIServer) -> None:
    server.faults.add(Lag(events=1000), verb="watch", resource=PODS, times=None)
    with hub_of(server, FakeClock()) as hub:
        with pytest.raises(WaitTimeoutError, match="there is no such object in the cache"):
            hub.start("ada", timeout=0)
        eventually(lambda: "hub/jupyter-ada" in hub.pods)


def test_progress_shows_the_events_of_a_pod_alone(server: APIServer) -> None:
    for number, user in enumerate(("ada", "bob", "ada")):
        server.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"event-{number}", "namespace": "hub"},
                "involvedObject": {"kind": "Pod", "namespace": "hub", "name": f"jupyter-{user}"},
                "message": f"message {number}",
            }
        )
    with hub_of(server, FakeClock()) as hub:
        assert hub.progress("ada") == ["message 0", "message 2"]


def test_the_hub_ends_after_so_many_seconds_without_a_live_watch_and_not_before(server: APIServer) -> None:
    clock = FakeClock()
    reasons: list[str] = []
    with hub_of(server, clock, on_failure=reasons.append) as hub:
        server.stop_accepting()
        eventually(lambda: not hub.pods_kind.informer.health().is_live)
        for _ in range(9):
            clock.advance(3)
            clock.wait_for_waiters()
        assert not reasons
        server.resume_accepting()
        eventually(lambda: clock.advance(0.02) or hub.pods_kind.informer.health().is_live)
        server.stop_accepting()
        eventually(lambda: not hub.pods_kind.informer.health().is_live)
        for _ in range(9):
            clock.advance(3)
        assert not reasons, "an outage that is over counts"
        eventually(lambda: clock.advance(3) or reasons)
        server.resume_accepting()
    (reason,) = reasons
    assert "pods" in reason
