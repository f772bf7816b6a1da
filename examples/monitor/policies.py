"""What a network policy says, and which pods it selects.

The rules are those of the API: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, final

import attrs
from kubernetes.client import V1NetworkPolicy

from informers import ConfigurationError, LabelSelector

__all__ = ["Json", "PolicyScope", "changes", "describe"]

#: A policy's spec as it is on the wire.
Json: TypeAlias = Mapping[str, Any]


@final
@attrs.frozen
class PolicyScope:
    """Which pods of its namespace a policy selects, and which of their traffic it governs.

    Attributes:
        name: of the policy.
        selector: of pods.
        ingress: whether what it does not allow in is kept out.
        egress: whether what it does not allow out is kept in.
    """

    name: str
    selector: LabelSelector
    ingress: bool
    egress: bool

    @classmethod
    def of(cls, policy: V1NetworkPolicy) -> PolicyScope:
        """Return the scope of a policy.

        Raises:
            ConfigurationError: its selector can't be read.
        """
        spec = policy.spec
        types = (spec.policy_types if spec else None) or _default_types(has_egress=bool(spec and spec.egress))
        name = (policy.metadata.name if policy.metadata else None) or ""
        return cls(name, _selector(spec.pod_selector if spec else None), "Ingress" in types, "Egress" in types)

    def selects(self, labels: Mapping[str, str] | None) -> bool:
        """Return whether it selects a pod with these labels."""
        return self.selector.matches(labels or {})


def describe(spec: Json) -> dict[str, str]:
    """Return what a spec says, in words, by its fields; directions that it does not govern are left out.

    Example:
        >>> describe({"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}]})
        {'podSelector': 'all pods', 'policyTypes': 'Ingress', 'ingress': 'from pods app=api of its own namespace'}
    """
    types = _types(spec)
    words = {"podSelector": _pods(spec.get("podSelector")), "policyTypes": ", ".join(types)}
    if "Ingress" in types:
        words["ingress"] = _rules(spec.get("ingress"), "from")
    if "Egress" in types:
        words["egress"] = _rules(spec.get("egress"), "to")
    return words


def changes(old: Json, new: Json) -> dict[str, dict[str, str]]:
    """Return what differs between two specs: by field, what it said under `old` and what it says under `new`."""
    before, after = describe(old), describe(new)
    changed: dict[str, dict[str, str]] = {}
    for field in ("podSelector", "policyTypes", "ingress", "egress"):
        one, other = before.get(field, "not governed"), after.get(field, "not governed")
        if one != other:
            changed[field] = {"old": one, "new": other}
        elif (old.get(field) or None) != (new.get(field) or None):
            # A difference that the words have no word for.
            changed[field] = {"old": json.dumps(old.get(field)), "new": json.dumps(new.get(field))}
    return changed


def _default_types(*, has_egress: bool) -> Sequence[str]:
    return ["Ingress", "Egress"] if has_egress else ["Ingress"]


def _types(spec: Json) -> Sequence[str]:
    return spec.get("policyTypes") or _default_types(has_egress=bool(spec.get("egress")))


def _selector(selector: Any) -> LabelSelector:
    # Elsewhere in the API a selector that is left out selects nothing; here it selects every pod, as an empty one does.
    return LabelSelector.from_label_selector({} if selector is None else selector)


def _pods(selector: Any) -> str:
    return _words("pods", selector)


def _words(what: str, selector: Any) -> str:
    try:
        text = str(_selector(selector))
    except ConfigurationError:
        # A server may hold policies that are older than its rules.
        return f"no {what} (unreadable selector)"
    return f"{what} {text}" if text else f"all {what}"


def _rules(rules: Sequence[Json] | None, preposition: str) -> str:
    if not rules:
        return "nothing"
    return "; ".join(_rule(rule, preposition) for rule in rules)


def _rule(rule: Json, preposition: str) -> str:
    peers = _list(rule.get(preposition), _peer, " or ")
    ports = _list(rule.get("ports"), _port, ", ")
    return f"{preposition} {peers or 'anywhere'}" + (f" on {ports}" if ports else "")


def _list(items: Sequence[Json] | None, words: Callable[[Json], str], separator: str) -> str:
    return separator.join(words(item) for item in items or ())


def _peer(peer: Json) -> str:
    block = peer.get("ipBlock")
    if block:
        excluded = ", ".join(block.get("except") or ())
        return f"{block.get('cidr')}" + (f" except {excluded}" if excluded else "")
    namespaces = peer.get("namespaceSelector")
    pods = _pods(peer.get("podSelector"))
    return f"{pods} of its own namespace" if namespaces is None else f"{pods} in {_words('namespaces', namespaces)}"


def _port(port: Json) -> str:
    number, end = port.get("port", "any port"), port.get("endPort")
    return f"{port.get('protocol') or 'TCP'} {number}" + (f"-{end}" if end else "")
