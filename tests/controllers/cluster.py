"""A cluster in memory whose watches lag as a test wants: events come only when they are delivered."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from informers import NamespacedResource, ObjectName, ReflectorOptions, SharedInformer, wait_for_cache_sync
from informers.cache.accessor import NamespacedKind
from informers.cache.listers import NamespacedLister
from informers.controllers._base_controller import BaseController
from informers.controllers._recording_client import address_of
from informers.errors import ConnectionLostError
from informers.source.records import HeldRecord
from informers.source.watch_events import Bookmark, Change, ChangeType, ListOptions, Page
from informers.testing import FakeWatch

__all__ = ["OWNERS", "PODS", "Cluster", "Obj", "Refusal", "kind_of", "settled", "started", "written"]

Obj = dict[str, Any]
PODS: NamespacedResource[Obj] = NamespacedResource("", "v1", "pods", "Pod")
OWNERS: NamespacedResource[Obj] = NamespacedResource("example.com", "v1", "podsets", "PodSet")
HOST = "http://cluster"


class Refusal(Exception):  # noqa: N818  an answer, not a fault
    """What the client raises, with the status of the server's answer; 0 where there was none."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.reason = "Refused"
        self.headers = headers or {}
        self.body = "{}"


class _Source:
    """The lists and watches of one resource. A list shows what is; a watch shows what has been delivered."""

    def __init__(self, cluster: Cluster, plural: str) -> None:
        self.cluster = cluster
        self.plural = plural
        self.watch_now: FakeWatch[Obj] | None = None
        self.late: list[Change[Obj]] = []

    def list(self, options: ListOptions, /) -> Page[Obj]:
        with self.cluster.lock:
            if self.cluster.refuses_lists:
                raise ConnectionLostError("refused")
            found = [_record(obj) for (plural, _), obj in self.cluster.objects.items() if plural == self.plural]
            self.late.clear()
            self.cluster.delivered[self.plural] = self.cluster.version
            return Page(found, str(self.cluster.version), "")

    def watch(self, options: ListOptions, /) -> FakeWatch[Obj]:
        with self.cluster.lock:
            if self.cluster.refuses_lists:
                raise ConnectionLostError("refused")
            self.watch_now = FakeWatch(options)
            return self.watch_now

    def close(self) -> None:
        with self.cluster.lock:
            if self.watch_now is not None:
                self.watch_now.end()


class _Response:
    def __init__(self, status: int, body: Obj) -> None:
        self.status = status
        self.data = json.dumps(body).encode()


class _Rest:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def request(self, method: str, url: str, headers: Any = None, body: Any = None, **_: Any) -> _Response:
        return self.cluster.answer(method, url, body)


class _Configuration:
    host = HOST

    def auth_settings(self) -> dict[str, Any]:
        return {}


