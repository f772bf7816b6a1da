"""The core of a controller, without threads and event loops: names are added, turns are taken.

A driver takes a turn, runs the reconcile function in it, and ends it. A name has one turn at a time::

    queue ──→ begin ──→ seen all own writes? ──no──→ postponed: again when the cache moves, or in a second
      ↑                        │ yes
      │                  a turn: the driver calls reconcile(name)
      │                        │
      └── end: forget · later · after the limiter's pause · not before an event

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/controller/controller.go (v0.25).
"""

from __future__ import annotations

import contextvars
import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, final

import attrs

from informers._base.clock import Clock
from informers._base.exceptions import report, safe_text
from informers.controllers._in_work import IN_WORK, InWork
from informers.controllers.own_writes import OwnWrites
from informers.controllers.reconcile_metrics import ControllerMetricsProvider, Reporter
from informers.controllers.results import Outcome, Processed, Result, TerminalError
from informers.errors import ConfigurationError, escaped
from informers.objects import ObjectName
from informers.source._wire.status_errors import retry_after_seconds
from informers.workqueue import RateLimiter, RateLimitingQueue

__all__ = ["Turn", "Turns", "log"]

_log = logging.getLogger("informers.controllers")

#: Seconds after which a postponed name is tried again without a wake-up.
_LOOK_AGAIN = 1.0


@final
@attrs.frozen(eq=False)
class Turn:
    """A name in work: run the reconcile function in `context`, then `end` the turn.

    Attributes:
        name: the name.
        began: time of the start, by the clock's `monotonic`.
        context: the function must run in it, so that its writes and log lines know the name.
    """

    name: ObjectName
    began: float
    context: contextvars.Context


