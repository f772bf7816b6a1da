"""API group `apps`.

Upstream: k8s.io/client-go/informers/apps (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes.client import V1ControllerRevision, V1DaemonSet, V1Deployment, V1ReplicaSet, V1StatefulSet

__all__ = ["V1", "AppsGroup"]


class V1(GroupVersion, group="apps", version="v1"):
    """Kinds of `apps/v1`."""

    controller_revisions: namespaced[V1ControllerRevision] = namespaced("ControllerRevision")
    daemon_sets: namespaced[V1DaemonSet] = namespaced("DaemonSet")
    deployments: namespaced[V1Deployment] = namespaced("Deployment")
    replica_sets: namespaced[V1ReplicaSet] = namespaced("ReplicaSet")
    stateful_sets: namespaced[V1StatefulSet] = namespaced("StatefulSet")


class AppsGroup(Group):
    """The versions of `apps`."""

    v1: version[V1] = version(V1)
