"""Waiting until caches are filled, and knowing what is missing.

Upstream: k8s.io/client-go/tools/cache/wait.go and shared_informer.go WaitForCacheSync (v0.37).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol, final

import attrs

from informers.cache.arguments import check_timeout
from informers.clock import SYSTEM_CLOCK, Clock
from informers.errors import ConfigurationError, NotSyncedError
from informers.signals import Signal

__all__ = ["SyncResult", "Syncable", "wait_for_cache_sync"]


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
    *syncables: Syncable, timeout: float | None = None, stop: Signal | None = None, clock: Clock = SYSTEM_CLOCK
) -> SyncResult:
    """Wait until informers and handlers are synced.

    Returns at once when all are, or when one of the others can't be any more, because it was stopped.

    Args:
        syncables: informers, or registrations of handlers.
        timeout: seconds to wait at most; None for as long as it takes.
        stop: ends the wait when it is raised.
        clock: for waiting.

    Example:
        >>> wait_for_cache_sync().unsynced
        {}

    Raises:
        ConfigurationError: there is something among them that can't be synced, or `timeout` is negative.

    Thread safety: may be called from any thread; in a handler it would wait for itself.

    Upstream: k8s.io/client-go/tools/cache/wait.go WaitFor (v0.37).
    """
    check_timeout(timeout)
    for syncable in syncables:
        if not isinstance(getattr(syncable, "synced", None), Signal):
            raise ConfigurationError(
                f"expected informers or registrations of handlers, such as factory.core.v1.pods.informer: "
                f"got {type(syncable).__name__}"
            )
    condition = threading.Condition()
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
    deadline = None if timeout is None else clock.monotonic() + timeout
    try:
        with condition:
            while not is_over():
                left = None if deadline is None else deadline - clock.monotonic()
                if left is not None and left <= 0:
                    break
                clock.wait(condition, left)
    finally:
        for withdraw in withdrawals:
            withdraw()
    unsynced: dict[str, str] = {}
    for syncable in syncables:
        if not syncable.synced.is_set():
            # Two may have one name: handlers of one function, or the pods of two clusters.
            alike = sum(name.partition(" #")[0] == syncable.name for name in unsynced)
            name = f"{syncable.name} #{alike + 1}" if alike else syncable.name
            unsynced[name] = syncable.why_not_synced() or "not in time"
    return SyncResult(unsynced)
