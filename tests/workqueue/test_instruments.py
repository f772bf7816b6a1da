from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable

import prometheus_client
import pytest

from informers.errors import ConfigurationError
from informers.testing.fake_clock import FakeClock
from informers.workqueue import DelayingQueue, Metric, MetricsProvider, Queue

QUEUE, WORK = "workqueue_queue_duration_seconds", "workqueue_work_duration_seconds"


class Figure:
    def __init__(self) -> None:
        self.values: list[float] = []

    def inc(self, amount: float, /) -> None:
        self.values.append(amount)

    observe = inc


class Recorder:
    """Keeps what it is told, by metric."""

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}
        self.figures: dict[str, Figure] = {}
        self.read: dict[str, Callable[[], float]] = {}
        self.queues: set[str] = set()

    def counter(self, metric: Metric, queue: str, /) -> Figure:
        self.metrics[metric.name] = metric
        self.queues.add(queue)
        return self.figures.setdefault(metric.name, Figure())

    histogram = counter

    def gauge(self, metric: Metric, queue: str, read: Callable[[], float], /) -> None:
        self.counter(metric, queue)
        self.read[metric.name] = read


def test_the_metrics_have_upstreams_names_and_buckets() -> None:
    provider = Recorder()
    Queue[str](name="pods", metrics=provider)
    assert set(provider.metrics) == {
        "workqueue_depth",
        "workqueue_adds_total",
        "workqueue_queue_duration_seconds",
        "workqueue_work_duration_seconds",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
        "workqueue_retries_total",
    }
    assert provider.queues == {"pods"}
    assert provider.metrics[QUEUE].buckets == provider.metrics[WORK].buckets
    assert provider.metrics[QUEUE].buckets == pytest.approx([10e-9 * 10**n for n in range(10)])


@pytest.mark.upstream("util/workqueue/metrics_test.go", "TestMetrics")
def test_adds_depth_waiting_and_working_times_are_measured() -> None:
    provider = Recorder()
    clock = FakeClock()
    queue = Queue[str](name="test", clock=clock, metrics=provider)
    adds, waited, worked = (provider.figures[name].values for name in ("workqueue_adds_total", QUEUE, WORK))
    depth, unfinished, longest = (
        provider.read[f"workqueue_{name}"]
        for name in ("depth", "unfinished_work_seconds", "longest_running_processor_seconds")
    )

    queue.add("foo")
    assert (len(adds), depth()) == (1, 1)
    clock.advance(0.5)
    queue.get()
    assert waited == [0.5]
    for _ in range(5):
        queue.add("foo")
    assert (len(adds), depth()) == (2, 1)
    clock.advance(0.25)
    queue.done("foo")
    assert worked == [0.25]
    assert depth() == 1
    queue.get()
    assert waited == [0.5, 0.25]
    assert (depth(), unfinished(), longest()) == (0, 0, 0)
    clock.advance(1)
    queue.add("bar")
    queue.get()
    clock.advance(1)
    assert (unfinished(), longest()) == (3, 2)
    queue.done("foo")
    assert worked == [0.25, 2]
    assert (unfinished(), longest()) == (1, 1)


@pytest.mark.upstream("util/workqueue/metrics_test.go", "TestMetricShutdown")
def test_measuring_needs_no_thread_and_what_is_shut_down_tells_nothing_more() -> None:
    provider = Recorder()
    clock = FakeClock()
    threads = threading.active_count()
    queue = DelayingQueue[str](name="test", clock=clock, metrics=provider)
    queue.add_after("foo", 5)
    queue.shut_down()
    clock.advance(3600)
    queue.add("foo")
    assert threading.active_count() == threads
    assert provider.figures["workqueue_adds_total"].values == []
    assert {name: read() for name, read in provider.read.items()} == dict.fromkeys(provider.read, 0)


def test_a_delayed_add_is_a_retry_and_waits_in_the_queue_from_its_time_on() -> None:
    provider = Recorder()
    clock = FakeClock()
    queue = DelayingQueue[str](name="test", clock=clock, metrics=provider)
    queue.add_after("foo", 5)
    assert provider.figures["workqueue_retries_total"].values == [1]
    assert provider.figures["workqueue_adds_total"].values == []
    clock.advance(7)
    assert queue.shut_down_with_drain(timeout=0) is False
    assert provider.figures["workqueue_adds_total"].values == [1]
    assert provider.read["workqueue_depth"]() == 1
    queue.get()
    assert provider.figures["workqueue_adds_total"].values == [1]
    assert provider.figures[QUEUE].values == [2]


def test_a_dropped_queue_is_not_kept_alive_by_its_gauges() -> None:
    provider = Recorder()
    queue = Queue[str](name="test", metrics=provider)
    queue.add("foo")
    assert provider.read["workqueue_depth"]() == 1
    del queue
    gc.collect()
    assert provider.read["workqueue_depth"]() == 0


def test_metrics_without_a_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="metrics need the queue's name"):
        Queue[str](metrics=Recorder())


def test_a_metric_is_called_without_a_lock_and_one_that_raises_costs_no_item(caplog: pytest.LogCaptureFixture) -> None:
    class Raising(Figure):
        def inc(self, amount: float, /) -> None:
            raise ValueError(len(queue))

        observe = inc

    class Provider(Recorder):
        def counter(self, metric: Metric, queue: str, /) -> Figure:
            return Raising()

        histogram = counter

    queue = Queue[str](name="test", metrics=Provider())
    with caplog.at_level(logging.ERROR, logger="informers.workqueue"):
        queue.add("foo")
        assert queue.get() == "foo"
        queue.done("foo")
    assert [record.message for record in caplog.records] == ["a metric of a work queue can't be told"] * 3


def test_a_provider_of_prometheus_metrics_takes_a_few_lines() -> None:
    registry = prometheus_client.CollectorRegistry()

    class Prometheus:
        def counter(self, metric: Metric, queue: str, /) -> prometheus_client.Counter:
            return prometheus_client.Counter(metric.name, metric.help, ["name"], registry=registry).labels(queue)

        def histogram(self, metric: Metric, queue: str, /) -> prometheus_client.Histogram:
            return prometheus_client.Histogram(
                metric.name, metric.help, ["name"], buckets=metric.buckets, registry=registry
            ).labels(queue)

        def gauge(self, metric: Metric, queue: str, read: Callable[[], float], /) -> None:
            prometheus_client.Gauge(metric.name, metric.help, ["name"], registry=registry).labels(queue).set_function(
                read
            )

    provider: MetricsProvider = Prometheus()
    clock = FakeClock()
    queue = Queue[str](name="pods", metrics=provider, clock=clock)
    queue.add("foo")
    queue.add("bar")
    clock.advance(0.5)
    queue.get()
    labels = {"name": "pods"}
    assert registry.get_sample_value("workqueue_depth", labels) == 1
    assert registry.get_sample_value("workqueue_adds_total", labels) == 2
    assert registry.get_sample_value("workqueue_queue_duration_seconds_bucket", {**labels, "le": "0.1"}) == 0
    assert registry.get_sample_value("workqueue_queue_duration_seconds_bucket", {**labels, "le": "1.0"}) == 1


def test_what_was_dropped_waits_nowhere() -> None:
    provider = Recorder()
    queue = DelayingQueue[str](name="test", clock=FakeClock(), metrics=provider)
    queue.add("foo")
    queue.add("bar", low_priority=True)
    queue.add_after("baz", 5)
    queue.shut_down(drop=True)
    assert provider.read["workqueue_depth"]() == 0
    assert queue._instruments is not None
    assert queue._instruments._added_at == {}
