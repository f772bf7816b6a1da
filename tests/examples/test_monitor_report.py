"""What the monitor writes: for people, on a terminal, and for machines."""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import subprocess
import sys
from pathlib import Path

import network_monitor
import pytest
from monitor.report import Output, logging_to
from network_monitor import Options

from informers import NextStep, PartProgress, SyncProgress, WatchFailure
from informers.errors import StatusError
from informers.testing import APIServer
from tests.examples.lines import Lines, Monitor, reporting

NEEDS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def test_text_has_colour_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for is_terminal in (True, False):
        lines = Lines(is_terminal=is_terminal)
        with reporting(lines, as_json=False) as report:
            report.say("pod_added", "shop/web-0")
            report.error("bad")
        assert ("\x1b[32m" in lines.getvalue(), "\x1b[31m" in lines.getvalue()) == (is_terminal, is_terminal)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_text_has_no_colour_where_that_is_not_wanted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, value)
    lines = Lines(is_terminal=True)
    with reporting(lines, as_json=False) as report:
        report.say("pod_added", "shop/web-0")
    assert "\x1b" not in lines.getvalue()


def test_a_line_on_a_terminal_is_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")
    said = "shop/web  " + "word " * 20 + "x" * 90
    for is_terminal in (True, False):
        lines = Lines(is_terminal=is_terminal)
        with reporting(lines, as_json=False) as report:
            report.say("pod_added", said)
        first, *others = lines.getvalue().splitlines()
        assert bool(others) == is_terminal
        assert all(line.startswith(" " * 26) for line in others)
        assert "  ".join(first.split("  ")[2:]).split() + " ".join(others).split() == said.split()
        # A word that is longer than the line is whole, so that it can be copied.
        assert all(len(line) <= 80 or "x" * 90 in line for line in others)


def test_what_a_server_says_moves_no_cursor_and_begins_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    lines = Lines(is_terminal=True)
    hostile = "a\n12:00:00  pod added\x1b[2J\u202e"
    with reporting(lines, as_json=False) as report:
        report.say("pod_added", hostile)
        try:
            raise RuntimeError(hostile)
        except RuntimeError:
            logging.getLogger("informers.cache").exception("handler failed on %s", hostile)
    text = lines.getvalue()
    assert all(line.isprintable() for line in text.split("\n")), text
    assert r"a\n12:00:00  pod added\x1b[2J\u202e" in text
    assert text.count("RuntimeError: a") == 1


