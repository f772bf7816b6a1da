"""A controller under a watch that lags, in random schedules: it makes as many pods as are wanted, and no more."""

from __future__ import annotations

import random
from typing import Any

import pytest

from informers import NotFoundError, ObjectName
from informers.controllers import Controller, by_controller
from informers.testing import FakeClock
from tests.controllers.cluster import OWNERS, PODS, Cluster, Obj, kind_of, settled, started, written

WANTED = 5
NAME = ObjectName("shop", "web")


class PodSets:
    """The tutorial's controller: it counts what the cache has, makes what is missing, and deletes what is too much."""

    def __init__(self, cluster: Cluster, owners: Any, pods: Any, clock: FakeClock, *, waits: bool = True) -> None:
        self.owners = owners
        self.mine = by_controller(pods)
        self.controller = Controller("pod-sets", owners, self.reconcile, clock=clock).owns(pods)
        client = self.controller.client(cluster) if waits else cluster
        self.rest: Any = client.rest_client
        self.made = 0
        self.deleted = 0

    def reconcile(self, name: ObjectName) -> None:
        try:
            owner: Obj = self.owners.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        have = self.mine.of(owner)
        for _ in range(owner["replicas"] - len(have)):
            reference = {"apiVersion": "example.com/v1", "kind": "PodSet", "name": name.name, "controller": True}
            metadata = {"generateName": "web-", "ownerReferences": [{**reference, "uid": owner["metadata"]["uid"]}]}
            self.rest.request("POST", "http://cluster/api/v1/namespaces/shop/pods", body={"metadata": metadata})
            self.made += 1
        for pod in have[owner["replicas"] :]:
            path = f"/api/v1/namespaces/shop/pods/{pod['metadata']['name']}"
            self.rest.request("DELETE", f"http://cluster{path}")
            self.deleted += 1


def run_schedule(seed: int, *, waits: bool = True, steps: int = 30) -> tuple[PodSets, Cluster]:
    """Play one random schedule, then let all that is late arrive, until nothing is to be done any more."""
    chance = random.Random(seed)
    cluster, clock = Cluster(), FakeClock()
    written(cluster, "podsets", NAME, replicas=WANTED, touched=0)
    with kind_of(cluster, OWNERS) as owners, kind_of(cluster, PODS) as pods:
        sets = PodSets(cluster, owners, pods, clock, waits=waits)
        started(owners, pods)
        controller = sets.controller
        for step in range(steps):
            match chance.randrange(6):
                case 0:
                    written(cluster, "podsets", NAME, replicas=WANTED, touched=step)
                case 1:
                    cluster.deliver("podsets")
                case 2:
                    cluster.deliver("pods", chance.randrange(1, 4))
                case 3:
                    clock.advance(chance.choice([0.01, 0.3, 1.0]))
                case _:
                    settled(controller, cluster)
                    controller.process_next()
        for _ in range(20):
            cluster.bookmark("podsets")
            cluster.bookmark("pods")
            settled(controller, cluster)
            clock.advance(1.0)
            while controller.process_next() is not None:
                pass
        assert controller.stop()
    return sets, cluster


@pytest.mark.parametrize("part", range(4))
def test_as_many_pods_are_made_as_are_wanted_in_a_thousand_schedules(part: int) -> None:
    for seed in range(part * 250, part * 250 + 250):
        sets, cluster = run_schedule(seed)
        assert (sets.made, sets.deleted, len(cluster.named("pods"))) == (WANTED, 0, WANTED), f"seed {seed}"


def test_without_waiting_for_its_writes_it_makes_too_many() -> None:
    """The schedules do find what own writes are for."""
    assert any(run_schedule(seed, waits=False)[0].made > WANTED for seed in range(20))
