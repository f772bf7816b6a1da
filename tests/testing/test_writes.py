from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from informers.errors import ConfigurationError, StatusError
from informers.kinds import apiextensions, apps, core
from informers.resources import ClusterResource, NamespacedResource
from informers.testing import APIServer, FakeClock
from tests.testing.support import PODS, ask, config_map, pod, watching
from tests.widgets import definition

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
WIDGETS = NamespacedResource[dict[str, Any]]("example.com", "v1", "widgets", "Widget")


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer(clock=FakeClock(1_700_000_000)) as server:
        yield server


def deployment(name: str, replicas: int = 1) -> dict[str, Any]:
    return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": name}, "spec": {"replicas": replicas}}


def test_a_new_object_gets_what_the_server_sets(server: APIServer) -> None:
    answer = ask(server, PODS, method="POST", body={**pod("a"), "status": {"phase": "Running"}}, fieldManager="me")
    assert answer.status == 201
    metadata = answer.json["metadata"]
    assert metadata["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert metadata["generation"] == 1
    assert len(metadata["uid"]) == 36
    assert metadata["resourceVersion"] == server.resource_version
    # The status is the cluster's to say.
    assert answer.json["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    (entry,) = metadata["managedFields"]
    containers = entry.pop("fieldsV1")["f:spec"]["f:containers"]
    assert containers['k:{"name":"main"}'].items() >= {".": {}, "f:image": {}, "f:name": {}}.items()
    assert entry == {
        "manager": "me",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2023-11-14T22:13:20Z",
        "fieldsType": "FieldsV1",
    }


def test_names_are_generated(server: APIServer) -> None:
    body = config_map("")
    body["metadata"] = {"generateName": "c-"}
    one, two = (ask(server, CONFIG_MAPS, method="POST", body=body).json["metadata"]["name"] for _ in range(2))
    assert one != two
    assert one.startswith("c-")
    assert len(one) == len("c-") + 5


@pytest.mark.parametrize(
    ("body", "status", "reason", "message"),
    [
        (pod("there"), 409, "AlreadyExists", 'pods "there" already exists'),
        (
            pod(""),
            422,
            "Invalid",
            'Pod "" is invalid: metadata.name: Required value: name or generateName is required',
        ),
        (
            {**pod("a"), "spec": {}},
            422,
            "Invalid",
            'Pod "a" is invalid: spec.containers: Required value',
        ),
        (
            pod("a", namespace="other"),
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            {**pod("a"), "apiVersion": "apps/v1"},
            400,
            "BadRequest",
            "the API version in the data (apps/v1) does not match the expected API version (v1)",
        ),
    ],
)
def test_bad_creations_are_refused_in_the_real_words(
    server: APIServer, body: Any, status: int, reason: str, message: str
) -> None:
    server.create(pod("there"))
    answer = ask(server, PODS, method="POST", body=body)
    assert (answer.status, answer.json["reason"], answer.json["message"]) == (status, reason, message)


def test_a_bad_name_is_refused_with_the_rule(server: APIServer) -> None:
    answer = ask(server, PODS, method="POST", body=pod("Bad_Name"))
    assert answer.status == 422
    assert answer.json["message"].startswith(
        'Pod "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must'
    )
    assert answer.json["details"]["causes"][0]["reason"] == "FieldValueInvalid"


def test_a_namespace_must_exist(server: APIServer) -> None:
    answer = ask(server, "/api/v1/namespaces/nowhere/pods", method="POST", body=pod("a"))
    assert (answer.status, answer.json["message"]) == (404, 'namespaces "nowhere" not found')


def test_what_is_not_there_is_not_found(server: APIServer) -> None:
    answer = ask(server, f"{DEPLOYMENTS}/x")
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "x" not found',
        "reason": "NotFound",
        "details": {"name": "x", "group": "apps", "kind": "deployments"},
        "code": 404,
    }


def test_an_update_from_an_old_version_is_a_conflict(server: APIServer) -> None:
    old = server.create(config_map("c", a="1"))
    server.patch(core.V1.config_maps, "c", {"data": {"a": "2"}})
    answer = ask(server, f"{CONFIG_MAPS}/c", method="PUT", body={**old, "data": {"a": "3"}})
    assert (answer.status, answer.json["reason"]) == (409, "Conflict")
    assert answer.json["message"] == (
        'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to '
        "the latest version and try again"
    )
    assert server.get(core.V1.config_maps, "c")["data"] == {"a": "2"}


def test_an_update_that_changes_nothing_writes_nothing(server: APIServer) -> None:
    old = server.create(config_map("c", a="1"))
    before = server.resource_version
    answer = ask(server, f"{CONFIG_MAPS}/c", method="PUT", body=old)
    assert answer.json["metadata"]["resourceVersion"] == old["metadata"]["resourceVersion"]
    assert server.resource_version == before


def test_generation_counts_changes_of_the_spec_alone(server: APIServer) -> None:
    server.create(deployment("d"))
    path = f"{DEPLOYMENTS}/d"
    merge = {"Content-Type": "application/merge-patch+json"}
    labelled = ask(server, path, method="PATCH", body={"metadata": {"labels": {"a": "b"}}}, headers=merge)
    scaled = ask(server, path, method="PATCH", body={"spec": {"replicas": 2}}, headers=merge)
    status = ask(server, f"{path}/status", method="PATCH", body={"status": {"replicas": 2}}, headers=merge)
    assert [a.json["metadata"]["generation"] for a in (labelled, scaled, status)] == [1, 2, 2]


def test_status_and_the_rest_are_written_apart(server: APIServer) -> None:
    server.create(deployment("d"))
    path = f"{DEPLOYMENTS}/d"
    both = {"spec": {"replicas": 9}, "status": {"replicas": 9}}
    merge = {"Content-Type": "application/merge-patch+json"}
    status = ask(server, f"{path}/status", method="PATCH", body=both, headers=merge).json
    assert (status["spec"]["replicas"], status["status"]) == (1, {"replicas": 9})
    spec = ask(server, path, method="PATCH", body={**both, "status": {"replicas": 1}}, headers=merge).json
    assert (spec["spec"]["replicas"], spec["status"]) == (9, {"replicas": 9})
    managers = {(e["manager"], e.get("subresource", "")) for e in spec["metadata"]["managedFields"]}
    assert ("unknown", "status") in managers


def test_a_kind_without_status_has_no_such_path(server: APIServer) -> None:
    server.create(config_map("c"))
    assert ask(server, f"{CONFIG_MAPS}/c/status").status == 404


def test_finalizers_hold_an_object_back(server: APIServer) -> None:
    server.create({**config_map("c"), "metadata": {"name": "c", "finalizers": ["example.com/wait"]}})
    with watching(server, "/api/v1/configmaps", resourceVersion=server.resource_version) as watch:
        deleted = ask(server, f"{CONFIG_MAPS}/c", method="DELETE").json
        assert deleted["metadata"]["deletionTimestamp"] == "2023-11-14T22:13:20Z"
        assert deleted["metadata"]["deletionGracePeriodSeconds"] == 0
        server.patch(core.V1.config_maps, "c", {"metadata": {"finalizers": None}})
        assert watch.short(2) == [("MODIFIED", "c"), ("DELETED", "c")]
    assert ask(server, f"{CONFIG_MAPS}/c").status == 404


def test_a_pod_on_a_node_waits_for_it(server: APIServer) -> None:
    server.create({**pod("a"), "spec": {"nodeName": "n1", "containers": [{"name": "c"}]}})
    graceful = ask(server, f"{PODS}/a", method="DELETE").json
    assert graceful["metadata"]["deletionGracePeriodSeconds"] == 30
    assert graceful["metadata"]["deletionTimestamp"] == "2023-11-14T22:13:50Z"
    assert ask(server, f"{PODS}/a").status == 200
    ask(server, f"{PODS}/a", method="DELETE", gracePeriodSeconds=0)
    assert ask(server, f"{PODS}/a").status == 404


def test_a_delete_answers_as_the_kind_does(server: APIServer) -> None:
    server.create(pod("a"))
    created = server.create(config_map("c"))
    assert ask(server, f"{PODS}/a", method="DELETE").json["kind"] == "Pod"
    assert ask(server, f"{CONFIG_MAPS}/c", method="DELETE").json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "c", "kind": "configmaps", "uid": created["metadata"]["uid"]},
    }


