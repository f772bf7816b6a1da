"""What a queue does for n items grows with n: eight times as many take some eight times as long, and not sixty-four."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

import pytest

from informers.testing.fake_clock import FakeClock
from informers.workqueue import DelayingQueue, ItemExponentialFailureRateLimiter, Queue, RateLimitingQueue

#: Of these, and of eight times as many.
N = 1500
#: Sixty-four is what a square would take; eight, and a little for the heap's depth, what is right.
LIMIT = 24


def in_and_out(count: int) -> None:
    queue = Queue[int]()
    for item in range(count):
        queue.add(item)
    for item in range(count):
        queue.add(item)
        queue.done(queue.get(timeout=0))


def low_in_and_out(count: int) -> None:
    queue = Queue[int]()
    for item in range(count):
        queue.add(item, low_priority=True)
    for _ in range(count):
        queue.done(queue.get(timeout=0))


def low_moved_up(count: int) -> None:
    queue = Queue[int]()
    for item in range(count):
        queue.add(item, low_priority=True)
    for item in range(count):
        queue.add(item)
    for _ in range(count):
        queue.done(queue.get(timeout=0))


def all_in_hand(count: int) -> None:
    queue = Queue[int]()
    for item in range(count):
        queue.add(item)
        queue.get(timeout=0)
        queue.add(item)
    for item in range(count):
        queue.done(item)


def delayed(count: int) -> None:
    clock = FakeClock()
    queue = DelayingQueue[int](clock=clock)
    for item in range(count):
        queue.add_after(item, count - item)
    for _ in range(count):
        clock.advance(1)
        queue.done(queue.get(timeout=0))


def withdrawn(count: int) -> None:
    queue = DelayingQueue[int](clock=FakeClock())
    for item in range(count):
        queue.add_after(item, 1 + item)
    for item in range(count):
        assert queue.withdraw(item)
    assert len(queue._heap) <= 100


def retried(count: int) -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[int](ItemExponentialFailureRateLimiter(1.0, 1.0), clock=clock)
    for _ in range(3):
        for item in range(count):
            queue.add_rate_limited(item)
            queue.add_rate_limited(item)
        clock.advance(1)
        for _ in range(count):
            queue.done(queue.get(timeout=0))
    for item in range(count):
        queue.forget(item)


def dropped(count: int) -> None:
    queue = DelayingQueue[int](clock=FakeClock())
    for item in range(count):
        queue.add(item, low_priority=item % 2 == 0)
        queue.add_after(-1 - item, 1)
    queue.shut_down(drop=True)


@pytest.fixture(autouse=True)
def without_the_collector() -> Iterator[None]:
    """The collector's runs grow with all that the whole process holds."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def seconds(work: Callable[[int], None], count: int) -> float:
    begin = time.thread_time()
    work(count)
    return time.thread_time() - begin


@pytest.mark.parametrize(
    "work", [in_and_out, low_in_and_out, low_moved_up, all_in_hand, delayed, withdrawn, retried, dropped]
)
def test_what_a_queue_does_for_its_items_grows_with_their_number(work: Callable[[int], None]) -> None:
    few = min(seconds(work, N) for _ in range(5))
    many = min(seconds(work, 8 * N) for _ in range(2))
    assert many < LIMIT * few
