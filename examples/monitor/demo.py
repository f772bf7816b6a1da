"""A server on which a short story happens, to see the monitor without a cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, final

from typing_extensions import Self

from informers import FactoryHealth, ReflectorOptions, Signal
from informers.backoff import BackoffSettings
from informers.kinds import core, networking
from informers.testing import APIServer
from monitor.report import Report

__all__ = ["Demo"]

_PODS, _POLICIES = core.V1.pods, networking.V1.network_policies


@final
class Demo:
    """An API server on loopback with nodes, pods and policies, and a story of what happens to them.

    Args:
        report: says what happens in the story.
        speed: how many times faster the story happens than in its normal 13 seconds.
    """

    def __init__(self, report: Report, *, speed: float = 1.0) -> None:
        self.server = APIServer()
        #: With shorter pauses after failures than by default, so that the story need not wait.
        self.reflector_options = ReflectorOptions(backoff=BackoffSettings(initial=0.4 / speed))
        self._report = report
        self._speed = speed
        self._stop = Signal()
        self._thread: threading.Thread | None = None
        for name, address in (("node-1", "192.168.1.11"), ("node-2", "192.168.1.12")):
            self.server.create(_node(name, address))
        self.server.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}})
        self.server.create(_pod("web-0", {"app": "web", "tier": "front"}, node="node-1", ip="10.0.1.10"))
        self.server.create(_pod("api-0", {"app": "api"}, node="node-2", ip="10.0.2.10"))
        self.server.create(_pod("db-0", {"app": "db"}, node="node-2", ip="10.0.2.11"))
        self.server.create(_pod("report-0", {"job": "report"}, node="node-1", ip="10.0.1.11", namespace="default"))
        self.server.create(_policy("default-deny", {"podSelector": {}, "policyTypes": ["Ingress"]}))
        self.server.create(
            _policy(
                "db-from-api",
                {
                    "podSelector": {"matchLabels": {"app": "db"}},
                    "ingress": [
                        {
                            "from": [{"podSelector": {"matchLabels": {"app": "api"}}}],
                            "ports": [{"protocol": "TCP", "port": 5432}],
                        }
                    ],
                },
            )
        )

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.server.stop()

    def play(self, health: Callable[[], FactoryHealth]) -> None:
        """Begin the story, in a thread of its own.

        Args:
            health: of the factory that watches, to know when it has noticed that its watches were cut.
        """
        self._thread = threading.Thread(target=self._play, args=(health,), name="demo")
        self._thread.start()

    def _play(self, health: Callable[[], FactoryHealth]) -> None:
        for pause in self._story(health):
            if self._stop.wait(pause / self._speed):
                return

    def _story(self, health: Callable[[], FactoryHealth]) -> Iterator[float]:
        """Do one thing after the other; yield the seconds in between."""
        yield 0.5
        self._say("a pod is created, gets its node, then its IP")
        self.server.create(_pod("web-1", {"app": "web", "tier": "front"}))
        yield 0.6
        self._change("web-1", {"spec": {"nodeName": "node-1"}})
        yield 0.6
        self._change("web-1", {"status": {"phase": "Running", "podIP": "10.0.1.12"}})
        yield 0.8
        self._say("a policy for outgoing traffic of the front pods, then another port in it")
        egress: list[dict[str, Any]] = [
            {"to": [{"podSelector": {"matchLabels": {"app": "api"}}}], "ports": [{"port": 8080}]}
        ]
        spec = {
            "podSelector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]},
            "policyTypes": ["Egress"],
            "egress": egress,
        }
        self.server.create(_policy("front-egress", spec))
        yield 0.8
        egress[0]["ports"].append({"port": 8443})
        self.server.update(_policy("front-egress", spec))
        yield 0.8
        yield from self._cut(health)
        yield 1.0
        self._say("a pod gets a label, so that another policy applies")
        self._change("api-0", {"metadata": {"labels": {"tier": "front"}}})
        yield 1.0
        self._say("a pod ends and is deleted, this time while it is watched")
        self._change("report-0", {"status": {"phase": "Succeeded"}})
        yield 0.6
        self.server.delete(_PODS, "report-0", namespace="default")
        yield 1.0
        self._say("the policy that kept everything out is deleted")
        self.server.delete(_POLICIES, "default-deny", namespace="shop")
        yield 2.5
        self._say("the story is over; resyncs continue, and show nothing")

    def _cut(self, health: Callable[[], FactoryHealth]) -> Iterator[float]:
        before = _lists(health())
        self._say("all watches are cut; meanwhile a pod and a policy are deleted, and the server forgets its history")
        self.server.stop_accepting()
        self.server.delete(_PODS, "web-1", namespace="shop")
        self.server.delete(_POLICIES, "db-from-api", namespace="shop")
        self.server.compact()
        self.server.resume_accepting()
        while any(now <= then for now, then in zip(_lists(health()), before, strict=True)):
            yield 0.1

    def _change(self, pod: str, patch: Mapping[str, Any]) -> None:
        namespace = "default" if pod == "report-0" else "shop"
        self.server.patch(_PODS, pod, patch, namespace=namespace)

    def _say(self, text: str) -> None:
        self._report.say("demo", text)


def _lists(health: FactoryHealth) -> list[int]:
    return [watch.lists for informer in health.informers for watch in informer.watches]


def _node(name: str, address: str) -> dict[str, Any]:
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "status": {"addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]},
    }


def _pod(
    name: str, labels: Mapping[str, str], *, node: str = "", ip: str = "", namespace: str = "shop"
) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"containers": [{"name": "main", "image": "example.com/demo"}], **({"nodeName": node} if node else {})},
        "status": {"phase": "Running", "podIP": ip} if ip else {"phase": "Pending"},
    }


def _policy(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "NetworkPolicy",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": dict(spec),
    }
