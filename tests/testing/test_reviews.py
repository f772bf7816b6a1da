from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from informers.kinds import apps, core
from informers.testing import APIServer
from tests.testing.support import ask
from tests.widgets import definition


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


def is_allowed(server: APIServer, kind: str = "selfsubjectaccessreviews", **attributes: str) -> bool:
    path = f"/apis/authorization.k8s.io/v1/{kind}"
    answer = ask(server, path, method="POST", body={"spec": {"resourceAttributes": attributes}})
    assert answer.status == 201
    allowed: bool = answer.json["status"]["allowed"]
    return allowed


@pytest.mark.parametrize(
    "kind", ["selfsubjectaccessreviews", "subjectaccessreviews", "namespaces/default/localsubjectaccessreviews"]
)
def test_a_review_says_what_is_denied(server: APIServer, kind: str) -> None:
    server.deny(core.V1.pods, verbs=["list"])
    assert not is_allowed(server, kind, verb="list", resource="pods")
    assert is_allowed(server, kind, verb="get", resource="pods")
    assert is_allowed(server, kind, verb="list", resource="pods", group="metrics.k8s.io")
    assert not is_allowed(server, kind, verb="*", resource="pods")
    assert not is_allowed(server, kind, verb="list", resource="*", group="*")
    server.deny(verbs=["create"])
    assert not is_allowed(server, kind, verb="create", resource="deployments", group="apps")
    server.allow()
    assert is_allowed(server, kind, verb="*", resource="*", group="*")


def test_a_review_of_a_token_answers_only_authorized_users(server: APIServer) -> None:
    path = "/apis/authentication.k8s.io/v1/"
    server.require_token("good")
    assert ask(server, f"{path}selfsubjectreviews", method="POST", body={}).status == 401

    def asked(kind: str, body: Any) -> Any:
        return ask(server, path + kind, method="POST", body=body, headers={"Authorization": "Bearer good"}).json

    user = asked("selfsubjectreviews", {})["status"]["userInfo"]
    assert user == {"username": "tester", "groups": ["system:authenticated"]}
    good, bad = (asked("tokenreviews", {"spec": {"token": token}})["status"] for token in ("good", "bad"))
    assert (good["authenticated"], good["user"]) == (True, user)
    assert bad == {"user": {}, "error": "invalid bearer token"}


def test_a_review_is_only_made(server: APIServer) -> None:
    assert ask(server, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").status == 405


def test_a_scale_of_a_custom_resource_is_where_its_definition_says(server: APIServer) -> None:
    scale = {
        "specReplicasPath": ".spec.size",
        "statusReplicasPath": ".status.size",
        "labelSelectorPath": ".status.selector",
    }
    server.create(definition("Thing", {"subresources": {"status": {}, "scale": scale}}))
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}
    server.create({**thing, "spec": {"size": 2}, "status": {"size": 1, "selector": "a=b"}})
    path = "/apis/example.com/v1/namespaces/default/things/a/scale"
    made = ask(server, path).json
    assert (made["spec"], made["status"]) == ({"replicas": 2}, {"replicas": 1, "selector": "a=b"})
    merge = {"Content-Type": "application/merge-patch+json"}
    assert ask(server, path, method="PATCH", body={"spec": {"replicas": 7}}, headers=merge).status == 200
    assert ask(server, path.removesuffix("/scale")).json["spec"] == {"size": 7}


def test_a_part_that_a_resource_does_not_have_is_not_a_path(server: APIServer) -> None:
    server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}})
    assert ask(server, "/api/v1/namespaces/default/configmaps/a/scale").status == 404
    server.create(
        {"kind": "DaemonSet", "apiVersion": "apps/v1", "metadata": {"name": "a"}}, resource=apps.V1.daemon_sets
    )
    assert ask(server, "/apis/apps/v1/namespaces/default/daemonsets/a/scale").status == 404
