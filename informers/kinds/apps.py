"""API group `apps`.

Upstream: k8s.io/client-go/informers/apps (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "AppsGroup"]


class V1(GroupVersion, group="apps", version="v1"):
    """Kinds of `apps/v1`."""

    controller_revisions: namespaced[client.V1ControllerRevision] = namespaced("ControllerRevision")
    daemon_sets: namespaced[client.V1DaemonSet] = namespaced("DaemonSet")
    deployments: namespaced[client.V1Deployment] = namespaced("Deployment")
    replica_sets: namespaced[client.V1ReplicaSet] = namespaced("ReplicaSet")
    stateful_sets: namespaced[client.V1StatefulSet] = namespaced("StatefulSet")


class AppsGroup(Group):
    """The versions of `apps`."""

    v1: version[V1] = version(V1)
