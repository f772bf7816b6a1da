from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Hashable
from itertools import pairwise
from typing import Any

import pytest

from informers.errors import ConfigurationError
from informers.testing.fake_clock import FakeClock
from informers.workqueue import (
    BucketRateLimiter,
    ItemExponentialFailureRateLimiter,
    MaxOfRateLimiter,
    RateLimitingQueue,
    WithMaxWaitRateLimiter,
)


def delays(queue: RateLimitingQueue[str], clock: FakeClock) -> dict[str, float]:
    """How long each pending item has to wait."""
    return {item: delayed.due - clock.monotonic() for item, delayed in queue._pending.items()}


@pytest.mark.upstream("util/workqueue/rate_limiting_queue_test.go", "TestRateLimitingQueue")
def test_the_limiter_says_when_an_item_comes_again() -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(1.0, 1000.0), clock=clock)

    def retry(item: str) -> float:
        queue.add_rate_limited(item)
        wait = delays(queue, clock)[item]
        clock.advance(wait)
        assert queue.get(timeout=0) == item
        queue.done(item)
        return wait

    assert [retry("one"), retry("one")] == [1.0, 2.0]
    assert queue.num_requeues("one") == 2
    assert [retry("two"), retry("two")] == [1.0, 2.0]
    queue.forget("one")
    assert queue.num_requeues("one") == 0
    assert retry("one") == 1.0
    assert queue.num_requeues("two") == 2


def test_without_a_limiter_it_has_the_one_of_controllers_on_its_own_clock() -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](clock=clock)
    for number in range(101):
        queue.add_rate_limited(str(number))
    waits = list(delays(queue, clock).values())
    assert waits[:100] == [0.005] * 100
    assert waits[100] == pytest.approx(0.1)


def test_an_event_overtakes_a_retry_and_the_item_runs_once() -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](clock=clock)
    queue.add("web-0")
    queue.get()
    queue.add_rate_limited("web-0")
    queue.done("web-0")
    queue.add("web-0")
    assert queue.get(timeout=0) == "web-0"
    queue.forget("web-0")
    queue.done("web-0")
    clock.advance(1000)
    assert len(queue) == 0


def test_an_item_that_waits_already_takes_no_token_however_often_it_is_asked_for() -> None:
    clock = FakeClock()
    # Four tokens a second, eight calls a second.
    queue = RateLimitingQueue[str](BucketRateLimiter(4.0, 1, clock=clock), clock=clock)
    got: list[float] = []
    for _ in range(80):
        queue.add_rate_limited("hot")
        if len(queue):
            got.append(clock.monotonic())
            queue.done(queue.get())
        clock.advance(0.125)
    assert [later - earlier for earlier, later in pairwise(got)] == [0.25] * 39
    queue.add_rate_limited("other")
    assert delays(queue, clock)["other"] <= 0.25, "the hot item has taken nothing from it"


@pytest.mark.parametrize("where", ["for a worker", "for its time", "until it is done"])
def test_of_an_item_that_waits_already_no_try_is_counted(where: str) -> None:
    queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(1.0, 1000.0), clock=FakeClock())
    queue.add("a")
    if where != "for a worker":
        queue.get(timeout=0)
    if where == "for its time":
        queue.add_rate_limited("a")
    elif where == "until it is done":
        queue.add("a")
    before = queue.num_requeues("a")
    for _ in range(10):
        queue.add_rate_limited("a")
    assert queue.num_requeues("a") == before


def test_a_failure_is_tried_again_by_the_limiter_though_a_later_time_was_asked_for() -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(1.0, 1000.0), clock=clock)
    queue.add("a")
    queue.get(timeout=0)
    queue.add_after("a", 3600)
    queue.add_rate_limited("a")
    queue.add_after("a", 3600)
    queue.add_rate_limited("a")
    queue.done("a")
    assert queue.num_requeues("a") == 1
    assert delays(queue, clock) == {"a": 1.0}


def test_a_retry_can_be_taken_back_and_the_next_asks_the_limiter_again() -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(1.0, 1000.0), clock=clock)
    queue.add_rate_limited("a")
    assert queue.withdraw("a")
    queue.add_rate_limited("a")
    assert delays(queue, clock) == {"a": 2.0}


