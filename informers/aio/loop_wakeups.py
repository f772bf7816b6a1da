"""A wait of a loop for several events: each of them wakes it; a timeout or a stop ends it.

Upstream: `select` over channels, and contexts.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, TypeAlias, final

from typing_extensions import Self, TypeVar, override

from informers._base.checks import check_stop
from informers._base.clock import SYSTEM_CLOCK, AlarmClock, Clock
from informers._base.signals import Signal
from informers._base.wakeups import LOOK, BaseWakeup, Stop, Waiting, keeping
from informers.errors import ConfigurationError

__all__ = ["AnyStop", "AsyncStop", "LoopWakeup", "check_any_stop"]

T = TypeVar("T")


class AsyncStop(Protocol):
    """Ends a wait of a loop once it is set: an `asyncio.Event`, or any object with these two methods."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...

    def wait(self) -> Awaitable[object]:
        """Wait until it is set."""
        ...


#: Ends a wait of a loop: a `threading.Event`, an `informers.Signal`, or an `asyncio.Event`.
AnyStop: TypeAlias = Stop | AsyncStop


def check_any_stop(stop: object) -> None:
    """Refuse an object that can't end a wait of a loop."""
    if _is_async(stop):
        if not callable(getattr(stop, "is_set", None)):
            raise ConfigurationError(
                f"stop must have the methods is_set() and wait(), as an asyncio.Event has: got {type(stop).__name__}"
            )
    else:
        check_stop(stop)


@final
class LoopWakeup(BaseWakeup):
    """Waits to be woken. Call `clear`, check the condition, and `wait` if it does not hold; then no event is missed.

    Args:
        timeout: seconds after which the wait ends; None for never.
        stop: ends the wait. A `Signal` or an `asyncio.Event` ends it at once, anything else within a twentieth of a
            second.
        clock: measures the timeout. Unless it is an `AlarmClock`, the loop's timers are used.

    Thread safety: `wake` may be called from any thread, the rest belongs to the loop.
    """

    def __init__(
        self, *, timeout: float | None = None, stop: AnyStop | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        super().__init__(timeout=timeout, is_set=None if stop is None else stop.is_set, clock=clock)
        self._loop = asyncio.get_running_loop()
        self._stop = stop
        self._waiting: asyncio.Future[None] | None = None
        self._withdraw: Callable[[], None] = lambda: None
        #: Awaits an asynchronous stop.
        self._watching: asyncio.Future[object] | None = None

    async def __aenter__(self) -> Self:
        if isinstance(self._stop, Signal):
            self._withdraw = self._stop.add_callback(self.wake)
        elif self._stop is not None and _is_async(self._stop) and not self._stop.is_set():
            self._watching = asyncio.ensure_future(_awaited(self._stop))
            self._watching.add_done_callback(lambda _: self._set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._withdraw()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    @override
    def wake(self) -> None:
        """End the present `wait`, or the next one."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._set)

    async def wait(self, at_most: float | None = None) -> bool:
        """Wait until woken, or for `at_most` seconds; return False on a timeout or a stop."""
        for seconds in self._rests(at_most):
            await self._rest(seconds)
        return not self.is_over

    async def run(self, wait: Waiting[T]) -> T:
        """Wait as often as a wait asks for it, and return what it returns."""
        returned: list[T] = []
        with contextlib.closing(keeping(wait, returned)) as rests:
            for seconds in rests:
                await self.wait(seconds)
        return returned[0]

    async def _rest(self, seconds: float | None) -> None:
        self._waiting = self._loop.create_future()
        cancels: list[Callable[[], object]] = []
        if seconds is not None:
            clock = self._clock
            later = clock.call_later if isinstance(clock, AlarmClock) else self._call_later
            cancels.append(later(seconds, self._end_rest))
        if self._stop is not None and self._watching is None and not isinstance(self._stop, Signal):
            # Real time, whatever the clock: no clock shows when this stop is set.
            cancels.append(self._call_later(LOOK, self._end_rest))
        try:
            await self._waiting
        finally:
            self._waiting = None
            for cancel in cancels:
                cancel()
        if self._watching is not None and self._watching.done():
            # A stop that can't be awaited, for example one of another loop, must not count as set.
            self._watching.result()

    def _call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        return self._loop.call_later(seconds, callback).cancel

    def _end_rest(self) -> None:
        """End the rest, but not the wait; may be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._finish)

    def _set(self) -> None:
        self._is_woken = True
        self._finish()

    def _finish(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _is_async(stop: object) -> bool:
    return inspect.iscoroutinefunction(getattr(stop, "wait", None))


async def _awaited(stop: AnyStop) -> object:
    waiting = stop.wait()
    return await waiting if inspect.isawaitable(waiting) else None
