"""Runs an example in a thread, until a test is through with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from informers import Signal

__all__ = ["Said", "in_background"]


@contextmanager
def in_background(run: Callable[[Signal], object]) -> Iterator[None]:
    """Call `run` in a thread, with a flag that is set at the end; what it raises is raised here."""
    stop = Signal()
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            run(stop)
        except BaseException as error:  # noqa: BLE001  it is raised where the test sees it
            errors.append(error)

    thread = threading.Thread(target=guarded, name="example")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


class Said:
    """What an example says, line by line; can be waited for."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        with self._condition:
            self.lines.append(line)
            self._condition.notify_all()

    def wait_for(self, part: str, timeout: float = 10.0) -> None:
        """Wait until a line with this in it has been said."""
        with self._condition:
            assert self._condition.wait_for(lambda: any(part in line for line in self.lines), timeout), self.lines
