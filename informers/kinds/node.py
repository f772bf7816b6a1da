"""API group `node.k8s.io`.

Upstream: k8s.io/client-go/informers/node (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "NodeGroup"]


class V1(GroupVersion, group="node.k8s.io", version="v1"):
    """Kinds of `node.k8s.io/v1`."""

    runtime_classes: cluster[client.V1RuntimeClass] = cluster("RuntimeClass")


class NodeGroup(Group):
    """The versions of `node.k8s.io`."""

    v1: version[V1] = version(V1)
