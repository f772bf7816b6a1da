from __future__ import annotations

import threading
from collections import Counter

import pytest

from informers._base.signals import Signal
from informers.errors import ConfigurationError
from informers.workqueue import parallelize_until


@pytest.mark.upstream("util/workqueue/parallelizer_test.go", "TestParallelizeUntil")
@pytest.mark.parametrize(
    ("workers", "pieces", "chunk_size"),
    [(10, 1000, 1), (10, 1000, 10), (10, 1000, 100), (10, 999, 13), (10, 3, 1), (1, 5, 2), (3, 0, 1)],
)
def test_every_piece_is_done_once(workers: int, pieces: int, chunk_size: int) -> None:
    seen: list[int] = []
    parallelize_until(workers, pieces, seen.append, chunk_size=chunk_size)
    assert Counter(seen) == Counter(range(pieces))


def test_pieces_are_done_at_the_same_time_by_as_many_threads_as_asked_for() -> None:
    together = threading.Barrier(4)
    parallelize_until(4, 8, lambda _: together.wait(10))


@pytest.mark.parametrize("stop", [Signal(), threading.Event()])
def test_after_a_stop_no_piece_is_begun(stop: Signal | threading.Event) -> None:
    seen: list[int] = []

    def work(piece: int) -> None:
        seen.append(piece)
        if piece == 3:
            stop.set()

    parallelize_until(1, 100, work, stop=stop, chunk_size=50)
    assert seen == [0, 1, 2, 3]


def test_the_first_error_ends_the_work_and_is_raised() -> None:
    seen: list[int] = []

    def work(piece: int) -> None:
        seen.append(piece)
        if piece == 2:
            raise LookupError(piece)

    with pytest.raises(LookupError, match="2"):
        parallelize_until(1, 100, work)
    assert seen == [0, 1, 2]


def test_an_error_in_one_thread_ends_the_others_once_their_piece_is_done() -> None:
    seen: list[int] = []
    failing: list[threading.Thread] = []
    both = threading.Barrier(2)

    def work(piece: int) -> None:
        seen.append(piece)
        if piece == 0:
            failing.append(threading.current_thread())
        both.wait(10)
        if piece == 0:
            raise LookupError(piece)
        failing[0].join(10)

    with pytest.raises(LookupError, match="0"):
        parallelize_until(2, 100, work)
    assert sorted(seen) == [0, 1]


@pytest.mark.parametrize(
    ("workers", "pieces", "chunk_size", "message"),
    [
        (0, 1, 1, "workers must be a whole number, 1 or more, not 0"),
        (1, -1, 1, "pieces must be a whole number, 0 or more, not -1"),
        (1, 1, 0, "chunk_size must be a whole number, 1 or more, not 0"),
    ],
)
def test_a_wrong_number_is_refused(workers: int, pieces: int, chunk_size: int, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parallelize_until(workers, pieces, print, chunk_size=chunk_size)
