"""Items of low priority: behind the others, but never for ever, and through every retry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from informers.testing.fake_clock import FakeClock
from informers.workqueue import (
    FIFO,
    DelayingQueue,
    ItemExponentialFailureRateLimiter,
    Queue,
    RateLimitingQueue,
)


def limited(clock: FakeClock) -> RateLimitingQueue[str]:
    return RateLimitingQueue[str](ItemExponentialFailureRateLimiter(1.0, 1.0), clock=clock)


def taken(queue: Queue[str], count: int | None = None) -> list[str]:
    """Get and finish so many items, or all."""
    items: list[str] = []
    while len(queue) and len(items) != count:
        items.append(queue.get(timeout=0))
        queue.done(items[-1])
    return items


def test_items_of_low_priority_come_after_the_others_first_in_first_out() -> None:
    queue = Queue[str]()
    for item in ("listed-0", "listed-1", "listed-2"):
        queue.add(item, low_priority=True)
    queue.add("changed-0")
    queue.add("changed-1")
    assert taken(queue) == ["changed-0", "changed-1", "listed-0", "listed-1", "listed-2"]


def test_each_eighth_item_is_one_of_low_priority_however_many_others_come() -> None:
    queue = Queue[str]()
    for number in range(3):
        queue.add(f"low-{number}", low_priority=True)
    got: list[str] = []
    for number in range(40):
        queue.add(f"other-{number}")
        got += taken(queue, 1)
    assert [at for at, item in enumerate(got, 1) if item.startswith("low")] == [8, 16, 24]


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/priorityqueue/priorityqueue_test.go",
    "retains the highest priority",
    "gets pushed to the front if the priority increases",
    "follows FIFO order in the new priority queue when item priority changes",
)
def test_an_item_of_low_priority_that_is_added_again_without_moves_up() -> None:
    queue = Queue[str]()
    for item in ("a", "b", "c"):
        queue.add(item, low_priority=True)
    queue.add("x")
    queue.add("b")
    assert len(queue) == 4
    assert taken(queue) == ["x", "b", "a", "c"]


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/priorityqueue/priorityqueue_test.go",
    "will not decrease the priority",
)
def test_an_item_that_is_added_again_with_low_priority_keeps_its_place() -> None:
    queue = Queue[str]()
    queue.add("a")
    queue.add("b")
    queue.add("a", low_priority=True)
    assert taken(queue) == ["a", "b"]


def test_an_item_that_is_added_while_it_is_processed_has_the_higher_of_the_priorities_asked_for_since() -> None:
    queue = Queue[str]()
    for item in ("once", "twice"):
        queue.add(item, low_priority=True)
        queue.get(timeout=0)
        queue.add(item, low_priority=True)
    queue.add("twice")
    queue.add("twice", low_priority=True)
    queue.done("once")
    queue.done("twice")
    assert taken(queue) == ["twice", "once"]


def test_a_priority_is_not_remembered_beyond_done() -> None:
    queue = DelayingQueue[str](clock=FakeClock())
    queue.add("a", low_priority=True)
    assert taken(queue) == ["a"]
    queue.add_after("a", 0)
    queue.add("b")
    assert taken(queue) == ["a", "b"]


@pytest.mark.parametrize(
    "retry",
    [lambda queue: queue.add_rate_limited("a"), lambda queue: queue.add_after("a", 1)],
    ids=["rate limited", "after"],
)
@pytest.mark.parametrize("low", [True, False], ids=["low", "not low"])
def test_a_retry_has_the_priority_that_the_item_was_got_with(
    retry: Callable[[RateLimitingQueue[str]], None], low: bool
) -> None:
    clock = FakeClock()
    queue = limited(clock)
    queue.add("a", low_priority=low)
    for _ in range(3):
        queue.get(timeout=0)
        retry(queue)
        queue.done("a")
        clock.advance(1)
        assert len(queue) == 1
    queue.add("other")
    assert taken(queue) == (["other", "a"] if low else ["a", "other"])


def test_a_retry_of_low_priority_moves_up_with_an_event() -> None:
    clock = FakeClock()
    queue = limited(clock)
    queue.add("a", low_priority=True)
    queue.get(timeout=0)
    queue.add_rate_limited("a")
    queue.done("a")
    queue.add("other")
    queue.add("a")
    queue.add("another")
    assert taken(queue) == ["other", "a", "another"]


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/priorityqueue/priorityqueue_test.go",
    "retains the lowest after duration",
)
@pytest.mark.parametrize("low_first", [True, False])
def test_of_two_delays_the_earlier_time_and_the_higher_priority_count(low_first: bool) -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    for delay, low in [(5, True), (9, False)] if low_first else [(9, False), (5, True)]:
        queue.add_after("a", delay, low_priority=low)
    clock.advance(5)
    queue.add("other")
    assert taken(queue) == ["a", "other"]


def test_a_delay_without_low_priority_moves_up_an_item_that_waits_and_another_does_nothing() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    for item in ("a", "b", "c"):
        queue.add(item, low_priority=True)
    queue.add_after("b", 60)
    assert taken(queue, 1) == ["a"]
    queue.add_after("c", 60, low_priority=False)
    assert taken(queue) == ["c", "b"]
    assert queue.statistics().delayed == 0


def test_an_order_rules_over_all_that_has_no_low_priority() -> None:
    class LastFirst:
        def __init__(self) -> None:
            self._items: list[str] = []

        def push(self, item: str, /) -> None:
            self._items.append(item)

        def pop(self) -> str:
            return self._items.pop()

        def touch(self, item: str, /) -> None:
            self._items.append(self._items.pop(self._items.index(item)))

        def __len__(self) -> int:
            return len(self._items)

    queue = Queue(order=LastFirst())
    for item in ("low-0", "low-1", "low-2"):
        queue.add(item, low_priority=True)
    for item in ("a", "b", "c"):
        queue.add(item)
    queue.add("a")
    queue.add("low-0", low_priority=True)
    queue.add("low-2")
    assert taken(queue) == ["low-2", "a", "c", "b", "low-0", "low-1"]


def test_an_order_that_raises_leaves_an_item_of_low_priority_where_it_was() -> None:
    class Full:
        def __init__(self) -> None:
            self._fifo = FIFO[str]()

        def push(self, item: str, /) -> None:
            raise OverflowError(item)

        def pop(self) -> str:
            return self._fifo.pop()

        def touch(self, item: str, /) -> None: ...

        def __len__(self) -> int:
            return 0

    queue = Queue(order=Full())
    queue.add("a", low_priority=True)
    with pytest.raises(OverflowError):
        queue.add("a")
    assert len(queue) == 1
    assert taken(queue) == ["a"]
    assert queue.shut_down_with_drain(timeout=0) is True
