"""API group `rbac.authorization.k8s.io`.

Upstream: k8s.io/client-go/informers/rbac (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "RbacGroup"]


class V1(GroupVersion, group="rbac.authorization.k8s.io", version="v1"):
    """Kinds of `rbac.authorization.k8s.io/v1`."""

    cluster_role_bindings: cluster[client.V1ClusterRoleBinding] = cluster("ClusterRoleBinding")
    cluster_roles: cluster[client.V1ClusterRole] = cluster("ClusterRole")
    role_bindings: namespaced[client.V1RoleBinding] = namespaced("RoleBinding")
    roles: namespaced[client.V1Role] = namespaced("Role")


class RbacGroup(Group):
    """The versions of `rbac.authorization.k8s.io`."""

    v1: version[V1] = version(V1)
