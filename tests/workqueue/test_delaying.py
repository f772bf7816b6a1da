from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from informers.errors import ConfigurationError, StoppedError
from informers.testing.fake_clock import FakeClock
from informers.workqueue import DelayingQueue, QueueStatistics

Background = Callable[[Callable[[], Any]], "Future[Any]"]


def taken(queue: DelayingQueue[str]) -> list[str]:
    """Get and finish what can be got now."""
    items: list[str] = []
    while len(queue):
        items.append(queue.get())
        queue.done(items[-1])
    return items


def results_of_first(futures: list[Future[Any]]) -> set[str]:
    """Wait for one to end, take it out, and return its result."""
    done, _ = wait(futures, 10, return_when=FIRST_COMPLETED)
    futures[:] = [future for future in futures if future not in done]
    return {future.result() for future in done}


def settled(clock: FakeClock, deadlines: list[float]) -> bool:
    """Wait until threads wait on the clock for just these moments."""
    with clock._condition:
        return clock._condition.wait_for(lambda: [waiter.deadline for waiter in clock._waiters] == deadlines, 10)


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/priorityqueue/priorityqueue_test.go",
    "doesn't include non-ready items in Len()",
)
@pytest.mark.upstream("util/workqueue/delaying_queue_test.go", "TestSimpleQueue")
def test_an_item_comes_when_its_time_has_come_and_once() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("foo", 0.05)
    assert len(queue) == 0
    clock.advance(0.06)
    assert len(queue) == 1
    assert taken(queue) == ["foo"]
    clock.advance(10)
    assert len(queue) == 0


@pytest.mark.upstream("kube-rs/kube-runtime/src/scheduler.rs", "scheduler_dedupe_should_keep_earlier_item")
@pytest.mark.upstream("util/workqueue/delaying_queue_test.go", "TestDeduping")
def test_of_two_delays_the_one_that_ends_earlier_counts_alone() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("foo", 0.05)
    queue.add_after("foo", 0.07)
    clock.advance(0.06)
    assert taken(queue) == ["foo"]
    clock.advance(0.02)
    assert len(queue) == 0

    queue.add_after("foo", 0.05)
    queue.add_after("foo", 0.03)
    assert len(queue) == 0
    clock.advance(0.04)
    assert taken(queue) == ["foo"]
    clock.advance(0.02)
    assert len(queue) == 0


@pytest.mark.upstream("util/workqueue/delaying_queue_test.go", "TestAddTwoFireEarly")
def test_an_item_with_a_shorter_delay_overtakes() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("foo", 1)
    queue.add_after("bar", 0.05)
    clock.advance(0.06)
    assert taken(queue) == ["bar"]
    queue.add_after("baz", 2)
    clock.advance(1)
    assert taken(queue) == ["foo"]
    clock.advance(2)
    assert taken(queue) == ["baz"]


@pytest.mark.upstream("util/workqueue/delaying_queue_test.go", "TestCopyShifting")
def test_items_come_in_the_order_of_their_times() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("foo", 1)
    queue.add_after("bar", 0.5)
    queue.add_after("baz", 0.25)
    queue.add_after("qux", 0.5)
    clock.advance(2)
    queue.add("last")
    assert taken(queue) == ["baz", "bar", "qux", "foo", "last"]


@pytest.mark.parametrize("delay", [0, -1.5])
def test_no_delay_is_an_add(delay: float) -> None:
    queue = DelayingQueue[str](clock=FakeClock())
    queue.add_after("foo", delay)
    assert taken(queue) == ["foo"]


def test_an_add_takes_the_place_of_a_delayed_one() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("foo", 5)
    queue.add("foo")
    assert taken(queue) == ["foo"]
    clock.advance(10)
    assert taken(queue) == []


def test_an_add_takes_the_place_of_a_delayed_one_also_while_the_item_is_processed() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add("foo")
    queue.get()
    queue.add_after("foo", 5)
    queue.add("foo")
    queue.done("foo")
    assert taken(queue) == ["foo"]
    clock.advance(10)
    assert taken(queue) == []


def test_a_delay_for_an_item_that_is_queued_already_does_nothing() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add("foo")
    queue.add_after("foo", 5)
    assert taken(queue) == ["foo"]
    clock.advance(10)
    assert taken(queue) == []


def test_an_item_whose_time_comes_while_it_is_processed_is_got_again_once_it_is_done() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add("foo")
    queue.get()
    queue.add_after("foo", 5)
    clock.advance(6)
    assert len(queue) == 0
    queue.done("foo")
    assert taken(queue) == ["foo"]


