"""What tests wait on: failures that were reported, and anything that a program can look at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import final

from informers import ReflectorOptions, WatchFailure
from informers.backoff import BackoffSettings

__all__ = ["QUICK", "Failures", "eventually"]

#: Short pauses after failures, since a test waits for what comes after them.
QUICK = ReflectorOptions(backoff=BackoffSettings(initial=0.01, maximum=0.02, jitter=0.0))


@final
class Failures:
    """A watch error handler that writes down what it is told, and can be waited for."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._told: list[WatchFailure] = []

    def __call__(self, failure: WatchFailure) -> None:
        with self._condition:
            self._told.append(failure)
            self._condition.notify_all()

    def clear(self) -> None:
        """Forget what it has been told."""
        with self._condition:
            self._told.clear()

    def wait_for(self, predicate: Callable[[WatchFailure], object], timeout: float = 10.0) -> WatchFailure:
        """Wait for a failure of which a predicate holds; return the last."""

        def found() -> list[WatchFailure]:
            return [failure for failure in self._told if predicate(failure)]

        with self._condition:
            assert self._condition.wait_for(found, timeout), [str(failure) for failure in self._told]
            return found()[-1]


def eventually(holds: Callable[[], object], *, timeout: float = 10.0) -> None:
    """Wait until something holds that nobody can be told of."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it never did"
        time.sleep(0.001)
