"""The core API group, which has no name.

Upstream: k8s.io/client-go/informers/core (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes.client import (
        CoreV1Event,
        V1ComponentStatus,
        V1ConfigMap,
        V1Endpoints,
        V1LimitRange,
        V1Namespace,
        V1Node,
        V1PersistentVolume,
        V1PersistentVolumeClaim,
        V1Pod,
        V1PodTemplate,
        V1ReplicationController,
        V1ResourceQuota,
        V1Secret,
        V1Service,
        V1ServiceAccount,
    )

__all__ = ["V1", "CoreGroup"]


class V1(GroupVersion, group="", version="v1"):
    """Kinds of `v1`."""

    component_statuses: cluster[V1ComponentStatus] = cluster("ComponentStatus")
    config_maps: namespaced[V1ConfigMap] = namespaced("ConfigMap")
    endpoints: namespaced[V1Endpoints] = namespaced("Endpoints")
    events: namespaced[CoreV1Event] = namespaced("Event", model="CoreV1Event")
    limit_ranges: namespaced[V1LimitRange] = namespaced("LimitRange")
    namespaces: cluster[V1Namespace] = cluster("Namespace")
    nodes: cluster[V1Node] = cluster("Node")
    persistent_volume_claims: namespaced[V1PersistentVolumeClaim] = namespaced("PersistentVolumeClaim")
    persistent_volumes: cluster[V1PersistentVolume] = cluster("PersistentVolume")
    pod_templates: namespaced[V1PodTemplate] = namespaced("PodTemplate")
    pods: namespaced[V1Pod] = namespaced("Pod")
    replication_controllers: namespaced[V1ReplicationController] = namespaced("ReplicationController")
    resource_quotas: namespaced[V1ResourceQuota] = namespaced("ResourceQuota")
    secrets: namespaced[V1Secret] = namespaced("Secret")
    service_accounts: namespaced[V1ServiceAccount] = namespaced("ServiceAccount")
    services: namespaced[V1Service] = namespaced("Service")


class CoreGroup(Group):
    """The versions of the core group."""

    v1: version[V1] = version(V1)
