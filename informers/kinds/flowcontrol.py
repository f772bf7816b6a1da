"""API group `flowcontrol.apiserver.k8s.io`.

Upstream: k8s.io/client-go/informers/flowcontrol (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "FlowcontrolGroup"]


class V1(GroupVersion, group="flowcontrol.apiserver.k8s.io", version="v1"):
    """Kinds of `flowcontrol.apiserver.k8s.io/v1`."""

    flow_schemas: cluster[client.V1FlowSchema] = cluster("FlowSchema")
    priority_level_configurations: cluster[client.V1PriorityLevelConfiguration] = cluster("PriorityLevelConfiguration")


class FlowcontrolGroup(Group):
    """The versions of `flowcontrol.apiserver.k8s.io`."""

    v1: version[V1] = version(V1)