def test_a_waiting_get_wakes_at_the_first_time(background: Background) -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("foo", 5)
    getting = background(queue.get)
    clock.wait_for_waiters()
    assert clock.next_deadline() == 5
    clock.advance(5)
    assert getting.result(10) == "foo"


def test_every_waiting_get_heeds_a_shorter_delay_that_is_added_later(background: Background) -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("late", 100)
    workers = [background(queue.get) for _ in range(3)]
    clock.wait_for_waiters(3)
    queue.add_after("early", 5)
    queue.add_after("next", 6)
    queue.add("now")
    # Whichever worker that add woke, the others must know of the next time.
    assert results_of_first(workers) == {"now"}
    assert settled(clock, [5, 5])
    clock.advance(5)
    assert results_of_first(workers) == {"early"}
    assert settled(clock, [6])
    clock.advance(1)
    assert results_of_first(workers) == {"next"}


@pytest.mark.parametrize("shut_down", [DelayingQueue.shut_down, DelayingQueue.shut_down_with_drain])
def test_shutting_down_drops_what_is_not_due_and_keeps_what_is(shut_down: Callable[..., object]) -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("due", 5)
    queue.add_after("not due", 6)
    clock.advance(5)
    options = {} if shut_down is DelayingQueue.shut_down else {"timeout": 0}
    shut_down(queue, **options)
    queue.add_after("too late", 1)
    queue.add_after("too late as well", 0)
    clock.advance(10)
    assert taken(queue) == ["due"]
    with pytest.raises(StoppedError):
        queue.get()


def test_a_drain_does_not_wait_for_delays_and_lets_workers_try_nothing_again(background: Background) -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("in an hour", 3600)
    queue.add("foo")
    drain = background(lambda: queue.shut_down_with_drain(timeout=1000))
    clock.wait_for_waiters()
    queue.get()
    queue.add_after("foo", 1)
    queue.done("foo")
    assert drain.result(10) is True
    assert queue.statistics() == QueueStatistics(0, 0, 0, 0.0, 0.0)


def test_delays_that_were_replaced_take_no_memory() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("last", 30)
    queue.add_after("first", 10)
    for _ in range(1000):
        queue.add_after("foo", 1000)
        queue.add("foo")
        taken(queue)
    assert len(queue._heap) < 110
    queue.add_after("foo", 20)
    assert queue.statistics().delayed == 3
    clock.advance(30)
    assert taken(queue) == ["first", "foo", "last"]


def test_a_delay_can_be_taken_back_until_its_time_has_come() -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    for item in ("a", "b", "c"):
        queue.add_after(item, 5)
    queue.add("waits")
    assert queue.withdraw("b")
    assert not queue.withdraw("b")
    assert not queue.withdraw("waits")
    assert not queue.withdraw("never added")
    clock.advance(5)
    assert not queue.withdraw("a"), "it waits for a worker"
    assert taken(queue) == ["waits", "a", "c"]
    queue.add_after("b", 5)
    clock.advance(5)
    assert taken(queue) == ["b"]


def test_a_get_that_waits_for_a_delay_that_is_withdrawn_waits_for_the_next(background: Background) -> None:
    clock = FakeClock()
    queue = DelayingQueue[str](clock=clock)
    queue.add_after("first", 5)
    queue.add_after("second", 8)
    getting = background(queue.get)
    clock.wait_for_waiters()
    queue.withdraw("first")
    clock.advance(5)
    assert settled(clock, [8])
    clock.advance(3)
    assert getting.result(10) == "second"


def test_delays_that_were_taken_back_keep_no_item_alive() -> None:
    class Item:
        pass

    queue = DelayingQueue[Item](clock=FakeClock())
    items = [Item() for _ in range(200)]
    alive = [weakref.ref(item) for item in items]
    for item in items:
        queue.add_after(item, 3600)
    for item in items:
        assert queue.withdraw(item)
    del item, items
    gc.collect()
    assert sum(ref() is not None for ref in alive) <= 100


@pytest.mark.parametrize("delay", [math.nan, math.inf, "5", None, True])
def test_a_delay_that_is_not_a_finite_number_is_refused(delay: Any) -> None:
    queue = DelayingQueue[str]()
    with pytest.raises(ConfigurationError, match="delay must be a finite number of seconds, not "):
        queue.add_after("foo", delay)


