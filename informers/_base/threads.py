"""Threads of this package: named, and known as such.

Upstream: k8s.io/apimachinery/pkg/util/wait Group (v0.37).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import on_fork
from informers.errors import ConfigurationError

__all__ = ["is_own_thread", "join_all", "start_thread"]

_log = logging.getLogger("informers")
_mark = threading.local()
#: As it was when this package was imported; gevent replaces it.
_new_lock = threading.Lock


def _forget(_parent: int) -> tuple[int, ...]:
    """Unmark the forking thread in a child: it may have been one of ours, and is the main thread there."""
    _mark.own = False
    return ()


on_fork(_forget)


def start_thread(name: str, run: Callable[[], None]) -> threading.Thread:
    """Start a thread named `informers-…`; an exception that escapes from `run` is logged.

    It is a daemon: a handler that never returns must not keep a program running.

    Raises:
        ConfigurationError: threads have been replaced since this package was imported, as gevent does: its locks do
            not work with the new threads.
    """
    if threading.Lock is not _new_lock:
        raise ConfigurationError(
            "threads were replaced after informers had been imported, as gevent's monkey.patch_all() does: "
            "call that first, before all other imports"
        )

    def guarded() -> None:
        _mark.own = True
        try:
            run()
        except BaseException:
            _log.critical("the thread %s ended by an error of this library: please report it", name, exc_info=True)
            raise

    thread = threading.Thread(target=guarded, name=f"informers-{name}", daemon=True)
    thread.start()
    return thread


def is_own_thread() -> bool:
    """Return whether the caller runs in a thread of this package, for example in a handler."""
    return getattr(_mark, "own", False)


def join_all(
    threads: Iterable[threading.Thread],
    *,
    timeout: float | None,
    remind: Callable[[list[threading.Thread]], None] = lambda _threads: None,
    reminder: float = 5.0,
    clock: Clock = SYSTEM_CLOCK,
) -> bool:
    """Wait until all threads have ended; return whether they have. In a thread of this package it does not wait.

    Otherwise a handler could wait for a thread that waits for it, for example if two handlers stop one informer.

    Args:
        threads: threads that have been started.
        timeout: seconds to wait at most; None for as long as it takes.
        remind: called with the threads that still run, every `reminder` seconds.
        reminder: seconds.
        clock: measures them.
    """
    start = clock.monotonic()
    running = [thread for thread in threads if thread.is_alive()][::-1]
    if is_own_thread():
        return not running
    reminded = start
    while running:
        now = clock.monotonic()
        left = None if timeout is None else start + timeout - now
        if left is not None and left <= 0:
            return False
        if now - reminded >= reminder:
            remind([thread for thread in running if thread.is_alive()])
            reminded = now
        running[-1].join(min(left, reminder) if left is not None else reminder)
        # From the end, and each only once: there may be thousands.
        while running and not running[-1].is_alive():
            running.pop()
    return True
