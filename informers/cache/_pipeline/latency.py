"""How long deltas take from the queue into the cache and the handlers' queues, as a histogram.

Upstream: k8s.io/client-go/tools/cache/informer_metrics.go fifoMetrics.processingLatency; buckets of
k8s.io/component-base/metrics/prometheus/clientgo/fifo (v0.37).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import ClassVar, final

import attrs

from informers._base.forks import new_lock

__all__ = ["Latencies", "Latency"]

_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@final
@attrs.frozen
class Latencies:
    """A histogram of durations.

    Attributes:
        bounds: upper bounds in seconds, inclusive.
        counts: the number of durations up to each bound and above the one before; the last is above all bounds.
        total: the sum of all durations, in seconds.
    """

    bounds: ClassVar[tuple[float, ...]] = _BOUNDS
    counts: tuple[int, ...]
    total: float


@final
class Latency:
    """Counts durations.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        with self._lock:
            self._counts[bisect_left(_BOUNDS, seconds)] += 1
            self._total += seconds

    def look(self) -> Latencies:
        """Return the counts so far."""
        with self._lock:
            return Latencies(tuple(self._counts), self._total)
