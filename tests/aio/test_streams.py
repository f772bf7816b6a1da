"""Events for `async for`: bounded, nothing lost, and nothing left behind by a stream that is left."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import aclosing

import pytest

from informers import (
    SharedInformerFactory,
    aio,
    object_name,
)
from informers.kinds import core
from informers.testing import APIServer
from tests.aio.looping import LIMIT, config_map, config_maps, run, until


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
            before = set(threading.enumerate())
            for maxsize in (1, 100) * 5:
                # Full or not: its thread waits for room, or for events.
                async for _ in aio.events(informer, maxsize=maxsize):
                    break
            await until(lambda: not informer.health().handlers and before >= set(threading.enumerate()))

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
