"""What a loop does for n waits or events grows with n: eight times as many take some eight times as long."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from informers import SharedInformer, aio
from informers.testing import FakeSource
from informers.workqueue import Queue
from tests.aio.looping import settle, until

#: Of these, and of eight times as many.
N = 300
#: Sixty-four is what a square would take.
LIMIT = 24


async def one_after_the_other(count: int) -> None:
    queue = Queue[int]()
    for item in range(count):
        queue.add(item)
    queue.shut_down()
    async for item in aio.items(queue):
        queue.done(item)


async def all_wait(count: int) -> None:
    queue = Queue[int]()
    waiting = [asyncio.create_task(aio.get(queue)) for _ in range(count)]
    await settle()
    for item in range(count):
        queue.add(item)
    await asyncio.gather(*waiting)


async def all_are_cancelled(count: int) -> None:
    queue = Queue[int]()
    waiting = [asyncio.create_task(aio.get(queue)) for _ in range(count)]
    await settle()
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert not queue._waiters


async def many_objects(count: int) -> None:
    source: FakeSource[Any] = FakeSource()
    for number in range(count):
        source.add({"metadata": {"name": f"m{number}"}})
    told = await handled(source, lambda: None)
    assert len(told) == count


async def many_changes_of_one_object(count: int) -> None:
    source: FakeSource[Any] = FakeSource()
    source.add({"metadata": {"name": "m"}})

    def change() -> None:
        for number in range(count - 1):
            source.modify({"metadata": {"name": "m"}, "data": number})

    told = await handled(source, change)
    assert len(told) == count


async def handled(source: FakeSource[Any], change: Callable[[], None]) -> list[Any]:
    """Have a coroutine handler called with what is there and what changes, until it has had all."""
    informer: SharedInformer[Any] = SharedInformer(source)
    told: list[Any] = []

    async def on_add(obj: Any) -> None:
        await asyncio.sleep(0)
        told.append(obj)

    async def on_update(_old: Any, new: Any) -> None:
        await on_add(new)

    registration = aio.add_event_handler(informer, on_add=on_add, on_update=on_update)
    informer.start()
    assert await aio.synced(informer, registration, timeout=30)
    change()
    last = source.resource_version
    assert await aio.wait_until_seen(informer, last, timeout=30)
    await until(lambda: registration.backlog == 0)
    await aio.stop(informer)
    return told


@pytest.fixture(autouse=True)
def without_the_collector() -> Iterator[None]:
    """The collector's runs grow with all that the whole process holds."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def seconds(work: Callable[[int], Coroutine[Any, Any, None]], count: int) -> float:
    begin = time.process_time()
    asyncio.run(work(count))
    return time.process_time() - begin


@pytest.mark.parametrize(
    "work", [one_after_the_other, all_wait, all_are_cancelled, many_objects, many_changes_of_one_object]
)
def test_what_a_loop_does_for_waits_and_events_grows_with_their_number(
    work: Callable[[int], Coroutine[Any, Any, None]],
) -> None:
    few = min(seconds(work, N) for _ in range(4))
    many = min(seconds(work, 8 * N) for _ in range(2))
    assert many < LIMIT * few
