"""Storage with versions: what etcd and the watch cache are to the real server.

One counter numbers every write. Each collection keeps its objects, encoded, and a window of its last events, from
which it can also answer for the state at an older version: that is what continue tokens stand on. What has left
the window, or was compacted, is gone for both.

Upstream: k8s.io/apiserver/pkg/storage/cacher and pkg/storage/etcd3 (v0.37).
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping
from math import inf
from typing import Literal, final

import attrs

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_condition, new_rlock

__all__ = ["CompactedError", "Event", "FutureVersionError", "Storage", "StoredPage", "StoredRecord", "key_of"]


class CompactedError(Exception):
    """The version asked for has left the window.

    Attributes:
        oldest: the oldest version that can be asked for.
    """

    def __init__(self, oldest: int) -> None:
        super().__init__(oldest)
        self.oldest = oldest


class FutureVersionError(Exception):
    """The version asked for is yet to come.

    Attributes:
        current: the version of now.
    """

    def __init__(self, current: int) -> None:
        super().__init__(current)
        self.current = current


def key_of(namespace: str, name: str) -> str:
    """Return the key of an object: `namespace/name`, or `name` for what has no namespace. Their order is etcd's."""
    return f"{namespace}/{name}" if namespace else name


@attrs.frozen(eq=False)
class StoredRecord:
    """An object at one version.

    Attributes:
        key: that of `key_of`.
        version: of the write that made it.
        body: the object's JSON from its metadata on.
        metadata_end: where in `body` the metadata end.
        labels: for selectors.
        fields: what field selectors can ask for.
        uid: for shard selectors.
    """

    key: str
    version: int
    body: bytes = attrs.field(repr=False)
    metadata_end: int
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    uid: str = ""

    @property
    def metadata(self) -> bytes:
        """Return the metadata's JSON."""
        return self.body[len('"metadata":') : self.metadata_end]


@attrs.frozen(eq=False)
class Event:
    """A write.

    Attributes:
        type: what it was.
        record: what it made; for a delete the last state, with the delete's own version.
        previous: what was there before.
        time: when it happened, in seconds of the storage's clock.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    record: StoredRecord
    previous: StoredRecord | None
    time: float


@attrs.frozen(eq=False)
class StoredPage:
    """A part of a collection at one version.

    Attributes:
        records: the objects, by key.
        version: what they are a snapshot of.
        last_key: the last key, if more objects follow.
        remaining: how many follow, matching or not.
    """

    records: list[StoredRecord] = attrs.field(repr=False)
    version: int
    last_key: str = ""
    remaining: int = 0


@attrs.define(eq=False)
class _Collection:
    """The objects of one resource. Invariant: `keys` is sorted and holds the keys of `records`."""

    changed: threading.Condition
    #: The last event that is not kept any more: the window cut it off.
    lost: int = 0
    #: Watches start from this version on, though older ones can still be listed.
    begun: int = 0
    keys: list[str] = attrs.field(factory=list[str])
    records: dict[str, StoredRecord] = attrs.field(factory=dict[str, StoredRecord])
    #: By version.
    events: list[Event] = attrs.field(factory=list[Event])

    def after(self, version: int) -> int:
        """Return the index of the first event after `version`."""
        return bisect_right(self.events, version, key=lambda event: event.record.version)

    def bounds(self, namespace: str) -> tuple[int, int]:
        """Return where a namespace's keys begin and end."""
        if not namespace:
            return 0, len(self.keys)
        # "0" comes right after "/".
        return bisect_left(self.keys, f"{namespace}/"), bisect_left(self.keys, f"{namespace}0")


