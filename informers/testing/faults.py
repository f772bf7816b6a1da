"""Faults by script: what a server does wrong, to which requests, and how often.

Example:
    >>> from informers.kinds import core
    >>> faults = Faults()
    >>> _ = faults.add(Status(429, retry_after=1), verb="watch", resource=core.V1.pods, times=1)
    >>> faults
    <Faults 1 pending>
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, final

import attrs

from informers.errors import ConfigurationError
from informers.resources import Resource
from informers.testing._http.status import REASONS, Failure
from informers.testing._rules.authorization import VERBS
from informers.testing._store.served_resources import check_resource
from informers.testing.request_log import LoggedRequest

__all__ = [
    "BadJSON",
    "Cut",
    "Delay",
    "EndWatch",
    "Expire",
    "Fault",
    "Faults",
    "Hang",
    "NoBookmarks",
    "Refuse",
    "ScriptedFault",
    "Status",
]


@final
@attrs.frozen
class Status:
    """Answer with an error.

    Attributes:
        code: the HTTP status, such as 429.
        reason: Kubernetes' word for it; None for the usual one.
        message: None for the reason.
        retry_after: seconds to wait, also sent as a `Retry-After` header.
        in_stream: for a watch: answer with 200 and send the error as an event.
    """

    code: int
    reason: str | None = None
    message: str | None = None
    retry_after: int | None = None
    in_stream: bool = False

    def failure(self) -> Failure:
        """Return the error."""
        reason = REASONS.get(self.code, "") if self.reason is None else self.reason
        message = self.message or reason or f"status {self.code}"
        return Failure(message, code=self.code, reason=reason, retry_after=self.retry_after)


@final
@attrs.frozen
class Refuse:
    """Reset the connection without an answer."""


@final
@attrs.frozen
class Hang:
    """Keep the connection open and say nothing, until the client leaves or the server stops.

    Attributes:
        after_bytes: of the answer's body come first; None if not even a status comes.
    """

    after_bytes: int | None = None


@final
@attrs.frozen
class Delay:
    """Wait before doing anything else, by the server's clock. Other faults may follow.

    Attributes:
        seconds: how long.
    """

    seconds: float


@final
@attrs.frozen
class Cut:
    """Reset the connection within the answer, in the middle of a line if it so happens.

    Attributes:
        after_bytes: of the answer's body come first.
    """

    after_bytes: int = 0


@final
@attrs.frozen
class EndWatch:
    """End a watch in good order, as on its timeout.

    Attributes:
        after_events: lines come first, bookmarks included.
    """

    after_events: int = 0


@final
@attrs.frozen
class Expire:
    """Answer that the resource version or continue token is too old: 410, for a watch as an event."""


@final
@attrs.frozen
class BadJSON:
    """Send what is no JSON: as the whole answer, or as a watch's first line."""


@final
@attrs.frozen
class NoBookmarks:
    """Send no bookmarks on a watch, not even the one at the end of a streaming list."""


#: Whatever can be scripted.
Fault = Status | Refuse | Hang | Delay | Cut | EndWatch | Expire | BadJSON | NoBookmarks


@final
@attrs.define(eq=False)
class ScriptedFault:
    """A fault in the script.

    Attributes:
        fault: what happens.
        verb: to requests of this one; None for all.
        resource: to requests for this one; None for all.
        hits: how often it has happened.
    """

    fault: Fault
    verb: str | None
    resource: Resource[Any] | None
    _matches: Callable[[LoggedRequest], bool]
    _left: int | None
    hits: int = attrs.field(default=0, init=False)

    def __str__(self) -> str:
        return f"{self.fault} to {self.verb or 'any request'}{f' {self.resource}' if self.resource else ''}"


@final
class Faults:
    """The script of a server's faults. Each request meets the first that fits it.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script: list[ScriptedFault] = []

    def __repr__(self) -> str:
        return f"<Faults {len(self._script)} pending>"

    @property
    def pending(self) -> tuple[ScriptedFault, ...]:
        """What is in the script now, in its order: what has happened as often as it was to is out."""
        with self._lock:
            return tuple(self._script)

    def add(
        self,
        fault: Fault,
        *,
        verb: str | None = None,
        resource: Resource[Any] | None = None,
        when: Callable[[LoggedRequest], bool] | None = None,
        times: int | None = 1,
    ) -> ScriptedFault:
        """Add a fault to the end of the script.

        Args:
            fault: what happens.
            verb: only to requests of this one, such as `watch`.
            resource: only to requests for this one.
            when: only to requests for which this returns true.
            times: how often; None for always.

        Returns:
            A handle that counts, and that `remove` takes.

        Raises:
            ConfigurationError: `fault` or `resource` is none, there is no such verb, or `times` is less than one.
        """
        if not isinstance(fault, Fault):
            raise ConfigurationError(f"fault must be such as Status(500) or Cut(): got {fault!r}")
        if verb is not None and verb not in VERBS:
            raise ConfigurationError(f"unknown verb {verb!r}: there are {', '.join(sorted(VERBS))}")
        if resource is not None:
            check_resource(resource)
        if times is not None and times < 1:
            raise ConfigurationError(f"times must be at least 1, or None for always: got {times!r}")

        def matches(request: LoggedRequest) -> bool:
            fits = verb in {None, request.verb} and (resource is None or request.resource == resource)
            return fits and (when is None or when(request))

        scripted = ScriptedFault(fault, verb, resource, matches, times)
        with self._lock:
            self._script.append(scripted)
        return scripted

    def remove(self, scripted: ScriptedFault) -> None:
        """Take a fault out of the script; nothing happens if it is out already."""
        with self._lock:
            if scripted in self._script:
                self._script.remove(scripted)

    def clear(self) -> None:
        """Take all faults out of the script."""
        with self._lock:
            self._script.clear()

    def take(self, request: LoggedRequest) -> list[Fault]:
        """Return what happens to a request, and count it: delays, and the first other fault that fits."""
        with self._lock:
            script = list(self._script)
        taken: list[Fault] = []
        for scripted in script:
            # Without the lock: `when` is the user's.
            if scripted._matches(request) and self._count(scripted):  # noqa: SLF001  the script is one thing
                taken.append(scripted.fault)
                if not isinstance(scripted.fault, Delay):
                    break
        return taken

    def _count(self, scripted: ScriptedFault) -> bool:
        with self._lock:
            if scripted not in self._script:
                return False
            scripted.hits += 1
            if scripted._left is not None:  # noqa: SLF001  the script is one thing
                scripted._left -= 1  # noqa: SLF001
                if scripted._left == 0:  # noqa: SLF001
                    self._script.remove(scripted)
            return True
