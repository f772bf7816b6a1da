"""A wait for several events: each of them wakes it; a timeout or a stop ends it.

Upstream: `select` over channels, and contexts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Protocol, TypeAlias, final

from typing_extensions import Self, TypeVar, override

from informers._base.clock import Clock
from informers._base.forks import new_condition
from informers._base.signals import Signal

__all__ = ["LOOK", "BaseWakeup", "Stop", "Waiting", "Wakeup"]

T = TypeVar("T")

#: Seconds between two looks at a stop that can't call back.
LOOK = 0.05

#: A wait without a thread or a loop: yields when it has to wait, receives whether to go on, and returns its result.
Waiting: TypeAlias = Generator[None, bool, T]


class Stop(Protocol):
    """Ends a wait once it is set: a `threading.Event`, a `Signal`, or any object with these two methods."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...

    def wait(self, timeout: float | None = None) -> object:
        """Wait until it is set, at most `timeout` seconds."""
        ...


class BaseWakeup(ABC):
    """What a wait is, whatever waits: when it has been woken, when its time is over, and when it is stopped."""

    def __init__(self, *, timeout: float | None, is_set: Callable[[], bool] | None, clock: Clock) -> None:
        self._clock = clock
        self._is_set = is_set
        self._deadline = None if timeout is None else clock.monotonic() + timeout
        self._is_woken = False

    @property
    def is_stopped(self) -> bool:
        """Whether the stop is set."""
        return self._is_set is not None and self._is_set()

    @property
    def is_late(self) -> bool:
        """Whether the timeout has passed."""
        return self._deadline is not None and self._clock.monotonic() >= self._deadline

    def clear(self) -> None:
        """Forget earlier calls of `wake`."""
        self._is_woken = False

    @abstractmethod
    def wake(self) -> None:
        """End the present wait, or the next one."""

    def _rests(self, at_most: float | None) -> Iterator[float | None]:
        """Iterate over the seconds of each rest, None for any time, until the wait is over."""
        look = None if at_most is None else self._clock.monotonic() + at_most
        ends = [end for end in (look, self._deadline) if end is not None]
        while not (self._is_woken or self.is_stopped or self.is_late):
            now = self._clock.monotonic()
            if look is not None and now >= look:
                break
            yield min(ends) - now if ends else None


@final
class Wakeup(BaseWakeup):
    """Waits to be woken. Call `clear`, check the condition, and `wait` if it does not hold; then no event is missed.

    Args:
        timeout: seconds after which the wait ends; None for never.
        stop: ends the wait: a `Signal` at once, anything else within a twentieth of a second.

    Thread safety: `wake` may be called from any thread, the rest only from the waiting thread.
    """

    def __init__(self, *, timeout: float | None, stop: Stop | None, clock: Clock) -> None:
        super().__init__(timeout=timeout, is_set=None if stop is None else stop.is_set, clock=clock)
        self._condition = new_condition()
        self._calls_back = stop is None or isinstance(stop, Signal)
        self._withdraw = stop.add_callback(self.wake) if isinstance(stop, Signal) else lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._withdraw()

    @override
    def wake(self) -> None:
        """End the present `wait`, or the next one."""
        with self._condition:
            self._is_woken = True
            self._condition.notify_all()

    def wait(self, at_most: float | None = None) -> bool:
        """Wait until woken, or for `at_most` seconds; return False on a timeout or a stop."""
        with self._condition:
            for seconds in self._rests(at_most):
                if self._calls_back:
                    self._clock.wait(self._condition, seconds)
                else:
                    # A short pause of real time, whatever the clock: no clock shows when this stop is set.
                    self._condition.wait(LOOK if seconds is None else min(LOOK, seconds))
        return not (self.is_stopped or self.is_late)

    def run(self, wait: Waiting[T]) -> T:
        """Wait in this thread as often as a wait asks for it, and return what it returns."""
        try:
            next(wait)
            while True:
                wait.send(self.wait())
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            wait.close()
