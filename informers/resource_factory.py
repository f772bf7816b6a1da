"""What factories do whose resources are named at run time.

Upstream: the `ForResource` methods of k8s.io/client-go/dynamic/dynamicinformer and metadata/metadatainformer (v0.37).
"""

from __future__ import annotations

from typing import Any, Generic, Literal, overload

from typing_extensions import TypeVar

from informers.cache.kind import ClusterKind, NamespacedKind
from informers.informer_factory import InformerFactory
from informers.resources import ClusterResource, NamespacedResource

__all__ = ["ResourceInformerFactory"]

T = TypeVar("T", default=Any)


class ResourceInformerFactory(InformerFactory, Generic[T]):
    """Makes informers and listers of resources by their names; arguments as those of `InformerFactory`.

    Use one of its subclasses: `DynamicSharedInformerFactory`, `MetadataSharedInformerFactory`.

    A resource that the server does not have yet, such as that of a CustomResourceDefinition to come, is waited for, and
    one that goes away and comes back is found again; `health` says so meanwhile.

    Thread safety: all methods may be called from any thread, also within handlers.
    """

    @overload
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: Literal[True] = True
    ) -> NamespacedKind[T]: ...
    @overload
    def for_resource(self, group: str, version: str, plural: str, *, namespaced: Literal[False]) -> ClusterKind[T]: ...
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: bool = True
    ) -> NamespacedKind[T] | ClusterKind[T]:
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
            return self.namespaced_kind(NamespacedResource[T](group, version, plural))
        return self.cluster_kind(ClusterResource[T](group, version, plural))
