"""Running a test on a loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

__all__ = ["LIMIT", "run", "settle", "until"]

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
