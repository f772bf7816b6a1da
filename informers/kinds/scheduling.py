"""API group `scheduling.k8s.io`.

Upstream: k8s.io/client-go/informers/scheduling (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "SchedulingGroup", "V1alpha3", "V1beta1"]


class V1(GroupVersion, group="scheduling.k8s.io", version="v1"):
    """Kinds of `scheduling.k8s.io/v1`."""

    priority_classes: cluster[client.V1PriorityClass] = cluster("PriorityClass")


class V1beta1(GroupVersion, group="scheduling.k8s.io", version="v1beta1"):
    """Kinds of `scheduling.k8s.io/v1beta1`."""

    pod_groups: namespaced[client.V1beta1PodGroup] = namespaced("PodGroup")
    workloads: namespaced[client.V1beta1Workload] = namespaced("Workload")


class V1alpha3(GroupVersion, group="scheduling.k8s.io", version="v1alpha3"):
    """Kinds of `scheduling.k8s.io/v1alpha3`."""

    composite_pod_groups: namespaced[client.V1alpha3CompositePodGroup] = namespaced("CompositePodGroup")
    pod_groups: namespaced[client.V1alpha3PodGroup] = namespaced("PodGroup")
    workloads: namespaced[client.V1alpha3Workload] = namespaced("Workload")


class SchedulingGroup(Group):
    """The versions of `scheduling.k8s.io`."""

    v1: version[V1] = version(V1)
    v1beta1: version[V1beta1] = version(V1beta1)
    v1alpha3: version[V1alpha3] = version(V1alpha3)
