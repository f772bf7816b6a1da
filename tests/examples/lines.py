"""What the monitor writes, for tests to wait for."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from monitor.report import Output, Report, logging_to
from network_monitor import Options, run
from typing_extensions import Self

from informers._base.signals import Signal

Event = dict[str, Any]


class Lines(io.StringIO):
    """A stream that can be waited on; a terminal if so asked."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self._condition = threading.Condition()

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        with self._condition:
            self._condition.notify_all()
            return super().write(text)

    def wait_for(self, predicate: Callable[[str], object], timeout: float = 10.0) -> str:
        with self._condition:
            assert self._condition.wait_for(lambda: predicate(self.getvalue()), timeout), self.getvalue()
            return self.getvalue()

    def events(self, *kinds: str) -> list[Event]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [event for event in found if not kinds or event["event"] in kinds]

    def wait_for_event(self, kind: str, **fields: Any) -> Event:
        """Wait for an event with these fields, and return it."""

        def matching() -> list[Event]:
            return [event for event in self.events(kind) if fields.items() <= event.items()]

        self.wait_for(lambda _: matching())
        return matching()[0]


@contextmanager
def reporting(lines: Lines, *, as_json: bool = True) -> Iterator[Report]:
    """A report that writes to `lines`."""
    with logging_to(Output(lines, as_json=as_json, on_broken_pipe=lambda: None)) as report:
        yield report


class Monitor:
    """The monitor, running in a thread."""

    def __init__(self, options: Options, *, is_terminal: bool = False) -> None:
        self.lines = Lines(is_terminal=is_terminal)
        self.stop = Signal()
        self.code: int | None = None
        self._options = options
        self._thread = threading.Thread(target=self._run, name="monitor")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(10)
        assert not self._thread.is_alive(), self.lines.getvalue()

    def _run(self) -> None:
        as_json = self._options.output == "json"
        output = Output(self.lines, as_json=as_json, on_broken_pipe=self.stop.set)
        with logging_to(output) as report:
            self.code = run(self._options, report, output, self.stop)
