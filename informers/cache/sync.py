"""Waiting until caches are filled, and knowing what is missing.

Upstream: k8s.io/client-go/tools/cache/wait.go and shared_informer.go WaitForCacheSync (v0.37).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, final

import attrs

from informers._base.checks import check_function, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_condition
from informers._base.signals import Signal
from informers.errors import ConfigurationError, NotSyncedError

__all__ = ["PROGRESS_INTERVAL", "PartProgress", "SyncProgress", "SyncResult", "Syncable", "wait_for_cache_sync"]

#: Seconds between two reports of progress.
PROGRESS_INTERVAL = 1.0


@final
@attrs.frozen(kw_only=True)
class PartProgress:
    """How far one of those that are waited for is. As text: `pods: 12,000 of about 50,000 objects`.

    Attributes:
        name: such as `pods`.
        objects: how many have come so far: in lists, or, for a handler, to it.
        total: how many there will be, as far as the server says that; None where it does not.
        synced: whether it is through.
    """

    name: str
    objects: int
    total: int | None
    synced: bool

    def __str__(self) -> str:
        if self.synced:
            return f"{self.name}: synced, {self.objects:,} objects"
        total = "" if self.total is None else f" of about {self.total:,}"
        return f"{self.name}: {self.objects:,}{total} objects"


@final
@attrs.frozen(kw_only=True)
class SyncProgress:
    """How far a wait for caches is. As text, a line: `1 of 2 synced after 10 s: pods: 12,000 objects; …`.

    Attributes:
        parts: what is waited for, in the order in which it was given.
        seconds: since the wait began.
    """

    parts: tuple[PartProgress, ...]
    seconds: float

    @property
    def is_synced(self) -> bool:
        """Whether all are."""
        return all(part.synced for part in self.parts)

    def __str__(self) -> str:
        done = sum(part.synced for part in self.parts)
        return f"{done} of {len(self.parts)} synced after {self.seconds:.0f} s: {'; '.join(map(str, self.parts))}"


class Syncable(Protocol):
    """What has a beginning to get through: an informer, or a handler's registration."""

    @property
    def name(self) -> str:
        """What a message calls it."""
        ...

    @property
    def synced(self) -> Signal:
        """Raised when it is through."""
        ...

    @property
    def ended(self) -> Signal:
        """Raised when it will never be."""
        ...

    def why_not_synced(self) -> str:
        """Return in words what it waits for, with its last error; empty if it is through."""
        ...

    def sync_progress(self) -> PartProgress:
        """Return how far it is."""
        ...


@final
@attrs.frozen
class SyncResult:
    """What came of waiting: true if everything is synced; as text it says what is not, and why.

    Attributes:
        unsynced: what is not synced, by name, and why.
    """

    unsynced: Mapping[str, str]

    def __bool__(self) -> bool:
        return not self.unsynced

    def __str__(self) -> str:
        if not self.unsynced:
            return "all caches are synced"
        return "not synced: " + "; ".join(f"{name}: {why}" for name, why in self.unsynced.items())

    def raise_if_unsynced(self) -> None:
        """Raise if something is not synced.

        Raises:
            NotSyncedError: its message is the text of this.
        """
        if self.unsynced:
            raise NotSyncedError(str(self))


def wait_for_cache_sync(
    *syncables: Syncable,
    timeout: float | None = None,
    stop: Signal | None = None,
    progress: Callable[[SyncProgress], object] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> SyncResult:
    """Wait until informers and handlers are synced.

    Returns at once when all are, or when one of the others can't be any more, because it was stopped.

    Args:
        syncables: informers, or registrations of handlers.
        timeout: seconds to wait at most; None for as long as it takes.
        stop: ends the wait when it is raised.
        progress: told how far they are, in this thread: each second, and when the wait is over. Try `print`. What it
            raises ends the wait.
        clock: for waiting.

    Example:
        >>> wait_for_cache_sync().unsynced
        {}

    Raises:
        ConfigurationError: there is something among them that can't be synced, `timeout` is negative, `progress` is no
            function, or `stop` no signal.

    Thread safety: may be called from any thread; in a handler it would wait for itself.

    Upstream: k8s.io/client-go/tools/cache/wait.go WaitFor (v0.37).
    """
    check_timeout(timeout)
    check_function("progress", progress, "progress")
    for syncable in syncables:
        if not isinstance(getattr(syncable, "synced", None), Signal):
            raise ConfigurationError(
                f"expected informers or registrations of handlers, such as factory.core.v1.pods.informer: "
                f"got {type(syncable).__name__}{_advice(syncable)}"
            )
    if not (stop is None or isinstance(stop, Signal)):
        raise ConfigurationError(
            f"stop must be an informers.Signal, such as `informer.ended`: got {type(stop).__name__}"
        )
    condition = new_condition()
    signals = [signal for syncable in syncables for signal in (syncable.synced, syncable.ended)]
    if stop is not None:
        signals.append(stop)

    def wake() -> None:
        with condition:
            condition.notify_all()

    def is_over() -> bool:
        waiting = [syncable for syncable in syncables if not syncable.synced.is_set()]
        stopped = stop is not None and stop.is_set()
        return not waiting or stopped or any(syncable.ended.is_set() for syncable in waiting)

    withdrawals = [signal.add_callback(wake) for signal in signals]
    begin = clock.monotonic()
    deadline = None if timeout is None else begin + timeout
    try:
        while not _is_over_by(condition, is_over, PROGRESS_INTERVAL if progress else None, deadline, clock):
            if progress is not None:
                progress(_look(syncables, clock.monotonic() - begin))
    finally:
        for withdraw in withdrawals:
            withdraw()
    if progress is not None:
        progress(_look(syncables, clock.monotonic() - begin))
    unsynced: dict[str, str] = {}
    for syncable in syncables:
        if not syncable.synced.is_set():
            # Two may have one name: handlers of one function, or the pods of two clusters.
            alike = sum(name.partition(" #")[0] == syncable.name for name in unsynced)
            name = f"{syncable.name} #{alike + 1}" if alike else syncable.name
            unsynced[name] = syncable.why_not_synced() or "not in time"
    return SyncResult(unsynced)


def _advice(other: object) -> str:
    """Return what to do with what can't be waited for itself."""
    if callable(getattr(other, "wait_for_cache_sync", None)):
        return ", which has a wait_for_cache_sync of its own"
    informer = getattr(other, "informer", None)
    return "; give its .informer" if isinstance(getattr(informer, "synced", None), Signal) else ""


def _is_over_by(
    condition: threading.Condition,
    is_over: Callable[[], bool],
    seconds: float | None,
    deadline: float | None,
    clock: Clock,
) -> bool:
    """Wait for a while; return whether the whole wait is over, be it by its deadline."""
    look = None if seconds is None else clock.monotonic() + seconds
    ends = [end for end in (look, deadline) if end is not None]
    with condition:
        while not is_over():
            now = clock.monotonic()
            if deadline is not None and now >= deadline:
                return True
            if look is not None and now >= look:
                return False
            clock.wait(condition, min(ends) - now if ends else None)
    return True


def _look(syncables: Sequence[Syncable], seconds: float) -> SyncProgress:
    return SyncProgress(parts=tuple(syncable.sync_progress() for syncable in syncables), seconds=seconds)
