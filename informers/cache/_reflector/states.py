"""What a reflector is at, what it has learned, and what came of what it did: values alone.

Upstream: `State` of kube-rs, kube-runtime/src/watcher.rs; in client-go these are fields of the reflector.
"""

from __future__ import annotations

import enum
from typing import ClassVar, TypeAlias, final

import attrs

__all__ = [
    "Arrived",
    "AskedToWait",
    "Began",
    "CatchingUp",
    "CaughtUp",
    "Compared",
    "Comparing",
    "Connecting",
    "Doubting",
    "Ended",
    "Failed",
    "Listed",
    "ListsBy",
    "Memory",
    "NotStarted",
    "Opened",
    "Outcome",
    "Paging",
    "ReflectorState",
    "RelistAsked",
    "Resting",
    "Situation",
    "State",
    "StopAsked",
    "Stopped",
    "StreamBroke",
    "Streaming",
    "Waited",
    "Waiting",
    "Watching",
]


@final
class ReflectorState(enum.Enum):
    """What a reflector is doing, for people; the value is the words for it."""

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
    """Asks which version the server is at, before the watch from a saved version.

    A watch from a version that the server has not reached is silent, not refused. This costs one object.
    """

    shown: ClassVar[ReflectorState] = ReflectorState.CONNECTING


@final
@attrs.frozen
class CatchingUp:
    """Watches from a saved version; the cache misses what has happened until the server was at `newest`."""

    newest: str
    shown: ClassVar[ReflectorState] = ReflectorState.CATCHING_UP


@final
@attrs.frozen
class Streaming:
    """Lists by a stream, which goes on as the watch. `at` is the version; empty for the newest."""

    at: str
    shown: ClassVar[ReflectorState] = ReflectorState.LISTING


@final
@attrs.frozen
class Paging:
    """Lists in pages. `at` is the version: empty for the newest, `0` for any; `limit` is 0 for all in one page."""

    at: str
    limit: int
    shown: ClassVar[ReflectorState] = ReflectorState.LISTING


@final
@attrs.frozen
class Connecting:
    """Opens a watch from the last version; `resumes` says that it follows a watch, and not a list."""

    resumes: bool
    shown: ClassVar[ReflectorState] = ReflectorState.CONNECTING


@final
@attrs.frozen
class Watching:
    """A watch is open, and nothing speaks against its being what it seems."""

    shown: ClassVar[ReflectorState] = ReflectorState.WATCHING


@final
@attrs.frozen
class Doubting:
    """A watch is open that follows one that was silent to its end, and has brought nothing yet."""

    shown: ClassVar[ReflectorState] = ReflectorState.WATCHING


@final
@attrs.frozen
class Resting:
    """Lets a moment pass: watches end as soon as they have brought something."""

    then: State
    shown: ClassVar[ReflectorState] = ReflectorState.CONNECTING


@final
@attrs.frozen
class Waiting:
    """Waits after a failure, for a pause of the backoff, and at least as long as the server asked."""

    then: State
    at_least: float = 0.0
    shown: ClassVar[ReflectorState] = ReflectorState.WAITING


@final
@attrs.frozen
class AskedToWait:
    """Waits because the server asked for it, as long as it asked: that is not a failure."""

    then: State
    seconds: float
    reason: Exception
    shown: ClassVar[ReflectorState] = ReflectorState.ASKED_TO_WAIT


@final
@attrs.frozen
class Stopped:
    """Nothing more will happen."""

    shown: ClassVar[ReflectorState] = ReflectorState.STOPPED


State: TypeAlias = (
    NotStarted
    | Comparing
    | CatchingUp
    | Streaming
    | Paging
    | Connecting
    | Watching
    | Doubting
    | Resting
    | Waiting
    | AskedToWait
    | Stopped
)


@final
class ListsBy(enum.Enum):
    """How the next list is made."""

    STREAM = "a stream, as long as the source does not show that it can't"
    PAGES = "pages"


@final
@attrs.frozen(kw_only=True)
class Memory:
    """What a reflector has learned, of its source and of where it is.

    Attributes:
        version: the last one seen, where a watch goes on from; empty before the first list.
        list_at: what the next list asks for: `0` for any version, empty for the newest, else not older than this.
        page_size: objects in a page; 0 for all in one where the server has a watch cache to read from, and 500 else.
        lists_by: how the next list is made.
        broken_streams: streaming lists in a row that broke, where pages did not.
        silent_watches: watches in a row that were silent until they were given up.
        broken_watches: watches in a row that broke before they brought anything, where a server was there.
        quick_watches: watches in a row that ended within a second, and had brought something.
        expired_watches: watches in a row whose version the server had forgotten, since one lasted some seconds.
        asked_waits: waits in a row that the server asked for.
    """

    version: str = ""
    list_at: str = "0"
    page_size: int = 0
    lists_by: ListsBy = ListsBy.STREAM
    broken_streams: int = 0
    silent_watches: int = 0
    broken_watches: int = 0
    quick_watches: int = 0
    expired_watches: int = 0
    asked_waits: int = 0


@final
@attrs.frozen
class Situation:
    """Where a reflector is, and what it knows."""

    state: State
    memory: Memory


@final
@attrs.frozen
class Began:
    """The reflector has been started; `saved` is the version that its store has, or empty."""

    saved: str = ""


@final
@attrs.frozen
class Compared:
    """The server has said which version it is at."""

    newest: str


@final
@attrs.frozen
class CaughtUp:
    """The watch from a saved version has brought all that was missing; it goes on, from `version`."""

    version: str


@final
@attrs.frozen
class Listed:
    """A list is in the store, as of `version`; `in_pages` says that it did not come as a whole."""

    version: str
    in_pages: bool = False


@final
@attrs.frozen
class StreamBroke:
    """A streaming list was answered, but its end did not come."""

    error: Exception


@final
@attrs.frozen
class Opened:
    """A watch has been answered."""


@final
@attrs.frozen
class Arrived:
    """A watch has brought something."""


@final
@attrs.frozen(kw_only=True)
class Ended:
    """A watch is over.

    Attributes:
        version: the last one seen.
        lasted: seconds.
        has_events: whether it brought any, or a bookmark.
        error: None where it ended in good order.
    """

    version: str
    lasted: float
    has_events: bool
    error: Exception | None = None


@final
@attrs.frozen
class Failed:
    """A request failed before it came to a watch."""

    error: Exception


@final
@attrs.frozen
class Waited:
    """A pause is over."""


@final
@attrs.frozen
class RelistAsked:
    """Somebody knows that the cache is behind."""


@final
@attrs.frozen
class StopAsked:
    """The end."""


Outcome: TypeAlias = (
    Began
    | Compared
    | CaughtUp
    | Listed
    | StreamBroke
    | Opened
    | Arrived
    | Ended
    | Failed
    | Waited
    | RelistAsked
    | StopAsked
)
