"""A flag that is raised once."""

from __future__ import annotations

import signal as signals
import threading
from collections.abc import Callable

import pytest

from informers._base.clock import SYSTEM_CLOCK
from informers._base.signals import Signal
from informers._base.wakeups import Wakeup
from informers.testing import FakeClock


def test_it_is_raised_once_and_for_ever() -> None:
    signal = Signal()
    assert (signal.is_set(), repr(signal)) == (False, "<Signal unset>")
    signal.set()
    signal.set()
    assert (signal.is_set(), repr(signal)) == (True, "<Signal set>")
    assert signal.wait(0)


def test_a_wait_ends_when_it_is_raised_though_time_stands_still() -> None:
    clock = FakeClock()
    signal = Signal(clock=clock)
    outcomes: list[bool] = []
    waiters = [threading.Thread(target=lambda: outcomes.append(signal.wait(60))) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    clock.wait_for_waiters(3)
    signal.set()
    for waiter in waiters:
        waiter.join(10)
    assert outcomes == [True] * 3


def test_a_wait_without_end_ends_when_it_is_raised() -> None:
    signal = Signal()
    waiter = threading.Thread(target=signal.wait)
    waiter.start()
    signal.set()
    waiter.join(10)
    assert not waiter.is_alive()


def test_a_wait_that_is_over_says_that_nothing_came() -> None:
    clock = FakeClock()
    signal = Signal(clock=clock)
    outcomes: list[bool] = []
    waiter = threading.Thread(target=lambda: outcomes.append(signal.wait(5)))
    waiter.start()
    clock.wait_for_waiters()
    clock.advance(4.9)
    clock.wait_for_waiters()
    clock.advance(0.1)
    waiter.join(10)
    assert outcomes == [False]
    assert not signal.wait(-1)


class InterruptedClock:
    """The system's, but each wait is interrupted by a signal at the last moment before it begins."""

    monotonic, time = SYSTEM_CLOCK.monotonic, SYSTEM_CLOCK.time

    def wait(self, condition: threading.Condition, timeout: float | None) -> None:
        signals.raise_signal(signals.SIGINT)
        SYSTEM_CLOCK.wait(condition, timeout)


def wait_for_signal(stop: Signal, clock: InterruptedClock) -> bool:
    return stop.wait()


def wait_for_wakeup(stop: Signal, clock: InterruptedClock) -> bool:
    with Wakeup(timeout=None, stop=stop, clock=clock) as wakeup:
        return not wakeup.wait()


@pytest.mark.parametrize("wait", [wait_for_signal, wait_for_wakeup])
def test_a_signal_handler_ends_the_wait_that_it_interrupts(
    monkeypatch: pytest.MonkeyPatch, wait: Callable[[Signal, InterruptedClock], bool]
) -> None:
    """It runs in the waiting thread, while that holds the lock, and before a notification could wake it."""
    monkeypatch.setattr("informers._base.clock._MAIN_THREAD_WAIT", 0.01)
    clock = InterruptedClock()
    stop = Signal(clock=clock)
    before = signals.signal(signals.SIGINT, lambda *_: stop.set())
    try:
        assert wait(stop, clock)
    finally:
        signals.signal(signals.SIGINT, before)


def test_it_calls_back_once_each_in_the_order_in_which_they_came() -> None:
    signal = Signal()
    calls: list[str] = []
    for name in ("first", "second"):
        signal.add_callback(lambda name=name: calls.append(name))
    assert calls == []
    signal.set()
    signal.set()
    assert calls == ["first", "second"]


def test_a_callback_that_is_added_late_is_called_at_once() -> None:
    signal = Signal()
    signal.set()
    calls: list[int] = []
    withdraw = signal.add_callback(lambda: calls.append(1))
    assert calls == [1]
    withdraw()


def test_a_callback_that_was_withdrawn_is_not_called_and_others_of_the_same_function_are() -> None:
    signal = Signal()
    calls: list[int] = []

    def call() -> None:
        calls.append(1)

    withdraw = signal.add_callback(call)
    signal.add_callback(call)
    withdraw()
    withdraw()
    signal.set()
    withdraw()
    assert calls == [1]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_a_callback_that_raises_affects_neither_the_others_nor_the_caller_of_set(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    signal = Signal()
    calls: list[int] = []

    def fail() -> None:
        raise error

    signal.add_callback(fail)
    signal.add_callback(lambda: calls.append(1))
    signal.set()
    assert calls == [1]
    assert "a callback of a signal failed" in caplog.text


def test_an_interrupt_in_a_callback_reaches_the_main_thread_once_all_were_called_and_no_other() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    for is_main in (True, False):
        signal = Signal()
        calls: list[int] = []
        signal.add_callback(interrupt)
        signal.add_callback(lambda calls=calls: calls.append(1))
        if is_main:
            with pytest.raises(KeyboardInterrupt):
                signal.set()
        else:
            # Were it to escape, pytest would make the test fail for it.
            thread = threading.Thread(target=signal.set)
            thread.start()
            thread.join(10)
        assert calls == [1]


def test_callbacks_may_use_the_signal() -> None:
    signal = Signal()
    calls: list[bool] = []

    def call() -> None:
        signal.set()
        signal.add_callback(lambda: calls.append(signal.wait(0)))

    signal.add_callback(call)
    signal.set()
    assert calls == [True]


def test_of_many_that_raise_it_one_calls_back() -> None:
    for _ in range(50):
        signal = Signal()
        calls: list[int] = []
        signal.add_callback(lambda calls=calls: calls.append(1))
        threads = [threading.Thread(target=signal.set) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert calls == [1]
