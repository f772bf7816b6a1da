"""The informer on an event loop: nothing blocks the loop, nothing is lost or left over, every end is one at once."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from informers import (
    ConfigurationError,
    SharedInformer,
    SharedInformerFactory,
    Signal,
    StoppedError,
    SyncProgress,
    aio,
    object_name,
)
from informers.kinds import core
from informers.testing import APIServer
from tests.aio.looping import LIMIT, run, until
from tests.waiting import QUICK


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


REQUEST: ContextVar[str] = ContextVar("REQUEST")


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": data}


@asynccontextmanager
async def config_maps(server: APIServer, **options: Any) -> AsyncIterator[SharedInformer[Any]]:
    async with aio.running(SharedInformerFactory(server.client(), **options)) as factory:
        informer = factory.core.v1.config_maps.informer
        factory.start()
        yield informer


def test_a_factory_runs_while_the_block_does_and_is_waited_for(server: APIServer) -> None:
    server.create(config_map("m"))

    async def main() -> None:
        factory = SharedInformerFactory(server.client())
        maps = factory.core.v1.config_maps
        async with aio.running(factory) as entered:
            assert entered is factory
            assert await aio.synced(factory, timeout=LIMIT)
            assert [m.metadata.name for m in maps.lister.namespace("default").list()] == ["m"]
        assert maps.informer.is_stopped

    run(main)


def test_a_wait_that_runs_out_says_what_is_missing_and_lets_the_loop_run(server: APIServer) -> None:
    server.deny(core.V1.config_maps)

    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        async with config_maps(server, options=QUICK) as informer:
            await until(lambda: "403" in informer.health().reason)
            before = ticks
            result = await aio.synced(informer, timeout=0.05)
            assert "403" in str(result)
            assert ticks > before
            server.allow(core.V1.config_maps)
            assert await aio.synced(informer)
        ticking.cancel()
        await asyncio.wait({ticking})

    run(main)


def test_a_wait_ends_when_what_it_waits_for_is_stopped(server: APIServer) -> None:
    server.deny(core.V1.config_maps)

    async def main() -> None:
        async with config_maps(server) as informer:
            waiting = asyncio.create_task(aio.synced(informer))
            await asyncio.sleep(0)
            assert await aio.stop(informer)
            assert not await waiting

    run(main)


@pytest.mark.parametrize("make", [threading.Event, asyncio.Event, Signal])
def test_a_wait_ends_with_its_stop_and_says_what_is_missing(server: APIServer, make: Callable[[], Any]) -> None:
    server.deny(core.V1.config_maps)

    async def main() -> None:
        async with config_maps(server, options=QUICK) as informer:
            await until(lambda: "403" in informer.health().reason)
            stop = make()
            waiting = asyncio.create_task(aio.synced(informer, stop=stop))
            await asyncio.sleep(0)
            stop.set()
            result = await waiting
            assert not result
            assert "403" in str(result)
            assert not await aio.synced(informer, stop=stop), "a stop that is set already ends it at once"

    run(main)


def test_a_namespace_that_is_added_is_waited_for_alone_and_with_its_factory(server: APIServer) -> None:
    async def main() -> None:
        for namespace in ("default", "shop"):
            server.create({**config_map("m"), "metadata": {"name": "m", "namespace": namespace}})
        factory = SharedInformerFactory(server.client(), namespace=["default"], options=QUICK)
        maps = factory.core.v1.config_maps
        async with aio.running(factory):
            assert await aio.synced(factory, timeout=LIMIT)
            server.deny(core.V1.config_maps)
            added = factory.add_namespace("shop")
            for what in (added, factory):
                result = await aio.synced(what, timeout=0.01)
                assert not result
                assert "shop" in str(result)
            server.allow(core.V1.config_maps)
            assert await aio.synced(added, timeout=LIMIT)
            assert await aio.synced(factory, timeout=LIMIT)
            assert len(maps.lister.namespace("shop").list()) == 1
        nowhere = SharedInformerFactory(server.client(), namespace=["default"]).add_namespace("shop")
        assert "nothing follows it" in str(await aio.synced(nowhere, timeout=0))

    run(main)


def test_one_informer_is_let_go_while_the_loop_runs_and_its_calls_are_cancelled(server: APIServer) -> None:
    async def main() -> None:
        began, cleaned_up, ticks = asyncio.Event(), False, 0

        async def on_add(_obj: Any) -> None:
            nonlocal cleaned_up
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned_up = True

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        server.create(config_map("a"))
        async with aio.running(SharedInformerFactory(server.client())) as factory:
            maps = factory.core.v1.config_maps
            aio.add_event_handler(maps.informer, on_add=on_add)
            factory.start()
            await began.wait()
            ticking = asyncio.create_task(tick())
            before = ticks
            assert await aio.release(factory, maps.resource)
            assert ticks > before
            assert maps.informer.is_stopped
            assert cleaned_up
            assert not await aio.release(factory, maps.resource)
            with pytest.raises(ConfigurationError, match=r"release\(\) takes a resource"):
                await aio.release(factory, "pods")  # type: ignore[arg-type]
            ticking.cancel()
            await asyncio.wait({ticking})

    run(main)


def test_an_informer_that_was_never_started_is_not_waited_for(server: APIServer) -> None:
    async def main() -> None:
        factory = SharedInformerFactory(server.client())
        _ = factory.core.v1.config_maps
        assert "not started" in str(await aio.synced(factory))

    run(main)


def test_a_wait_tells_how_far_the_lists_are_while_it_goes_on_and_at_its_end(
    server: APIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("informers.aio.lifecycle.PROGRESS_INTERVAL", 0.001)
    server.create(config_map("m"))
    server.deny(core.V1.config_maps)
    told: list[SyncProgress] = []

    def progress(now: SyncProgress) -> None:
        told.append(now)
        if len(told) == 3:
            server.allow(core.V1.config_maps)

    async def main() -> None:
        async with aio.running(SharedInformerFactory(server.client(), options=QUICK)) as factory:
            _ = factory.core.v1.config_maps
            factory.start()
            assert await aio.synced(factory, timeout=LIMIT, progress=progress)
            # The next one finds everything done, and says so once.
            before = len(told)
            assert await aio.synced(factory, timeout=LIMIT, progress=progress)
            assert len(told) == before + 1

    run(main)
    assert [now.is_synced for now in told[:3]] == [False, False, False]
    assert told[0].seconds < told[1].seconds
    assert str(told[-1]).endswith("1 of 1 synced after 0 s: configmaps: synced, 1 objects")


def test_what_the_progress_raises_ends_the_wait(server: APIServer) -> None:
    def progress(_: SyncProgress) -> None:
        raise RuntimeError("no screen")

    async def main() -> None:
        async with config_maps(server) as informer:
            with pytest.raises(RuntimeError, match="no screen"):
                await aio.synced(informer, progress=progress)

    run(main)


def test_a_wait_may_be_cancelled(server: APIServer) -> None:
    server.deny(core.V1.config_maps)

    async def main() -> None:
        async with config_maps(server, options=QUICK) as informer:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(aio.synced(informer), 0.01)

    run(main)


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
            threads = threading.active_count()
            registration = aio.add_event_handler(informer, on_add=on_add)
            await until(lambda: sorted(under_way) == names)
            assert threading.active_count() == threads + 1
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


def test_what_a_handler_raises_is_logged_and_counted_and_the_next_event_goes_on(
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


def test_a_handler_that_is_removed_is_cancelled_and_told_nothing_more(server: APIServer) -> None:
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


def test_a_handler_that_was_cancelled_from_elsewhere_counts_as_failed_and_goes_on(server: APIServer) -> None:
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


def test_events_are_streamed_as_values(server: APIServer) -> None:
    async def main() -> None:
        server.create(config_map("a"))
        seen: list[str] = []
        async with config_maps(server) as informer, aclosing(aio.events(informer)) as stream:
            async for event in stream:
                assert event.key.startswith("default/")
                if isinstance(event, aio.Added):
                    seen.append(f"added {event.key} {event.is_in_initial_list}")
                    if event.key == "default/a":
                        server.create(config_map("b"))
                    else:
                        server.patch(core.V1.config_maps, "b", {"data": {"k": "v"}})
                elif isinstance(event, aio.Updated):
                    seen.append(f"updated {event.key} {event.old.data} {event.new.data}")
                    server.delete(core.V1.config_maps, "b")
                else:
                    assert event.obj is not None
                    seen.append(f"deleted {event.key} {event.obj.data} {event.is_tombstone}")
                    break
        assert seen == [
            "added default/a True",
            "added default/b False",
            "updated default/b {} {'k': 'v'}",
            "deleted default/b {'k': 'v'} False",
        ]

    run(main)


def test_a_missed_deletion_is_streamed_as_a_tombstone(server: APIServer) -> None:
    async def main() -> None:
        server.create(config_map("a"))
        async with config_maps(server, namespace=["default"]) as informer, aclosing(aio.events(informer)) as stream:
            await stream.__anext__()
            informer.remove_namespace("default")
            event = await stream.__anext__()
            assert isinstance(event, aio.Deleted)
            assert (event.key, event.is_tombstone) == ("default/a", True)

    run(main)


def test_a_stream_holds_no_more_than_its_bound_and_loses_nothing(server: APIServer) -> None:
    async def main() -> None:
        names = [f"m{number:03}" for number in range(100)]
        for name in names:
            server.create(config_map(name))
        async with config_maps(server) as informer, aclosing(aio.events(informer, maxsize=3)) as stream:
            seen = [object_name((await stream.__anext__()).obj).name]  # type: ignore[union-attr] # all are adds
            # One was taken, three wait, and the handler has the next in its hands.
            await until(lambda: [health.delivered for health in informer.health().handlers] == [4])
            for _ in range(3):
                await asyncio.sleep(0)
            assert informer.health().handlers[0].delivered == 4
            async for event in stream:
                seen.append(object_name(event.obj).name)  # type: ignore[union-attr]
                if len(seen) == len(names):
                    break
        assert sorted(seen) == names

    run(main)


def test_a_stream_ends_when_its_informer_is_stopped(server: APIServer) -> None:
    async def main() -> None:
        async with config_maps(server) as informer:
            stream = aio.events(informer)

            async def consume() -> int:
                return len([event async for event in stream])

            consuming = asyncio.create_task(consume())
            await until(lambda: informer.health().handlers)
            await aio.stop(informer)
            assert await consuming == 0

    run(main)


def test_a_stop_does_not_wait_for_a_stream_that_nobody_reads(server: APIServer) -> None:
    async def main() -> None:
        for number in range(10):
            server.create(config_map(f"m{number}"))
        async with config_maps(server) as informer, aclosing(aio.events(informer, maxsize=1)) as stream:
            await stream.__anext__()
            await until(lambda: [health.delivered for health in informer.health().handlers] == [2])
            assert await aio.stop(informer, timeout=LIMIT)
            # What was handed over is still there.
            assert len([event async for event in stream]) == 1

    run(main)


def test_a_stream_whose_reader_is_cancelled_leaves_no_handler(server: APIServer) -> None:
    async def main() -> None:
        async with config_maps(server) as informer:

            async def consume() -> None:
                async with aclosing(aio.events(informer)) as stream:
                    async for _ in stream:
                        pass

            consuming = asyncio.create_task(consume())
            await until(lambda: informer.health().handlers)
            consuming.cancel()
            await asyncio.wait({consuming})
            assert consuming.cancelled()
            assert informer.health().handlers == ()

    run(main)


def test_a_stream_loses_nothing_when_a_wait_for_its_next_event_is_cancelled(server: APIServer) -> None:
    async def main() -> None:
        async with config_maps(server) as informer, aclosing(aio.events(informer)) as stream:
            waiting = asyncio.ensure_future(stream.__anext__())
            await until(lambda: informer.health().handlers)
            with pytest.raises(RuntimeError, match="one reader"):
                await stream.__anext__()
            waiting.cancel()
            await asyncio.wait({waiting})
            for number in range(200):
                server.create(config_map(f"m{number:03}"))
            keys: list[str] = []
            while len(keys) < 200:
                # Cancelled at each wait that there is, also those that only let others run.
                reading = asyncio.ensure_future(stream.__anext__())
                await asyncio.sleep(0)
                reading.cancel()
                await asyncio.wait({reading})
                if not reading.cancelled():
                    keys.append(reading.result().key)
            assert keys == [f"default/m{number:03}" for number in range(200)]

    run(main)


def test_a_stream_that_was_thrown_away_leaves_neither_handler_nor_thread_though_nothing_happens(
    server: APIServer,
) -> None:
    async def main() -> None:
        for name in "abc":
            server.create(config_map(name))
        async with config_maps(server) as informer:
            await aio.synced(informer, timeout=LIMIT)
            threads = threading.active_count()
            for maxsize in (1, 100) * 5:
                # Full or not: its thread waits for room, or for events.
                async for _ in aio.events(informer, maxsize=maxsize):
                    break
            await until(lambda: not informer.health().handlers and threading.active_count() == threads)

    run(main)


def test_a_stream_that_is_still_held_when_its_loop_ends_leaves_neither_handler_nor_thread(server: APIServer) -> None:
    server.create(config_map("a"))
    with SharedInformerFactory(server.client()) as factory:
        informer = factory.core.v1.config_maps.informer
        stream = aio.events(informer)
        factory.start()

        async def main() -> None:
            await anext(stream)

        asyncio.run(main())
        assert informer.health().handlers == ()


def test_a_loop_that_is_closed_under_a_stream_that_is_full_ends_it(server: APIServer) -> None:
    for name in "abc":
        server.create(config_map(name))
    informer = SharedInformerFactory(server.client()).core.v1.config_maps.informer
    stream = aio.events(informer, maxsize=1)
    informer.start()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(stream.__anext__())
    loop.close()
    deadline = time.monotonic() + LIMIT
    while informer.health().handlers:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    informer.stop()


def test_a_stream_lets_others_run_however_many_events_wait(server: APIServer) -> None:
    async def main() -> None:
        for number in range(200):
            server.create(config_map(f"m{number}"))
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(others())
        async with config_maps(server) as informer, aclosing(aio.events(informer, maxsize=1000)) as stream:
            await stream.__anext__()
            await until(lambda: [health.backlog for health in informer.health().handlers] == [0])
            before = turns
            for _ in range(199):
                await stream.__anext__()
            assert turns > before
        other.cancel()
        await asyncio.wait({other})

    run(main)


def test_listers_are_read_as_they_are(server: APIServer) -> None:
    server.create(config_map("a"))

    async def main() -> None:
        async with aio.running(SharedInformerFactory(server.client())) as factory:
            maps = factory.core.v1.config_maps
            factory.start()
            assert await aio.synced(maps.informer, timeout=LIMIT)
            assert maps.lister.namespace("default").get("a").metadata.name == "a"

    run(main)


def test_mistakes_are_said_at_the_call(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    informer = factory.core.v1.config_maps.informer

    async def two(_old: Any, _new: Any) -> None: ...

    async def main() -> None:
        for plain in (print, lambda obj: two(obj, obj)):
            with pytest.raises(ConfigurationError, match="on_add must be a coroutine function"):
                aio.add_event_handler(informer, on_add=plain)
        with pytest.raises(ConfigurationError, match=r"on_delete must be a function of \(obj\)"):
            aio.add_event_handler(informer, on_delete=two)  # type: ignore[arg-type]
        for wrong in (0, -1, 1.5, True):
            with pytest.raises(ConfigurationError, match="maxsize must be"):
                aio.events(informer, maxsize=wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="resync_period must be a number of seconds"):
            aio.events(informer, resync_period=-1)
        with pytest.raises(ConfigurationError, match="expected an informer"):
            aio.events(factory)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="expected informers or registrations"):
            await aio.synced("pods")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="progress must be a function"):
            await aio.synced(informer, progress="yes")  # type: ignore[arg-type]
        factory.stop()
        with pytest.raises(StoppedError):
            aio.add_event_handler(informer, on_update=two)
        with pytest.raises(StoppedError):
            await aio.events(informer).__anext__()

    run(main)
    with pytest.raises(RuntimeError, match="no running event loop"):
        aio.add_event_handler(informer, on_update=two)
