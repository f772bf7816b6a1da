"""Running a test on a loop, with an informer of ConfigMaps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from informers import SharedInformer, SharedInformerFactory, aio
from informers.testing import APIServer

__all__ = ["LIMIT", "config_map", "config_maps", "run", "settle", "until"]

#: Seconds that something may take that takes a moment.
LIMIT = 10.0


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine; nothing of its tasks may be left."""

    async def whole() -> None:
        await asyncio.wait_for(main(), 2 * LIMIT)
        assert asyncio.all_tasks() - {asyncio.current_task()} == set()

    asyncio.run(whole())


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def until(holds: Callable[[], object]) -> None:
    """Wait, letting the loop run, until something holds."""
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline, "it never did"
        await asyncio.sleep(0.001)


def config_map(name: str, **data: str) -> dict[str, Any]:
    """Make a ConfigMap."""
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": data}


@asynccontextmanager
async def config_maps(server: APIServer, **options: Any) -> AsyncIterator[SharedInformer[Any]]:
    """Run an informer of ConfigMaps."""
    async with aio.running(SharedInformerFactory(server.client(), **options)) as factory:
        informer = factory.core.v1.config_maps.informer
        factory.start()
        yield informer
