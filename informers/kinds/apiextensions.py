"""API group `apiextensions.k8s.io`.

Upstream: k8s.io/apiextensions-apiserver/pkg/client/informers (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "ApiextensionsGroup"]


class V1(GroupVersion, group="apiextensions.k8s.io", version="v1"):
    """Kinds of `apiextensions.k8s.io/v1`."""

    custom_resource_definitions: cluster[client.V1CustomResourceDefinition] = cluster("CustomResourceDefinition")


class ApiextensionsGroup(Group):
    """The versions of `apiextensions.k8s.io`."""

    v1: version[V1] = version(V1)
