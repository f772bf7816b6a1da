"""A cache that its owner fills.

Upstream: k8s.io/client-go/tools/cache/store.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.cache._contents import Contents, IndexFailure, log_failure
from informers.cache.indexer import Indexer
from informers.cache.versions import reaches
from informers.options import IndexFunction
from informers.source.records import HeldRecord, Record
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType

__all__ = ["Store", "StoreWriter"]

T = TypeVar("T", default=Any)


@final
class Store(Indexer[T]):
    """A thread-safe, indexed collection of objects with metadata.

    Readers receive the stored objects themselves, not copies. An informer fills its own cache, and offers an `Indexer`.

    Args:
        indexers: index functions by name.
        on_index_failure: called with the index's name, the object's key and the exception of an index function, in the
            writer's thread; by default it logs. The object is kept, but not in that index.

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
        on_index_failure: IndexFailure = log_failure,
    ) -> None:
        super().__init__(Contents(on_index_failure))
        if indexers:
            self.add_indexers(indexers)

    def add(self, obj: T) -> None:
        """Add an object, or replace the one with the same name.

        Raises:
            ConfigurationError: it has no metadata with a name.
        """
        record = HeldRecord(obj)
        self._write({record.key: record}, record.resource_version)

    def update(self, obj: T) -> None:
        """Do the same as `add`."""
        self.add(obj)

    def delete(self, obj: T) -> None:
        """Remove the object with this name, if there is one; the version advances to that of `obj`.

        Raises:
            ConfigurationError: it has no metadata with a name.
        """
        record = HeldRecord(obj)
        self._write({record.key: None}, record.resource_version)

    def replace(self, objects: Iterable[T], resource_version: str) -> None:
        """Replace the whole content by these objects, in one step.

        Raises:
            ConfigurationError: one has no metadata with a name; then nothing changes.
        """
        StoreWriter(self).replace_records([HeldRecord(obj) for obj in objects], resource_version)

    def add_indexers(self, indexers: Mapping[str, IndexFunction[T]]) -> None:
        """Add index functions for present and future objects; all or none, and in one step for readers.

        A function that has the same name already is not added again.

        Raises:
            ConfigurationError: a name is used for another function, or a function is invalid.
        """
        self._contents.add_indexers(indexers)

    def _write(self, states: dict[str, Record[T] | None], resource_version: str) -> None:
        with self._contents.writing(states) as values:
            self._contents.write_locked(states, values, resource_version)


@final
class StoreWriter(Generic[T]):
    """Fills a `Store` with the objects of a reflector.

    Thread safety: it belongs to the reflector's thread.
    """

    def __init__(self, store: Store[T]) -> None:
        self._contents = store._contents  # noqa: SLF001  the other half of the store, which users do not see

    def replace_records(
        self, records: Sequence[Record[T]], resource_version: str, *, bad: Iterable[BadObject] = ()
    ) -> None:
        """Replace the whole content by these records, in one step; unreadable objects keep their old state."""
        states: dict[str, Record[T] | None] = {record.key: record for record in records}
        staying = states.keys() | {each.error.key for each in bad}
        with self._contents.writing(states) as values:
            states |= dict.fromkeys(key for key in self._contents.keys_of(None) if key not in staying)
            self._contents.write_locked(states, values, resource_version)

    def apply_events(self, events: Sequence[Change[T] | Bookmark | BadObject]) -> None:
        """Apply the events of a watch, in order; unreadable objects only advance the version."""
        for event in events:
            states: dict[str, Record[T] | None] = {}
            version = event.record.resource_version if isinstance(event, Change) else event.resource_version
            if isinstance(event, Change):
                states[event.record.key] = None if event.type is ChangeType.DELETED else event.record
            with self._contents.writing(states) as values:
                is_older = reaches(version, self._contents.resource_version) is False
                self._contents.write_locked(states, values, "" if is_older else version)
