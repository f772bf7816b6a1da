"""Informers of metadata alone: the server sends a fraction of the bytes.

Upstream: k8s.io/client-go/metadata/metadatainformer/informer.go (v0.37).
"""

from __future__ import annotations

from typing import ClassVar, final

from informers.resource_factory import ResourceInformerFactory
from informers.source.partial import PartialObjectMetadata

__all__ = ["MetadataSharedInformerFactory"]


@final
class MetadataSharedInformerFactory(ResourceInformerFactory[PartialObjectMetadata]):
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
