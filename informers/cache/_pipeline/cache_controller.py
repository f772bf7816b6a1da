"""Takes from the queue, changes the cache and notifies the handlers: all changes pass through this one thread.

Users' code (transforms, index functions, error handlers) runs here, before any lock is taken. Then the cache and the
handlers' queues change in one step: a handler that joins, or a reader, sees both before or both after it.

Upstream: k8s.io/client-go/tools/cache/controller.go processDeltas and processReplacedAllInfo (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, cast, final

from typing_extensions import TypeVar

from informers._base.clock import Clock
from informers._base.exceptions import as_exception, note
from informers._base.signals import Signal
from informers.cache._compaction import Compactor
from informers.cache._contents import Contents
from informers.cache._pipeline.deltas import Delta, DeltaQueue, NamespaceRemoved, Replaced, Snapshot
from informers.cache._pipeline.histories import Histories
from informers.cache._pipeline.latency import Latency
from informers.cache._pipeline.observers import Observers
from informers.cache._pipeline.processor import Listener, Notification, RecordEvent
from informers.cache._pipeline.scopes import Scope
from informers.cache._pipeline.set_aside import SetAside
from informers.cache._reflector.watch_failures import WatchFailure, WatchRecovery
from informers.cache.object_events import Added, Deleted, Updated
from informers.cache.versions import reaches, sort_key
from informers.errors import ConfigurationError, DecodeError, NotSyncedError
from informers.source.records import Record
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType

__all__ = ["CacheController", "Transform"]

T = TypeVar("T", default=Any)

#: Changes each object before it is stored: it may change the object in place, and returns it or another of its kind.
Transform: TypeAlias = Callable[[T], T]


@final
class CacheController(Generic[T]):
    """Applies deltas to a cache and distributes the resulting events.

    Thread safety: `run` belongs to one thread; the other methods may be called from any.
    """

    def __init__(
        self,
        *,
        queue: DeltaQueue[T],
        contents: Contents[T],
        set_aside: SetAside,
        restore: Callable[[T], Record[T]],
        transform: Transform[T] | None = None,
        makes_objects: bool = False,
        synced: Signal,
        stop: Signal,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._contents = contents
        #: By namespace. It changes under the cache's lock only.
        self._followed: dict[str | None, Scope] = {}
        self._restore = restore
        self._transform = transform
        #: Whether objects are made when they are received, and not only when they are read.
        self._makes_objects = makes_objects or transform is not None
        self._synced = synced
        self._stop = stop
        self._clock = clock
        self._histories: Histories[T] = Histories()
        self._compactor: Compactor[T] = Compactor(clock)
        #: Called after each step of the cache.
        self.observers: Observers = Observers()
        #: Changed under the cache's lock only; replaced, never mutated, so it may be read without the lock.
        self._listeners: tuple[Listener[T], ...] = ()
        self.set_aside: SetAside = set_aside
        #: When it began to apply the last deltas, by the clock's `monotonic`; None while it waits for more.
        self.busy_since: float | None = None
        #: How long it takes to apply deltas; None unless measured.
        self.latency: Latency | None = None

    @property
    def listeners(self) -> tuple[Listener[T], ...]:
        """The handlers' listeners, in the order in which they were added."""
        return self._listeners

    def run(self) -> None:
        """Apply deltas until the queue is closed and empty, or a stop is requested."""
        while not self._stop.is_set():
            deltas = self._queue.pop(timeout=self._compactor.patience)
            if not deltas and self._queue.closed:
                return
            begin = self._clock.monotonic()
            if deltas:
                self.busy_since = begin
                self._apply(deltas)
                self.busy_since = None
                for listener in self._listeners:
                    listener.report_backlog(self.set_aside.resource)
            self.set_aside.clear_frames()
            if self.latency is not None and deltas and not isinstance(deltas[0][1], (WatchFailure, WatchRecovery)):
                self.latency.observe(self._clock.monotonic() - begin)
            self._compactor.work(is_idle=not deltas)

    def join(self, listener: Listener[T]) -> None:
        """Add a handler: it receives the present objects as adds, then every later event, each once."""
        with self._contents.writing():
            adds: list[Notification[T]] = [Added(record, True) for record in self._contents.records.values()]
            if self._synced.is_set():
                adds.append(listener.synced)
            listener.push(adds)
            self._listeners = (*self._listeners, listener)

    def leave(self, listener: Listener[T]) -> None:
        """Remove a handler; does nothing if it is not there."""
        # First of all: a resync that is due must not reach the removed handler.
        listener.end()
        with self._contents.writing():
            self._listeners = tuple(other for other in self._listeners if other is not listener)

    def resync(self, listener: Listener[T]) -> None:
        """Deliver all objects of the cache to one handler again."""
        with self._contents.writing():
            listener.push([Updated(record, record) for record in self._contents.records.values()])

    def follow(self, scope: Scope) -> None:
        """Wait for the first list of a scope, unless the cache counts as synced already."""
        with self._contents.writing():
            self._followed[scope.namespace] = scope

    def unfollow(self, scope: Scope) -> None:
        """Stop waiting for a scope's list; the `NamespaceRemoved` in the queue removes its objects."""
        with self._contents.writing():
            if self._followed.get(scope.namespace) is scope:
                del self._followed[scope.namespace]

    @property
    def has_lists(self) -> bool:
        """Whether at least one followed scope has its first list in the cache."""
        return any(scope.is_listed for scope in self._followed.copy().values())

    def has_ended(self, uid: str) -> bool:
        """Return whether the object of a uid was in the cache and has left it, as far as that is remembered."""
        return self._histories.has_ended(uid)

    def snapshot(self) -> Snapshot[T]:
        """Return the records of the cache, and the versions that it has reached.

        Raises:
            NotSyncedError: the cache is incomplete.
        """
        with self._contents.writing():
            set_aside = list(self.set_aside.objects)
            if set_aside:
                raise NotSyncedError(f"not whole: {len(set_aside)} objects are set aside, for example {set_aside[0]}")
            missing = [scope.namespace for scope in self._followed.values() if not scope.is_listed]
            if missing or not self._followed:
                raise NotSyncedError("not synced" + "".join(f", namespace {name}" for name in missing if name))
            versions = {namespace: scope.version for namespace, scope in self._followed.items()}
            return Snapshot(list(self._contents.records.values()), versions)

    def _apply(self, deltas: Sequence[tuple[Scope, Delta[T]]]) -> None:
        scope, first = deltas[0]
        if isinstance(first, Change):
            # The queue hands out changes only with changes.
            self._apply_changes(cast("Sequence[tuple[Scope, Change[T]]]", deltas))
        elif isinstance(first, Replaced):
            self._apply_list(scope, first)
        elif isinstance(first, Snapshot):
            self._apply_snapshot(first)
        elif isinstance(first, Bookmark):
            self._apply_position(scope, first.resource_version, is_bookmark=True)
        elif isinstance(first, BadObject):
            self.set_aside.put(first.error.key, first.error)
            self._apply_position(scope, first.resource_version, is_bookmark=False)
        elif isinstance(first, (WatchFailure, WatchRecovery)):
            self.set_aside.report(first)
        elif isinstance(first, NamespaceRemoved):
            self._apply_removal(scope)

    def _apply_changes(self, changes: Sequence[tuple[Scope, Change[T]]]) -> None:
        events: list[RecordEvent[T]] = []
        #: The cache's future records of this batch's keys. Only this thread changes the cache.
        pending: dict[str, Record[T] | None] = {}
        #: Keys of objects that are set aside, and that a later change makes readable, or deletes.
        back: set[str] = set()
        records = self._contents.records
        for scope, change in changes:
            seen = change.record
            key = seen.key
            new = self._transformed(seen) if self._makes_objects else seen
            if new is None and change.type is not ChangeType.DELETED:
                back.discard(key)
                continue
            if self.set_aside.objects:
                back.add(key)
            old = pending[key] if key in pending else records.get(key)
            told = self._histories.change(change.type, seen, new, old, is_initial=not scope.is_listed)
            if told:
                events += told
                pending[key] = _record_after(told[-1])
        with self._step(events, pending, (change.record.key for _, change in changes)) as moved:
            self.set_aside.take_back(back)
            for scope, change in changes:
                if scope.move(change.record.resource_version):
                    moved[scope.namespace] = scope.version
            for version in moved.values():
                self._reach_locked(version)

    def _apply_list(self, scope: Scope, replaced: Replaced[T]) -> None:
        # Before the list is in the cache: until then it must not look complete.
        for bad in replaced.bad:
            self.set_aside.put(bad.error.key, bad.error)
        keep = {bad.error.key for bad in replaced.bad}
        listed: dict[str, Record[T]] = {}
        for record in replaced.records:
            transformed = self._transformed(record) if self._makes_objects else record
            if transformed is None:
                keep.add(record.key)
            else:
                listed[record.key] = transformed
        old = self._contents.records
        gone = [key for key in self._contents.keys_of(scope.namespace) if key not in listed and key not in keep]
        version = replaced.resource_version
        is_back = scope.is_ahead_of(version)
        if is_back:
            self._histories.start_again()
        events = self._histories.missing([old[key] for key in gone], version)
        others: list[RecordEvent[T]] = []
        for key, new in listed.items():
            told = self._histories.listed(old.get(key), new, version, is_initial=not scope.is_listed)
            # Deletions first, including those of objects that were created again.
            events += told[:-1]
            others.append(last := told[-1])
            if isinstance(last, Updated):
                listed[key] = last.new
        # The same dictionary: a second one would take megabytes.
        states = cast("dict[str, Record[T] | None]", listed)
        states.update(dict.fromkeys(gone))
        with self._step(events + others, states, None) as moved:
            # Not earlier: transforms take time, and until now the cache must not look complete.
            self.set_aside.keep(keep, namespace=scope.namespace)
            scope.start_again(version)
            self._reach_locked(version, is_back=is_back)
            # Waits for a version that can't be reached any more are decided, too.
            moved[scope.namespace] = "" if is_back else version
        self._settle(scope)

    def _apply_snapshot(self, snapshot: Snapshot[T]) -> None:
        """Begin with a saved cache. It counts as synced once the server has reported the changes since."""
        states = {record.key: record for record in snapshot.records}
        with self._step([Added(record, True) for record in states.values()], states, None) as moved:
            for namespace, version in snapshot.versions.items():
                if namespace in self._followed:
                    self._followed[namespace].resume(version)
                    self._reach_locked(version)
                    moved[namespace] = version

    def _apply_position(self, scope: Scope, version: str, *, is_bookmark: bool) -> None:
        # After a snapshot, the changes since are complete: of every object it is known whether it exists.
        is_first = is_bookmark and scope.is_filled and not scope.is_listed
        with self._step((), {}, None if is_first else ()) as moved:
            if scope.move(version):
                self._reach_locked(version)
            if is_first:
                scope.is_listed = True
            moved[scope.namespace] = scope.version
        self._settle(scope)

    def _apply_removal(self, scope: Scope) -> None:
        records = self._contents.records
        gone = self._contents.keys_of(scope.namespace)
        events = [Deleted(key, records[key], True) for key in gone]
        # First of all: a wait that finds an object gone must not take it for deleted.
        with self._contents.writing():
            scope.empty()
        with self._step(events, dict.fromkeys(gone), None) as moved:
            self.set_aside.keep((), namespace=scope.namespace)
            moved[scope.namespace] = ""
        self._settle(scope)

    @contextmanager
    def _step(
        self, events: Sequence[RecordEvent[T]], states: Mapping[str, Record[T] | None], keys: Iterable[str] | None
    ) -> Generator[dict[str | None, str]]:
        """Change the cache, and deliver events, in one step with what the block does; then what needs no lock.

        Args:
            events: for the handlers.
            states: the records after the events, by key; None for a deleted object.
            keys: for the observers.

        Yields:
            Takes the scopes that move, with their versions.
        """
        records = self._contents.records
        # An unchanged object keeps its record, packed and indexed.
        writes = {key: record for key, record in states.items() if record is not records.get(key)}
        changed = [event for event in events if not (isinstance(event, Updated) and event.old is event.new)]
        moved: dict[str | None, str] = {}
        with self._contents.writing(writes) as values:
            self._contents.write_locked(writes, values)
            yield moved
            for listener in self._listeners:
                # A handler with resyncs receives unchanged objects as a resync; the others do not receive them.
                listener.push(events if listener.resync_period > 0 else changed)
        self._compactor.changed(writes)
        self.observers.moved(moved, keys)

    def _reach_locked(self, version: str, *, is_back: bool = False) -> None:
        """Move the version of the whole cache: the newest of its scopes."""
        if is_back:
            version = max((scope.version for scope in self._followed.values()), key=sort_key, default=version)
        elif reaches(self._contents.resource_version, version):
            return
        self._contents.resource_version = version

    def _settle(self, scope: Scope) -> None:
        """Signal that a scope, or the whole cache, is synced: first the cache's signal, then each handler's in turn."""
        # Callbacks are users' code, so no lock is held. A handler that joins from here on sees the flag.
        if scope.is_listed:
            scope.synced.set()
        if self._synced.is_set() or not self._followed:
            return
        if not all(each.is_listed for each in self._followed.copy().values()):
            return
        self._synced.set()
        with self._contents.writing():
            for listener in self._listeners:
                listener.push([listener.synced])

    def _transformed(self, record: Record[T]) -> Record[T] | None:
        """Return the transformed record; None if the transform, or making the object, fails: then it is set aside."""
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
            reason = as_exception(error)
            if self._transform is not None and not isinstance(reason, DecodeError):
                note(reason, "the transform failed on %s of %s", record.key, self.set_aside.resource)
            self.set_aside.put(record.key, reason)
            return None
        return transformed


def _record_after(event: RecordEvent[T]) -> Record[T] | None:
    """Return the cache's record of an object after an event."""
    if isinstance(event, Updated):
        return event.new
    return event.obj if isinstance(event, Added) else None
