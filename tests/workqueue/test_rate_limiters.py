from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

import pytest

from informers.errors import ConfigurationError
from informers.testing.fake_clock import FakeClock
from informers.workqueue import (
    BucketRateLimiter,
    ItemExponentialFailureRateLimiter,
    ItemFastSlowRateLimiter,
    MaxOfRateLimiter,
    WithMaxWaitRateLimiter,
    default_controller_rate_limiter,
    default_item_based_rate_limiter,
)


@pytest.mark.upstream("util/workqueue/default_rate_limiters_test.go", "TestItemExponentialFailureRateLimiter")
def test_the_exponential_limiter_doubles_the_wait_of_each_item_until_it_is_forgotten() -> None:
    limiter = ItemExponentialFailureRateLimiter(0.001, 1.0)
    assert [limiter.when("one") for _ in range(5)] == [0.001, 0.002, 0.004, 0.008, 0.016]
    assert limiter.num_requeues("one") == 5
    assert [limiter.when("two") for _ in range(2)] == [0.001, 0.002]
    assert limiter.num_requeues("two") == 2
    limiter.forget("one")
    assert limiter.num_requeues("one") == 0
    assert limiter.when("one") == 0.001


@pytest.mark.upstream("util/workqueue/default_rate_limiters_test.go", "TestItemExponentialFailureRateLimiterOverFlow")
@pytest.mark.parametrize(("base", "cap"), [(0.001, 1000.0), (60.0, 3_600_000.0)])
def test_the_exponential_limiter_never_exceeds_its_maximum_however_often_it_is_asked(base: float, cap: float) -> None:
    limiter = ItemExponentialFailureRateLimiter(base, cap)
    assert [limiter.when("one") for _ in range(6)][-1] == base * 32
    waits = [limiter.when("overflow") for _ in range(1200)]
    assert max(waits) == waits[-1] == cap


@pytest.mark.upstream("util/workqueue/default_rate_limiters_test.go", "TestItemFastSlowRateLimiter")
def test_the_fast_and_slow_limiter_turns_slow_after_so_many_tries_of_an_item() -> None:
    limiter = ItemFastSlowRateLimiter(0.005, 10.0, 3)
    assert [limiter.when("one") for _ in range(5)] == [0.005, 0.005, 0.005, 10.0, 10.0]
    assert limiter.num_requeues("one") == 5
    assert [limiter.when("two") for _ in range(2)] == [0.005, 0.005]
    assert limiter.num_requeues("two") == 2
    limiter.forget("one")
    assert limiter.num_requeues("one") == 0
    assert limiter.when("one") == 0.005


@pytest.mark.upstream("util/workqueue/default_rate_limiters_test.go", "TestMaxOfRateLimiter")
def test_the_longest_of_several_limiters_waits_counts() -> None:
    limiter = MaxOfRateLimiter(
        ItemFastSlowRateLimiter(0.005, 3.0, 3),
        ItemExponentialFailureRateLimiter(0.001, 1.0),
    )
    assert [limiter.when("one") for _ in range(5)] == [0.005, 0.005, 0.005, 3.0, 3.0]
    assert limiter.num_requeues("one") == 5
    assert [limiter.when("two") for _ in range(2)] == [0.005, 0.005]
    assert limiter.num_requeues("two") == 2
    limiter.forget("one")
    assert limiter.num_requeues("one") == 0
    assert limiter.when("one") == 0.005


class Step:
    """A short wait so many times, then a long one; a limiter as a user would write one."""

    def __init__(self, short: float, long: float, threshold: int) -> None:
        self.short, self.long, self.threshold = short, long, threshold
        self.count = 0
        self.forgotten: list[Hashable] = []

    def when(self, item: Hashable, /) -> float:
        self.count += 1
        return self.short if self.count <= self.threshold else self.long

    def forget(self, item: Hashable, /) -> None:
        self.forgotten.append(item)

    def num_requeues(self, item: Hashable, /) -> int:
        return self.count


@pytest.mark.upstream("util/workqueue/default_rate_limiters_test.go", "TestWithMaxWaitRateLimiter")
def test_a_maximum_cuts_the_waits_of_another_limiter() -> None:
    step = Step(0.005, 1000.0, 100)
    limiter = WithMaxWaitRateLimiter(step, 500.0)
    assert {limiter.when(number) for number in range(100)} == {0.005}
    assert {limiter.when(number) for number in range(100)} == {500.0}
    assert limiter.num_requeues("one") == 200
    limiter.forget("one")
    assert step.forgotten == ["one"]


def test_the_bucket_gives_its_burst_at_once_and_then_makes_each_wait_its_turn() -> None:
    clock = FakeClock()
    limiter = BucketRateLimiter(10.0, 3, clock=clock)
    assert [limiter.when(item) for item in "abc"] == [0, 0, 0]
    assert [limiter.when(item) for item in "abc"] == pytest.approx([0.1, 0.2, 0.3])
    clock.advance(0.2)
    assert limiter.when("d") == pytest.approx(0.2)
    clock.advance(1000)
    assert [limiter.when(item) for item in "abcd"] == pytest.approx([0, 0, 0, 0.1])
    limiter.forget("a")
    assert limiter.num_requeues("a") == 0


def test_the_default_for_controllers_has_upstreams_numbers() -> None:
    limiter = default_controller_rate_limiter(clock=FakeClock())
    assert [limiter.when("one") for _ in range(3)] == [0.005, 0.01, 0.02]
    assert {limiter.when(number) for number in range(97)} == {0.005}, "the bucket holds 100"
    assert limiter.when("next") == pytest.approx(0.1), "10 a second after that"
    assert [limiter.when("one") for _ in range(20)][-1] == 1000.0
    assert limiter.num_requeues("one") == 23


def test_the_default_by_item_has_upstreams_numbers() -> None:
    limiter = default_item_based_rate_limiter()
    assert [limiter.when("one") for _ in range(3)] == [0.001, 0.002, 0.004]
    assert [limiter.when("one") for _ in range(20)][-1] == 1000.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ItemExponentialFailureRateLimiter(-1, 5),
            "base_delay must be a finite number of seconds, 0 or more, not -1",
        ),
        (lambda: ItemExponentialFailureRateLimiter(1, math.inf), "max_delay must be a finite number of seconds"),
        (lambda: ItemFastSlowRateLimiter(1, 5, -1), "max_fast_attempts must be a whole number, 0 or more, not -1"),
        (lambda: BucketRateLimiter(0, 5), "qps must be above zero"),
        (lambda: BucketRateLimiter(1, 0), "burst must be a whole number, 1 or more, not 0"),
        (MaxOfRateLimiter, "at least one limiter"),
        (lambda: WithMaxWaitRateLimiter(Step(0, 0, 0), math.nan), "max_delay must be a finite number"),
    ],
)
def test_a_wrong_number_is_refused_with_what_would_be_right(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()
