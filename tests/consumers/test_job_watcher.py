"""A scheduler's watch over its jobs: results while watches break, namespaces are many, and processes start anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from informers.kinds import core
from informers.testing import APIServer, Cut, EndWatch, Expire, Status
from tests.consumers.job_watcher import JobResult, JobWatcher
from tests.examples.background import in_background
from tests.waiting import QUICK, eventually

PODS = core.V1.pods
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        for name in ("etl", "ml"):
            running.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        yield running


@pytest.fixture
def caches(tmp_path: Path) -> Path:
    return tmp_path / "caches"


def watcher_of(server: APIServer, caches: Path, scheduler: str = "a") -> JobWatcher:
    return JobWatcher(server.client(), scheduler=scheduler, namespaces=["etl", "ml"], caches=caches, options=QUICK)


def job(server: APIServer, task: str, *, namespace: str = "etl", phase: str = "Running", **metadata: Any) -> None:
    labels = {"scheduler": "a"}
    metadata = {"name": task, "namespace": namespace, "labels": labels, "annotations": {"task": task}, **metadata}
    spec = {"containers": [{"name": "base", "image": "task:1"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}}
    server.create(pod)


def ended(server: APIServer, task: str, phase: str, namespace: str = "etl") -> None:
    server.patch(PODS, task, {"status": {"phase": phase}}, namespace=namespace)


def results(watcher: JobWatcher, count: int) -> dict[str, str]:
    """Wait for so many results; return them by task."""
    found = [watcher.results.get(timeout=10) for _ in range(count)]
    assert len({result.task for result in found}) == count, found
    return {result.task: result.outcome for result in found}


def test_each_job_of_each_namespace_has_one_result_though_every_watch_breaks(server: APIServer, caches: Path) -> None:
    for fault in (EndWatch(after_events=1), Cut(after_bytes=700), Expire(), Status(500), Status(429, retry_after=0)):
        server.faults.add(fault, verb="watch", resource=PODS, times=2)
    watcher = watcher_of(server, caches)
    with in_background(watcher.run):
        eventually(lambda: watcher.factory.core.v1.pods.informer.has_synced)
        for number in range(20):
            namespace = ("etl", "ml")[number % 2]
            job(server, f"task-{number}", namespace=namespace)
            ended(server, f"task-{number}", ("Succeeded", "Failed")[number % 3 == 0], namespace)
        expected = {f"task-{number}": ("succeeded", "failed")[number % 3 == 0] for number in range(20)}
        assert results(watcher, 20) == expected
        # What has been dealt with is marked, and so leaves the watch: that is no news.
        for number in range(20):
            marked = {"metadata": {"labels": {"done": "True"}}}
            server.patch(PODS, f"task-{number}", marked, namespace=("etl", "ml")[number % 2])
        eventually(lambda: not watcher.factory.core.v1.pods.lister.list())
    with pytest.raises(Empty):
        watcher.results.get_nowait()


def leave(server: APIServer, how: str) -> None:
    """Let the job `it` leave the watch."""
    if how == "adopted":
        server.patch(PODS, "it", {"metadata": {"labels": {"scheduler": "b"}}}, namespace="etl")
    else:
        server.delete(PODS, "it", namespace="etl")
    if how == "made anew":
        job(server, "it", labels={"scheduler": "b"})


OUTCOMES = {"adopted": "adopted", "deleted": "failed", "made anew": "failed"}


@pytest.mark.parametrize("gap", ["seen by the watch", "a gap", "a gap that needs a list"])
@pytest.mark.parametrize("how", OUTCOMES)
def test_adoption_is_distinguished_from_deletion(server: APIServer, caches: Path, how: str, gap: str) -> None:
    watcher = watcher_of(server, caches)
    job(server, "it")
    with in_background(watcher.run):
        eventually(lambda: watcher.factory.core.v1.pods.informer.has_synced)
        if gap != "seen by the watch":
            server.stop_accepting()
        leave(server, how)
        if gap == "a gap that needs a list":
            server.compact()
        if gap != "seen by the watch":
            server.resume_accepting()
        assert results(watcher, 1) == {"it": OUTCOMES[how]}


def test_a_pod_with_a_deletion_mark_has_failed_and_the_server_need_not_be_asked(
    server: APIServer, caches: Path
) -> None:
    watcher = watcher_of(server, caches)
    job(server, "it", finalizers=["example.com/logs"])
    with in_background(watcher.run):
        eventually(lambda: watcher.factory.core.v1.pods.informer.has_synced)
        server.delete(PODS, "it", namespace="etl")
        server.patch(PODS, "it", {"metadata": {"finalizers": None}}, namespace="etl")
        assert results(watcher, 1) == {"it": "failed"}
    assert not server.requests.select(verb="get", resource=PODS)


def test_a_server_that_does_not_answer_what_became_of_a_pod_is_asked_until_it_does(
    server: APIServer, caches: Path
) -> None:
    watcher = watcher_of(server, caches)
    job(server, "it")
    for code in (500, 503, 429):
        server.faults.add(Status(code), verb="get", resource=PODS)
    with in_background(watcher.run):
        eventually(lambda: watcher.factory.core.v1.pods.informer.has_synced)
        leave(server, "adopted")
        assert results(watcher, 1) == {"it": "adopted"}


def test_the_next_process_lists_nothing_and_learns_what_ended_meanwhile(server: APIServer, caches: Path) -> None:
    first = watcher_of(server, caches)
    tasks = ["done", "lost", "adopted", "goes-on"]
    for task in tasks:
        job(server, task)
    with in_background(first.run):
        # Of the other namespace there is nothing to be seen but that.
        eventually(lambda: first.factory.core.v1.pods.informer.has_synced)
        assert len(first.factory.core.v1.pods.lister.list()) == len(tasks)
    ended(server, "done", "Succeeded")
    server.delete(PODS, "lost", namespace="etl")
    server.patch(PODS, "adopted", {"metadata": {"labels": {"scheduler": "b"}}}, namespace="etl")
    server.requests.clear()
    second = watcher_of(server, caches)
    with in_background(second.run):
        assert results(second, 3) == {"done": "succeeded", "lost": "failed", "adopted": "adopted"}
        assert second.loaded
        ended(server, "goes-on", "Failed")
        assert results(second, 1) == {"goes-on": "failed"}
    # One object each, for the version: how far there is to go.
    limits = [request.query.get("limit") for request in server.requests.select(verb="list", resource=PODS)]
    assert limits == ["1", "1"]
    assert second.results.empty()


def test_a_watcher_that_was_away_for_too_long_lists_and_still_learns_of_it(server: APIServer, caches: Path) -> None:
    first = watcher_of(server, caches)
    job(server, "lost")
    with in_background(first.run):
        eventually(lambda: first.factory.core.v1.pods.informer.has_synced)
    server.delete(PODS, "lost", namespace="etl")
    server.compact()
    second = watcher_of(server, caches)
    with in_background(second.run):
        assert second.results.get(timeout=10) == JobResult("lost", "failed")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_workers_are_forked_while_it_watches(server: APIServer) -> None:
    program = subprocess.run(
        [sys.executable, "-m", "tests.consumers.forked_workers", server.url, "20"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert program.returncode == 0, program.stderr
    said = json.loads(program.stdout)
    assert said == {
        "exit codes": [0] * 20,
        "results": {f"task-{number}": "succeeded" for number in range(20)},
        "failures": 0,
    }
