"""The metrics of a controller, with controller-runtime's names, so that its dashboards fit.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/controller/metrics/metrics.go (v0.25); the counter of stale
skips corresponds to `*_stale_sync_skips_total` in k8s.io/kubernetes/pkg/controller (v1.37).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol, final
from weakref import WeakMethod

import attrs

from informers._base.exceptions import report
from informers.controllers.results import Outcome
from informers.workqueue import Counter, Histogram, MetricsProvider

__all__ = ["MAX_CONCURRENT", "METRICS", "ControllerMetricsProvider", "ReconcileMetric", "Reporter"]

_log = logging.getLogger("informers.controllers")


@final
@attrs.frozen
class ReconcileMetric:
    """The name and meaning of one metric of controllers.

    Attributes:
        name: the metric's name.
        help: its description, a sentence.
        labels: names of its labels.
        buckets: upper bounds of a histogram's buckets, in seconds; empty for other metrics.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ("controller",)
    buckets: tuple[float, ...] = ()


#: Counter.
TOTAL = ReconcileMetric(
    "controller_runtime_reconcile_total",
    "Total number of reconciliations per controller",
    ("controller", "result"),
)
#: Counter.
ERRORS = ReconcileMetric(
    "controller_runtime_reconcile_errors_total", "Total number of reconciliation errors per controller"
)
#: Counter.
TERMINAL_ERRORS = ReconcileMetric(
    "controller_runtime_terminal_reconcile_errors_total",
    "Total number of terminal reconciliation errors per controller",
)
#: Counter.
TIMEOUTS = ReconcileMetric(
    "controller_runtime_reconcile_timeouts_total",
    "Total number of reconciliations that took longer than the controller's time limit",
)
#: Counter.
STALE_SKIPS = ReconcileMetric(
    "informers_controller_stale_skips_total",
    "Total number of reconciliations that were postponed because the cache had not seen the controller's own writes",
    ("controller", "group", "resource"),
)
#: Histogram.
TIME = ReconcileMetric(
    "controller_runtime_reconcile_time_seconds",
    "Length of time per reconciliation per controller",
    buckets=(
        *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        *(1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0),
        *(40.0, 50.0, 60.0),
    ),
)
#: Gauge.
MAX_CONCURRENT = ReconcileMetric(
    "controller_runtime_max_concurrent_reconciles", "Maximum number of concurrent reconciles per controller"
)
#: Gauge.
ACTIVE_WORKERS = ReconcileMetric("controller_runtime_active_workers", "Number of currently used workers per controller")

#: All metrics.
METRICS = (TOTAL, ERRORS, TERMINAL_ERRORS, TIMEOUTS, STALE_SKIPS, TIME, MAX_CONCURRENT, ACTIVE_WORKERS)


class ControllerMetricsProvider(Protocol):
    """Receives the metrics of controllers; `informers.metrics.ControllerMetrics` does for Prometheus.

    Thread safety: every worker uses the returned metrics, without a lock. Their exceptions are logged and have no other
    effect.
    """

    @property
    def queues(self) -> MetricsProvider:
        """Receives the metrics of the controllers' queues."""
        ...

    def counter(self, metric: ReconcileMetric, labels: Mapping[str, str], /) -> Counter:
        """Return a counter, which begins with the value 0."""
        ...

    def histogram(self, metric: ReconcileMetric, labels: Mapping[str, str], /) -> Histogram:
        """Return a histogram."""
        ...

    def gauge(self, metric: ReconcileMetric, labels: Mapping[str, str], read: Callable[[], float], /) -> None:
        """Publish a gauge; `read` returns its value whenever it is needed, and 0 once the controller has ended.

        The first gauge of a controller is `MAX_CONCURRENT`, which is above 0 until then. So a provider can refuse a
        second controller of one name.
        """
        ...


@final
class Reporter:
    """Counts the runs of one controller; without a provider it does nothing.

    Args:
        provider: receives the metrics.
        controller: the controller's name.
        limit: a method that returns how many runs there can be at a time; 0 once the controller has ended.
        active: a method that returns how many runs are in progress.
    """

    def __init__(
        self,
        provider: ControllerMetricsProvider | None,
        controller: str,
        *,
        limit: Callable[[], int],
        active: Callable[[], int],
    ) -> None:
        self._provider = provider
        self._labels = {"controller": controller}
        self._stale: dict[tuple[str, str], Counter] = {}
        if provider is None:
            return
        labels = self._labels
        # First of all: it may be refused, and then nothing is counted.
        provider.gauge(MAX_CONCURRENT, labels, _reader(limit))
        provider.gauge(ACTIVE_WORKERS, labels, _reader(active))
        self._results: dict[Outcome, Counter] = {
            "success": provider.counter(TOTAL, {**labels, "result": "success"}),
            "requeue_after": provider.counter(TOTAL, {**labels, "result": "requeue_after"}),
            "error": provider.counter(TOTAL, {**labels, "result": "error"}),
        }
        self._results["terminal"] = self._results["error"]
        self._errors = provider.counter(ERRORS, labels)
        self._terminal_errors = provider.counter(TERMINAL_ERRORS, labels)
        self._timeouts = provider.counter(TIMEOUTS, labels)
        self._time = provider.histogram(TIME, labels)

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """Count one run of the reconcile function."""
        if self._provider is None:
            return
        tell(lambda: self._results[outcome].inc(1))
        tell(lambda: self._time.observe(seconds))
        if outcome in {"error", "terminal"}:
            tell(lambda: self._errors.inc(1))
        if outcome == "terminal":
            tell(lambda: self._terminal_errors.inc(1))

    def overdue(self) -> None:
        """Count an overdue run."""
        if self._provider is not None:
            tell(lambda: self._timeouts.inc(1))

    def postponed(self, group: str, resource: str) -> None:
        """Count a run that was postponed because of writes to a resource."""
        provider = self._provider
        if provider is None:
            return

        def count() -> None:
            counter = self._stale.get((group, resource))
            if counter is None:
                labels = {**self._labels, "group": group, "resource": resource}
                counter = self._stale[group, resource] = provider.counter(STALE_SKIPS, labels)
            counter.inc(1)

        tell(count)


def _reader(figure: Callable[[], int]) -> Callable[[], float]:
    """Return a function that reads a method's figure; the provider outlives the controller, and must not keep it."""
    look = WeakMethod(figure)

    def read() -> float:
        present = look()
        return 0.0 if present is None else float(present())

    return read


def tell(metric: Callable[[], object]) -> None:
    """Call a metric, which is foreign code: its exception is logged, and the worker goes on."""
    try:
        metric()
    except Exception as error:  # noqa: BLE001  see above
        report(_log, error, "a metric of a controller can't be told")
