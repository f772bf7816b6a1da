"""What selects a pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from informers import DecodeError, NamespacedLister, Store, lookups


def lister(*objects: Any) -> NamespacedLister[Any]:
    store: Store[Any] = Store()
    store.replace(objects, "1")
    return NamespacedLister(store, "things")


def metadata(name: str, namespace: str = "default", **labels: str) -> client.V1ObjectMeta:
    return client.V1ObjectMeta(name=name, namespace=namespace, labels=labels or None)


def pod(**labels: str) -> client.V1Pod:
    return client.V1Pod(metadata=metadata("p", **labels))


def selector(**labels: str) -> client.V1LabelSelector:
    return client.V1LabelSelector(match_labels=labels or None)


TEMPLATE = client.V1PodTemplateSpec()


def replica_set(name: str, namespace: str = "default", **labels: str) -> client.V1ReplicaSet:
    return client.V1ReplicaSet(
        metadata=metadata(name, namespace), spec=client.V1ReplicaSetSpec(selector=selector(**labels))
    )


def stateful_set(name: str, namespace: str = "default", **labels: str) -> client.V1StatefulSet:
    spec = client.V1StatefulSetSpec(selector=selector(**labels), template=TEMPLATE)
    return client.V1StatefulSet(metadata=metadata(name, namespace), spec=spec)


def daemon_set(name: str, namespace: str = "default", **labels: str) -> client.V1DaemonSet:
    spec = client.V1DaemonSetSpec(selector=selector(**labels), template=TEMPLATE)
    return client.V1DaemonSet(metadata=metadata(name, namespace), spec=spec)


def job(name: str, namespace: str = "default", **labels: str) -> client.V1Job:
    spec = client.V1JobSpec(selector=selector(**labels), template=TEMPLATE)
    return client.V1Job(metadata=metadata(name, namespace), spec=spec)


def controller(name: str, namespace: str = "default", **labels: str) -> client.V1ReplicationController:
    spec = client.V1ReplicationControllerSpec(selector=labels or None)
    return client.V1ReplicationController(metadata=metadata(name, namespace), spec=spec)


def budget(name: str, namespace: str = "default", **labels: str) -> client.V1PodDisruptionBudget:
    spec = client.V1PodDisruptionBudgetSpec(selector=selector(**labels))
    return client.V1PodDisruptionBudget(metadata=metadata(name, namespace), spec=spec)


def policy(name: str, namespace: str = "default", **labels: str) -> client.V1NetworkPolicy:
    spec = client.V1NetworkPolicySpec(pod_selector=selector(**labels))
    return client.V1NetworkPolicy(metadata=metadata(name, namespace), spec=spec)


EMPTY_SELECTS_NOTHING: list[tuple[Callable[..., list[Any]], Callable[..., Any]]] = [
    (lookups.get_pod_replica_sets, replica_set),
    (lookups.get_pod_stateful_sets, stateful_set),
    (lookups.get_pod_daemon_sets, daemon_set),
    (lookups.get_history_daemon_sets, daemon_set),
    (lookups.get_pod_jobs, job),
    (lookups.get_pod_controllers, controller),
]
EMPTY_SELECTS_ALL: list[tuple[Callable[..., list[Any]], Callable[..., Any]]] = [
    (lookups.get_pod_pod_disruption_budgets, budget),
    (lookups.get_pod_network_policies, policy),
]


@pytest.mark.parametrize(("function", "make"), EMPTY_SELECTS_NOTHING + EMPTY_SELECTS_ALL)
def test_what_selects_a_pods_labels_in_its_namespace_is_found(
    function: Callable[..., list[Any]], make: Callable[..., Any]
) -> None:
    things = lister(
        make("yes", app="web"),
        make("also", app="web", tier="front"),
        make("no", app="db"),
        make("elsewhere", "other", app="web"),
    )
    assert [found.metadata.name for found in function(things, pod(app="web", tier="front"))] == ["yes", "also"]
    assert function(things, pod()) == []


@pytest.mark.parametrize(("function", "make"), EMPTY_SELECTS_NOTHING)
def test_a_controller_with_an_empty_selector_selects_nothing(
    function: Callable[..., list[Any]], make: Callable[..., Any]
) -> None:
    assert function(lister(make("empty")), pod(app="web")) == []


@pytest.mark.parametrize(("function", "make"), EMPTY_SELECTS_ALL)
def test_a_budget_or_policy_with_an_empty_selector_is_for_every_pod_of_its_namespace(
    function: Callable[..., list[Any]], make: Callable[..., Any]
) -> None:
    things = lister(make("empty"), make("elsewhere", "other"))
    assert [found.metadata.name for found in function(things, pod(app="web"))] == ["empty"]
    assert [found.metadata.name for found in function(things, pod())] == ["empty"]


@pytest.mark.parametrize(("function", "make"), EMPTY_SELECTS_NOTHING + EMPTY_SELECTS_ALL)
def test_what_has_no_spec_selects_nothing(function: Callable[..., list[Any]], make: Callable[..., Any]) -> None:
    bare = make("bare")
    # As a server may serve it: the models insist on some specs when they are made by hand.
    bare.__dict__["spec" if "spec" in bare.__dict__ else "_spec"] = None
    assert function(lister(bare), pod(app="web")) == []


UNREADABLE: list[Any] = [
    {"matchExpressions": [{"key": "app", "operator": "In", "values": ["not a valid value!"]}]},
    {"matchExpressions": [{"key": "app", "operator": "Like", "values": ["web"]}]},
    {"matchExpressions": 5},
    {"matchLabels": {"app": ["web"]}},
    {"matchLabels": {"app": "web"}, "matchFields": {}},
    "app in (",
    7,
]


@pytest.mark.parametrize(("function", "make"), EMPTY_SELECTS_NOTHING + EMPTY_SELECTS_ALL)
@pytest.mark.parametrize("unreadable", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_has_a_selector_that_cannot_be_read_selects_nothing_and_the_others_are_found(
    function: Callable[..., list[Any]], make: Callable[..., Any], unreadable: Any
) -> None:
    bad, good = make("bad", app="web"), make("good", app="web")
    attribute = "pod_selector" if make is policy else "selector"
    held = bad.spec.__dict__
    # As a server may serve it: the models refuse some of these when they are made by hand.
    held[attribute if attribute in held else f"_{attribute}"] = unreadable
    assert [found.metadata.name for found in function(lister(bad, good), pod(app="web"))] == ["good"]


def test_what_has_no_readable_spec_selects_nothing_and_the_others_are_found() -> None:
    class Spec:
        @property
        def selector(self) -> Any:
            raise DecodeError("the spec is not JSON", key="default/bad")

    for spec in ("not a spec", Spec()):
        bad = stateful_set("bad", app="web")
        bad.__dict__["spec" if "spec" in bad.__dict__ else "_spec"] = spec
        things = lister(bad, stateful_set("good", app="web"))
        assert [found.metadata.name for found in lookups.get_pod_stateful_sets(things, pod(app="web"))] == ["good"]
