"""Prometheus metrics of controllers.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/controller/metrics/metrics.go (v0.25).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

import prometheus_client
from prometheus_client.registry import CollectorRegistry

from informers._base.forks import new_lock
from informers.controllers.reconcile_metrics import MAX_CONCURRENT, METRICS, ReconcileMetric
from informers.errors import ConfigurationError
from informers.metrics.queue_metrics import QueueMetrics, registered
from informers.workqueue.instruments import Counter, Histogram

__all__ = ["ControllerMetrics"]


@final
class ControllerMetrics:
    """Registers the metrics of controllers: a `ControllerMetricsProvider`, with controller-runtime's names.

    Make one for each registry, and give it to all controllers; a name that is in use is refused.

    Args:
        registry: registers the metrics.
        queues: the `QueueMetrics` of the same registry, if other queues have them; new ones by default.

    Raises:
        ValueError: the registry has such metrics already.

    Example:
        >>> from informers import ObjectName, SharedInformerFactory
        >>> from informers.controllers import Controller
        >>> from informers.testing import APIServer
        >>> from prometheus_client import CollectorRegistry
        >>> registry = CollectorRegistry()
        >>> with APIServer() as server, SharedInformerFactory(server.client()) as factory:
        ...     pods, metrics = factory.core.v1.pods, ControllerMetrics(registry=registry)
        ...     controller = Controller("pods", pods, lambda name: None, metrics=metrics)
        ...     registry.get_sample_value("controller_runtime_max_concurrent_reconciles", {"controller": "pods"})
        1.0

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self, *, registry: CollectorRegistry = prometheus_client.REGISTRY, queues: QueueMetrics | None = None
    ) -> None:
        self._queues = QueueMetrics(registry=registry) if queues is None else queues
        self._metrics = {metric.name: registered(metric, metric.labels, registry) for metric in METRICS}
        self._lock = new_lock()
        #: By controller, the function that returns how many runs it can have; none once it has ended.
        self._limits: dict[str, Callable[[], float]] = {}

    @property
    def queues(self) -> QueueMetrics:
        """The metrics of the controllers' queues."""
        return self._queues

    def counter(self, metric: ReconcileMetric, labels: Mapping[str, str], /) -> Counter:
        """Return a counter, which begins with the value 0."""
        counter: Counter = self._metrics[metric.name].labels(**labels)
        return counter

    def histogram(self, metric: ReconcileMetric, labels: Mapping[str, str], /) -> Histogram:
        """Return a histogram."""
        histogram: Histogram = self._metrics[metric.name].labels(**labels)
        return histogram

    def gauge(self, metric: ReconcileMetric, labels: Mapping[str, str], read: Callable[[], float], /) -> None:
        """Publish a gauge; `read` returns its value whenever it is needed, and 0 once the controller has ended.

        Raises:
            ConfigurationError: another controller has the name, and has not ended.
        """
        if metric is MAX_CONCURRENT:
            name = labels["controller"]
            with self._lock:
                other = self._limits.get(name)
                if other is not None and other():
                    raise ConfigurationError(
                        f"a controller {name!r} uses these metrics already, and theirs would mix: "
                        "give it another name, or stop the other one first"
                    )
                self._limits[name] = read
        self._metrics[metric.name].labels(**labels).set_function(read)
