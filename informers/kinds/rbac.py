"""API group `rbac.authorization.k8s.io`.

Upstream: k8s.io/client-go/informers/rbac (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes.client import V1ClusterRole, V1ClusterRoleBinding, V1Role, V1RoleBinding

__all__ = ["V1", "RbacGroup"]


class V1(GroupVersion, group="rbac.authorization.k8s.io", version="v1"):
    """Kinds of `rbac.authorization.k8s.io/v1`."""

    cluster_role_bindings: cluster[V1ClusterRoleBinding] = cluster("ClusterRoleBinding")
    cluster_roles: cluster[V1ClusterRole] = cluster("ClusterRole")
    role_bindings: namespaced[V1RoleBinding] = namespaced("RoleBinding")
    roles: namespaced[V1Role] = namespaced("Role")


class RbacGroup(Group):
    """The versions of `rbac.authorization.k8s.io`."""

    v1: version[V1] = version(V1)
