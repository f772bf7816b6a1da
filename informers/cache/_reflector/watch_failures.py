"""The values that error and recovery handlers receive.

Upstream: k8s.io/client-go/tools/cache/reflector.go WatchErrorHandler (v0.37).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeAlias, final

import attrs

from informers._base.exceptions import safe_text
from informers.errors import escaped

__all__ = ["NextStep", "WatchErrorHandler", "WatchFailure", "WatchRecovery", "WatchRecoveryHandler", "named"]


def named(resource: str, namespace: str | None) -> str:
    """Return the name of a list and watch in messages: the resource, and its namespace if it has one."""
    return resource if namespace is None else f"{resource} in {namespace}"


@final
class NextStep(enum.Enum):
    """What an informer does after a failure; the value is its text for people."""

    LIST = "list"
    WATCH = "watch"
    LIST_PAGES = "list page by page"
    GO_ON = "go on without the object"


@final
@attrs.frozen(eq=False)
class WatchFailure:
    """A list or a watch failed, or an object could not be stored, or was left out of an index.

    Attributes:
        resource: for example `pods` or `deployments.apps`.
        namespace: of the list or watch; None for all.
        error: the cause, mostly a `SourceError` or `DecodeError`.
        next_step: what happens next.
        delay: seconds until the next step.
        key: key of the object that was set aside or left out; empty if the whole request failed.
        index: name of the index that left the object out, since its function failed; the object is in the cache. Empty
            for other failures.
    """

    resource: str
    namespace: str | None
    error: Exception
    next_step: NextStep
    delay: float = 0.0
    key: str = ""
    index: str = ""

    def __str__(self) -> str:
        what = named(self.resource, self.namespace)
        key = escaped(self.key) or "an object"
        if self.index:
            return f"{what}: {key} left out of an index: {safe_text(self.error, str)}"
        if self.next_step is NextStep.GO_ON:
            return f"{what}: {key} set aside: {safe_text(self.error, str)}"
        when = f" in {self.delay:.1f} s" if self.delay > 0 else ", at once"
        return f"{what}: {safe_text(self.error, str)}; next: {self.next_step.value}{when}"


#: Called with every failure, in the informer's controller thread. With such a handler, failures are logged at DEBUG,
#: without one at WARNING. Its exceptions are logged, with the failure.
WatchErrorHandler: TypeAlias = Callable[[WatchFailure], object]


@final
@attrs.frozen(eq=False)
class WatchRecovery:
    """A watch works again after reported failures, or works for the first time after some.

    Attributes:
        resource: for example `pods` or `deployments.apps`.
        namespace: of the watch; None for all.
        seconds: how long no watch worked.
        failures: number of failures reported in that time.
        is_first: whether no watch had worked before.
    """

    resource: str
    namespace: str | None
    seconds: float
    failures: int
    is_first: bool = False

    def __str__(self) -> str:
        what = named(self.resource, self.namespace)
        seconds = f"{self.seconds:.0f}" if self.seconds >= 10 else f"{self.seconds:.1f}"
        again = "live" if self.is_first else "live again"
        return f"{what}: {again} after {seconds} s and {self.failures} failure{'s' if self.failures > 1 else ''}"


#: Called with every recovery, in the informer's controller thread, in order with the failures. With an error handler,
#: recoveries are logged at DEBUG, without one at WARNING. Its exceptions are logged.
WatchRecoveryHandler: TypeAlias = Callable[[WatchRecovery], object]
