"""Evictions, and the disruption budgets that allow or refuse them.

Upstream: k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go (v1.37).
"""

from __future__ import annotations

from typing import Any

from informers.testing._http.status import Failure
from informers.testing._rules.kind_rules import selects
from informers.testing._rules.registry import Registry, WriteOptions, load
from informers.testing._store.documents import Json, at, mapping, sequence
from informers.testing._store.served_resources import Catalog
from informers.testing._store.versioned_storage import Storage

__all__ = ["spend_budget", "with_condition"]

_VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."
_INSIDE = WriteOptions(is_inside=True)


def spend_budget(storage: Storage, registry: Registry, catalog: Catalog, pod: Json, now: str) -> None:
    """Take an eviction from the budget that selects a pod, if it needs one.

    Args:
        storage: where budgets are; its lock is held.
        registry: writes them.
        catalog: knows them.
        pod: that is to go.
        now: as it stands in objects.

    Raises:
        Failure: 429, the budget does not allow it; 500, there are several.
    """
    metadata, status = pod["metadata"], mapping(pod.get("status"))
    if metadata.get("deletionTimestamp") or status.get("phase") in {"Succeeded", "Failed", "Pending"}:
        return
    served = catalog.find("policy", "v1", "poddisruptionbudgets")
    if served is None:
        return
    namespace, labels = metadata["namespace"], mapping(metadata.get("labels"))
    budgets = [load(served, record) for record in storage.page(served.collection, namespace=namespace).records]
    budgets = [budget for budget in budgets if selects(at(budget, "spec.selector"), labels)]
    if len(budgets) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise Failure(message, code=500, reason="InternalError")
    if not budgets:
        return
    [budget] = budgets
    name, spec, have = budget["metadata"]["name"], mapping(budget.get("spec")), mapping(budget.get("status"))
    healthy, needed = have.get("currentHealthy", 0), have.get("desiredHealthy", 0)
    conditions = {each.get("type"): each.get("status") for each in map(mapping, sequence(status.get("conditions")))}
    goes_unhealthy = spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow" or healthy >= needed > 0
    if conditions.get("Ready") != "True" and goes_unhealthy:
        return
    if have.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _refused(f"The disruption budget {name} is still being processed by the server.", retry_after=10)
    allowed = have.get("disruptionsAllowed", 0)
    if allowed <= 0:
        needs = (
            f"needs {needed} healthy pods and has {healthy}" if healthy <= needed else "does not allow evicting pods"
        )
        raise _refused(f"The disruption budget {name} {needs} currently")
    disrupted = {**mapping(have.get("disruptedPods")), metadata["name"]: now}
    have = {**have, "disruptionsAllowed": allowed - 1, "disruptedPods": disrupted}
    if allowed == 1:
        condition = {
            "type": "DisruptionAllowed",
            "status": "False",
            "observedGeneration": have["observedGeneration"],
            "lastTransitionTime": now,
            "reason": "InsufficientPods",
            "message": "",
        }
        have = with_condition(have, condition)
    registry.update(served, namespace, name, lambda old: {**old, "status": have}, _INSIDE)


def with_condition(status: Any, condition: Json) -> Json:
    """Return a status with a condition, in place of the one of the same type."""
    status = mapping(status)
    others = [each for each in sequence(status.get("conditions")) if mapping(each).get("type") != condition["type"]]
    return {**status, "conditions": [*others, condition]}


def _refused(why: str, *, retry_after: int | None = None) -> Failure:
    details = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    return Failure(_VIOLATED, code=429, reason="TooManyRequests", retry_after=retry_after, details=details)
