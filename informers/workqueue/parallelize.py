"""Runs many pieces of work in a few threads.

Upstream: k8s.io/client-go/util/workqueue/parallelizer.go (v0.37).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from informers._base.checks import check_count, check_function
from informers._base.forks import new_lock
from informers._base.signals import Signal

__all__ = ["parallelize_until"]


def parallelize_until(
    workers: int,
    pieces: int,
    do_work_piece: Callable[[int], object],
    *,
    stop: Signal | threading.Event | None = None,
    chunk_size: int = 1,
) -> None:
    """Call `do_work_piece` with 0 to `pieces - 1`, in several threads, and return when all have ended.

    A piece that has begun is finished; after `stop`, or an error, no further one begins.

    Args:
        workers: the most threads.
        pieces: number of pieces.
        do_work_piece: called once with the number of each piece.
        stop: ends the work early once set; there is no error then.
        chunk_size: pieces that a thread takes at a time; above one for very short pieces.

    Raises:
        ConfigurationError: a number is out of range.
        BaseException: the first exception of `do_work_piece`.

    Example:
        >>> squares = [0] * 5
        >>> def square(piece: int) -> None:
        ...     squares[piece] = piece * piece
        >>> parallelize_until(3, 5, square)
        >>> squares
        [0, 1, 4, 9, 16]

    Upstream: k8s.io/client-go/util/workqueue/parallelizer.go (v0.37).
    """
    check_count("workers", workers, at_least=1)
    check_count("pieces", pieces, at_least=0)
    check_count("chunk_size", chunk_size, at_least=1)
    check_function("do_work_piece", do_work_piece, "piece")

    chunks = range(0, pieces, chunk_size)
    starts = iter(chunks)
    lock = new_lock()
    halted = threading.Event()

    def taken() -> Iterator[int]:
        while True:
            with lock:
                start = next(starts, None)
            if start is None:
                return
            yield from range(start, min(start + chunk_size, pieces))

    def work() -> None:
        for piece in taken():
            if halted.is_set() or (stop is not None and stop.is_set()):
                return
            do_work_piece(piece)

    # Leaving the pool waits for its threads.
    with ThreadPoolExecutor(workers, "informers-parallelize") as pool:
        try:
            for ended in as_completed([pool.submit(work) for _ in range(min(workers, len(chunks)))]):
                ended.result()
        finally:
            # After an error or an interrupt of this thread, the others must not go on.
            halted.set()
