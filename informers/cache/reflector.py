"""Keeps a store equal to a source: lists, watches from there on, and begins anew when that fails.

Upstream: k8s.io/client-go/tools/cache/reflector.go (v0.37).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers.backoff import Backoff, BackoffSettings
from informers.cache.failures import NextStep, WatchErrorHandler, WatchFailure
from informers.cache.progress import Progress
from informers.clock import SYSTEM_CLOCK, Clock
from informers.errors import (
    ConfigurationError,
    ConnectionLostError,
    ExpiredError,
    StatusError,
    StoppedError,
    TooLargeResourceVersionError,
    TooManyRequestsError,
)
from informers.signals import Signal
from informers.source.events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, ListOptions, WatchEvent
from informers.source.listwatch import ListerWatcher, Watch
from informers.source.records import Record

__all__ = ["Reflector", "ReflectorOptions", "ReflectorStore"]

T = TypeVar("T", default=Any)


_PAGE_SIZE = 500
#: A watch that ends sooner (in seconds) is not opened again at once, whatever it brought.
_SHORT_WATCH = 1.0
#: Seconds without a further object after which a streaming list counts as one that has no end.
_STREAMING_SILENCE = 10.0
#: Seconds that the watch from a saved version is asked to last. Two before a watch's end a server sends a bookmark.
_CATCH_UP = 3
#: Answers by which a server says that it does not know streaming lists.
_NOT_UNDERSTOOD = frozenset({400, 405, 415, 422})

#: What a store is told of a watch.
Seen: TypeAlias = Change[T] | Bookmark | BadObject


class ReflectorStore(Protocol[T]):
    """What a reflector fills: a `Store`, or an informer's queue. Only the reflector's thread calls it."""

    def replace_records(self, records: Sequence[Record[T]], resource_version: str, *, keep: Sequence[str]) -> object:
        """Take the whole content anew; `keep` are keys that exist, but in no form that can be held."""
        ...

    def apply_events(self, events: Sequence[Seen[T]]) -> object:
        """Take what a watch said, in order."""
        ...


def _uniform(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311  spreads load, hides nothing


@final
@attrs.frozen(kw_only=True)
class ReflectorOptions:
    """How a reflector lists and watches.

    Attributes:
        page_size: objects in a page of a list; 0 for 500, or for all where the server has a watch cache to read from.
        streaming_lists: whether to try streaming lists.
        min_watch_timeout: the server is asked to end a watch after one to two times as many seconds, at random.
        backoff: how the pauses after failures grow.
        uniform: returns a random number between two; for jitter.

    Raises:
        ConfigurationError: a number is out of range.

    Upstream: k8s.io/client-go/tools/cache/reflector.go ReflectorOptions (v0.37).
    """

    page_size: int = 0
    streaming_lists: bool = True
    min_watch_timeout: float = 300.0
    backoff: BackoffSettings = attrs.field(factory=BackoffSettings)
    uniform: Callable[[float, float], float] = _uniform

    def __attrs_post_init__(self) -> None:
        if self.page_size < 0 or self.min_watch_timeout < 1:
            raise ConfigurationError(
                f"page_size must not be negative and min_watch_timeout at least a second: "
                f"got {self.page_size!r} and {self.min_watch_timeout!r}"
            )


@final
@attrs.frozen(eq=False)
class _Stream(Generic[T]):
    """A watch that is open, since when, and its events."""

    watch: Watch[T]
    opened: float
    batches: Iterator[list[WatchEvent[T]]]


@final
class Reflector(Generic[T]):
    """Lists and watches a source, and writes what it sees to a store.

    Begins with a streaming list where the source can do it, else with a list in pages, and watches from there. A watch
    that ends is opened again at the last version; one that fails otherwise, or whose version is too old, is followed
    by a list. Every failure costs a pause, which grows, has jitter, honours what the server asks for, and ends with
    `stop`. Nothing is ever given up.

    Args:
        source: where objects come from; the reflector closes it.
        store: what they are written to.
        resource: names the resource in messages.
        namespace: likewise; None for all.
        options: how.
        on_failure: told of every failure, in the reflector's own thread; it must be quick and must not raise.
        clock: for waiting.

    Example:
        >>> from informers.cache.store import Store
        >>> from informers.testing import FakeSource
        >>> store = Store()
        >>> reflector = Reflector(FakeSource(), store)
        >>> reflector.stop()

    Thread safety: `run` belongs to one thread; `stop` and the properties may be used from any.

    Upstream: k8s.io/client-go/tools/cache/reflector.go Reflector (v0.37).
    """

    def __init__(
        self,
        source: ListerWatcher[T],
        store: ReflectorStore[T],
        *,
        resource: str = "objects",
        namespace: str | None = None,
        options: ReflectorOptions | None = None,
        on_failure: WatchErrorHandler | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._source = source
        self._store = store
        self._resource = resource
        self._namespace = namespace
        self._options = options = options or ReflectorOptions()
        self._on_failure = on_failure
        self._clock = clock
        self._backoff = Backoff(options.backoff, clock=clock, uniform=options.uniform)
        self._stop = Signal(clock=clock)
        #: The last version seen, where a watch goes on from; empty before the first list.
        self._version = ""
        #: Whether the server has no such version any more, or not yet: the next list then asks for the newest.
        self._is_version_lost = False
        #: Whether lists at version 0 come in pages: then there is no watch cache, and none may come as a whole.
        self._is_paged = False
        #: Until the source shows that it can't, lists are streamed.
        self._is_streaming = options.streaming_lists
        self._broken_streams = 0
        #: Whether the store has a saved content, and what has happened since is not known yet.
        self._is_resuming = False
        self.progress: Progress = Progress(clock)

    def __repr__(self) -> str:
        return f"<Reflector {self._resource} in {self._namespace or 'all namespaces'} rv={self._version}>"

    @property
    def last_sync_resource_version(self) -> str:
        """Version of the last list, event or bookmark; empty before the first list."""
        return self._version

    def resume(self, resource_version: str) -> None:
        """Begin with a watch, not with a list: the store has everything up to this version. To be called before `run`.

        A list is made after all where the server can't go on from there, or does not show that it has: then it brings
        no bookmark before the first watch ends, which is asked for to be soon.
        """
        self._version = resource_version
        self._is_resuming = True

    def stop(self) -> None:
        """End `run` within a moment, whatever it is doing."""
        self._stop.set()
        self._source.close()

    def run(self) -> None:
        """List and watch until `stop`."""
        try:
            while not self._stop.is_set():
                try:
                    self._follow(self._resume() if self._is_resuming else self._fill())
                except StoppedError:
                    raise
                except Exception as error:  # noqa: BLE001  a source of the user's own may raise anything
                    self._pause(error, NextStep.LIST)
        except StoppedError:
            # Only who closed the source behind our back has anything to fear from this.
            if not self._stop.is_set():
                raise
        finally:
            self.progress.ended()
            self._source.close()

    def _resume(self) -> _Stream[T] | None:
        """Watch from a saved version until nothing is missing; return that watch. Raises where a list is due."""
        self._is_resuming = False
        while not self._stop.is_set():
            try:
                return self._catch_up()
            except (ConnectionLostError, TooManyRequestsError) as error:
                if self.progress.is_silence(error):
                    raise
                self._pause(error, NextStep.WATCH)
        return None

    def _catch_up(self) -> _Stream[T]:
        saved = self._version
        self.progress.opening()
        # A watch from a version that the server has not reached is silent, not refused. This costs one object.
        newest = self._source.list(ListOptions(limit=1)).resource_version
        if not _is_reached(saved, newest):
            self._is_version_lost = True
            raise TooLargeResourceVersionError(f"the server is at version {newest!r}, the cache was saved at {saved!r}")
        if newest == saved:
            stream = self._open()
            self._store.apply_events([Bookmark(saved)])
            return stream
        stream = self._open(_CATCH_UP)
        self.progress.catching_up(is_over=False)
        try:
            for batch in stream.batches:
                self._take(batch)
                is_marked = any(isinstance(event, Bookmark) for event in batch)
                if is_marked or _is_reached(newest, self._version):
                    if not is_marked:
                        self._store.apply_events([Bookmark(self._version)])
                    self.progress.catching_up(is_over=True)
                    return stream
            raise _NotCaughtUpError(f"a watch from the saved version {saved} ended without a bookmark")
        except BaseException:
            stream.watch.close()
            raise

    def _fill(self) -> _Stream[T] | None:
        """Bring the store up to date by a list; return the watch that goes on from it, if it was streamed."""
        while True:
            was_lost = self._is_version_lost
            self.progress.listing()
            try:
                if self._is_streaming:
                    stream = self._list_streaming()
                    if stream is not None:
                        return stream
                self._list_pages()
            except (ExpiredError, TooLargeResourceVersionError) as error:
                self._is_version_lost = True
                if was_lost:
                    raise
                self._tell(error, NextStep.LIST, 0.0)
            else:
                return None

    def _list_streaming(self) -> _Stream[T] | None:
        """List by a stream; None where the source can't, or where it broke, so that pages should be tried."""
        try:
            watch = self._source.watch(
                ListOptions(
                    resource_version="" if self._is_version_lost else self._version,
                    resource_version_match="NotOlderThan",
                    send_initial_events=True,
                    allow_watch_bookmarks=True,
                    timeout_seconds=self._watch_timeout(),
                )
            )
        except (ConnectionLostError, TooManyRequestsError, ExpiredError, TooLargeResourceVersionError, StoppedError):
            raise
        except Exception as error:  # noqa: BLE001  a source of the user's own may raise anything
            if isinstance(error, StatusError) and error.code in _NOT_UNDERSTOOD:
                self._is_streaming = False
            self._tell(error, NextStep.LIST_PAGES, 0.0)
            return None
        stream = _Stream(watch, self._clock.monotonic(), watch.batches())
        try:
            rest = self._initial_events(stream)
            self._broken_streams = 0
            self.progress.opened()
            if rest:
                self._take(rest)
        except (ExpiredError, TooLargeResourceVersionError, StoppedError):
            watch.close()
            raise
        except Exception as error:  # noqa: BLE001  as above
            watch.close()
            # Once may be a mishap; a server whose streams never end is not asked again.
            self._broken_streams += 1
            self._is_streaming = self._broken_streams < 2
            self._tell(error, NextStep.LIST_PAGES, 0.0)
            return None
        return stream

    def _initial_events(self, stream: _Stream[T]) -> list[WatchEvent[T]]:
        """Read a streaming list to its end and replace the store's content; return the events behind the end."""
        records: dict[str, Record[T]] = {}
        bad: list[BadObject] = []
        last_new = stream.opened
        for batch in stream.batches:
            known = len(records)
            for position, event in enumerate(batch):
                if isinstance(event, Change):
                    if event.type is ChangeType.DELETED:
                        records.pop(event.record.key, None)
                    else:
                        event.record.pack()
                        records[event.record.key] = event.record
                elif isinstance(event, BadObject):
                    bad.append(event)
                elif isinstance(event, ErrorEvent):
                    raise event.error
                elif event.initial_events_end:
                    self._replace(list(records.values()), event.resource_version, bad)
                    return batch[position + 1 :]
            now = self._clock.monotonic()
            self.progress.listed = len(records)
            if len(records) > known:
                last_new = now
            elif now - last_new > _STREAMING_SILENCE:
                break
        raise ConnectionLostError("a streaming list did not come to its end")

    def _list_pages(self) -> None:
        """List in pages and replace the store's content."""
        version = "" if self._is_version_lost else self._version or "0"
        limit = self._options.page_size or (_PAGE_SIZE if self._is_paged or version in {"", "0"} else 0)
        page = self._source.list(ListOptions(resource_version=version, limit=limit))
        for record in page.records:
            record.pack()
        records, bad = list(page.records), list(page.bad)
        resource_version = page.resource_version
        if version == "0" and page.continue_token:
            self._is_paged = True
        while page.continue_token:
            self.progress.listed = len(records)
            try:
                page = self._source.list(ListOptions(limit=limit, continue_token=page.continue_token))
            except ExpiredError as error:
                # The pages took longer than the server keeps them; a whole list can't be overtaken like that.
                self._tell(error, NextStep.LIST, 0.0)
                page = self._source.list(ListOptions(resource_version=version))
                records, bad, resource_version = [], [], page.resource_version
            for record in page.records:
                record.pack()
            records += page.records
            bad += page.bad
        self._replace(records, resource_version, [BadObject(error) for error in bad])

    def _replace(self, records: Sequence[Record[T]], resource_version: str, bad: Sequence[BadObject]) -> None:
        if self._stop.is_set():
            raise StoppedError("the reflector has been stopped")
        self._store.replace_records(records, resource_version, keep=[event.error.key for event in bad])
        # Only now: reporting one before the list would have the list forget it.
        if bad:
            self._store.apply_events([BadObject(event.error) for event in bad])
        self._version = resource_version
        self._is_version_lost = False
        self.progress.listed = len(records)
        self.progress.listed_all()

    def _follow(self, stream: _Stream[T] | None) -> None:
        """Watch, opening again what ends; raises when a list is due."""
        while not self._stop.is_set():
            try:
                if stream is None:
                    stream = self._open()
                self._drain(stream)
            except (ConnectionLostError, TooManyRequestsError) as error:
                if self._is_second_silence(error):
                    raise
                self._pause(error, NextStep.WATCH)
            stream = None

    def _is_second_silence(self, error: Exception) -> bool:
        """Whether two watches in a row were taken, but never brought anything.

        That is how a server answers whose versions are lower than ours, since it was put back to a backup: it waits to
        get there. Only a list shows that.
        """
        return self.progress.is_doubtful and self.progress.is_silence(error)

    def _open(self, timeout: int = 0) -> _Stream[T]:
        self.progress.opening()
        watch = self._source.watch(
            ListOptions(
                resource_version=self._version,
                allow_watch_bookmarks=True,
                timeout_seconds=timeout or self._watch_timeout(),
            )
        )
        self.progress.opened()
        return _Stream(watch, self._clock.monotonic(), watch.batches())

    def _drain(self, stream: _Stream[T]) -> None:
        """Take a watch's events to its end."""
        events = self.progress.last_event
        try:
            for batch in stream.batches:
                self._take(batch)
        finally:
            stream.watch.close()
        lasted = self._clock.monotonic() - stream.opened
        if lasted >= _SHORT_WATCH:
            return
        if self.progress.last_event is events:
            raise _VeryShortWatchError(f"a watch ended after {lasted:.3f} s without an event")
        self._stop.wait(_SHORT_WATCH - lasted)

    def _take(self, batch: Sequence[WatchEvent[T]]) -> None:
        """Hand events on, and move the version; raises what the server ends the watch with."""
        seen: list[Seen[T]] = []
        error: StatusError | None = None
        version = self._version
        for event in batch:
            if isinstance(event, Change):
                version = event.record.resource_version or version
            elif isinstance(event, ErrorEvent):
                error = event.error
                break
            else:
                version = event.resource_version or version
            seen.append(event)
        if seen:
            self._store.apply_events(seen)
            self._version = version
            self.progress.event()
        if error is not None:
            raise error

    def _pause(self, error: Exception, next_step: NextStep) -> None:
        asked = error.retry_after if isinstance(error, StatusError) else None
        delay = self._backoff.next(at_least=asked or 0.0)
        self._tell(error, next_step, delay)
        self._stop.wait(delay)

    def _tell(self, error: Exception, next_step: NextStep, delay: float) -> None:
        self.progress.failed(error, delay)
        if self._on_failure is not None:
            self._on_failure(WatchFailure(self._resource, self._namespace, error, next_step, delay))

    def _watch_timeout(self) -> int:
        shortest = self._options.min_watch_timeout
        return int(self._options.uniform(shortest, 2 * shortest))


def _is_reached(version: str, current: str) -> bool:
    """Return whether a server at version `current` has been at `version`; False where these are no numbers."""
    return version.isdecimal() and current.isdecimal() and int(version) <= int(current)


@final
class _NotCaughtUpError(StatusError):
    """A watch from a saved version did not show that it has brought everything; a list will."""


@final
class _VeryShortWatchError(StatusError):
    """A watch ended at once. No `ConnectionLostError`: opening it again would not help, a list may."""
