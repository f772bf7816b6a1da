"""Ten thousand pods of eight kilobytes: all there, in a time that is set against that of the bytes alone."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from informers import ReflectorOptions
from informers.kinds import core
from informers.testing.controlplane import ControlPlane
from tests.benchmarks import corpus
from tests.faults.rig import eventually
from tests.real.follower import Follower

#: Half a minute, or more on a busy machine, so `make contract` and `make soak` run it and a common run does not.
pytestmark = [pytest.mark.soak, pytest.mark.timeout(180)]

COUNT = 10_000
DELETED = 2_000
#: etcd takes requests of up to 1.5 MB.
AT_A_TIME = 80
STREAM = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"


@pytest.fixture
def plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The server, with pods that were put straight into etcd: by its API it would take minutes."""
    delete_all(control_plane)  # those of other tests
    pods = [corpus.pod(number, version=0) for number in range(COUNT)]
    for start in range(0, COUNT, AT_A_TIME):
        puts = [put(f"pod-{start + number}", pod) for number, pod in enumerate(pods[start : start + AT_A_TIME])]
        control_plane._servers._ask_etcd("kv/txn", {"success": puts})
    yield control_plane
    delete_all(control_plane)


def put(name: str, pod: bytes) -> dict[str, object]:
    namespace = pod.partition(b'"namespace":"')[2].partition(b'"')[0].decode()
    own_name = pod.partition(b'{"metadata":{"name":"')[2].partition(b'"')[0].decode()
    key = f"/registry/pods/{namespace}/{own_name or name}".encode()
    return {"requestPut": {"key": encode(key), "value": encode(corpus.typed(pod))}}


def delete_all(plane: ControlPlane) -> None:
    plane._servers._ask_etcd(
        "kv/deleterange", {"key": encode(b"/registry/pods/"), "range_end": encode(b"/registry/pods0")}
    )


def encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def transfer(plane: ControlPlane) -> tuple[float, int]:
    """Return the seconds that the bytes of a streaming list alone take, and how many there are."""
    start, size, tail = time.perf_counter(), 0, b""
    answer = plane.client().rest_client.pool_manager.request(
        "GET",
        f"{plane.url}/api/v1/pods?{STREAM}",
        headers={"Authorization": f"Bearer {plane.token()}"},
        preload_content=False,
    )
    for block in answer.stream(1 << 16):
        size += len(block)
        tail = tail[-100:] + block
        if b'"k8s.io/initial-events-end":"true"' in tail:
            break
    answer.close()
    return time.perf_counter() - start, size


def test_ten_thousand_pods_are_listed_followed_and_deleted(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    # The server's watch cache takes its time over objects that it has never seen, and answers 504 until then.
    eventually(lambda: transfer(plane)[1] > 1000 * COUNT, "all in the server's cache", timeout=60.0)
    plain, size = min(transfer(plane) for _ in range(2))
    options = ReflectorOptions(min_watch_timeout=300.0)
    start = time.perf_counter()
    with Follower(plane, core.V1.pods, options=options) as follower:
        assert follower.informer.synced.wait(60.0)
        synced = time.perf_counter() - start
        eventually(lambda: len(follower.history.present) == COUNT, "all told", timeout=60.0)
        told = time.perf_counter() - start
        health = follower.informer.health()
        assert health.objects == COUNT
        assert follower.cache == follower.server
        start = time.perf_counter()
        for key in list(follower.cache)[:DELETED]:
            plane._servers._ask_etcd("kv/deleterange", {"key": encode(f"/registry/pods/{key}".encode())})
        deleted = time.perf_counter() - start
        left = COUNT - DELETED
        eventually(lambda: len(follower.history.present) == left, "all gone that were deleted", timeout=60.0)
        gone = time.perf_counter() - start
        assert len(follower.cache) == left
        assert follower.history.counts == {"add": COUNT, "delete": DELETED}
        assert follower.failures == []
    with capsys.disabled():
        print(
            f"\n{COUNT} pods, {size / 1e6:.0f} MB: plain transfer of the streaming list {plain:.2f} s, synced after "
            f"{synced:.2f} s (ratio {synced / plain:.2f}), a handler that reads versions told after {told:.2f} s; "
            f"cache {health.bytes / 1e6:.1f} MB; {DELETED} deletions took {deleted:.2f} s, and were told "
            f"after {gone:.2f} s"
        )
