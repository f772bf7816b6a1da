"""Scripted faults: what a server does wrong, for which requests, and how often.

Example:
    >>> from informers.kinds import core
    >>> faults = Faults()
    >>> _ = faults.add(Status(429, retry_after=1), verb="watch", resource=core.V1.pods, times=1)
    >>> faults
    <Faults 1 pending>
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import attrs
from attrs.validators import optional

from informers._base.checks import check_count, check_seconds
from informers._base.forks import new_lock
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
    "Lag",
    "NoBookmarks",
    "Refuse",
    "ScriptedFault",
    "Status",
]


def _not_negative(_fault: object, attribute: attrs.Attribute[Any], value: object) -> None:
    check_seconds(attribute.name, value, at_least=0)


def _count(_fault: object, attribute: attrs.Attribute[Any], value: object) -> None:
    check_count(attribute.name, value, at_least=0)


@final
@attrs.frozen
class Status:
    """Answer with an error.

    Attributes:
        code: the HTTP status, for example 429.
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
    """Keep the connection open without an answer, until the client leaves or the server stops.

    Attributes:
        after_bytes: bytes of the answer's body to send first; None to send not even a status.
    """

    after_bytes: int | None = attrs.field(default=None, validator=optional(_count))


@final
@attrs.frozen
class Delay:
    """Wait before anything else, by the server's clock. Other faults may follow.

    Attributes:
        seconds: how long.
    """

    seconds: float = attrs.field(validator=_not_negative)


@final
@attrs.frozen
class Cut:
    """Reset the connection within the answer, possibly in the middle of a line.

    Attributes:
        after_bytes: bytes of the answer's body to send first.
    """

    after_bytes: int = attrs.field(default=0, validator=_count)


@final
@attrs.frozen
class EndWatch:
    """End a watch regularly, as on its timeout.

    Attributes:
        after_events: lines come first, bookmarks included.
    """

    after_events: int = attrs.field(default=0, validator=_count)


@final
@attrs.frozen
class Expire:
    """Answer that the resource version or continue token is too old: 410, for a watch as an event."""


@final
@attrs.frozen
class BadJSON:
    """Send invalid JSON: as the whole answer, or as a watch's first line."""


@final
@attrs.frozen
class NoBookmarks:
    """Send no bookmarks on a watch, not even the one at the end of a streaming list."""


@final
@attrs.frozen
class Lag:
    """Answer reads from a cache that is behind, as an API server's watch cache may be; writes are not affected.

    A watch receives each event late. A list, a get or a watch for any version (`resourceVersion=0`) gets an older
    state; a request for a newer version gets a 504. A list or a watch without a version begins with the present state.

    The lag ends when the fault is removed: then every affected watch receives all late events.

    Args:
        seconds: delay of each event after its write, by the server's clock.
        events: number of last events of a resource that are not seen. A large number holds all back.

    Raises:
        ConfigurationError: both or neither are given, or the value is not above 0.

    Example:
        >>> faults = Faults()
        >>> held = faults.add(Lag(events=1000), verb="watch", times=None)
        >>> faults.remove(held)
    """

    seconds: float = attrs.field(default=0.0, validator=_not_negative)
    events: int = attrs.field(default=0, validator=_count)

    def __attrs_post_init__(self) -> None:
        if (self.seconds > 0) == (self.events > 0):
            raise ConfigurationError(f"give a lag of seconds or of events, more than 0: got {self!r}")


#: All faults.
Fault = Status | Refuse | Hang | Delay | Cut | EndWatch | Expire | BadJSON | NoBookmarks | Lag

_READS = frozenset({"get", "list", "watch"})


@final
@attrs.define(eq=False)
class ScriptedFault:
    """A fault in the script.

    Attributes:
        fault: what happens.
        verb: to requests of this one; None for all.
        resource: to requests for this one; None for all.
        hits: how often it has happened.
        is_removed: whether it was taken out of the script by `remove` or `clear`.
    """

    fault: Fault
    verb: str | None
    resource: Resource[Any] | None
    _matches: Callable[[LoggedRequest], bool]
    _left: int | None
    hits: int = attrs.field(default=0, init=False)
    is_removed: bool = attrs.field(default=False, init=False)

    @property
    def lag(self) -> Lag | None:
        """Return how far readers are behind because of this fault; None if they are not, or no longer."""
        return self.fault if isinstance(self.fault, Lag) and not self.is_removed else None

    def __str__(self) -> str:
        return f"{self.fault} to {self.verb or 'any request'}{f' {self.resource}' if self.resource else ''}"


