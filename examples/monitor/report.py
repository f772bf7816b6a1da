"""What the monitor says: a line for each event, for people or for machines.

Everything goes through `logging`, so that the lines of the library and of the official client have the same form.
As JSON each line is an object with the keys `time`, `level`, `event`, `message`, and those of its event.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import textwrap
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TextIO, final

import attrs

from informers import NextStep, PartProgress, SyncProgress, WatchFailure
from informers.errors import escaped

__all__ = ["Output", "Report", "logging_to"]

_RESET = "\x1b[0m"
_RED, _GREEN, _YELLOW, _CYAN, _DIM = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[2m"
_COLOURS: Mapping[str, str] = {
    "pod_added": _GREEN,
    "pod_updated": _YELLOW,
    "pod_deleted": _RED,
    "pod_policies": _CYAN,
    "policy_added": _GREEN,
    "policy_updated": _YELLOW,
    "policy_deleted": _RED,
    "step": _DIM,
    "demo": _DIM,
}


@final
@attrs.frozen
class Report:
    """Says what happened, as records of a logger.

    Thread safety: that of `logging`.
    """

    log: logging.Logger

    def say(
        self, event: str, text: str, fields: Mapping[str, object] | None = None, *, level: int = logging.INFO
    ) -> None:
        """Say that something happened.

        Args:
            event: what it was, for example `pod_added`.
            text: for people.
            fields: for machines: the same keys for each event of a kind.
            level: how bad it is.
        """
        self.log.log(level, "%s", text, extra={"event": event, "fields": dict(fields or {})})

    def step(self, name: str, text: str) -> None:
        """Say how far the monitor itself is, from `factory` to `stopped`."""
        self.say("step", text, {"step": name})

    def error(self, text: str, fields: Mapping[str, object] | None = None) -> None:
        """Say that something is wrong."""
        self.say("error", text, fields, level=logging.ERROR)

    def failure(self, failure: WatchFailure) -> None:
        """Say that a list or a watch failed, and what happens next: the factory's `watch_error_handler`."""
        goes_on = failure.next_step is NextStep.GO_ON
        self.say(
            "object_set_aside" if goes_on else "watch_failed",
            str(failure),
            {
                "resource": failure.resource,
                "key": failure.key,
                "error": str(failure.error),
                "next_step": failure.next_step.value,
                "delay": round(failure.delay, 3),
            },
            level=logging.ERROR if goes_on else logging.WARNING,
        )


@final
class Output(logging.Handler):
    """Writes records to a stream, and a progress bar below them if it is a terminal.

    Args:
        stream: for example `sys.stdout`.
        as_json: whether to write JSON.
        on_broken_pipe: called when the reader is gone (`| head`), or the stream cannot be written.
    """

    def __init__(self, stream: TextIO, *, as_json: bool, on_broken_pipe: Callable[[], None]) -> None:
        super().__init__()
        self._stream = stream
        self._as_json = as_json
        self._on_broken_pipe = on_broken_pipe
        self._is_terminal = stream.isatty() and not as_json
        self._has_colour = self._is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._has_bar = self._is_terminal and os.environ.get("TERM") != "dumb"
        self._bar = ""
        #: The time of the latest line: two threads may log in another order than they read the clock.
        self._latest = 0.0
        #: Whether the reader is gone, or the stream cannot be written.
        self.is_broken = False
        #: Why the stream cannot be written; empty where the reader is gone.
        self.problem = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._latest = record.created = max(self._latest, record.created)
        self._write((_json if self._as_json else self._text)(record) + "\n", "")

    def progress(self, progress: SyncProgress) -> None:
        """Draw how far the first lists are; nothing unless on a terminal."""
        if not self._has_bar:
            return
        done = sum(part.synced for part in progress.parts)
        width = 24
        filled = int(width * sum(map(_share, progress.parts)) / len(progress.parts))
        bar = "#" * filled + "-" * (width - filled)
        counts = ", ".join(map(str, progress.parts))
        with self._locked():
            # A line that is drawn over itself must fit: "clear to the end of the line" clears one row.
            line = f"[{bar}] {done} of {len(progress.parts)} caches: {counts}"
            self._write("", line[: shutil.get_terminal_size().columns - 1])

    def end_progress(self) -> None:
        """Take the progress bar away."""
        with self._locked():
            if self._bar:
                self._write("", "")

    def _write(self, text: str, bar: str) -> None:
        if self.is_broken:
            return
        # The bar is the last line, without an end: go back, clear it, and write in its place.
        erased = "\r\x1b[K" if self._bar else ""
        self._bar = bar
        try:
            self._stream.write(erased + text + bar)
            self._stream.flush()
        except OSError as problem:
            self.is_broken = True
            if not isinstance(problem, BrokenPipeError):
                self.problem = problem.strerror or str(problem)
            self._on_broken_pipe()

    @contextmanager
    def _locked(self) -> Generator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _text(self, record: logging.LogRecord) -> str:
        event = getattr(record, "event", "") or record.levelname.lower()
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        text = f"{moment}  {event.replace('_', ' '):<14}  {escaped(record.getMessage())}"
        if self._is_terminal:
            # Between words, or the terminal breaks it within one.
            columns = max(shutil.get_terminal_size().columns, 60)
            text = textwrap.fill(
                text, columns, subsequent_indent=" " * 26, break_long_words=False, break_on_hyphens=False
            )
        if record.exc_info:
            # Its lines are Python's, but an error's text may come from elsewhere, as names do.
            lines = logging.Formatter().formatException(record.exc_info).split("\n")
            text += "".join(f"\n{escaped(line)}" for line in lines)
        colour = _RED if record.levelno >= logging.ERROR else _YELLOW if record.levelno >= logging.WARNING else ""
        colour = colour or _COLOURS.get(event, "")
        return f"{colour}{text}{_RESET}" if colour and self._has_colour else text


def _share(part: PartProgress) -> float:
    if part.synced:
        return 1.0
    return min(1.0, part.objects / part.total) if part.total else 0.0


def _json(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, tz=timezone.utc)
    line: dict[str, object] = {
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": getattr(record, "event", "log"),
        **getattr(record, "fields", {"logger": record.name}),
        "message": record.getMessage(),
    }
    if record.exc_info:
        line["exception"] = logging.Formatter().formatException(record.exc_info)
    return json.dumps(line)


@contextmanager
def logging_to(output: Output) -> Generator[Report]:
    """Send what is logged to `output`: all that the monitor says, and warnings of everything else."""
    root, log = logging.getLogger(), logging.getLogger("network_monitor")
    log.setLevel(logging.INFO)
    root.addHandler(output)
    try:
        yield Report(log)
    finally:
        root.removeHandler(output)
