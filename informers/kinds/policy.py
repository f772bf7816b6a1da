"""API group `policy`.

Upstream: k8s.io/client-go/informers/policy (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "PolicyGroup"]


class V1(GroupVersion, group="policy", version="v1"):
    """Kinds of `policy/v1`."""

    pod_disruption_budgets: namespaced[client.V1PodDisruptionBudget] = namespaced("PodDisruptionBudget")


class PolicyGroup(Group):
    """The versions of `policy`."""

    v1: version[V1] = version(V1)
