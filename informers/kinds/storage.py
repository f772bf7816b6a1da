"""API group `storage.k8s.io`.

Upstream: k8s.io/client-go/informers/storage (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes.client import (
        V1CSIDriver,
        V1CSINode,
        V1CSIStorageCapacity,
        V1StorageClass,
        V1VolumeAttachment,
        V1VolumeAttributesClass,
    )

__all__ = ["V1", "StorageGroup"]


class V1(GroupVersion, group="storage.k8s.io", version="v1"):
    """Kinds of `storage.k8s.io/v1`."""

    csi_drivers: cluster[V1CSIDriver] = cluster("CSIDriver")
    csi_nodes: cluster[V1CSINode] = cluster("CSINode")
    csi_storage_capacities: namespaced[V1CSIStorageCapacity] = namespaced("CSIStorageCapacity")
    storage_classes: cluster[V1StorageClass] = cluster("StorageClass")
    volume_attachments: cluster[V1VolumeAttachment] = cluster("VolumeAttachment")
    volume_attributes_classes: cluster[V1VolumeAttributesClass] = cluster("VolumeAttributesClass")


class StorageGroup(Group):
    """The versions of `storage.k8s.io`."""

    v1: version[V1] = version(V1)
