"""The core API group, which has no name.

Upstream: k8s.io/client-go/informers/core (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "CoreGroup"]


class V1(GroupVersion, group="", version="v1"):
    """Kinds of `v1`."""

    component_statuses: cluster[client.V1ComponentStatus] = cluster("ComponentStatus")
    config_maps: namespaced[client.V1ConfigMap] = namespaced("ConfigMap")
    endpoints: namespaced[client.V1Endpoints] = namespaced("Endpoints")
    events: namespaced[client.CoreV1Event] = namespaced("Event", model="CoreV1Event")
    limit_ranges: namespaced[client.V1LimitRange] = namespaced("LimitRange")
    namespaces: cluster[client.V1Namespace] = cluster("Namespace")
    nodes: cluster[client.V1Node] = cluster("Node")
    persistent_volume_claims: namespaced[client.V1PersistentVolumeClaim] = namespaced("PersistentVolumeClaim")
    persistent_volumes: cluster[client.V1PersistentVolume] = cluster("PersistentVolume")
    pod_templates: namespaced[client.V1PodTemplate] = namespaced("PodTemplate")
    pods: namespaced[client.V1Pod] = namespaced("Pod")
    replication_controllers: namespaced[client.V1ReplicationController] = namespaced("ReplicationController")
    resource_quotas: namespaced[client.V1ResourceQuota] = namespaced("ResourceQuota")
    secrets: namespaced[client.V1Secret] = namespaced("Secret")
    service_accounts: namespaced[client.V1ServiceAccount] = namespaced("ServiceAccount")
    services: namespaced[client.V1Service] = namespaced("Service")


class CoreGroup(Group):
    """The versions of the core group."""

    v1: version[V1] = version(V1)
