"""Metrics of informers, work queues and controllers for Prometheus, by the official `prometheus-client`.

Install it with this package: `pip install informers[prometheus]`. An informer knows nearly all these figures anyway,
and is asked for them when Prometheus asks. Its latency alone is measured for their sake, once there is a collector.

Names that client-go has are client-go's. All have the labels `name` (of the factory), `group`, `version` and
`resource`; what starts with `reflector_` has `namespace` too, empty for all, and `informer_handler_` has `handler`.

Upstream: k8s.io/client-go/tools/cache/informer_metrics.go, reflector_metrics.go; names of
k8s.io/component-base/metrics/prometheus (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, final

from typing_extensions import override

from informers._factory.base import InformerFactory
from informers.cache._pipeline.latency import Latencies
from informers.cache.health import HandlerHealth, InformerHealth, WatchHealth
from informers.controllers.reconcile_metrics import METRICS, ReconcileMetric
from informers.errors import ConfigurationError
from informers.workqueue.metrics import (
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

try:
    import prometheus_client
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        SummaryMetricFamily,
    )
    from prometheus_client.registry import Collector, CollectorRegistry
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "informers.metrics needs prometheus-client: pip install informers[prometheus]", name=_error.name
    ) from _error

__all__ = ["ControllerMetrics", "InformerCollector", "QueueMetrics"]

_Family = CounterMetricFamily | GaugeMetricFamily
_AnyFamily = _Family | HistogramMetricFamily | SummaryMetricFamily

_INFORMER = ("name", "group", "version", "resource")
_REFLECTOR = (*_INFORMER, "namespace")
_HANDLER = (*_INFORMER, "handler")


@final
class InformerCollector(Collector):
    """Collects the metrics of all informers of a factory, or of several.

    Args:
        factories: a factory, or several by what the label `name` calls them. Informers that are asked for later are
            there too. A registry takes one collector.
        registry: where to register it; None for none.

    Raises:
        ConfigurationError: there is something else among the factories.

    Example:
        >>> from informers import SharedInformerFactory
        >>> from informers.testing import APIServer
        >>> from prometheus_client import CollectorRegistry
        >>> registry = CollectorRegistry()
        >>> with APIServer() as server:
        ...     factory = SharedInformerFactory(server.client())
        ...     pods = factory.core.v1.pods
        ...     collector = InformerCollector(factory, registry=registry)
        ...     labels = {"name": "", "group": "", "version": "v1", "resource": "pods"}
        ...     registry.get_sample_value("informer_synced", labels)
        0.0

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        factories: InformerFactory | Mapping[str, InformerFactory],
        *,
        registry: CollectorRegistry | None = prometheus_client.REGISTRY,
    ) -> None:
        if not isinstance(factories, (InformerFactory, Mapping)):
            raise ConfigurationError(
                f"expected a factory, or several by name, such as {{'main': factory}}: got {type(factories).__name__}"
            )
        self._factories = {"": factories} if isinstance(factories, InformerFactory) else dict(factories)
        for factory in self._factories.values():
            if not isinstance(factory, InformerFactory):
                raise ConfigurationError(f"expected a factory of informers: got {type(factory).__name__}")
        for factory in self._factories.values():
            factory.measure_latencies()
        if registry is not None:
            registry.register(self)

    def describe(self) -> Iterable[_AnyFamily]:
        """Return the metrics without values, so that registering looks at no informer."""
        reflectors = [*_reflector_families(), *_reflector_summaries()]
        return [*_informer_families(), _latency_family(), *reflectors, *_handler_families()]

    @override
    def collect(self) -> Iterator[_AnyFamily]:
        """Yield the metrics, as of now."""
        informers, reflectors, handlers = _informer_families(), _reflector_families(), _handler_families()
        latencies, summaries = _latency_family(), _reflector_summaries()
        kinds = [(name, kind) for name, factory in self._factories.items() for kind in factory.kinds]
        for name, kind in kinds:
            health = kind.informer.health()
            resource = kind.resource
            labels = [name, *resource.address]
            _add(informers, labels, _informer_values(health))
            if health.latencies is not None:
                latencies.add_metric(labels, _cumulated(health.latencies), health.latencies.total)
            for watch in health.watches:
                of_reflector = [*labels, watch.namespace or ""]
                _add(reflectors, of_reflector, _reflector_values(watch))
                for summary, values in zip(summaries, _reflector_sums(watch), strict=True):
                    summary.add_metric(of_reflector, *values)
            by_name: dict[str, list[HandlerHealth]] = {}
            for handler in health.handlers:
                by_name.setdefault(handler.name, []).append(handler)
            for handler_name, alike in by_name.items():
                _add(handlers, [*labels, handler_name], _handler_values(alike))
        yield from (*informers, latencies, *reflectors, *summaries, *handlers)


