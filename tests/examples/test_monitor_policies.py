"""What a network policy says, and which pods it selects: the rules of the API."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import (
    V1LabelSelector,
    V1LabelSelectorRequirement,
    V1NetworkPolicy,
    V1NetworkPolicyEgressRule,
    V1NetworkPolicyIngressRule,
    V1NetworkPolicySpec,
    V1ObjectMeta,
    V1Pod,
    V1PodSpec,
)
from monitor.policies import PolicyScope, changes, describe
from monitor.selection import Selection

from informers import ConfigurationError

EVERYTHING = V1LabelSelector()


def scope(name: str = "p", **spec: Any) -> PolicyScope:
    spec.setdefault("pod_selector", EVERYTHING)
    return PolicyScope.of(V1NetworkPolicy(metadata=V1ObjectMeta(name=name), spec=V1NetworkPolicySpec(**spec)))


def pod(labels: dict[str, str] | None = None, *, host_network: bool | None = None) -> V1Pod:
    return V1Pod(
        metadata=V1ObjectMeta(name="web-0", labels=labels), spec=V1PodSpec(containers=[], host_network=host_network)
    )


def test_an_empty_pod_selector_selects_every_pod_even_one_without_labels() -> None:
    assert scope().selects({"app": "web"})
    assert scope().selects({})
    assert scope().selects(None)


def test_a_pod_selector_that_is_left_out_is_an_empty_one() -> None:
    policy = V1NetworkPolicy(metadata=V1ObjectMeta(name="p"), spec=V1NetworkPolicySpec(pod_selector=EVERYTHING))
    assert policy.spec is not None
    policy.spec.pod_selector = None  # type: ignore[assignment,unused-ignore] # required by the models of old clients
    assert PolicyScope.of(policy).selects({"app": "web"})


def test_a_policy_without_a_spec_keeps_everything_out_of_every_pod() -> None:
    found = PolicyScope.of(V1NetworkPolicy(metadata=V1ObjectMeta(name="p")))
    assert (found.selects({}), found.ingress, found.egress) == (True, True, False)


@pytest.mark.parametrize(
    ("operator", "values", "selected"),
    [
        ("In", ["front", "back"], [True, False, False]),
        ("NotIn", ["front"], [False, True, True]),
        ("Exists", None, [True, True, False]),
        ("DoesNotExist", None, [False, False, True]),
    ],
)
def test_match_expressions_select(operator: str, values: list[str] | None, selected: list[bool]) -> None:
    requirement = V1LabelSelectorRequirement(key="tier", operator=operator, values=values)
    found = scope(pod_selector=V1LabelSelector(match_expressions=[requirement]))
    assert [found.selects(labels) for labels in ({"tier": "front"}, {"tier": "mid"}, {"app": "web"})] == selected


def test_match_labels_and_match_expressions_must_both_hold() -> None:
    requirement = V1LabelSelectorRequirement(key="tier", operator="Exists")
    found = scope(pod_selector=V1LabelSelector(match_labels={"app": "web"}, match_expressions=[requirement]))
    assert found.selects({"app": "web", "tier": "front"})
    assert not found.selects({"app": "web"})
    assert not found.selects({"tier": "front"})


@pytest.mark.parametrize(
    ("types", "has_ingress_rules", "has_egress_rules", "expected"),
    [
        (None, False, False, (True, False)),
        (None, True, False, (True, False)),
        (None, False, True, (True, True)),
        ([], False, True, (True, True)),
        (["Ingress"], True, False, (True, False)),
        (["Egress"], False, False, (False, True)),
        (["Ingress", "Egress"], False, False, (True, True)),
        # What is listed counts, whatever rules there are.
        (["Egress"], True, True, (False, True)),
        (["Ingress"], False, True, (True, False)),
    ],
)
def test_policy_types_default_to_ingress_and_to_egress_if_there_are_rules_for_it(
    types: list[str] | None, has_ingress_rules: bool, has_egress_rules: bool, expected: tuple[bool, bool]
) -> None:
    found = scope(
        policy_types=types,
        ingress=[V1NetworkPolicyIngressRule()] if has_ingress_rules else None,
        egress=[V1NetworkPolicyEgressRule()] if has_egress_rules else [],
    )
    assert (found.ingress, found.egress) == expected


def test_a_selector_that_cannot_be_read_is_an_error() -> None:
    requirement = V1LabelSelectorRequirement(key="tier", operator="Sometimes")
    with pytest.raises(ConfigurationError, match="Sometimes"):
        scope(pod_selector=V1LabelSelector(match_expressions=[requirement]))


def test_a_pod_is_governed_by_the_policies_that_select_it_in_each_direction_by_name() -> None:
    scopes = [
        scope("z-all"),
        scope("egress", policy_types=["Egress"]),
        scope("both", policy_types=["Egress", "Ingress"], pod_selector=V1LabelSelector(match_labels={"app": "web"})),
        scope("other", pod_selector=V1LabelSelector(match_labels={"app": "db"})),
    ]
    found = Selection.of(pod({"app": "web"}), scopes)
    assert found == Selection(("both", "z-all"), ("both", "egress"))
    assert str(found) == "ingress by both, z-all; egress by both, egress"


def test_a_direction_that_no_policy_governs_is_open() -> None:
    assert str(Selection.of(pod(), [scope("in")])) == "ingress by in; egress open"
    assert str(Selection.of(pod(), [scope("out", policy_types=["Egress"])])) == "ingress open; egress by out"
    assert str(Selection.of(pod(), [])) == "open: no policy selects it"


def test_a_pod_in_its_nodes_network_is_marked() -> None:
    found = Selection.of(pod(host_network=True), [scope("in")])
    assert found.host_network
    assert "most network plugins apply no policy" in str(found)


def test_a_policy_is_described_by_the_directions_that_it_governs() -> None:
    assert describe({}) == {"podSelector": "all pods", "policyTypes": "Ingress", "ingress": "nothing"}
    spec = {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {},
            {
                "from": [
                    {"podSelector": {"matchLabels": {"app": "api"}}},
                    {"namespaceSelector": {}},
                    {"namespaceSelector": {"matchLabels": {"team": "a"}}, "podSelector": {"matchLabels": {"app": "b"}}},
                    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                ],
                "ports": [{"port": 80}, {"protocol": "UDP", "port": 8000, "endPort": 8010}, {"port": "http"}],
            },
        ],
        "egress": [{"ports": [{"protocol": "UDP"}]}],
    }
    assert describe(spec) == {
        "podSelector": "pods app=web",
        "policyTypes": "Ingress, Egress",
        "ingress": (
            "from anywhere; from pods app=api of its own namespace or all pods in all namespaces or pods app=b in "
            "namespaces team=a or "
            "10.0.0.0/8 except 10.1.0.0/16 on TCP 80, UDP 8000-8010, TCP http"
        ),
        "egress": "to anywhere on UDP any port",
    }


def test_a_selector_that_cannot_be_read_leaves_the_rest_of_a_policy_described() -> None:
    unreadable = {"matchLabels": {"app": "not a valid value!"}}
    spec = {"podSelector": unreadable, "ingress": [{"from": [{"podSelector": unreadable}], "ports": [{"port": 80}]}]}
    assert describe(spec) == {
        "podSelector": "no pods (unreadable selector)",
        "policyTypes": "Ingress",
        "ingress": "from no pods (unreadable selector) of its own namespace on TCP 80",
    }


def test_changes_name_each_field_that_says_something_else() -> None:
    old = {"podSelector": {}, "policyTypes": ["Ingress"]}
    new = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]}
    assert changes(old, new) == {
        "podSelector": {"old": "all pods", "new": "pods app=web"},
        "policyTypes": {"old": "Ingress", "new": "Ingress, Egress"},
        "egress": {"old": "not governed", "new": "nothing"},
    }


def test_nothing_that_means_the_same_is_a_change() -> None:
    assert changes({"podSelector": {}}, {"podSelector": {}, "ingress": []}) == {}


def test_a_change_beyond_words_is_shown_as_it_is() -> None:
    old = {"ingress": [{"from": [{"newKindOfPeer": 1}]}]}
    new = {"ingress": [{"from": [{"newKindOfPeer": 2}]}]}
    assert changes(old, new) == {
        "ingress": {"old": '[{"from": [{"newKindOfPeer": 1}]}]', "new": '[{"from": [{"newKindOfPeer": 2}]}]'}
    }
