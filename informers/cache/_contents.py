"""The contents of a cache: records by key, and keys by the values of index functions.

Index functions are users' code. They run before the lock is taken, in the writer's thread.

Upstream: k8s.io/client-go/tools/cache/thread_safe_store.go (v0.37).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, NoReturn, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers._base.exceptions import as_exception, report
from informers._base.forks import new_lock
from informers.errors import ConfigurationError, ForkedError, escaped
from informers.options import IndexFunction, check_indexers
from informers.source.records import Record

__all__ = ["NAMESPACE_INDEX", "Contents", "IndexFailure", "Indices", "Write", "checked_values", "distinct"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")

#: Name of the index that every cache has: by an object's namespace.
NAMESPACE_INDEX = "namespace"

#: The values of each index for one object; the name is missing if the index function failed.
_Values: TypeAlias = dict[str, tuple[str, ...]]

#: Called when an index function raised: with the index's name, the object's key, and the exception.
IndexFailure: TypeAlias = Callable[[str, str, Exception], None]

#: Never changed: shared by most writes, which have no values.
_NO_VALUES: _Values = {}


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


class Indices:
    """Keys by value, for each index. The contents' lock guards it."""

    def __init__(self) -> None:
        #: No set is empty: a value without keys is removed, so that old values do not pile up.
        self._keys: dict[str, dict[str, dict[str, None]]] = {}
        #: Indexes that are being built: writers update them, readers do not see them.
        self._hidden: set[str] = set()

    def __getitem__(self, name: str) -> dict[str, dict[str, None]]:
        if not isinstance(name, str) or name not in self._keys or name in self._hidden:
            known = ", ".join(sorted(self._keys.keys() - self._hidden)) or "none"
            raise ConfigurationError(f"there is no index {name!r}: this cache has {known}")
        return self._keys[name]

    def __contains__(self, name: object) -> bool:
        return name in self._keys

    @property
    def hidden(self) -> frozenset[str]:
        """Names of the indexes that are being built."""
        return frozenset(self._hidden)

    def under(self, name: str, value: str | None) -> Iterable[str]:
        """Return the keys that an index has under a value; none for None.

        Raises:
            ConfigurationError: there is no such index, or the value is not a string.
        """
        index = self[name]
        if value is None:
            return ()
        if not isinstance(value, str):
            raise ConfigurationError(f"what is looked up in index {name!r} must be a string: got {value!r}")
        return index.get(value, ())

    def create(self, name: str, *, hidden: bool = False) -> None:
        """Add an empty index; a hidden one can only be read after `show`."""
        self._keys[name] = {}
        if hidden:
            self._hidden.add(name)

    def show(self, names: Iterable[str]) -> None:
        """Let readers see indexes that have been built."""
        self._hidden.difference_update(names)

    def drop(self, name: str) -> None:
        """Remove an index."""
        self._keys.pop(name, None)
        self._hidden.discard(name)

    def change(self, name: str, key: str, before: Sequence[str], after: Sequence[str]) -> None:
        """Move a key from its old values to its new ones."""
        index = self._keys[name]
        # Sets: an object may have thousands of values.
        for value in set(before).difference(after):
            keys = index[value]
            del keys[key]
            if not keys:
                del index[value]
        for value in after:
            index.setdefault(value, {})[key] = None


@final
@attrs.define(eq=False)
class Write(Generic[T]):
    """One change of the contents; `record` is None for a removal."""

    key: str
    record: Record[T] | None
    values: _Values = _NO_VALUES


