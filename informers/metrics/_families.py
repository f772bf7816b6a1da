"""The metrics of informers, reflectors and handlers: names, descriptions, labels, and values from their health.

Upstream: k8s.io/client-go/tools/cache/informer_metrics.go, reflector_metrics.go; names of
k8s.io/component-base/metrics/prometheus (v0.37).
"""

from __future__ import annotations

from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, SummaryMetricFamily

from informers.cache._pipeline.latency import Latencies
from informers.cache.health import HandlerHealth, InformerHealth, WatchHealth

__all__ = [
    "AnyFamily",
    "Family",
    "add_values",
    "cumulated",
    "handler_families",
    "handler_values",
    "informer_families",
    "informer_values",
    "latency_family",
    "reflector_families",
    "reflector_summaries",
    "reflector_sums",
    "reflector_values",
]

Family = CounterMetricFamily | GaugeMetricFamily
AnyFamily = Family | HistogramMetricFamily | SummaryMetricFamily

_INFORMER = ("name", "group", "version", "resource")
_REFLECTOR = (*_INFORMER, "namespace")
_HANDLER = (*_INFORMER, "handler")


def add_values(families: list[Family], labels: list[str], values: tuple[float | None, ...]) -> None:
    """Add a value to each family, except None."""
    for family, value in zip(families, values, strict=True):
        if value is not None:
            family.add_metric(labels, value)


def informer_families() -> list[Family]:
    """Return the metrics of informers, without values."""
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


def informer_values(health: InformerHealth) -> tuple[float, ...]:
    """Return the values of `informer_families`, in the same order."""
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


def latency_family() -> HistogramMetricFamily:
    """Return the metric of the measured latencies, without values."""
    return HistogramMetricFamily(
        "informer_processing_latency_seconds",
        "Time taken to process events after popping from the queue.",
        labels=_INFORMER,
    )


def cumulated(latencies: Latencies) -> list[tuple[str, float]]:
    """Return the cumulative buckets of a histogram, as Prometheus needs them."""
    bounds = [*map(str, latencies.bounds), "+Inf"]
    return list(zip(bounds, accumulate(latencies.counts), strict=True))


def reflector_families() -> list[Family]:
    """Return the metrics of reflectors, without values."""
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


def reflector_values(health: WatchHealth) -> tuple[float | None, ...]:
    """Return the values of `reflector_families`, in the same order."""
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


def reflector_summaries() -> list[SummaryMetricFamily]:
    """Return the summaries of reflectors, without values."""
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


def reflector_sums(health: WatchHealth) -> tuple[tuple[int, float], ...]:
    """Return the count and the sum for each of `reflector_summaries`."""
    return (
        (health.lists, health.list_seconds),
        (health.lists, health.items_listed),
        (health.watches_ended, health.watch_seconds),
        (health.watches_ended, health.watch_events),
    )


def handler_families() -> list[Family]:
    """Return the metrics of handlers, without values."""
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


def handler_values(alike: list[HandlerHealth]) -> tuple[float, ...]:
    """Return the values of handlers with one name, for example two of one class: their sums, and the longest time."""
    return (
        sum(handler.backlog for handler in alike),
        sum(handler.delivered for handler in alike),
        sum(handler.failed for handler in alike),
        max(handler.busy_for or 0.0 for handler in alike),
    )


def _digits(version: str) -> float:
    # As upstream: a float can't hold more digits.
    return float(version[-15:]) if version.isdigit() else 0.0
