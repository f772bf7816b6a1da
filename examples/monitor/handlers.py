"""What the monitor does on events: it logs them, and queues pods for a look at their policies.

What a handler needs it is given: listers, a queue, and the report.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeGuard, TypeVar, final

import attrs
from kubernetes.client import V1NetworkPolicy, V1Node, V1Pod

from informers import (
    ClusterLister,
    DeletedFinalStateUnknown,
    NamespacedLister,
    NotFoundError,
    ObjectName,
    object_name,
)
from informers.workqueue import Queue
from monitor.policies import Json, changes, describe
from monitor.report import Report

__all__ = ["Counts", "PodHandler", "PolicyHandler"]

T = TypeVar("T")


@final
@attrs.define
class Counts:
    """How many events a handler has received. Its own thread counts.

    Attributes:
        added: among them what was there at the start.
        updated: those that were shown.
        unchanged: updates that were not shown: resyncs, and what a new list had again.
        deleted: tombstones included.
        tombstones: deletions that were noticed late.
        wrong: objects of the wrong type.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    tombstones: int = 0
    wrong: int = 0

    def __str__(self) -> str:
        text = (
            f"{self.added} added, {self.updated} updated, {self.unchanged} repeated and not shown, "
            f"{self.deleted} deleted, {self.tombstones} of them by tombstone"
        )
        return text + (f", {self.wrong} of the wrong type" if self.wrong else "")


@final
@attrs.frozen
class PodState:
    """What is looked at to tell a change of a pod from a repetition."""

    resource_version: str
    phase: str
    ips: tuple[str, ...]
    terminating: bool

    @classmethod
    def of(cls, pod: V1Pod) -> PodState:
        """Return the state of a pod; empty text for what it has not got yet."""
        status, metadata = pod.status, pod.metadata
        # Clients before 37 call the field `pod_i_ps`.
        listed: Any = getattr(status, "pod_ips", None) or getattr(status, "pod_i_ps", None) or ()
        addresses = [str(address.ip) for address in listed if address.ip]
        return cls(
            (metadata.resource_version if metadata else None) or "",
            (status.phase if status else None) or "Unknown",
            tuple(addresses) or ((status.pod_ip,) if status and status.pod_ip else ()),
            terminating=bool(metadata and metadata.deletion_timestamp),
        )

    @property
    def ip(self) -> str:
        """The first address; empty for none yet."""
        return self.ips[0] if self.ips else ""

    @property
    def addresses(self) -> str:
        """All addresses, for people: a pod with two families of addresses has two."""
        return " and ".join(self.ips)

    @property
    def life(self) -> str:
        """The phase, and whether the pod is being deleted."""
        return f"{self.phase}, terminating" if self.terminating else self.phase


