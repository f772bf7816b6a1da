"""API group `autoscaling`.

Upstream: k8s.io/client-go/informers/autoscaling (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "V2", "AutoscalingGroup"]


class V1(GroupVersion, group="autoscaling", version="v1"):
    """Kinds of `autoscaling/v1`."""

    horizontal_pod_autoscalers: namespaced[client.V1HorizontalPodAutoscaler] = namespaced("HorizontalPodAutoscaler")


class V2(GroupVersion, group="autoscaling", version="v2"):
    """Kinds of `autoscaling/v2`."""

    horizontal_pod_autoscalers: namespaced[client.V2HorizontalPodAutoscaler] = namespaced("HorizontalPodAutoscaler")


class AutoscalingGroup(Group):
    """The versions of `autoscaling`."""

    v1: version[V1] = version(V1)
    v2: version[V2] = version(V2)
