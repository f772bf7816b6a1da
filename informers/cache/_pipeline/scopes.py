"""What a cache follows: all namespaces by one list and watch, or some namespaces, each by its own.

Upstream: none; client-go has one informer for each namespace, or one for all.
"""

from __future__ import annotations

from informers._base.clock import Clock
from informers._base.signals import Signal
from informers.cache.versions import reaches

__all__ = ["Scope"]


class Scope:
    """How far a cache is in one list and watch. A namespace that is removed and added again has a new scope.

    Args:
        namespace: None for all.

    Attributes:
        synced: raised when its first list, or the changes since a snapshot, are in the cache.
        ended: raised when it is no longer followed. It calls back, so no lock is held then.
        version: the cache has all changes up to this version; empty before the first list. This attribute and the next
            three change under the cache's lock.
        is_filled: whether the cache has a list or a snapshot of it.
        is_listed: whether `synced` may be raised: a snapshot alone may be old.
        times_back: how often a list has lowered the version, for example after a backup of the server was restored.
        is_shut: whether the queue refuses its deltas. It changes under the queue's lock.
    """

    def __init__(self, namespace: str | None, *, clock: Clock) -> None:
        self.namespace: str | None = namespace
        self.synced: Signal = Signal(clock=clock)
        self.ended: Signal = Signal(clock=clock)
        self.version: str = ""
        self.is_filled: bool = False
        self.is_listed: bool = False
        self.times_back: int = 0
        self.is_shut: bool = False

    def __repr__(self) -> str:
        return f"<Scope {self.namespace or 'of all namespaces'} rv={self.version}>"

    def move(self, version: str) -> bool:
        """Move the version on; return whether it has changed. Events never lower it."""
        if not self.is_filled or not version or version == self.version or reaches(version, self.version) is False:
            return False
        self.version = version
        return True

    def resume(self, version: str) -> None:
        """Set the version to that of a snapshot."""
        self.version = version
        self.is_filled = True

    def is_ahead_of(self, version: str) -> bool:
        """Return whether a list of this version would lower the version."""
        return reaches(version, self.version) is False

    def start_again(self, version: str) -> None:
        """Set the version to that of a list."""
        self.times_back += self.is_ahead_of(version)
        self.version = version
        self.is_filled = self.is_listed = True

    def empty(self) -> None:
        """Note that the cache is to have no objects of it any more."""
        # In this order: a version that is missing has no order.
        self.is_filled = self.is_listed = False
        self.version = ""