def test_json_is_one_object_a_line_even_for_what_others_log(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(is_terminal=True)
    with reporting(lines) as report:
        report.say("pod_added", "shop/web-0\nand more", {"name": "web-0"})
        try:
            raise RuntimeError("handler's own")
        except RuntimeError:
            logging.getLogger("informers.cache").exception("handler failed on %s", "shop/web-0")
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert list(first) == ["time", "level", "event", "name", "message"]
    assert first["time"].endswith("Z")
    assert (second["event"], second["level"], second["logger"]) == ("log", "error", "informers.cache")
    assert second["message"] == "handler failed on shop/web-0"
    assert "RuntimeError: handler's own" in second["exception"]


def test_a_failure_is_said_with_what_happens_next() -> None:
    lines = Lines()
    failure = WatchFailure("pods", None, StatusError("no", code=403, reason="Forbidden"), NextStep.LIST, 1.5)
    with reporting(lines) as report:
        report.failure(failure)
    (event,) = lines.events()
    assert (event["event"], event["level"]) == ("watch_failed", "warning")
    assert (event["resource"], event["next_step"], event["delay"]) == ("pods", "list", 1.5)
    assert event["error"] == "403 Forbidden: no"


def test_an_unreadable_object_is_an_error() -> None:
    lines = Lines()
    with reporting(lines) as report:
        report.failure(WatchFailure("pods", None, ValueError("bad"), NextStep.GO_ON, key="shop/web-0"))
    (event,) = lines.events()
    assert (event["event"], event["level"], event["key"]) == ("object_set_aside", "error", "shop/web-0")


PROGRESS = SyncProgress(
    parts=(
        PartProgress(name="pods", objects=12_000, total=24_000, synced=False),
        PartProgress(name="services", objects=7, total=None, synced=False),
        PartProgress(name="nodes", objects=30, total=30, synced=True),
    ),
    seconds=2.0,
)


def test_the_progress_bar_stays_below_what_is_written_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    lines = Lines(is_terminal=True)
    output = Output(lines, as_json=False, on_broken_pipe=lambda: None)
    with logging_to(output) as report:
        output.progress(PROGRESS)
        counts = "pods: 12,000 of about 24,000 objects, services: 7 objects, nodes: synced, 30 objects"
        assert lines.getvalue() == f"[############------------] 1 of 3 caches: {counts}"
        report.say("error", "something")
        assert lines.getvalue().split("\r\x1b[K")[1].endswith("something\n")
        output.progress(PROGRESS)
        output.end_progress()
        output.end_progress()
    assert lines.getvalue().endswith("30 objects\r\x1b[K")


@pytest.mark.parametrize("columns", [20, 80])
def test_the_progress_bar_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = Lines(is_terminal=True)
    Output(lines, as_json=False, on_broken_pipe=lambda: None).progress(PROGRESS)
    assert len(lines.getvalue()) == columns - 1


def test_times_never_go_back_whatever_order_threads_log_in() -> None:
    lines = Lines(is_terminal=False)
    output = Output(lines, as_json=True, on_broken_pipe=lambda: None)
    for created in (3.0, 2.5, 4.0):
        record = logging.LogRecord("x", logging.INFO, "x.py", 1, "text", None, None)
        record.created = created
        output.emit(record)
    times = [json.loads(line)["time"] for line in lines.getvalue().splitlines()]
    assert times == ["1970-01-01T00:00:03.000Z", "1970-01-01T00:00:03.000Z", "1970-01-01T00:00:04.000Z"]


def test_a_progress_bar_is_shown_on_a_terminal_only() -> None:
    for lines, as_json in ((Lines(is_terminal=False), False), (Lines(is_terminal=True), True)):
        Output(lines, as_json=as_json, on_broken_pipe=lambda: None).progress(PROGRESS)
        assert lines.getvalue() == ""


def test_a_reader_that_is_gone_is_noticed_once() -> None:
    class Gone(Lines):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    noticed: list[str] = []
    output = Output(Gone(), as_json=False, on_broken_pipe=lambda: noticed.append("gone"))
    with logging_to(output) as report:
        report.step("factory", "one")
        report.step("informers", "two")
    assert (noticed, output.is_broken) == (["gone"], True)


def test_a_disk_that_is_full_is_noticed_once_and_has_its_own_message() -> None:
    class Full(Lines):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    noticed: list[str] = []
    output = Output(Full(), as_json=False, on_broken_pipe=lambda: noticed.append("full"))
    with logging_to(output) as report:
        report.step("factory", "one")
        report.step("informers", "two")
    assert (noticed, output.is_broken, output.problem) == (["full"], True, "No space left on device")


@pytest.mark.parametrize(
    ("shell", "code", "error"),
    [
        (">&-", 0, ""),
        pytest.param(">/dev/full", 1, "the output can't be written: No space left on device\n", marks=NEEDS_FULL),
        ("| head -1", 0, ""),
    ],
)
def test_an_output_that_takes_nothing_ends_in_no_traceback(shell: str, code: int, error: str) -> None:
    monitor = Path(network_monitor.__file__)
    command = f"set -o pipefail; {shlex.quote(sys.executable)} {monitor.name} --demo --duration 0 {shell}"
    ran = subprocess.run(
        ["bash", "-c", command], cwd=monitor.parent, capture_output=True, text=True, timeout=50, check=False
    )
    assert (ran.returncode, ran.stderr) == (code, error)


def test_letters_that_the_output_has_not_are_escaped(tmp_path: Path) -> None:
    monitor = Path(network_monitor.__file__)
    command = [sys.executable, monitor.name, "--kubeconfig", str(tmp_path / "k\u00e9")]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(
        command, cwd=monitor.parent, env=environment, capture_output=True, text=True, timeout=50, check=False
    )
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "there is no kubeconfig at" in ran.stdout
    assert "k\\xe9" in ran.stdout


def test_a_list_that_takes_long_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("informers.cache.sync.PROGRESS_INTERVAL", 0.05)
    monkeypatch.setenv("TERM", "xterm")
    with APIServer() as server:
        server.deny()
        monkeypatch.setattr("monitor.cluster.connect", None)
        monkeypatch.setattr("network_monitor.connect", lambda *_: server.client())
        with Monitor(Options(), is_terminal=True) as monitor:
            monitor.lines.wait_for(lambda text: "0 of 3 caches: pods: 0 objects" in text)
            server.allow()
    assert monitor.code == 0
