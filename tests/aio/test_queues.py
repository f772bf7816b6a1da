"""A work queue on an event loop: each item once, in whichever task or thread, and nothing lost to a cancelled wait."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter

import pytest

from informers import aio
from informers.errors import ConfigurationError, StoppedError
from informers.testing.fake_clock import FakeClock
from informers.workqueue import DelayingQueue, ItemExponentialFailureRateLimiter, Queue, RateLimitingQueue
from tests.aio.looping import LIMIT, run, settle


def test_an_item_that_is_there_is_got_at_once_and_a_wait_ends_with_the_next() -> None:
    async def main() -> None:
        queue = Queue[str]()
        queue.add("a")
        assert await aio.get(queue) == "a"
        waiting = asyncio.create_task(aio.get(queue))
        await settle()
        assert not waiting.done()
        queue.add("b")
        assert await waiting == "b"
        assert not queue._waiters

    run(main)


def test_a_wait_ends_with_an_item_that_another_thread_adds() -> None:
    async def main() -> None:
        queue = Queue[str]()
        waiting = asyncio.create_task(aio.get(queue))
        await settle()
        thread = threading.Thread(target=queue.add, args=("a",))
        thread.start()
        assert await waiting == "a"
        thread.join(LIMIT)

    run(main)


def test_items_are_worked_on_until_the_queue_is_shut_down_and_empty() -> None:
    async def main() -> None:
        queue = RateLimitingQueue[str](ItemExponentialFailureRateLimiter(0.0, 0.0))
        got: list[str] = []

        async def work() -> None:
            async for item in aio.items(queue):
                got.append(item)
                if got.count(item) == 1:
                    queue.add_rate_limited(item)
                queue.done(item)

        working = asyncio.create_task(work())
        queue.add("a")
        queue.add("b")
        await settle()
        assert sorted(got) == ["a", "a", "b", "b"]
        queue.add("c")
        queue.shut_down()
        await working
        assert got[4:] == ["c"]

    run(main)


def test_a_delayed_item_comes_when_its_time_has_come_by_the_clock_of_the_queue() -> None:
    async def main() -> None:
        clock = FakeClock()
        queue = DelayingQueue[str](clock=clock)
        queue.add_after("later", 3600)
        waiting = [asyncio.create_task(aio.get(queue)) for _ in range(2)]
        await settle()
        queue.add_after("soon", 60)
        await settle()
        assert clock.next_deadline() == 60
        clock.advance(60)
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == ["soon"]
        await settle()
        assert clock.next_deadline() == 3600
        clock.advance(3540)
        assert sorted(await asyncio.gather(*waiting)) == ["later", "soon"]
        assert clock.next_deadline() is None

    run(main)


def test_a_delay_passes_on_the_clock_of_the_loop_where_the_queue_has_the_systems() -> None:
    async def main() -> None:
        queue = DelayingQueue[str]()
        queue.add_after("a", 0.01)
        assert await aio.get(queue) == "a"

    run(main)


def test_a_wait_gives_up_after_its_timeout() -> None:
    async def main() -> None:
        clock = FakeClock()
        queue = Queue[str](name="pods", clock=clock)
        with pytest.raises(TimeoutError):
            await aio.get(queue, timeout=0)
        waiting = asyncio.create_task(aio.get(queue, timeout=5))
        await settle()
        clock.advance(5)
        with pytest.raises(TimeoutError, match="no item in <Queue 'pods' 0 waiting 0 processing> within 5 s"):
            await waiting
        assert not queue._waiters
        assert clock.next_deadline() is None

    run(main)


@pytest.mark.parametrize("drop", [False, True])
def test_a_shut_down_ends_every_wait(drop: bool) -> None:
    async def main() -> None:
        queue = Queue[str]()
        waiting = [asyncio.create_task(aio.get(queue)) for _ in range(3)]
        await settle()
        queue.shut_down(drop=drop)
        for task in waiting:
            with pytest.raises(StoppedError):
                await task

    run(main)


def test_an_item_goes_to_the_next_where_the_one_that_was_woken_is_cancelled() -> None:
    async def main() -> None:
        queue = Queue[str]()
        first, second = (asyncio.create_task(aio.get(queue)) for _ in range(2))
        await settle()
        queue.add("a")
        first.cancel()
        assert await second == "a"
        await asyncio.wait({first})
        assert first.cancelled()
        assert not queue._waiters

    run(main)


def test_a_loop_that_is_left_leaves_nothing_behind() -> None:
    async def main() -> None:
        queue = Queue[str]()
        threads = threading.active_count()
        for number in range(10):
            queue.add(str(number))
            async for item in aio.items(queue):
                queue.done(item)
                break
        assert threading.active_count() == threads
        assert not queue._waiters

    run(main)


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/priorityqueue/priorityqueue_test.go",
    "TestFuzzPriorityQueue",
)
def test_tasks_and_threads_share_one_queue_and_each_item_comes_once_to_one_of_them() -> None:
    async def main() -> None:
        queue = Queue[int]()
        chance = random.Random(7)
        worked: Counter[int] = Counter()
        in_hand: set[int] = set()
        lock = threading.Lock()

        def begin(item: int) -> None:
            with lock:
                assert item not in in_hand, "two have the same item"
                in_hand.add(item)

        def end(item: int) -> None:
            with lock:
                in_hand.remove(item)
                worked[item] += 1
            queue.done(item)

        async def work() -> None:
            async for item in aio.items(queue):
                begin(item)
                await asyncio.sleep(0)
                end(item)

        def work_in_thread() -> None:
            for item in queue.items():
                begin(item)
                end(item)

        async def take_and_be_cancelled() -> None:
            while not queue.shutting_down:
                taking = asyncio.create_task(aio.get(queue))
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
                taking.cancel()
                await asyncio.wait({taking})
                if not taking.cancelled() and taking.exception() is None:
                    begin(taking.result())
                    end(taking.result())

        tasks = [asyncio.create_task(work()) for _ in range(5)] + [asyncio.create_task(take_and_be_cancelled())]
        threads = [threading.Thread(target=work_in_thread) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(500):
            queue.add(number, low_priority=chance.random() < 0.5)
            if number % 7 == 0:
                await asyncio.sleep(0)
        assert await asyncio.to_thread(queue.shut_down_with_drain, timeout=LIMIT)
        await asyncio.wait(tasks)
        for task in tasks:
            task.result()
        for thread in threads:
            thread.join(LIMIT)
        assert worked == Counter(range(500))

    run(main)


def test_a_loop_that_is_closed_while_it_waits_takes_no_item_along() -> None:
    queue = Queue[str]()
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(aio.get(queue))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    queue.add("a")
    assert queue.get(timeout=0) == "a"
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]  # it can't end any more, and must not complain
    coroutine = waiting.get_coro()
    assert coroutine is not None
    coroutine.close()


def test_what_is_not_a_queue_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match=r"expected a queue of informers\.workqueue: got Queue"):
            await aio.get(asyncio.Queue())  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="timeout must be None or not negative"):
            await aio.get(Queue[str](), timeout=-1)

    run(main)
