from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from informers.kinds import apps
from informers.testing import APIServer
from informers.testing._http.status import Failure
from informers.testing._rules.patches import json_patch, merge_patch, strategic_patch
from tests.testing.support import Answer, ask

PATH = "/apis/apps/v1/namespaces/default/deployments/d"


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": {"c": None, "d": 1}}}, {"a": {"b": {"d": 1}}}),
        (None, {"a": 1}, {"a": 1}),
    ],
)
def test_a_merge_patch_merges_mappings_and_replaces_the_rest(target: Any, patch: Any, expected: Any) -> None:
    assert merge_patch(target, patch) == expected


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        (
            {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]},
            {"containers": [{"name": "b", "image": "2"}, {"name": "c"}]},
            {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c"}]},
        ),
        (
            {"containers": [{"name": "a"}, {"name": "b"}]},
            {"containers": [{"name": "a", "$patch": "delete"}]},
            {"containers": [{"name": "b"}]},
        ),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        ({"finalizers": ["a"]}, {"finalizers": ["b"]}, {"finalizers": ["b", "a"]}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
        (
            {"strategy": {"type": "x", "old": 1}},
            {"strategy": {"$retainKeys": ["type"], "type": "y"}},
            {"strategy": {"type": "y"}},
        ),
        (
            {"env": [{"name": "a"}, {"name": "b"}]},
            {"env": [{"name": "c"}], "$setElementOrder/env": [{"name": "c"}, {"name": "b"}, {"name": "a"}]},
            {"env": [{"name": "c"}, {"name": "b"}, {"name": "a"}]},
        ),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_a_strategic_patch_merges_lists_of_named_items(target: Any, patch: Any, expected: Any) -> None:
    assert strategic_patch(target, patch) == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/b", "value": 1}, {"a": [1, 2], "b": 1}),
        ({"op": "add", "path": "/a/1", "value": 9}, {"a": [1, 9, 2]}),
        ({"op": "add", "path": "/a/-", "value": 9}, {"a": [1, 2, 9]}),
        ({"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"op": "replace", "path": "/a/0", "value": 5}, {"a": [5, 2]}),
        ({"op": "move", "from": "/a/0", "path": "/b"}, {"a": [2], "b": 1}),
        ({"op": "copy", "from": "/a", "path": "/x~1y"}, {"a": [1, 2], "x/y": [1, 2]}),
        ({"op": "test", "path": "/a", "value": [1, 2]}, {"a": [1, 2]}),
    ],
)
def test_a_json_patch_does_what_it_says(operation: dict[str, Any], expected: Any) -> None:
    target = {"a": [1, 2]}
    assert json_patch(target, [operation]) == expected
    assert target == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("operations", "code"),
    [({}, 400), ([{"op": "remove", "path": "/x"}], 422), ([{"op": "test", "path": "/a", "value": 2}], 422)],
)
def test_a_json_patch_that_does_not_fit_is_refused(operations: Any, code: int) -> None:
    with pytest.raises(Failure) as refused:
        json_patch({"a": 1}, operations)
    assert refused.value.code == code


LABELS = {"app": "d"}
VALID = {
    "selector": {"matchLabels": LABELS},
    "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
}


def apply(server: APIServer, manager: str, spec: dict[str, Any], **query: str) -> Answer:
    """Apply a deployment. The first manager also applies what makes it valid."""
    spec = {**VALID, **spec} if manager == "one" else spec
    body = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "d"}, "spec": spec}
    headers = {"Content-Type": "application/apply-patch+yaml"}
    return ask(server, PATH, method="PATCH", body=body, headers=headers, fieldManager=manager, **query)


def test_an_apply_creates_and_then_merges(server: APIServer) -> None:
    assert apply(server, "one", {"replicas": 1}).status == 201
    again = apply(server, "one", {"replicas": 2, "paused": True})
    assert again.status == 200
    assert again.json["spec"].items() >= {"replicas": 2, "paused": True}.items()
    (entry,) = again.json["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("one", "Apply")
    fields = entry["fieldsV1"]["f:spec"]
    assert set(fields) == {"f:paused", "f:replicas", "f:selector", "f:template"}
    assert fields["f:paused"] == fields["f:replicas"] == {}


def test_an_apply_takes_away_what_it_no_longer_names_and_nobody_else_owns(server: APIServer) -> None:
    apply(server, "one", {"replicas": 1, "paused": True})
    apply(server, "two", {"replicas": 1})
    spec = apply(server, "one", {"minReadySeconds": 5}).json["spec"]
    assert spec.items() >= {"replicas": 1, "minReadySeconds": 5}.items()
    assert "paused" not in spec


def test_an_apply_of_what_another_owns_is_a_conflict_unless_forced(server: APIServer) -> None:
    apply(server, "one", {"replicas": 1})
    conflict = apply(server, "two", {"replicas": 2})
    assert conflict.status == 409
    assert conflict.json["message"] == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    assert conflict.json["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.replicas"}
    ]
    forced = apply(server, "two", {"replicas": 2}, force="true").json
    assert forced["spec"]["replicas"] == 2
    owners = {entry["manager"]: entry["fieldsV1"]["f:spec"] for entry in forced["metadata"]["managedFields"]}
    assert owners["two"] == {"f:replicas": {}}
    assert "f:replicas" not in owners["one"]


def test_an_apply_merges_lists_by_their_keys(server: APIServer) -> None:
    def spec(name: str) -> dict[str, Any]:
        return {"template": {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": name, "image": name}]}}}

    apply(server, "one", spec("a"))
    apply(server, "two", spec("b"))
    apply(server, "one", {"replicas": 1})
    stored = server.get(apps.V1.deployments, "d")
    assert {item["name"] for item in stored["spec"]["template"]["spec"]["containers"]} == {"b", "c"}


def test_an_apply_needs_a_manager(server: APIServer) -> None:
    headers = {"Content-Type": "application/apply-patch+yaml"}
    answer = ask(server, PATH, method="PATCH", body={}, headers=headers)
    assert answer.status == 422
    assert answer.json["message"].endswith("fieldManager: Required value: is required for apply patch")


def test_a_patch_of_an_unknown_type_is_refused(server: APIServer) -> None:
    answer = ask(server, PATH, method="PATCH", body={}, headers={"Content-Type": "application/json"})
    assert answer.status == 415
