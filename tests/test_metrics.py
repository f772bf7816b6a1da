"""What Prometheus is told of informers and queues, under which names, and at what cost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from informers import ConfigurationError, DynamicSharedInformerFactory, ResourceEventHandlerFuncs, SharedInformerFactory
from informers.kinds import core
from informers.metrics import InformerCollector, QueueMetrics
from informers.testing import APIServer, FakeClock, RecordingHandler
from informers.workqueue import RateLimitingQueue
from tests.waiting import QUICK, Failures, eventually

PODS = {"name": "main", "group": "", "version": "v1", "resource": "pods"}


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def pod(name: str, namespace: str = "default") -> dict[str, Any]:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace}}


class Samples:
    """What a registry says of the pods of the factory `main`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def __call__(self, metric: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(metric, {**PODS, **labels})


@pytest.fixture
def sample(registry: CollectorRegistry) -> Samples:
    return Samples(registry)


def test_a_cache_s_figures_are_those_of_its_health(
    server: APIServer, registry: CollectorRegistry, sample: Samples
) -> None:
    for name in "ab":
        server.create(pod(name))
    factory = SharedInformerFactory(server.client())
    InformerCollector({"main": factory}, registry=registry)
    informer = factory.core.v1.pods.informer
    assert (sample("informer_synced"), sample("informer_live"), sample("informer_objects")) == (0, 0, 0)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        eventually(lambda: informer.health().is_live)
        assert (sample("informer_synced"), sample("informer_live"), sample("informer_objects")) == (1, 1, 2)
        assert sample("informer_bytes") == informer.health().bytes > 0
        assert sample("informer_queued_items") == 0
        assert sample("informer_store_resource_version") == float(server.resource_version)
        assert (sample("informer_set_aside_objects"), sample("informer_set_aside_total")) == (0, 0)
        assert sample("reflector_lists_total", namespace="") == 1
        assert sample("reflector_watches_total", namespace="") == 1
        assert sample("reflector_failures_total", namespace="") == 0
        assert sample("reflector_live", namespace="") == 1
        assert sample("reflector_last_resource_version", namespace="") == float(server.resource_version)
        assert (sample("reflector_connected_seconds", namespace="") or 0) > 0
        server.create(pod("c"))
        eventually(lambda: sample("informer_objects") == 3)
        assert (sample("reflector_last_event_age_seconds", namespace="") or 0) > 0
    assert (sample("informer_synced"), sample("informer_live"), sample("informer_objects")) == (1, 0, 3)
    assert sample("reflector_connected_seconds", namespace="") is None


def test_how_long_changes_take_to_come_into_the_cache_is_a_histogram_with_the_buckets_of_client_go(
    server: APIServer, registry: CollectorRegistry, sample: Samples
) -> None:
    clock = FakeClock()

    def slow(pod: Any) -> Any:
        clock.advance(0.3 if pod.metadata.name == "slow" else 0.002)
        return pod

    factory = SharedInformerFactory(server.client(), transform=slow, clock=clock)
    InformerCollector({"main": factory}, registry=registry)
    informer = factory.core.v1.pods.informer
    latency = "informer_processing_latency_seconds"
    assert (sample(f"{latency}_count"), sample(f"{latency}_sum")) == (0, 0)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        before = sample(f"{latency}_count")
        assert before
        for count, name in enumerate(("slow", "quick"), 1):
            server.create(pod(name))
            eventually(lambda name=name: f"default/{name}" in informer.indexer)
            eventually(lambda count=count: sample(f"{latency}_count") == before + count)
    buckets = ("0.001", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf")
    within = [sample(f"{latency}_bucket", le=bound) for bound in buckets]
    assert within == [before] + [before + 1] * 6 + [before + 2] * 6
    assert sample(f"{latency}_sum") == pytest.approx(0.302)


def test_informers_that_were_there_before_the_collector_are_measured_too_and_without_one_none_is(
    server: APIServer, registry: CollectorRegistry, sample: Samples
) -> None:
    factory = SharedInformerFactory(server.client())
    informer = factory.core.v1.pods.informer
    assert informer.health().latencies is None
    InformerCollector({"main": factory}, registry=registry)
    assert sample("informer_processing_latency_seconds_count") == 0
    assert factory.core.v1.nodes.informer.health().latencies is not None


def test_each_namespace_has_its_own_figures_for_watches(
    server: APIServer, registry: CollectorRegistry, sample: Samples
) -> None:
    factory = SharedInformerFactory(server.client(), namespace=["default", "kube-system"])
    InformerCollector({"main": factory}, registry=registry)
    _ = factory.core.v1.pods
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        lists = [sample("reflector_lists_total", namespace=name) for name in ("default", "kube-system", "")]
        assert lists == [1, 1, None]


def test_lists_and_watches_that_are_over_are_summed_up(
    server: APIServer, registry: CollectorRegistry, sample: Samples
) -> None:
    for name in "abc":
        server.create(pod(name))
    factory = SharedInformerFactory(server.client(), options=QUICK)
    InformerCollector({"main": factory}, registry=registry)
    informer = factory.core.v1.pods.informer

    def summary(name: str) -> tuple[float | None, float | None]:
        return sample(f"{name}_count", namespace=""), sample(f"{name}_sum", namespace="")

    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert summary("reflector_items_per_list") == (1, 3)
        lists, seconds = summary("reflector_list_duration_seconds")
        assert lists == 1
        assert seconds
        assert summary("reflector_watch_duration_seconds") == summary("reflector_items_per_watch") == (0, 0)
        for name in "de":
            server.create(pod(name))
        eventually(lambda: len(informer.indexer) == 5)
        server.drop_connections()
        eventually(lambda: summary("reflector_items_per_watch") == (1, 2))
        watches, seconds = summary("reflector_watch_duration_seconds")
        assert watches == 1
        assert seconds
    assert sample("reflector_short_watches_total", namespace="") == 0


def test_failures_are_counted_and_a_cache_without_a_watch_is_not_live(
    server: APIServer, registry: CollectorRegistry, sample: Samples
) -> None:
    server.deny(core.V1.pods)
    failures = Failures()
    factory = SharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
    InformerCollector({"main": factory}, registry=registry)
    _ = factory.core.v1.pods
    with factory:
        failures.wait_for(lambda failure: "403" in str(failure))
        assert (sample("reflector_failures_total", namespace="") or 0) > 0
        assert (sample("informer_synced"), sample("informer_live")) == (0, 0)


def test_unreadable_objects_are_counted(server: APIServer, registry: CollectorRegistry, sample: Samples) -> None:
    server.create(pod("good"))
    server.create(pod("bad"))

    def refuse_bad(obj: Any) -> Any:
        assert obj.metadata.name != "bad"
        return obj

    factory = SharedInformerFactory(server.client(), transform=refuse_bad)
    InformerCollector({"main": factory}, registry=registry)
    _ = factory.core.v1.pods
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert (sample("informer_set_aside_objects"), sample("informer_set_aside_total")) == (1, 1)
        assert sample("informer_objects") == 1


def test_handlers_are_named_and_those_of_one_name_summed_up(
    server: APIServer, registry: CollectorRegistry, sample: Samples
) -> None:
    let_go = threading.Event()
    began = threading.Event()

    def slow(_pod: Any) -> None:
        began.set()
        assert let_go.wait(10)

    def failing(_pod: Any) -> None:
        raise ValueError("no")

    server.create(pod("a"))
    server.create(pod("b"))
    factory = SharedInformerFactory(server.client())
    InformerCollector({"main": factory}, registry=registry)
    pods = factory.core.v1.pods.informer
    pods.add_event_handler(ResourceEventHandlerFuncs(on_add=slow))
    recorders = [RecordingHandler[Any](), RecordingHandler[Any]()]
    for recorder in recorders:
        pods.add_event_handler(recorder)
    registration = pods.add_event_handler(ResourceEventHandlerFuncs(on_add=failing))
    slow_name = f"{__name__}.{slow.__qualname__}"
    failing_name = f"{__name__}.{failing.__qualname__}"
    recorder_name = "informers.testing.recorder.RecordingHandler"
    with factory:
        assert began.wait(10)
        eventually(lambda: registration.backlog == 0)
        for recorder in recorders:
            recorder.wait_for(2)
        eventually(lambda: sample("informer_handler_backlog", handler=recorder_name) == 0)
        health = pods.health().handlers
        delivered = sum(handler.delivered for handler in health if handler.name == recorder_name)
        assert sample("informer_handler_delivered_total", handler=recorder_name) == delivered >= 4
        assert sample("informer_handler_backlog", handler=slow_name) == health[0].backlog >= 2
        assert (sample("informer_handler_busy_seconds", handler=slow_name) or 0) > 0
        assert sample("informer_handler_failures_total", handler=failing_name) == 2
        assert sample("informer_handler_failures_total", handler=slow_name) == 0
        let_go.set()


def test_two_factories_and_two_versions_of_one_resource_have_metrics_of_their_own(
    server: APIServer, registry: CollectorRegistry
) -> None:
    typed, dynamic = SharedInformerFactory(server.client()), DynamicSharedInformerFactory(server.client())
    InformerCollector({"typed": typed, "dynamic": dynamic}, registry=registry)
    _ = typed.core.v1.pods
    for version in ("v1", "v2"):
        dynamic.for_resource("autoscaling", version, "horizontalpodautoscalers")
    series = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("informer_objects{")]
    assert len(series) == len(set(series)) == 3


def test_the_text_for_prometheus_names_every_metric_with_its_type(
    server: APIServer, registry: CollectorRegistry
) -> None:
    factory = SharedInformerFactory(server.client())
    InformerCollector(factory, registry=registry)
    text = generate_latest(registry).decode()
    types = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}
    assert types == {
        "informer_queued_items": "gauge",
        "informer_store_resource_version": "gauge",
        "informer_objects": "gauge",
        "informer_bytes": "gauge",
        "informer_synced": "gauge",
        "informer_live": "gauge",
        "informer_set_aside_objects": "gauge",
        "informer_set_aside_total": "counter",
        "informer_processing_latency_seconds": "histogram",
        "reflector_lists_total": "counter",
        "reflector_watches_total": "counter",
        "reflector_short_watches_total": "counter",
        "reflector_failures_total": "counter",
        "reflector_list_duration_seconds": "summary",
        "reflector_items_per_list": "summary",
        "reflector_watch_duration_seconds": "summary",
        "reflector_items_per_watch": "summary",
        "reflector_last_resource_version": "gauge",
        "reflector_live": "gauge",
        "reflector_connected_seconds": "gauge",
        "reflector_last_event_age_seconds": "gauge",
        "informer_handler_backlog": "gauge",
        "informer_handler_delivered_total": "counter",
        "informer_handler_failures_total": "counter",
        "informer_handler_busy_seconds": "gauge",
    }