@final
class Storage:
    """Objects with versions, in collections.

    Args:
        window: how many events each collection keeps at least.
        clock: tells when each event happened.

    Thread safety: all methods may be called from any thread. `build` functions run under the lock.
    """

    def __init__(self, *, window: int = 10_000, clock: Clock = SYSTEM_CLOCK) -> None:
        self._window = window
        self._clock = clock
        self._lock = new_rlock()
        self._collections: dict[str, _Collection] = {}
        self._version = 1
        #: Versions before this one are hidden, whether kept or not.
        self._compacted = 0

    @property
    def version(self) -> int:
        """Return the version of the last write."""
        return self._version

    @property
    def lock(self) -> threading.RLock:
        """Return the lock under which reads and a write make one step."""
        return self._lock

    def changed(self, collection: str) -> threading.Condition:
        """Return the condition that each write to the collection notifies."""
        with self._lock:
            return self._collection_locked(collection).changed

    def get(self, collection: str, key: str) -> StoredRecord | None:
        """Return the object of this key, or None."""
        with self._lock:
            return self._collection_locked(collection).records.get(key)

    def has_any(self, collection: str, namespace: str) -> bool:
        """Return whether there are objects in a namespace."""
        with self._lock:
            low, high = self._collection_locked(collection).bounds(namespace)
            return low < high

    def put(self, collection: str, build: Callable[[int], StoredRecord]) -> StoredRecord:
        """Store what `build` makes of the next version, in place of what has the same key."""
        with self._lock:
            store = self._collection_locked(collection)
            record = build(self._version + 1)
            previous = store.records.get(record.key)
            if previous is None:
                insort(store.keys, record.key)
            store.records[record.key] = record
            self._commit_locked(store, "MODIFIED" if previous else "ADDED", record, previous)
            return record

    def remove(self, collection: str, build: Callable[[int], StoredRecord]) -> StoredRecord:
        """Remove the object whose last state `build` makes of the next version.

        Raises:
            KeyError: it is not there.
        """
        with self._lock:
            store = self._collection_locked(collection)
            record = build(self._version + 1)
            previous = store.records.pop(record.key)
            del store.keys[bisect_left(store.keys, record.key)]
            self._commit_locked(store, "DELETED", record, previous)
            return record

    def advance(self) -> int:
        """Use up a version without a write, as the traffic of other resources does; return it."""
        with self._lock:
            self._version += 1
            return self._version

    def page(
        self,
        collection: str,
        *,
        namespace: str = "",
        after: str = "",
        limit: int = 0,
        version: int | None = None,
        matches: Callable[[StoredRecord], bool] | None = None,
    ) -> StoredPage:
        """Return a part of the collection.

        Args:
            collection: its name.
            namespace: only this one.
            after: only keys beyond this one.
            limit: how many objects at most; 0 for no limit.
            version: the state at this version; None for that of now.
            matches: whether to take an object; runs without the lock.

        Raises:
            CompactedError: the version has left the window.
            FutureVersionError: the version is yet to come.
        """
        with self._lock:
            at = self._version if version is None else version
            store = self._collection_locked(collection)
            low, high = store.bounds(namespace)
            low = max(low, bisect_right(store.keys, after)) if after else low
            records = [store.records[key] for key in store.keys[low:high]]
            if at > self._version:
                raise FutureVersionError(self._version)
            oldest = max(store.lost, self._compacted)
            if at < oldest:
                raise CompactedError(oldest)
            undone: dict[str, StoredRecord | None] = {}
            for event in store.events[store.after(at) :]:
                undone.setdefault(event.record.key, event.previous)
        if undone:
            state: dict[str, StoredRecord | None] = {record.key: record for record in records}
            prefix = f"{namespace}/" if namespace else ""
            state.update({k: r for k, r in undone.items() if k > after and k.startswith(prefix)})
            records = [record for _, record in sorted(state.items()) if record is not None]
        return _cut(records, at, limit, matches)

    def events(self, collection: str, version: int, *, is_running: bool = False) -> list[Event]:
        """Return the events after `version`; hold the collection's condition to know that none comes meanwhile.

        Args:
            collection: its name.
            version: of the last event seen.
            is_running: the reader has followed until now: a compaction does not cut it off.

        Raises:
            CompactedError: some of them are not kept any more.
        """
        with self._lock:
            store = self._collection_locked(collection)
            oldest = max(store.lost, self._compacted, store.begun)
            if version < (store.lost if is_running else oldest):
                raise CompactedError(oldest)
            return store.events[store.after(version) :]

    def behind(self, collection: str, *, events: int, seconds: float) -> tuple[int, float]:
        """Return which version is seen by a reader that is behind, and for how long.

        Args:
            collection: its name.
            events: so many of the last events are hidden.
            seconds: events are hidden until they are so old.

        Returns:
            The version that is seen, and the seconds until the next event is old enough to be seen.
        """
        with self._lock:
            store = self._collection_locked(collection)
            now = self._clock.monotonic()
            old_enough = bisect_right(store.events, now - seconds, key=lambda event: event.time)
            first = min(old_enough, max(0, len(store.events) - events))
            if first == len(store.events):
                return self._version, inf
            hidden = store.events[first]
            return hidden.record.version - 1, max(0.0, hidden.time + seconds - now) if first == old_enough else inf

    def begin_anew(self, collection: str | None = None) -> None:
        """Refuse watches from before now, of a collection or of all, as after the watch cache was rebuilt."""
        with self._lock:
            names = list(self._collections) if collection is None else [collection]
            for name in names:
                self._collection_locked(name).begun = self._version

    def compact(self) -> None:
        """Hide the history of every collection."""
        with self._lock:
            self._compacted = self._version

    def _collection_locked(self, name: str) -> _Collection:
        found = self._collections.get(name)
        if found is None:
            found = self._collections[name] = _Collection(new_condition(self._lock))
        return found

    def _commit_locked(
        self,
        store: _Collection,
        type_: Literal["ADDED", "MODIFIED", "DELETED"],
        record: StoredRecord,
        previous: StoredRecord | None,
    ) -> None:
        self._version = record.version
        store.events.append(Event(type_, record, previous, self._clock.monotonic()))
        # Not one by one: cutting the front off a list moves the whole rest.
        if len(store.events) > self._window + self._window // 4 + 16:
            count = len(store.events) - self._window
            store.lost = store.events[count - 1].record.version
            del store.events[:count]
        store.changed.notify_all()


def _cut(
    records: list[StoredRecord], version: int, limit: int, matches: Callable[[StoredRecord], bool] | None
) -> StoredPage:
    if matches is None:
        if not limit or len(records) <= limit:
            return StoredPage(records, version)
        return StoredPage(records[:limit], version, records[limit - 1].key, len(records) - limit)
    taken: list[StoredRecord] = []
    for index, record in enumerate(records):
        if matches(record):
            taken.append(record)
            if len(taken) == limit and index + 1 < len(records):
                return StoredPage(taken, version, record.key, len(records) - index - 1)
    return StoredPage(taken, version)
