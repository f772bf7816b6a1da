"""Compresses objects that have not changed for a while, while the controller is idle.

Compressing an object takes as long as all other work on it in a list. So the first megabytes of a list are compressed
when the cache is synced; the others at once, so that they do not fill memory. Objects from a watch are compressed
later, since they may soon change again, and a burst must not cost more than needed.

Upstream: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers._base.clock import Clock
from informers.source._bytes.codecs import Zstd, best_codec
from informers.source.records import Record, learn_from

__all__ = ["Compactor", "LatePacker"]

T = TypeVar("T", default=Any)

#: Seconds without a change after which the controller counts as idle.
_QUIET = 0.25
#: Seconds after which unchanged objects are compressed although the controller is never idle.
_GENERATION = 5.0
#: Objects compressed at a time, 10 to 50 µs each.
_IDLE_SHARE, _BUSY_SHARE = 64, 8
#: Bytes below which nothing is compressed: the learned dictionary takes half of that.
_WORTHWHILE = 1_000_000
#: Bytes of a list that are not compressed at once. With zstd, which is quick, a higher limit gains nothing.
_LEFT, _LEFT_FOR_ZSTD = 12 << 20, 4 << 20


@final
class LatePacker(Generic[T]):
    """Compresses a list's objects, except the first megabytes, which a compactor compresses later.

    It learns a dictionary from those, and compresses the others at once, while they are in the processor's cache.

    Thread safety: none; it belongs to the reflector's thread.
    """

    def __init__(self) -> None:
        self._first: list[Record[T]] = []
        self._size = 0
        self._limit = _LEFT_FOR_ZSTD if best_codec() is Zstd else _LEFT
        self._has_learnt = False

    def add(self, record: Record[T]) -> None:
        """Take the next object of the list."""
        if self._has_learnt:
            record.pack()
            return
        self._first.append(record)
        self._size += record.size
        if self._size > self._limit:
            learn_from(self._first)
            self._has_learnt = True
            self._first.clear()


@final
class Compactor(Generic[T]):
    """Keeps track of the records in a cache that are not compressed.

    Thread safety: none; it belongs to the controller's thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._young: dict[str, Record[T]] = {}
        self._old: dict[str, Record[T]] = {}
        #: Bytes of these; not counted any more once they are worthwhile to compress.
        self._size = 0
        self._turn = 0.0
        self._is_idle = False
        self._has_learnt = False

    @property
    def patience(self) -> float | None:
        """Seconds to wait for a change before compressing; None if there is nothing to compress."""
        if not (self._young or self._old) or not self._is_worthwhile:
            return None
        return 0.0 if self._is_idle else _QUIET

    @property
    def _is_worthwhile(self) -> bool:
        return self._has_learnt or self._size >= _WORTHWHILE

    def changed(self, states: Mapping[str, Record[T] | None]) -> None:
        """Note the present records by key; None for a removed one."""
        for key, record in states.items():
            before = self._old.pop(key, None) or self._young.pop(key, None)
            if before is not None and not self._has_learnt:
                self._size -= before.size
            if record is not None and record.is_packable:
                if not self._young:
                    self._turn = self._clock.monotonic() + _GENERATION
                self._young[key] = record
                self._size += 0 if self._has_learnt else record.size

    def work(self, *, is_idle: bool) -> None:
        """Compress a few records; `is_idle` if there is nothing else to do."""
        self._is_idle = is_idle
        if not self._is_worthwhile:
            return
        if not is_idle and self._young and not self._old and self._clock.monotonic() >= self._turn:
            self._young, self._old = {}, self._young
        for _ in range(_IDLE_SHARE if is_idle else _BUSY_SHARE):
            records = self._old or (self._young if is_idle else self._old)
            if not records:
                return
            if not self._has_learnt:
                learn_from(records.values())
                self._has_learnt = True
            records.pop(next(iter(records))).pack()
