"""Keeps a store equal to a source: lists, watches from there on, and begins anew when that fails.

Upstream: k8s.io/client-go/tools/cache/reflector.go (v0.37).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Generic, Protocol, final

from typing_extensions import TypeVar

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import as_exception, clear_frames
from informers._base.signals import Signal
from informers.backoff import Backoff
from informers.cache._reflector.paged_list import PagedList
from informers.cache._reflector.progress import SHORT_WATCH, Progress
from informers.cache._reflector.streamed_list import StreamedList
from informers.cache._reflector.watch_failures import NextStep, WatchErrorHandler, WatchFailure
from informers.cache._reflector.watch_session import OpenWatch, Seen
from informers.cache.store import Store, StoreWriter
from informers.errors import (
    ConfigurationError,
    ConnectionLostError,
    ExpiredError,
    StatusError,
    StoppedError,
    TooLargeResourceVersionError,
    TooManyRequestsError,
    escaped,
)
from informers.options import ReflectorOptions, check_options
from informers.source.events import BadObject, Bookmark, ListOptions, WatchEvent
from informers.source.listwatch import ListerWatcher
from informers.source.records import Record

__all__ = ["Reflector", "ReflectorStore"]

_log = logging.getLogger("informers")

T = TypeVar("T", default=Any)


_PAGE_SIZE = 500
#: Seconds that a server may ask for a pause to last (Retry-After). Some ask for days: that would be giving up.
_LONGEST_ASKED = 600.0
#: Seconds that the watch from a saved version is asked to last. Two before a watch's end a server sends a bookmark.
_CATCH_UP = 3
#: Answers by which a server says that it does not know streaming lists.
_NOT_UNDERSTOOD = frozenset({400, 405, 415, 422})


class ReflectorStore(Protocol[T]):
    """What a reflector fills: a `Store`, or an informer's queue. Only the reflector's thread calls it."""

    def replace_records(self, records: Sequence[Record[T]], resource_version: str, *, keep: Sequence[str]) -> object:
        """Take the whole content anew; `keep` are keys that exist, but in no form that can be held."""
        ...

    def apply_events(self, events: Sequence[Seen[T]]) -> object:
        """Take what a watch said, in order."""
        ...


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
        on_failure: told of every failure, in the reflector's own thread; it must be quick. What it raises is logged.
        clock: for waiting.

    Raises:
        ConfigurationError: `source`, `store` or `options` are none.

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
        store: ReflectorStore[T] | Store[T],
        *,
        resource: str = "objects",
        namespace: str | None = None,
        options: ReflectorOptions | None = None,
        on_failure: WatchErrorHandler | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._source = source
        self._store: ReflectorStore[T] = StoreWriter(store) if isinstance(store, Store) else store
        self._resource = resource
        self._namespace = namespace
        _check_methods("source", source, ("list", "watch", "close"), "ListWatch")
        _check_methods("store", self._store, ("replace_records", "apply_events"), "Store")
        check_options(options)
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
        #: How many streams in a row have broken where pages did not.
        self._broken_streams = 0
        #: Whether the store has a saved content, and what has happened since is not known yet.
        self._is_resuming = False
        self.progress: Progress = Progress(resource if namespace is None else f"{resource} in {namespace}", clock)

    def __repr__(self) -> str:
        return escaped(f"<Reflector {self._resource} in {self._namespace or 'all namespaces'} rv={self._version}>")

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
        self._close_source()

    def run(self) -> None:
        """List and watch until `stop`."""
        try:
            while not self._stop.is_set():
                try:
                    self._follow(self._resume() if self._is_resuming else self._fill())
                except BaseException as error:  # noqa: BLE001  a source of the user's own may raise anything, as may a tweak
                    # Even a StoppedError, which may be of something else that the tweak uses.
                    self._pause(as_exception(error), NextStep.LIST)
        finally:
            self.progress.ended()
            self._close_source()

    def _resume(self) -> OpenWatch[T] | None:
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

    def _catch_up(self) -> OpenWatch[T]:
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
                self._take(stream, batch)
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

    def _fill(self) -> OpenWatch[T] | None:
        """Bring the store up to date by a list; return the watch that goes on from it, if it was streamed."""
        while True:
            was_lost = self._is_version_lost
            self.progress.listing()
            is_broken = False
            try:
                if self._is_streaming:
                    stream, is_broken = self._list_streaming()
                    if stream is not None:
                        return stream
                self._list_pages()
                # Once may be a mishap; a server that does pages but no streams is not asked for a third.
                self._broken_streams += is_broken
                self._is_streaming = self._is_streaming and self._broken_streams < 2
            except (ExpiredError, TooLargeResourceVersionError) as error:
                self._is_version_lost = True
                if was_lost:
                    raise
                self._tell(error, NextStep.LIST, 0.0)
            else:
                return None

    def _list_streaming(self) -> tuple[OpenWatch[T] | None, bool]:
        """List by a stream; none where pages should be tried, and whether that is because it broke."""
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
        except (TooManyRequestsError, ExpiredError, TooLargeResourceVersionError, StoppedError):
            raise
        except ConnectionLostError as error:
            # What stands between may hold an answer back until its body begins, which here it may never do.
            if not isinstance(error.__cause__, TimeoutError):
                raise
            self._tell(error, NextStep.LIST_PAGES, 0.0)
            return None, True
        except Exception as error:  # noqa: BLE001  a source of the user's own may raise anything
            if isinstance(error, StatusError) and error.code in _NOT_UNDERSTOOD:
                self._is_streaming = False
            self._tell(error, NextStep.LIST_PAGES, 0.0)
            return None, False
        stream = OpenWatch(watch, self._clock.monotonic(), watch.batches())
        try:
            rest = self._read_list(stream)
        except (ExpiredError, TooLargeResourceVersionError, StoppedError):
            watch.close()
            raise
        except Exception as error:  # noqa: BLE001  as above
            watch.close()
            self._tell(error, NextStep.LIST_PAGES, 0.0)
            return None, True
        self._broken_streams = 0
        self.progress.opened()
        if rest:
            # What is behind the end is the watch's, also an error: the list is not to blame for it.
            stream.batches = itertools.chain([rest], stream.batches)
        return stream, False

    def _read_list(self, stream: OpenWatch[T]) -> Sequence[WatchEvent[T]]:
        """Read a streaming list to its end and replace the store's content; return the events behind the end."""
        content: StreamedList[T] = StreamedList(
            stream.opened, patience=self._options.streaming_timeout, limit=self._options.min_watch_timeout
        )
        for batch in stream.batches:
            rest = content.take(batch, self._clock.monotonic())
            if rest is not None:
                self._replace(content.records, content.resource_version, content.bad)
                return rest
            self.progress.arrived(len(content))
        raise ConnectionLostError("a streaming list did not come to its end")

    def _list_pages(self) -> None:
        """List in pages and replace the store's content."""
        self.progress.listing()
        version = "" if self._is_version_lost else self._version or "0"
        limit = self._options.page_size or (_PAGE_SIZE if self._is_paged or version in {"", "0"} else 0)
        content: PagedList[T] = PagedList(self._source, resource_version=version, limit=limit)
        try:
            content.read(
                on_progress=self.progress.arrived, on_expired=lambda error: self._tell(error, NextStep.LIST, 0.0)
            )
        finally:
            self._is_paged = self._is_paged or (version == "0" and content.has_pages)
        self._replace(content.records, content.resource_version, content.bad)

    def _replace(self, records: Sequence[Record[T]], resource_version: str, bad: Sequence[BadObject]) -> None:
        if self._stop.is_set():
            raise StoppedError("the reflector has been stopped")
        self._store.replace_records(records, resource_version, keep=[event.error.key for event in bad])
        # Only now: reporting one before the list would have the list forget it.
        if bad:
            self._store.apply_events([BadObject(event.error) for event in bad])  # their versions are the list's
        self._version = resource_version
        self._is_version_lost = False
        self.progress.listed_all(len(records))

    def _follow(self, stream: OpenWatch[T] | None) -> None:
        """Watch, opening again what ends; raises when a list is due."""
        if stream is not None and self._stop.is_set():
            # The stop came while the list was handed on.
            stream.watch.close()
        while not self._stop.is_set():
            try:
                if stream is None:
                    stream = self._open()
                self._drain(stream)
            except (ConnectionLostError, TooManyRequestsError) as error:
                if not self._version or self._is_second_silence(error):
                    raise
                self._pause(error, NextStep.WATCH)
            if not self._version:
                # Without a version to go on from, what is deleted in between would be missed.
                return
            stream = None

    def _is_second_silence(self, error: Exception) -> bool:
        """Whether two watches in a row were taken, but never brought anything.

        That is how a server answers whose versions are lower than ours, since it was put back to a backup: it waits to
        get there. Only a list shows that.
        """
        return self.progress.is_doubtful and self.progress.is_silence(error)

    def _open(self, timeout: int = 0) -> OpenWatch[T]:
        self.progress.opening()
        watch = self._source.watch(
            ListOptions(
                resource_version=self._version,
                allow_watch_bookmarks=True,
                timeout_seconds=timeout or self._watch_timeout(),
            )
        )
        self.progress.opened()
        return OpenWatch(watch, self._clock.monotonic(), watch.batches(), is_ordered=bool(self._version))

    def _drain(self, stream: OpenWatch[T]) -> None:
        """Take a watch's events to its end."""
        try:
            for batch in stream.batches:
                self._take(stream, batch)
        finally:
            stream.watch.close()
        lasted = self._clock.monotonic() - stream.opened
        if lasted >= SHORT_WATCH:
            return
        if not stream.has_events:
            raise _VeryShortWatchError(f"a watch ended after {lasted:.3f} s without an event")
        self._stop.wait(SHORT_WATCH - lasted)

    def _take(self, stream: OpenWatch[T], batch: Sequence[WatchEvent[T]]) -> None:
        """Hand events on, and move the version; raises what the server ends the watch with."""
        seen, version, error = stream.sort(batch, self._version)
        if seen:
            self._store.apply_events(seen)
            self._version = version
            self.progress.arrived_by_watch(len(seen))
        if error is not None:
            raise error

    def _pause(self, error: Exception, next_step: NextStep) -> None:
        asked = error.retry_after if isinstance(error, StatusError) else None
        delay = self._backoff.next(at_least=min(asked or 0.0, _LONGEST_ASKED))
        self._tell(error, next_step, delay)
        self._stop.wait(delay)

    def _tell(self, error: Exception, next_step: NextStep, delay: float) -> None:
        if self._stop.is_set():
            # What breaks now was broken off.
            return
        clear_frames(error)
        self.progress.failed(error, delay)
        if self._on_failure is not None:
            try:
                self._on_failure(WatchFailure(self._resource, self._namespace, error, next_step, delay))
            except Exception:  # noqa: BLE001  who listens has no part in what goes on
                _log.exception("%s: a failure handler failed", self._resource)

    def _close_source(self) -> None:
        try:
            self._source.close()
        except Exception:  # noqa: BLE001  the source may be the user's
            with suppress(Exception):  # of the user's filters of the log
                _log.exception("closing the source of %s failed", self._resource)

    def _watch_timeout(self) -> int:
        shortest = self._options.min_watch_timeout
        return int(self._options.uniform(shortest, 2 * shortest))


def _check_methods(what: str, given: object, methods: tuple[str, ...], example: str) -> None:
    missing = [name for name in methods if not callable(getattr(given, name, None))]
    if missing:
        raise ConfigurationError(
            f"a {what} has the methods {', '.join(methods[:-1])} and {methods[-1]}, as {example} does: "
            f"{type(given).__name__} has no {', '.join(missing)}"
        )


def _is_reached(version: str, current: str) -> bool:
    """Return whether a server at version `current` has been at `version`; False where these are no numbers."""
    return version.isdecimal() and current.isdecimal() and int(version) <= int(current)


@final
class _NotCaughtUpError(StatusError):
    """A watch from a saved version did not show that it has brought everything; a list will."""


@final
class _VeryShortWatchError(StatusError):
    """A watch ended at once. No `ConnectionLostError`: opening it again would not help, a list may."""