@final
class PodHandler:
    """Reports the life of pods.

    Args:
        report: where to.
        nodes: for the address of a pod's node.
        queue: takes the names of pods whose policies need a look.
        ready: becomes true when all caches are filled, so that the nodes' lister has the answer; false if that will
            never be. Until then the handler waits: its events are kept in a queue of its own.
    """

    def __init__(
        self, report: Report, *, nodes: ClusterLister[V1Node], queue: Queue[ObjectName], ready: Future[bool]
    ) -> None:
        self.counts = Counts()
        self._report = report
        self._nodes = nodes
        self._queue = queue
        self._ready = ready

    def on_add(self, pod: V1Pod, is_in_initial_list: bool) -> None:
        """Report a new pod, and where it runs."""
        if not self._ready.result() or not _is_a(V1Pod, pod, "added", self._report, self.counts):
            return
        self.counts.added += 1
        name, state = object_name(pod), PodState.of(pod)
        node, address = self._node(pod)
        self._report.say(
            "pod_added",
            f"{name}  {state.addresses or 'no IP yet'}  {state.life}  {_where(node, address)}",
            {
                "namespace": name.namespace,
                "name": name.name,
                "ip": state.ip,
                "ips": state.ips,
                "phase": state.phase,
                "terminating": state.terminating,
                "node": node,
                "node_address": address,
                "initial": is_in_initial_list,
            },
        )
        self._queue.add(name)

    def on_update(self, old: V1Pod, new: V1Pod) -> None:
        """Report a change. Resyncs, which deliver every pod again, are not changes."""
        if not self._ready.result() or not _are_a(V1Pod, old, new, self._report, self.counts):
            return
        before, after = PodState.of(old), PodState.of(new)
        if before == after:
            self.counts.unchanged += 1
            return
        self.counts.updated += 1
        name = object_name(new)
        node, address = self._node(new)
        fields: dict[str, object] = {
            "namespace": name.namespace,
            "name": name.name,
            "node": node,
            "node_address": address,
        }
        words: list[str] = []
        for field in ("phase", "ip", "ips", "terminating", "resource_version"):
            fields[field] = {"old": getattr(before, field), "new": getattr(after, field)}
        if after.terminating and not before.terminating:
            words.append("terminating")
        for field, label in (("phase", "phase"), ("addresses", "IP"), ("resource_version", "version")):
            one, other = getattr(before, field), getattr(after, field)
            words.append(
                f"{label} {one or 'none'} -> {other or 'none'}" if one != other else f"{label} {one or 'none'}"
            )
        if node != self._node(old)[0]:
            words.append(f"now {_where(node, address)}")
        self._report.say("pod_updated", f"{name}  {', '.join(words)}", fields)
        self._queue.add(name)

    def on_delete(self, obj: V1Pod | DeletedFinalStateUnknown[Any]) -> None:
        """Report the end of a pod, whether it was seen or only noticed afterwards."""
        if not self._ready.result():
            return
        deleted = _deleted(V1Pod, obj, self._report, self.counts)
        if deleted is None:
            return
        phase = "Unknown" if deleted.obj is None else PodState.of(deleted.obj).phase
        how = f"recovered from a tombstone, last seen {phase}" if deleted.is_tombstone else f"was {phase}"
        self._report.say(
            "pod_deleted",
            f"{deleted.name}  {how}",
            {
                "namespace": deleted.name.namespace,
                "name": deleted.name.name,
                "phase": phase,
                "tombstone": deleted.is_tombstone,
            },
        )
        self._queue.add(deleted.name)

    def _node(self, pod: V1Pod) -> tuple[str, str]:
        """Return the name of a pod's node and its address; empty for what is not known."""
        name = (pod.spec.node_name if pod.spec else None) or ""
        try:
            status = self._nodes.get(name).status if name else None
        except NotFoundError:
            status = None
        addresses = (status.addresses if status else None) or []
        # With several of a type the first is the one to use.
        by_type = {address.type: address.address for address in reversed(addresses)}
        return name, by_type.get("InternalIP") or by_type.get("ExternalIP") or by_type.get("Hostname") or ""


