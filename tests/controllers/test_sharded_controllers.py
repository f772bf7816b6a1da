"""Several replicas of a controller, each with its share of the objects: all are done, and each by one."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack

import pytest
from kubernetes.client import CoreV1Api

from informers import ObjectName, Shard, SharedInformerFactory
from informers.controllers import Controller
from informers.kinds import core
from informers.testing import APIServer
from tests.examples.background import in_background
from tests.waiting import QUICK, eventually

MAPS = core.V1.config_maps
REPLICAS, OBJECTS = 3, 60


class Replica:
    """Marks each of its config maps with a secret of the same name."""

    def __init__(self, server: APIServer, index: int, done: Counter[str]) -> None:
        self.shard = Shard(index, of=REPLICAS)
        self.factory = SharedInformerFactory(server.client(), shard=self.shard, options=QUICK)
        self._maps = self.factory.core.v1.config_maps
        self.controller = Controller("marks", self._maps, self._reconcile, workers=2)
        self._api = CoreV1Api(self.controller.client(server.client()))
        self._done = done
        self._lock = threading.Lock()

    def _reconcile(self, name: ObjectName) -> None:
        found = self._maps.informer.indexer.get(name)
        if found is None or "done" in (found.data or {}):
            return
        assert self.shard.has(found.metadata.uid)
        with self._lock:
            self._done[name.name] += 1
        self._api.patch_namespaced_config_map(name.name, name.namespace, {"data": {"done": "yes"}})


@pytest.mark.parametrize("sharding", [True, False], ids=["the server shares out", "the client drops the rest"])
def test_each_replica_does_its_share_though_connections_break(sharding: bool) -> None:
    done: Counter[str] = Counter()

    def create(server: APIServer, numbers: range) -> None:
        for number in numbers:
            server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"map-{number}"}})

    with APIServer(sharding=sharding) as server, ExitStack() as running:
        create(server, range(OBJECTS // 2))
        replicas = [Replica(server, index, done) for index in range(REPLICAS)]
        for replica in replicas:
            running.enter_context(replica.factory)
            running.enter_context(in_background(replica.controller.run))
        eventually(lambda: len(done) == OBJECTS // 2)
        # A request that is cut off would be sent again, rightly.
        eventually(lambda: not any(replica.controller.health().running for replica in replicas))
        server.drop_connections()
        server.compact()
        create(server, range(OBJECTS // 2, OBJECTS))
        eventually(lambda: all("done" in (found.get("data") or {}) for found in server.list(MAPS)))
        shares = [len(replica.factory.core.v1.config_maps.informer.indexer) for replica in replicas]
    assert sum(shares) == OBJECTS
    assert all(shares)
    assert set(done.values()) == {1}, "a look does not go by what the look before has written"


def test_a_replica_that_is_down_leaves_its_share_to_its_successor() -> None:
    done: Counter[str] = Counter()
    with APIServer() as server:
        for number in range(OBJECTS):
            server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"map-{number}"}})
        for index in (0, 1, 2):
            replica = Replica(server, index, done)
            share = sum(replica.shard.has(found["metadata"]["uid"]) for found in server.list(MAPS))
            expected = len(done) + share
            with replica.factory, in_background(replica.controller.run):
                eventually(lambda expected=expected: len(done) == expected)
        assert len(done) == OBJECTS