@final
class Faults:
    """The script of a server's faults. Each request meets the first fault that matches. A server makes its own.

    Args:
        check: refuses resources that can't be requested.
        on_removed: called after faults were removed.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        *,
        check: Callable[[object], None] = check_resource,
        on_removed: Callable[[], None] = lambda: None,
    ) -> None:
        self._check = check
        self._on_removed = on_removed
        self._lock = new_lock()
        self._script: list[ScriptedFault] = []

    def __repr__(self) -> str:
        return f"<Faults {len(self.pending)} pending>"

    @property
    def pending(self) -> tuple[ScriptedFault, ...]:
        """The faults in the script, in order, without those that have happened often enough."""
        with self._lock:
            return tuple(each for each in self._script if each._left != 0)  # noqa: SLF001  the script is one thing

    def add(
        self,
        fault: Fault,
        *,
        verb: str | None = None,
        resource: Resource[Any] | None = None,
        namespace: str | None = None,
        when: Callable[[LoggedRequest], bool] | None = None,
        times: int | None = 1,
    ) -> ScriptedFault:
        """Add a fault to the end of the script.

        Args:
            fault: the fault.
            verb: only for this verb, for example `watch`.
            resource: only for this resource, by group, version and plural.
            namespace: only for requests in this namespace, not for those in all.
            when: only for requests for which this returns true.
            times: how often; None for always.

        Returns:
            A handle with a count, for `remove`.

        Raises:
            ConfigurationError: `fault` is not a fault, the server never serves `resource`, the verb is unknown, or
                `times` is less than one.
        """
        if not isinstance(fault, Fault):
            raise ConfigurationError(f"fault must be a fault, for example Status(500) or Cut(): got {fault!r}")
        if verb is not None and verb not in VERBS:
            raise ConfigurationError(f"unknown verb {verb!r}: there are {', '.join(sorted(VERBS))}")
        if resource is not None:
            self._check(resource)
        if times is not None and times < 1:
            raise ConfigurationError(f"times must be at least 1, or None for always: got {times!r}")

        def matches(request: LoggedRequest) -> bool:
            return (
                verb in {None, request.verb}
                and (resource is None or request.is_for(resource))
                and namespace in {None, request.namespace}
                and (request.verb in _READS or not isinstance(fault, Lag))
                and (when is None or when(request))
            )

        scripted = ScriptedFault(fault, verb, resource, matches, times)
        with self._lock:
            self._script.append(scripted)
        return scripted

    def remove(self, scripted: ScriptedFault) -> None:
        """Remove a fault from the script, which ends a lag; does nothing if it is not there."""
        with self._lock:
            scripted.is_removed = True
            if scripted in self._script:
                self._script.remove(scripted)
        self._on_removed()

    def clear(self) -> None:
        """Remove all faults from the script, which ends lags."""
        with self._lock:
            for scripted in self._script:
                scripted.is_removed = True
            self._script.clear()
        self._on_removed()

    def take(self, request: LoggedRequest) -> list[ScriptedFault]:
        """Return the faults of a request, and count them: delays, and the first other fault that matches."""
        taken: list[ScriptedFault] = []
        for scripted in self.pending:
            # Without the lock: `when` is the user's.
            if scripted._matches(request) and self._count(scripted):  # noqa: SLF001  likewise
                taken.append(scripted)
                if not isinstance(scripted.fault, Delay):
                    break
        return taken

    def _count(self, scripted: ScriptedFault) -> bool:
        with self._lock:
            if scripted not in self._script or scripted._left == 0:  # noqa: SLF001  likewise
                return False
            scripted.hits += 1
            if scripted._left is not None:  # noqa: SLF001  likewise
                scripted._left -= 1  # noqa: SLF001  likewise
                # A lag lasts until it is removed.
                if scripted._left == 0 and not isinstance(scripted.fault, Lag):  # noqa: SLF001  likewise
                    self._script.remove(scripted)
            return True