@pytest.mark.parametrize(("version", "digits"), [("", 0), ("7", 7), ("1" + "0" * 13 + "42", 42), ("opaque", 0)])
def test_a_resource_version_is_its_last_fifteen_digits(version: str, digits: float) -> None:
    from informers.metrics._families import _digits

    assert _digits(version) == digits


def test_a_collector_takes_a_factory(registry: CollectorRegistry) -> None:
    with pytest.raises(ConfigurationError, match="expected a factory of informers: got str"):
        InformerCollector({"main": "pods"}, registry=registry)  # type: ignore[dict-item]
    with pytest.raises(ConfigurationError, match=r"by name: \{'main': factory\}: got list"):
        InformerCollector([], registry=registry)  # type: ignore[arg-type]


def test_a_queue_s_metrics_have_the_names_of_client_go_s(registry: CollectorRegistry) -> None:
    clock = FakeClock()
    queue = RateLimitingQueue[str](name="pods", metrics=QueueMetrics(registry=registry), clock=clock)
    queue.add("a")
    queue.add("b")
    clock.advance(2)
    assert queue.get() == "a"
    queue.add_rate_limited("a")
    clock.advance(3)
    labels = {"name": "pods"}

    def sample(metric: str) -> float | None:
        return registry.get_sample_value(metric, labels)

    assert len(queue) == 1
    assert sample("workqueue_adds_total") == 2
    assert sample("workqueue_retries_total") == 1
    assert sample("workqueue_unfinished_work_seconds") == 3
    assert sample("workqueue_longest_running_processor_seconds") == 3
    queue.done("a")
    assert sample("workqueue_depth") == 2
    assert (sample("workqueue_queue_duration_seconds_count"), sample("workqueue_queue_duration_seconds_sum")) == (1, 2)
    assert (sample("workqueue_work_duration_seconds_count"), sample("workqueue_work_duration_seconds_sum")) == (1, 3)
    queue.shut_down()


def test_queues_share_one_provider_and_differ_by_name(registry: CollectorRegistry) -> None:
    metrics = QueueMetrics(registry=registry)
    pods, nodes = (RateLimitingQueue[str](name=name, metrics=metrics) for name in ("pods", "nodes"))
    pods.add("a")
    assert registry.get_sample_value("workqueue_depth", {"name": "pods"}) == 1
    assert registry.get_sample_value("workqueue_depth", {"name": "nodes"}) == 0
    pods.shut_down()
    nodes.shut_down()


def test_without_prometheus_client_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['prometheus_client'] = None; import informers.metrics"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install informers[prometheus]" in done.stderr