@final
class PolicyHandler:
    """Reports the life of network policies.

    Args:
        report: where to.
        pods: those of a policy's namespace need a look when it changes.
        queue: takes their names.
        ready: as in `PodHandler`.
        to_json: makes the wire's form of a model, for example `api_client.sanitize_for_serialization`.
    """

    def __init__(
        self,
        report: Report,
        *,
        pods: NamespacedLister[V1Pod],
        queue: Queue[ObjectName],
        ready: Future[bool],
        to_json: Callable[[Any], Any],
    ) -> None:
        self.counts = Counts()
        self._report = report
        self._pods = pods
        self._queue = queue
        self._ready = ready
        self._to_json = to_json

    def on_add(self, policy: V1NetworkPolicy, is_in_initial_list: bool) -> None:
        """Report a new policy, and what it says."""
        if not self._ready.result() or not _is_a(V1NetworkPolicy, policy, "added", self._report, self.counts):
            return
        self.counts.added += 1
        name, words = object_name(policy), describe(self._spec(policy))
        rules = "; ".join(
            f"{direction} {words[direction]}" for direction in ("ingress", "egress") if direction in words
        )
        self._report.say(
            "policy_added",
            f"{name}  for {words['podSelector']}: {rules}",
            {"namespace": name.namespace, "name": name.name, "spec": words, "initial": is_in_initial_list},
        )
        # Of what was there at the start, each pod enters the queue alone.
        if not is_in_initial_list:
            self._look_at(name.namespace)

    def on_update(self, old: V1NetworkPolicy, new: V1NetworkPolicy) -> None:
        """Report what changed in a policy, unless nothing did."""
        if not self._ready.result() or not _are_a(V1NetworkPolicy, old, new, self._report, self.counts):
            return
        versions = [(policy.metadata.resource_version if policy.metadata else None) or "" for policy in (old, new)]
        if versions[0] == versions[1]:
            self.counts.unchanged += 1
            return
        self.counts.updated += 1
        name, changed = object_name(new), changes(self._spec(old), self._spec(new))
        what = "; ".join(f"{field}: {change['old']} -> {change['new']}" for field, change in changed.items())
        self._report.say(
            "policy_updated",
            f"{name}  {what or 'nothing in its spec'}, version {versions[0]} -> {versions[1]}",
            {
                "namespace": name.namespace,
                "name": name.name,
                "resource_version": {"old": versions[0], "new": versions[1]},
                "changed": changed,
            },
        )
        self._look_at(name.namespace)

    def on_delete(self, obj: V1NetworkPolicy | DeletedFinalStateUnknown[Any]) -> None:
        """Report the end of a policy."""
        if not self._ready.result():
            return
        deleted = _deleted(V1NetworkPolicy, obj, self._report, self.counts)
        if deleted is None:
            return
        name = deleted.name
        self._report.say(
            "policy_deleted",
            f"{name}" + ("  recovered from a tombstone" if deleted.is_tombstone else ""),
            {"namespace": name.namespace, "name": name.name, "tombstone": deleted.is_tombstone},
        )
        self._look_at(name.namespace)

    def _spec(self, policy: V1NetworkPolicy) -> Json:
        return self._to_json(policy.spec) or {}

    def _look_at(self, namespace: str) -> None:
        for pod in self._pods.namespace(namespace).list():
            self._queue.add(object_name(pod))


@final
@attrs.frozen
class _Deleted:
    """What a delete handler was told: the object as it was last seen, which a tombstone may lack."""

    name: ObjectName
    obj: Any
    is_tombstone: bool


def _where(node: str, address: str) -> str:
    return f"on {node} ({address or 'address unknown'})" if node else "on no node yet"


def _deleted(expected: type[Any], obj: Any, report: Report, counts: Counts) -> _Deleted | None:
    """Return what was deleted, counted; or None if it is of the wrong type, reported."""
    if not isinstance(obj, DeletedFinalStateUnknown):
        if not _is_a(expected, obj, "deleted", report, counts):
            return None
        counts.deleted += 1
        return _Deleted(object_name(obj), obj, is_tombstone=False)
    if obj.obj is not None and not _is_a(expected, obj.obj, f"deleted (a tombstone of {obj.key})", report, counts):
        return None
    counts.deleted += 1
    counts.tombstones += 1
    return _Deleted(obj.name, obj.obj, is_tombstone=True)


def _is_a(expected: type[T], obj: object, what: str, report: Report, counts: Counts) -> TypeGuard[T]:
    if isinstance(obj, expected):
        return True
    counts.wrong += 1
    report.error(
        f"expected a {expected.__name__} to have been {what}: got {type(obj).__name__}",
        {"expected": expected.__name__, "got": type(obj).__name__},
    )
    return False


def _are_a(expected: type[Any], old: object, new: object, report: Report, counts: Counts) -> bool:
    return _is_a(expected, old, "updated", report, counts) and _is_a(expected, new, "updated", report, counts)
