"""The cache as it is read: objects by key, and by what index functions say of them.

Upstream: k8s.io/client-go/tools/cache/thread_safe_store.go and index.go (v0.37).
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any, Generic, NoReturn, final

from typing_extensions import TypeVar

from informers._base.forks import OfOneProcess, new_lock
from informers.errors import ConfigurationError, ForkedError, escaped
from informers.objects import ObjectName, object_key
from informers.options import IndexFunction
from informers.selectors import LabelSelector
from informers.source.records import Record, objects_of

__all__ = ["NAMESPACE_INDEX", "Indexer", "Indices", "checked_values"]

T = TypeVar("T", default=Any)

#: Name of the index that every cache has: an object's namespace.
NAMESPACE_INDEX = "namespace"


class Indices:
    """Keys by value, for each index: what the store looks things up in. The store's lock guards it."""

    def __init__(self) -> None:
        #: No set is ever empty: a value without keys is removed, or values that come and go would pile up.
        self._keys: dict[str, dict[str, dict[str, None]]] = {}

    def __getitem__(self, name: str) -> dict[str, dict[str, None]]:
        try:
            return self._keys[name]
        except KeyError:
            known = ", ".join(sorted(self._keys)) or "none"
            raise ConfigurationError(f"there is no index {name!r}: this cache has {known}") from None

    def under(self, name: str, value: str | None) -> Iterable[str]:
        """Return the keys that an index has under a value; there are none under None.

        Raises:
            ConfigurationError: there is no such index, or the value is no string, so that nothing is ever under it.
        """
        index = self[name]
        if value is None:
            return ()
        if not isinstance(value, str):
            raise ConfigurationError(f"what is looked up in index {name!r} must be a string: got {value!r}")
        return index.get(value, ())

    def create(self, name: str) -> None:
        """Add an empty index."""
        self._keys[name] = {}

    def change(self, name: str, key: str, before: Iterable[str], after: Iterable[str]) -> None:
        """Move a key from the values that it had to those that it has now."""
        index = self._keys[name]
        for value in before:
            if value not in after:
                keys = index[value]
                del keys[key]
                if not keys:
                    del index[value]
        for value in after:
            index.setdefault(value, {})[key] = None


@final
class _Barred:
    """In a forked child, takes the place of a cache's records and of its lock: whatever would read raises."""

    def __init__(self, what: str, owner: int, kept: object) -> None:
        self._what = what
        self._owner = owner
        #: Letting go of many objects takes time, and memory that the child shares with its parent until then.
        self._kept = kept

    def _refuse(self, *_: object) -> NoReturn:
        raise ForkedError(self._what, self._owner)

    get = values = __getitem__ = __contains__ = __iter__ = __len__ = __enter__ = _refuse

    def __exit__(self, *_: object) -> None:
        """Complete what `with` needs; it is never entered."""


