"""A wait for several events: each of them wakes it; a timeout or a stop ends it.

Upstream: `select` over channels, and contexts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from types import TracebackType
from typing import Protocol, TypeAlias, final

from typing_extensions import Self, TypeVar, override

from informers._base.clock import Clock
from informers._base.forks import new_condition
from informers._base.signals import Signal

__all__ = ["LOOK", "BaseWakeup", "Stop", "Subscribe", "Waiting", "Wakeup", "keeping"]

T = TypeVar("T")

#: Seconds between two looks at a stop that can't call back.
LOOK = 0.05

#: A wait that a thread or a loop runs. It yields the most seconds to sleep (None: no limit), and goes on when its
#: wakeup was woken, or when they have passed. It returns its result.
Waiting: TypeAlias = Generator[float | None, None, T]

#: Takes a function that is called when a condition may hold; returns a function that ends the calls.
Subscribe: TypeAlias = Callable[[Callable[[], object]], Callable[[], None]]


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

    @property
    def is_over(self) -> bool:
        """Whether the wait is stopped, or its timeout has passed."""
        return self.is_stopped or self.is_late

    def clear(self) -> None:
        """Forget earlier calls of `wake`."""
        self._is_woken = False

    @abstractmethod
    def wake(self) -> None:
        """End the present wait, or the next one."""

    def until(
        self, test: Callable[[], T], subscribes: Iterable[Subscribe], look: Callable[[], float | None] = lambda: None
    ) -> Waiting[T]:
        """Wait until a test returns something true, or this wait is over; returns what the last test returned.

        Args:
            test: called at first, and after each wake-up.
            subscribes: each has `wake` called when the test may return something else.
            look: called before each wait; returns the most seconds, None for any.
        """
        withdrawals = [subscribe(self.wake) for subscribe in subscribes]
        try:
            self.clear()
            while not (result := test()):
                yield look()
                if self.is_over:
                    break
                self.clear()
            return result
        finally:
            for withdraw in withdrawals:
                withdraw()

    def _rests(self, at_most: float | None) -> Iterator[float | None]:
        """Iterate over the seconds of each rest, None for any time, until the wait is over."""
        look = None if at_most is None else self._clock.monotonic() + at_most
        ends = [end for end in (look, self._deadline) if end is not None]
        while not (self._is_woken or self.is_over):
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
        return not self.is_over

    def run(self, wait: Waiting[T]) -> T:
        """Wait in this thread as often as a wait asks for it, and return what it returns."""
        returned: list[T] = []
        with closing(keeping(wait, returned)) as rests:
            for seconds in rests:
                self.wait(seconds)
        return returned[0]


def keeping(wait: Waiting[T], returned: list[T]) -> Waiting[None]:
    """Wait as `wait` does; what that returns, which a `for` loop would drop, is kept in a list."""
    returned.append((yield from wait))
