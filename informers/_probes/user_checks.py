"""The user's checks: functions that may be slow, hang or raise; probes wait for them only for a limited time.

Upstream: sigs.k8s.io/controller-runtime/pkg/healthz Checker.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import final

from informers._base.checks import check_function
from informers._base.clock import Clock
from informers._base.exceptions import safe_text
from informers._base.forks import new_lock
from informers._base.signals import Signal
from informers._base.threads import start_thread
from informers.errors import ConfigurationError

__all__ = ["UserCheck", "checks_of"]

#: Seconds that a check may take.
_PATIENCE = 5.0


def checks_of(checks: object, clock: Clock) -> tuple[UserCheck, ...]:
    """Return the checks in a mapping of names to functions.

    Raises:
        ConfigurationError: it is not such a mapping.
    """
    advice = "checks must map names to functions without arguments"
    if not (checks is None or isinstance(checks, Mapping)):
        raise ConfigurationError(f"{advice}: got {type(checks).__name__}")
    made: list[UserCheck] = []
    for name, function in (checks or {}).items():
        if not isinstance(name, str) or not name or not callable(function):
            raise ConfigurationError(f"{advice}: got {name!r}: {type(function).__name__}")
        check_function(f"the check {name!r}", function, "", arguments=0)
        made.append(UserCheck(name, function, clock))
    return tuple(made)


@final
class UserCheck:
    """A user's function; one thread at a time runs it, and nobody waits for it longer than five seconds."""

    def __init__(self, name: str, function: Callable[[], object], clock: Clock) -> None:
        self.name = name
        self._function = function
        self._clock = clock
        self._lock = new_lock()
        self._run: Run | None = None

    def run(self) -> Run:
        """Return the present run; begin one if there is none."""
        with self._lock:
            if self._run is None:
                run = self._run = Run(self._clock)
                try:
                    start_thread(f"check-{self.name}", functools.partial(self._work, run))
                except RuntimeError as error:
                    # The system has no thread left.
                    self._run = None
                    run.end(f"not run: {error}")
                return run
            return self._run

    def abandon(self) -> None:
        """End all waits for the present run."""
        run = self._run
        if run is not None:
            run.over.set()

    def _work(self, run: Run) -> None:
        try:
            failure = "it returned False" if self._function() is False else ""
        except BaseException as error:  # noqa: BLE001  users' code; even its exit is only a failure
            failure = safe_text(error)
        with self._lock:
            self._run = None
        run.end(failure)


@final
class Run:
    """One call of a check."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        #: Raised when nobody needs to wait any more.
        self.over: Signal = Signal(clock=clock)
        #: None until it has returned.
        self._failure: str | None = None

    def end(self, failure: str) -> None:
        """Note the result."""
        self._failure = failure
        self.over.set()

    def failure(self) -> str:
        """Wait until it has returned, for at most five seconds; return why it failed, or empty if it passed."""
        self.over.wait(max(0.0, self._began + _PATIENCE - self._clock.monotonic()))
        if self._failure is None:
            return f"no answer for {self._clock.monotonic() - self._began:.0f} s"
        return self._failure
