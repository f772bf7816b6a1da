"""Keeps a store equal to a source: acts as the state says, and asks `step` for the next state.

Upstream: k8s.io/client-go/tools/cache/reflector.go (v0.37).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_methods
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import as_exception, clear_frames, report
from informers._base.forks import OfOneProcess
from informers.backoff import Backoff
from informers.cache._reflector import states
from informers.cache._reflector.interrupts import Interrupts
from informers.cache._reflector.paged_list import PagedList
from informers.cache._reflector.progress import Progress
from informers.cache._reflector.streamed_list import StreamedList
from informers.cache._reflector.transitions import Step, step
from informers.cache._reflector.watch_failures import (
    NextStep,
    WatchErrorHandler,
    WatchFailure,
    WatchRecovery,
    WatchRecoveryHandler,
)
from informers.cache._reflector.watch_session import OpenWatch, ReflectorStore
from informers.cache.list_turns import ListTurns
from informers.cache.store import Store, StoreWriter
from informers.cache.versions import reaches
from informers.errors import escaped
from informers.options import ReflectorOptions, check_options
from informers.source.listwatch import ListerWatcher, Reconnects
from informers.source.records import Record
from informers.source.watch_events import BadObject, Bookmark, ListOptions, WatchEvent

__all__ = ["Reflector"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers")

#: Seconds for which the watch from a saved version is requested. A server sends a bookmark two seconds before its end.
_CATCH_UP = 3


@final
class Reflector(OfOneProcess, Generic[T]):
    """Lists and watches a source, and writes what it sees to a store.

    It begins with a streaming list if the source supports it, else with a list in pages, and watches from there. A
    watch that worked is opened again at once at its last version, however it ended. If a watch fails otherwise, or its
    version is too old, a list follows. After every other failure there is a pause, which grows, has jitter, is at
    least as long as the server asks, and ends with `stop`. It never gives up.

    `informers/cache/_reflector/transitions.py` decides each next step, by the states of `states.py`.

    Args:
        source: the source of the objects; the reflector closes it.
        store: receives the objects.
        resource: names the resource in messages.
        namespace: names the namespace in messages; None for all.
        options: how to list and watch.
        list_turns: limits how many lists run at a time; None for no common limit.
        on_failure: called with every failure, in the reflector's own thread; it must be quick. Its exceptions are
            logged.
        on_recovery: called in the same way when a watch works again after failures.
        clock: for waiting.

    Raises:
        ConfigurationError: `source`, `store` or `options` is invalid.

    Example:
        >>> from informers.cache.store import Store
        >>> from informers.testing import FakeSource
        >>> store = Store()
        >>> reflector = Reflector(FakeSource(), store)
        >>> reflector.stop()

    Thread safety: `run` belongs to one thread; `stop`, `relist` and the properties may be used from any.

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
        list_turns: ListTurns | None = None,
        on_failure: WatchErrorHandler | None = None,
        on_recovery: WatchRecoveryHandler | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._source = source
        self._store: ReflectorStore[T] = StoreWriter(store) if isinstance(store, Store) else store
        check_methods("source", source, ("list", "watch", "close"), "ListWatch")
        check_methods("store", self._store, ("replace_records", "apply_events"), "Store")
        check_options(options)
        self._options = options = options or ReflectorOptions()
        self._list_turns = list_turns or ListTurns(clock=clock)
        self._clock = clock
        self._backoff = Backoff(options.backoff, clock=clock, uniform=options.uniform)
        self._interrupts = Interrupts(clock)
        self._on_failure = on_failure
        self._on_recovery = on_recovery
        memory = states.Memory(page_size=options.page_size, streams=options.streaming_lists)
        self._situation = states.Situation(states.NotStarted(), memory)
        self._saved = ""
        #: The open watch, or None.
        self._watch: OpenWatch[T] | None = None
        self.progress: Progress = Progress(resource, namespace, clock)

    def rename(self, resource: str) -> None:
        """Change the resource's name in messages."""
        self.progress.resource = resource

    def __repr__(self) -> str:
        namespace, version = self.progress.namespace or "all namespaces", self.last_sync_resource_version
        return escaped(f"<Reflector {self.progress.resource} in {namespace} rv={version}>")

    @property
    def last_sync_resource_version(self) -> str:
        """Version of the last list, event or bookmark; empty before the first list."""
        watch = self._watch
        return watch.version if watch is not None else self._situation.memory.version or self._saved

    def resume(self, resource_version: str) -> None:
        """Begin with a watch, not a list: the store has everything up to this version. Call it before `run`.

        The reflector still lists if the server can't continue from there, or does not show that it can: it sends no
        bookmark before the first watch ends, which is requested to be short.
        """
        self._saved = resource_version

    def relist(self) -> None:
        """Make a new connection and a new list of the newest version; the present request is broken off.

        A source of your own is interrupted if it has `reconnect` (see `Reconnects`), and otherwise at its next answer
        or event. Does nothing before `run`, which begins with a list.
        """
        if not isinstance(self._situation.state, states.NotStarted):
            self._interrupts.relist(self._reconnect)

    def stop(self) -> None:
        """End `run` within a moment."""
        self._interrupts.stop()
        self._close_source()

    def run(self) -> None:
        """List and watch until `stop`."""
        came: states.Outcome = states.Began(self._saved)
        try:
            while not isinstance(self._situation.state, states.Stopped):
                self._enter(step(self._situation, self._unless_interrupted(came)))
                came = self._act()
        finally:
            self._close_watch()
            # After an unexpected error, it must not look alive.
            self._enter(step(self._situation, states.StopAsked()))
            self._close_source()

    def _unless_interrupted(self, came: states.Outcome) -> states.Outcome:
        """Return the outcome, or an interrupt that came first."""
        if self._interrupts.stopped:
            self._close_watch()
            return states.StopAsked()
        if self._interrupts.wants_relist:
            self._close_watch()
            self._interrupts.take_relist()
            return states.RelistAsked()
        return came

    def _enter(self, due: Step) -> None:
        """Enter the next state, and notify of failures and recoveries."""
        if due.has_worked:
            self._backoff.reset()
        if due.is_caught_up:
            mark = Bookmark(due.situation.memory.version)
            self._guarded(lambda: self._store.apply_events([mark]), "a bookmark of %s could not be stored")
        delay = self._delay(due.situation)
        if due.error is not None:
            clear_frames(due.error)
            self.progress.failed(due.error, is_made_good=due.next_step is NextStep.LIST_PAGES)
        self._situation = due.situation
        recovery = self.progress.entered(due.situation)
        if delay is not None:
            self.progress.pausing(delay)
        if due.error is not None:
            self._tell_failure(due.error, due.next_step, delay or 0.0)
        if recovery is not None and recovery.failures:
            self._tell(self._on_recovery, recovery)

    def _delay(self, situation: states.Situation) -> float | None:
        """Return the seconds of a state's pause; None if the state is not a pause."""
        state = situation.state
        if isinstance(state, states.Waiting):
            return self._backoff.next(at_least=state.at_least)
        if isinstance(state, states.AskedToWait):
            return state.seconds
        return self._options.backoff.initial if isinstance(state, states.Resting) else None

    def _act(self) -> states.Outcome:
        """Do what the state says; return the outcome."""
        began = self._clock.monotonic()
        try:
            match self._situation.state:
                case states.Comparing():
                    with self._turn():
                        return states.Compared(self._source.list(ListOptions(limit=1)).resource_version)
                case states.CatchingUp(newest=newest):
                    self._watch = self._open(resumes=False, timeout=_CATCH_UP)
                    return self._follow(self._watch, newest)
                case states.Streaming(at=at):
                    with self._turn():
                        return self._list_by_stream(at)
                case states.Paging(at=at, limit=limit):
                    with self._turn():
                        return self._list_in_pages(at, limit)
                case states.Connecting(resumes=resumes):
                    self._watch = self._open(resumes=resumes)
                case states.Watching() if self._watch is not None:
                    return self._follow(self._watch)
                case _:
                    if self.progress.retry_at is not None:
                        self._interrupts.wait(self.progress.retry_at - self._clock.monotonic())
            return states.Done()
        except BaseException as error:  # noqa: BLE001  a user's source or tweak may raise anything
            # Even a StoppedError, which may belong to an object that the tweak uses.
            reason = as_exception(error)
            lasted = self._clock.monotonic() - began
            return states.Failed(reason, lasted) if self._watch is None else self._end(self._watch, reason)

    @contextmanager
    def _turn(self) -> Generator[None]:
        """Wait for the turn to list; the turn ends with the block."""
        with self._list_turns.asked(self.progress.resource, self._interrupts.wake) as turn:
            self.progress.is_queued = not turn.is_set()
            while not (turn.is_set() or self._interrupts.any):
                self._list_turns.look()
                self._interrupts.wait_once(self._list_turns.patience, unless=turn.is_set)
            self.progress.has_turn()
            self._interrupts.check()
            yield

    def _list_in_pages(self, at: str, limit: int) -> states.Outcome:
        content: PagedList[T] = PagedList(self._source, resource_version=at, limit=limit)
        content.read(on_progress=self._arrived, on_expired=self._expired)
        self._replace(content.records, content.resource_version, content.bad)
        return states.Listed(content.resource_version, content.has_pages)

    def _list_by_stream(self, at: str) -> states.Outcome:
        """Read a streaming list to its end and replace the store's content; the stream goes on as the watch."""
        watch = self._source.watch(
            ListOptions(
                resource_version=at,
                resource_version_match="NotOlderThan",
                send_initial_events=True,
                allow_watch_bookmarks=True,
                timeout_seconds=self._watch_timeout(),
            )
        )
        opened = self._clock.monotonic()
        batches: Iterator[Sequence[WatchEvent[T]]] = watch.batches()
        content: StreamedList[T] = StreamedList(
            opened, patience=self._options.streaming_timeout, limit=self._options.min_watch_timeout
        )
        try:
            rest = content.read(batches, now=self._clock.monotonic, on_progress=self._arrived)
            self._replace(content.records, content.resource_version, content.bad)
        except BaseException as error:  # noqa: BLE001  as above
            self._guarded(watch.close, "closing a watch of %s failed")
            return states.Failed(as_exception(error), was_answered=True)
        # Events after the list's end belong to the watch, also an error: it is not a failure of the list.
        batches = itertools.chain([rest], batches) if rest else batches
        self._watch = OpenWatch(watch=watch, opened=opened, batches=batches, version=content.resource_version)
        self.progress.opened()
        return states.Listed(content.resource_version)

    def _arrived(self, listed: int, remaining: int | None = None) -> None:
        # A source of the user's may be unable to break its request off.
        self._interrupts.check()
        self.progress.arrived(listed, remaining)

    def _replace(self, records: Sequence[Record[T]], resource_version: str, bad: Sequence[BadObject]) -> None:
        self._interrupts.check()
        self._store.replace_records(records, resource_version, bad=bad)
        self.progress.listed_all(len(records))

    def _open(self, *, resumes: bool, timeout: int = 0) -> OpenWatch[T]:
        version = self._situation.memory.version
        # Before the request: some proxies hold the answer back until the first event.
        opened = self._clock.monotonic()
        watch = self._source.watch(
            ListOptions(
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=timeout or self._watch_timeout(),
            )
        )
        self.progress.opened()
        return OpenWatch(watch=watch, opened=opened, batches=watch.batches(), version=version, resumes=resumes)

    def _follow(self, watch: OpenWatch[T], newest: str = "") -> states.Outcome:
        """Pass on a watch's events until it ends, or until the state ends with them.

        Args:
            watch: the open watch.
            newest: the server's version; the cache has caught up when it is reached, or a bookmark is received.
        """
        is_doubtful = self.progress.is_doubtful
        for batch in watch.batches:
            seen, error = watch.sort(batch)
            if seen:
                self._store.apply_events(seen)
                self.progress.arrived_by_watch(len(seen))
            if error is not None:
                return self._end(watch, error)
            if newest and (reaches(watch.version, newest) or any(isinstance(event, Bookmark) for event in seen)):
                return states.CaughtUp(watch.version)
            if self._interrupts.any or (seen and is_doubtful):
                return states.Done()
        return self._end(watch, None)

    def _end(self, watch: OpenWatch[T], error: Exception | None) -> states.Ended:
        # Before the watch is released, so that the last version can be read at any time.
        ended = watch.ended(self._clock.monotonic(), error)
        memory = attrs.evolve(self._situation.memory, version=ended.version)
        self._situation = attrs.evolve(self._situation, memory=memory)
        self._close_watch()
        return ended

    def _close_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            self._guarded(watch.watch.close, "closing a watch of %s failed")

    def _reconnect(self) -> None:
        """Let the source make new connections, if it can."""
        if isinstance(self._source, Reconnects):
            self._guarded(self._source.reconnect, "connecting the source of %s again failed")

    def _expired(self, error: Exception) -> None:
        """Report that a token has expired between pages: the list is made again in one page."""
        clear_frames(error)
        self.progress.failed(error)
        self._tell_failure(error, NextStep.LIST, 0.0)

    def _tell_failure(self, error: Exception, next_step: NextStep, delay: float) -> None:
        where = self.progress.resource, self.progress.namespace
        self._tell(self._on_failure, WatchFailure(*where, error, next_step, delay))

    def _tell(self, listener: Callable[[Any], object] | None, what: WatchFailure | WatchRecovery) -> None:
        # A failure after a stop is the broken-off request.
        if listener is not None and not self._interrupts.stopped:
            self._guarded(lambda: listener(what), "%s: a failure handler failed")

    def _guarded(self, function: Callable[[], object], message: str) -> None:
        """Call a function that may be the user's; its exception is logged with `message`, which takes the resource."""
        try:
            function()
        except BaseException as error:  # noqa: BLE001  a user's error must not end this thread
            report(_log, as_exception(error), message, self.progress.resource)

    def _close_source(self) -> None:
        self._guarded(self._source.close, "closing the source of %s failed")

    def _watch_timeout(self) -> int:
        shortest = self._options.min_watch_timeout
        return int(self._options.uniform(shortest, 2 * shortest))
