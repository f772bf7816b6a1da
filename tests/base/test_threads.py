"""Threads of this package."""

from __future__ import annotations

import logging
import threading

import pytest

from informers._base.threads import is_own_thread, join_all, start_thread


def test_a_thread_is_named_is_a_daemon_and_knows_that_it_is_ours() -> None:
    seen: list[tuple[str, bool, bool]] = []

    def look() -> None:
        thread = threading.current_thread()
        seen.append((thread.name, thread.daemon, is_own_thread()))

    start_thread("reflector-pods", look).join(10)
    assert seen == [("informers-reflector-pods", True, True)]
    assert not is_own_thread()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_what_escapes_is_logged_with_the_name_of_the_thread(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error

    start_thread("reflector-pods", fail).join(10)
    (entry,) = caplog.records
    assert entry.levelno == logging.CRITICAL
    assert "the thread reflector-pods ended by an error of this library" in entry.message


def test_threads_that_have_ended_need_no_wait() -> None:
    thread = start_thread("quick", lambda: None)
    thread.join(10)
    assert join_all([thread], timeout=0)
    assert join_all([], timeout=None)


def test_a_wait_for_threads_ends_when_its_time_is_over_or_they_are() -> None:
    go_on = threading.Event()
    threads = [start_thread(name, lambda: go_on.wait(10)) for name in ("one", "two")]
    assert not join_all(threads, timeout=0)
    assert not join_all(threads, timeout=0.02)
    go_on.set()
    assert join_all(threads, timeout=None)


def test_a_long_wait_logs_its_reason_again_and_again() -> None:
    go_on = threading.Event()
    reminders: list[list[str]] = []

    def remind(running: list[threading.Thread]) -> None:
        reminders.append([thread.name for thread in running])
        if len(reminders) == 2:
            go_on.set()

    quick = start_thread("quick", lambda: None)
    slow = start_thread("slow", lambda: go_on.wait(10))
    quick.join(10)
    assert join_all([quick, slow], timeout=10, remind=remind, reminder=0.01)
    assert reminders[:2] == [["informers-slow"]] * 2


def test_in_a_thread_of_ours_nobody_is_waited_for() -> None:
    go_on = threading.Event()
    slow = start_thread("slow", lambda: go_on.wait(10))
    outcomes: list[bool] = []

    def ask() -> None:
        outcomes.append(join_all([slow, threading.current_thread()], timeout=None))
        outcomes.append(join_all([], timeout=None))

    start_thread("asker", ask).join(10)
    assert outcomes == [False, True]
    go_on.set()
    slow.join(10)
