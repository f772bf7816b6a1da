"""Finds the controllers, budgets and policies that select a pod, by listers.

In client-go these are methods of single listers, which return an error if nothing is found; here they are functions,
which return an empty list. An object with an unreadable selector selects nothing, and the others are still found: a
server may hold objects that are older than its rules.

Upstream: `*_expansion.go` in k8s.io/client-go/listers (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from informers.cache.listers import NamespacedLister
from informers.errors import ConfigurationError, DecodeError
from informers.selectors import LabelSelector

if TYPE_CHECKING:
    from kubernetes import client

__all__ = [
    "get_history_daemon_sets",
    "get_pod_controllers",
    "get_pod_daemon_sets",
    "get_pod_jobs",
    "get_pod_network_policies",
    "get_pod_pod_disruption_budgets",
    "get_pod_replica_sets",
    "get_pod_stateful_sets",
]

T = TypeVar("T")


def get_pod_replica_sets(lister: NamespacedLister[client.V1ReplicaSet], pod: client.V1Pod) -> list[client.V1ReplicaSet]:
    """Return the replica sets that select a pod; one with an empty selector selects nothing."""
    return _selecting(lister, pod, _selector)


def get_pod_stateful_sets(
    lister: NamespacedLister[client.V1StatefulSet], pod: client.V1Pod
) -> list[client.V1StatefulSet]:
    """Return the stateful sets that select a pod; one with an empty selector selects nothing."""
    return _selecting(lister, pod, _selector)


def get_pod_daemon_sets(lister: NamespacedLister[client.V1DaemonSet], pod: client.V1Pod) -> list[client.V1DaemonSet]:
    """Return the daemon sets that select a pod; one with an empty selector selects nothing."""
    return _selecting(lister, pod, _selector)


def get_history_daemon_sets(
    lister: NamespacedLister[client.V1DaemonSet], history: client.V1ControllerRevision
) -> list[client.V1DaemonSet]:
    """Return the daemon sets that select a controller revision."""
    return _selecting(lister, history, _selector)


def get_pod_jobs(lister: NamespacedLister[client.V1Job], pod: client.V1Pod) -> list[client.V1Job]:
    """Return the jobs that select a pod; one with an empty selector selects nothing."""
    return _selecting(lister, pod, _selector)


def get_pod_controllers(
    lister: NamespacedLister[client.V1ReplicationController], pod: client.V1Pod
) -> list[client.V1ReplicationController]:
    """Return the replication controllers that select a pod; one with an empty selector selects nothing."""
    return _selecting(lister, pod, _map_selector)


def get_pod_pod_disruption_budgets(
    lister: NamespacedLister[client.V1PodDisruptionBudget], pod: client.V1Pod
) -> list[client.V1PodDisruptionBudget]:
    """Return the disruption budgets that select a pod; one with an empty selector selects all of its namespace."""
    return _selecting(lister, pod, _selector, empty_selects_all=True)


def get_pod_network_policies(
    lister: NamespacedLister[client.V1NetworkPolicy], pod: client.V1Pod
) -> list[client.V1NetworkPolicy]:
    """Return the network policies that select a pod; one with an empty selector selects all of its namespace."""
    return _selecting(lister, pod, _pod_selector, empty_selects_all=True)


def _selecting(
    lister: NamespacedLister[T],
    selected: Any,
    selector_of: Callable[[Any], LabelSelector],
    *,
    empty_selects_all: bool = False,
) -> list[T]:
    namespace = selected.metadata.namespace
    labels: Mapping[str, str] = selected.metadata.labels or {}
    if not namespace:
        return []
    found: list[T] = []
    for obj in lister.namespace(namespace).list():
        try:
            selector = selector_of(obj)
        except (ConfigurationError, DecodeError):
            continue
        if selector.matches(labels) and (empty_selects_all or not selector.is_empty):
            found.append(obj)
    return found


def _selector(obj: Any) -> LabelSelector:
    return LabelSelector.from_label_selector(_field(obj.spec, "selector"))


def _pod_selector(obj: Any) -> LabelSelector:
    # A policy without a spec selects nothing; in a spec, a missing selector is an empty one.
    return LabelSelector.from_label_selector((_field(obj.spec, "pod_selector") or {}) if obj.spec else None)


def _map_selector(obj: Any) -> LabelSelector:
    return LabelSelector.coerce(_field(obj.spec, "selector") or {})


def _field(spec: Any, name: str) -> Any:
    """Return a field of a spec, or None: a spec that the client's models refuse may not be a model."""
    return getattr(spec, name, None)
