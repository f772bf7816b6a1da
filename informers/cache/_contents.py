"""The contents of a cache: records by key, and keys by the values of index functions.

Index functions are users' code. They run before the lock is taken, in the writer's thread.

Upstream: k8s.io/client-go/tools/cache/thread_safe_store.go (v0.37).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Generic, NoReturn, TypeAlias, final

from typing_extensions import TypeVar

from informers._base.exceptions import as_exception, report
from informers._base.forks import new_lock
from informers.errors import ConfigurationError, ForkedError, escaped
from informers.objects import object_key
from informers.options import IndexFunction, check_indexers
from informers.source.records import Record

__all__ = ["NAMESPACE_INDEX", "Contents", "Index", "IndexFailure", "checked_values"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")

#: Name of the index that every cache has: by an object's namespace.
NAMESPACE_INDEX = "namespace"

#: What a key's record is to be; None for a removal.
States: TypeAlias = Mapping[str, Record[T] | None]
#: The values of each index for the written objects, by key.
Values: TypeAlias = Mapping["Index[T]", Mapping[str, tuple[str, ...]]]

#: Called when an index function raised: with the index's name, the object's key, and the exception.
IndexFailure: TypeAlias = Callable[[str, str, Exception], None]


def log_failure(name: str, key: str, error: Exception) -> None:
    """Log that an index function raised."""
    report(_log, error, "index %r failed for %s: the object is kept out of that index", name, escaped(key))


def checked_values(values: object) -> tuple[str, ...]:
    """Return the values of an index function without duplicates; None stands for a missing field, and is left out.

    Raises:
        ConfigurationError: they are not strings.
    """
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes)):
        found = tuple(value for value in values if value is not None)
        if all(isinstance(value, str) for value in found):
            return tuple(dict.fromkeys(found))
    raise ConfigurationError(f"an index function must return a collection of strings: got {values!r}")


@final
class Index(Generic[T]):
    """Keys by the values of an index function. The contents' lock guards it.

    Attributes:
        name: the index's name.
        function: returns the values of an object.
        is_whole: whether it has all present objects. Until then writers update it, and readers do not see it.
        keys: by value. No value is without keys, so that old values do not pile up.
    """

    def __init__(self, name: str, function: IndexFunction[T]) -> None:
        self.name: str = name
        self.function: IndexFunction[T] = function
        self.is_whole: bool = False
        self.keys: dict[str, dict[str, None]] = {}
        self._values: dict[str, tuple[str, ...]] = {}

    def under(self, value: str | None) -> Iterable[str]:
        """Return the keys under a value; none for None.

        Raises:
            ConfigurationError: the value is not a string.
        """
        if value is None:
            return ()
        if not isinstance(value, str):
            raise ConfigurationError(f"what is looked up in index {self.name!r} must be a string: got {value!r}")
        return self.keys.get(value, ())

    def put(self, key: str, values: tuple[str, ...]) -> None:
        """Move a key to its new values; it has none if its object is gone, or the function failed."""
        self.move(key, self._values.pop(key, ()), values)
        if values:
            self._values[key] = values

    def move(self, key: str, before: Collection[str], after: Collection[str]) -> None:
        """Move a key from its old values to its new ones."""
        # Sets: an object may have thousands of values.
        for value in set(before).difference(after):
            keys = self.keys[value]
            del keys[key]
            if not keys:
                del self.keys[value]
        for value in after:
            self.keys.setdefault(value, {})[key] = None


@final
class _Barred:
    """Replaces a cache's records and lock in a forked child: every read raises."""

    def __init__(self, what: str, owner: int, kept: object) -> None:
        self._what = what
        self._owner = owner
        #: Kept, since freeing many objects takes time, and memory that the child shares with its parent until then.
        self._kept = kept

    def _refuse(self, *_: object) -> NoReturn:
        raise ForkedError(self._what, self._owner)

    get = values = __getitem__ = __contains__ = __iter__ = __len__ = __enter__ = _refuse

    def __exit__(self, *_: object) -> None:
        """Complete what `with` needs; it is never entered."""


