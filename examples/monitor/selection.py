"""Which policies select each pod: worked out from the listers, and reported when it changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import final

import attrs
from kubernetes.client import V1NetworkPolicy, V1Pod

from informers import ConfigurationError, NamespacedLister, NotFoundError, ObjectName, Signal, object_name
from informers.workqueue import Queue
from monitor.policies import PolicyScope
from monitor.report import Report

__all__ = ["Selection", "SelectionTracker"]


@final
@attrs.frozen
class Selection:
    """Which policies govern a pod's traffic, by name; a direction without any is open.

    Attributes:
        ingress: of what comes in.
        egress: of what goes out.
        host_network: whether the pod is in its node's network, where most network plugins apply no policy.
    """

    ingress: tuple[str, ...]
    egress: tuple[str, ...]
    host_network: bool = False

    @classmethod
    def of(cls, pod: V1Pod, scopes: Iterable[PolicyScope]) -> Selection:
        """Return the selection of a pod by the policies of its namespace."""
        labels = pod.metadata.labels if pod.metadata else None
        selecting = sorted((scope for scope in scopes if scope.selects(labels)), key=lambda scope: scope.name)
        return cls(
            tuple(scope.name for scope in selecting if scope.ingress),
            tuple(scope.name for scope in selecting if scope.egress),
            host_network=bool(pod.spec and pod.spec.host_network),
        )

    def __str__(self) -> str:
        if not self.ingress and not self.egress:
            text = "open: no policy selects it"
        else:
            ingress, egress = (f"by {', '.join(names)}" if names else "open" for names in (self.ingress, self.egress))
            text = f"ingress {ingress}; egress {egress}"
        return text + (" (in its node's network: most network plugins apply no policy)" if self.host_network else "")


@final
class SelectionTracker:
    """Follows the selection of every pod whose name comes through a queue.

    A name says no more than that something may have changed: what holds is in the listers. So it does no harm that
    the queue merges names, and that events of pods and policies come in any order.

    It is not an `informers.controllers.Controller`: the handlers say which changes are worth a look, after they have
    reported them, and it writes nothing that could fail and be retried.

    Args:
        report: where changes go.
        pods: for the labels.
        policies: for the selectors.
        queue: of the names.
        stop: when it is raised, what is left in the queue is not looked at any more.
    """

    def __init__(
        self,
        report: Report,
        *,
        pods: NamespacedLister[V1Pod],
        policies: NamespacedLister[V1NetworkPolicy],
        queue: Queue[ObjectName],
        stop: Signal,
    ) -> None:
        self._report = report
        self._pods = pods
        self._policies = policies
        self._queue = queue
        self._stop = stop
        self._known: dict[ObjectName, Selection] = {}
        #: By namespace, and there by name and resource version: a policy is read once, not once for each pod.
        self._scopes: dict[str, dict[tuple[str, str], PolicyScope | None]] = {}

    def run(self) -> None:
        """Work until the queue is shut down."""
        for name in self._queue.items():
            try:
                if not self._stop.is_set():
                    self.look_at(name)
            except Exception:
                # One pod that can't be read must not end the thread that looks after all others.
                self._report.log.exception("can't tell which policies select %s", name)
            finally:
                self._queue.done(name)

    def look_at(self, name: ObjectName) -> None:
        """Report the selection of a pod if it is new or has changed."""
        try:
            pod = self._pods.namespace(name.namespace).get(name.name)
        except NotFoundError:
            self._known.pop(name, None)
            return
        selection = Selection.of(pod, self._scopes_in(name.namespace))
        if selection == self._known.get(name):
            return
        self._known[name] = selection
        self._report.say(
            "pod_policies",
            f"{name}  {selection}",
            {
                "namespace": name.namespace,
                "name": name.name,
                "ingress": selection.ingress,
                "egress": selection.egress,
                "host_network": selection.host_network,
            },
        )

    def _scopes_in(self, namespace: str) -> list[PolicyScope]:
        known = self._scopes.get(namespace, {})
        current: dict[tuple[str, str], PolicyScope | None] = {}
        for policy in self._policies.namespace(namespace).list():
            metadata = policy.metadata
            key = ((metadata.name if metadata else None) or "", (metadata.resource_version if metadata else None) or "")
            current[key] = known[key] if key in known else self._scope(policy)
        self._scopes[namespace] = current
        return [scope for scope in current.values() if scope is not None]

    def _scope(self, policy: V1NetworkPolicy) -> PolicyScope | None:
        try:
            return PolicyScope.of(policy)
        except ConfigurationError as problem:
            self._report.error(f"network policy {object_name(policy)} can't be read and is left out: {problem}")
            return None
