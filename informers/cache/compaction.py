"""Packs what has not changed for a while, when there is nothing better to do.

A list's objects are packed as they come. What a watch brings stays as it is while it may soon change again, and so
that a burst costs no more than it must.

Upstream: none.
"""

from __future__ import annotations

from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.clock import Clock
from informers.source.records import Record

__all__ = ["Compactor"]

T = TypeVar("T", default=Any)

#: Seconds without a change after which the controller counts as idle.
_QUIET = 0.25
#: Seconds for which changes are gathered, if the controller is never idle, before what has not changed again is packed.
_GENERATION = 5.0
#: Objects packed at a time, some 40 µs each.
_IDLE_SHARE, _BUSY_SHARE = 64, 8


@final
class Compactor(Generic[T]):
    """Knows which records of a cache are not packed.

    Thread safety: none; it belongs to the controller's thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._young: dict[str, Record[T]] = {}
        self._old: dict[str, Record[T]] = {}
        self._turn = 0.0
        self._is_idle = False

    @property
    def patience(self) -> float | None:
        """Seconds for which to wait for a change before there is time to pack; None where there is nothing to."""
        if not self._young and not self._old:
            return None
        return 0.0 if self._is_idle else _QUIET

    def changed(self, key: str, record: Record[T] | None) -> None:
        """Note what a key holds now; None for nothing."""
        self._old.pop(key, None)
        self._young.pop(key, None)
        if record is not None and record.is_packable:
            if not self._young:
                self._turn = self._clock.monotonic() + _GENERATION
            self._young[key] = record

    def work(self, *, is_idle: bool) -> None:
        """Pack a few; `is_idle` where nothing else was to be done."""
        self._is_idle = is_idle
        if not is_idle and self._young and not self._old and self._clock.monotonic() >= self._turn:
            self._young, self._old = {}, self._young
        for _ in range(_IDLE_SHARE if is_idle else _BUSY_SHARE):
            records = self._old or (self._young if is_idle else self._old)
            if not records:
                return
            records.pop(next(iter(records))).pack()
