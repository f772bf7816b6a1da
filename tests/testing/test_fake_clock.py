"""The clock that moves only when it is told to."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from informers import ConfigurationError
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.testing import FakeClock


def wait(clock: Clock, timeout: float | None, outcomes: list[str], name: str = "woke") -> threading.Thread:
    condition = threading.Condition()

    def run() -> None:
        with condition:
            clock.wait(condition, timeout)
        outcomes.append(name)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_both_of_its_times_are_what_it_was_moved_to() -> None:
    clock = FakeClock(100)
    assert (clock.monotonic(), clock.time()) == (100.0, 100.0)
    clock.advance(2.5)
    assert (clock.monotonic(), clock.time()) == (102.5, 102.5)
    assert repr(clock) == "<FakeClock 102.5 s, 0 waiting>"


def test_it_can_not_go_back() -> None:
    with pytest.raises(ValueError, match="a clock can't go back: got -1"):
        FakeClock().advance(-1)


def test_moving_it_wakes_those_whose_moment_has_come_and_no_others() -> None:
    clock = FakeClock()
    woken: list[str] = []
    threads = {seconds: wait(clock, seconds, woken, f"after {seconds}") for seconds in (5, 10)}
    clock.wait_for_waiters(2)
    assert clock.next_deadline() == 5.0
    clock.advance(5)
    threads[5].join(10)
    assert woken == ["after 5"]
    assert clock.next_deadline() == 10.0
    clock.advance(100)
    threads[10].join(10)
    assert woken == ["after 5", "after 10"]
    assert clock.next_deadline() is None


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_wait_for_no_time_returns_at_once(timeout: float) -> None:
    for clock in (FakeClock(), SYSTEM_CLOCK):
        woken: list[str] = []
        wait(clock, timeout, woken).join(10)
        assert woken == ["woke"]


@pytest.mark.parametrize("timeout", [None, 60.0, 1e300])
@pytest.mark.parametrize("clock", [FakeClock(), SYSTEM_CLOCK], ids=["fake", "system"])
def test_a_notification_ends_a_wait(clock: Clock, timeout: float | None) -> None:
    condition, is_over = threading.Condition(), threading.Event()

    def run() -> None:
        with condition:
            while not is_over.is_set():
                clock.wait(condition, timeout)

    thread = threading.Thread(target=run)
    thread.start()
    with condition:
        is_over.set()
        condition.notify_all()
    thread.join(10)
    assert not thread.is_alive()


def test_waits_without_end_are_not_counted_and_a_wait_in_vain_raises_an_error() -> None:
    clock = FakeClock()
    condition, is_over = threading.Condition(), threading.Event()

    def run() -> None:
        with condition:
            while not is_over.is_set():
                clock.wait(condition, None)

    thread = threading.Thread(target=run)
    thread.start()
    with pytest.raises(TimeoutError, match=r"0 threads wait on this clock after 0\.01 s, expected 1"):
        clock.wait_for_waiters(timeout=0.01)
    with condition:
        is_over.set()
        condition.notify_all()
    thread.join(10)


def test_a_wait_with_the_computer_s_clock_ends() -> None:
    before, date = SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.time()
    woken: list[str] = []
    wait(SYSTEM_CLOCK, 0.001, woken).join(10)
    assert woken
    assert SYSTEM_CLOCK.monotonic() > before
    assert SYSTEM_CLOCK.time() >= date > 1.7e9


def test_a_callback_comes_with_the_advance_that_reaches_its_moment_and_once() -> None:
    clock = FakeClock()
    called: list[float] = []
    clock.call_later(5, lambda: called.append(clock.monotonic()))
    cancel = clock.call_later(3, lambda: called.append(-1))
    clock.wait_for_waiters(2)
    assert clock.next_deadline() == 3
    cancel()
    clock.advance(4)
    assert called == []
    clock.advance(2)
    clock.advance(2)
    assert called == [6]
    assert clock.next_deadline() is None
    cancel()


@pytest.mark.parametrize("seconds", ["1", None, float("nan"), float("inf"), True])
def test_what_is_not_a_number_of_seconds_is_refused(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a finite number of seconds"):
        FakeClock().advance(seconds)
    with pytest.raises(ConfigurationError, match="must be a finite number of seconds"):
        FakeClock(seconds)
