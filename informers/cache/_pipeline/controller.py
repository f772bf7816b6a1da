"""Takes from the queue, changes the cache, tells the handlers: the one thread through which all changes go.

What is users' code (transform, index functions, error handlers) runs here, before any lock is taken. Then the cache and
the handlers' queues change as one: whoever joins or reads sees both before or both after.

Upstream: k8s.io/client-go/tools/cache/controller.go processDeltas and processReplacedAllInfo (v0.37).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeAlias, cast, final

from typing_extensions import TypeVar

from informers._base.clock import Clock
from informers._base.exceptions import as_exception, clear_frames, safe_text
from informers._base.signals import Signal
from informers.cache._compaction import Compactor
from informers.cache._pipeline.deltas import Delta, DeltaQueue, Forgotten, Replaced, Snapshot
from informers.cache._pipeline.latency import Latency
from informers.cache._pipeline.observers import Observers
from informers.cache._pipeline.processor import Added, Deleted, Gone, Listener, Notification, Synced, Updated
from informers.cache._reflector.watch_failures import NextStep, WatchErrorHandler, WatchFailure
from informers.cache.store import Store, Write
from informers.cache.versions import reaches
from informers.errors import ConfigurationError, DecodeError, NotSyncedError
from informers.source.events import BadObject, Bookmark, Change, ChangeType
from informers.source.records import Record

__all__ = ["Controller", "Transform"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")

#: Changes each object before it is stored: takes it, may change it in place, and returns it or another of its kind.
Transform: TypeAlias = Callable[[T], T]


@final
class Controller(Generic[T]):
    """Applies deltas to a store and distributes what they did.

    Args:
        resource: names the resource in messages.
        queue: where deltas come from.
        store: what they change.
        scopes: namespaces whose first list must be in before the cache counts as synced; `{None}` for a list of all.
        restore: makes a record of what a transform returned.
        transform: see `Transform`.
        makes_objects: see `SharedInformer`.
        on_failure: told of every failure.
        synced: raised when the first list of every scope is in the cache.
        stop: ends `run`.
        clock: for waiting.

    Thread safety: `run` belongs to one thread; the other methods may be called from any.
    """

    def __init__(
        self,
        resource: str,
        *,
        queue: DeltaQueue[T],
        store: Store[T],
        scopes: set[str | None],
        restore: Callable[[T], Record[T]],
        transform: Transform[T] | None = None,
        makes_objects: bool = False,
        on_failure: WatchErrorHandler | None = None,
        synced: Signal,
        stop: Signal,
        clock: Clock,
    ) -> None:
        self._resource = resource
        self._queue = queue
        self._store = store
        #: Changed under the store's lock only.
        self._awaited = set(scopes)
        #: How often a namespace is still to be forgotten: what comes before that is not the list that is awaited.
        self._leaving: dict[str | None, int] = {}
        #: What the cache has of each scope, once it has been filled: everything up to this version. Likewise.
        self._versions: dict[str | None, str] = {}
        #: How often a list has taken the version of a scope back. Likewise.
        self._times_back: dict[str | None, int] = {}
        #: Called whenever the cache has moved on.
        self.observers: Observers = Observers()
        self._is_by_namespace = None not in scopes
        self._restore = restore
        self._transform = transform
        self._makes_objects = makes_objects
        self._on_failure = on_failure
        self._synced = synced
        self._stop = stop
        self._clock = clock
        self._compactor: Compactor[T] = Compactor(clock)
        #: Changed under the store's lock only; replaced, never mutated, so it may be read without.
        self._listeners: tuple[Listener[T], ...] = ()
        #: Objects that are on the server but not here in that form, by key, and why.
        self.set_aside: dict[str, Exception] = {}
        self.set_aside_total: int = 0
        #: Why objects were set aside since what was popped last.
        self._reasons: list[Exception] = []
        #: Since when it has been at what was popped last, by the clock's `monotonic`; None while it waits for more.
        self.busy_since: float | None = None
        #: How long it takes to apply what was popped; None while nobody wants to know.
        self.latency: Latency | None = None

    @property
    def listeners(self) -> tuple[Listener[T], ...]:
        """The handlers' listeners, in the order in which they came."""
        return self._listeners

    def run(self) -> None:
        """Apply deltas until the queue is closed and empty, or a stop is asked for."""
        self._settle()
        while not self._stop.is_set():
            deltas = self._queue.pop(timeout=self._compactor.patience)
            if not deltas and self._queue.closed:
                return
            latency = self.latency
            begin = self._clock.monotonic()
            if deltas:
                self.busy_since = begin
            if deltas and isinstance(deltas[0], Change):
                # The queue hands out changes only with changes.
                self._apply_changes(cast("Sequence[Change[T]]", deltas))
            elif deltas:
                self._apply(deltas[0])
            self.busy_since = None
            while self._reasons:
                clear_frames(self._reasons.pop())
            if latency is not None and deltas and not isinstance(deltas[0], WatchFailure):
                latency.observe(self._clock.monotonic() - begin)
            self._compactor.work(is_idle=not deltas)

    def join(self, listener: Listener[T]) -> None:
        """Let a handler in: it gets what the cache holds as adds, then everything that comes, nothing twice."""
        with self._store.writing():
            adds: list[Notification[T]] = [Added(record, True) for record in self._store.records_locked()]
            if self._synced.is_set():
                adds.append(Synced(listener.synced))
            listener.push(adds)
            self._listeners = (*self._listeners, listener)

    def leave(self, listener: Listener[T]) -> None:
        """Let a handler go; does nothing where it is not in."""
        # First of all: a resync that comes due must not show it what it is not told of any more.
        listener.end()
        with self._store.writing():
            self._listeners = tuple(other for other in self._listeners if other is not listener)

    def resync(self, listener: Listener[T]) -> None:
        """Deliver everything that the cache holds once more, to one handler."""
        with self._store.writing():
            listener.push([Updated(record, record) for record in self._store.records_locked()])

    def await_list(self, scope: str) -> None:
        """Wait for the first list of one namespace more, unless the cache counts as synced already."""
        with self._store.writing():
            self._awaited.add(scope)

    def forget_list(self, scope: str) -> None:
        """Wait for a namespace's list no longer; its objects leave with the `Forgotten` in the queue."""
        with self._store.writing():
            self._awaited.discard(scope)
            self._leave_locked(scope, 1)

    def version_of(self, scope: str | None) -> str:
        """Return up to which version the cache has everything of a scope; empty before its first list."""
        return self._versions.get(scope, "")

    def times_back(self, scope: str | None) -> int:
        """Return how often a list has taken the version of a scope back."""
        return self._times_back.get(scope, 0)

    def snapshot(self, scopes: set[str | None]) -> Snapshot[T]:
        """Return what the cache holds of these scopes, which are all, and up to which versions.

        Raises:
            NotSyncedError: it does not hold everything.
        """
        with self._store.writing():
            set_aside = list(self.set_aside)
            if set_aside:
                raise NotSyncedError(f"not whole: {len(set_aside)} objects are set aside, such as {set_aside[0]}")
            missing = (scopes - set(self._versions)) | (scopes & self._awaited)
            if missing:
                raise NotSyncedError("not synced" + "".join(f", namespace {name}" for name in missing if name))
            return Snapshot(self._store.records_locked(), {scope: self._versions[scope] for scope in scopes})

    def _apply(self, delta: Delta[T]) -> None:
        if isinstance(delta, Replaced):
            self._apply_replacement(delta)
        elif isinstance(delta, Snapshot):
            self._apply_snapshot(delta)
        elif isinstance(delta, Bookmark):
            self._apply_bookmark(delta)
        elif isinstance(delta, BadObject):
            if delta.resource_version:
                self._store.bookmark(delta.resource_version)
            self._put_aside(delta.error.key, delta.error)
        elif isinstance(delta, WatchFailure):
            self._report(delta)
        elif isinstance(delta, Forgotten):
            self._apply_replacement(Replaced((), self._store.resource_version, delta.namespace), is_list=False)

    def _apply_snapshot(self, snapshot: Snapshot[T]) -> None:
        """Begin with what was saved. It counts as synced when the server has said what has happened since."""
        writes = self._store.distinct(snapshot.records)
        with self._store.writing(writes):
            self._store.write_locked(writes, snapshot.newest)
            self._versions.update(snapshot.versions)
            self._distribute([Added(write.record, True) for write in writes if write.record is not None])
        self.observers.moved(snapshot.versions, None)

    def _apply_bookmark(self, bookmark: Bookmark) -> None:
        with self._store.writing():
            self._store.write_locked((), bookmark.resource_version)
            if bookmark.namespace in self._versions:
                self._versions[bookmark.namespace] = bookmark.resource_version
                # Where a list is still awaited, this ends what has happened since a snapshot.
                self._listed_locked(bookmark.namespace)
        self._settle()
        self.observers.moved({bookmark.namespace: bookmark.resource_version}, ())

    def _apply_changes(self, changes: Sequence[Change[T]]) -> None:
        writes: list[Write[T]] = []
        #: None of a deletion on which the transform failed: what came is not for anybody's eyes then.
        last_states: list[Record[T] | None] = []
        for change in changes:
            record = self._transformed(change.record)
            deleted = change.type is ChangeType.DELETED
            if record is None and not deleted:
                continue
            key = change.record.key
            last_states.append(record)
            writes.append(Write(key, None if deleted else record))
            if self.set_aside:
                self.set_aside.pop(key, None)
        is_initial = not self._synced.is_set()
        with self._store.writing(writes):
            before = self._store.write_locked(writes, changes[-1].record.resource_version)
            reached: dict[str | None, str] = {}
            for change in changes if self._is_by_namespace else changes[-1:]:
                scope = change.record.namespace if self._is_by_namespace else None
                if scope in self._versions and change.record.resource_version:
                    reached[scope] = change.record.resource_version
            self._versions.update(reached)
            notifications: list[Notification[T]] = []
            for write, old, last_state in zip(writes, before, last_states, strict=True):
                new = write.record
                if new is None:
                    deleted_record = last_state or old
                    notifications.append(
                        Gone(write.key) if deleted_record is None else Deleted(deleted_record, last_state is None)
                    )
                elif old is None:
                    notifications.append(Added(new, is_initial))
                else:
                    notifications.append(Updated(old, new))
            self._distribute(notifications)
        for write in writes:
            self._compactor.changed(write.key, write.record)
        self.observers.moved(reached, [write.key for write in writes])

    def _apply_replacement(self, replaced: Replaced[T], *, is_list: bool = True) -> None:
        keep = set(replaced.keep)
        records: list[Record[T]] = []
        for key in filter(None, keep):
            # Why is told next; the cache must not look whole until then.
            self.set_aside.setdefault(key, DecodeError("the server has it in no form that can be held", key=key))
        for record in replaced.records:
            transformed = self._transformed(record)
            if transformed is None:
                keep.add(record.key)
            else:
                records.append(transformed)
        is_initial = not self._synced.is_set()
        writes = self._store.distinct(records)
        with self._store.writing(writes):
            done = self._store.replace_locked(
                writes, replaced.resource_version, namespace=replaced.namespace, keep=keep
            )
            notifications: list[Notification[T]] = [Deleted(record, True) for record in done.removed]
            for old, new in done.written:
                notifications.append(Added(new, is_initial) if old is None else Updated(old, new))
            # Not before: transforms take their time, and the cache must not look whole meanwhile.
            self.set_aside = {
                key: error
                for key, error in self.set_aside.items()
                if key in keep or replaced.namespace not in {None, key.rpartition("/")[0]}
            }
            is_back = False
            if is_list:
                self._listed_locked(replaced.namespace)
                is_back = reaches(replaced.resource_version, self.version_of(replaced.namespace)) is False
                if is_back:
                    self._times_back[replaced.namespace] = self.times_back(replaced.namespace) + 1
                self._versions[replaced.namespace] = replaced.resource_version
            else:
                self._leave_locked(replaced.namespace, -1)
                self._versions.pop(replaced.namespace, None)
            self._distribute(notifications)
        for record in done.removed:
            self._compactor.changed(record.key, None)
        for write in writes:
            self._compactor.changed(write.key, write.record)
        self._settle()
        # What can't be reached any more is decided, too.
        version = replaced.resource_version if is_list and not is_back else ""
        self.observers.moved({replaced.namespace: version}, None)

    def _listed_locked(self, scope: str | None) -> None:
        if self._leaving.get(scope, 0) <= 0:
            self._awaited.discard(scope)

    def _leave_locked(self, scope: str | None, change: int) -> None:
        # Below zero where the `Forgotten` was quicker through the queue than who put it there.
        count = self._leaving.pop(scope, 0) + change
        if count:
            self._leaving[scope] = count

    def _settle(self) -> None:
        """Count as synced once nothing is awaited any more: first the cache, then each handler in its turn."""
        if self._awaited or self._synced.is_set():
            return
        # Its callbacks are users' code, so no lock is held. Who joins from here on sees the flag.
        self._synced.set()
        with self._store.writing():
            for listener in self._listeners:
                listener.push([Synced(listener.synced)])

    def _distribute(self, notifications: list[Notification[T]]) -> None:
        changed = [n for n in notifications if not (isinstance(n, Updated) and n.is_repetition)]
        for listener in self._listeners:
            # Who asked for resyncs takes what is unchanged as one; to the others it is no news.
            listener.push(notifications if listener.resync_period > 0 else changed)

    def _transformed(self, record: Record[T]) -> Record[T] | None:
        """Return what a transform makes of a record; None where that, or making the object, fails: it is set aside."""
        if self._transform is None and not self._makes_objects:
            return record
        try:
            obj = record.object()
            if self._transform is None:
                return record
            obj = self._transform(obj)
            if obj is None:
                raise ConfigurationError("the transform returned None: it must return the object, changed or not")
            transformed = self._restore(obj)
            if transformed.key != record.key:
                raise ConfigurationError(f"the transform changed the name of the object to {transformed.key!r}")
        except BaseException as error:  # noqa: BLE001  the transform is the user's, and so may the object's class be
            self._put_aside(record.key, as_exception(error))
            return None
        return transformed

    def _put_aside(self, key: str, error: Exception) -> None:
        self._reasons.append(error)
        self.set_aside_total += 1
        if key:
            self.set_aside[key] = error
        self._report(WatchFailure(self._resource, None, error, NextStep.GO_ON, key=key))

    def report_index_failure(self, index: str, key: str, error: Exception) -> None:
        """Report an index function that raised; the object is kept, outside that index."""
        reason = DecodeError(f"index function {index!r} failed: {safe_text(error)}", key=key)
        reason.__cause__ = error
        self._reasons.append(reason)
        self.set_aside_total += 1
        self._report(WatchFailure(self._resource, None, reason, NextStep.GO_ON, key=key, index=index))

    def _report(self, failure: WatchFailure) -> None:
        # As upstream: who is told of failures decides what is logged of them.
        with suppress(Exception):  # of the user's filters of the log
            _log.log(logging.WARNING if self._on_failure is None else logging.DEBUG, "%s", failure)
        if self._on_failure is None:
            return
        try:
            self._on_failure(failure)
        except BaseException as error:  # noqa: BLE001  the handler is the user's
            reason = as_exception(error)
            with suppress(Exception):  # likewise
                _log.error("the error handler of %s failed on: %s", self._resource, str(failure), exc_info=reason)
