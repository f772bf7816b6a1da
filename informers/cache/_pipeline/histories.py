"""The history of an object: which record the cache holds, and which events handlers receive.

One uid has one history: the object is added, updated any number of times, and deleted once. Contradictions of a server
are corrected here: handlers receive no second deletion, no deletion of an object that was never added, and no older
state after a newer one. An object that was created again under its name becomes a deletion of the old one and an
addition of the new one. Only a list may go back to older states: then a backup of the server was restored.

Upstream: k8s.io/client-go/tools/cache/controller.go processDeltas, which delivers every event (v0.37).
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

#: Number of ended objects that are remembered. A server that replays events replays those of the last minutes.
_ENDS = 4096


@final
class Histories(Generic[T]):
    """Decides which events are delivered. It remembers the uids of the last ended objects, nothing else.

    Thread safety: it belongs to the controller's thread; `has_ended` may be called from any.
    """

    def __init__(self) -> None:
        #: Versions at which objects ended, by uid; the latest end is last.
        self._ends: OrderedDict[str, str] = OrderedDict()

    def has_ended(self, uid: str) -> bool:
        """Return whether an object was in the cache and has left it; only the last ends are remembered."""
        return uid in self._ends

    def change(
        self, kind: ChangeType, seen: Record[T], new: Record[T] | None, old: Record[T] | None, *, is_initial: bool
    ) -> list[RecordEvent[T]]:
        """Return the events of a change that a watch reports; empty if the cache stays as it is.

        Args:
            kind: the type of the change.
            seen: the object as received.
            new: the object to store; None if it can't be made (of a deletion).
            old: the cache's record of its key.
            is_initial: whether an addition belongs to the initial list.
        """
        if kind is ChangeType.DELETED:
            return self._deleted(seen, new, old)
        if new is None or (self._ends and self._is_over(seen)):
            return []
        if old is not None and reaches(seen.resource_version, old.resource_version) is False:
            return []
        return self._present(old, new, seen.resource_version, is_initial=is_initial)

    def listed(self, old: Record[T] | None, new: Record[T], version: str, *, is_initial: bool) -> list[RecordEvent[T]]:
        """Return the events of a listed object; if it replaces another, the other's deletion is first."""
        self._ends.pop(new.uid, None)
        return self._present(old, new, version, is_initial=is_initial)

    def _present(
        self, old: Record[T] | None, new: Record[T], version: str, *, is_initial: bool
    ) -> list[RecordEvent[T]]:
        if old is None:
            return [Added(new, is_initial)]
        if old.uid != new.uid and old.uid and new.uid:
            # The old one was deleted, and the new one created later.
            self._end(old, version)
            return [Deleted(old.key, old, True), Added(new, is_initial)]
        # Unchanged: the same uid, the same version and the same content.
        is_same = old.resource_version == new.resource_version and old.uid == new.uid and new.has_content_of(old)
        return [Updated(old, old if is_same else new)]

    def missing(self, old: Iterable[Record[T]], version: str) -> list[RecordEvent[T]]:
        """Return the events of objects that a list no longer has."""
        notifications: list[RecordEvent[T]] = []
        for record in old:
            self._end(record, version)
            notifications.append(Deleted(record.key, record, True))
        return notifications

    def _deleted(self, seen: Record[T], last: Record[T] | None, old: Record[T] | None) -> list[RecordEvent[T]]:
        if old is None or reaches(seen.resource_version, old.resource_version) is False:
            return []
        self._end(old, seen.resource_version)
        if old.uid != seen.uid and old.uid and seen.uid:
            # The deleted object was never seen: then the deletion of the one before it was missed.
            self._end(seen, seen.resource_version)
            return [Deleted(old.key, old, True)]
        return [Deleted(old.key, old, True) if last is None else Deleted(last.key, last, False)]

    def start_again(self) -> None:
        """Forget all ends: a list of a lower version was received, and their versions mean nothing to its server."""
        self._ends.clear()

    def _end(self, record: Record[T], version: str) -> None:
        if record.uid:
            self._ends[record.uid] = version or record.resource_version
            self._ends.move_to_end(record.uid)
            if len(self._ends) > _ENDS:
                self._ends.popitem(last=False)

    def _is_over(self, seen: Record[T]) -> bool:
        """Return whether a state is from before its object's end. An object that left a selector may return."""
        end = self._ends.get(seen.uid)
        if end is None:
            return False
        if reaches(seen.resource_version, end) is False:
            return True
        del self._ends[seen.uid]
        return False
