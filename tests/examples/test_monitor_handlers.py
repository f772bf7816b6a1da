"""The monitor's handlers and its tracker, called as the library would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import attrs
import pytest
from kubernetes.client import ApiClient, V1NetworkPolicy, V1Node, V1Pod
from monitor.handlers import PodHandler, PolicyHandler
from monitor.selection import SelectionTracker

from informers import ClusterLister, DeletedFinalStateUnknown, NamespacedLister, ObjectName, Store
from informers._base.signals import Signal
from informers.kinds import core, networking
from informers.resources import Resource
from informers.source._bytes.sources import OpenSource
from informers.source._models.object_makers import maker
from informers.workqueue import Queue
from tests.examples.lines import Lines, reporting

DENY: dict[str, Any] = {"podSelector": {}}


def made(resource: Resource[Any], kind: str, name: str, version: str, **content: Any) -> Any:
    """An object as informers give it out."""
    metadata = {"name": name, "namespace": "shop", "resourceVersion": version, "labels": content.pop("labels", {})}
    obj = {"kind": kind, "apiVersion": resource.api_version, "metadata": metadata, **content}
    return maker(resource)(OpenSource(json.dumps(obj).encode(), f"shop/{name}"))


def pod(name: str = "web-0", version: str = "1", *, phase: str = "Running", ip: str = "10.0.0.7", **rest: Any) -> V1Pod:
    status = {"phase": phase, **({"podIP": ip} if ip else {})}
    return made(core.V1.pods, "Pod", name, version, spec={"nodeName": rest.pop("node", "")}, status=status, **rest)


def policy(name: str = "deny", version: str = "1", spec: Any = DENY) -> V1NetworkPolicy:
    return made(networking.V1.network_policies, "NetworkPolicy", name, version, spec=spec)


def node(name: str, *addresses: tuple[str, str]) -> V1Node:
    listed = [{"type": type_, "address": address} for type_, address in addresses]
    found: V1Node = made(core.V1.nodes, "Node", name, "1", status={"addresses": listed})
    assert found.metadata is not None
    found.metadata.namespace = None
    return found


@attrs.define
class World:
    """Everything that handlers are given, without a server."""

    lines: Lines
    pods: Store[V1Pod]
    policies: Store[V1NetworkPolicy]
    nodes: Store[V1Node]
    queue: Queue[ObjectName]
    ready: Future[bool]
    stop: Signal
    pod_handler: PodHandler
    policy_handler: PolicyHandler
    tracker: SelectionTracker

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """What has been reported since the last call, without what all events have."""
        found = self.lines.events(*kinds)
        self.lines.truncate(0)
        self.lines.seek(0)
        return [{key: event[key] for key in event if key not in {"time", "level", "message"}} for event in found]

    def queued(self) -> list[str]:
        """What waits in the queue, which is empty then."""
        names = []
        while len(self.queue):
            name = self.queue.get(timeout=0)
            names.append(str(name))
            self.queue.done(name)
        return names


@pytest.fixture
def world() -> Iterator[World]:
    lines, stop = Lines(), Signal()
    pods, policies, nodes = Store[V1Pod](), Store[V1NetworkPolicy](), Store[V1Node]()
    pod_lister, policy_lister = NamespacedLister(pods, "pods"), NamespacedLister(policies, "networkpolicies")
    queue, ready = Queue[ObjectName](), Future[bool]()
    ready.set_result(True)
    with reporting(lines) as report:
        yield World(
            lines,
            pods,
            policies,
            nodes,
            queue,
            ready,
            stop,
            PodHandler(report, nodes=ClusterLister(nodes, "nodes"), queue=queue, ready=ready),
            PolicyHandler(
                report, pods=pod_lister, queue=queue, ready=ready, to_json=ApiClient().sanitize_for_serialization
            ),
            SelectionTracker(report, pods=pod_lister, policies=policy_lister, queue=queue, stop=stop),
        )


def test_a_new_pod_is_reported_with_its_nodes_address(world: World) -> None:
    world.nodes.add(node("node-1", ("Hostname", "n1"), ("InternalIP", "192.168.1.1"), ("InternalIP", "fd00::1")))
    world.pod_handler.on_add(pod(node="node-1"), True)
    assert "shop/web-0  10.0.0.7  Running  on node-1 (192.168.1.1)" in world.lines.getvalue()
    assert world.events() == [
        {
            "event": "pod_added",
            "namespace": "shop",
            "name": "web-0",
            "ip": "10.0.0.7",
            "ips": ["10.0.0.7"],
            "phase": "Running",
            "terminating": False,
            "node": "node-1",
            "node_address": "192.168.1.1",
            "initial": True,
        }
    ]
    assert world.queued() == ["shop/web-0"]


def test_both_addresses_of_a_dual_stack_pod_are_reported(world: World) -> None:
    dual = made(
        core.V1.pods,
        "Pod",
        "web-0",
        "1",
        status={"phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}, {"ip": "fd00::7"}]},
    )
    world.pod_handler.on_add(dual, False)
    assert "shop/web-0  10.0.0.7 and fd00::7  Running" in world.lines.getvalue()
    (event,) = world.events("pod_added")
    assert event["ips"] == ["10.0.0.7", "fd00::7"]


def test_a_pod_that_is_being_deleted_is_reported_as_terminating(world: World) -> None:
    old, new = pod(), pod(version="2")
    assert new.metadata is not None
    new.metadata.deletion_timestamp = "2026-01-01T00:00:00Z"
    world.pod_handler.on_update(old, new)
    assert "shop/web-0  terminating, phase Running" in world.lines.getvalue()
    (event,) = world.events("pod_updated")
    assert event["terminating"] == {"old": False, "new": True}


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([("Hostname", "n1"), ("ExternalIP", "8.8.8.8")], "8.8.8.8"),
        ([("Hostname", "n1")], "n1"),
        ([], ""),
    ],
)
def test_a_node_without_an_internal_address_shows_the_next_best(
    world: World, addresses: list[tuple[str, str]], expected: str
) -> None:
    world.nodes.add(node("node-1", *addresses))
    world.pod_handler.on_add(pod(node="node-1"), False)
    assert [event["node_address"] for event in world.events()] == [expected]


def test_a_node_that_is_not_in_the_cache_is_named_without_an_address(world: World) -> None:
    world.pod_handler.on_add(pod(node="gone"), False)
    assert "on gone (address unknown)" in world.lines.getvalue()


def test_an_update_that_changes_nothing_is_silent(world: World) -> None:
    world.pod_handler.on_update(pod(), pod())
    world.policy_handler.on_update(policy(), policy())
    assert world.events() == []
    assert world.queued() == []
    assert (world.pod_handler.counts.unchanged, world.policy_handler.counts.unchanged) == (1, 1)


def test_an_update_of_a_pod_shows_old_and_new_of_version_phase_and_ip(world: World) -> None:
    world.pod_handler.on_update(pod(phase="Pending", ip="", version="1"), pod(version="2", node="node-1"))
    text = "shop/web-0  phase Pending -> Running, IP none -> 10.0.0.7, version 1 -> 2, now on node-1 (address unknown)"
    assert text in world.lines.getvalue()
    (event,) = world.events()
    assert event["phase"] == {"old": "Pending", "new": "Running"}
    assert event["ip"] == {"old": "", "new": "10.0.0.7"}
    assert event["resource_version"] == {"old": "1", "new": "2"}
    assert world.queued() == ["shop/web-0"]


def test_an_update_of_a_pods_version_alone_is_shown(world: World) -> None:
    world.pod_handler.on_update(pod(version="1"), pod(version="2"))
    assert "phase Running, IP 10.0.0.7, version 1 -> 2" in world.lines.getvalue()


def test_the_end_of_a_pod_shows_its_last_phase(world: World) -> None:
    world.pod_handler.on_delete(pod(phase="Succeeded"))
    assert world.events() == [
        {"event": "pod_deleted", "namespace": "shop", "name": "web-0", "phase": "Succeeded", "tombstone": False}
    ]
    assert world.queued() == ["shop/web-0"]


@pytest.mark.parametrize(("last", "phase"), [(pod(phase="Failed"), "Failed"), (None, "Unknown")])
def test_a_pod_is_recovered_from_a_tombstone_even_an_empty_one(world: World, last: V1Pod | None, phase: str) -> None:
    world.pod_handler.on_delete(DeletedFinalStateUnknown("shop/web-0", last))
    assert "recovered from a tombstone" in world.lines.getvalue()
    assert world.events() == [
        {"event": "pod_deleted", "namespace": "shop", "name": "web-0", "phase": phase, "tombstone": True}
    ]
    assert world.queued() == ["shop/web-0"]
    assert (world.pod_handler.counts.deleted, world.pod_handler.counts.tombstones) == (1, 1)


def test_a_policy_that_comes_goes_or_changes_has_the_pods_of_its_namespace_looked_at(world: World) -> None:
    world.pods.add(pod("web-0"))
    world.pods.add(pod("web-1"))
    world.policy_handler.on_add(policy(), False)
    assert world.queued() == ["shop/web-0", "shop/web-1"]
    world.policy_handler.on_update(policy(), policy(version="2"))
    assert world.queued() == ["shop/web-0", "shop/web-1"]
    world.policy_handler.on_delete(DeletedFinalStateUnknown("shop/deny", policy()))
    assert world.queued() == ["shop/web-0", "shop/web-1"]
    assert [event["event"] for event in world.events()] == ["policy_added", "policy_updated", "policy_deleted"]


def test_a_policy_of_the_start_leaves_it_to_the_pods_to_be_looked_at(world: World) -> None:
    world.pods.add(pod("web-0"))
    world.policy_handler.on_add(policy(), True)
    assert world.queued() == []


def test_an_update_of_a_policy_shows_what_changed_in_its_spec(world: World) -> None:
    world.policy_handler.on_update(
        policy(), policy(version="2", spec={**DENY, "ingress": [{"from": [{"podSelector": {}}]}]})
    )
    world.policy_handler.on_update(policy(), policy(version="3"))
    text = world.lines.getvalue()
    assert "shop/deny  ingress: nothing -> from all pods of its own namespace, version 1 -> 2" in text
    assert "shop/deny  nothing in its spec, version 1 -> 3" in text
    first, second = world.events()
    assert first["changed"] == {"ingress": {"old": "nothing", "new": "from all pods of its own namespace"}}
    assert first["resource_version"] == {"old": "1", "new": "2"}
    assert second["changed"] == {}


@pytest.mark.parametrize("wrong", [policy(), {"metadata": {"name": "x"}}, "text", None, object()])
def test_a_pod_handler_says_that_an_object_is_of_the_wrong_type_and_nothing_worse(world: World, wrong: Any) -> None:
    handler = world.pod_handler
    handler.on_add(wrong, False)
    handler.on_update(wrong, pod())
    handler.on_update(pod(), wrong)
    handler.on_delete(wrong)
    events = world.lines.events()
    assert [(event["level"], event["event"], event["expected"]) for event in events] == [
        ("error", "error", "V1Pod")
    ] * 4
    assert type(wrong).__name__ in events[0]["message"]
    assert world.queued() == []
    assert (handler.counts.wrong, handler.counts.added, handler.counts.deleted) == (4, 0, 0)


@pytest.mark.parametrize("wrong", [pod(), {"metadata": {"name": "x"}}, 7, None])
def test_a_policy_handler_says_that_an_object_is_of_the_wrong_type_and_nothing_worse(world: World, wrong: Any) -> None:
    handler = world.policy_handler
    handler.on_add(wrong, False)
    handler.on_update(wrong, policy())
    handler.on_update(policy(), wrong)
    handler.on_delete(wrong)
    assert [event["expected"] for event in world.events("error")] == ["V1NetworkPolicy"] * 4
    assert handler.counts.wrong == 4


def test_a_tombstone_that_holds_an_object_of_the_wrong_type_is_an_error_in_the_log(world: World) -> None:
    world.pod_handler.on_delete(DeletedFinalStateUnknown("shop/web-0", policy()))
    world.policy_handler.on_delete(DeletedFinalStateUnknown("shop/deny", pod()))
    events = world.lines.events()
    assert [(event["level"], event["expected"], event["got"]) for event in events] == [
        ("error", "V1Pod", "V1NetworkPolicy"),
        ("error", "V1NetworkPolicy", "V1Pod"),
    ]
    assert "a tombstone of shop/web-0" in events[0]["message"]


def test_handlers_say_nothing_when_the_caches_will_never_be_filled(world: World) -> None:
    never: Future[bool] = Future()
    never.set_result(False)
    with reporting(world.lines) as report:
        pods = PodHandler(report, nodes=ClusterLister(world.nodes, "nodes"), queue=world.queue, ready=never)
        pods.on_add(pod(), True)
        pods.on_update(pod(), pod(version="2"))
        pods.on_delete(pod())
    assert world.events() == []


def test_a_handler_waits_until_the_caches_are_filled(world: World) -> None:
    ready: Future[bool] = Future()
    with reporting(world.lines) as report:
        handler = PodHandler(report, nodes=ClusterLister(world.nodes, "nodes"), queue=world.queue, ready=ready)
        thread = threading.Thread(target=handler.on_add, args=(pod(node="node-1"), True))
        thread.start()
        world.nodes.add(node("node-1", ("InternalIP", "192.168.1.1")))
        ready.set_result(True)
        thread.join(10)
    assert "192.168.1.1" in world.lines.getvalue()


def test_the_tracker_reports_a_selection_when_it_changes_and_only_then(world: World) -> None:
    name, look = ObjectName("shop", "web-0"), world.tracker.look_at
    world.pods.add(pod(labels={"app": "web"}))
    look(name)
    look(name)
    world.policies.add(policy())
    look(name)
    world.policies.update(policy(version="2", spec={"podSelector": {"matchLabels": {"app": "web"}}}))
    look(name)
    world.policies.update(policy(version="3", spec={"podSelector": {"matchLabels": {"app": "db"}}}))
    look(name)
    assert [(event["ingress"], event["egress"]) for event in world.events("pod_policies")] == [
        ([], []),
        (["deny"], []),
        ([], []),
    ]


def test_the_tracker_forgets_a_pod_that_is_gone(world: World) -> None:
    name = ObjectName("shop", "web-0")
    world.pods.add(pod())
    world.tracker.look_at(name)
    world.pods.delete(pod())
    world.tracker.look_at(name)
    world.pods.add(pod())
    world.tracker.look_at(name)
    assert len(world.events("pod_policies")) == 2


def test_a_policy_that_cannot_be_read_is_named_once_and_left_out(world: World) -> None:
    broken = {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Sometimes"}]}}
    world.policies.add(policy("broken", spec=broken))
    world.policies.add(policy())
    for name in ("web-0", "web-1"):
        world.pods.add(pod(name))
        world.tracker.look_at(ObjectName("shop", name))
    errors = world.lines.events("error")
    assert ["shop/broken" in event["message"] for event in errors] == [True]
    assert [event["ingress"] for event in world.events("pod_policies")] == [["deny"], ["deny"]]


def test_a_pod_that_cannot_be_read_does_not_end_the_tracker(world: World) -> None:
    unreadable: Any = {"metadata": {"namespace": "shop", "name": "a", "labels": 7}}
    world.pods.add(unreadable)
    world.pods.add(pod("b"))
    for name in ("a", "b"):
        world.queue.add(ObjectName("shop", name))
    world.queue.shut_down()
    world.tracker.run()
    first, second = world.lines.events()
    assert (first["level"], first["message"]) == ("error", "can't tell which policies select shop/a")
    assert "Traceback" in first["exception"]
    assert (second["event"], second["name"]) == ("pod_policies", "b")


def test_what_is_left_in_the_queue_is_not_looked_at_after_a_stop(world: World) -> None:
    world.pods.add(pod())
    world.queue.add(ObjectName("shop", "web-0"))
    world.queue.shut_down()
    world.stop.set()
    world.tracker.run()
    assert world.events() == []
