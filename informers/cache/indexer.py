"""Reads a cache: objects by key, and by the values of index functions.

Upstream: k8s.io/client-go/tools/cache/thread_safe_store.go and index.go (v0.37).
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Generic

from typing_extensions import TypeVar

from informers._base.checks import check_namespace_name
from informers._base.forks import OfOneProcess
from informers.cache._contents import NAMESPACE_INDEX, Contents, checked_values
from informers.errors import ConfigurationError, escaped
from informers.objects import ObjectName
from informers.options import IndexFunction
from informers.selectors import LabelSelector
from informers.source.records import Record, objects_of

__all__ = ["Indexer"]

T = TypeVar("T", default=Any)


class Indexer(OfOneProcess, Generic[T]):
    """The reading side of a cache.

    Every answer is a snapshot that belongs to the caller. The objects of an informer are made for each reader, so a
    reader's changes affect nobody else.

    Thread safety: all methods may be called from any thread.

    Upstream: k8s.io/client-go/tools/cache/index.go Indexer (v0.37).
    """

    def __init__(self, contents: Contents[T]) -> None:
        self._contents = contents

    def __len__(self) -> int:
        return len(self._contents.records)

    def __contains__(self, key: object) -> bool:
        return (str(key) if isinstance(key, ObjectName) else key) in self._contents.records

    def __repr__(self) -> str:
        return escaped(f"<{type(self).__name__} {self.size} rv={self._contents.resource_version}>")

    @property
    def size(self) -> str:
        """The number of objects, as text."""
        return "unreadable after a fork" if self._contents.is_barred else f"{len(self)} objects"

    @property
    def resource_version(self) -> str:
        """Version of the last change or bookmark in this cache; empty before the first.

        The newest of several namespaces; `SharedInformer.resource_version_of` returns that of each.
        """
        return self._contents.resource_version

    @property
    def indexers(self) -> Mapping[str, IndexFunction[T]]:
        """The index functions by name, without the namespace index, which always exists."""
        with self._contents.lock:
            indexes = self._contents.indexes()
        del indexes[NAMESPACE_INDEX]
        return {name: index.function for name, index in indexes.items()}

    def keys(self) -> builtins.list[str]:
        """Return the keys of all objects: `namespace/name`, or `name`."""
        with self._contents.lock:
            return list(self._contents.records)

    def get(self, key: str | ObjectName) -> T | None:
        """Return the object with this key, or None.

        Args:
            key: `namespace/name`, `name` for an object of the whole cluster, or an `ObjectName`.

        Raises:
            ConfigurationError: `key` has another type.
        """
        if isinstance(key, ObjectName):
            key = str(key)
        elif not isinstance(key, str):
            raise ConfigurationError(
                f"a key is a string, for example 'default/web-0', or an ObjectName: got {type(key).__name__}"
                "; for the key of an object use object_name(obj)"
            )
        record = self.record(key)
        return None if record is None else record.object()

    def record(self, key: str) -> Record[T] | None:
        """Return the record with this key, or None: key, labels and version, without making the object."""
        return self._contents.records.get(key)

    def list(
        self, *, namespace: str | None = None, label_selector: str | Mapping[str, str] | LabelSelector | None = None
    ) -> builtins.list[T]:
        """Return all objects, or those of a namespace, or those that a label selector selects.

        Args:
            namespace: None for all.
            label_selector: for example `app=web,tier!=cache`, or a mapping of labels; None for all.

        Raises:
            ConfigurationError: the selector or the namespace is invalid.
        """
        return objects_of(self.records(namespace=namespace, label_selector=label_selector))

    def records(
        self, *, namespace: str | None = None, label_selector: str | Mapping[str, str] | LabelSelector | None = None
    ) -> builtins.list[Record[T]]:
        """Return the result of `list` as records: key, labels and version, without making the objects."""
        selector = LabelSelector.coerce(label_selector)
        with self._contents.lock:
            records = self._contents.records
            if namespace is None:
                found = list(records.values())
            else:
                found = [records[key] for key in self._contents.keys_of(namespace)]
        if selector.is_empty:
            return found
        matches = selector.matches
        return [record for record in found if matches(record.labels)]

    def by_index(self, name: str, value: str, *, namespace: str | None = None) -> builtins.list[T]:
        """Return the objects that an index has under a value, in all namespaces or in one.

        Args:
            name: the index.
            value: a value that the index function returned for the wanted objects.
            namespace: None for all.

        Raises:
            ConfigurationError: there is no such index, or the value or namespace is not a string.
        """
        check_namespace_name(namespace)
        with self._contents.lock:
            found = [self._contents.records[key] for key in self._contents.index(name).under(value)]
        if namespace is not None:
            found = [record for record in found if record.namespace == namespace]
        return objects_of(found)

    def index_keys(self, name: str, value: str) -> builtins.list[str]:
        """Return the keys that an index has under a value, sorted.

        Raises:
            ConfigurationError: there is no such index, or the value is not a string.
        """
        with self._contents.lock:
            return sorted(self._contents.index(name).under(value))

    def index_values(self, name: str) -> builtins.list[str]:
        """Return the values of an index.

        Raises:
            ConfigurationError: there is no such index.
        """
        with self._contents.lock:
            return list(self._contents.index(name).keys)

    def index(self, name: str, obj: T) -> builtins.list[T]:
        """Return the objects that share a value of an index with `obj`, which need not be in the cache.

        Raises:
            ConfigurationError: there is no such index, or its function does not return strings.
        """
        with self._contents.lock:
            index = self._contents.index(name)
        values = checked_values(index.function(obj))
        with self._contents.lock:
            keys = {key: None for value in values for key in index.under(value)}
            found = [self._contents.records[key] for key in keys]
        return objects_of(found)
