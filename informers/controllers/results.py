"""What a reconcile function returns and raises, and what became of one run of it.

Upstream: sigs.k8s.io/controller-runtime/pkg/reconcile/reconcile.go (v0.25).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import attrs

from informers._base.checks import check_seconds
from informers.errors import ConfigurationError, InformersError
from informers.objects import ObjectName

__all__ = ["Outcome", "Processed", "Result", "TerminalError"]

#: What became of a name: it is as it should be; it is to be looked at later; it failed and is tried again; it failed
#: and is not tried again before the next event; it was postponed, since the cache has not seen its own writes yet.
Outcome: TypeAlias = Literal["success", "requeue_after", "error", "terminal", "stale"]


@final
@attrs.frozen(kw_only=True)
class Result:
    """What a reconcile function may return besides None. Either is a success, and clears the failures of the name.

    Attributes:
        requeue_after: seconds after which the name is looked at again, at the latest; None for not before an event.

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
    """Raise it where another try would not help: the name waits for its next event, which starts afresh."""


@final
@attrs.frozen
class Processed:
    """One name that was taken from the queue, and what became of it.

    Attributes:
        name: the name.
        outcome: what became of it.
        seconds: how long the reconcile function took; 0 where it was not called.
        error: what it raised; None where it did not.
    """

    name: ObjectName
    outcome: Outcome
    seconds: float
    error: Exception | None = None
