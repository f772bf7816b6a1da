"""What a controller counts, for Prometheus, under controller-runtime's names."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from informers import ConfigurationError, ObjectName, StoppedError
from informers.controllers import Controller, Result, TerminalError
from informers.controllers.reconcile_metrics import MAX_CONCURRENT, METRICS, TIME
from informers.metrics import ControllerMetrics
from informers.testing import FakeClock
from tests.controllers.cluster import OWNERS, Cluster, kind_of, started, written
from tests.waiting import eventually

WEB = ObjectName("shop", "web")
TOTAL = "controller_runtime_reconcile_total"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def owners(cluster: Cluster) -> Iterator[Any]:
    with kind_of(cluster, OWNERS) as kind:
        started(kind)
        yield kind


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {"controller": "sets", **labels})


#: Of sigs.k8s.io/controller-runtime/pkg/internal/controller/metrics/metrics.go (v0.25): names and labels.
UPSTREAM = {
    "controller_runtime_reconcile_total": ("controller", "result"),
    "controller_runtime_reconcile_errors_total": ("controller",),
    "controller_runtime_terminal_reconcile_errors_total": ("controller",),
    "controller_runtime_reconcile_panics_total": ("controller",),
    "controller_runtime_reconcile_time_seconds": ("controller",),
    "controller_runtime_max_concurrent_reconciles": ("controller",),
    "controller_runtime_active_workers": ("controller",),
    "controller_runtime_reconcile_timeouts_total": ("controller",),
}


def test_the_metrics_have_upstreams_names_labels_and_buckets_but_for_panics_which_are_errors_here() -> None:
    ours = {metric.name: metric.labels for metric in METRICS if metric.name.startswith("controller_runtime_")}
    assert ours == {name: labels for name, labels in UPSTREAM.items() if "panics" not in name}
    buckets = TIME.buckets
    assert (len(buckets), buckets[0], buckets[-1]) == (40, 0.005, 60.0)
    assert list(buckets) == sorted(buckets)


def test_every_metric_is_there_from_the_start_so_that_rates_exist(registry: CollectorRegistry, owners: Any) -> None:
    controller = Controller("sets", owners, lambda name: None, workers=3, metrics=ControllerMetrics(registry=registry))
    for result in ("success", "requeue_after", "error"):
        assert value(registry, TOTAL, result=result) == 0
    for name in ("reconcile_errors", "terminal_reconcile_errors", "reconcile_timeouts"):
        assert value(registry, f"controller_runtime_{name}_total") == 0
    assert value(registry, "controller_runtime_max_concurrent_reconciles") == 3
    assert value(registry, "controller_runtime_active_workers") == 0
    assert registry.get_sample_value("workqueue_depth", {"name": "sets"}) == 0
    assert controller.stop(10)


def test_each_result_is_counted(registry: CollectorRegistry, owners: Any) -> None:
    results = iter([None, Result(requeue_after=60.0), ValueError("no"), TerminalError("no")])

    def reconcile(name: ObjectName) -> Result | None:
        assert value(registry, "controller_runtime_active_workers") == 1
        found = next(results)
        if isinstance(found, Exception):
            raise found
        return found

    clock = FakeClock()
    controller = Controller("sets", owners, reconcile, metrics=ControllerMetrics(registry=registry), clock=clock)
    for number in range(4):
        controller.enqueue(ObjectName("shop", str(number)))
        controller.process_next()
    found = {result: value(registry, TOTAL, result=result) for result in ("success", "requeue_after", "error")}
    assert found == {"success": 1, "requeue_after": 1, "error": 2}
    assert value(registry, "controller_runtime_reconcile_errors_total") == 2
    assert value(registry, "controller_runtime_terminal_reconcile_errors_total") == 1
    assert value(registry, "controller_runtime_reconcile_time_seconds_count") == 4
    assert value(registry, "controller_runtime_reconcile_time_seconds_bucket", le="60.0") == 4


def test_a_name_that_is_postponed_is_counted_by_what_it_waits_for(
    registry: CollectorRegistry, owners: Any, cluster: Cluster
) -> None:
    written(cluster, "podsets", WEB)
    cluster.deliver("podsets")

    def reconcile(name: ObjectName) -> None:
        url = "http://cluster/apis/example.com/v1/namespaces/shop/podsets/web/status"
        rest.request("PUT", url, body={"status": {}})

    controller = Controller("sets", owners, reconcile, metrics=ControllerMetrics(registry=registry))
    rest: Any = controller.client(cluster).rest_client
    eventually(lambda: controller.health().waiting)
    controller.process_next()
    controller.enqueue(WEB)
    controller.process_next()
    labels = {"group": "example.com", "resource": "podsets"}
    assert value(registry, "informers_controller_stale_skips_total", **labels) == 1
    controller.stop()


def test_a_name_that_is_in_use_is_refused_until_its_controller_is_stopped(
    cluster: Cluster, owners: Any, registry: CollectorRegistry
) -> None:
    metrics, others = ControllerMetrics(registry=registry), ControllerMetrics(registry=CollectorRegistry())

    def made(name: str = "sets", kind: Any = owners, metrics: Any = metrics) -> Controller:
        return Controller(name, kind, lambda name: None, metrics=metrics)

    first = made()
    with pytest.raises(ConfigurationError, match="a controller 'sets' uses these metrics already"):
        made()
    alike = [made(metrics=others), made("others"), made(metrics=None), made(metrics=None)]
    assert first.stop(10)
    with kind_of(cluster, OWNERS) as stopped:
        second = made(kind=stopped)
    third = made()
    assert all(controller.stop(10) for controller in (*alike, second, third))


def test_of_two_controllers_of_one_name_that_begin_at_once_one_is_refused(registry: CollectorRegistry) -> None:
    metrics = ControllerMetrics(registry=registry)
    inside, both = list[int](), threading.Event()

    def ended() -> float:
        inside.append(1)
        if len(inside) == 2:
            both.set()
        both.wait(0.1)  # for the other one to look, too
        return 0.0

    refused: list[ConfigurationError] = []

    def begin() -> None:
        try:
            metrics.gauge(MAX_CONCURRENT, {"controller": "sets"}, lambda: 1.0)
        except ConfigurationError as error:
            refused.append(error)

    metrics.gauge(MAX_CONCURRENT, {"controller": "sets"}, ended)
    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(refused) == 1


def test_a_controller_that_can_not_be_made_leaves_its_name_and_the_metrics_of_the_other(
    cluster: Cluster, owners: Any, registry: CollectorRegistry
) -> None:
    metrics = ControllerMetrics(registry=registry)
    with kind_of(cluster, OWNERS) as kind:
        pass
    with pytest.raises(StoppedError) as refusal:
        Controller("sets", kind, lambda name: None, metrics=metrics)
    controller = Controller("sets", owners, lambda name: None, metrics=metrics)
    controller.enqueue(WEB)
    with pytest.raises(ConfigurationError):
        Controller("sets", owners, lambda name: None, metrics=metrics)
    assert registry.get_sample_value("workqueue_depth", {"name": "sets"}) == 1
    assert controller.stop(10)
    assert refusal.value.__traceback__, "it keeps the first one"


def test_the_metrics_keep_no_controller_that_has_ended(
    cluster: Cluster, owners: Any, registry: CollectorRegistry
) -> None:
    controller = Controller("sets", owners, lambda name: None, workers=3, metrics=ControllerMetrics(registry=registry))
    assert value(registry, "controller_runtime_max_concurrent_reconciles") == 3
    assert controller.stop(10)
    assert value(registry, "controller_runtime_max_concurrent_reconciles") == 0
    kept = weakref.ref(controller)
    del controller
    gc.collect()
    assert kept() is None
    assert value(registry, "controller_runtime_active_workers") == 0


def test_a_metric_that_raises_costs_no_name(owners: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def inc(self, _amount: float) -> None:
            raise RuntimeError("broken")

        observe = inc

    class Provider:
        queues = ControllerMetrics(registry=CollectorRegistry()).queues

        def counter(self, *_: object) -> Broken:
            return Broken()

        histogram = counter

        def gauge(self, *_: object) -> None: ...

    provider: Any = Provider()
    controller = Controller("sets", owners, lambda name: None, metrics=provider)
    controller.enqueue(WEB)
    processed = controller.process_next()
    assert processed is not None
    assert processed.outcome == "success"
    assert "a metric of a controller can't be told" in caplog.text
