"""What Kubernetes and Prometheus ask the monitor for: its health and its metrics, by HTTP."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, final

from typing_extensions import Self

from informers import SharedInformerFactory
from informers.probes import ProbeServer
from monitor.cluster import MonitorError
from monitor.report import Report

if TYPE_CHECKING:
    from informers.metrics import QueueMetrics

__all__ = ["Serving"]


@final
class Serving:
    """Serves `/metrics`, `/readyz` and `/healthz` of a factory.

    Args:
        factory: whose health and metrics.
        report: says where.
        host: address to listen at.
        port: to listen at; 0 for any that is free.

    Raises:
        MonitorError: `prometheus-client` is not installed.
    """

    def __init__(self, factory: SharedInformerFactory, report: Report, *, host: str, port: int) -> None:
        try:
            # Not at the top: without --metrics-port the monitor needs none of it.
            from prometheus_client import CollectorRegistry  # noqa: PLC0415

            from informers.metrics import InformerCollector, QueueMetrics  # noqa: PLC0415
        except ModuleNotFoundError as problem:
            raise MonitorError("--metrics-port needs prometheus-client: pip install informers[prometheus]") from problem
        registry = CollectorRegistry()
        InformerCollector({"network-monitor": factory}, registry=registry)
        #: Where the metrics of work queues go.
        self.queues: QueueMetrics = QueueMetrics(registry=registry)
        self._report = report
        self._host = host
        self._port = port
        self._server = ProbeServer(factory, port=port, host=host, registry=registry)

    def __enter__(self) -> Self:
        try:
            self._server.start()
        except OSError as problem:
            where = f"{self._host}:{self._port}"
            raise MonitorError(f"can't serve metrics at {where}: {problem.strerror or problem}") from problem
        url = f"http://{self._host}:{self._server.port}"
        self._report.step("metrics", f"metrics at {url}/metrics, health at {url}/readyz and {url}/healthz")
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()
