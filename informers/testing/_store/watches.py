"""Watches: what a watcher is sent, and when.

A `Watcher` turns the storage's events into lines, in batches, for one connection; `Watchers` knows all that run.

Upstream: k8s.io/apiserver/pkg/storage/cacher/cacher.go and cache_watcher.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Any, final

import attrs

from informers._base.clock import Clock
from informers._base.forks import new_condition
from informers.resources import Resource
from informers.testing._http import status as failures
from informers.testing._http.queries import Query, read_version
from informers.testing._http.representations import Form
from informers.testing._http.status import Failure
from informers.testing._rules.registry import load
from informers.testing._store.documents import encode, encode_body
from informers.testing._store.served_resources import Served, address, check_resource
from informers.testing._store.versioned_storage import CompactedError, Event, Storage, StoredRecord
from informers.testing.faults import Lag

__all__ = ["Watcher", "Watchers", "error_line"]

#: Bytes after which a batch is sent: enough to make system calls cheap, little enough to start early.
BATCH = 256 * 1024
#: Seconds before its timeout at which a watch gets a last bookmark.
_LAST_BOOKMARK = 2.0


@attrs.frozen
class WatchSettings:
    """What a server's watches have in common.

    Attributes:
        clock: the time.
        bookmark_interval: seconds between bookmarks.
        default_timeout: seconds that a watch without timeout lasts.
    """

    clock: Clock
    bookmark_interval: float
    default_timeout: float


@final
class Watcher:
    """One watch: an iterator of what to send, in pieces of any number of lines.

    Iterating waits for events. It ends when the watch's time is over, when `close` is called, or when the events to
    come have left the history, as the real server ends watches that are too slow.

    Thread safety: one thread iterates; `close` may be called from any thread.
    """

    def __init__(
        self,
        storage: Storage,
        form: Form,
        query: Query,
        settings: WatchSettings,
        *,
        lag: Callable[[], Lag | None] = lambda: None,
    ) -> None:
        self.served: Served = form.served
        self._storage = storage
        self._form = form
        self._query = query
        self._settings = settings
        #: How far this watch is behind just now.
        self._lag = lag
        self._changed = storage.changed(self.served.collection)
        #: The version of the last event to send, once the watch is to end.
        self._last: int | None = None
        self._is_first = True
        #: Whether bookmarks are held back; for scripted faults.
        self.is_without_bookmarks = False
        #: How many events have been sent.
        self.sent: int = 0
        self._initial: list[StoredRecord] = []
        self._failure: Failure | None = None
        self._end_bookmark: int | None = None
        now = settings.clock.monotonic()
        self._deadline = now + (settings.default_timeout if not query.timeout else query.timeout)
        self._bookmark_due = self._next_bookmark(now)
        self._position = self._start()

    def __repr__(self) -> str:
        return f"<Watcher {self.served.resource} after {self._position}>"

    @property
    def namespace(self) -> str:
        """Return the namespace that is watched; empty for all."""
        return self._query.selection.namespace

    @property
    def position(self) -> int:
        """Return the version after which events are sent."""
        return self._position

    def close(self) -> None:
        """End the watch as by timeout, after what has happened up to now has been sent."""
        with self._changed:
            if self._last is None:
                self._last, _ = self._visible()
            self._changed.notify_all()

    def wake(self) -> None:
        """Make the watch look again at what it may send."""
        with self._changed:
            self._changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        if self._failure is not None:
            yield error_line(self._failure)
            return
        yield from self._batches(("ADDED", record) for record in self._initial)
        self._initial = []
        if self._end_bookmark is not None and not self.is_without_bookmarks:
            yield self._bookmark(self._end_bookmark, is_initial_end=True)
        while True:
            events, bookmark = self._wait()
            if events is None:
                return
            yield from self._batches(filter(None, map(self._seen, events)))
            if bookmark is not None and not self.is_without_bookmarks:
                yield self._bookmark(bookmark, is_initial_end=False)

    def _start(self) -> int:
        """Return the version after which events are sent; notes what comes before them."""
        query, storage = self._query, self._storage
        version = read_version(query.version)
        with storage.lock:
            current = self._visible()[0] if query.version else storage.version
            if query.initial_events:
                if version > current:
                    self._failure = failures.too_large_version(version, current, retry_after=1)
                    return current
                self._initial = self._state(current)
                self._end_bookmark = current if query.bookmarks else None
                return current
            if version == 0:
                # Without a version a watch starts with the state, for old clients' sake.
                if query.initial_events is None:
                    self._initial = self._state(current)
                    # The real server marks the end here too, though nobody has asked for a streaming list.
                    self._end_bookmark = current if query.bookmarks else None
                return current
            try:
                storage.events(self.served.collection, version)
            except CompactedError as error:
                self._failure = failures.watch_expired(version, error.oldest)
            return version

    def _state(self, version: int) -> list[StoredRecord]:
        selection = self._query.selection
        at = None if version == self._storage.version else version
        page = self._storage.page(
            self.served.collection, namespace=selection.namespace, version=at, matches=selection.matcher
        )
        return page.records

    def _visible(self) -> tuple[int, float]:
        """Return the version up to which events may be sent, and the seconds until more may."""
        lag = self._lag()
        if lag is None:
            return self._storage.version, inf
        return self._storage.behind(self.served.collection, events=lag.events, seconds=lag.seconds)

    def _wait(self) -> tuple[list[Event] | None, int | None]:
        """Wait for events or the time of a bookmark; return them, with None for events at the end."""
        clock = self._settings.clock
        with self._changed:
            while True:
                try:
                    events = self._storage.events(self.served.collection, self._position, is_running=True)
                except CompactedError:
                    return None, None
                visible, more_in = self._visible()
                upto = visible if self._last is None else self._last
                if events and events[-1].record.version > upto:
                    events = [event for event in events if event.record.version <= upto]
                if self._last is not None:
                    self._position = self._last
                    return events or None, None
                now = clock.monotonic()
                bookmark = None
                if self._query.bookmarks and now >= self._bookmark_due:
                    self._bookmark_due = self._next_bookmark(now)
                    bookmark = visible if visible >= self._position else None
                if events or bookmark is not None:
                    if events:
                        self._position = events[-1].record.version
                    return events, bookmark
                if now >= self._deadline:
                    return None, None
                # Nothing is left to send up to now.
                self._position = max(self._position, visible)
                due = self._bookmark_due if self._query.bookmarks else self._deadline
                clock.wait(self._changed, min(due, self._deadline, now + more_in) - now)

    def _next_bookmark(self, now: float) -> float:
        last = self._deadline - _LAST_BOOKMARK
        due = min(now + self._settings.bookmark_interval, last)
        return due if due > now else inf

    def _seen(self, event: Event) -> tuple[str, StoredRecord] | None:
        """Return what an event is to this watcher: an object that comes into the selection is added, and so on."""
        selection = self._query.selection
        is_in = event.type != "DELETED" and selection.covers(event.record)
        was_in = event.previous is not None and selection.covers(event.previous)
        if is_in:
            return ("MODIFIED" if was_in else "ADDED"), event.record
        if not was_in or event.previous is None:
            return None
        if event.type == "DELETED":
            return "DELETED", event.record
        return "DELETED", _at_version(self.served, event.previous, event.record.version)

    def _batches(self, seen: Iterable[tuple[str, StoredRecord]]) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        for type_, record in seen:
            line = self._form.event(type_, record, has_columns=self._is_first)
            self._is_first = False
            self.sent += 1
            parts += line
            size += len(record.body)
            if size >= BATCH:
                yield b"".join(parts)
                parts, size = [], 0
        if parts:
            yield b"".join(parts)

    def _bookmark(self, version: int, *, is_initial_end: bool) -> bytes:
        return b"".join(self._form.bookmark(version, is_initial_end=is_initial_end))


def _at_version(served: Served, record: StoredRecord, version: int) -> StoredRecord:
    obj = load(served, record)
    obj["metadata"]["resourceVersion"] = str(version)
    body, end = encode_body(obj, is_custom=served.is_custom)
    return attrs.evolve(record, version=version, body=body, metadata_end=end)


def error_line(failure: Failure) -> bytes:
    """Return the line that ends a watch with an error."""
    return b'{"type":"ERROR","object":' + encode(failure.status()) + b"}\n"


@final
class Watchers:
    """The watches that run.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._changed = new_condition()
        self._running: list[Watcher] = []

    def add(self, watcher: Watcher) -> None:
        """Add a watch."""
        with self._changed:
            self._running.append(watcher)
            self._changed.notify_all()

    def remove(self, watcher: Watcher) -> None:
        """Remove a watch."""
        with self._changed:
            if watcher in self._running:
                self._running.remove(watcher)
                self._changed.notify_all()

    def of(self, resource: Resource[Any] | None) -> list[Watcher]:
        """Return the watches of a resource, or all.

        Raises:
            ConfigurationError: `resource` is not valid.
        """
        if resource is not None:
            check_resource(resource)
        with self._changed:
            return [
                watcher
                for watcher in self._running
                if resource is None or address(watcher.served.resource) == address(resource)
            ]

    def drop(self, resource: Resource[Any] | None, namespace: str | None = None) -> int:
        """End the watches of a resource, or all, in good order; of a namespace, or all. Return how many.

        Raises:
            ConfigurationError: `resource` is not valid.
        """
        watchers = [each for each in self.of(resource) if namespace in {None, each.namespace}]
        for watcher in watchers:
            watcher.close()
            self.remove(watcher)
        return len(watchers)

    def wake(self) -> None:
        """Make all watches look again at what they may send."""
        for watcher in self.of(None):
            watcher.wake()

    def wait_for(self, resource: Resource[Any] | None, count: int, timeout: float) -> None:
        """Wait until exactly `count` watches of a resource run.

        Raises:
            TimeoutError: that many did not run within `timeout` real seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.of(resource)) == count, timeout):
                raise TimeoutError(
                    f"{len(self.of(resource))} watches of {resource or 'anything'} after {timeout} s, expected {count}"
                )