class Cluster:
    """Pods and what owns them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.version = 1
        self.uids = itertools.count(1)
        self.objects: dict[tuple[str, str], Obj] = {}
        self.sources = {plural: _Source(self, plural) for plural in ("pods", "podsets")}
        #: The version that each cache gets to with what has been delivered.
        self.delivered = dict.fromkeys(self.sources, 0)
        self.requests: list[tuple[str, str]] = []
        #: What becomes of the next writes: a status, or "lost" for a write that is done but not answered.
        self.failures: list[int | str] = []
        #: Whether reads get no answer, and whether lists of informers are refused.
        self.unreachable = False
        self.refuses_lists = False
        self.configuration = _Configuration()
        self.default_headers: dict[str, str] = {}
        self.cookie = None
        self.rest_client = _Rest(self)

    # What users do.

    def apply(self, plural: str, obj: Obj) -> Obj:
        """Write an object as it is, under its key."""
        with self.lock:
            key = _key(obj)
            before = self.objects.get((plural, key))
            self.version += 1
            uid = before["metadata"]["uid"] if before else f"uid-{next(self.uids)}"
            metadata = {**obj["metadata"], "uid": uid, "resourceVersion": str(self.version)}
            new = {"apiVersion": "v1", "kind": plural, **obj, "metadata": metadata}
            self.objects[plural, key] = new
            self._late(plural, ChangeType.MODIFIED if before else ChangeType.ADDED, new)
            return new

    def remove(self, plural: str, key: str) -> Obj | None:
        """Delete an object."""
        with self.lock:
            gone = self.objects.pop((plural, key), None)
            if gone is not None:
                self.version += 1
                last = {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self.version)}}
                self._late(plural, ChangeType.DELETED, last)
            return gone

    def named(self, plural: str) -> list[str]:
        """Return the keys of the objects there are."""
        return [key for found, key in self.objects if found == plural]

    # What the network does.

    def deliver(self, plural: str, count: int | None = None) -> int:
        """Let the watch of a resource have its next events; return how many."""
        with self.lock:
            source = self.sources[plural]
            if source.watch_now is None:
                return 0
            late = source.late[:count]
            del source.late[:count]
            if late:
                source.watch_now.send(*late)
                self.delivered[plural] = int(late[-1].record.resource_version)
            return len(late)

    def bookmark(self, plural: str) -> None:
        """Let the watch have all, and a bookmark."""
        with self.lock:
            self.deliver(plural)
            watch = self.sources[plural].watch_now
            assert watch is not None
            watch.send(Bookmark(str(self.version)))
            self.delivered[plural] = self.version

    # What the server answers.

    def answer(self, method: str, url: str, body: Any) -> _Response:
        address = address_of(method, url, HOST)
        assert address is not None
        key = f"{address.namespace}/{address.name}"
        with self.lock:
            self.requests.append((method, urlsplit(url).path))
            if method == "GET" and self.unreachable:
                raise Refusal(0)
            if method == "GET":
                return self._list(address.plural, address.namespace, parse_qs(urlsplit(url).query))
            failure = self.failures.pop(0) if self.failures else 0
            if isinstance(failure, int) and failure:
                raise Refusal(failure)
            answer = self._write(method, address.plural, address.namespace, key, body)
            if failure == "lost":
                raise Refusal(0)
            return answer

    def _write(self, method: str, plural: str, namespace: str, key: str, body: Any) -> _Response:
        if method == "POST":
            metadata = body["metadata"]
            name = metadata.get("name") or f"{metadata['generateName']}{next(self.uids)}"
            if (plural, f"{namespace}/{name}") in self.objects:
                raise Refusal(409)
            made = self.apply(plural, {**body, "metadata": {**metadata, "name": name, "namespace": namespace}})
            return _Response(201, made)
        if method == "DELETE":
            gone = self.remove(plural, key)
            if gone is None:
                raise Refusal(404)
            name, uid = gone["metadata"]["name"], gone["metadata"]["uid"]
            status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
            return _Response(200, {**status, "details": {"name": name, "uid": uid}})
        before = self.objects.get((plural, key))
        if before is None:
            raise Refusal(404)
        return _Response(200, self.apply(plural, {**before, **body, "metadata": before["metadata"]}))

    def _list(self, plural: str, namespace: str, query: dict[str, list[str]]) -> _Response:
        wanted = query.get("fieldSelector", [""])[0].removeprefix("metadata.name=")
        items = [
            obj
            for (found, key), obj in self.objects.items()
            if found == plural and (not wanted or key == f"{namespace}/{wanted}")
        ]
        return _Response(200, {"metadata": {"resourceVersion": str(self.version)}, "items": items})

    def _late(self, plural: str, change: ChangeType, obj: Obj) -> None:
        self.sources[plural].late.append(Change(change, _record(obj)))


def _key(obj: Obj) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _record(obj: Obj) -> HeldRecord[Obj]:
    record = HeldRecord(obj)
    record.resource_version = obj["metadata"]["resourceVersion"]
    return record


@contextmanager
def kind_of(cluster: Cluster, resource: NamespacedResource[Obj], **options: Any) -> Iterator[NamespacedKind[Obj]]:
    """Make a kind whose informer follows a cluster, and stop it at the end."""
    options.setdefault("options", ReflectorOptions(streaming_lists=False, uniform=lambda low, _high: low))
    source: Any = cluster.sources[resource.plural]
    informer: SharedInformer[Obj] = SharedInformer(source, resource=str(resource), **options)
    lister = NamespacedLister(informer.indexer, str(resource), why_unlisted=informer.why_unlisted)
    try:
        yield NamespacedKind(resource, informer, lister)
    finally:
        assert informer.stop(10)


def started(*kinds: NamespacedKind[Obj]) -> None:
    """Start informers, and wait until their watches are open."""
    for kind in kinds:
        kind.informer.start()
    wait_for_cache_sync(*(kind.informer for kind in kinds), timeout=10).raise_if_unsynced()


def settled(controller: BaseController[Any], cluster: Cluster) -> None:
    """Wait until what was delivered is in the caches, and the controller's handlers have been told."""
    for informer, registration in controller._registrations:
        version = cluster.delivered[informer.name.partition(".")[0]]
        informer.wait_until_seen(str(version), timeout=10)
        deadline = time.monotonic() + 10
        while registration.backlog:
            assert time.monotonic() < deadline
            time.sleep(0)


def written(cluster: Cluster, plural: str, name: ObjectName, **fields: Any) -> Obj:
    """Write an object that has a name and nothing else."""
    return cluster.apply(plural, {"metadata": {"namespace": name.namespace, "name": name.name}, **fields})
