"""A watch that is open, and what its events say of the version that has been reached.

Upstream: k8s.io/client-go/tools/cache/reflector.go handleAnyWatch (v0.37).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers.cache.versions import reaches
from informers.errors import StatusError
from informers.source.events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, WatchEvent
from informers.source.listwatch import Watch

__all__ = ["OpenWatch", "Seen"]

T = TypeVar("T", default=Any)

#: What a store is told of a watch.
Seen: TypeAlias = Change[T] | Bookmark | BadObject


@final
@attrs.define(eq=False)
class OpenWatch(Generic[T]):
    """A watch that is open.

    Attributes:
        watch: which.
        opened: since when, by the clock's `monotonic`.
        batches: its events.
        is_ordered: whether its events have come in the order of their versions. Those of a watch that begins at no
            version are what exists, in any order, until something is no addition.
        has_events: whether it has brought any.
    """

    watch: Watch[T]
    opened: float
    batches: Iterator[Sequence[WatchEvent[T]]]
    is_ordered: bool = True
    has_events: bool = False

    def sort(self, batch: Sequence[WatchEvent[T]], version: str) -> tuple[list[Seen[T]], str, StatusError | None]:
        """Return what a store is to be told, the version then reached, and what the server ends the watch with."""
        seen: list[Seen[T]] = []
        for event in batch:
            if isinstance(event, ErrorEvent):
                return seen, version, event.error
            seen.append(event)
            self.has_events = True
            if not self.is_ordered:
                if isinstance(event, BadObject) or (isinstance(event, Change) and event.type is ChangeType.ADDED):
                    continue
                self.is_ordered = True
            reached = event.record.resource_version if isinstance(event, Change) else event.resource_version
            # A deletion may carry an older version, and a server may replay: only a list goes back.
            if reached and reaches(reached, version) is not False:
                version = reached
        return seen, version, None
