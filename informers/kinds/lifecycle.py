"""API group `lifecycle.k8s.io`.

Upstream: k8s.io/client-go/informers/lifecycle (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["LifecycleGroup", "V1alpha1"]


class V1alpha1(GroupVersion, group="lifecycle.k8s.io", version="v1alpha1"):
    """Kinds of `lifecycle.k8s.io/v1alpha1`."""

    eviction_requests: namespaced[client.V1alpha1EvictionRequest] = namespaced("EvictionRequest")
    evictions: namespaced[client.V1alpha1Eviction] = namespaced("Eviction")


class LifecycleGroup(Group):
    """The versions of `lifecycle.k8s.io`."""

    v1alpha1: version[V1alpha1] = version(V1alpha1)
