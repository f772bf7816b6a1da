"""A source in memory, for tests of code that uses a source.

Upstream: k8s.io/client-go/tools/cache/testing/fake_controller_source.go (v0.37).
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers._base.forks import new_condition
from informers.errors import ConnectionLostError, ExpiredError, StatusError, StoppedError
from informers.source.records import HeldRecord, Record
from informers.source.watch_events import Bookmark, Change, ChangeType, ErrorEvent, ListOptions, Page, WatchEvent

__all__ = ["FakeSource", "FakeWatch"]

T = TypeVar("T", default=Any)


@final
class FakeWatch(Generic[T]):
    """A watch of a `FakeSource`; the test sends its events.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, options: ListOptions) -> None:
        self.options = options
        self.closed: bool = False
        self._condition = new_condition()
        self._waiting: deque[list[WatchEvent[T]] | Exception | None] = deque()

    def batches(self) -> Iterator[list[WatchEvent[T]]]:
        """Yield the batches of `send`, until `end` or `fail`."""
        while True:
            with self._condition:
                while not self._waiting:
                    self._condition.wait()
                batch = self._waiting.popleft()
            if batch is None:
                return
            if isinstance(batch, Exception):
                raise batch
            yield batch

    def send(self, *events: WatchEvent[T]) -> None:
        """Send events, as one batch."""
        self._put(list(events))

    def end(self) -> None:
        """End the watch, as a server does on its timeout."""
        self._put(None)

    def fail(self, error: Exception) -> None:
        """Break the watch."""
        self._put(error)

    def close(self) -> None:
        """Note that the reader has closed the watch."""
        self.closed = True

    def _put(self, batch: list[WatchEvent[T]] | Exception | None) -> None:
        with self._condition:
            self._waiting.append(batch)
            self._condition.notify_all()


@final
class FakeSource(Generic[T]):
    """A `ListerWatcher` over objects in memory: changes are listed, and sent to open watches.

    Versions are whole numbers, increased with each change. They are set in the objects' records, not in the objects.

    Args:
        streaming_lists: whether it supports streaming lists; otherwise it refuses them like an old server.
        page_size_limit: the most objects in a page, whatever is requested; 0 for no limit.

    Attributes:
        closed: whether the reader has closed the source.
        lists: the options of every list so far.
        watches: every watch so far, with its options.
        list_error: raised by every list while it is set: an error, or a function that returns one, or None, for the
            options.
        watch_error: the same for opening a watch.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, *, streaming_lists: bool = True, page_size_limit: int = 0) -> None:
        self._streaming_lists = streaming_lists
        self._page_size_limit = page_size_limit
        self._condition = new_condition()
        self._records: dict[str, Record[T]] = {}
        self._history: list[tuple[int, Change[T]]] = []
        self._version = 0
        self._oldest = 0
        self._open: list[FakeWatch[T]] = []
        self.closed: bool = False
        self.lists: list[ListOptions] = []
        self.watches: list[FakeWatch[T]] = []
        self.list_error: Exception | Callable[[ListOptions], Exception | None] | None = None
        self.watch_error: Exception | Callable[[ListOptions], Exception | None] | None = None

    def __repr__(self) -> str:
        return f"<FakeSource {len(self._records)} objects rv={self._version}>"

    @property
    def resource_version(self) -> str:
        """The version of the last change."""
        return str(self._version)

    def add(self, obj: T) -> None:
        """Create an object."""
        self._change(ChangeType.ADDED, obj)

    def modify(self, obj: T) -> None:
        """Change an object."""
        self._change(ChangeType.MODIFIED, obj)

    def delete(self, obj: T) -> None:
        """Delete an object; `obj` is its last state."""
        self._change(ChangeType.DELETED, obj)

    def drop_watches(self) -> None:
        """End every open watch, as a server does on its timeout."""
        for watch in self._taken():
            watch.end()

    def break_watches(self, error: Exception) -> None:
        """Break every open watch."""
        for watch in self._taken():
            watch.fail(error)

    def forget_history(self) -> None:
        """Make every version up to now too old to watch from, as a compaction does, and expire the open watches."""
        with self._condition:
            self._oldest = self._version
            self._history.clear()
            watches = self._taken()
        for watch in watches:
            watch.send(ErrorEvent(ExpiredError("too old resource version", code=410, reason="Expired")))
            watch.end()

    def bookmark(self) -> None:
        """Send a bookmark to every open watch."""
        with self._condition:
            for watch in self._open:
                watch.send(Bookmark(str(self._version)))

    def wait_for_watch(self, count: int = 1, *, timeout: float = 10.0) -> FakeWatch[T]:
        """Wait until `count` watches have been opened so far, and return the last of these.

        Raises:
            TimeoutError: there are fewer after `timeout` seconds.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: len(self.watches) >= count, timeout):
                raise TimeoutError(f"{len(self.watches)} watches have been opened after {timeout} s, expected {count}")
            return self.watches[count - 1]

    def list(self, options: ListOptions, /) -> Page[T]:
        """Return a page."""
        with self._condition:
            self.lists.append(options)
            self._condition.notify_all()
        self._refuse(self.list_error, options)
        with self._condition:
            records = [*self._records.values()]
            start = int(options.continue_token or 0)
            end = start + min(options.limit or len(records), self._page_size_limit or len(records))
            return Page(records[start:end], str(self._version), str(end) if end < len(records) else "")

    def watch(self, options: ListOptions, /) -> FakeWatch[T]:
        """Open a watch."""
        with self._condition:
            watch: FakeWatch[T] = FakeWatch(options)
            self.watches.append(watch)
            self._condition.notify_all()
        self._refuse(self.watch_error, options)
        with self._condition:
            if self.closed:  # meanwhile
                raise StoppedError("the source has been closed")
            if options.send_initial_events and not self._streaming_lists:
                raise StatusError("sendInitialEvents is forbidden", code=422, reason="Invalid")
            if options.send_initial_events or not options.resource_version:
                for record in self._records.values():
                    watch.send(Change(ChangeType.ADDED, record))
                if options.send_initial_events:
                    watch.send(Bookmark(str(self._version), initial_events_end=True))
            else:
                since = int(options.resource_version)
                if since < self._oldest:
                    raise ExpiredError("too old resource version", code=410, reason="Expired")
                for version, change in self._history:
                    if version > since:
                        watch.send(change)
            self._open.append(watch)
            return watch

    def reconnect(self) -> None:
        """Break every open watch, as a source does that makes new connections."""
        self.break_watches(ConnectionLostError("the connection was given up for a new one"))

    def close(self) -> None:
        """End every watch, and refuse further requests."""
        with self._condition:
            self.closed = True
        for watch in self._taken():
            watch.fail(StoppedError("the source has been closed"))

    def _taken(self) -> builtins.list[FakeWatch[T]]:
        """Return the open watches, which no longer are."""
        with self._condition:
            watches, self._open = self._open, []
        return watches

    def _refuse(
        self, error: Exception | Callable[[ListOptions], Exception | None] | None, options: ListOptions
    ) -> None:
        if self.closed:
            raise StoppedError("the source has been closed")
        reason = error if error is None or isinstance(error, Exception) else error(options)
        if reason is not None:
            raise reason

    def _change(self, kind: ChangeType, obj: T) -> None:
        with self._condition:
            self._version += 1
            record = HeldRecord(obj)
            record.resource_version = str(self._version)
            if kind is ChangeType.DELETED:
                self._records.pop(record.key, None)
            else:
                self._records[record.key] = record
            change = Change(kind, record)
            self._history.append((self._version, change))
            for watch in self._open:
                watch.send(change)
