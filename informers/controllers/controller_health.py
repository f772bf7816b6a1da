"""The health of a controller, for people and probes: values of one moment.

Upstream: none; controller-runtime only has metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import attrs

from informers.objects import ObjectName

__all__ = ["ControllerHealth"]


@final
@attrs.frozen(kw_only=True)
class ControllerHealth:
    """The health of a controller. As text, a line, for example for a probe's answer.

    Attributes:
        name: the controller's name.
        started: whether `run` has been called.
        stopped: whether it has been stopped.
        unsynced: handlers that have not received everything yet, with the reason; empty once it may begin.
        waiting: number of names that wait for a worker.
        delayed: number of names whose time has not come.
        running: names in work, with the seconds that each run has taken.
        failing: names whose last run failed, with the error.
        postponed: names that wait for the cache to show their own writes, with the reason.
        run_timeout: seconds after which a run is overdue.
    """

    name: str
    started: bool
    stopped: bool
    unsynced: Mapping[str, str]
    waiting: int
    delayed: int
    running: Mapping[ObjectName, float]
    failing: Mapping[ObjectName, str]
    postponed: Mapping[ObjectName, str]
    run_timeout: float

    @property
    def longest_run(self) -> float:
        """Seconds that the oldest present run has taken; 0 if there is none."""
        return max(self.running.values(), default=0.0)

    @property
    def is_live(self) -> bool:
        """Whether it works or waits for leadership: it has not been stopped, and no run is overdue."""
        return not self.stopped and self.longest_run < self.run_timeout

    @property
    def is_ready(self) -> bool:
        """Whether it has received everything that existed when it began."""
        return not self.stopped and not self.unsynced

    @property
    def reason(self) -> str:
        """Why it is not live, as text; empty if it is live."""
        if self.stopped:
            return "stopped"
        overdue = sorted(
            ((seconds, name) for name, seconds in self.running.items() if seconds >= self.run_timeout), reverse=True
        )
        return "; ".join(f"{name} has been in work for {seconds:.0f} s" for seconds, name in overdue[:3])

    def __str__(self) -> str:
        state = self.reason or ("live" if self.started else "not started")
        figures = f"{self.waiting} waiting, {len(self.running)} running"
        if self.delayed:
            figures += f", {self.delayed} delayed"
        if self.failing:
            name, why = next(iter(self.failing.items()))
            figures += f", {len(self.failing)} failing (for example {name}: {why})"
        if self.postponed:
            name, why = next(iter(self.postponed.items()))
            figures += f", {len(self.postponed)} postponed (for example {name}: {why})"
        if self.unsynced:
            figures += "; not synced: " + "; ".join(f"{name}: {why}" for name, why in self.unsynced.items())
        return f"controller {self.name}: {state}, {figures}"
