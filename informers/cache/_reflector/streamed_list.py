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
    """Gathers the events of a watch up to the bookmark that ends the list.

    A server that does not support streaming lists may send the existing objects, then new ones, and never the end. So
    a stream has a time limit: existing objects arrive quickly, new ones one by one.

    Args:
        now: the clock's `monotonic`.
        patience: seconds without a new object after which the stream is given up; also seconds that the whole stream
            may take, plus 50 ms for each object.
        limit: seconds that the whole stream may take, whatever the number of objects.

    Attributes:
        resource_version: of the list; empty until its end has arrived.
    """

    def __init__(self, now: float, *, patience: float = 10.0, limit: float = 300.0) -> None:
        self._records: dict[str, Record[T]] = {}
        self._packer: LatePacker[T] = LatePacker()
        self._opened = self._last_new = now
        self._patience = patience
        self._limit = limit
        self.resource_version: str = ""
        #: By key; an object without a readable key has a unique one.
        self._bad: dict[object, BadObject] = {}

    def __len__(self) -> int:
        return len(self._records)

    @property
    def records(self) -> list[Record[T]]:
        """The objects so far."""
        return list(self._records.values())

    @property
    def bad(self) -> list[BadObject]:
        """The unreadable objects so far."""
        return list(self._bad.values())

    def read(
        self,
        batches: Iterator[Sequence[WatchEvent[T]]],
        *,
        now: Callable[[], float],
        on_progress: Callable[[int], object],
    ) -> Sequence[WatchEvent[T]]:
        """Read to the end of the list; return the events after it. Raises the errors of `take`.

        Args:
            batches: the events of the watch.
            now: the clock's `monotonic`.
            on_progress: called with the number of objects received.
        """
        for batch in batches:
            rest = self.take(batch, now())
            if rest is not None:
                return rest
            on_progress(len(self))
        raise ConnectionLostError("a streaming list did not come to its end")

    def take(self, batch: Sequence[WatchEvent[T]], now: float) -> Sequence[WatchEvent[T]] | None:
        """Take the next events; return those after the list's end, or None before it.

        Raises:
            StatusError: the server ended the watch with an error.
            ConnectionLostError: the stream has exceeded its time limit.
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
        # A readable state replaces an unreadable one.
        self._bad.pop(key, None)
        if change.type is ChangeType.DELETED:
            self._records.pop(key, None)
        else:
            self._packer.add(change.record)
            self._records[key] = change.record
