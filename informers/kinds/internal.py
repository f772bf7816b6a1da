"""API group `internal.apiserver.k8s.io`.

Upstream: k8s.io/client-go/informers/apiserverinternal (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["InternalGroup", "V1alpha1"]


class V1alpha1(GroupVersion, group="internal.apiserver.k8s.io", version="v1alpha1"):
    """Kinds of `internal.apiserver.k8s.io/v1alpha1`."""

    storage_versions: cluster[client.V1alpha1StorageVersion] = cluster("StorageVersion")


class InternalGroup(Group):
    """The versions of `internal.apiserver.k8s.io`."""

    v1alpha1: version[V1alpha1] = version(V1alpha1)
