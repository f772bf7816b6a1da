"""A streaming list while it arrives.

Upstream: k8s.io/client-go/tools/cache/reflector.go watchList (v0.37).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.cache._compaction import LatePacker
from informers.errors import ConnectionLostError
from informers.source.events import BadObject, Change, ChangeType, ErrorEvent, WatchEvent
from informers.source.records import Record

__all__ = ["StreamedList"]

T = TypeVar("T", default=Any)

#: Seconds without a further object after which a streaming list counts as one that has no end.
_SILENCE = 10.0


@final
class StreamedList(Generic[T]):
    """Gathers what a watch says before it says that this was all.

    Args:
        now: the clock's `monotonic`.

    Attributes:
        resource_version: of the list; empty until its end has come.
        bad: objects that can't be held.
    """

    def __init__(self, now: float) -> None:
        self._records: dict[str, Record[T]] = {}
        self._packer: LatePacker[T] = LatePacker()
        self._last_new = now
        self.resource_version: str = ""
        self.bad: list[BadObject] = []

    def __len__(self) -> int:
        return len(self._records)

    @property
    def records(self) -> list[Record[T]]:
        """The objects so far."""
        return list(self._records.values())

    def take(self, batch: Sequence[WatchEvent[T]], now: float) -> Sequence[WatchEvent[T]] | None:
        """Take the next events; return those behind the end, or None where it has not come.

        Raises:
            StatusError: the server ends the watch, and says why.
            ConnectionLostError: nothing new has come for so long that no end will.
        """
        known = len(self._records)
        for position, event in enumerate(batch):
            if isinstance(event, Change):
                self._change(event)
            elif isinstance(event, BadObject):
                self.bad.append(event)
            elif isinstance(event, ErrorEvent):
                raise event.error
            elif event.initial_events_end:
                self.resource_version = event.resource_version
                return batch[position + 1 :]
        if len(self._records) > known:
            self._last_new = now
        elif now - self._last_new > _SILENCE:
            raise ConnectionLostError("a streaming list did not come to its end")
        return None

    def _change(self, change: Change[T]) -> None:
        key = change.record.key
        if self.bad:
            # What could not be read has been replaced by this.
            self.bad = [bad for bad in self.bad if bad.error.key != key]
        if change.type is ChangeType.DELETED:
            self._records.pop(key, None)
        else:
            self._packer.add(change.record)
            self._records[key] = change.record