def test_a_delete_may_ask_for_a_certain_object(server: APIServer) -> None:
    server.create(config_map("c"))
    body = {"preconditions": {"uid": "another"}}
    answer = ask(server, f"{CONFIG_MAPS}/c", method="DELETE", body=body)
    assert answer.status == 409
    assert "the UID in the precondition (another) does not match the UID in record (" in answer.json["message"]


def test_a_collection_can_be_deleted_by_selector(server: APIServer) -> None:
    for name, app in (("a", "web"), ("b", "db"), ("c", "web")):
        server.create(pod(name, labels={"app": app}))
    gone = ask(server, PODS, method="DELETE", labelSelector="app=web").json
    assert [item["metadata"]["name"] for item in gone["items"]] == ["a", "c"]
    assert [o["metadata"]["name"] for o in server.list(core.V1.pods)] == ["b"]


def test_a_dry_run_writes_nothing(server: APIServer) -> None:
    before = server.resource_version
    assert ask(server, PODS, method="POST", body=pod("a"), dryRun="All").status == 201
    assert server.resource_version == before


def test_objects_can_be_written_from_within_as_they_are(server: APIServer) -> None:
    created = server.create({**pod("a", namespace="new"), "spec": {}, "status": {"phase": "Running"}})
    created["status"]["phase"] = "Failed"
    assert server.update(created)["status"] == {"phase": "Failed"}
    with pytest.raises(StatusError, match="409 AlreadyExists"):
        server.create(created | {"metadata": {"name": "a", "namespace": "new"}})
    with pytest.raises(StatusError, match='404 NotFound: pods "a" not found'):
        server.delete(core.V1.pods, "a")
    server.delete(core.V1.pods, "a", namespace="new")
    assert server.list(core.V1.pods) == []


