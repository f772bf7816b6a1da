"""A Prometheus collector for the informers of factories; it reads their health.

Upstream: k8s.io/client-go/tools/cache/informer_metrics.go, reflector_metrics.go; names of
k8s.io/component-base/metrics/prometheus (v0.37).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import final

import prometheus_client
from prometheus_client.registry import Collector, CollectorRegistry
from typing_extensions import override

from informers._base.checks import check_instance
from informers._factory.base import InformerFactory
from informers.cache.health import HandlerHealth
from informers.errors import ConfigurationError
from informers.metrics._families import AnyFamily, of_handlers, of_informers, of_reflectors

__all__ = ["InformerCollector"]


@final
class InformerCollector(Collector):
    """Collects the metrics of all informers of a factory, or of several.

    Args:
        factories: a factory, or a mapping of values of the label `name` to factories. Later informers are included. A
            registry takes one collector.
        registry: registers the collector, unless None.

    Raises:
        ConfigurationError: an argument is not a factory.

    Example:
        >>> from informers import SharedInformerFactory
        >>> from informers.testing import APIServer
        >>> from prometheus_client import CollectorRegistry
        >>> registry = CollectorRegistry()
        >>> with APIServer() as server:
        ...     factory = SharedInformerFactory(server.client())
        ...     pods = factory.core.v1.pods
        ...     collector = InformerCollector(factory, registry=registry)
        ...     labels = {"name": "", "group": "", "version": "v1", "resource": "pods"}
        ...     registry.get_sample_value("informer_synced", labels)
        0.0

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        factories: InformerFactory | Mapping[str, InformerFactory],
        *,
        registry: CollectorRegistry | None = prometheus_client.REGISTRY,
    ) -> None:
        if not isinstance(factories, (InformerFactory, Mapping)):
            raise ConfigurationError(
                f"expected a factory, or several by name: {{'main': factory}}: got {type(factories).__name__}"
            )
        self._factories = {"": factories} if isinstance(factories, InformerFactory) else dict(factories)
        for factory in self._factories.values():
            check_instance(factory, InformerFactory, "a factory of informers")
        for factory in self._factories.values():
            factory.measure_latencies()
        if registry is not None:
            registry.register(self)

    def describe(self) -> Iterable[AnyFamily]:
        """Return the metrics without values, so that registering reads no informer."""
        return [*of_informers().all, *of_reflectors().all, *of_handlers().all]

    @override
    def collect(self) -> Iterator[AnyFamily]:
        """Yield the metrics with their present values."""
        informers, reflectors, handlers = of_informers(), of_reflectors(), of_handlers()
        for name, factory in self._factories.items():
            for kind in factory.kinds:
                health = kind.informer.health()
                labels = [name, *kind.resource.address]
                informers.add(labels, health)
                for watch in health.watches:
                    reflectors.add([*labels, watch.namespace or ""], watch)
                by_name: dict[str, list[HandlerHealth]] = {}
                for handler in health.handlers:
                    by_name.setdefault(handler.name, []).append(handler)
                for handler_name, alike in by_name.items():
                    handlers.add([*labels, handler_name], alike)
        yield from (*informers.all, *reflectors.all, *handlers.all)
