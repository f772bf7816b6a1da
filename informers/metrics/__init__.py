"""Metrics of informers, work queues and controllers for Prometheus, by the official `prometheus-client`.

Install it with this package: `pip install informers[prometheus]`. An informer knows nearly all these figures anyway,
and is asked for them when Prometheus asks. Its latency alone is measured for their sake, once there is a collector.

Names that client-go has are client-go's. All have the labels `name` (of the factory), `group`, `version` and
`resource`; what starts with `reflector_` has `namespace` too, empty for all, and `informer_handler_` has `handler`.

- `informer_collector`: `InformerCollector`, of the informers of factories
- `queue_metrics`: `QueueMetrics`, of work queues
- `controller_metrics`: `ControllerMetrics`, of controllers

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
