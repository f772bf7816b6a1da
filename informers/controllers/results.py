"""The results of a reconcile function, and the outcome of a run.

Upstream: sigs.k8s.io/controller-runtime/pkg/reconcile/reconcile.go (v0.25).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import attrs

from informers._base.checks import check_seconds
from informers.errors import ConfigurationError, InformersError
from informers.objects import ObjectName

__all__ = ["Outcome", "Processed", "Result", "TerminalError"]

#: The outcome of a run: success; success, to be repeated later; failed, and retried; failed, and not retried before the
#: next event; postponed, since the cache does not show its own writes yet.
Outcome: TypeAlias = Literal["success", "requeue_after", "error", "terminal", "stale"]


@final
@attrs.frozen(kw_only=True)
class Result:
    """A result of a reconcile function other than None. Both mean success, and clear the failures of the name.

    Attributes:
        requeue_after: seconds after which the name is reconciled again at the latest; None to wait for an event.

    Raises:
        ConfigurationError: the seconds are not a finite number above zero.
    """

    requeue_after: float | None = None

    def __attrs_post_init__(self) -> None:
        if self.requeue_after is not None and check_seconds("requeue_after", self.requeue_after) <= 0:
            raise ConfigurationError(
                f"requeue_after must be above zero: got {self.requeue_after!r}; to try again after a failure, raise it"
            )


class TerminalError(InformersError):
    """Raise it if another try would not help: the name waits for its next event, which begins without failures."""


@final
@attrs.frozen
class Processed:
    """One name that was taken from the queue, and its outcome.

    Attributes:
        name: the name.
        outcome: the outcome.
        seconds: how long the reconcile function took; 0 if it was not called.
        error: its exception, or None.
    """

    name: ObjectName
    outcome: Outcome
    seconds: float
    error: Exception | None = None