def test_what_is_stored_does_not_change_with_what_was_given(server: APIServer) -> None:
    given = pod("a")
    returned = server.create(given)
    given["spec"]["containers"].clear()
    returned["spec"]["containers"].clear()
    assert len(server.get(core.V1.pods, "a")["spec"]["containers"]) == 1


def test_models_of_the_official_client_can_be_written(server: APIServer) -> None:
    from kubernetes.client import V1ConfigMap, V1ObjectMeta

    server.create(V1ConfigMap(metadata=V1ObjectMeta(name="c"), data={"a": "b"}))
    assert server.get(core.V1.config_maps, "c")["data"] == {"a": "b"}


def test_what_the_server_can_not_place_is_a_configuration_error(server: APIServer) -> None:
    with pytest.raises(ConfigurationError, match="serves no kind 'Widget'"):
        server.create({"kind": "Widget", "apiVersion": "example.com/v1", "metadata": {"name": "w"}})
    with pytest.raises(ConfigurationError, match=r"register\(resource\) first"):
        server.list(WIDGETS)
    with pytest.raises(ConfigurationError, match="nodes have no namespace"):
        server.get(core.V1.nodes, "n", namespace="default")


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_what_is_not_valid_json_is_refused_and_not_kept(server: APIServer, value: Any) -> None:
    server.create(config_map("a"))
    odd = {**config_map("b"), "data": {"k": value}}
    writes = (lambda: server.create(odd), lambda: server.patch(core.V1.config_maps, "a", {"data": {"k": value}}))
    for write in writes:
        with pytest.raises(ConfigurationError, match="the object can't be written as JSON: "):
            write()
    assert [obj["metadata"]["name"] for obj in server.list(core.V1.config_maps)] == ["a"]
    wrong: Any = "widgets"
    with pytest.raises(ConfigurationError, match="got 'widgets'"):
        server.register(wrong)


