"""Informers of metadata alone: the server sends a fraction of the bytes.

Upstream: k8s.io/client-go/metadata/metadatainformer/informer.go (v0.37).
"""

from __future__ import annotations

from typing import ClassVar, Literal, final, overload

from informers.cache.kind import ClusterKind, NamespacedKind
from informers.informer_factory import InformerFactory
from informers.resources import ClusterResource, NamespacedResource
from informers.source.partial import PartialObjectMetadata

__all__ = ["MetadataSharedInformerFactory"]


@final
class MetadataSharedInformerFactory(InformerFactory):
    """Makes informers and listers of objects' metadata; arguments as those of `InformerFactory`.

    For who only needs names, labels, annotations or owners: garbage collectors, label enforcers, counters.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, MetadataSharedInformerFactory(server.client()) as factory:
        ...     pods = factory.for_resource("", "v1", "pods")
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.list()
        (True, [])

    Thread safety: all methods may be called from any thread, also within handlers.

    Upstream: k8s.io/client-go/metadata/metadatainformer/informer.go SharedInformerFactory (v0.37).
    """

    _metadata_only: ClassVar[bool] = True

    @overload
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: Literal[True] = True
    ) -> NamespacedKind[PartialObjectMetadata]: ...
    @overload
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: Literal[False]
    ) -> ClusterKind[PartialObjectMetadata]: ...
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: bool = True
    ) -> NamespacedKind[PartialObjectMetadata] | ClusterKind[PartialObjectMetadata]:
        """Return the informer and lister of a resource's metadata.

        Args:
            group: API group; empty for the core group.
            version: such as `v1`.
            plural: name in the URL, such as `pods`.
            namespaced: whether its objects live in namespaces.

        Raises:
            ConfigurationError: version or plural is missing.
        """
        if namespaced:
            return self.namespaced_kind(NamespacedResource[PartialObjectMetadata](group, version, plural))
        return self.cluster_kind(ClusterResource[PartialObjectMetadata](group, version, plural))
