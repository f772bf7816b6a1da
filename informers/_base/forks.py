"""What a forked child inherits: locks that nobody will release, and the parent's connections.

Only the thread that forks survives in the child. A lock that another thread held at that moment stays locked there, so
every lock of this package is made here, and renewed in a child. Objects that belong to the parent (a running informer,
a connection) are notified by `on_fork`. Locks of other packages can't be renewed: a module that another thread was
importing can never be imported in the child, and pydantic's preparation of a model at its first use stays incomplete.
A fork waits for these: they run inside `hold_forks()`.

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
]

_Lock = TypeVar("_Lock")

#: Called in a child with the parent's process id; returns the descriptors of sockets that the child must give up.
ForkListener = Callable[[int], Iterable[int]]

_log = logging.getLogger("informers")

#: Seconds that a fork waits at most.
_LONGEST = 10.0

#: Weak references, so that no lock is kept alive for a fork. Adding and discarding are atomic.
_locks: set[weakref.ref[Any]] = set()
_listeners: set[Callable[[], ForkListener | None]] = set()

_hold = threading.RLock()
#: Whether the present fork has acquired it; only the forking thread uses this.
_is_held = False
_process = os.getpid()


class OfOneProcess:
    """An object that can't be taken to another process: it refuses to be pickled, and says what to do."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object, /) -> str | tuple[Any, ...]:
        raise ConfigurationError(
            f"{type(self).__name__} can't be pickled or copied: it belongs to this process. Make it, or the factory "
            "that makes it, in the process that uses it (with multiprocessing: in the function that the process runs)"
        )


def renewed(lock: _Lock) -> _Lock:
    """Return a lock or condition of the standard library, which every forked child unlocks."""
    _locks.add(weakref.ref(lock, _locks.discard))
    return lock


def new_lock() -> threading.Lock:
    """Return a lock that is unlocked in every forked child."""
    return renewed(threading.Lock())


def new_rlock() -> threading.RLock:
    """Return a re-entrant lock that is unlocked in every forked child."""
    return renewed(threading.RLock())


def new_condition(lock: threading.Lock | threading.RLock | None = None) -> threading.Condition:
    """Return a condition, over a lock or its own one, without waiting threads in a forked child."""
    return renewed(threading.Condition(lock))


def on_fork(listener: ForkListener) -> None:
    """Call a function in each forked child, before the fork returns there; a method does not keep its object alive.

    It must be short and must not wait. It returns the descriptors of sockets that belong to the parent. Then all
    descriptors of these sockets are detached in the child: to shut a shared socket down, or to write to it, would also
    affect the parent.
    """
    is_method = inspect.ismethod(listener)
    _listeners.add(weakref.WeakMethod(listener, _listeners.discard) if is_method else lambda: listener)


@contextmanager
def hold_forks() -> Generator[None]:
    """Hold off forks by other threads while code runs that must not be interrupted: late imports and first reads."""
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
        # Released, not renewed: this thread may hold it once more, since an import may fork.
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
            except Exception:  # noqa: BLE001  one failure must not keep the other connections open
                _log.exception("what belongs to process %d was not told from this one's", parent)
    if descriptors:
        _let_go(descriptors)


def _renew(lock: Any) -> None:
    # The standard library's own way, for its logging and its thread pools.
    if lock is not None:
        lock._at_fork_reinit()  # noqa: SLF001


def _let_go(descriptors: Iterable[int]) -> None:
    """Detach every descriptor of these sockets.

    By number: TLS, urllib3 and readers have descriptors of their own for the socket, in objects that the child can't
    reach. Closing the numbers would be wrong: those objects may close the same number later, when it may belong to
    another file.
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
