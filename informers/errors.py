"""The errors of this package.

One tree::

    InformersError
    ├── ConfigurationError(ValueError)     an argument is wrong: the message says what is right
    ├── AlreadyStartedError(RuntimeError)  too late for this: the informer runs already
    ├── StoppedError(RuntimeError)         too late for this: it has been stopped
    │   └── ForkedError                    this belongs to the process that this one was forked from
    ├── NotSyncedError(RuntimeError)       a cache was needed before it was filled
    ├── SnapshotError(OSError)             caches can't be saved: the disk is full, or the folder not there
    ├── WaitTimeoutError(TimeoutError)     what was waited for did not happen in time
    ├── NotFoundError(LookupError)         the cache holds no such object
    ├── DecodeError(ValueError)            what the server sent can't be read: an object or a whole answer
    └── SourceError                        a list or a watch failed; the informer tries again
        ├── StatusError                    the server answered with an error status
        │   ├── ExpiredError               410: the resource version is too old; the informer lists again
        │   ├── TooLargeResourceVersionError  the server is behind the resource version asked for
        │   └── TooManyRequestsError       429: the informer waits as the server says
        └── ConnectionLostError            no connection, or it broke or fell silent

Errors of the official client and of urllib3 never leave `informers.source` bare: they are the `__cause__`.
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


#: Characters of a text of others that are shown: anyone who writes a message of a megabyte must not fill a log with it.
_LONGEST_TEXT = 4096

#: What to do before a cache is read.
WAIT_FIRST = "start the factory, and call wait_for_cache_sync() before reading"


def escaped(text: str) -> str:
    r"""Return text that comes from elsewhere, fit to be shown in one line: of a log, a probe's answer, a terminal.

    A server's message, or the name of an object (a Role may have almost any), could otherwise forge lines of a log,
    move a terminal's cursor, or turn around the order of what stands there. Whatever `str.isprintable` does not let
    pass is escaped as `repr` does it: line breaks, control characters, invisible and bidirectional marks. Letters of
    all languages stay. What is longer than 4,096 characters is cut, and says so. The texts of this package's errors, of
    failures and of health are escaped already.

    Args:
        text: what was received.

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
    """The base of every error that this package raises. Its text is one line, see `escaped`."""

    def __str__(self) -> str:
        return escaped(super().__str__())


class ConfigurationError(InformersError, ValueError):
    """An argument is wrong. The message says which, and what would be right."""


class AlreadyStartedError(InformersError, RuntimeError):
    """This can only be done before the start."""


class StoppedError(InformersError, RuntimeError):
    """This can't be done any more: the informer, its factory or the queue has been stopped."""


class ForkedError(StoppedError):
    """This belongs to another process, from which this one was forked; what follows the server runs only there.

    Make a factory in this process, and start it, after the fork.

    Attributes:
        owner: id of the process that it belongs to.
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
    """A cache was needed that has not been filled yet. The message names it, and its last error."""


class WaitTimeoutError(InformersError, TimeoutError):
    """What was waited for did not happen in time. The message says what the cache shows instead."""


class SnapshotError(InformersError, OSError):
    """Caches can't be saved. What the file held before is as it was; the system's error is the `__cause__`."""


class NotFoundError(InformersError, LookupError):
    """The cache holds no object of this name.

    Attributes:
        resource: plural name of the resource, for example `pods`; empty where it is not known.
        key: `namespace/name` or `name`.
        is_synced: whether the cache had synced by then.
    """

    def __init__(self, resource: str, key: str, *, is_synced: bool = True) -> None:
        super().__init__(resource, key)
        self.resource = resource
        self.key = key
        self.is_synced = is_synced

    def __str__(self) -> str:
        text = f"{self.resource or 'object'} {self.key!r} not found in the cache"
        return text if self.is_synced else f"{text}, which has not synced yet: {WAIT_FIRST}"


class DecodeError(InformersError, ValueError):
    """What the server sent can't be read.

    Attributes:
        key: `namespace/name` of the object, or empty where not even that could be read.
        raw: the bytes that could not be read; not part of the message, nor of a pickle or a copy, since objects hold
            secrets.
    """

    def __init__(self, message: str, *, key: str = "", raw: bytes = b"") -> None:
        super().__init__(message)
        self.key = key
        self.raw = raw

    @property
    def mapping(self) -> dict[str, Any]:
        """The object as a JSON mapping, to go on with what is there. Raises ValueError where it is not JSON."""
        mapping = json.loads(self.raw)
        if not isinstance(mapping, dict):
            raise ValueError(f"the bytes are JSON, but no JSON object: {type(mapping).__name__}")  # noqa: TRY004  see above
        return cast("dict[str, Any]", mapping)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_decode_error, (self.args[0], self.key)


def _rebuild_decode_error(message: str, key: str) -> DecodeError:
    return DecodeError(message, key=key)


class SourceError(InformersError):
    """A list or a watch failed. The informer tries again automatically, after a pause."""


class StatusError(SourceError):
    """The server answered with an error.

    Attributes:
        code: the HTTP status, for example 403.
        reason: Kubernetes' word for it, for example `Forbidden`; may be empty.
        retry_after: seconds that the server asks to wait, or None.
    """

    def __init__(self, message: str, *, code: int = 0, reason: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after

    def __str__(self) -> str:
        head = " ".join(part for part in (str(self.code) if self.code else "", self.reason) if part)
        return escaped(f"{head}: {self.args[0]}" if head else str(self.args[0]))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_status_error, (type(self), self.args[0], self.code, self.reason, self.retry_after)


def _rebuild_status_error(
    cls: type[StatusError], message: str, code: int, reason: str, retry_after: float | None
) -> StatusError:
    return cls(message, code=code, reason=reason, retry_after=retry_after)


class ExpiredError(StatusError):
    """The resource version or continue token is too old (410). The informer lists again."""


class TooLargeResourceVersionError(StatusError):
    """The server has not reached the resource version asked for. The informer lists without one."""


class TooManyRequestsError(StatusError):
    """The server asks for fewer requests (429). The informer waits at least as long as it says."""


class ConnectionLostError(SourceError):
    """There is no connection to the server, it broke, or nothing came over it for too long."""
