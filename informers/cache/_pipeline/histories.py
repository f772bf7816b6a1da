"""What a change or a list does to the history of an object: what the cache holds then, and what handlers are told.

One uid has one history: it is added, updated any number of times, and deleted, once. What a server says against that
is put right here. Handlers get no second deletion, no deletion of what was never added, and no older state after a
newer one. An object that was made again under its name is a deletion of the old one and an addition of the new one.
Only a list may go back, since then the server did: a backup was restored.

Upstream: k8s.io/client-go/tools/cache/controller.go processDeltas, which tells whatever comes (v0.37).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.cache._pipeline.processor import RecordEvent
from informers.cache.object_events import Added, Deleted, Updated
from informers.cache.versions import reaches
from informers.source.records import Record
from informers.source.watch_events import ChangeType

__all__ = ["Histories"]

T = TypeVar("T", default=Any)

#: Objects whose end is remembered. A server that replays what has been seen replays the last minutes.
_ENDS = 4096


@final
class Histories(Generic[T]):
    """Decides what is told. It remembers the ends of the last objects by uid, and nothing else.

    Thread safety: it belongs to the controller's thread; `has_ended` may be called from any.
    """

    def __init__(self) -> None:
        #: Versions at which objects have ended, by uid; the latest end stands last.
        self._ends: OrderedDict[str, str] = OrderedDict()

    def has_ended(self, uid: str) -> bool:
        """Return whether an object has been in the cache, and is no longer; of the last ones alone it is known."""
        return uid in self._ends

    def change(
        self, kind: ChangeType, seen: Record[T], new: Record[T] | None, old: Record[T] | None, *, is_initial: bool
    ) -> list[RecordEvent[T]]:
        """Return what handlers receive for a change that a watch reports; nothing where the cache stays as it is.

        Args:
            kind: what the watch says.
            seen: the object as it came.
            new: the object as it is to be held; None where its last state can't be shown (of a deletion alone).
            old: what the cache has under its key.
            is_initial: whether an addition belongs to the initial list.
        """
        if kind is ChangeType.DELETED:
            return self._deleted(seen, new, old)
        if new is None or (self._ends and self._is_over(seen)):
            return []
        if old is None:
            return [Added(new, is_initial)]
        if _is_older(seen, old):
            return []
        if _is_another(seen, old):
            self._end(old, seen.resource_version)
            return [Deleted(old.key, old, True), Added(new, is_initial)]
        return [Updated(old, old if _is_same(old, new) else new)]

    def listed(self, old: Record[T] | None, new: Record[T], version: str, *, is_initial: bool) -> list[RecordEvent[T]]:
        """Return what handlers receive for an object that a list of this version has; the deletion of another first."""
        self._ends.pop(new.uid, None)
        if old is None:
            return [Added(new, is_initial)]
        if _is_another(new, old):
            self._end(old, version)
            return [Deleted(old.key, old, True), Added(new, is_initial)]
        return [Updated(old, old if _is_same(old, new) else new)]

    def missing(self, old: Iterable[Record[T]], version: str) -> list[RecordEvent[T]]:
        """Return what handlers receive for objects that a list does not have any more."""
        notifications: list[RecordEvent[T]] = []
        for record in old:
            self._end(record, version)
            notifications.append(Deleted(record.key, record, True))
        return notifications

    def _deleted(self, seen: Record[T], last: Record[T] | None, old: Record[T] | None) -> list[RecordEvent[T]]:
        if old is None or _is_older(seen, old):
            return []
        self._end(old, seen.resource_version)
        if _is_another(seen, old):
            # The end of an object that was never seen: then that of the one before it was missed.
            self._end(seen, seen.resource_version)
            return [Deleted(old.key, old, True)]
        return [Deleted(old.key, old, True) if last is None else Deleted(last.key, last, False)]

    def start_again(self) -> None:
        """Forget all ends: a list of a lower version has come, and to its server their versions mean nothing."""
        self._ends.clear()

    def _end(self, record: Record[T], version: str) -> None:
        if record.uid:
            self._ends[record.uid] = version or record.resource_version
            self._ends.move_to_end(record.uid)
            if len(self._ends) > _ENDS:
                self._ends.popitem(last=False)

    def _is_over(self, seen: Record[T]) -> bool:
        """Whether a state is from before the end of its object. An object that left a selector may come back."""
        end = self._ends.get(seen.uid)
        if end is None:
            return False
        if reaches(seen.resource_version, end) is False:
            return True
        del self._ends[seen.uid]
        return False


def _is_same(old: Record[T], new: Record[T]) -> bool:
    """Return whether an object is unchanged: the same uid, the same version and the same content."""
    if old.resource_version != new.resource_version or old.uid != new.uid:
        return False
    return old is new or new.has_content_of(old)


def _is_another(one: Record[T], other: Record[T]) -> bool:
    """Whether two records are of two objects, one made after the other was deleted."""
    return bool(one.uid and other.uid) and one.uid != other.uid


def _is_older(seen: Record[T], old: Record[T]) -> bool:
    return reaches(seen.resource_version, old.resource_version) is False
