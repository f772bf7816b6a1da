"""API group `storage.k8s.io`.

Upstream: k8s.io/client-go/informers/storage (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "StorageGroup"]


class V1(GroupVersion, group="storage.k8s.io", version="v1"):
    """Kinds of `storage.k8s.io/v1`."""

    csi_drivers: cluster[client.V1CSIDriver] = cluster("CSIDriver")
    csi_nodes: cluster[client.V1CSINode] = cluster("CSINode")
    csi_storage_capacities: namespaced[client.V1CSIStorageCapacity] = namespaced("CSIStorageCapacity")
    storage_classes: cluster[client.V1StorageClass] = cluster("StorageClass")
    volume_attachments: cluster[client.V1VolumeAttachment] = cluster("VolumeAttachment")
    volume_attributes_classes: cluster[client.V1VolumeAttributesClass] = cluster("VolumeAttributesClass")


class StorageGroup(Group):
    """The versions of `storage.k8s.io`."""

    v1: version[V1] = version(V1)