def _add(families: list[_Family], labels: list[str], values: tuple[float | None, ...]) -> None:
    for family, value in zip(families, values, strict=True):
        if value is not None:
            family.add_metric(labels, value)


def _informer_families() -> list[_Family]:
    return [
        GaugeMetricFamily("informer_queued_items", "Number of items currently queued in the FIFO.", labels=_INFORMER),
        GaugeMetricFamily(
            "informer_store_resource_version",
            "The last 15 digits of the resource version of the informer's store.",
            labels=_INFORMER,
        ),
        GaugeMetricFamily("informer_objects", "Objects in the cache.", labels=_INFORMER),
        GaugeMetricFamily("informer_bytes", "Bytes that the objects in the cache take.", labels=_INFORMER),
        GaugeMetricFamily("informer_synced", "1 once the first list is in the cache.", labels=_INFORMER),
        GaugeMetricFamily(
            "informer_live", "1 while the cache follows the server: every watch is open.", labels=_INFORMER
        ),
        GaugeMetricFamily(
            "informer_set_aside_objects",
            "Objects that are on the server, but can't be held as they are.",
            labels=_INFORMER,
        ),
        CounterMetricFamily("informer_set_aside", "How often an object had to be set aside.", labels=_INFORMER),
    ]


def _informer_values(health: InformerHealth) -> tuple[float, ...]:
    return (
        health.queued,
        _digits(health.resource_version),
        health.objects,
        health.bytes,
        health.synced,
        health.is_live,
        len(health.set_aside),
        health.set_aside_total,
    )


def _latency_family() -> HistogramMetricFamily:
    return HistogramMetricFamily(
        "informer_processing_latency_seconds",
        "Time taken to process events after popping from the queue.",
        labels=_INFORMER,
    )


def _cumulated(latencies: Latencies) -> list[tuple[str, float]]:
    bounds = [*map(str, latencies.bounds), "+Inf"]
    return list(zip(bounds, accumulate(latencies.counts), strict=True))


def _reflector_families() -> list[_Family]:
    return [
        CounterMetricFamily("reflector_lists", "Total number of lists that were completed.", labels=_REFLECTOR),
        CounterMetricFamily("reflector_watches", "Total number of watches that were opened.", labels=_REFLECTOR),
        CounterMetricFamily(
            "reflector_short_watches",
            "Total number of watches that ended within a second, without an event.",
            labels=_REFLECTOR,
        ),
        CounterMetricFamily("reflector_failures", "Total number of requests that failed.", labels=_REFLECTOR),
        GaugeMetricFamily(
            "reflector_last_resource_version",
            "The last 15 digits of the last resource version seen.",
            labels=_REFLECTOR,
        ),
        GaugeMetricFamily("reflector_live", "1 while the watch is open and not doubtful.", labels=_REFLECTOR),
        GaugeMetricFamily(
            "reflector_connected_seconds", "For how long the open watch has been open.", labels=_REFLECTOR
        ),
        GaugeMetricFamily(
            "reflector_last_event_age_seconds", "Time since the last event or bookmark.", labels=_REFLECTOR
        ),
    ]


def _reflector_values(health: WatchHealth) -> tuple[float | None, ...]:
    return (
        health.lists,
        health.watches,
        health.short_watches,
        health.failures,
        _digits(health.resource_version),
        health.is_live,
        health.connected_for,
        health.last_event_age,
    )


