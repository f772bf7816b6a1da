"""The statistics and metrics of a queue.

Every queue has `QueueStatistics`. A `MetricsProvider` receives the same figures, and counters and histograms,
with the names of client-go's metrics; only named queues with a provider are measured. Gauges are read when the
provider asks, so that no thread has to refresh them.

Upstream: k8s.io/client-go/util/workqueue/metrics.go; names of k8s.io/component-base/metrics (v0.37).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar, final

import attrs

from informers._base.exceptions import report

__all__ = [
    "ADDS",
    "DEPTH",
    "LONGEST_RUNNING",
    "METRICS",
    "QUEUE_DURATION",
    "RETRIES",
    "UNFINISHED_WORK",
    "WORK_DURATION",
    "Counter",
    "Histogram",
    "Instruments",
    "Metric",
    "MetricsProvider",
    "QueueStatistics",
]

_LOG = logging.getLogger("informers.workqueue")

T = TypeVar("T", bound=Hashable)


@attrs.frozen
class QueueStatistics:
    """The state of a queue at one moment.

    Attributes:
        depth: number of items that wait, including those that were added again while being processed.
        processing: number of items that workers have.
        delayed: number of items whose time has not come.
        unfinished_work: seconds since each item in processing was taken, in total.
        longest_running: seconds since the oldest of them was taken.
    """

    depth: int
    processing: int
    delayed: int
    unfinished_work: float
    longest_running: float


@attrs.frozen
class Metric:
    """The name and description of a metric; each has one label, `name`: the queue's name.

    Attributes:
        name: the metric's name.
        help: its description, a sentence.
        buckets: upper bounds of a histogram's buckets, in seconds; empty for other metrics.
    """

    name: str
    help: str
    buckets: tuple[float, ...] = ()


# 10 nanoseconds to 10 seconds.
_BUCKETS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)

#: Gauge.
DEPTH = Metric("workqueue_depth", "Current depth of workqueue")
#: Counter.
ADDS = Metric("workqueue_adds_total", "Total number of adds handled by workqueue")
#: Histogram.
QUEUE_DURATION = Metric(
    "workqueue_queue_duration_seconds",
    "How long in seconds an item stays in workqueue before being requested.",
    _BUCKETS,
)
#: Histogram.
WORK_DURATION = Metric(
    "workqueue_work_duration_seconds", "How long in seconds processing an item from workqueue takes.", _BUCKETS
)
#: Gauge.
UNFINISHED_WORK = Metric(
    "workqueue_unfinished_work_seconds",
    "How many seconds of work has been done that is in progress and hasn't been observed by work_duration. "
    "Large values indicate stuck threads.",
)
#: Gauge.
LONGEST_RUNNING = Metric(
    "workqueue_longest_running_processor_seconds",
    "How many seconds has the longest running processor for workqueue been running.",
)
#: Counter.
RETRIES = Metric("workqueue_retries_total", "Total number of retries handled by workqueue")
METRICS = (DEPTH, ADDS, QUEUE_DURATION, WORK_DURATION, UNFINISHED_WORK, LONGEST_RUNNING, RETRIES)


class Counter(Protocol):
    """A number that only grows."""

    def inc(self, amount: float, /) -> object:
        """Add `amount`."""
        ...


class Histogram(Protocol):
    """A distribution of durations."""

    def observe(self, amount: float, /) -> object:
        """Count one duration of `amount` seconds."""
        ...


class MetricsProvider(Protocol):
    """Receives the metrics of queues. `queue` is the value of the label `name`, unique among the queues.

    Thread safety: every thread that uses the queue uses the returned metrics, without a lock. Their exceptions are
    logged and have no other effect.
    """

    def counter(self, metric: Metric, queue: str, /) -> Counter:
        """Return the counter of `metric` for this queue."""
        ...

    def histogram(self, metric: Metric, queue: str, /) -> Histogram:
        """Return the histogram of `metric` for this queue."""
        ...

    def gauge(self, metric: Metric, queue: str, read: Callable[[], float], /) -> None:
        """Publish a gauge; `read` returns its value whenever it is needed, and 0 once the queue does not exist."""
        ...


@final
class Instruments(Generic[T]):
    """The metrics of one queue: noted under the queue's lock, reported to the provider without it."""

    def __init__(
        self, provider: MetricsProvider, name: str, look: Callable[[], Callable[[], QueueStatistics] | None]
    ) -> None:
        self._adds = provider.counter(ADDS, name)
        self._retries = provider.counter(RETRIES, name)
        self._queue_duration = provider.histogram(QUEUE_DURATION, name)
        self._work_duration = provider.histogram(WORK_DURATION, name)
        self._added_at: dict[T, float] = {}
        self._unreported: deque[tuple[Callable[[float], object], float]] = deque()

        def gauge(metric: Metric, pick: Callable[[QueueStatistics], float]) -> None:
            # The provider outlives the queue, and must not keep it alive.
            def read() -> float:
                statistics = look()
                return 0.0 if statistics is None else pick(statistics())

            provider.gauge(metric, name, read)

        gauge(DEPTH, lambda statistics: float(statistics.depth))
        gauge(UNFINISHED_WORK, lambda statistics: statistics.unfinished_work)
        gauge(LONGEST_RUNNING, lambda statistics: statistics.longest_running)

    def added_locked(self, item: T, moment: float) -> None:
        """Note that `item` has waited since `moment`."""
        self._added_at[item] = moment
        self._unreported.append((self._adds.inc, 1.0))

    def got_locked(self, item: T, moment: float) -> None:
        """Note that a worker has taken `item`."""
        self._unreported.append((self._queue_duration.observe, moment - self._added_at.pop(item, moment)))

    def dropped_locked(self) -> None:
        """Note that all waiting items were dropped."""
        self._added_at.clear()

    def done_locked(self, duration: float) -> None:
        """Note that the processing of an item took `duration` seconds."""
        self._unreported.append((self._work_duration.observe, duration))

    def retried_locked(self) -> None:
        """Note that an item was added for later."""
        self._unreported.append((self._retries.inc, 1.0))

    def report(self) -> None:
        """Report the noted figures. Never raises: an item that was just taken must reach its worker."""
        while True:
            try:
                tell, amount = self._unreported.popleft()
            except IndexError:
                return
            try:
                tell(amount)
            except Exception as error:  # noqa: BLE001 - foreign code; logged, and the worker goes on
                report(_LOG, error, "a metric of a work queue can't be told")
