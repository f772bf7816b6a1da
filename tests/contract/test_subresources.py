"""Parts of objects that have rules of their own, and reviews."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import Answer, Server

CONTAINERS = [{"name": "c", "image": "i"}]
SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
APPS = "/apis/apps/v1"


@pytest.fixture
def deployment(space: Namespace) -> str:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}}
    expressions = [{"key": "c", "operator": "NotIn", "values": ["y", "x"]}]
    selector = {"matchLabels": {"a": "b"}, "matchExpressions": expressions}
    body = {"metadata": {"name": "d"}, "spec": {"selector": selector, "template": template}}
    space.server.create(space.path("deployments", APPS), body)
    return space.path("deployments/d", APPS)


def pod(space: Namespace, name: str, *, phase: str = "Running", ready: str = "True") -> str:
    body = {"metadata": {"name": name, "labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}}
    space.server.create(space.path("pods"), body)
    path = space.path(f"pods/{name}")
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
    space.server.patch(f"{path}/status", {"status": status}).ok()
    return path


def message(answer: Answer, code: int) -> str:
    assert answer.status == code, answer.raw
    said: str = answer.json()["message"]
    return said


def test_a_scale_is_read_and_written_and_the_object_follows(server: Server, deployment: str) -> None:
    scale = server.get(f"{deployment}/scale").ok()
    assert (scale["kind"], scale["apiVersion"], scale["spec"]) == ("Scale", "autoscaling/v1", {"replicas": 1})
    assert scale["status"] == {"replicas": 0, "selector": "a=b,c notin (x,y)"}
    assert list(scale["metadata"]) == ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"]
    for kind, change in (
        ("merge", {"spec": {"replicas": 3}}),
        ("strategic-merge", {"spec": {"replicas": 4}}),
        ("json", [{"op": "replace", "path": "/spec/replicas", "value": 5}]),
    ):
        changed = server.patch(f"{deployment}/scale", change, kind).ok()
        assert server.get(deployment).ok()["spec"]["replicas"] == changed["spec"]["replicas"]
    assert changed["spec"] == {"replicas": 5}
    assert server.get(deployment).ok()["metadata"]["generation"] == 4
    changed["spec"]["replicas"] = 0
    assert server.send("PUT", f"{deployment}/scale", changed).ok()["spec"] == {}
    assert "has been modified" in message(server.send("PUT", f"{deployment}/scale", changed), 409)


def test_a_scale_is_of_what_there_is_and_not_negative(server: Server, deployment: str) -> None:
    assert message(server.get(f"{deployment}x/scale"), 404) == 'deployments.apps "dx" not found'
    said = message(server.patch(f"{deployment}/scale", {"spec": {"replicas": -3}}), 422)
    assert said == (
        'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -3: must be greater than or equal to 0'
    )


@pytest.mark.parametrize("is_old", [False, True])
def test_a_binding_gives_a_pod_its_node_once(server: Server, space: Namespace, is_old: bool) -> None:
    path = pod(space, "p", phase="Pending")
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    where = space.path("bindings") if is_old else f"{path}/binding"
    answer = server.send("POST", where, binding)
    assert (answer.status, answer.json()) == (201, SUCCESS)
    bound = server.get(path).ok()
    assert bound["spec"]["nodeName"] == "n"
    assert {"type": "PodScheduled", "status": "True"}.items() <= bound["status"]["conditions"][-1].items()
    assert message(server.send("POST", where, binding), 409) == (
        'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"'
    )
    absent = {**binding, "metadata": {"name": "nope"}}
    assert message(server.send("POST", where.replace("/p/", "/nope/"), absent), 404) == 'pods "nope" not found'


def evict(server: Server, path: str, **params: str) -> Answer:
    return server.send("POST", f"{path}/eviction", {"metadata": {"name": path.rpartition("/")[2]}}, params)


def budget(space: Namespace, **status: int) -> str:
    path = space.path("poddisruptionbudgets", "/apis/policy/v1")
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}
    space.server.create(path, {"metadata": {"name": "b"}, "spec": spec})
    if status:
        space.server.patch(f"{path}/b/status", {"status": {"observedGeneration": 1, **status}}).ok()
    return f"{path}/b"


def test_an_eviction_deletes_a_pod(server: Server, space: Namespace) -> None:
    path = pod(space, "p")
    assert evict(server, path, dryRun="All").json() == SUCCESS
    assert server.get(path).status == 200
    answer = evict(server, path)
    assert (answer.status, answer.json()) == (201, SUCCESS)
    assert message(server.get(path), 404) == 'pods "p" not found'
    assert message(evict(server, path), 404) == 'pods "p" not found'


def test_an_eviction_marks_a_pod_that_a_node_has(server: Server, space: Namespace) -> None:
    path = pod(space, "p")
    server.send("POST", f"{path}/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}).ok()
    assert evict(server, path).status == 201
    going = server.get(path).ok()
    assert going["metadata"]["deletionGracePeriodSeconds"] == 30
    [why] = [each for each in going["status"]["conditions"] if each["type"] == "DisruptionTarget"]
    assert (why["status"], why["reason"], why["message"]) == ("True", "EvictionByEvictionAPI", "Eviction API: evicting")


def test_a_budget_is_spent_by_evictions(server: Server, space: Namespace) -> None:
    paths = [pod(space, name) for name in "ab"]
    kept = budget(space, disruptionsAllowed=1, currentHealthy=2, desiredHealthy=1, expectedPods=2)
    assert evict(server, paths[0]).status == 201
    status = server.get(kept).ok()["status"]
    assert (status["disruptionsAllowed"], list(status["disruptedPods"])) == (0, ["a"])
    assert {"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"}.items() <= status[
        "conditions"
    ][0].items()
    answer = evict(server, paths[1])
    assert message(answer, 429) == "Cannot evict pod as it would violate the pod's disruption budget."
    why = "The disruption budget b does not allow evicting pods currently"
    assert answer.json()["details"] == {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    server.patch(f"{kept}/status", {"status": {"currentHealthy": 1}}).ok()
    why = "The disruption budget b needs 1 healthy pods and has 1 currently"
    assert evict(server, paths[1]).json()["details"] == {"causes": [{"reason": "DisruptionBudget", "message": why}]}


def test_a_budget_that_nobody_has_counted_yet_allows_nothing(server: Server, space: Namespace) -> None:
    path = pod(space, "p")
    budget(space)
    answer = evict(server, path)
    why = "The disruption budget b is still being processed by the server."
    assert (answer.status, answer.json()["details"]) == (
        429,
        {"causes": [{"reason": "DisruptionBudget", "message": why}], "retryAfterSeconds": 10},
    )


@pytest.mark.parametrize(
    ("phase", "ready", "healthy"), [("Pending", "False", 0), ("Succeeded", "False", 0), ("Running", "False", 1)]
)
def test_pods_that_do_not_count_need_no_budget(
    server: Server, space: Namespace, phase: str, ready: str, healthy: int
) -> None:
    path = pod(space, "p", phase=phase, ready=ready)
    budget(space, disruptionsAllowed=0, currentHealthy=healthy, desiredHealthy=1, expectedPods=2)
    assert evict(server, path).status == 201


def test_ephemeral_containers_are_added_and_nothing_else(server: Server, space: Namespace) -> None:
    path = pod(space, "p")
    change = {"spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}, "metadata": {"labels": {"a": "new"}}}
    changed = server.patch(f"{path}/ephemeralcontainers", change, "strategic-merge").ok()
    assert [each["name"] for each in changed["spec"]["ephemeralContainers"]] == ["e"]
    assert changed["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "Always"
    assert changed == server.get(path).ok() == server.get(f"{path}/ephemeralcontainers").ok()


def test_a_token_is_made_for_a_service_account(server: Server, space: Namespace) -> None:
    account = server.create(space.path("serviceaccounts"), {"metadata": {"name": "sa"}})
    path = space.path("serviceaccounts/sa/token")
    made = server.create(path, {"spec": {"audiences": ["me"], "expirationSeconds": 700}})
    assert (made["kind"], made["metadata"]["uid"]) == ("TokenRequest", account["metadata"]["uid"])
    assert made["spec"] == {"audiences": ["me"], "expirationSeconds": 700, "boundObjectRef": None}
    payload = made["status"]["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["aud"], claims["sub"]) == (["me"], f"system:serviceaccount:{space.name}:sa")
    assert claims["exp"] - claims["iat"] == 700
    assert server.create(path, {"spec": {}})["spec"]["expirationSeconds"] == 3600
    said = message(server.send("POST", path, {"spec": {"expirationSeconds": 5}}), 422)
    assert "may not specify a duration less than 10 minutes" in said


def review(server: Server, kind: str, spec: Any, api: str = "authorization") -> Any:
    return server.send("POST", f"/apis/{api}.k8s.io/v1/{kind.lower()}s", {"spec": spec})


def test_a_review_says_what_may_be_done(server: Server) -> None:
    attributes = {"verb": "list", "resource": "pods"}
    answer = review(server, "SelfSubjectAccessReview", {"resourceAttributes": attributes})
    assert answer.status == 201
    made = answer.json()
    assert list(made) == ["kind", "apiVersion", "metadata", "spec", "status"]
    assert (made["kind"], made["spec"]) == ("SelfSubjectAccessReview", {"resourceAttributes": attributes})
    assert made["status"] == {"allowed": True}
    assert "exactly one of" in message(review(server, "SelfSubjectAccessReview", {}), 422)
    rules = review(server, "SelfSubjectRulesReview", {"namespace": "default"}).json()["status"]
    assert {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]} in rules["resourceRules"]
    assert review(server, "TokenReview", {"token": "x"}, "authentication").json()["status"] == {
        "user": {},
        "error": "invalid bearer token",
    }
    assert "username" in review(server, "SelfSubjectReview", {}, "authentication").json()["status"]["userInfo"]


@pytest.mark.parametrize("plural", ["configmaps", "secrets"])
def test_what_is_immutable_stays_but_for_its_metadata(server: Server, space: Namespace, plural: str) -> None:
    server.create(space.path(plural), {"metadata": {"name": "a"}, "data": {"k": "dg=="}, "immutable": True})
    path, kind = space.path(f"{plural}/a"), {"configmaps": "ConfigMap", "secrets": "Secret"}[plural]
    rule = "Forbidden: field is immutable when `immutable` is set"
    said = message(server.patch(path, {"data": {"k": "dw=="}}), 422)
    assert said == f'{kind} "a" is invalid: data: {rule}'
    said = message(server.patch(path, {"data": None, "immutable": None}), 422)
    assert said == f'{kind} "a" is invalid: [immutable: {rule}, data: {rule}]'
    assert server.patch(path, {"metadata": {"labels": {"a": "b"}}}).ok()["data"] == {"k": "dg=="}


def test_the_type_of_a_secret_stays(server: Server, space: Namespace) -> None:
    server.create(space.path("secrets"), {"metadata": {"name": "a"}})
    said = message(server.patch(space.path("secrets/a"), {"type": "x/y"}), 422)
    assert said == 'Secret "a" is invalid: type: Invalid value: "x/y": field is immutable'
