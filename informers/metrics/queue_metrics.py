"""Prometheus metrics of work queues.

Upstream: names of k8s.io/component-base/metrics/prometheus/workqueue/metrics.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import prometheus_client
from prometheus_client.registry import CollectorRegistry

from informers.workqueue.instruments import (
    ADDS,
    DEPTH,
    LONGEST_RUNNING,
    QUEUE_DURATION,
    RETRIES,
    UNFINISHED_WORK,
    WORK_DURATION,
    Counter,
    Histogram,
    Metric,
)

__all__ = ["QueueMetrics"]


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
        def made(kind: Callable[..., Any], *metrics: Metric, **more: Any) -> dict[str, Any]:
            return {
                metric.name: kind(metric.name, metric.help, ["name"], registry=registry, **more) for metric in metrics
            }

        self._gauges = made(prometheus_client.Gauge, DEPTH, UNFINISHED_WORK, LONGEST_RUNNING)
        self._counters = made(prometheus_client.Counter, ADDS, RETRIES)
        self._histograms = {
            **made(prometheus_client.Histogram, QUEUE_DURATION, buckets=QUEUE_DURATION.buckets),
            **made(prometheus_client.Histogram, WORK_DURATION, buckets=WORK_DURATION.buckets),
        }

    def counter(self, metric: Metric, queue: str, /) -> Counter:
        """Return the counter of `metric` for this queue."""
        counter: Counter = self._counters[metric.name].labels(queue)
        return counter

    def histogram(self, metric: Metric, queue: str, /) -> Histogram:
        """Return the histogram of `metric` for this queue."""
        histogram: Histogram = self._histograms[metric.name].labels(queue)
        return histogram

    def gauge(self, metric: Metric, queue: str, read: Callable[[], float], /) -> None:
        """Publish a gauge; `read` returns its value whenever it is needed."""
        self._gauges[metric.name].labels(queue).set_function(read)
