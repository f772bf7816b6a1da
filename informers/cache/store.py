"""The cache as it is written.

Index functions are users' code: they run before the lock is taken, on the writer's thread.

Upstream: k8s.io/client-go/tools/cache/store.go and thread_safe_store.go (v0.37).
"""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers._base.exceptions import as_exception
from informers.cache.indexer import NAMESPACE_INDEX, Indexer, checked_values
from informers.errors import ConfigurationError, escaped
from informers.options import IndexFunction, check_indexers
from informers.source.events import BadObject, Bookmark, Change, ChangeType
from informers.source.records import HeldRecord, Record

__all__ = ["IndexFailure", "Replacement", "Store", "Write"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")

#: The values of each index for one object; a name is missing where its function failed.
_Values: TypeAlias = dict[str, tuple[str, ...]]

#: Told of an index function that raised: name of the index, key of the object, and what it raised.
IndexFailure: TypeAlias = Callable[[str, str, Exception], None]


def _log_failure(name: str, key: str, error: Exception) -> None:
    _log.error("index %r failed for %s: the object is kept out of that index", name, escaped(key), exc_info=error)


#: Never changed: most writes have none.
_NO_VALUES: _Values = {}


@final
@attrs.define(eq=False)
class Write(Generic[T]):
    """One change of the cache; `record` is None for a removal."""

    key: str
    record: Record[T] | None
    values: _Values = _NO_VALUES


@final
@attrs.frozen(eq=False)
class Replacement(Generic[T]):
    """What replacing the content did: who is gone, and what each of the new ones took the place of (None: nothing)."""

    removed: list[Record[T]]
    written: list[tuple[Record[T] | None, Record[T]]]


@final
class Store(Indexer[T]):
    """A cache with its writing side.

    An informer keeps one and hands out only the `Indexer`. By itself it is a thread-safe, indexed collection of objects
    that have metadata; then every reader gets the very object that was put in.

    Args:
        indexers: index functions by name.
        on_index_failure: told of an index function that raises, in the writer's thread; logs it by default. The object
            is kept, but not in that index.

    Example:
        >>> store = Store(indexers={"node": lambda pod: [pod["spec"]["nodeName"]]})
        >>> store.add({"metadata": {"namespace": "default", "name": "web-0"}, "spec": {"nodeName": "node-1"}})
        >>> store.index_keys("node", "node-1")
        ['default/web-0']

    Thread safety: all methods may be called from any thread.

    Upstream: k8s.io/client-go/tools/cache/store.go Store (v0.37).
    """

    def __init__(
        self,
        indexers: Mapping[str, IndexFunction[T]] | None = None,
        *,
        on_index_failure: IndexFailure = _log_failure,
    ) -> None:
        super().__init__()
        self._on_index_failure = on_index_failure
        self._values: dict[str, _Values] = {}
        self._indices.create(NAMESPACE_INDEX)
        if indexers:
            self.add_indexers(indexers)

    def add(self, obj: T) -> None:
        """Put an object in, in place of one of the same name.

        Raises:
            ConfigurationError: it has no metadata with a name.
        """
        record = HeldRecord(obj)
        self.write([Write(record.key, record)], record.resource_version)

    def update(self, obj: T) -> None:
        """Do what `add` does: which of the two is called makes no difference to a store."""
        self.add(obj)

    def delete(self, obj: T) -> None:
        """Take the object of this name out, if it is there; the version moves on to that of `obj`.

        Raises:
            ConfigurationError: it has no metadata with a name.
        """
        record = HeldRecord(obj)
        self.write([Write(record.key, None)], record.resource_version)

    def replace(self, objects: Iterable[T], resource_version: str) -> None:
        """Make these objects the whole content, as one change.

        Raises:
            ConfigurationError: one has no metadata with a name; then nothing is changed.
        """
        self.replace_records([HeldRecord(obj) for obj in objects], resource_version)

    def write(self, writes: Sequence[Write[T]], resource_version: str) -> builtins.list[Record[T] | None]:
        """Apply changes in order, under one lock; return what each took the place of, or removed.

        Args:
            writes: the changes.
            resource_version: version that the store has afterwards; empty leaves it.
        """
        with self.writing(writes):
            return self.write_locked(writes, resource_version)

    def replace_records(
        self,
        records: Sequence[Record[T]],
        resource_version: str,
        *,
        namespace: str | None = None,
        keep: Iterable[str] = (),
    ) -> Replacement[T]:
        """Make these records the whole content, or that of a namespace, as one change.

        Args:
            records: the new content, in order; where a key comes twice the later one counts.
            resource_version: version that the store has afterwards.
            namespace: leave other namespaces alone; None replaces everything.
            keep: keys that stay as they are if they are there: the source has them, but in no form that can be held.
        """
        writes = self.distinct(records)
        with self.writing(writes):
            return self.replace_locked(writes, resource_version, namespace=namespace, keep=keep)

    @staticmethod
    def distinct(records: Iterable[Record[T]]) -> builtins.list[Write[T]]:
        """Return the writes that put these records in; where a key comes twice the later one counts."""
        return [Write(record.key, record) for record in {record.key: record for record in records}.values()]

    @contextmanager
    def writing(self, writes: Sequence[Write[T]] = ()) -> Generator[None]:
        """Hold the lock, with the writes' index values computed beforehand by the functions that there are now.

        Whatever else must change in one with the cache may be done inside, if it is short and no user's code.
        """
        known: dict[str, IndexFunction[T]] = {}
        while True:
            missing = {name: function for name, function in self._functions.copy().items() if name not in known}
            for write in writes if missing else ():
                if write.record is not None:
                    write.values = {**write.values, **self._compute(write.record, missing)}
            known.update(missing)
            with self._lock:
                # Functions are only ever added; one that came meanwhile sends this round again.
                if len(known) == len(self._functions):
                    yield
                    return

    def records_locked(self) -> builtins.list[Record[T]]:
        """Return all records, inside `writing`."""
        return list(self._records.values())

    def write_locked(self, writes: Sequence[Write[T]], resource_version: str) -> builtins.list[Record[T] | None]:
        """Do what `write` does, inside `writing`."""
        before = [self._write_locked(write) for write in writes]
        if resource_version:
            self._resource_version = resource_version
        return before

    def replace_locked(
        self, writes: Sequence[Write[T]], resource_version: str, *, namespace: str | None, keep: Iterable[str]
    ) -> Replacement[T]:
        """Do what `replace_records` does, inside `writing`."""
        gone = self._records if namespace is None else self._indices[NAMESPACE_INDEX].get(namespace, {})
        staying = {write.key for write in writes}.union(keep)
        removed = [self._records[key] for key in gone if key not in staying]
        for record in removed:
            self._write_locked(Write(record.key, None))
        written = [(self._write_locked(write), write.record) for write in writes if write.record is not None]
        self._resource_version = resource_version
        return Replacement(removed, written)

    def apply_events(self, events: Sequence[Change[T] | Bookmark | BadObject]) -> None:
        """Take what a watch said, in order; objects that can't be held only move the version on."""
        for event in events:
            if isinstance(event, Change):
                record = event.record
                deleted = event.type is ChangeType.DELETED
                self.write([Write(record.key, None if deleted else record)], record.resource_version)
            elif event.resource_version:
                self.bookmark(event.resource_version)

    def bookmark(self, resource_version: str) -> None:
        """Move the version on: the source has nothing newer than this that is not here."""
        with self._lock:
            self._resource_version = resource_version

    def add_indexers(self, indexers: Mapping[str, IndexFunction[T]]) -> None:
        """Add index functions, for what is here and what comes; all or none.

        Raises:
            ConfigurationError: a name is taken, or a function is none.
        """
        check_indexers(indexers)
        with self._lock:
            taken = sorted(name for name in indexers if name in self._functions or name == NAMESPACE_INDEX)
            if taken:
                raise ConfigurationError(f"indexer conflict: there is an index {taken[0]!r} already")
            # From here on writers compute the new values; what is here is caught up with below.
            self._functions.update(indexers)
            for name in indexers:
                self._indices.create(name)
            behind = list(self._records.values())
        # Whatever a writer replaced meanwhile has its values already.
        for record in behind:
            values = self._compute(record, indexers)
            with self._lock:
                if self._records.get(record.key) is record:
                    self._index_locked(record.key, values)

    def _compute(self, record: Record[T], functions: Mapping[str, IndexFunction[T]]) -> _Values:
        values: _Values = {}
        for name, function in functions.items():
            try:
                values[name] = checked_values(function(record.object()))
            except BaseException as error:  # noqa: BLE001  the function is the user's
                self._on_index_failure(name, record.key, as_exception(error))
        return values

    def _write_locked(self, write: Write[T]) -> Record[T] | None:
        key, record = write.key, write.record
        before = self._records.get(key)
        if record is None:
            if before is not None:
                self._index_locked(key, dict.fromkeys(self._functions, ()))
                self._indices.change(NAMESPACE_INDEX, key, (before.namespace,), ())
                self._values.pop(key, None)
                del self._records[key]
            return before
        if before is None:
            self._indices.change(NAMESPACE_INDEX, key, (), (record.namespace,))
        self._records[key] = record
        if self._functions:
            # A function that failed has no values here: then the object is in none of that index.
            self._index_locked(key, {name: write.values.get(name, ()) for name in self._functions})
        return before

    def _index_locked(self, key: str, values: _Values) -> None:
        if not values:
            return
        before = self._values.setdefault(key, {})
        for name, after in values.items():
            self._indices.change(name, key, before.get(name, ()), after)
        before.update(values)
