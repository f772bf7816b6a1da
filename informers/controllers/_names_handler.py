"""The handlers of a controller: from events to names.

Upstream: sigs.k8s.io/controller-runtime/pkg/handler/eventhandler.go (v0.25).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, final

from informers._base.checks import name_of
from informers._base.exceptions import report
from informers.controllers.predicates import Predicate
from informers.objects import DeletedFinalStateUnknown, ObjectName, check_object_name, object_name, read
from informers.workqueue import Queue

__all__ = ["Names", "NamesHandler", "own_name"]

_log = logging.getLogger("informers.controllers")

#: Takes an object, and returns the names to reconcile because of it.
Names: TypeAlias = Callable[[Any], Iterable[ObjectName]]


def own_name(obj: Any) -> Iterable[ObjectName]:
    """Return the object's own name."""
    return (object_name(obj),)


@final
class NamesHandler:
    """A handler that adds the names for an object.

    On an update, the names of both states are added, for example a former owner. Objects that existed at the beginning,
    and those of a resync, have low priority.

    Args:
        names: takes an object, and returns names.
        predicate: selects updates; None for all.
        queue: receives the names.
    """

    def __init__(self, names: Names, predicate: Predicate | None, queue: Queue[ObjectName]) -> None:
        self._names = names
        self._predicate = predicate
        self._queue = queue

    def on_add(self, obj: Any, is_in_initial_list: bool, /) -> None:
        """Handle an object that is new to the cache."""
        self._add_all(self._names_of(obj), low_priority=is_in_initial_list)

    def on_update(self, old: Any, new: Any, /) -> None:
        """Handle a change."""
        if not self._passes(old, new):
            return
        names = dict.fromkeys(self._names_of(new))
        names.update(dict.fromkeys(self._names_of(old)))
        self._add_all(names, low_priority=_version(old) == _version(new))

    def on_delete(self, obj: Any, /) -> None:
        """Handle a deletion. A tombstone without an object only gives its own name."""
        if isinstance(obj, DeletedFinalStateUnknown) and self._names is not own_name:
            if obj.obj is None:
                _log.warning("deleted, its last state unknown, so its owner is unknown, too: %r", obj.key)
                return
            obj = obj.obj
        self._add_all(self._names_of(obj), low_priority=False)

    def _passes(self, old: Any, new: Any) -> bool:
        if self._predicate is None:
            return True
        try:
            return bool(self._predicate(old, new))
        except Exception as error:  # noqa: BLE001  the user's; a superfluous run does no harm, a missing one does
            predicate, name = name_of(self._predicate), object_name(new)
            report(_log, error, "the predicate %s failed on %r, which passes", predicate, name)
            return True

    def _names_of(self, obj: Any) -> list[ObjectName]:
        names = list(self._names(obj))
        for name in names:
            check_object_name(name)
        return names

    def _add_all(self, names: Iterable[ObjectName], *, low_priority: bool) -> None:
        for name in names:
            self._queue.add(name, low_priority=low_priority)


def _version(obj: Any) -> Any:
    return read(read(obj, "metadata"), "resource_version", "resourceVersion")