def test_a_registered_resource_is_served_as_a_custom_one(server: APIServer) -> None:
    server.register(WIDGETS)
    server.create(
        {"kind": "Widget", "apiVersion": "example.com/v1", "metadata": {"name": "w"}, "spec": {"b": 1, "a": 2}}
    )
    listed = ask(server, "/apis/example.com/v1/widgets")
    assert listed.body.startswith(
        b'{"apiVersion":"example.com/v1","items":[{"apiVersion":"example.com/v1","kind":"Widget"'
    )
    assert b'"spec":{"a":2,"b":1}' in listed.body
    assert listed.json["kind"] == "WidgetList"
    put = {"kind": "Widget", "apiVersion": "example.com/v1", "metadata": {"name": "w"}}
    unconditional = ask(server, "/apis/example.com/v1/namespaces/default/widgets/w", method="PUT", body=put)
    assert unconditional.status == 422
    assert unconditional.json["message"].endswith("must be specified for an update")


def test_a_definition_serves_its_resource_until_it_is_deleted(server: APIServer) -> None:
    gears = definition("Gear", scope="Cluster")
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    created = ask(server, path, method="POST", body=gears).json
    assert {c["type"]: c["status"] for c in created["status"]["conditions"]}["Established"] == "True"
    resource = ClusterResource[dict[str, Any]]("example.com", "v1", "gears", "Gear")
    server.create({"kind": "Gear", "apiVersion": "example.com/v1", "metadata": {"name": "g"}})
    with watching(server, "/apis/example.com/v1/gears", resourceVersion=server.resource_version) as watch:
        server.wait_for_watchers(resource, 1)
        ask(server, f"{path}/gears.example.com", method="DELETE")
        assert watch.short(1) == [("DELETED", "g")]
        assert watch.line() == b""
    assert ask(server, "/apis/example.com/v1/gears").status == 404


def test_a_definition_that_serves_nothing_takes_its_objects_along_and_may_come_back(server: APIServer) -> None:
    gears = definition("Gear", scope="Cluster")
    (version,) = gears["spec"]["versions"]
    resource = apiextensions.V1.custom_resource_definitions
    server.create(gears)
    server.create({"kind": "Gear", "apiVersion": "example.com/v1", "metadata": {"name": "g"}})
    server.patch(resource, "gears.example.com", {"spec": {"versions": [{**version, "served": False}]}})
    server.delete(resource, "gears.example.com")
    server.create({**gears, "spec": {**gears["spec"], "scope": "Namespaced"}})
    assert ask(server, "/apis/example.com/v1/gears").json["items"] == []


def test_a_namespace_keeps_its_own_finalizer() -> None:
    with APIServer(finalizes_namespaces=False) as server:
        path = "/api/v1/namespaces/kube-node-lease"
        answer = ask(server, path, method="DELETE").json
        assert answer["status"] == {"phase": "Terminating"}
        answer["spec"] = {}
        assert ask(server, f"{path}/finalize", method="PUT", body=answer).status == 200
        assert ask(server, path).status == 404


def test_the_same_writes_give_the_same_objects() -> None:
    def write() -> list[dict[str, Any]]:
        server = APIServer(clock=FakeClock(), seed=7)
        server.create({**config_map(""), "metadata": {"generateName": "x-"}})
        server.create(deployment("d"))
        return server.list(core.V1.config_maps) + server.list(apps.V1.deployments)

    assert write() == write()
