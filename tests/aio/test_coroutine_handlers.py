"""Coroutine functions as handlers: objects at the same time, each object in order, and nothing left over."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from contextvars import ContextVar
from typing import Any

import pytest

from informers import (
    ConfigurationError,
    SharedInformerFactory,
    aio,
    object_name,
)
from informers.kinds import core
from informers.testing import APIServer
from tests.aio.looping import LIMIT, config_map, config_maps, run, until

REQUEST: ContextVar[str] = ContextVar("REQUEST")


def test_handlers_are_coroutines_that_run_in_the_loop_and_events_of_an_object_come_in_order(
    server: APIServer,
) -> None:
    async def main() -> None:
        told: list[str] = []
        under_way = 0
        loop = asyncio.get_running_loop()

        async def tell(what: str, obj: Any) -> None:
            nonlocal under_way
            under_way += 1
            assert under_way == 1
            assert asyncio.get_running_loop() is loop
            await asyncio.sleep(0)
            told.append(f"{what} {object_name(obj)}")
            under_way -= 1

        async def on_add(obj: Any, is_in_initial_list: bool) -> None:
            await tell("initial" if is_in_initial_list else "add", obj)

        async def on_update(old: Any, new: Any) -> None:
            assert old.data != new.data
            await tell("update", new)

        server.create(config_map("a"))
        async with config_maps(server) as informer:
            registration = aio.add_event_handler(
                informer, on_add=on_add, on_update=on_update, on_delete=functools.partial(tell, "delete")
            )
            assert await aio.synced(registration, timeout=LIMIT)
            server.create(config_map("b"))
            server.patch(core.V1.config_maps, "b", {"data": {"k": "v"}})
            server.delete(core.V1.config_maps, "b")
            await until(lambda: len(told) == 4)
        assert told == ["initial default/a", "add default/b", "update default/b", "delete default/b"]

    run(main)


def test_different_objects_are_handled_at_the_same_time_without_a_thread_for_each(server: APIServer) -> None:
    async def main() -> None:
        go_on = asyncio.Event()
        under_way: list[str] = []
        ended: list[str] = []

        async def on_add(obj: Any) -> None:
            under_way.append(obj.metadata.name)
            await go_on.wait()
            ended.append(obj.metadata.name)

        names = [f"m{number}" for number in range(10)]
        for name in names:
            server.create(config_map(name))
        async with config_maps(server) as informer:
            await aio.synced(informer, timeout=LIMIT)
            before = set(threading.enumerate())
            registration = aio.add_event_handler(informer, on_add=on_add)
            await until(lambda: sorted(under_way) == names)
            assert len(set(threading.enumerate()) - before) == 1
            [health] = informer.health().handlers
            assert health.busy_with == f"default/{under_way[0]}"
            assert health.backlog >= 10
            assert not registration.has_synced
            go_on.set()
            assert await aio.synced(registration, timeout=LIMIT)
            assert sorted(ended) == names, "synced means that the calls for what was there are over"
            await until(lambda: registration.backlog == 0)
            assert informer.health().handlers[0].busy_with is None

    run(main)


def test_the_changes_of_an_object_wait_for_each_other_and_hold_up_no_other_object(server: APIServer) -> None:
    async def main() -> None:
        go_on = asyncio.Event()
        told: list[str] = []

        async def on_update(old: Any, new: Any) -> None:
            told.append(f"{new.metadata.name} {new.data['k']}")
            if new.metadata.name == "slow":
                await go_on.wait()

        for name in ("slow", "quick"):
            server.create(config_map(name))
        async with config_maps(server) as informer:
            registration = aio.add_event_handler(informer, on_update=on_update, workers=2)
            assert await aio.synced(registration, timeout=LIMIT)
            for number in range(20):
                server.patch(core.V1.config_maps, "slow", {"data": {"k": str(number)}})
            server.patch(core.V1.config_maps, "quick", {"data": {"k": "1"}})
            await until(lambda: "quick 1" in told)
            assert told == ["slow 0", "quick 1"]
            go_on.set()
            await until(lambda: len(told) == 21)
            assert [what for what in told if what.startswith("slow")] == [f"slow {number}" for number in range(20)]

    run(main)


@pytest.mark.parametrize("workers", [1, 3])
def test_there_are_so_many_calls_at_once_and_no_more(server: APIServer, workers: int) -> None:
    async def main() -> None:
        under_way, most, told = 0, 0, []

        async def on_add(obj: Any) -> None:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            told.append(obj.metadata.name)
            under_way -= 1

        names = [f"m{number:03}" for number in range(200)]
        for name in names:
            server.create(config_map(name))
        async with config_maps(server) as informer:
            await aio.synced(informer, timeout=LIMIT)
            registration = aio.add_event_handler(informer, on_add=on_add, workers=workers)
            assert await aio.synced(registration, timeout=LIMIT)
            assert most == workers
            assert told == names if workers == 1 else sorted(told) == names
            with pytest.raises(ConfigurationError, match="workers must be a whole number, 1 or more"):
                aio.add_event_handler(informer, on_add=on_add, workers=0)

    run(main)


def test_with_one_call_at_a_time_the_events_of_all_objects_come_in_their_order(server: APIServer) -> None:
    async def main() -> None:
        go_on = asyncio.Event()
        told: list[str] = []

        async def on_update(old: Any, new: Any) -> None:
            told.append(f"{new.metadata.name} {new.data['k']}")
            await go_on.wait()

        for name in "ab":
            server.create(config_map(name))
        async with config_maps(server) as informer:
            registration = aio.add_event_handler(informer, on_update=on_update, workers=1)
            assert await aio.synced(registration, timeout=LIMIT)
            expected: list[str] = []
            for name in "aaba":
                expected.append(f"{name} {len(expected)}")
                server.patch(core.V1.config_maps, name, {"data": {"k": expected[-1][2:]}})
            await until(lambda: registration.backlog == 4)
            go_on.set()
            await until(lambda: len(told) == 4)
            assert told == expected

    run(main)


def test_a_slow_handler_holds_up_its_own_events_and_nobody_else(server: APIServer) -> None:
    async def main() -> None:
        go_on = asyncio.Event()
        slow_told, quick_told = 0, 0

        async def slow(_obj: Any) -> None:
            nonlocal slow_told
            slow_told += 1
            await go_on.wait()

        async def quick(_obj: Any) -> None:
            nonlocal quick_told
            quick_told += 1

        for name in "abc":
            server.create(config_map(name))
        async with config_maps(server) as informer:
            registration = aio.add_event_handler(informer, on_add=slow, workers=1)
            aio.add_event_handler(informer, on_add=quick)
            await until(lambda: quick_told == 3 and slow_told == 1)
            assert registration.backlog >= 3
            go_on.set()
            await until(lambda: slow_told == 3)

    run(main)


def test_what_a_handler_raises_is_logged_and_counted_and_the_next_event_is_delivered(
    server: APIServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        told: list[str] = []

        async def on_add(obj: Any) -> None:
            told.append(obj.metadata.name)
            if obj.metadata.name == "a":
                raise ValueError("not this one")

        for name in "ab":
            server.create(config_map(name))
        async with config_maps(server) as informer:
            registration = aio.add_event_handler(informer, on_add=on_add)
            assert await aio.synced(registration, timeout=LIMIT)
            assert sorted(told) == ["a", "b"]
            [health] = informer.health().handlers
            assert health.failed == 1
            assert health.name.endswith("on_add")

    run(main)
    assert "not this one" in caplog.text
    assert "default/a" in caplog.text


def test_a_stop_cancels_the_call_under_way_and_waits_for_its_end(server: APIServer) -> None:
    async def main() -> None:
        began, cleaned_up = asyncio.Event(), False

        async def on_add(_obj: Any) -> None:
            nonlocal cleaned_up
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned_up = True

        server.create(config_map("a"))
        async with config_maps(server) as informer:
            aio.add_event_handler(informer, on_add=on_add)
            await began.wait()
        assert cleaned_up

    run(main)


def test_a_handler_that_is_removed_is_cancelled_and_receives_nothing_more(server: APIServer) -> None:
    async def main() -> None:
        calls: list[str] = []
        was_cancelled = asyncio.Event()

        async def on_add(obj: Any) -> None:
            calls.append(obj.metadata.name)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                was_cancelled.set()
                raise

        for name in "ab":
            server.create(config_map(name))
        async with config_maps(server) as informer:
            registration = aio.add_event_handler(informer, on_add=on_add, workers=1)
            await until(lambda: calls)
            informer.remove_event_handler(registration)
            await was_cancelled.wait()
            assert registration.join(LIMIT)
            assert len(calls) == 1
            assert informer.health().handlers == ()

    run(main)


def test_a_handler_sees_the_context_variables_of_its_adder_in_each_call_and_sets_its_own(server: APIServer) -> None:
    async def main() -> None:
        seen: list[str] = []

        async def on_add(obj: Any) -> None:
            seen.append(REQUEST.get())
            REQUEST.set(obj.metadata.name)
            await asyncio.sleep(0)
            seen.append(REQUEST.get())

        for name in "ab":
            server.create(config_map(name))
        async with config_maps(server) as informer:
            REQUEST.set("adder")
            registration = aio.add_event_handler(informer, on_add=on_add)
            REQUEST.set("later")
            assert await aio.synced(registration, timeout=LIMIT)
        assert sorted(seen) == ["a", "adder", "adder", "b"]

    run(main)


def test_a_handler_may_stop_its_own_factory(server: APIServer) -> None:
    async def main() -> None:
        stopped = asyncio.Event()

        async def on_add(_obj: Any) -> None:
            try:
                await aio.stop(factory)
            finally:
                stopped.set()

        server.create(config_map("a"))
        factory = SharedInformerFactory(server.client())
        aio.add_event_handler(factory.core.v1.config_maps.informer, on_add=on_add)
        factory.start()
        await stopped.wait()
        assert await aio.stop(factory)

    run(main)


def test_a_plain_stop_in_the_loop_does_not_wait_for_what_the_loop_must_do(server: APIServer) -> None:
    async def main() -> None:
        began = asyncio.Event()

        async def on_add(_obj: Any) -> None:
            began.set()
            await asyncio.Event().wait()

        server.create(config_map("a"))
        factory = SharedInformerFactory(server.client())
        aio.add_event_handler(factory.core.v1.config_maps.informer, on_add=on_add)
        factory.start()
        await began.wait()
        assert factory.stop(timeout=LIMIT)
        assert await aio.stop(factory)

    run(main)


def test_a_handler_that_was_cancelled_from_elsewhere_counts_as_failed_and_continues(server: APIServer) -> None:
    async def main() -> None:
        told: list[str] = []

        async def on_add(obj: Any) -> None:
            told.append(obj.metadata.name)
            if len(told) == 1:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                await asyncio.sleep(0)

        for name in "ab":
            server.create(config_map(name))
        async with config_maps(server) as informer:
            registration = aio.add_event_handler(informer, on_add=on_add)
            assert await aio.synced(registration, timeout=LIMIT)
            assert sorted(told) == ["a", "b"]
            assert informer.health().handlers[0].failed == 1

    run(main)


def test_a_loop_that_is_closed_under_a_handler_ends_it_with_a_word(
    server: APIServer, caplog: pytest.LogCaptureFixture
) -> None:
    factory = SharedInformerFactory(server.client())
    informer = factory.core.v1.config_maps.informer

    async def main() -> None:
        async def on_add(_obj: Any) -> None:
            pass

        aio.add_event_handler(informer, on_add=on_add)

    asyncio.run(main())
    server.create(config_map("a"))
    with factory:
        deadline = time.monotonic() + LIMIT
        while informer.health().handlers:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    assert caplog.text.count("event loop of a handler has been closed") == 1


def test_a_loop_that_is_closed_in_the_middle_of_a_call_ends_the_handler_with_the_next_event(server: APIServer) -> None:
    server.create(config_map("a"))
    factory = SharedInformerFactory(server.client())
    informer = factory.core.v1.config_maps.informer
    began = threading.Event()

    async def on_add(_obj: Any) -> None:
        began.set()
        await asyncio.Event().wait()

    async def add() -> None:
        aio.add_event_handler(informer, on_add=on_add)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(add())
    with factory:
        while not began.is_set():
            loop.run_until_complete(asyncio.sleep(0.001))
        tasks = asyncio.all_tasks(loop)
        loop.close()
        server.create(config_map("b"))
        deadline = time.monotonic() + LIMIT
        while informer.health().handlers:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    for task in tasks:
        # Nobody can end them any more; they must not complain of it.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        task.get_coro().close()
