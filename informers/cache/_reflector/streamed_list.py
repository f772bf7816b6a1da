"""A streaming list while it arrives.

Upstream: k8s.io/client-go/tools/cache/reflector.go watchList (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.cache._compaction import LatePacker
from informers.errors import ConnectionLostError
from informers.source.records import Record
from informers.source.watch_events import BadObject, Change, ChangeType, ErrorEvent, WatchEvent

__all__ = ["StreamedList"]

T = TypeVar("T", default=Any)

#: Seconds that each object of a streaming list may take, on average.
_PACE = 0.05


@final
class StreamedList(Generic[T]):
    """Gathers what a watch says before it says that this was all.

    A server that does not know streaming lists may send what exists, and then what is made, and never the end. So
    a stream has its time, too: what exists comes in one go, what is made comes one by one.

    Args:
        now: the clock's `monotonic`.
        patience: seconds without a further object after which no end is waited for any more; and seconds that the
            whole may take, with 50 ms more for each object.
        limit: seconds that the whole may take, however many objects there are.

    Attributes:
        resource_version: of the list; empty until its end has come.
    """

    def __init__(self, now: float, *, patience: float = 10.0, limit: float = 300.0) -> None:
        self._records: dict[str, Record[T]] = {}
        self._packer: LatePacker[T] = LatePacker()
        self._opened = self._last_new = now
        self._patience = patience
        self._limit = limit
        self.resource_version: str = ""
        #: By key; each of those without a key by something of its own.
        self._bad: dict[object, BadObject] = {}

    def __len__(self) -> int:
        return len(self._records)

    @property
    def records(self) -> list[Record[T]]:
        """The objects so far."""
        return list(self._records.values())

    @property
    def bad(self) -> list[BadObject]:
        """Others so far, that can't be held."""
        return list(self._bad.values())

    def read(
        self,
        batches: Iterator[Sequence[WatchEvent[T]]],
        *,
        now: Callable[[], float],
        on_progress: Callable[[int], object],
    ) -> Sequence[WatchEvent[T]]:
        """Read to the end; return the events behind it. Raises as `take` does.

        Args:
            batches: of the watch.
            now: the clock's `monotonic`.
            on_progress: told how many objects have come.
        """
        for batch in batches:
            rest = self.take(batch, now())
            if rest is not None:
                return rest
            on_progress(len(self))
        raise ConnectionLostError("a streaming list did not come to its end")

    def take(self, batch: Sequence[WatchEvent[T]], now: float) -> Sequence[WatchEvent[T]] | None:
        """Take the next events; return those behind the end, or None where it has not come.

        Raises:
            StatusError: the server ends the watch, and says why.
            ConnectionLostError: it has taken so long that no end will come.
        """
        known = len(self._records)
        for position, event in enumerate(batch):
            if isinstance(event, Change):
                self._change(event)
            elif isinstance(event, BadObject):
                self._bad[event.error.key or object()] = event
            elif isinstance(event, ErrorEvent):
                raise event.error
            elif event.initial_events_end:
                self.resource_version = event.resource_version
                return batch[position + 1 :]
        if len(self._records) > known:
            self._last_new = now
        if now - self._last_new > self._patience:
            raise ConnectionLostError(f"a streaming list brought nothing new for {self._patience:g} s, and no end")
        if now - self._opened > min(self._limit, self._patience + _PACE * len(self._records)):
            raise ConnectionLostError(
                f"a streaming list did not come to its end within {now - self._opened:.0f} s: "
                f"{len(self._records):,} objects came"
            )
        return None

    def _change(self, change: Change[T]) -> None:
        key = change.record.key
        # What could not be read has been replaced by this.
        self._bad.pop(key, None)
        if change.type is ChangeType.DELETED:
            self._records.pop(key, None)
        else:
            self._packer.add(change.record)
            self._records[key] = change.record
