"""Metrics of informers, work queues and controllers for Prometheus, by the official `prometheus-client`.

Install it with this package: `pip install informers[prometheus]`. Informers count nearly all of these figures anyway,
and return them when Prometheus asks. Only the latency is measured specially, once there is a collector.

Metrics that client-go has keep its names. All have the labels `name` (of the factory), `group`, `version` and
`resource`. Those that begin with `reflector_` also have `namespace`, empty for all; those that begin with
`informer_handler_` also have `handler`.

- `informer_collector`: `InformerCollector`, for the informers of factories
- `queue_metrics`: `QueueMetrics`, for work queues
- `controller_metrics`: `ControllerMetrics`, for controllers

Upstream: k8s.io/client-go/tools/cache/informer_metrics.go, reflector_metrics.go; names of
k8s.io/component-base/metrics/prometheus (v0.37).
"""

from __future__ import annotations

from importlib import import_module

try:
    import_module("prometheus_client")
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        "informers.metrics needs prometheus-client: pip install informers[prometheus]", name=_error.name
    ) from _error

from informers.metrics.controller_metrics import ControllerMetrics as ControllerMetrics
from informers.metrics.informer_collector import InformerCollector as InformerCollector
from informers.metrics.queue_metrics import QueueMetrics as QueueMetrics

__all__ = ["ControllerMetrics", "InformerCollector", "QueueMetrics"]
