"""API group `apiregistration.k8s.io`.

Upstream: k8s.io/kube-aggregator/pkg/client/informers (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "ApiregistrationGroup"]


class V1(GroupVersion, group="apiregistration.k8s.io", version="v1"):
    """Kinds of `apiregistration.k8s.io/v1`."""

    api_services: cluster[client.V1APIService] = cluster("APIService")


class ApiregistrationGroup(Group):
    """The versions of `apiregistration.k8s.io`."""

    v1: version[V1] = version(V1)
