"""A controller under a watch that lags, in random schedules: it makes as many pods as are wanted, and no more."""

from __future__ import annotations

import random

import pytest

from informers import ObjectName
from informers.testing import FakeClock
from tests.controllers.cluster import OWNERS, PODS, Cluster, kind_of, settled, started, written
from tests.controllers.pod_sets import PodSets

WANTED = 5
NAME = ObjectName("shop", "web")


def run_schedule(seed: int, *, waits: bool = True, steps: int = 30) -> tuple[PodSets, Cluster]:
    """Play one random schedule, then let all that is late arrive, until nothing is to be done any more."""
    chance = random.Random(seed)
    cluster, clock = Cluster(), FakeClock()
    written(cluster, "podsets", NAME, replicas=WANTED, touched=0)
    with kind_of(cluster, OWNERS) as owners, kind_of(cluster, PODS) as pods:
        sets = PodSets(cluster, owners, pods, waits=waits, clock=clock)
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
