"""Waiting on a loop for a write of one's own, and for a state of an object."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from informers import ConfigurationError, SharedInformer, Sight, Signal, StoppedError, WaitTimeoutError, aio
from informers.aio import AsyncStop
from informers.source.watch_events import Bookmark
from informers.testing import FakeClock, FakeSource
from tests.aio.looping import LIMIT, run, settle
from tests.cache.things import Obj, informer, obj, started

both_kinds_of_wait = pytest.mark.parametrize(
    "wait",
    [
        lambda made, **options: aio.wait_until(made, "shop/web-1", lambda found: found is not None, **options),
        lambda made, **options: aio.wait_until_seen(made, "99", namespace="shop", **options),
    ],
    ids=["until", "until seen"],
)
Wait = Callable[..., Any]


async def outcome(waiting: Awaitable[Any]) -> str:
    """Return what a wait gives or raises, as text."""
    try:
        return str(await waiting)
    except (StoppedError, WaitTimeoutError) as error:
        return str(error)


@both_kinds_of_wait
def test_a_wait_goes_by_the_clock_of_the_informer(source: FakeSource[Obj], wait: Wait) -> None:
    clock = FakeClock()

    async def main() -> None:
        with informer(source, clock=clock) as made:
            started(made)
            waiting = asyncio.create_task(outcome(wait(made, timeout=3600)))
            await settle()
            clock.advance(3600)
            assert "within 3600 s" in await waiting

    run(main)


def test_a_wait_for_a_state_ends_with_it_and_is_given_the_object(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    async def main() -> None:
        asked: list[Obj | None] = []
        loop = asyncio.get_running_loop()

        def is_there(found: Obj | None) -> bool:
            assert asyncio.get_running_loop() is loop
            asked.append(found)
            return found is not None

        waiting = asyncio.create_task(aio.wait_until(made, "shop/web-1", is_there, timeout=LIMIT))
        await settle()
        assert asked == [None]
        source.add(obj("shop/web-1"))
        found = await waiting
        assert found is not None
        assert found["metadata"]["name"] == "web-1"
        source.delete(obj("shop/web-1"))
        assert await aio.wait_until(made, "shop/web-1", lambda found: found is None, timeout=LIMIT) is None

    run(main)


def test_a_wait_for_a_write_ends_when_the_cache_has_reached_it(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    async def main() -> None:
        assert await aio.wait_until_seen(made, made.last_sync_resource_version, timeout=0)
        waiting = asyncio.create_task(aio.wait_until_seen(made, "99", timeout=LIMIT))
        await settle()
        assert not waiting.done()
        source.wait_for_watch().send(Bookmark("99"))
        assert (await waiting).sight is Sight.SEEN

    run(main)


def test_a_wait_in_vain_says_what_the_cache_shows(made: SharedInformer[Obj]) -> None:
    async def main() -> None:
        with pytest.raises(WaitTimeoutError, match=r"'shop/web-1' did not reach .* no such object in the cache"):
            await aio.wait_until(made, "shop/web-1", lambda found: found is not None, timeout=0.01)
        result = await aio.wait_until_seen(made, "99", timeout=0.01)
        assert not result
        assert str(result).startswith("not seen yet: not within 0.01 s; the cache is at version")

    run(main)


@both_kinds_of_wait
@pytest.mark.parametrize("make", [threading.Event, asyncio.Event, Signal])
def test_a_wait_ends_with_its_stop_of_whatever_kind(
    wait: Wait, make: Callable[[], Any], made: SharedInformer[Obj]
) -> None:
    async def main() -> None:
        stop = make()
        waiting = asyncio.create_task(wait(made, stop=stop))
        await settle()
        assert not waiting.done()
        stop.set()
        assert re.search("the wait .*was stopped", await outcome(waiting))

    run(main)


@both_kinds_of_wait
def test_a_wait_ends_when_the_informer_is_stopped(wait: Wait, made: SharedInformer[Obj]) -> None:
    async def main() -> None:
        waiting = asyncio.create_task(wait(made))
        await settle()
        assert await aio.stop(made)
        assert "the informer of things has been stopped" in await outcome(waiting)

    run(main)


@both_kinds_of_wait
def test_a_wait_that_is_cancelled_leaves_nothing_behind(wait: Wait, made: SharedInformer[Obj]) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        waiting = asyncio.create_task(wait(made, stop=stop, timeout=LIMIT))
        await settle()
        assert made._controller.observers.count > 0
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert made._controller.observers.count == 0

    run(main)


def test_what_the_predicate_raises_ends_the_wait(made: SharedInformer[Obj]) -> None:
    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await aio.wait_until(made, "shop/web-0", lambda _found: 1 / 0)

    run(main)


def test_a_stop_of_another_loop_is_not_waited_for_in_silence(made: SharedInformer[Obj]) -> None:
    stop = asyncio.Event()

    async def of_this_loop() -> None:
        waiting = asyncio.create_task(stop.wait())
        await settle()
        waiting.cancel()
        await asyncio.wait({waiting})

    async def main() -> None:
        with pytest.raises(RuntimeError, match="different event loop"):
            await aio.wait_until_seen(made, "99", stop=stop)

    run(of_this_loop)
    run(main)


def test_mistakes_are_said_at_the_call(made: SharedInformer[Obj]) -> None:
    class Half:
        async def wait(self) -> None: ...

    wrong: Any = Half()

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="stop must have the methods"):
            await aio.wait_until_seen(made, "99", stop=wrong)
        with pytest.raises(ConfigurationError, match="stop must have the methods"):
            await aio.synced(made, stop="now")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="timeout must be None or not negative"):
            await aio.wait_until_seen(made, "99", timeout=-1)
        with pytest.raises(ConfigurationError, match="expected an informer"):
            await aio.wait_until("pods", "shop/web-0", bool)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="predicate must be a function"):
            await aio.wait_until(made, "shop/web-0", None)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="predicate must be a plain function"):
            await aio.wait_until(made, "shop/web-0", lambda_of_a_coroutine)

    async def lambda_of_a_coroutine(_found: Any) -> bool:
        return True

    run(main)


def test_an_event_of_asyncio_is_a_stop_by_its_type() -> None:
    stop: AsyncStop = asyncio.Event()
    assert not stop.is_set()
