"""Packs what has not changed for a while, when there is nothing better to do.

Packing an object takes as long as everything else that a list does to it. So the first megabytes of a list are packed
once the cache is synced, and the others, lest they add up, as they come. What a watch brings stays as it is while it
may soon change again, and so that a burst costs no more than it must.

Upstream: none.
"""

from __future__ import annotations

from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers._base.clock import Clock
from informers.source._bytes.codecs import Zstd, best_codec
from informers.source.records import Record, learn_from

__all__ = ["Compactor", "LatePacker"]

T = TypeVar("T", default=Any)

#: Seconds without a change after which the controller counts as idle.
_QUIET = 0.25
#: Seconds for which changes are gathered, if the controller is never idle, before what has not changed again is packed.
_GENERATION = 5.0
#: Objects packed at a time, some 10 to 50 µs each.
_IDLE_SHARE, _BUSY_SHARE = 64, 8
#: Bytes below which nothing is learnt and packed: what has been learnt takes half of that.
_WORTHWHILE = 1_000_000
#: Bytes of a list's objects that are left as they come. Packing by zstd takes so little time that more gain nothing.
_LEFT, _LEFT_FOR_ZSTD = 12 << 20, 4 << 20


@final
class LatePacker(Generic[T]):
    """Packs a list's objects, all but the first megabytes of them, which are left to a compactor.

    What it learns from them packs the others as they come, while the processor has them at hand.

    Thread safety: none; it belongs to the reflector's thread.
    """

    def __init__(self) -> None:
        self._first: list[Record[T]] = []
        self._size = 0
        self._limit = _LEFT_FOR_ZSTD if best_codec() is Zstd else _LEFT
        self._has_learnt = False

    def add(self, record: Record[T]) -> None:
        """Take the list's next object."""
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
    """Knows which records of a cache are not packed.

    Thread safety: none; it belongs to the controller's thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._young: dict[str, Record[T]] = {}
        self._old: dict[str, Record[T]] = {}
        self._size = 0
        self._turn = 0.0
        self._is_idle = False
        self._has_learnt = False

    @property
    def patience(self) -> float | None:
        """Seconds for which to wait for a change before there is time to pack; None where there is nothing to."""
        if not (self._young or self._old) or not self._is_worthwhile:
            return None
        return 0.0 if self._is_idle else _QUIET

    @property
    def _is_worthwhile(self) -> bool:
        return self._has_learnt or self._size >= _WORTHWHILE

    def changed(self, key: str, record: Record[T] | None) -> None:
        """Note what a key holds now; None for nothing."""
        before = self._old.pop(key, None) or self._young.pop(key, None)
        if before is not None:
            self._size -= before.size
        if record is not None and record.is_packable:
            if not self._young:
                self._turn = self._clock.monotonic() + _GENERATION
            self._young[key] = record
            self._size += record.size

    def work(self, *, is_idle: bool) -> None:
        """Pack a few; `is_idle` where nothing else was to be done."""
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
            record = records.pop(next(iter(records)))
            self._size -= record.size
            record.pack()