class Indexer(OfOneProcess, Generic[T]):
    """The reading side of a cache.

    Every answer is a snapshot: of one moment, and the caller's own. Objects that an informer holds are made anew for
    each reader, so whatever is done to them stays with the reader.

    Thread safety: all methods may be called from any thread.

    Upstream: k8s.io/client-go/tools/cache/index.go Indexer (v0.37).
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._records: dict[str, Record[T]] = {}
        self._indices = Indices()
        self._functions: dict[str, IndexFunction[T]] = {}
        self._resource_version = ""

    def bar(self, what: str, owner: int) -> None:
        """Let every read raise: in a forked child, where nothing keeps this cache up to date.

        Args:
            what: it is a cache of, for the error.
            owner: the process that it belongs to.

        It never waits: whoever changed the cache during the fork is not there to end that.
        """
        barred: Any = _Barred(what, owner, self._records)
        self._records = self._lock = barred

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        return (str(key) if isinstance(key, ObjectName) else key) in self._records

    def __repr__(self) -> str:
        return escaped(f"<{type(self).__name__} {self.size} rv={self._resource_version}>")

    @property
    def size(self) -> str:
        """How much is in it, in words."""
        return "unreadable after a fork" if isinstance(self._records, _Barred) else f"{len(self)} objects"

    @property
    def resource_version(self) -> str:
        """Version of the last change or bookmark that has reached this cache; empty before the first."""
        return self._resource_version

    @property
    def indexers(self) -> Mapping[str, IndexFunction[T]]:
        """The index functions by name, without the namespace index that is always there."""
        with self._lock:
            return dict(self._functions)

    def keys(self) -> builtins.list[str]:
        """Return the keys of all objects: `namespace/name`, or `name`."""
        with self._lock:
            return list(self._records)

    def get(self, key: str | ObjectName) -> T | None:
        """Return the object of this key, or None.

        Args:
            key: `namespace/name`, `name` for an object of the whole cluster, or an `ObjectName`.

        Raises:
            ConfigurationError: `key` is neither.
        """
        if isinstance(key, ObjectName):
            key = str(key)
        elif not isinstance(key, str):
            raise ConfigurationError(
                f"a key is a string such as 'default/web-0' or an ObjectName: got {type(key).__name__}"
                "; for the key of an object use object_name(obj)"
            )
        record = self.record(key)
        return None if record is None else record.object()

    def record(self, key: str) -> Record[T] | None:
        """Return what the cache holds under a key: key, labels and version, without making the object."""
        return self._records.get(key)

    def list(
        self, *, namespace: str | None = None, label_selector: str | Mapping[str, str] | LabelSelector | None = None
    ) -> builtins.list[T]:
        """Return all objects, or those of a namespace, or those that a label selector selects.

        Args:
            namespace: None for all.
            label_selector: such as `app=web,tier!=cache`, or a mapping of labels; None for all.

        Raises:
            ConfigurationError: the selector can't be read, or the namespace is no string.
        """
        return objects_of(self.records(namespace=namespace, label_selector=label_selector))

    def records(
        self, *, namespace: str | None = None, label_selector: str | Mapping[str, str] | LabelSelector | None = None
    ) -> builtins.list[Record[T]]:
        """Return what `list` does as records: key, labels and version, without making any object."""
        selector = LabelSelector.coerce(label_selector)
        with self._lock:
            if namespace is None:
                found = list(self._records.values())
            else:
                found = [self._records[key] for key in self._indices.under(NAMESPACE_INDEX, namespace)]
        if selector.is_empty:
            return found
        matches = selector.matches
        return [record for record in found if matches(record.labels)]

    def by_index(self, name: str, value: str) -> builtins.list[T]:
        """Return the objects that an index has under a value.

        Raises:
            ConfigurationError: there is no such index, or the value is no string.
        """
        with self._lock:
            found = [self._records[key] for key in self._indices.under(name, value)]
        return objects_of(found)

    def index_keys(self, name: str, value: str) -> builtins.list[str]:
        """Return the keys that an index has under a value, sorted.

        Raises:
            ConfigurationError: there is no such index, or the value is no string.
        """
        with self._lock:
            return sorted(self._indices.under(name, value))

    def index_values(self, name: str) -> builtins.list[str]:
        """Return the values that an index has objects under.

        Raises:
            ConfigurationError: there is no such index.
        """
        with self._lock:
            return list(self._indices[name])

    def index(self, name: str, obj: T) -> builtins.list[T]:
        """Return the objects that share a value of an index with `obj`, which need not be in the cache itself.

        Raises:
            ConfigurationError: there is no such index, or its function returns no strings.
        """
        with self._lock:
            self._indices[name]  # refuses a name that is not there
            function = self._functions.get(name)
        values = checked_values(function(obj)) if function is not None else (object_key(obj).rpartition("/")[0],)
        with self._lock:
            index = self._indices[name]
            keys = {key: None for value in values for key in index.get(value, ())}
            found = [self._records[key] for key in keys]
        return objects_of(found)


def checked_values(values: object) -> tuple[str, ...]:
    """Return what an index function returned, each value once; None is a field that is not there, and no value.

    Raises:
        ConfigurationError: they are no strings.
    """
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes)):
        found = tuple(value for value in values if value is not None)
        if all(isinstance(value, str) for value in found):
            return tuple(dict.fromkeys(found))
    raise ConfigurationError(f"an index function must return a collection of strings: got {values!r}")
