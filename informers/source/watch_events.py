"""The decoded answers of lists and watches.

Upstream: k8s.io/apimachinery/pkg/watch/watch.go and pkg/apis/meta/v1/types.go ListOptions (v0.37).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers.errors import DecodeError, StatusError
from informers.source.records import Record

__all__ = ["BadObject", "Bookmark", "Change", "ChangeType", "ErrorEvent", "ListOptions", "Page", "WatchEvent"]

T = TypeVar("T", default=Any)


@final
class ChangeType(enum.Enum):
    """The type of a change; the value is its name on the wire."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"

    if not TYPE_CHECKING:
        # Enum's own __hash__ is a Python function, and these are looked up for every event.
        __hash__ = object.__hash__


@final
@attrs.define(eq=False)
class Change(Generic[T]):
    """An object was added, modified or deleted; for a deletion, `record` is its last state."""

    type: ChangeType
    record: Record[T]


@final
@attrs.frozen
class Bookmark:
    """Everything up to `resource_version` has been sent; `initial_events_end` ends a streaming list."""

    resource_version: str
    initial_events_end: bool = False


@final
@attrs.frozen(eq=False)
class ErrorEvent:
    """The server ends the watch with an error."""

    error: StatusError


@final
@attrs.frozen(eq=False)
class BadObject:
    """An unreadable object; `resource_version` is empty if that could not be read either."""

    error: DecodeError
    resource_version: str = ""


WatchEvent: TypeAlias = Change[T] | Bookmark | ErrorEvent | BadObject


@final
@attrs.frozen(eq=False)
class Page(Generic[T]):
    """One answer to a list.

    Attributes:
        records: the objects, in the server's order.
        resource_version: version of the list as a whole.
        continue_token: asks for the next page; empty on the last.
        bad: unreadable objects.
        remaining: number of objects in the pages after this one, if the server says it; None otherwise.
    """

    records: Sequence[Record[T]]
    resource_version: str
    continue_token: str = ""
    bad: Sequence[BadObject] = ()
    remaining: int | None = None


@final
@attrs.frozen(kw_only=True)
class ListOptions:
    """The options of a list or a watch; a tweak function returns a changed copy (`attrs.evolve`).

    Attributes:
        label_selector: for example `app=web`; empty selects all.
        field_selector: for example `spec.nodeName=node-1`; empty selects all.
        resource_version: empty for the newest, `0` for any, else this or newer (list), or after this (watch).
        resource_version_match: `NotOlderThan`, `Exact`, or empty for the server's default.
        limit: objects in a page; 0 for all.
        continue_token: token from the page before.
        timeout_seconds: seconds after which the server ends the watch; 0 leaves it to the server.
        allow_watch_bookmarks: whether the server may send bookmarks.
        send_initial_events: begin the watch with what exists (a streaming list).
        shard_selector: a share of the objects, on servers that support it; empty selects all.
    """

    label_selector: str = ""
    field_selector: str = ""
    resource_version: str = ""
    resource_version_match: str = ""
    limit: int = 0
    continue_token: str = ""
    timeout_seconds: int = 0
    allow_watch_bookmarks: bool = False
    send_initial_events: bool = False
    shard_selector: str = ""

    def query(self) -> list[tuple[str, str]]:
        """Return the parameters for a URL, without those with default values."""
        pairs = [
            ("labelSelector", self.label_selector),
            ("fieldSelector", self.field_selector),
            ("resourceVersion", self.resource_version),
            ("resourceVersionMatch", self.resource_version_match),
            ("limit", str(self.limit or "")),
            ("continue", self.continue_token),
            ("timeoutSeconds", str(self.timeout_seconds or "")),
            ("allowWatchBookmarks", "true" if self.allow_watch_bookmarks else ""),
            ("sendInitialEvents", "true" if self.send_initial_events else ""),
            ("shardSelector", self.shard_selector),
        ]
        return [(name, value) for name, value in pairs if value]