def test_a_delayed_item_that_cannot_be_hashed_is_refused() -> None:
    queue: DelayingQueue[Any] = DelayingQueue()
    with pytest.raises(ConfigurationError, match="list is not"):
        queue.add_after([], 5)
    with pytest.raises(ConfigurationError, match="list is not"):
        queue.withdraw([])


class Model(RuleBasedStateMachine):
    """The queue against a plain model of it: two lists, dictionaries, and the times."""

    items = st.sampled_from("abcd")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.queue = DelayingQueue[str](clock=self.clock)
        #: What waits, not low and low.
        self.lanes: dict[bool, list[str]] = {False: [], True: []}
        #: Got since the low lane had its turn, while it held something.
        self.others = 0
        #: By item, whether its priority is low.
        self.again: dict[str, bool] = {}
        self.processing: dict[str, bool] = {}
        self.pending: dict[str, tuple[float, int, bool]] = {}
        self.count = 0
        self.stopped = False

    def enqueue(self, item: str, low: bool) -> None:
        _, _, pending_low = self.pending.pop(item, (0, 0, True))
        low = low and pending_low
        if item in self.processing:
            self.again[item] = low and self.again.get(item, True)
        elif item in self.lanes[True] and not low:
            self.lanes[True].remove(item)
            self.lanes[False].append(item)
        elif item not in self.lanes[True] + self.lanes[False]:
            self.lanes[low].append(item)

    @rule(item=items, low=st.booleans())
    def add(self, item: str, low: bool) -> None:
        self.queue.add(item, low_priority=low)
        if not self.stopped:
            self.enqueue(item, low)

    @rule(item=items, delay=st.integers(0, 5), low=st.sampled_from([None, False, True]))
    def add_after(self, item: str, delay: int, low: bool | None) -> None:
        self.queue.add_after(item, delay, low_priority=low)
        if self.stopped:
            return
        due = self.clock.monotonic() + delay
        waits = item in self.lanes[True] + self.lanes[False] or item in self.again
        waits_low = item in self.lanes[True] or self.again.get(item, False)
        pending = self.pending.get(item)
        if low is None:
            low = waits_low if waits else self.processing.get(item, False) if pending is None else pending[2]
        if delay == 0 or (waits_low and not low):
            self.enqueue(item, low)
        elif not waits and pending is None:
            self.count += 1
            self.pending[item] = (due, self.count, low)
        elif not waits and pending is not None and (due < pending[0] or low < pending[2]):
            self.count += 1
            self.pending[item] = (min(due, pending[0]), self.count, low and pending[2])

    @rule(item=items)
    def withdraw(self, item: str) -> None:
        assert self.queue.withdraw(item) is (self.pending.pop(item, None) is not None)

    @rule(seconds=st.integers(0, 4))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)
        for item, (due, _, low) in sorted(self.pending.items(), key=lambda pair: pair[1]):
            if due <= self.clock.monotonic():
                self.enqueue(item, low)

    @rule()
    def get(self) -> None:
        if not any(self.lanes.values()):
            with pytest.raises(StoppedError if self.stopped else TimeoutError):
                self.queue.get(timeout=0)
            return
        low = bool(self.lanes[True]) and (self.others == 7 or not self.lanes[False])
        if self.lanes[True]:
            self.others = 0 if low else self.others + 1
        item = self.lanes[low].pop(0)
        self.processing[item] = low
        assert self.queue.get(timeout=0) == item

    @rule(item=items)
    def done(self, item: str) -> None:
        if item not in self.processing:
            with pytest.raises(ConfigurationError):
                self.queue.done(item)
            return
        self.queue.done(item)
        del self.processing[item]
        if item in self.again:
            self.lanes[self.again.pop(item)].append(item)

    @precondition(lambda self: self.count > 8)
    @rule(drain=st.booleans(), drop=st.booleans())
    def shut_down(self, drain: bool, drop: bool) -> None:
        if drain:
            drained = not any(self.lanes.values()) and not self.processing
            assert self.queue.shut_down_with_drain(timeout=0) is drained
        else:
            self.queue.shut_down(drop=drop)
            if drop:
                self.lanes = {False: [], True: []}
                self.again.clear()
        self.stopped = True
        self.pending.clear()

    @invariant()
    def the_queue_holds_what_the_model_holds(self) -> None:
        statistics = self.queue.statistics()
        waiting = sum(map(len, self.lanes.values()))
        assert len(self.queue) == waiting
        assert statistics.depth == waiting + len(self.again)
        assert statistics.processing == len(self.processing)
        assert statistics.delayed == len(self.pending)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=100, stateful_step_count=60, suppress_health_check=list(HealthCheck))