def _reflector_summaries() -> list[SummaryMetricFamily]:
    return [
        SummaryMetricFamily("reflector_list_duration_seconds", "How long a list took.", labels=_REFLECTOR),
        SummaryMetricFamily("reflector_items_per_list", "How many objects a list brought.", labels=_REFLECTOR),
        SummaryMetricFamily(
            "reflector_watch_duration_seconds", "How long a watch that has ended was open.", labels=_REFLECTOR
        ),
        SummaryMetricFamily(
            "reflector_items_per_watch",
            "How many events and bookmarks a watch that has ended brought.",
            labels=_REFLECTOR,
        ),
    ]


def _reflector_sums(health: WatchHealth) -> tuple[tuple[int, float], ...]:
    """Return how many there were, and their sum."""
    return (
        (health.lists, health.list_seconds),
        (health.lists, health.items_listed),
        (health.watches_ended, health.watch_seconds),
        (health.watches_ended, health.watch_events),
    )


def _handler_families() -> list[_Family]:
    return [
        GaugeMetricFamily("informer_handler_backlog", "Events that the handler has not finished yet.", labels=_HANDLER),
        CounterMetricFamily(
            "informer_handler_delivered", "Total number of events that the handler has finished.", labels=_HANDLER
        ),
        CounterMetricFamily(
            "informer_handler_failures", "Total number of events on which the handler raised.", labels=_HANDLER
        ),
        GaugeMetricFamily(
            "informer_handler_busy_seconds", "For how long the handler has been at its event.", labels=_HANDLER
        ),
    ]


def _handler_values(alike: list[HandlerHealth]) -> tuple[float, ...]:
    """Return the figures of handlers of one name, such as two of one class: their sums, and the longest time."""
    return (
        sum(handler.backlog for handler in alike),
        sum(handler.delivered for handler in alike),
        sum(handler.failed for handler in alike),
        max(handler.busy_for or 0.0 for handler in alike),
    )


def _digits(version: str) -> float:
    # As upstream: a float holds no more digits than these.
    return float(version[-15:]) if version.isdigit() else 0.0


@final
class QueueMetrics:
    """Where the metrics of work queues go: a `MetricsProvider` for `informers.workqueue`.

    Make one for each registry, and give it to all queues; each needs a name of its own.

    Args:
        registry: where the metrics are registered.

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
        """Publish what `read` returns whenever the gauge of `metric` is wanted."""
        self._gauges[metric.name].labels(queue).set_function(read)


@final
class ControllerMetrics:
    """Where the metrics of controllers go: a `ControllerMetricsProvider`, under controller-runtime's names.

    Make one for each registry, and give it to all controllers; each needs a name of its own.

    Args:
        registry: where the metrics are registered.
        queues: of the same registry, if other queues have it already; a new one by default.

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
        self._metrics = {metric.name: _made(metric, registry) for metric in METRICS}

    @property
    def queues(self) -> QueueMetrics:
        """Where the metrics of the controllers' queues go."""
        return self._queues

    def counter(self, metric: ReconcileMetric, labels: Mapping[str, str], /) -> Counter:
        """Return a counter, which is there from now on with the value 0."""
        counter: Counter = self._metrics[metric.name].labels(**labels)
        return counter

    def histogram(self, metric: ReconcileMetric, labels: Mapping[str, str], /) -> Histogram:
        """Return a histogram."""
        histogram: Histogram = self._metrics[metric.name].labels(**labels)
        return histogram

    def gauge(self, metric: ReconcileMetric, labels: Mapping[str, str], read: Callable[[], float], /) -> None:
        """Publish what `read` returns whenever the gauge is wanted."""
        self._metrics[metric.name].labels(**labels).set_function(read)


def _made(metric: ReconcileMetric, registry: CollectorRegistry) -> Any:
    if metric.buckets:
        return prometheus_client.Histogram(
            metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets
        )
    kind = prometheus_client.Counter if metric.name.endswith("_total") else prometheus_client.Gauge
    return kind(metric.name, metric.help, metric.labels, registry=registry)