@final
class Contents(Generic[T]):
    """The records of one cache with their indexes, under one lock.

    Args:
        on_index_failure: called when an index function raises, in the writer's thread. The object is kept, but not in
            that index.

    Attributes:
        lock: guards the rest. Reading one record by its key needs no lock.
        records: by key.
        resource_version: version of the last change; empty before the first.

    Thread safety: all methods may be called from any thread, those that end in `_locked` only within `writing`.
    """

    def __init__(self, on_index_failure: IndexFailure = log_failure) -> None:
        self.lock: threading.Lock = new_lock()
        self.records: dict[str, Record[T]] = {}
        self.resource_version: str = ""
        self._on_index_failure = on_index_failure
        #: It does not remember the values, which the records have.
        self._namespaces: Index[T] = Index(NAMESPACE_INDEX, lambda obj: [object_key(obj).rpartition("/")[0]])
        self._namespaces.is_whole = True
        #: The other indexes by name.
        self._indexes: dict[str, Index[T]] = {}

    def bar(self, what: str, owner: int) -> None:
        """Make every read raise: for a forked child, where nothing updates this cache.

        Args:
            what: describes the cache, for the error.
            owner: id of the process that the cache belongs to.

        It takes no lock: a thread that held it during the fork does not exist here.
        """
        barred: Any = _Barred(what, owner, self.records)
        self.records = self.lock = barred

    @property
    def is_barred(self) -> bool:
        """Whether every read raises."""
        return isinstance(self.records, _Barred)

    @contextmanager
    def writing(self, states: States[T] = {}) -> Generator[Values[T]]:  # noqa: B006  it is only read
        """Hold the lock; before that, compute the objects' index values with the present functions.

        Other changes that belong to the same step may be made inside, if they are short and not users' code.

        Args:
            states: what will be written.

        Yields:
            The values.
        """
        values: dict[Index[T], dict[str, tuple[str, ...]]] = {}
        while True:
            for index in self._indexes.copy().values():
                if index not in values:
                    present = ((key, record) for key, record in states.items() if record is not None)
                    values[index] = {key: self._compute(index, record) for key, record in present}
            with self.lock:
                # If an index was added meanwhile, compute its values first.
                if all(index in values for index in self._indexes.values()):
                    yield values
                    return

    def write_locked(self, states: States[T], values: Values[T], resource_version: str = "") -> None:
        """Change the records; an empty version does not change the version."""
        records = self.records
        for key, record in states.items():
            before = records.get(key)
            if record is not None:
                records[key] = record
                if before is None:
                    self._namespaces.move(key, (), (record.namespace,))
            elif before is not None:
                del records[key]
                self._namespaces.move(key, (before.namespace,), ())
        for index in self._indexes.values():
            for key in states:
                index.put(key, values[index].get(key, ()))
        if resource_version:
            self.resource_version = resource_version

    def keys_of(self, namespace: str | None) -> list[str]:
        """Return the keys of a namespace, or all."""
        return list(self.records if namespace is None else self._namespaces.under(namespace))

    def index(self, name: str) -> Index[T]:
        """Return an index, under the lock.

        Raises:
            ConfigurationError: there is no such index.
        """
        whole = self.indexes()
        if not isinstance(name, str) or name not in whole:
            raise ConfigurationError(f"there is no index {name!r}: this cache has {', '.join(sorted(whole))}")
        return whole[name]

    def indexes(self) -> dict[str, Index[T]]:
        """Return the indexes that readers may see, by name, under the lock."""
        whole = {name: index for name, index in self._indexes.items() if index.is_whole}
        return {NAMESPACE_INDEX: self._namespaces, **whole}

    def add_indexers(self, indexers: Mapping[str, IndexFunction[T]]) -> None:
        """Add index functions for present and future objects; all or none, and in one step for readers.

        A function that has the same name already is not added again.

        Raises:
            ConfigurationError: a name is used for another function, or a function is invalid.
        """
        check_indexers(indexers)
        with self.lock:
            present = {**self._indexes, NAMESPACE_INDEX: self._namespaces}
            for name, function in indexers.items():
                if name in present and present[name].function is not function:
                    raise ConfigurationError(f"indexer conflict: there is an index {name!r} already")
            # From here on writers compute the new values; the loop below adds those of the present objects.
            self._indexes |= {name: Index(name, indexers[name]) for name in indexers if name not in present}
            # Another thread may be adding the same function: then both add the values, and neither waits.
            added = [index for name, index in self._indexes.items() if name in indexers and not index.is_whole]
            behind = list(self.records.values()) if added else []
        try:
            # An object that a writer has replaced meanwhile has its values already.
            for record in behind:
                values = {index: self._compute(index, record) for index in added}
                with self.lock:
                    if self.records.get(record.key) is record:
                        for index in added:
                            index.put(record.key, values[index])
        except BaseException:
            # The caller was interrupted: half an index would be wrong.
            with self.lock:
                for index in added:
                    if not index.is_whole:
                        self._indexes.pop(index.name, None)
            raise
        with self.lock:
            is_dropped = not self._indexes.keys() >= indexers.keys()
            for index in () if is_dropped else added:
                index.is_whole = True
        if is_dropped:  # by the other thread, which was interrupted
            self.add_indexers(indexers)

    def _compute(self, index: Index[T], record: Record[T]) -> tuple[str, ...]:
        """Return the values of an object; none if the function fails: then the object is not in that index."""
        try:
            return checked_values(index.function(record.object()))
        except BaseException as error:  # noqa: BLE001  the function is the user's
            self._on_index_failure(index.name, record.key, as_exception(error))
            return ()