@final
class Turns:
    """The queue of one controller, and the handling of results.

    Attributes:
        queue: the names; what is taken from it must have a turn.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        name: str,
        *,
        own_writes: OwnWrites,
        limiter: RateLimiter[ObjectName] | None,
        metrics: ControllerMetricsProvider | None,
        limit: Callable[[], int],
        run_timeout: float,
        clock: Clock,
    ) -> None:
        self._name = name
        self._own_writes = own_writes
        self._run_timeout = run_timeout
        self._clock = clock
        # Before the queue: it may refuse the name.
        self._reporter = Reporter(metrics, name, limit=limit, active=self._active)
        self.queue: RateLimitingQueue[ObjectName] = RateLimitingQueue(
            limiter, name=name, metrics=None if metrics is None else metrics.queues, clock=clock
        )
        #: The runs in progress. Only the thread that has a name changes its entry, so the interpreter's lock is enough.
        self._running: dict[ObjectName, Turn] = {}
        self._overdue: set[ObjectName] = set()
        self._failing: dict[ObjectName, str] = {}
        self._postponed: dict[ObjectName, str] = {}

    def _active(self) -> int:
        return len(self._running)

    def begin(self, name: ObjectName) -> Turn | Processed:
        """Return the turn of a name from the queue; or the result if it had to be postponed."""
        try:
            pending = self._own_writes.pending(name)
            if pending is None:
                self._postponed.pop(name, None)
                context = contextvars.copy_context()
                context.run(IN_WORK.set, InWork(self._own_writes, self._name, name, str(uuid.uuid4())))
                turn = self._running[name] = Turn(name, self._clock.monotonic(), context)
                return turn
            # From here on `seen` wakes the name; what was seen just before is forgotten.
            self._postponed[name] = str(pending)
            self.queue.add_after(name, _LOOK_AGAIN if self._own_writes.remembers(name) else 0.0)
            self._reporter.postponed(pending.group, pending.resource)
            log(logging.DEBUG, "%s %s: postponed: %s", self._name, name, pending)
        except BaseException:
            self.queue.done(name)
            raise
        self.queue.done(name)
        return Processed(name, "stale", 0.0)

    def seen(self, name: ObjectName | None) -> None:
        """Wake a name whose own writes the cache now shows; None for all names."""
        for waiting in list(self._postponed) if name is None else [name] if name in self._postponed else []:
            # Not `add`: the name keeps its priority.
            self.queue.add_after(waiting, 0.0)

    def end(self, turn: Turn, *, result: object = None, error: BaseException | None = None) -> Processed | None:
        """End a turn with the reconcile function's result or exception; only then may the name have another turn.

        Returns:
            The outcome; None if the function was interrupted by an exception that is not an `Exception`.
        """
        name = turn.name
        seconds = self._clock.monotonic() - turn.began
        try:
            if error is not None and not isinstance(error, Exception):
                return None
            if error is None and not (result is None or isinstance(result, Result)):
                error = ConfigurationError(
                    f"a reconcile function must return None or a Result: it returned {type(result).__name__}"
                )
            outcome = turn.context.run(self._settle, name, result, error)
        finally:
            self._running.pop(name, None)
            self._overdue.discard(name)
            self.queue.done(name)
        self._reporter.ended(outcome, seconds)
        return Processed(name, outcome, seconds, error)

    def _settle(self, name: ObjectName, result: object, error: Exception | None) -> Outcome:
        if error is None:
            self.queue.forget(name)
            self._failing.pop(name, None)
            if isinstance(result, Result) and result.requeue_after is not None:
                self.queue.add_after(name, result.requeue_after)
                return "requeue_after"
            return "success"
        # Only its text: the error itself would keep the function's local variables alive.
        self._failing[name] = safe_text(error)
        if isinstance(error, TerminalError):
            # Forgotten, so that the next event begins without failures.
            self.queue.forget(name)
            self._tell(name, error, "not tried again before its next event")
            return "terminal"
        delay = self.queue.add_rate_limited(name, at_least=_retry_after(error, now=self._clock.time()))
        if self.queue.shutting_down:
            self._tell(name, error, "not tried again, since the controller stops")
        else:
            when = "at once" if delay is None else f"in {delay:.3g} s"
            self._tell(name, error, f"try {self.queue.num_requeues(name)}, the next {when}")
        return "error"

    def _tell(self, name: ObjectName, error: Exception, then: str) -> None:
        work = IN_WORK.get()
        prefix = f"{self._name} {name} {'' if work is None else work.reconcile_id}"
        status = _status(error)
        if status in {404, 409}:
            # These come from reading a cache: another writer was quicker. They are no faults, and would fill logs.
            log(logging.INFO, "%s: the server answered %s %s; %s", prefix, status, _reason(error), then)
        else:
            report(_log, error, "%s: %s; %s", escaped(prefix), safe_text(error), then)

    def find_overdue(self) -> float | None:
        """Log and count each overdue run, once; return the seconds until the next run is overdue."""
        now = self._clock.monotonic()
        left: list[float] = []
        for name, turn in list(self._running.items()):
            seconds = now - turn.began
            if seconds < self._run_timeout:
                left.append(self._run_timeout - seconds)
            elif name not in self._overdue:
                self._overdue.add(name)
                self._reporter.overdue()
                log(logging.WARNING, "%s %s: has been in work for %.0f s, and goes on", self._name, name, seconds)
        return min(left, default=None)

    @property
    def running(self) -> Mapping[ObjectName, float]:
        """Names in work, with the seconds that each run has taken."""
        now = self._clock.monotonic()
        return {name: now - turn.began for name, turn in list(self._running.items())}

    @property
    def failing(self) -> Mapping[ObjectName, str]:
        """Names whose last run failed, with the error."""
        return dict(self._failing)

    @property
    def postponed(self) -> Mapping[ObjectName, str]:
        """Postponed names, with the reason."""
        return dict(self._postponed)


def log(level: int, message: str, *arguments: object) -> None:
    """Log a line; the user's log filters and handlers must not end a worker."""
    shown = [argument if isinstance(argument, (int, float)) else escaped(str(argument)) for argument in arguments]
    with suppress(Exception):
        _log.log(level, message, *shown)


def _attribute(error: Exception, name: str) -> Any:
    """Return an attribute of an error, or None; a user's property may raise."""
    with suppress(Exception):
        return getattr(error, name, None)
    return None


def _status(error: Exception) -> int | None:
    """Return the HTTP status of an error of the official client, or of this package."""
    status = _attribute(error, "status") or _attribute(error, "code")
    return status if isinstance(status, int) else None


def _reason(error: Exception) -> str:
    with suppress(Exception):
        return repr(str(_attribute(error, "reason") or ""))
    return "''"


def _retry_after(error: Exception, *, now: float) -> float:
    """Return the seconds after which a server with too many requests (429) wants the next one; 0 if unknown."""
    if _status(error) != 429:
        return 0.0
    own = _attribute(error, "retry_after")
    if isinstance(own, (int, float)):
        return own
    with suppress(Exception):  # of headers that are the user's
        return retry_after_seconds(_attribute(error, "headers").get("Retry-After"), now) or 0.0
    return 0.0
