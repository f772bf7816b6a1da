"""An open watch: the version that its events have reached, and the server's errors.

Upstream: k8s.io/client-go/tools/cache/reflector.go handleAnyWatch (v0.37).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeAlias, cast, final

import attrs
from typing_extensions import TypeVar

from informers.cache._reflector.states import Ended
from informers.cache.versions import reaches
from informers.errors import StatusError
from informers.source.listwatch import Watch
from informers.source.records import Record
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, WatchEvent

__all__ = ["OpenWatch", "ReflectorStore", "Seen"]

T = TypeVar("T", default=Any)

#: An event that a store receives.
Seen: TypeAlias = Change[T] | Bookmark | BadObject


class ReflectorStore(Protocol[T]):
    """Receives a reflector's objects: a `Store`, or an informer's queue. Only the reflector's thread calls it."""

    def replace_records(
        self, records: Sequence[Record[T]], resource_version: str, *, bad: Sequence[BadObject]
    ) -> object:
        """Take the whole content; the objects in `bad` exist, but are unreadable."""
        ...

    def apply_events(self, events: Sequence[Seen[T]]) -> object:
        """Take the events of a watch, in order."""
        ...


@final
@attrs.define(eq=False, kw_only=True)
class OpenWatch(Generic[T]):
    """An open watch.

    Attributes:
        watch: the watch.
        opened: when it was requested, by the clock's `monotonic`.
        batches: its events.
        version: the last version seen; it never goes back.
        resumes: whether it follows a watch, not a list.
        is_ordered: whether its events are in the order of their versions. A watch without a version begins with the
            existing objects in any order, until there is an event other than an addition.
        has_events: whether it has received any.
    """

    watch: Watch[T]
    opened: float
    batches: Iterator[Sequence[WatchEvent[T]]]
    version: str
    resumes: bool = False
    is_ordered: bool = attrs.field(default=attrs.Factory(lambda self: bool(self.version), takes_self=True))
    has_events: bool = False

    def sort(self, batch: Sequence[WatchEvent[T]]) -> tuple[Sequence[Seen[T]], StatusError | None]:
        """Return the events for the store, and the error that ends the watch or None; moves the version on."""
        error: StatusError | None = None
        for position, event in enumerate(batch):
            if isinstance(event, ErrorEvent):
                batch, error = batch[:position], event.error
                break
        if not batch:
            return (), error
        if self.resumes and not self.has_events and (replay := self._replay(batch[0])) is not None:
            return (), replay
        self.has_events = True
        seen = cast("Sequence[Seen[T]]", batch)
        self.version = _reached(self.version, seen if self.is_ordered else self._ordered(seen))
        return seen, error

    def ended(self, now: float, error: Exception | None) -> Ended:
        """Return how it ended, at the clock's time `now`."""
        return Ended(version=self.version, lasted=now - self.opened, has_events=self.has_events, error=error)

    def _ordered(self, seen: Sequence[Seen[T]]) -> Sequence[Seen[T]]:
        """Return the events whose versions are in order."""
        for position, event in enumerate(seen):
            if not (isinstance(event, BadObject) or (isinstance(event, Change) and event.type is ChangeType.ADDED)):
                self.is_ordered = True
                return seen[position:]
        return ()

    def _replay(self, first: WatchEvent[T]) -> StatusError | None:
        """Return an error if the server sends the existing objects in place of the changes since the version.

        Some servers do that in place of a 410, and never report the deletions. After a list, nothing is missed by it.
        """
        if not isinstance(first, Change) or first.type is not ChangeType.ADDED:
            return None
        version = first.record.resource_version
        if not version or reaches(self.version, version) is not True:
            return None
        return StatusError(
            f"a watch from version {self.version} began with an object of version {version}: the server shows what "
            "exists, not what has happened since"
        )


def _reached(version: str, seen: Sequence[Seen[Any]]) -> str:
    """Return the version after these events; versions that are known to be lower are ignored."""
    for event in seen:
        new: str = event.record.resource_version if isinstance(event, Change) else event.resource_version
        # Like `reaches`, but cheaper, since it runs for every event: it ignores leading zeros.
        is_lower = new.isdecimal() and version.isdecimal() and (len(new), new) <= (len(version), version)
        if new and not is_lower:
            version = new
    return version
