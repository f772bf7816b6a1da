"""Pauses that grow, with jitter, as the other side asks, and start small again."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers import ConfigurationError
from informers.backoff import Backoff, BackoffSettings
from informers.testing import FakeClock


def low(low: float, _high: float) -> float:
    return low


def high(_low: float, high: float) -> float:
    return high


def test_pauses_double_up_to_the_maximum() -> None:
    backoff = Backoff(clock=FakeClock(), uniform=low)
    assert [backoff.next() for _ in range(8)] == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_jitter_adds_up_to_a_share_of_the_pause() -> None:
    backoff = Backoff(BackoffSettings(jitter=0.5), clock=FakeClock(), uniform=high)
    assert [backoff.next() for _ in range(3)] == pytest.approx([1.2, 2.4, 4.8])
    assert Backoff(BackoffSettings(jitter=0.0), clock=FakeClock(), uniform=high).next() == 0.8


def test_a_pause_is_at_least_as_long_as_the_server_asks_and_that_does_not_make_the_next_longer() -> None:
    backoff = Backoff(clock=FakeClock(), uniform=low)
    assert [backoff.next(at_least=20.0), backoff.next(at_least=1.0), backoff.next()] == [20.0, 1.6, 3.2]


def test_the_quiet_time_starts_when_a_pause_is_over() -> None:
    clock = FakeClock()
    backoff = Backoff(BackoffSettings(reset_after=10.0), clock=clock, uniform=low)
    assert backoff.next(at_least=50.0) == 50.0
    clock.advance(60.0)
    assert backoff.next() == 1.6  # ten seconds after the pause, not more
    clock.advance(1.6 + 10.1)
    assert backoff.next() == 0.8


def test_failures_in_a_row_never_count_as_quiet_however_long_their_pauses() -> None:
    clock = FakeClock()
    backoff = Backoff(BackoffSettings(maximum=500.0, reset_after=120.0), clock=clock, uniform=low)
    pauses = []
    for _ in range(12):
        pauses.append(backoff.next())
        clock.advance(pauses[-1])
    assert pauses == sorted(pauses)
    assert pauses[-1] == 500.0


def test_a_reset_starts_small_again() -> None:
    backoff = Backoff(clock=FakeClock(), uniform=low)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 0.8


def test_not_even_the_first_pause_exceeds_the_maximum() -> None:
    backoff = Backoff(BackoffSettings(maximum=0.5), clock=FakeClock(), uniform=low)
    assert [backoff.next(), backoff.next()] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("initial", 0),
        ("initial", -1.0),
        ("initial", math.nan),
        ("initial", math.inf),
        ("initial", "1"),
        ("maximum", 0.0),
        ("maximum", None),
        ("factor", 0.5),  # pauses that shrink end in a hot loop
        ("factor", math.nan),
        ("jitter", -0.1),
        ("jitter", True),
        ("reset_after", 0),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must be .*got {value!r}$"):
        BackoffSettings(**{name: value})


@given(
    initial=st.floats(0.001, 100),
    maximum=st.floats(0.001, 100),
    factor=st.floats(1, 10),
    jitter=st.floats(0, 2),
    asked=st.floats(0, 100),
    where=st.floats(0, 1),
)
def test_every_pause_is_within_bounds(
    initial: float, maximum: float, factor: float, jitter: float, asked: float, where: float
) -> None:
    settings = BackoffSettings(initial=initial, maximum=maximum, factor=factor, jitter=jitter)
    backoff = Backoff(settings, clock=FakeClock(), uniform=lambda low, high: low + (high - low) * where)
    for _ in range(5):
        pause = backoff.next(at_least=asked)
        assert max(asked, min(initial, maximum)) * 0.999 <= pause <= max(asked, maximum * (1 + jitter)) * 1.001
