"""The queue between a reflector and its cache: everything that was seen, in order.

Upstream: k8s.io/client-go/tools/cache/the_real_fifo.go (v0.37).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_condition
from informers.cache._pipeline.scopes import Scope
from informers.cache._reflector.watch_failures import WatchFailure, WatchRecovery
from informers.source.records import Record
from informers.source.watch_events import BadObject, Bookmark, Change

__all__ = ["Delta", "DeltaQueue", "NamespaceRemoved", "Replaced", "Snapshot"]

T = TypeVar("T", default=Any)


@final
@attrs.frozen(eq=False)
class Replaced(Generic[T]):
    """A list: all objects of its scope at a version.

    Attributes:
        records: in the server's order.
        resource_version: of the list.
        bad: unreadable objects of the list.
    """

    records: Sequence[Record[T]]
    resource_version: str
    bad: Sequence[BadObject] = ()


@final
@attrs.frozen(eq=False)
class NamespaceRemoved:
    """A namespace is no longer followed: its objects leave the cache."""


@final
@attrs.frozen(eq=False)
class Snapshot(Generic[T]):
    """A saved cache, and the versions from which watches can go on.

    Attributes:
        records: as they were stored, with the transform applied.
        versions: by namespace (None: all): the records have all changes up to this version, and none after it.
    """

    records: Sequence[Record[T]]
    versions: Mapping[str | None, str]


#: Changes of a cache. Failures are queued with them, so that users' error handlers run in the controller's thread.
Delta: TypeAlias = (
    Change[T] | Replaced[T] | Snapshot[T] | Bookmark | BadObject | WatchFailure | WatchRecovery | NamespaceRemoved
)


@final
class DeltaQueue(Generic[T]):
    """Holds deltas until the cache takes them. It does not merge, drop or reorder any.

    Args:
        limit: `put` waits while this many deltas, or lists with this many objects, are queued: unread events then stay
            on the server, not in memory.
        batch: the most changes that `pop` returns.

    Thread safety: all methods may be called from any thread; one consumer is expected.
    """

    def __init__(self, *, limit: int = 10_000, batch: int = 1_000, clock: Clock = SYSTEM_CLOCK) -> None:
        self._condition = new_condition()
        self._clock = clock
        self._limit = limit
        self._batch = batch
        self._waiting: deque[tuple[Scope, Delta[T]]] = deque()
        #: Objects of the queued lists: each list may be as large as the cache.
        self._listed = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def __repr__(self) -> str:
        return f"<DeltaQueue {len(self)} waiting{', closed' if self._closed else ''}>"

    def put(self, scope: Scope, deltas: Sequence[Delta[T]]) -> None:
        """Append deltas of a scope, in order; waits while the queue is full.

        After `end` of the scope, or `close`, they are dropped, including those that wait for room.
        """
        with self._condition:
            while self._is_full() and not self._closed and not scope.is_shut:
                self._clock.wait(self._condition, None)
            if not scope.is_shut:
                self._append_locked(scope, deltas)

    def end(self, scope: Scope, last: Delta[T]) -> None:
        """Refuse further deltas of a scope, and append the last. There is always room for it: this never waits."""
        with self._condition:
            scope.is_shut = True
            self._append_locked(scope, [last])

    def _append_locked(self, scope: Scope, deltas: Sequence[Delta[T]]) -> None:
        if not self._closed:
            self._waiting.extend([(scope, delta) for delta in deltas])
            self._listed += sum(map(_listed, deltas))
            self._condition.notify_all()

    @property
    def closed(self) -> bool:
        """Whether no more deltas are accepted."""
        return self._closed

    def pop(self, *, timeout: float | None = None) -> list[tuple[Scope, Delta[T]]]:
        """Wait for deltas and take them: changes up to a batch, any other delta alone.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.

        Returns:
            Deltas with their scopes; empty on a timeout, or when the queue is closed and empty.
        """
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        with self._condition:
            while not self._waiting and not self._closed:
                left = None if deadline is None else deadline - self._clock.monotonic()
                if left is not None and left <= 0:
                    return []
                self._clock.wait(self._condition, left)
            if not self._waiting:
                return []
            was_full = self._is_full()
            waiting = self._waiting
            taken = [waiting.popleft()]
            first = taken[0][1]
            self._listed -= _listed(first)
            if isinstance(first, Change):
                while waiting and len(taken) < self._batch and isinstance(waiting[0][1], Change):
                    taken.append(waiting.popleft())
            if was_full:
                self._condition.notify_all()
            return taken

    def _is_full(self) -> bool:
        return len(self._waiting) + self._listed >= self._limit

    def close(self) -> None:
        """Refuse further deltas and end every wait; queued ones can still be popped."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


def _listed(delta: Delta[Any]) -> int:
    return len(delta.records) if isinstance(delta, (Replaced, Snapshot)) else 0
