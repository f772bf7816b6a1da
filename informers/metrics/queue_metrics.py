"""Prometheus metrics of work queues.

Upstream: names of k8s.io/component-base/metrics/prometheus/workqueue/metrics.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import prometheus_client
from prometheus_client.registry import CollectorRegistry

from informers.controllers.reconcile_metrics import ReconcileMetric
from informers.workqueue.instruments import METRICS, Counter, Histogram, Metric

__all__ = ["QueueMetrics", "registered"]


def registered(metric: Metric | ReconcileMetric, labels: Sequence[str], registry: CollectorRegistry) -> Any:
    """Return a metric of a registry. Its buckets and its name show of which type it is."""
    if metric.buckets:
        return prometheus_client.Histogram(metric.name, metric.help, labels, registry=registry, buckets=metric.buckets)
    kind = prometheus_client.Counter if metric.name.endswith("_total") else prometheus_client.Gauge
    return kind(metric.name, metric.help, labels, registry=registry)


@final
class QueueMetrics:
    """Registers the metrics of work queues: a `MetricsProvider` for `informers.workqueue`.

    Make one for each registry, and give it to all queues; their names must differ.

    Args:
        registry: registers the metrics.

    Raises:
        ValueError: the registry has such metrics already.

    Example:
        >>> from prometheus_client import CollectorRegistry
        >>> from informers.workqueue import Queue
        >>> registry = CollectorRegistry()
        >>> queue = Queue[str](name="pods", metrics=QueueMetrics(registry=registry))
        >>> queue.add("default/web-0")
        >>> registry.get_sample_value("workqueue_depth", {"name": "pods"})
        1.0

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, *, registry: CollectorRegistry = prometheus_client.REGISTRY) -> None:
        self._metrics = {metric.name: registered(metric, ["name"], registry) for metric in METRICS}

    def counter(self, metric: Metric, queue: str, /) -> Counter:
        """Return the counter of `metric` for this queue."""
        counter: Counter = self._metrics[metric.name].labels(queue)
        return counter

    def histogram(self, metric: Metric, queue: str, /) -> Histogram:
        """Return the histogram of `metric` for this queue."""
        histogram: Histogram = self._metrics[metric.name].labels(queue)
        return histogram

    def gauge(self, metric: Metric, queue: str, read: Callable[[], float], /) -> None:
        """Publish a gauge; `read` returns its value whenever it is needed."""
        self._metrics[metric.name].labels(queue).set_function(read)