@pytest.mark.parametrize(("at_least", "waits"), [(0.0, 2.0), (1.0, 2.0), (30.0, 30.0)])
def test_a_server_may_ask_for_a_longer_wait_than_the_limiter_and_not_for_a_shorter(
    at_least: float, waits: float
) -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(2.0, 1000.0), clock=clock)
    assert queue.add_rate_limited("a", at_least=at_least) == waits
    assert queue.add_rate_limited("a", at_least=at_least) is None, "it waits already"
    assert delays(queue, clock) == {"a": waits}
    with pytest.raises(ConfigurationError, match="at_least must be a finite number of seconds, not nan"):
        queue.add_rate_limited("b", at_least=math.nan)
    assert queue.num_requeues("b") == 0


def test_a_queue_that_is_shut_down_asks_its_limiter_no_more() -> None:
    queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(1.0, 1.0), clock=FakeClock())
    queue.shut_down()
    queue.add_rate_limited("a")
    assert queue.num_requeues("a") == 0


class Shortest:
    """An order by length."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def push(self, item: str, /) -> None:
        heapq.heappush(self._heap, (len(item), item))

    def pop(self) -> str:
        return heapq.heappop(self._heap)[1]

    def touch(self, item: str, /) -> None: ...

    def __len__(self) -> int:
        return len(self._heap)


def test_of_the_retries_that_are_due_the_order_says_which_comes_first() -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(1.0, 1000.0), order=Shortest(), clock=clock)
    for item in ("ccc", "bb"):
        queue.add_rate_limited(item)
    queue.add_after("a", 2)
    clock.advance(1)
    queue.add("dddd")
    assert [queue.get(timeout=0) for _ in range(2)] == ["bb", "ccc"]
    clock.advance(1)
    assert [queue.get(timeout=0) for _ in range(2)] == ["a", "dddd"]


def test_the_limiter_is_asked_without_a_lock_held() -> None:
    class Looking:
        def when(self, item: Hashable, /) -> float:
            return float(len(queue))

        def forget(self, item: Hashable, /) -> None:
            queue.add("forgotten")

        def num_requeues(self, item: Hashable, /) -> int:
            return queue.statistics().depth

    queue = RateLimitingQueue[str](Looking())
    queue.add_rate_limited("one")
    queue.forget("one")
    assert queue.num_requeues("one") == 2


def test_a_limiter_whose_answer_is_not_a_number_is_an_error() -> None:
    class Broken:
        def when(self, item: Hashable, /) -> float:
            return math.nan

        def forget(self, item: Hashable, /) -> None: ...

        def num_requeues(self, item: Hashable, /) -> int:
            return 0

    with pytest.raises(ConfigurationError, match="delay must be a finite number of seconds, not nan"):
        RateLimitingQueue[str](Broken()).add_rate_limited("one")


@pytest.mark.parametrize(
    "take", [RateLimitingQueue, MaxOfRateLimiter, lambda given: WithMaxWaitRateLimiter(given, 1.0)]
)
@pytest.mark.parametrize("given", ["pods", 5, ItemExponentialFailureRateLimiter])
def test_what_is_not_a_limiter_is_refused_where_it_is_given(take: Callable[[Any], object], given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"limiter must be a rate limiter, .* Item.*\(0\.5, 60\.0\), .*: got "):
        take(given)


def test_a_name_in_the_place_of_the_limiter_is_refused_with_the_right_place() -> None:
    name: Any = "pods"
    with pytest.raises(ConfigurationError, match=r"got 'pods'; a queue's name is given as name=$"):
        RateLimitingQueue(name)


def test_an_item_that_cannot_be_hashed_is_refused_before_the_limiter_counts_it() -> None:
    class Counting:
        def __init__(self) -> None:
            self.asked = 0

        def when(self, _item: object, /) -> float:
            self.asked += 1
            return 0.0

        def forget(self, _item: object, /) -> None: ...

        def num_requeues(self, _item: object, /) -> int:
            return self.asked

    limiter = Counting()
    for queue in (RateLimitingQueue[Any](), RateLimitingQueue[Any](limiter)):
        with pytest.raises(ConfigurationError, match="items must be hashable, and dict is not"):
            queue.add_rate_limited({"metadata": {}})
        for call in (queue.done, queue.forget, queue.num_requeues):
            with pytest.raises(ConfigurationError, match="items must be hashable, and dict is not"):
                call({"metadata": {}})
    assert limiter.asked == 0
