"""What a forked child inherits: locks that nobody will release, and connections of its parent's.

Only the thread that forks lives on in the child. A lock that another thread held at that moment stays locked there, so
every lock of this package is made here and is new in a child. What belongs to the parent (an informer that runs, a
connection) is notified by `on_fork`. Locks of others can't be made again: a module that another thread was importing
can never be imported in the child, and what pydantic prepares when it first reads a model stays half prepared. So a
fork waits for these: they stand inside `hold_forks()`.

Upstream: none; a Go program does not fork.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import threading
import weakref
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from informers.errors import ConfigurationError

__all__ = [
    "OfOneProcess",
    "hold_forks",
    "new_condition",
    "new_lock",
    "new_rlock",
    "on_fork",
    "renewed",
    "renewed_properties",
]

_Lock = TypeVar("_Lock")
_T = TypeVar("_T", bound=type)

#: Notified in a child: takes the parent's process id, returns descriptors of sockets that the child must let go of.
ForkListener = Callable[[int], Iterable[int]]

_log = logging.getLogger("informers")

#: Seconds that a fork waits at most.
_LONGEST = 10.0

#: Weak, so that nothing lives for the sake of a fork that may never come. Adding and discarding are single steps.
_locks: set[weakref.ref[Any]] = set()
_listeners: set[Callable[[], ForkListener | None]] = set()

_hold = threading.RLock()
#: Whether the fork under way has got it; only the thread that forks uses this.
_is_held = False
_process = os.getpid()


class OfOneProcess:
    """What can't be taken to another process: it refuses to be pickled, and says what to do."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object, /) -> str | tuple[Any, ...]:
        raise ConfigurationError(
            f"{type(self).__name__} can't be pickled or copied: it belongs to this process. Make it, or the factory "
            "that makes it, in the process that uses it (with multiprocessing: in the function that the process runs)"
        )


def renewed(lock: _Lock) -> _Lock:
    """Return a lock or condition of the standard library that is unlocked in every forked child."""
    _locks.add(weakref.ref(lock, _locks.discard))
    return lock


def new_lock() -> threading.Lock:
    """Return a lock that is unlocked in every forked child."""
    return renewed(threading.Lock())


def new_rlock() -> threading.RLock:
    """Return a re-entrant lock that is unlocked in every forked child."""
    return renewed(threading.RLock())


def new_condition(lock: threading.Lock | threading.RLock | None = None) -> threading.Condition:
    """Return a condition for which nobody waits in a forked child, over a lock or one of its own."""
    return renewed(threading.Condition(lock))


def renewed_properties(made: _T) -> _T:
    """Return a class whose cached properties, which have locks before Python 3.12, hang in no forked child."""
    for attribute in vars(made).values():
        lock = getattr(attribute, "lock", None)
        if isinstance(attribute, cached_property) and lock is not None:
            renewed(lock)
    return made


def on_fork(listener: ForkListener) -> None:
    """Have a function called in each forked child, before the fork returns there; a method's object is not kept alive.

    It must be short and must not wait. It returns the descriptors of sockets that belong to the parent. All
    descriptors in the child that refer to these sockets then refer to nothing: a socket that is shut down or written
    to in the child would be shut down in the parent too.
    """
    is_method = inspect.ismethod(listener)
    _listeners.add(weakref.WeakMethod(listener, _listeners.discard) if is_method else lambda: listener)


@contextmanager
def hold_forks() -> Generator[None]:
    """Hold off forks by other threads, for what must not be cut off in the middle: late imports and first reads."""
    with _hold:
        yield


def _before() -> None:
    global _is_held  # noqa: PLW0603  a fork is an event of the whole process
    _is_held = _hold.acquire(timeout=_LONGEST)


def _in_parent() -> None:
    if _is_held:
        _hold.release()


def _in_child() -> None:
    global _process
    parent, _process = _process, os.getpid()
    if _is_held:
        # Not made again, since this thread may hold it once more: an import may fork.
        _hold.release()
    else:
        _renew(_hold)
    for lock in list(_locks):
        _renew(lock())
    descriptors: list[int] = []
    for reference in list(_listeners):
        listener = reference()
        if listener is not None:
            try:
                descriptors += listener(parent)
            except Exception:  # noqa: BLE001  one that fails must not keep the others' connections open
                _log.exception("what belongs to process %d was not told from this one's", parent)
    if descriptors:
        _let_go(descriptors)


def _renew(lock: Any) -> None:
    # The standard library's own way, for its logging and its thread pools.
    if lock is not None:
        lock._at_fork_reinit()  # noqa: SLF001


def _let_go(descriptors: Iterable[int]) -> None:
    """Let every descriptor of these sockets refer to nothing.

    By number: TLS, urllib3 and readers hold the socket under descriptors of their own, in objects that nobody in the
    child can reach. Closing these would be wrong, since their objects may close the same number once more later, when
    it may be that of another file.
    """
    sockets: set[tuple[int, int]] = set()
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            sockets.add(_identity(descriptor))
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        for name in os.listdir("/dev/fd"):  # noqa: PTH208  no need for paths
            with contextlib.suppress(OSError):
                if _identity(int(name)) in sockets:
                    os.dup2(nothing, int(name), inheritable=False)
    finally:
        os.close(nothing)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


if hasattr(os, "register_at_fork"):  # not on Windows, where no process is forked
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
