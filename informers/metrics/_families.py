"""The metrics of informers, reflectors and handlers: names, descriptions, labels, and values from their health.

Upstream: k8s.io/client-go/tools/cache/informer_metrics.go, reflector_metrics.go; names of
k8s.io/component-base/metrics/prometheus (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeAlias, TypeVar, final

from prometheus_client.core import CounterMetricFamily as Counter
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import HistogramMetricFamily as Histogram
from prometheus_client.core import SummaryMetricFamily as Summary

from informers.cache._pipeline.latency import Latencies
from informers.cache.health import HandlerHealth, InformerHealth, WatchHealth

__all__ = ["AnyFamily", "Families", "of_handlers", "of_informers", "of_reflectors"]

AnyFamily: TypeAlias = Counter | Gauge | Histogram | Summary

H = TypeVar("H")

#: A metric: its type, name and description, and what reads its value from a health: a number or None for a gauge or
#: counter, and a pair for others.
_Row: TypeAlias = tuple[Callable[..., AnyFamily], str, str, Callable[[H], object]]

_INFORMER = ("name", "group", "version", "resource")


@final
class Families(Generic[H]):
    """The metrics of one type of component, without values at first.

    Args:
        rows: the metrics.
        labels: the names of their labels.
    """

    def __init__(self, rows: Sequence[_Row[H]], labels: Sequence[str]) -> None:
        self._made = [(family(name, help_, labels=labels), read) for family, name, help_, read in rows]

    def add(self, labels: list[str], health: H) -> None:
        """Add the values of one component."""
        for family, read in self._made:
            value: Any = read(health)
            if value is not None:
                family.add_metric(labels, *(value if isinstance(value, tuple) else (value,)))

    @property
    def all(self) -> list[AnyFamily]:
        """The metrics."""
        return [family for family, _ in self._made]


def of_informers() -> Families[InformerHealth]:
    """Return the metrics of informers."""
    return Families(_OF_INFORMERS, _INFORMER)


def of_reflectors() -> Families[WatchHealth]:
    """Return the metrics of reflectors."""
    return Families(_OF_REFLECTORS, (*_INFORMER, "namespace"))


def of_handlers() -> Families[Sequence[HandlerHealth]]:
    """Return the metrics of handlers of one name, for example two of one class: their sums, and the longest time."""
    return Families(_OF_HANDLERS, (*_INFORMER, "handler"))


def _digits(version: str) -> float:
    # As upstream: a float can't hold more digits.
    return float(version[-15:]) if version.isdigit() else 0.0


def _histogram(latencies: Latencies | None) -> tuple[object, float] | None:
    """Return cumulative buckets, as Prometheus needs them, and the sum."""
    if latencies is None:
        return None
    bounds = [*map(str, latencies.bounds), "+Inf"]
    return list(zip(bounds, accumulate(latencies.counts), strict=True)), latencies.total


_OF_INFORMERS: tuple[_Row[InformerHealth], ...] = (
    (Gauge, "informer_queued_items", "Number of items currently queued in the FIFO.", lambda h: h.queued),
    (
        Gauge,
        "informer_store_resource_version",
        "The last 15 digits of the resource version of the informer's store.",
        lambda h: _digits(h.resource_version),
    ),
    (Gauge, "informer_objects", "Objects in the cache.", lambda h: h.objects),
    (Gauge, "informer_bytes", "Bytes that the objects in the cache take.", lambda h: h.bytes),
    (Gauge, "informer_synced", "1 once the first list is in the cache.", lambda h: h.synced),
    (Gauge, "informer_live", "1 while the cache follows the server: every watch is open.", lambda h: h.is_live),
    (
        Gauge,
        "informer_set_aside_objects",
        "Objects that are on the server, but can't be held as they are.",
        lambda h: len(h.set_aside),
    ),
    (Counter, "informer_set_aside", "How often an object had to be set aside.", lambda h: h.set_aside_total),
    (
        Histogram,
        "informer_processing_latency_seconds",
        "Time taken to process events after popping from the queue.",
        lambda h: _histogram(h.latencies),
    ),
)
_OF_REFLECTORS: tuple[_Row[WatchHealth], ...] = (
    (Counter, "reflector_lists", "Total number of lists that were completed.", lambda h: h.lists),
    (Counter, "reflector_watches", "Total number of watches that were opened.", lambda h: h.watches),
    (
        Counter,
        "reflector_short_watches",
        "Total number of watches that ended within a second, without an event.",
        lambda h: h.short_watches,
    ),
    (Counter, "reflector_failures", "Total number of requests that failed.", lambda h: h.failures),
    (
        Gauge,
        "reflector_last_resource_version",
        "The last 15 digits of the last resource version seen.",
        lambda h: _digits(h.resource_version),
    ),
    (Gauge, "reflector_live", "1 while the watch is open and not doubtful.", lambda h: h.is_live),
    (Gauge, "reflector_connected_seconds", "For how long the open watch has been open.", lambda h: h.connected_for),
    (Gauge, "reflector_last_event_age_seconds", "Time since the last event or bookmark.", lambda h: h.last_event_age),
    (Summary, "reflector_list_duration_seconds", "How long a list took.", lambda h: (h.lists, h.list_seconds)),
    (Summary, "reflector_items_per_list", "How many objects a list brought.", lambda h: (h.lists, h.items_listed)),
    (
        Summary,
        "reflector_watch_duration_seconds",
        "How long a watch that has ended was open.",
        lambda h: (h.watches_ended, h.watch_seconds),
    ),
    (
        Summary,
        "reflector_items_per_watch",
        "How many events and bookmarks a watch that has ended brought.",
        lambda h: (h.watches_ended, h.watch_events),
    ),
)
_OF_HANDLERS: tuple[_Row[Sequence[HandlerHealth]], ...] = (
    (
        Gauge,
        "informer_handler_backlog",
        "Events that the handler has not finished yet.",
        lambda alike: sum(handler.backlog for handler in alike),
    ),
    (
        Counter,
        "informer_handler_delivered",
        "Total number of events that the handler has finished.",
        lambda alike: sum(handler.delivered for handler in alike),
    ),
    (
        Counter,
        "informer_handler_failures",
        "Total number of events on which the handler raised.",
        lambda alike: sum(handler.failed for handler in alike),
    ),
    (
        Gauge,
        "informer_handler_busy_seconds",
        "For how long the handler has been at its event.",
        lambda alike: max(handler.busy_for or 0.0 for handler in alike),
    ),
)
