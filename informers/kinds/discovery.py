"""API group `discovery.k8s.io`.

Upstream: k8s.io/client-go/informers/discovery (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "DiscoveryGroup"]


class V1(GroupVersion, group="discovery.k8s.io", version="v1"):
    """Kinds of `discovery.k8s.io/v1`."""

    endpoint_slices: namespaced[client.V1EndpointSlice] = namespaced("EndpointSlice")


class DiscoveryGroup(Group):
    """The versions of `discovery.k8s.io`."""

    v1: version[V1] = version(V1)
