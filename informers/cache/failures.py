"""What an error handler is told.

Upstream: k8s.io/client-go/tools/cache/reflector.go WatchErrorHandler (v0.37).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeAlias, final

import attrs

__all__ = ["NextStep", "WatchErrorHandler", "WatchFailure"]


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
    """A list or a watch failed, or an object had to be set aside.

    Attributes:
        resource: such as `pods` or `deployments.apps`.
        namespace: of the list or watch; None for all.
        error: what went wrong: mostly a `SourceError` or `DecodeError`.
        next_step: what happens next.
        delay: seconds until then.
        key: of the object that was set aside; empty where the whole request failed.
    """

    resource: str
    namespace: str | None
    error: Exception
    next_step: NextStep
    delay: float = 0.0
    key: str = ""

    def __str__(self) -> str:
        what = self.resource if self.namespace is None else f"{self.resource} in {self.namespace}"
        if self.next_step is NextStep.GO_ON:
            return f"{what}: {self.key or 'an object'} set aside: {self.error}"
        return f"{what}: {self.error}; next: {self.next_step.value} in {self.delay:.1f} s"


#: Is told of every failure, in the informer's controller thread; what it raises is logged.
WatchErrorHandler: TypeAlias = Callable[[WatchFailure], object]
