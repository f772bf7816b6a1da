"""API group `networking.k8s.io`.

Upstream: k8s.io/client-go/informers/networking (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "NetworkingGroup"]


class V1(GroupVersion, group="networking.k8s.io", version="v1"):
    """Kinds of `networking.k8s.io/v1`."""

    ingress_classes: cluster[client.V1IngressClass] = cluster("IngressClass")
    ingresses: namespaced[client.V1Ingress] = namespaced("Ingress")
    ip_addresses: cluster[client.V1IPAddress] = cluster("IPAddress")
    network_policies: namespaced[client.V1NetworkPolicy] = namespaced("NetworkPolicy")
    service_cidrs: cluster[client.V1ServiceCIDR] = cluster("ServiceCIDR")


class NetworkingGroup(Group):
    """The versions of `networking.k8s.io`."""

    v1: version[V1] = version(V1)
