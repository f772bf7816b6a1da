"""Informers of any resource, with objects as plain mappings.

Upstream: k8s.io/client-go/dynamic/dynamicinformer/informer.go (v0.37).
"""

from __future__ import annotations

from typing import Any, TypeAlias, final

from informers.resource_factory import ResourceInformerFactory

__all__ = ["DynamicSharedInformerFactory", "Unstructured"]

#: An object as its JSON says: `obj["metadata"]["name"]`.
Unstructured: TypeAlias = dict[str, Any]


@final
class DynamicSharedInformerFactory(ResourceInformerFactory[Unstructured]):
    """Makes informers and listers of resources that are named at run time; arguments as those of `InformerFactory`.

    A resource that the server does not have yet, such as that of a CustomResourceDefinition to come, is waited for, and
    one that goes away and comes back is found again; `health` says so meanwhile.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, DynamicSharedInformerFactory(server.client()) as factory:
        ...     pods = factory.for_resource("", "v1", "pods")
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.namespace("default").list()
        (True, [])

    Thread safety: all methods may be called from any thread, also within handlers.

    Upstream: k8s.io/client-go/dynamic/dynamicinformer/informer.go DynamicSharedInformerFactory (v0.37).
    """
