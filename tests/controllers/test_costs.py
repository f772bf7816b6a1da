"""What a controller costs beside its function and its queue."""

from __future__ import annotations

import time
from collections.abc import Callable

from informers import ObjectName
from informers.controllers import Controller
from informers.workqueue import RateLimitingQueue
from tests.controllers.cluster import OWNERS, Cluster, kind_of, started

NAMES = [ObjectName("shop", str(number)) for number in range(2000)]


def cpu_of(work: Callable[[], object]) -> float:
    """Return the seconds of processor time for each name: the best of three."""
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return best / len(NAMES)


def test_a_reconcile_that_does_nothing_costs_fifty_microseconds_above_the_queue_at_most() -> None:
    queue: RateLimitingQueue[ObjectName] = RateLimitingQueue()

    def through_the_queue() -> None:
        for name in NAMES:
            queue.add(name)
        for _ in NAMES:
            queue.forget(name := queue.get(timeout=0))
            queue.done(name)

    with kind_of(Cluster(), OWNERS) as owners:
        controller = Controller("owners", owners, lambda name: None)
        started(owners)

        def through_the_controller() -> None:
            for name in NAMES:
                controller.enqueue(name)
            for _ in NAMES:
                assert controller.process_next() is not None

        above = cpu_of(through_the_controller) - cpu_of(through_the_queue)
        assert controller.stop()
    assert above <= 50e-6, f"{above * 1e6:.1f} µs"
