"""The queue between a reflector and its cache: everything that was seen, in order.

Upstream: k8s.io/client-go/tools/cache/the_real_fifo.go (v0.37).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers.cache.failures import WatchFailure
from informers.clock import SYSTEM_CLOCK, Clock
from informers.source.events import BadObject, Bookmark, Change
from informers.source.records import Record

__all__ = ["Delta", "DeltaQueue", "Forgotten", "Replaced"]

T = TypeVar("T", default=Any)


@final
@attrs.frozen(eq=False)
class Replaced(Generic[T]):
    """A list: these are all the objects of the namespace (None: of everything), as of this version.

    Attributes:
        records: in the server's order.
        resource_version: of the list.
        namespace: what the list was limited to.
        keep: keys that the list has, but in no form that can be held.
    """

    records: Sequence[Record[T]]
    resource_version: str
    namespace: str | None = None
    keep: Sequence[str] = ()


@final
@attrs.frozen(eq=False)
class Forgotten:
    """A namespace is no longer watched: its objects leave the cache."""

    namespace: str


#: What waits in the queue. A failure waits with the rest, so that users' error handlers run where they may.
Delta: TypeAlias = Change[T] | Replaced[T] | Bookmark | BadObject | WatchFailure | Forgotten


@final
class DeltaQueue(Generic[T]):
    """Holds what was seen until the cache takes it. Nothing is merged, dropped or reordered.

    Args:
        limit: when this many wait, `put` does: what is not read stays with the server, not in memory.
        batch: how many changes `pop` returns at most.
        clock: for waiting.

    Thread safety: all methods may be called from any thread; one consumer is expected.
    """

    def __init__(self, *, limit: int = 10_000, batch: int = 1_000, clock: Clock = SYSTEM_CLOCK) -> None:
        self._condition = threading.Condition()
        self._clock = clock
        self._limit = limit
        self._batch = batch
        self._waiting: deque[Delta[T]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def __repr__(self) -> str:
        return f"<DeltaQueue {len(self)} waiting{', closed' if self._closed else ''}>"

    def put(self, deltas: Sequence[Delta[T]]) -> None:
        """Append deltas, in order; waits while the queue is full. After `close` they are dropped."""
        with self._condition:
            while len(self._waiting) >= self._limit and not self._closed:
                self._clock.wait(self._condition, None)
            if self._closed:
                return
            self._waiting.extend(deltas)
            self._condition.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken."""
        return self._closed

    def pop(self, *, timeout: float | None = None) -> list[Delta[T]]:
        """Wait for deltas and take them: changes up to a batch, anything else by itself.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.

        Returns:
            An empty list where none came in time, or once the queue is closed and empty.
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
            was_full = len(self._waiting) >= self._limit
            waiting = self._waiting
            taken = [waiting.popleft()]
            if isinstance(taken[0], Change):
                while waiting and len(taken) < self._batch and isinstance(waiting[0], Change):
                    taken.append(waiting.popleft())
            if was_full:
                self._condition.notify_all()
            return taken

    def close(self) -> None:
        """Take nothing more, and end every wait; what is queued can still be popped."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
