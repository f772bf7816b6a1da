"""API group `storagemigration.k8s.io`.

Upstream: k8s.io/client-go/informers/storagemigration (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "StoragemigrationGroup", "V1beta1"]


class V1(GroupVersion, group="storagemigration.k8s.io", version="v1"):
    """Kinds of `storagemigration.k8s.io/v1`."""

    storage_version_migrations: cluster[client.V1StorageVersionMigration] = cluster("StorageVersionMigration")


class V1beta1(GroupVersion, group="storagemigration.k8s.io", version="v1beta1"):
    """Kinds of `storagemigration.k8s.io/v1beta1`."""

    storage_version_migrations: cluster[client.V1beta1StorageVersionMigration] = cluster("StorageVersionMigration")


class StoragemigrationGroup(Group):
    """The versions of `storagemigration.k8s.io`."""

    v1: version[V1] = version(V1)
    v1beta1: version[V1beta1] = version(V1beta1)
