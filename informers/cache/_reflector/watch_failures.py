"""What an error handler is told, and what is told when all is well again.

Upstream: k8s.io/client-go/tools/cache/reflector.go WatchErrorHandler (v0.37).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeAlias, final

import attrs

from informers._base.exceptions import safe_text
from informers.errors import escaped

__all__ = ["NextStep", "WatchErrorHandler", "WatchFailure", "WatchRecovery", "WatchRecoveryHandler"]


@final
class NextStep(enum.Enum):
    """What an informer does after a failure; the value is the words for it."""

    LIST = "list"
    WATCH = "watch"
    LIST_PAGES = "list page by page"
    GO_ON = "go on without the object"


@final
@attrs.frozen(eq=False)
class WatchFailure:
    """A list or a watch failed, or an object had to be set aside, or left out of an index.

    Attributes:
        resource: for example `pods` or `deployments.apps`.
        namespace: of the list or watch; None for all.
        error: what went wrong: mostly a `SourceError` or `DecodeError`.
        next_step: what happens next.
        delay: seconds until then.
        key: of the object that was set aside or left out; empty where the whole request failed.
        index: that the object was left out of, since its function failed: it is in the cache. Empty otherwise.
    """

    resource: str
    namespace: str | None
    error: Exception
    next_step: NextStep
    delay: float = 0.0
    key: str = ""
    index: str = ""

    def __str__(self) -> str:
        what = self.resource if self.namespace is None else f"{self.resource} in {self.namespace}"
        key = escaped(self.key) or "an object"
        if self.index:
            return f"{what}: {key} left out of an index: {safe_text(self.error, str)}"
        if self.next_step is NextStep.GO_ON:
            return f"{what}: {key} set aside: {safe_text(self.error, str)}"
        when = f" in {self.delay:.1f} s" if self.delay > 0 else ", at once"
        return f"{what}: {safe_text(self.error, str)}; next: {self.next_step.value}{when}"


#: Receives every failure, in the informer's controller thread, and in place of the log, which has failures at level
#: DEBUG then, and otherwise at WARNING. What it raises is logged, with the failure.
WatchErrorHandler: TypeAlias = Callable[[WatchFailure], object]


@final
@attrs.frozen(eq=False)
class WatchRecovery:
    """A watch is open again after failures that were told, or open for the first time after such.

    Attributes:
        resource: for example `pods` or `deployments.apps`.
        namespace: of the watch; None for all.
        seconds: for which there was no watch that worked.
        failures: how many were told in that time.
        is_first: whether there never was one before.
    """

    resource: str
    namespace: str | None
    seconds: float
    failures: int
    is_first: bool = False

    def __str__(self) -> str:
        what = self.resource if self.namespace is None else f"{self.resource} in {self.namespace}"
        seconds = f"{self.seconds:.0f}" if self.seconds >= 10 else f"{self.seconds:.1f}"
        again = "live" if self.is_first else "live again"
        return f"{what}: {again} after {seconds} s and {self.failures} failure{'s' if self.failures > 1 else ''}"


#: Is notified of every recovery, in the informer's controller thread, in order with the failures. The log has it at the
#: level of the failures: DEBUG where an error handler is notified of these, and otherwise WARNING. What it raises is
#: logged.
WatchRecoveryHandler: TypeAlias = Callable[[WatchRecovery], object]
