from __future__ import annotations

import gc
import heapq
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from informers.errors import ConfigurationError, StoppedError
from informers.testing.fake_clock import FakeClock
from informers.workqueue import FIFO, Queue, QueueStatistics

Background = Callable[[Callable[[], Any]], "Future[Any]"]

both_shut_downs = pytest.mark.parametrize("shut_down", [Queue.shut_down, Queue.shut_down_with_drain])


class TracingOrder:
    """First in, first out; remembers what was touched."""

    def __init__(self) -> None:
        self._fifo = FIFO[str]()
        self.touched: list[str] = []

    def push(self, item: str, /) -> None:
        self._fifo.push(item)

    def pop(self) -> str:
        return self._fifo.pop()

    def touch(self, item: str, /) -> None:
        self.touched.append(item)

    def __len__(self) -> int:
        return len(self._fifo)


class ShortestFirst:
    """An order by priority."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def push(self, item: str, /) -> None:
        heapq.heappush(self._heap, (len(item), item))

    def pop(self) -> str:
        return heapq.heappop(self._heap)[1]

    def touch(self, item: str, /) -> None:
        pass

    def __len__(self) -> int:
        return len(self._heap)


class MostUrgentFirst:
    """An order by priorities that may change: an item that waits gets its new one when it is added again."""

    def __init__(self, priorities: dict[str, int]) -> None:
        self._priorities = priorities
        self._heap: list[tuple[int, str]] = []
        self._waiting: dict[str, int] = {}

    def push(self, item: str, /) -> None:
        self._waiting[item] = -self._priorities[item]
        heapq.heappush(self._heap, (self._waiting[item], item))

    def pop(self) -> str:
        while True:
            priority, item = heapq.heappop(self._heap)
            # What has moved up since is further up, and has been got.
            if self._waiting.get(item) == priority:
                del self._waiting[item]
                return item

    def touch(self, item: str, /) -> None:
        self.push(item)

    def __len__(self) -> int:
        return len(self._waiting)


def run_threads(count: int, function: Callable[[int], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=function, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(10)


# ---- one item ----


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestLen")
def test_an_item_added_twice_counts_once() -> None:
    queue = Queue[str]()
    queue.add("foo")
    assert len(queue) == 1
    queue.add("bar")
    assert len(queue) == 2
    queue.add("foo")
    assert len(queue) == 2


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestReinsert")
def test_an_item_added_while_it_is_processed_is_got_again_once_it_is_done() -> None:
    queue = Queue[str]()
    queue.add("foo")
    item = queue.get()
    queue.add(item)
    assert len(queue) == 0
    queue.done(item)
    assert queue.get(timeout=0) == "foo"
    queue.done("foo")
    assert len(queue) == 0


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestCollapse")
def test_an_item_added_twice_is_got_once_and_the_order_is_notified_of_the_second_time() -> None:
    order = TracingOrder()
    queue = Queue(order=order)
    queue.add("bar")
    queue.add("bar")
    queue.done(queue.get())
    assert len(queue) == 0
    assert order.touched == ["bar"]


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestCollapseWhileProcessing")
def test_no_second_worker_gets_an_item_before_the_first_is_done_with_it(background: Background) -> None:
    clock = FakeClock()
    order = TracingOrder()
    queue = Queue(order=order, clock=clock)
    queue.add("foo")
    queue.get()
    queue.add("foo")
    queue.add("foo")
    second = background(lambda: queue.get(timeout=1000))
    clock.wait_for_waiters()
    assert not second.done()
    queue.done("foo")
    assert second.result(10) == "foo"
    queue.done("foo")
    assert len(queue) == 0
    assert order.touched == [], "an item that is processed has no place in the order"


def test_items_come_in_the_order_they_were_added() -> None:
    queue = Queue[int]()
    for item in (3, 1, 2, 1, 3):
        queue.add(item)
    assert [queue.get() for _ in range(3)] == [3, 1, 2]


def test_another_order_may_be_plugged_in() -> None:
    queue = Queue(order=ShortestFirst())
    for item in ("ccc", "a", "bb", "a"):
        queue.add(item)
    assert [queue.get() for _ in range(3)] == ["a", "bb", "ccc"]


def test_an_item_that_waits_moves_up_when_it_is_added_again_with_a_higher_priority() -> None:
    priorities = {"low": 1, "middle": 2, "high": 3}
    queue = Queue(order=MostUrgentFirst(priorities))
    for item in priorities:
        queue.add(item)
    priorities["low"] = 9
    queue.add("low")
    assert len(queue) == 3
    assert [queue.get() for _ in range(3)] == ["low", "high", "middle"]


def test_an_item_added_again_while_it_is_processed_takes_its_place_by_priority_once_it_is_done() -> None:
    priorities = {"low": 1, "high": 3}
    queue = Queue(order=MostUrgentFirst(priorities))
    for item in priorities:
        queue.add(item)
    assert queue.get() == "high"
    queue.add("high")
    queue.add("high")
    assert len(queue) == 1, "it has no place while it is processed, whatever its priority"
    queue.done("high")
    assert [queue.get(), queue.get()] == ["high", "low"]
    for item in priorities:
        queue.done(item)
    with pytest.raises(TimeoutError):
        queue.get(timeout=0)


def test_a_drain_gives_out_by_priority_what_is_left_and_what_was_added_again(background: Background) -> None:
    clock = FakeClock()
    priorities = {"low": 1, "middle": 2, "high": 3}
    queue = Queue(order=MostUrgentFirst(priorities), clock=clock)
    for item in priorities:
        queue.add(item)
    assert queue.get() == "high"
    queue.add("high")
    drained = background(lambda: queue.shut_down_with_drain(timeout=1000))
    clock.wait_for_waiters()
    queue.add("too late")
    queue.done("high")
    got: list[str] = []
    for item in queue.items():
        assert not drained.done()
        got.append(item)
        queue.done(item)
    assert got == ["high", "middle", "low"]
    assert drained.result(10) is True


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestGarbageCollection")
def test_an_item_that_is_done_is_not_kept_alive() -> None:
    class Item:
        pass

    queue = Queue[Item]()
    item = Item()
    alive = weakref.ref(item)
    queue.add(item)
    queue.done(queue.get())
    del item
    gc.collect()
    assert alive() is None


def test_an_item_that_cannot_be_hashed_is_refused_with_what_to_add_instead() -> None:
    queue: Queue[Any] = Queue()
    with pytest.raises(
        ConfigurationError, match="items must be hashable, and dict is not: add an object's name or key"
    ):
        queue.add({"metadata": {}})
    assert len(queue) == 0


@pytest.mark.parametrize("timeout", [float("nan"), "5", True, -1])
def test_a_timeout_that_is_negative_or_not_a_number_is_refused(timeout: Any) -> None:
    queue = Queue[str]()
    with pytest.raises(ConfigurationError, match="timeout must be None or not negative, in seconds"):
        queue.get(timeout=timeout)
    with pytest.raises(ConfigurationError, match="timeout must be None or not negative, in seconds"):
        queue.shut_down_with_drain(timeout=timeout)
    assert not queue.shutting_down


# ---- done ----


def test_done_for_an_item_that_was_never_got_is_an_error_and_queues_nothing_twice() -> None:
    queue = Queue[str]()
    queue.add("foo")
    with pytest.raises(ConfigurationError, match=r"'foo' is not in processing .* once for each item that get"):
        queue.done("foo")
    assert len(queue) == 1
    assert queue.get() == "foo"
    assert len(queue) == 0


def test_done_twice_is_an_error() -> None:
    queue = Queue[str]()
    queue.add("foo")
    queue.get()
    queue.done("foo")
    with pytest.raises(ConfigurationError):
        queue.done("foo")


# ---- get ----


def test_get_without_waiting_raises_when_nothing_is_there() -> None:
    with pytest.raises(TimeoutError, match="no item in <Queue 'pods' 0 waiting 0 processing> within 0 s"):
        Queue[str](name="pods").get(timeout=0)


def test_get_gives_up_after_its_timeout(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    getting = background(lambda: queue.get(timeout=5))
    clock.wait_for_waiters()
    assert clock.next_deadline() == 5
    clock.advance(5)
    with pytest.raises(TimeoutError):
        getting.result(10)


def test_get_returns_as_soon_as_an_item_is_added(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    getting = background(lambda: queue.get(timeout=5))
    clock.wait_for_waiters()
    queue.add("foo")
    assert getting.result(10) == "foo"


def test_each_waiting_worker_gets_one_of_the_items(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[int](clock=clock)
    workers = [background(lambda: queue.get(timeout=5)) for _ in range(3)]
    clock.wait_for_waiters(3)
    for item in range(3):
        queue.add(item)
    assert sorted(worker.result(10) for worker in workers) == [0, 1, 2]


# ---- shutting down ----


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestBasic")
@both_shut_downs
def test_everything_added_is_processed_and_nothing_that_came_after_the_shut_down(
    shut_down: Callable[[Queue[int]], object],
) -> None:
    queue = Queue[int]()
    processed: Counter[int] = Counter()
    lock = threading.Lock()
    in_hand: set[int] = set()

    def produce(number: int) -> None:
        for _ in range(50):
            queue.add(number)

    def consume(_: int) -> None:
        for item in queue.items():
            with lock:
                assert item not in in_hand, "two workers have the same item"
                in_hand.add(item)
                processed[item] += 1
            with lock:
                in_hand.discard(item)
            queue.done(item)

    consumers = run_threads(10, consume)
    join(run_threads(50, produce))
    shut_down(queue)
    queue.add(-1)
    join(consumers)
    assert len(queue) == 0
    assert set(processed) == set(range(50))
    assert queue.statistics() == QueueStatistics(0, 0, 0, 0.0, 0.0)


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestAddWhileProcessing")
@both_shut_downs
def test_items_that_workers_add_again_are_processed_again(shut_down: Callable[[Queue[int]], object]) -> None:
    queue = Queue[int]()
    processed: Counter[int] = Counter()
    lock = threading.Lock()
    all_twice = threading.Event()

    def consume(_: int) -> None:
        for item in queue.items():
            with lock:
                processed[item] += 1
                again = processed[item] < 2
                if not again and len(processed) == 50 and min(processed.values()) == 2:
                    all_twice.set()
            if again:
                queue.add(item)
            queue.done(item)

    consumers = run_threads(10, consume)
    join(run_threads(50, queue.add))
    assert all_twice.wait(10)
    shut_down(queue)
    join(consumers)
    assert len(queue) == 0
    assert set(processed.values()) == {2}


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestQueueDrainageUsingShutDownWithDrain")
def test_a_drain_waits_for_the_items_that_are_processed(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("foo")
    queue.add("bar")
    queue.get()
    queue.get()
    drain = background(lambda: queue.shut_down_with_drain(timeout=1000))
    clock.wait_for_waiters()
    with pytest.raises(StoppedError):
        queue.get()
    queue.done("foo")
    assert not drain.done()
    queue.done("bar")
    assert drain.result(10) is True


def test_a_drain_waits_for_the_items_that_nobody_has_got_yet(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("foo")
    queue.add("bar")
    drain = background(lambda: queue.shut_down_with_drain(timeout=1000))
    clock.wait_for_waiters()
    queue.add("too late")
    worked: list[str] = []
    for item in queue.items():
        assert not drain.done()
        worked.append(item)
        queue.done(item)
    assert worked == ["foo", "bar"]
    assert drain.result(10) is True


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestNoQueueDrainageUsingShutDown")
def test_a_shut_down_waits_for_nobody() -> None:
    queue = Queue[str]()
    queue.add("foo")
    queue.get()
    assert not queue.shutting_down
    queue.shut_down()
    assert queue.shutting_down


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestForceQueueShutdownUsingShutDown")
def test_a_shut_down_ends_a_drain(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("foo")
    queue.get()
    drains = [background(lambda: queue.shut_down_with_drain(timeout=1000)) for _ in range(2)]
    clock.wait_for_waiters(2)
    queue.shut_down()
    assert [drain.result(10) for drain in drains] == [False, False]


def test_a_drain_that_follows_a_shut_down_waits_all_the_same(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("foo")
    queue.shut_down()
    drain = background(lambda: queue.shut_down_with_drain(timeout=1000))
    clock.wait_for_waiters()
    queue.done(queue.get())
    assert drain.result(10) is True


def test_a_drain_gives_up_after_its_timeout_and_what_is_left_can_still_be_got(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("foo")
    drain = background(lambda: queue.shut_down_with_drain(timeout=30))
    clock.wait_for_waiters()
    clock.advance(30)
    assert drain.result(10) is False
    assert list(queue.items()) == ["foo"]


@pytest.mark.upstream("util/workqueue/queue_test.go", "TestQueueDrainageUsingShutDownWithDrainWithDirtyItem")
def test_a_drain_waits_for_an_item_that_was_added_again_before_it(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("foo")
    queue.get()
    queue.add("foo")
    drain = background(lambda: queue.shut_down_with_drain(timeout=1000))
    clock.wait_for_waiters()
    queue.done("foo")
    assert not drain.done()
    assert queue.get() == "foo"
    queue.done("foo")
    with pytest.raises(StoppedError):
        queue.get()
    assert drain.result(10) is True


def test_a_shut_down_ends_every_wait_in_get(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](name="pods", clock=clock)
    workers = [background(lambda: queue.get(timeout=1000)) for _ in range(3)]
    clock.wait_for_waiters(3)
    queue.shut_down()
    for worker in workers:
        with pytest.raises(StoppedError, match="<Queue 'pods' 0 waiting 0 processing shutting down> gives out no more"):
            worker.result(10)


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/priorityqueue/priorityqueue_test.go",
    "Get from priority queue might get stuck when the priority queue is shut down",
)
def test_a_shut_down_that_drops_leaves_workers_with_what_they_have(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("in hand")
    queue.add("waiting")
    queue.add("low", low_priority=True)
    assert queue.get(timeout=0) == "in hand"
    queue.add("in hand")
    drain = background(lambda: queue.shut_down_with_drain(timeout=1000))
    clock.wait_for_waiters()
    queue.shut_down(drop=True)
    assert drain.result(10) is False
    queue.add("too late")
    assert len(queue) == 0
    queue.done("in hand")
    assert queue.statistics() == QueueStatistics(0, 0, 0, 0.0, 0.0)
    with pytest.raises(StoppedError):
        queue.get()
    assert queue.shut_down_with_drain(timeout=0) is True


def test_what_a_shut_down_left_can_still_be_dropped(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    queue.add("waiting")
    queue.shut_down()
    assert len(queue) == 1
    queue.shut_down(drop=True)
    with pytest.raises(StoppedError):
        queue.get()


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/priorityqueue/priorityqueue_test.go",
    "TestPriorityQueueDoesNotDeadlockOnShutdownWhileHandingOutItems",
    "TestGetFromPriorityQueueIsUnblockedOnShutdown",
)
@pytest.mark.parametrize("drop", [False, True])
def test_a_shut_down_while_items_are_handed_out_ends_every_worker(drop: bool) -> None:
    for _ in range(20):
        queue = Queue[int]()
        begun = threading.Semaphore(0)

        def consume(_: int, queue: Queue[int] = queue, begun: threading.Semaphore = begun) -> None:
            for item in queue.items():
                begun.release()
                queue.add(item, low_priority=bool(item % 2))
                queue.done(item)

        consumers = run_threads(8, consume)
        for number in range(16):
            queue.add(number)
        for _ in range(8):
            assert begun.acquire(timeout=10)
        queue.shut_down(drop=drop)
        join(consumers)
        assert len(queue) == 0


def test_a_shut_down_that_drops_ends_every_wait_in_get(background: Background) -> None:
    clock = FakeClock()
    queue = Queue[str](clock=clock)
    workers = [background(lambda: queue.get(timeout=1000)) for _ in range(3)]
    clock.wait_for_waiters(3)
    queue.shut_down(drop=True)
    for worker in workers:
        with pytest.raises(StoppedError):
            worker.result(10)


# ---- looking at it ----


def test_statistics_say_what_waits_what_is_processed_and_for_how_long() -> None:
    clock = FakeClock()
    queue = Queue[str](name="pods", clock=clock)
    for item in ("a", "b", "c"):
        queue.add(item)
    queue.get()
    clock.advance(2)
    queue.get()
    clock.advance(1)
    queue.add("a")
    assert queue.statistics() == QueueStatistics(
        depth=2, processing=2, delayed=0, unfinished_work=4.0, longest_running=3.0
    )
    assert repr(queue) == "<Queue 'pods' 2 waiting 2 processing>"


def test_an_order_that_raises_leaves_the_queue_as_it_was() -> None:
    class Failing(TracingOrder):
        def push(self, item: str, /) -> None:
            if item == "bad":
                raise ValueError(item)
            super().push(item)

    queue = Queue(order=Failing())
    with pytest.raises(ValueError, match="bad"):
        queue.add("bad")
    queue.add("good")
    queue.done(queue.get())
    assert queue.shut_down_with_drain(timeout=0) is True
