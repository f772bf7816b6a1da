"""The states of a reflector, its memory, and the outcomes of its actions: plain values.

Upstream: `State` of kube-rs, kube-runtime/src/watcher.rs; in client-go these are fields of the reflector.
"""

from __future__ import annotations

import enum
from typing import ClassVar, TypeAlias, final

import attrs

__all__ = [
    "AskedToWait",
    "Began",
    "CatchingUp",
    "CaughtUp",
    "Compared",
    "Comparing",
    "Connecting",
    "Done",
    "Ended",
    "Failed",
    "Listed",
    "Memory",
    "NotStarted",
    "Outcome",
    "Paging",
    "ReflectorState",
    "RelistAsked",
    "Resting",
    "Situation",
    "State",
    "StopAsked",
    "Stopped",
    "Streaming",
    "Waiting",
    "Watching",
]


@final
class ReflectorState(enum.Enum):
    """What a reflector is doing; the value is its text for people."""

    NOT_STARTED = "not started"
    QUEUED = "waiting for its turn to list"
    LISTING = "listing"
    CONNECTING = "opening a watch"
    CATCHING_UP = "catching up from a saved version"
    WATCHING = "watching"
    WAITING = "waiting to try again"
    ASKED_TO_WAIT = "waiting as the server asked"
    STOPPED = "stopped"


@final
@attrs.frozen
class NotStarted:
    """No request has been made."""

    shown: ClassVar[ReflectorState] = ReflectorState.NOT_STARTED


@final
@attrs.frozen
class Comparing:
    """Asks for the server's version, before the watch from a saved version.

    If the server has not reached that version, it keeps such a watch silent and does not refuse it. The request is a
    list of one object.
    """

    shown: ClassVar[ReflectorState] = ReflectorState.CONNECTING


@final
@attrs.frozen
class CatchingUp:
    """Watches from a saved version; the cache misses the changes up to the server's version `newest`."""

    newest: str
    shown: ClassVar[ReflectorState] = ReflectorState.CATCHING_UP


@final
@attrs.frozen
class Streaming:
    """Lists by a stream, which goes on as the watch. `at` is the version to request; empty for the newest."""

    at: str
    shown: ClassVar[ReflectorState] = ReflectorState.LISTING


@final
@attrs.frozen
class Paging:
    """Lists in pages. `at` is the version to request: empty for the newest, `0` for any; `limit` 0 is one page."""

    at: str
    limit: int
    shown: ClassVar[ReflectorState] = ReflectorState.LISTING


@final
@attrs.frozen
class Connecting:
    """Opens a watch from the last version; `resumes` if it follows a watch, not a list."""

    resumes: bool
    shown: ClassVar[ReflectorState] = ReflectorState.CONNECTING


@final
@attrs.frozen
class Watching:
    """A watch is open; it is doubtful after one that was silent to its end, until something is received."""

    shown: ClassVar[ReflectorState] = ReflectorState.WATCHING


@final
@attrs.frozen
class Resting:
    """Pauses briefly: several watches ended right after their first events."""

    then: State
    shown: ClassVar[ReflectorState] = ReflectorState.CONNECTING


@final
@attrs.frozen
class Waiting:
    """Waits after a failure: for the backoff's pause, and at least as long as the server asked."""

    then: State
    at_least: float = 0.0
    shown: ClassVar[ReflectorState] = ReflectorState.WAITING


@final
@attrs.frozen
class AskedToWait:
    """Waits as long as the server asked; this is not a failure."""

    then: State
    seconds: float
    reason: Exception
    shown: ClassVar[ReflectorState] = ReflectorState.ASKED_TO_WAIT


@final
@attrs.frozen
class Stopped:
    """The reflector has ended."""

    shown: ClassVar[ReflectorState] = ReflectorState.STOPPED


State: TypeAlias = (
    NotStarted
    | Comparing
    | CatchingUp
    | Streaming
    | Paging
    | Connecting
    | Watching
    | Resting
    | Waiting
    | AskedToWait
    | Stopped
)


@final
@attrs.frozen(kw_only=True)
class Memory:
    """What a reflector has learned about its source and its position.

    Attributes:
        version: the last version seen, from which a watch continues; empty before the first list.
        list_at: version that the next list requests: `0` for any, empty for the newest, else this one or newer.
        page_size: objects in a page; 0 for one page where the server can read its watch cache, else 500.
        streams: whether the next list is made by a stream: until the source has shown that it does not support them.
        broken_streams: streaming lists in a row that broke, where pages did not.
        silent_watches: watches in a row that were silent until they were given up.
        broken_watches: watches in a row that broke within a second, before they brought anything; a server was there.
        quick_watches: watches in a row that ended within a second, and had brought something.
        expired_watches: watches in a row whose version the server had forgotten, since one lasted some seconds.
        asked_waits: waits in a row that the server asked for.
    """

    version: str = ""
    list_at: str = "0"
    page_size: int = 0
    streams: bool = True
    broken_streams: int = 0
    silent_watches: int = 0
    broken_watches: int = 0
    quick_watches: int = 0
    expired_watches: int = 0
    asked_waits: int = 0


@final
@attrs.frozen
class Situation:
    """The state and memory of a reflector."""

    state: State
    memory: Memory


@final
@attrs.frozen
class Began:
    """The reflector has been started; `saved` is the version of its store's content, or empty."""

    saved: str = ""


@final
@attrs.frozen
class Compared:
    """The server has answered with its version."""

    newest: str


@final
@attrs.frozen
class CaughtUp:
    """The watch from a saved version has brought all missing changes; it continues from `version`."""

    version: str


@final
@attrs.frozen
class Listed:
    """A list of `version` is in the store; `in_pages` if it had more than one page."""

    version: str
    in_pages: bool = False


@final
@attrs.frozen
class Done:
    """A pause is over, a request for a watch has been answered, or an open watch has received events."""


@final
@attrs.frozen(kw_only=True)
class Ended:
    """A watch has ended.

    Attributes:
        version: the last version seen.
        lasted: seconds since it was requested.
        has_events: whether it received an event or a bookmark.
        error: the failure that ended it; None if it ended regularly.
    """

    version: str
    lasted: float
    has_events: bool
    error: Exception | None = None


@final
@attrs.frozen
class Failed:
    """A request failed before there was a watch.

    Attributes:
        error: the failure.
        lasted: how long the request took, in seconds.
        was_answered: whether it was a streaming list that was answered, but broke before its end.
    """

    error: Exception
    lasted: float = 0.0
    was_answered: bool = False


@final
@attrs.frozen
class RelistAsked:
    """A user requested a new list."""


@final
@attrs.frozen
class StopAsked:
    """A stop was requested."""


Outcome: TypeAlias = Began | Compared | CaughtUp | Listed | Done | Ended | Failed | RelistAsked | StopAsked
