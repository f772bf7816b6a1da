"""The errors of this package.

One tree::

    InformersError
    ├── ConfigurationError(ValueError)     an argument is wrong: the message says what is right
    ├── AlreadyStartedError(RuntimeError)  too late for this: the informer runs already
    ├── StoppedError(RuntimeError)         too late for this: it has been stopped
    │   └── ForkedError                    this belongs to the parent of this forked process
    ├── NotSyncedError(RuntimeError)       a cache was needed before it was filled
    ├── SnapshotError(OSError)             caches can't be saved: the disk is full, or the folder does not exist
    ├── WaitTimeoutError(TimeoutError)     a wait took longer than its timeout
    ├── NotFoundError(LookupError)         the cache holds no such object
    ├── DecodeError(ValueError)            an object or a whole answer of the server can't be read
    └── SourceError                        a list or a watch failed; the informer tries again
        ├── StatusError                    the server answered with an error status
        │   ├── ExpiredError               410: the resource version is too old; the informer lists again
        │   ├── TooLargeResourceVersionError  the server is behind the resource version asked for
        │   └── TooManyRequestsError       429: the informer waits as the server says
        └── ConnectionLostError            there is no connection, or it broke or fell silent

`informers.source` turns errors of the official client and of urllib3 into these; the original is the `__cause__`.
"""

from __future__ import annotations

import json
from typing import Any, cast

__all__ = [
    "AlreadyStartedError",
    "ConfigurationError",
    "ConnectionLostError",
    "DecodeError",
    "ExpiredError",
    "ForkedError",
    "InformersError",
    "NotFoundError",
    "NotSyncedError",
    "SnapshotError",
    "SourceError",
    "StatusError",
    "StoppedError",
    "TooLargeResourceVersionError",
    "TooManyRequestsError",
    "WaitTimeoutError",
    "escaped",
]


#: The longest text of others that is shown, in characters: a message of a megabyte must not fill a log.
_LONGEST_TEXT = 4096

#: Why a cache may lack an object that exists, and what to do.
NOT_SYNCED = "it has not synced yet: start the factory, and call wait_for_cache_sync() before reading"


def escaped(text: str) -> str:
    r"""Return text of others in one line that is safe to show in a log, a probe's answer or a terminal.

    A server's message or an object's name (a Role may have almost any name) could otherwise forge log lines, move a
    terminal's cursor, or reverse the order of the text. Every character that `str.isprintable` rejects is escaped as
    `repr` escapes it: line breaks, control characters, invisible and bidirectional marks. Text of more than 4,096
    characters is cut, and ends with its length. Errors of this package, failures and health are already escaped.

    Args:
        text: the received text.

    Example:
        >>> print(escaped("a\nCRITICAL all is lost\x1b[2J"))
        a\nCRITICAL all is lost\x1b[2J
    """
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}… ({len(text):,} characters)"
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


class InformersError(Exception):
    """The base of every error that this package raises. Its text is one line (see `escaped`)."""

    def __str__(self) -> str:
        return escaped(super().__str__())


class ConfigurationError(InformersError, ValueError):
    """An argument is wrong. The message says which one, and what is right."""


class AlreadyStartedError(InformersError, RuntimeError):
    """The call is only possible before the start."""


class StoppedError(InformersError, RuntimeError):
    """The call is no longer possible: the informer, its factory or the queue has been stopped."""


class ForkedError(StoppedError):
    """The object belongs to the process that this one was forked from; only that process follows the server with it.

    After a fork, make and start a factory in the child.

    Attributes:
        owner: id of the process that the object belongs to.
    """

    def __init__(self, what: str, owner: int) -> None:
        super().__init__(what, owner)
        self.owner = owner

    def __str__(self) -> str:
        return (
            f"{self.args[0]} belongs to process {self.owner}, from which this one was forked: nothing follows the "
            "server for it here. Make a factory in this process, after the fork, and start it"
        )


class NotSyncedError(InformersError, RuntimeError):
    """The cache has not been filled yet. The message names it, and its last error."""


class WaitTimeoutError(InformersError, TimeoutError):
    """A wait took longer than its timeout. The message says what the cache holds instead."""


class SnapshotError(InformersError, OSError):
    """Caches can't be saved. The old file is unchanged; the system's error is the `__cause__`."""


class NotFoundError(InformersError, LookupError):
    """The cache holds no object with this name.

    Attributes:
        resource: plural name of the resource, for example `pods`; empty if unknown.
        key: `namespace/name` or `name`.
        reason: why it may exist all the same: the cache had not synced at that moment, or does not follow its
            namespace. Empty if it does not exist.
    """

    def __init__(self, resource: str, key: str, *, reason: str = "") -> None:
        super().__init__(resource, key)
        self.resource = resource
        self.key = key
        self.reason = reason

    @property
    def is_synced(self) -> bool:
        """Whether the cache had listed the object's namespace, so that the object does not exist."""
        return not self.reason

    def __str__(self) -> str:
        text = f"{self.resource or 'object'} {self.key!r} not found in the cache"
        return f"{text}: {self.reason}" if self.reason else text


class DecodeError(InformersError, ValueError):
    """An object or an answer of the server can't be read.

    Attributes:
        key: `namespace/name` of the object; empty if that could not be read either.
        raw: the unreadable bytes. They are not in the message, a pickle or a copy, since objects hold secrets.
    """

    def __init__(self, message: str, *, key: str = "", raw: bytes = b"") -> None:
        super().__init__(message)
        self.key = key
        self.raw = raw

    @property
    def mapping(self) -> dict[str, Any]:
        """The object as a JSON mapping. Raises ValueError if the bytes are not a JSON object."""
        mapping = json.loads(self.raw)
        if not isinstance(mapping, dict):
            raise ValueError(f"the bytes are JSON, but not a JSON object: {type(mapping).__name__}")  # noqa: TRY004  see above
        return cast("dict[str, Any]", mapping)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self.args, {**self.__dict__, "raw": b""}


class SourceError(InformersError):
    """A list or a watch failed. The informer retries after a pause."""


class StatusError(SourceError):
    """The server answered with an error status.

    Attributes:
        code: the HTTP status, for example 403.
        reason: Kubernetes' name of the error, for example `Forbidden`; may be empty.
        retry_after: seconds to wait that the server asks for, or None.
    """

    def __init__(self, message: str, *, code: int = 0, reason: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after

    def __str__(self) -> str:
        head = " ".join(part for part in (str(self.code) if self.code else "", self.reason) if part)
        return escaped(f"{head}: {self.args[0]}" if head else str(self.args[0]))


class ExpiredError(StatusError):
    """The resource version or continue token is too old (410). The informer lists again."""


class TooLargeResourceVersionError(StatusError):
    """The server has not reached the resource version asked for. The informer lists without one."""


class TooManyRequestsError(StatusError):
    """The server asks for fewer requests (429). The informer waits at least as long as the server asks."""


class ConnectionLostError(SourceError):
    """There is no connection to the server, it broke, or it was silent for too long."""
