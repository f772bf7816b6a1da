"""API group `coordination.k8s.io`.

Upstream: k8s.io/client-go/informers/coordination (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "CoordinationGroup", "V1alpha2", "V1beta1"]


class V1(GroupVersion, group="coordination.k8s.io", version="v1"):
    """Kinds of `coordination.k8s.io/v1`."""

    leases: namespaced[client.V1Lease] = namespaced("Lease")


class V1beta1(GroupVersion, group="coordination.k8s.io", version="v1beta1"):
    """Kinds of `coordination.k8s.io/v1beta1`."""

    lease_candidates: namespaced[client.V1beta1LeaseCandidate] = namespaced("LeaseCandidate")


class V1alpha2(GroupVersion, group="coordination.k8s.io", version="v1alpha2"):
    """Kinds of `coordination.k8s.io/v1alpha2`."""

    lease_candidates: namespaced[client.V1alpha2LeaseCandidate] = namespaced("LeaseCandidate")


class CoordinationGroup(Group):
    """The versions of `coordination.k8s.io`."""

    v1: version[V1] = version(V1)
    v1beta1: version[V1beta1] = version(V1beta1)
    v1alpha2: version[V1alpha2] = version(V1alpha2)
