"""Informers of any resource, with objects as plain mappings.

Upstream: k8s.io/client-go/dynamic/dynamicinformer/informer.go (v0.37).
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, final, overload

from informers.cache.kind import ClusterKind, NamespacedKind
from informers.informer_factory import InformerFactory
from informers.resources import ClusterResource, NamespacedResource

__all__ = ["DynamicSharedInformerFactory", "Unstructured"]

#: An object as its JSON says: `obj["metadata"]["name"]`.
Unstructured: TypeAlias = dict[str, Any]


@final
class DynamicSharedInformerFactory(InformerFactory):
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

    @overload
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: Literal[True] = True
    ) -> NamespacedKind[Unstructured]: ...
    @overload
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: Literal[False]
    ) -> ClusterKind[Unstructured]: ...
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: bool = True
    ) -> NamespacedKind[Unstructured] | ClusterKind[Unstructured]:
        """Return the informer and lister of a resource.

        Args:
            group: API group; empty for the core group.
            version: such as `v1`.
            plural: name in the URL, such as `widgets`.
            namespaced: whether its objects live in namespaces.

        Raises:
            ConfigurationError: version or plural is missing.
        """
        if namespaced:
            return self.namespaced_kind(NamespacedResource[Unstructured](group, version, plural))
        return self.cluster_kind(ClusterResource[Unstructured](group, version, plural))