def distinct(records: Iterable[Record[T]]) -> list[Write[T]]:
    """Return the writes for these records; of several with one key, the last."""
    return [Write(record.key, record) for record in {record.key: record for record in records}.values()]


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
        indices: keys by value.
        functions: the index functions by name, including those of hidden indexes.
        resource_version: version of the last change; empty before the first.

    Thread safety: all methods may be called from any thread, those that end in `_locked` only within `writing`.
    """

    def __init__(self, on_index_failure: IndexFailure = log_failure) -> None:
        self.lock: threading.Lock = new_lock()
        self.records: dict[str, Record[T]] = {}
        self.indices: Indices = Indices()
        self.functions: dict[str, IndexFunction[T]] = {}
        self.resource_version: str = ""
        self._on_index_failure = on_index_failure
        self._values: dict[str, _Values] = {}
        self.indices.create(NAMESPACE_INDEX)

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
    def writing(self, writes: Sequence[Write[T]] = ()) -> Generator[None]:
        """Hold the lock; before that, compute the writes' index values with the present functions.

        Other changes that belong to the same step may be made inside, if they are short and not users' code.
        """
        known: dict[str, IndexFunction[T]] = {}
        while True:
            missing = {name: function for name, function in self.functions.copy().items() if name not in known}
            for write in writes if missing else ():
                if write.record is not None:
                    write.values = {**write.values, **self._compute(write.record, missing)}
            known.update(missing)
            with self.lock:
                # If a function was added meanwhile, compute its values first.
                if self.functions.keys() <= known.keys():
                    yield
                    return

    def write_locked(self, writes: Iterable[Write[T]], resource_version: str) -> None:
        """Apply changes in order; an empty version does not change the version."""
        for write in writes:
            self._write_locked(write)
        if resource_version:
            self.resource_version = resource_version

    def keys_of(self, namespace: str | None) -> list[str]:
        """Return the keys of a namespace, or all."""
        return list(self.records if namespace is None else self.indices.under(NAMESPACE_INDEX, namespace))

    def add_indexers(self, indexers: Mapping[str, IndexFunction[T]]) -> None:
        """Add index functions for present and future objects; all or none, and in one step for readers.

        Raises:
            ConfigurationError: a name is already used, or a function is invalid.
        """
        check_indexers(indexers)
        with self.lock:
            taken = sorted(name for name in indexers if name in self.indices)
            if taken:
                raise ConfigurationError(f"indexer conflict: there is an index {taken[0]!r} already")
            # From here on writers compute the new values; the loop below adds those of the present objects.
            self.functions.update(indexers)
            for name in indexers:
                self.indices.create(name, hidden=True)
            behind = list(self.records.values())
        try:
            # An object that a writer has replaced meanwhile has its values already.
            for record in behind:
                values = self._compute(record, indexers)
                with self.lock:
                    if self.records.get(record.key) is record:
                        self._index_locked(record.key, values)
        except BaseException:
            # The caller was interrupted: half an index would be wrong.
            with self.lock:
                for name in indexers:
                    del self.functions[name]
                    self.indices.drop(name)
                for values in self._values.values():
                    for name in indexers:
                        values.pop(name, None)
            raise
        with self.lock:
            self.indices.show(indexers)

    def _compute(self, record: Record[T], functions: Mapping[str, IndexFunction[T]]) -> _Values:
        values: _Values = {}
        for name, function in functions.items():
            try:
                values[name] = checked_values(function(record.object()))
            except BaseException as error:  # noqa: BLE001  the function is the user's
                self._on_index_failure(name, record.key, as_exception(error))
        return values

    def _write_locked(self, write: Write[T]) -> None:
        key, record = write.key, write.record
        before = self.records.get(key)
        if record is None:
            if before is not None:
                self._index_locked(key, dict.fromkeys(self.functions, ()))
                self.indices.change(NAMESPACE_INDEX, key, (before.namespace,), ())
                self._values.pop(key, None)
                del self.records[key]
            return
        if before is None:
            self.indices.change(NAMESPACE_INDEX, key, (), (record.namespace,))
        self.records[key] = record
        if self.functions:
            # A function that failed has no values here: the object is not in that index.
            self._index_locked(key, {name: write.values.get(name, ()) for name in self.functions})

    def _index_locked(self, key: str, values: _Values) -> None:
        if not values:
            return
        before = self._values.setdefault(key, {})
        for name, after in values.items():
            self.indices.change(name, key, before.get(name, ()), after)
        before.update(values)
