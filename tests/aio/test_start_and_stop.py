"""Starting, waiting and stopping on a loop: nothing blocks it, and every end is one at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
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
)
from informers.kinds import core
from informers.testing import APIServer, FakeClock, FakeSource
from tests.aio.looping import LIMIT, config_map, config_maps, run, settle, until
from tests.waiting import QUICK


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


def test_one_informer_is_released_while_the_loop_runs_and_its_calls_are_cancelled(server: APIServer) -> None:
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


def test_a_wait_reports_the_progress_of_lists_until_its_end(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("informers.cache.sync.PROGRESS_INTERVAL", 0.001)
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


def test_a_wait_goes_by_the_clock_that_it_is_given() -> None:
    clock, told = FakeClock(), list[SyncProgress]()

    async def main() -> None:
        never_started: SharedInformer[Any] = SharedInformer(FakeSource(), resource="things")
        waiting = asyncio.create_task(aio.synced(never_started, timeout=3600, progress=told.append, clock=clock))
        await settle()
        assert not told
        clock.advance(1)
        await settle()
        assert [now.seconds for now in told] == [1]
        clock.advance(3599)
        assert "not started" in str(await waiting)
        assert [now.seconds for now in told] == [1, 3600]

    run(main)


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
        wrong_kinds: tuple[Any, ...] = ("pods", factory.core.v1.config_maps)
        for other in wrong_kinds:
            for call in (aio.events, aio.add_event_handler):
                with pytest.raises(ConfigurationError, match="expected an informer"):
                    call(other)
            with pytest.raises(ConfigurationError, match="expected a factory, or an informer"):
                await aio.stop(other)
            with pytest.raises(ConfigurationError, match="expected a factory, or an informer"):
                await aio.running(other).__aenter__()
            with pytest.raises(ConfigurationError, match="expected a factory: got"):
                await aio.release(other, core.V1.config_maps)
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
