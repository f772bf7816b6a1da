"""Writes: what comes back, what is kept, what is refused and how that is worded."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import Answer, Server, scrub

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
POD_SPEC = {"containers": [{"name": "c", "image": "i"}]}


def version(obj: Any) -> int:
    return int(obj["metadata"]["resourceVersion"])


def refused(answer: Answer, code: int, reason: str, message: str, details: Any = None) -> None:
    expected = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        **({} if details is None else {"details": details}),
        "code": code,
    }
    assert answer.json() == expected
    assert list(answer.json()) == list(expected)
    assert answer.status == code
    assert answer.headers["Content-Type"] == "application/json"


def test_a_created_object_gets_uid_version_time_and_namespace(server: Server, space: Namespace) -> None:
    answer = server.send("POST", space.path("configmaps"), {"metadata": {"name": "a"}, "data": {"k": "v"}})
    made = answer.ok()
    assert answer.status == 201
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["metadata"]["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["metadata"]["creationTimestamp"])
    metadata = {"name": "a", "namespace": space.name, "uid": "…", "resourceVersion": "…", "creationTimestamp": "…"}
    assert scrub(made) == {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": {"k": "v"}}
    assert server.get(space.path("configmaps/a")).raw == answer.raw


def test_metadata_come_first_and_in_their_fixed_order(server: Server, space: Namespace) -> None:
    owner = space.config_map("owner")["metadata"]
    body = {
        "data": {"k": "v"},
        "metadata": {
            "finalizers": ["example.com/f"],
            "ownerReferences": [{"uid": owner["uid"], "name": "owner", "kind": "ConfigMap", "apiVersion": "v1"}],
            "annotations": {"b": "2", "a": "1"},
            "labels": {"b": "2", "a": "1"},
            "generateName": "made-",
        },
    }
    made = server.create(space.path("configmaps"), body)
    deleted = server.send("DELETE", f"{space.path('configmaps')}/{made['metadata']['name']}").ok()
    assert list(made) == ["kind", "apiVersion", "metadata", "data"]
    assert list(deleted["metadata"]) == [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
    ]
    assert list(made["metadata"]["labels"]) == ["a", "b"]
    assert list(made["metadata"]["annotations"]) == ["a", "b"]
    assert list(made["metadata"]["ownerReferences"][0]) == ["apiVersion", "kind", "name", "uid"]


def test_managed_fields_name_the_writer_of_each_field(server: Server, space: Namespace) -> None:
    body = {"metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "v"}}
    made = server.send("POST", space.path("configmaps"), body, {"fieldManager": "me"}).ok()
    (entry,) = made["metadata"]["managedFields"]
    assert list(entry) == ["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"]
    assert (entry["manager"], entry["operation"], entry["apiVersion"]) == ("me", "Update", "v1")
    assert entry["time"] == made["metadata"]["creationTimestamp"]
    assert entry["fieldsV1"] == {
        "f:data": {".": {}, "f:k": {}},
        "f:metadata": {"f:labels": {".": {}, "f:x": {}}},
    }


def test_generated_names_end_in_five_letters(server: Server, path: str) -> None:
    made = server.create(path, {"metadata": {"generateName": "gen-"}})
    assert re.fullmatch("gen-[bcdfghjklmnpqrstvwxz2456789]{5}", made["metadata"]["name"])
    assert made["metadata"]["generateName"] == "gen-"


def test_a_generated_name_is_short_enough_for_any_kind(server: Server, space: Namespace) -> None:
    made = server.create(space.path("configmaps"), {"metadata": {"generateName": "a" * 250}})
    assert re.fullmatch("a{58}[a-z0-9]{5}", made["metadata"]["name"])
    assert made["metadata"]["generateName"] == "a" * 250


def test_every_write_has_a_higher_version(server: Server, space: Namespace) -> None:
    made = space.config_map("a")
    path = space.path("configmaps/a")
    put = server.send("PUT", path, {**made, "data": {"k": "1"}}).ok()
    patched = server.patch(path, {"data": {"k": "2"}}).ok()
    assert version(made) < version(put) < version(patched)
    assert put["metadata"]["uid"] == made["metadata"]["uid"] == patched["metadata"]["uid"]


def test_names_are_used_once(server: Server, space: Namespace) -> None:
    space.config_map("a")
    answer = server.send("POST", space.path("configmaps"), {"metadata": {"name": "a"}})
    details = {"name": "a", "kind": "configmaps"}
    refused(answer, 409, "AlreadyExists", 'configmaps "a" already exists', details)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(server: Server, path: str, method: str) -> None:
    body = {"metadata": {"name": "z"}} if method in {"PUT", "PATCH"} else None
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    answer = server.send(method, f"{path}/z", body, headers={"Content-Type": kind})
    refused(answer, 404, "NotFound", 'configmaps "z" not found', {"name": "z", "kind": "configmaps"})


def test_the_group_is_named_where_there_is_one(server: Server, space: Namespace) -> None:
    answer = server.get(space.path("deployments", "/apis/apps/v1") + "/z")
    details = {"name": "z", "group": "apps", "kind": "deployments"}
    refused(answer, 404, "NotFound", 'deployments.apps "z" not found', details)


def test_a_namespace_must_exist(server: Server) -> None:
    answer = server.send("POST", "/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "a"}})
    details = {"name": "nowhere", "kind": "namespaces"}
    refused(answer, 404, "NotFound", 'namespaces "nowhere" not found', details)


def test_a_name_must_be_one(server: Server, path: str) -> None:
    rule = (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    )
    answer = server.send("POST", path, {"metadata": {"name": "Bad_Name"}})
    assert answer.status == 422
    message = f'Invalid value: "Bad_Name": {rule}'
    causes = [{"reason": "FieldValueInvalid", "message": message, "field": "metadata.name"}]
    details = {"name": "Bad_Name", "kind": "ConfigMap", "causes": causes}
    refused(answer, 422, "Invalid", f'ConfigMap "Bad_Name" is invalid: metadata.name: {message}', details)


PART = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
UNQUALIFIED = "name is neither a standard finalizer name nor is it fully qualified"
WRONG_METADATA: list[tuple[dict[str, Any], str]] = [
    ({"labels": {"l": "a b"}}, f'metadata.labels: Invalid value: "a b": {VALUE}'),
    ({"labels": {"l": "a" * 64}}, f'metadata.labels: Invalid value: "{"a" * 64}": must be no more than 63 bytes'),
    ({"labels": {"a b": ""}}, f'metadata.labels: Invalid value: "a b": name part {PART}'),
    ({"labels": {"/l": ""}}, 'metadata.labels: Invalid value: "/l": prefix part must be non-empty'),
    (
        {"labels": {"a" * 64: ""}},
        f'metadata.labels: Invalid value: "{"a" * 64}": name part must be no more than 63 bytes',
    ),
    (
        {"labels": {"a/b/c": ""}},
        (
            f'metadata.labels: Invalid value: "a/b/c": a valid label key {PART} with an optional DNS subdomain prefix '
            "and '/' (e.g. 'example.com/MyName')"
        ),
    ),
    ({"annotations": {"a b": ""}}, f'metadata.annotations: Invalid value: "a b": name part {PART}'),
    ({"annotations": {"a": "b" * 262144}}, "metadata.annotations: Too long: may not be more than 262144 bytes"),
    ({"finalizers": ["plain"]}, f'metadata.finalizers[0]: Invalid value: "plain": {UNQUALIFIED}'),
    (
        {"finalizers": ["orphan", "foregroundDeletion"]},
        (
            'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and '
            "foregroundDeletion cannot be both set"
        ),
    ),
    (
        {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]},
        "metadata.ownerReferences[0].uid: Required value: must not be empty",
    ),
    (
        {"labels": {"l": "-"}, "finalizers": ["a", ""]},
        (
            f'[metadata.labels: Invalid value: "-": {VALUE}, metadata.finalizers: Invalid value: "": name part must be '
            f'non-empty, metadata.finalizers: Invalid value: "": name part {PART}, metadata.finalizers[0]: Invalid '
            f'value: "a": {UNQUALIFIED}, metadata.finalizers[1]: Invalid value: "": {UNQUALIFIED}]'
        ),
    ),
]


@pytest.mark.parametrize(("metadata", "message"), WRONG_METADATA)
def test_metadata_must_be_right_when_made_and_when_changed(
    server: Server, space: Namespace, metadata: dict[str, Any], message: str
) -> None:
    space.config_map("there")
    answers = [
        server.send("POST", space.path("configmaps"), {"metadata": {"name": "new", **metadata}}),
        server.patch(space.path("configmaps/there"), {"metadata": metadata}),
    ]
    for answer, name in zip(answers, ("new", "there"), strict=True):
        assert (answer.status, answer.json()["reason"]) == (422, "Invalid")
        assert answer.json()["message"] == f'ConfigMap "{name}" is invalid: {message}'


def test_a_name_is_required(server: Server, path: str) -> None:
    answer = server.send("POST", path, {"metadata": {}})
    message = "Required value: name or generateName is required"
    causes = [{"reason": "FieldValueRequired", "message": message, "field": "metadata.name"}]
    details = {"kind": "ConfigMap", "causes": causes}
    refused(answer, 422, "Invalid", f'ConfigMap "" is invalid: metadata.name: {message}', details)


def test_names_of_object_and_path_must_agree(server: Server, space: Namespace) -> None:
    space.config_map("a")
    message = "the name of the object (b) does not match the name on the URL (a)"
    path = space.path("configmaps/a")
    refused(server.send("PUT", path, {"metadata": {"name": "b"}}), 400, "BadRequest", message)
    refused(server.patch(path, {"metadata": {"name": "b"}}), 400, "BadRequest", message)


def test_an_update_must_name_the_object(server: Server, space: Namespace) -> None:
    space.config_map("a")
    message = "the name of the object (a based on URL) was undeterminable: name must be provided"
    refused(server.send("PUT", space.path("configmaps/a"), {"metadata": {}}), 400, "BadRequest", message)


def test_the_namespace_of_what_has_none_is_ignored(server: Server) -> None:
    made = server.create("/api/v1/nodes", {"metadata": {"generateName": "node-", "namespace": "other"}})
    assert "namespace" not in made["metadata"]


def test_a_body_that_cannot_be_read_is_refused(server: Server, path: str) -> None:
    answer = server.send("POST", path, b"{x")
    assert (answer.status, answer.json()["reason"]) == (400, "BadRequest")
    expected = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; "
    assert answer.json()["message"].startswith(expected)
    assert server.send("POST", path, b"[1]").status == 400


def test_a_kind_that_does_not_fit_the_path_is_refused(server: Server, path: str) -> None:
    answer = server.send("POST", path, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}})
    assert (answer.status, answer.json()["reason"]) == (400, "BadRequest")
    assert answer.json()["message"].startswith('Pod in version "v1" cannot be handled as a ConfigMap: ')


def test_a_get_of_a_version_that_is_not_a_number_is_an_error(server: Server, space: Namespace) -> None:
    space.config_map("a")
    answer = server.get(space.path("configmaps/a"), resourceVersion="x")
    message = 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'
    assert (answer.status, answer.json()["message"]) == (500, message)


def test_namespaces_of_object_and_path_must_agree(server: Server, path: str) -> None:
    message = "the namespace of the provided object does not match the namespace sent on the request"
    answer = server.send("POST", path, {"metadata": {"name": "a", "namespace": "other"}})
    refused(answer, 400, "BadRequest", message)


def test_a_pod_needs_containers(server: Server, space: Namespace) -> None:
    answer = server.send("POST", space.path("pods"), {"metadata": {"name": "p"}})
    causes = [{"reason": "FieldValueRequired", "message": "Required value", "field": "spec.containers"}]
    details = {"name": "p", "kind": "Pod", "causes": causes}
    refused(answer, 422, "Invalid", 'Pod "p" is invalid: spec.containers: Required value', details)


def test_an_update_of_an_old_version_conflicts(server: Server, space: Namespace) -> None:
    made = space.config_map("a")
    path = space.path("configmaps/a")
    server.patch(path, {"data": {"k": "1"}}).ok()
    details = {"name": "a", "kind": "configmaps"}
    message = f'Operation cannot be fulfilled on configmaps "a": {MODIFIED}'
    refused(server.send("PUT", path, {**made, "data": {}}), 409, "Conflict", message, details)
    old = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"k": "2"}}
    refused(server.patch(path, old), 409, "Conflict", message, details)


def test_an_update_without_a_version_overwrites(server: Server, space: Namespace) -> None:
    space.config_map("a")
    path = space.path("configmaps/a")
    server.patch(path, {"data": {"k": "1"}}).ok()
    assert server.send("PUT", path, {"metadata": {"name": "a"}, "data": {"k": "2"}}).ok()["data"] == {"k": "2"}


def test_an_update_of_another_uid_conflicts(server: Server, space: Namespace) -> None:
    made = space.config_map("a")
    other = {**made, "metadata": {**made["metadata"], "uid": "other"}}
    answer = server.send("PUT", space.path("configmaps/a"), other)
    assert (answer.status, answer.json()["reason"]) == (409, "Conflict")
    message = answer.json()["message"]
    assert message.startswith('Operation cannot be fulfilled on configmaps "a": StorageError: invalid object, Code: 4')
    assert message.endswith(
        f"Precondition failed: UID in precondition: other, UID in object meta: {made['metadata']['uid']}"
    )


def test_a_merge_patch_sets_and_nulls_take_away(server: Server, space: Namespace) -> None:
    server.create(space.path("configmaps"), {"metadata": {"name": "a"}, "data": {"k": "1", "l": "2"}})
    patched = server.patch(space.path("configmaps/a"), {"data": {"k": None, "m": "3"}}).ok()
    assert patched["data"] == {"l": "2", "m": "3"}


def test_a_json_patch_does_its_steps_or_none(server: Server, space: Namespace) -> None:
    body = {"metadata": {"name": "a", "annotations": {"x": "y"}}, "data": {"k": "1"}}
    server.create(space.path("configmaps"), body)
    path = space.path("configmaps/a")
    steps = [
        {"op": "test", "path": "/data/k", "value": "1"},
        {"op": "add", "path": "/data/l", "value": "2"},
        {"op": "replace", "path": "/data/k", "value": "3"},
        {"op": "copy", "from": "/data/k", "path": "/metadata/annotations/x.io~1k"},
        {"op": "move", "from": "/data/l", "path": "/data/m"},
    ]
    patched = server.patch(path, steps, "json").ok()
    assert (patched["data"], patched["metadata"]["annotations"]) == ({"k": "3", "m": "2"}, {"x": "y", "x.io/k": "3"})
    message = "the server rejected our request due to an error in our request"
    for wrong in (
        [{"op": "remove", "path": "/data/m"}, {"op": "test", "path": "/data/k", "value": "9"}],
        [{"op": "remove", "path": "/data/m"}, {"op": "remove", "path": "/data/nothing"}],
    ):
        refused(server.patch(path, wrong, "json"), 422, "Invalid", message, {})
    assert server.get(path).ok()["data"]["m"] == "2"


def test_a_strategic_patch_merges_containers_by_name(server: Server, space: Namespace) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = space.path("deployments", "/apis/apps/v1")
    server.create(path, {"metadata": {"name": "d"}, "spec": spec})
    containers = [{"name": "c", "image": "j"}, {"name": "e", "image": "k"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    patched = server.patch(f"{path}/d", patch, "strategic-merge").ok()
    found = {item["name"]: item["image"] for item in patched["spec"]["template"]["spec"]["containers"]}
    assert found == {"c": "j", "e": "k"}
    merged = server.patch(f"{path}/d", {"spec": {"template": {"spec": {"containers": containers[1:]}}}}).ok()
    assert [item["name"] for item in merged["spec"]["template"]["spec"]["containers"]] == ["e"]


def test_a_patch_of_no_known_type_is_refused(server: Server, space: Namespace) -> None:
    space.config_map("a")
    answer = server.send("PATCH", space.path("configmaps/a"), {"data": {}})
    refused(answer, 415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


@pytest.mark.parametrize("kind", ["merge", "json"])
def test_a_patch_that_is_not_valid_json_is_refused(server: Server, space: Namespace, kind: str) -> None:
    space.config_map("a")
    answer = server.patch(space.path("configmaps/a"), b"{x", kind)
    refused(answer, 400, "BadRequest", "invalid JSON patch")


def test_a_json_patch_is_a_list(server: Server, space: Namespace) -> None:
    space.config_map("a")
    message = "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    refused(server.patch(space.path("configmaps/a"), {}, "json"), 400, "BadRequest", message)


NO_MAPPING = "json: cannot unmarshal array into Go value of type map[string]interface {}"


def test_a_strategic_patch_takes_away_what_is_not_there(server: Server, space: Namespace) -> None:
    space.config_map("a")
    patch = {"metadata": {"ownerReferences": [{"$patch": "delete", "uid": "u"}]}}
    assert "ownerReferences" not in server.patch(space.path("configmaps/a"), patch, "strategic-merge").ok()["metadata"]


@pytest.mark.parametrize("kind", ["merge", "strategic-merge"])
def test_a_patch_leaves_metadata_of_their_types(server: Server, space: Namespace, kind: str) -> None:
    space.config_map("a")
    answer = server.patch(space.path("configmaps/a"), {"metadata": {"labels": {"l": 1}}}, kind)
    assert (answer.status, answer.json()["reason"]) == (422, "Invalid")
    assert answer.json()["message"].startswith(' "" is invalid: patch: Invalid value: ')
    if kind == "merge":  # of the other the real server says no more than "cannot convert int64 to string"
        assert "json: cannot unmarshal number into Go struct field ObjectMeta" in answer.json()["message"]


@pytest.mark.parametrize(
    ("kind", "patch", "message"),
    [
        ("merge", b"[]", f"error decoding patch: {NO_MAPPING}"),
        ("merge", b"null", "Invalid JSON Patch"),
        ("merge", b'{"data":{"k":NaN}}', "invalid JSON patch"),
        ("strategic-merge", b"[1]", NO_MAPPING),
        (
            "json",
            b'["x"]',
            "error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp",
        ),
        (
            "json",
            b'[{"op":"add","path":5,"value":1}]',
            "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string",
        ),
    ],
)
def test_a_patch_of_another_type_than_its_kind_takes_is_refused(
    server: Server, space: Namespace, kind: str, patch: bytes, message: str
) -> None:
    space.config_map("a")
    answer = server.patch(space.path("configmaps/a"), patch, kind)
    if b"NaN" in patch:
        assert answer.status == 400  # the rest is the parser's
        return
    refused(answer, 400, "BadRequest", message)


@pytest.mark.parametrize("operation", [{"op": "remove", "path": ""}, {"op": "replace", "path": "", "value": 5}])
def test_a_json_patch_leaves_an_object(server: Server, space: Namespace, operation: dict[str, Any]) -> None:
    space.config_map("a")
    answer = server.patch(space.path("configmaps/a"), [operation], "json")
    refused(answer, 422, "Invalid", "the server rejected our request due to an error in our request", {})


@pytest.mark.parametrize("metadata", [None, {"name": None}])
def test_a_patch_leaves_the_name(server: Server, space: Namespace, metadata: Any) -> None:
    before = space.config_map("a", kept="1")
    answer = server.patch(space.path("configmaps/a"), {"metadata": metadata})
    why = "the name of the object (a based on URL) was undeterminable: name must be provided"
    refused(answer, 400, "BadRequest", why)
    assert server.get(space.path("configmaps/a")).ok() == before


def apply(server: Server, path: str, data: dict[str, str], **params: Any) -> Answer:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}
    return server.send("PATCH", f"{path}/a", body, params, {"Content-Type": "application/apply-patch+yaml"})


def test_server_side_apply_creates_owns_and_conflicts(server: Server, path: str) -> None:
    created = apply(server, path, {"k": "1", "l": "1"}, fieldManager="me")
    assert created.status == 201
    (entry,) = created.ok()["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("me", "Apply")
    assert entry["fieldsV1"] == {"f:data": {"f:k": {}, "f:l": {}}}
    message = 'Apply failed with 1 conflict: conflict with "me": .data.k'
    causes = [{"reason": "FieldManagerConflict", "message": 'conflict with "me"', "field": ".data.k"}]
    refused(apply(server, path, {"k": "2"}, fieldManager="you"), 409, "Conflict", message, {"causes": causes})
    forced = apply(server, path, {"k": "2"}, fieldManager="you", force=True).ok()
    assert forced["data"] == {"k": "2", "l": "1"}
    # What its only owner no longer applies goes.
    assert apply(server, path, {}, fieldManager="me").ok()["data"] == {"k": "2"}


def test_all_conflicts_of_a_server_side_apply_are_listed_by_manager(server: Server, path: str) -> None:
    apply(server, path, {"k": "1"}, fieldManager="two").ok()
    apply(server, path, {"l": "1", "m": "1"}, fieldManager="one").ok()
    message = apply(server, path, {"k": "2", "l": "2", "m": "2"}, fieldManager="you").json()["message"]
    assert message == (
        'Apply failed with 3 conflicts: conflicts with "one":\n- .data.l\n- .data.m\nconflicts with "two":\n- .data.k'
    )


def test_an_apply_that_no_longer_names_a_map_leaves_there_what_others_put_into_it(server: Server, path: str) -> None:
    server.create(path, {"metadata": {"name": "a"}, "data": {"k": "1"}})
    apply(server, path, {"k": "1", "l": "1"}, fieldManager="me").ok()
    server.patch(f"{path}/a", {"data": {"m": "1"}}).ok()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    headers = {"Content-Type": "application/apply-patch+yaml"}
    left = server.send("PATCH", f"{path}/a", body, {"fieldManager": "me"}, headers).ok()
    assert left["data"] == {"k": "1", "m": "1"}


def test_the_manager_that_creates_a_list_owns_it_and_its_items(server: Server, space: Namespace) -> None:
    volumes = [{"name": "v", "configMap": {"name": "a"}}]
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": volumes}
    made = server.create(space.path("pods"), {"metadata": {"name": "p"}, "spec": spec})
    (entry,) = made["metadata"]["managedFields"]
    owned = entry["fieldsV1"]["f:spec"]["f:volumes"]
    assert owned.keys() == {".", 'k:{"name":"v"}'}
    assert owned['k:{"name":"v"}'].keys() == {".", "f:configMap", "f:name"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": {"name": "b"}}, "the name of the object (b) does not match the name on the URL (a)"),
        (
            {"metadata": {"generateName": "a"}},
            "the name of the object (a based on URL) was undeterminable: name must be provided",
        ),
        ({"kind": ""}, "invalid object type: /v1, Kind="),
        ({"apiVersion": ""}, "invalid object type: /, Kind=ConfigMap"),
        ({"kind": "Secret"}, "invalid object type: /v1, Kind=Secret"),
    ],
)
def test_server_side_apply_says_what_it_is_of(
    server: Server, space: Namespace, path: str, change: dict[str, Any], message: str
) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **change}
    headers = {"Content-Type": "application/apply-patch+yaml"}
    answer = server.send("PATCH", f"{path}/a", body, {"fieldManager": "me"}, headers)
    refused(answer, 400, "BadRequest", message)
    names = [item["metadata"]["name"] for item in server.get(space.path("configmaps")).ok()["items"]]
    assert not {"a", "b"} & set(names)


def test_server_side_apply_creates_whatever_version_it_has_but_of_no_certain_uid(server: Server, path: str) -> None:
    headers = {"Content-Type": "application/apply-patch+yaml"}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "of-another"}}
    answer = server.send("PATCH", f"{path}/a", body, {"fieldManager": "me"}, headers)
    assert answer.status == 409
    assert answer.json()["message"].endswith(
        "uid mismatch: the provided object specified uid of-another, and no existing object was found"
    )
    body = {**body, "metadata": {"name": "a", "resourceVersion": "1"}}
    assert server.send("PATCH", f"{path}/a", body, {"fieldManager": "me"}, headers).status == 201


def test_server_side_apply_takes_away_items_that_nobody_else_owns(server: Server, space: Namespace) -> None:
    path = space.path("deployments", "/apis/apps/v1")

    def apply_containers(manager: str, *names: str) -> Answer:
        template = {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": n, "image": n} for n in names]},
        }
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
        kind = {"Content-Type": "application/apply-patch+yaml"}
        return server.send("PATCH", f"{path}/d", body, {"fieldManager": manager}, kind)

    apply_containers("one", "a", "b").ok()
    apply_containers("two", "b", "c").ok()
    containers = apply_containers("one", "b").ok()["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == ["b", "c"]


def test_server_side_apply_needs_a_manager(server: Server, path: str) -> None:
    answer = apply(server, path, {"k": "1"})
    message = "Required value: is required for apply patch"
    causes = [{"reason": "FieldValueRequired", "message": message, "field": "fieldManager"}]
    details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes}
    refused(answer, 422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {message}', details)


def test_a_dry_run_answers_and_keeps_nothing(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    answer = server.send("POST", path, {"metadata": {"name": "a"}}, {"dryRun": "All"})
    assert answer.status == 201
    assert "resourceVersion" not in answer.ok()["metadata"]
    assert server.get(f"{path}/a").status == 404
    space.config_map("b")
    server.send("DELETE", f"{path}/b", None, {"dryRun": "All"}).ok()
    assert server.get(f"{path}/b").status == 200


def test_a_delete_answers_with_a_status(server: Server, space: Namespace) -> None:
    made = space.config_map("a")
    answer = server.send("DELETE", space.path("configmaps/a"))
    assert answer.ok() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    }
    assert server.get(space.path("configmaps/a")).status == 404


def test_a_name_that_is_used_again_has_another_uid(server: Server, space: Namespace) -> None:
    first = space.config_map("a")
    server.send("DELETE", space.path("configmaps/a")).ok()
    second = space.config_map("a")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert version(second) > version(first)


def test_a_delete_can_be_bound_to_uid_and_version(server: Server, space: Namespace) -> None:
    made = space.config_map("a")["metadata"]
    path = space.path("configmaps/a")
    details = {"name": "a", "kind": "ConfigMap"}
    head = 'Operation cannot be fulfilled on ConfigMap "a": the '
    uid = (
        f"UID in the precondition (other) does not match the UID in record ({made['uid']}). "
        "The object might have been deleted and then recreated"
    )
    answer = server.send("DELETE", path, {"preconditions": {"uid": "other"}})
    refused(answer, 409, "Conflict", head + uid, details)
    versions = (
        f"ResourceVersion in the precondition (1) does not match the ResourceVersion in record "
        f"({made['resourceVersion']}). The object might have been modified"
    )
    answer = server.send("DELETE", path, {"preconditions": {"resourceVersion": "1"}})
    refused(answer, 409, "Conflict", head + versions, details)
    right = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
    server.send("DELETE", path, {"preconditions": right}).ok()


def test_finalizers_hold_an_object_until_they_are_gone(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    made = server.create(path, {"metadata": {"name": "a", "finalizers": ["example.com/f"]}})
    with server.watch(path, resourceVersion=made["metadata"]["resourceVersion"]) as watch:
        marked = server.send("DELETE", f"{path}/a").ok()
        assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
        assert version(marked) > version(made)
        assert server.send("DELETE", f"{path}/a").ok() == marked
        assert watch.event() == ("MODIFIED", marked)
        let_go = server.patch(f"{path}/a", {"metadata": {"finalizers": None}}).ok()
        assert "finalizers" not in let_go["metadata"]
        kind, deleted = watch.event()
    assert (kind, version(deleted) > version(marked)) == ("DELETED", True)
    assert deleted["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]
    assert server.get(f"{path}/a").status == 404


def test_foreground_deletion_is_a_finalizer(server: Server, space: Namespace) -> None:
    space.config_map("a")
    marked = server.send("DELETE", space.path("configmaps/a"), {"propagationPolicy": "Foreground"}).ok()
    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]


@pytest.mark.parametrize("option", [{"propagationPolicy": "Orphan"}, {"orphanDependents": True}])
@pytest.mark.parametrize("is_in_body", [True, False])
def test_to_orphan_is_a_finalizer_which_another_policy_replaces(
    server: Server, space: Namespace, option: dict[str, Any], *, is_in_body: bool
) -> None:
    space.config_map("a")
    path = space.path("configmaps/a")
    marked = server.send("DELETE", path, *((option, {}) if is_in_body else (None, option))).ok()
    assert marked["metadata"]["finalizers"] == ["orphan"]
    assert server.send("DELETE", path).ok()["metadata"]["finalizers"] == ["orphan"]
    again = server.send("DELETE", path, {"propagationPolicy": "Foreground"}).ok()
    assert again["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert server.send("DELETE", path, {"propagationPolicy": "Background"}).ok()["status"] == "Success"
    assert server.get(path).status == 404


def test_a_policy_is_one_of_three(server: Server, space: Namespace) -> None:
    space.config_map("a")
    answer = server.send("DELETE", space.path("configmaps/a"), None, {"propagationPolicy": "Foo"})
    supported = 'supported values: "Foreground", "Background", "Orphan", "nil"'
    assert answer.status == 422
    assert answer.json()["message"] == (
        f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": {supported}'
    )
    both = {"propagationPolicy": "Orphan", "orphanDependents": True}
    assert server.send("DELETE", space.path("configmaps/a"), both).status == 422


@pytest.mark.parametrize(("method", "kind"), [("POST", "Create"), ("DELETE", "Delete")])
def test_a_dry_run_is_of_all(server: Server, space: Namespace, method: str, kind: str) -> None:
    space.config_map("a")
    path, body = (space.path("configmaps"), {"metadata": {"name": "b"}}) if method == "POST" else ("", None)
    answer = server.send(method, path or space.path("configmaps/a"), body, {"dryRun": "Foo"})
    assert answer.status == 422
    message = f'{kind}Options.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Foo"]: supported values: "All"'
    assert answer.json()["message"] == message


def test_what_is_being_deleted_gets_no_new_finalizers(server: Server, space: Namespace) -> None:
    body = {"metadata": {"name": "a", "finalizers": ["example.com/old"]}}
    server.create(space.path("configmaps"), body)
    path = space.path("configmaps/a")
    server.send("DELETE", path).ok()
    answer = server.patch(path, {"metadata": {"finalizers": ["example.com/old", "example.com/b", "example.com/a"]}})
    found = 'found new finalizers []string{"example.com/a", "example.com/b"}'
    assert answer.status == 422
    assert answer.json()["message"] == (
        'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is '
        f"being deleted, {found}"
    )
    server.patch(path, {"metadata": {"finalizers": None}}).ok()
    assert server.get(path).status == 404


def test_a_grace_period_below_zero_is_a_second(server: Server, space: Namespace) -> None:
    server.create(space.path("pods"), {"metadata": {"name": "a"}, "spec": {**POD_SPEC, "nodeName": "node-1"}})
    answer = server.send("DELETE", space.path("pods/a"), None, {"gracePeriodSeconds": -5})
    assert answer.ok()["metadata"]["deletionGracePeriodSeconds"] == 1


def test_a_pod_on_a_node_gets_its_grace_period(server: Server, space: Namespace) -> None:
    path = space.path("pods")
    made = server.create(path, {"metadata": {"name": "p"}, "spec": {**POD_SPEC, "nodeName": "n"}})
    with server.watch(path, resourceVersion=made["metadata"]["resourceVersion"]) as watch:
        marked = server.send("DELETE", f"{path}/p").ok()
        assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
        assert marked["metadata"]["generation"] == 2
        assert watch.event() == ("MODIFIED", marked)
        server.send("DELETE", f"{path}/p", {"gracePeriodSeconds": 0}).ok()
        kinds = []
        while not kinds or kinds[-1] != "DELETED":
            kinds.append(watch.event()[0])
    assert kinds == ["MODIFIED", "DELETED"]


def test_a_pod_on_no_node_goes_at_once(server: Server, space: Namespace) -> None:
    path = space.path("pods")
    made = server.create(path, {"metadata": {"name": "p"}, "spec": POD_SPEC})
    with server.watch(path, resourceVersion=made["metadata"]["resourceVersion"]) as watch:
        deleted = server.send("DELETE", f"{path}/p").ok()
        # Marked, then removed: two writes.
        (first, marked), (second, gone) = watch.events(2)
    assert (first, second) == ("MODIFIED", "DELETED")
    assert marked["metadata"]["deletionTimestamp"] == gone["metadata"]["deletionTimestamp"]
    assert version(marked) < version(gone)
    assert (deleted["kind"], deleted["metadata"]["deletionGracePeriodSeconds"]) == ("Pod", 0)
    assert server.get(f"{path}/p").status == 404


def test_a_collection_is_deleted_by_selector(server: Server, space: Namespace) -> None:
    for name, tier in (("a", "web"), ("b", "db"), ("c", "web")):
        last = space.config_map(name, tier=tier)
    path = space.path("configmaps")
    with server.watch(path, resourceVersion=last["metadata"]["resourceVersion"]) as watch:
        answer = server.send("DELETE", path, None, {"labelSelector": "tier=web"}).ok()
        events = watch.events(2)
    assert answer["kind"] == "ConfigMapList"
    assert [item["metadata"]["name"] for item in answer["items"]] == ["a", "c"]
    assert sorted((kind, obj["metadata"]["name"]) for kind, obj in events) == [("DELETED", "a"), ("DELETED", "c")]
    assert [item["metadata"]["name"] for item in server.get(path).ok()["items"]] == ["b"]


def test_status_is_written_apart(server: Server, space: Namespace) -> None:
    path = space.path("pods")
    body = {"metadata": {"name": "p"}, "spec": POD_SPEC, "status": {"phase": "Running"}}
    assert server.create(path, body)["status"]["phase"] == "Pending"
    assert server.patch(f"{path}/p", {"status": {"phase": "Running"}}).ok()["status"]["phase"] == "Pending"
    both = {"status": {"phase": "Running"}, "spec": {"activeDeadlineSeconds": 5}}
    changed = server.patch(f"{path}/p/status", both).ok()
    assert changed["status"]["phase"] == "Running"
    assert "activeDeadlineSeconds" not in changed["spec"]
    assert server.get(f"{path}/p/status").ok() == changed


def test_generation_counts_what_is_asked_for(server: Server, space: Namespace) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = space.path("deployments", "/apis/apps/v1")
    made = server.create(path, {"metadata": {"name": "d"}, "spec": spec})
    generations = [
        made["metadata"]["generation"],
        server.patch(f"{path}/d", {"metadata": {"labels": {"x": "y"}}}).ok()["metadata"]["generation"],
        server.patch(f"{path}/d/status", {"status": {"replicas": 1}}).ok()["metadata"]["generation"],
        server.patch(f"{path}/d", {"spec": {"replicas": 3}}).ok()["metadata"]["generation"],
    ]
    assert generations == [1, 1, 1, 2]
    assert "generation" not in space.config_map("a")["metadata"]


def test_a_namespace_that_goes_takes_nothing_new(server: Server, space: Namespace) -> None:
    marked = server.send("DELETE", f"/api/v1/namespaces/{space.name}").ok()
    assert (marked["kind"], marked["status"]) == ("Namespace", {"phase": "Terminating"})
    assert "deletionTimestamp" in marked["metadata"]
    answer = server.send("POST", space.path("configmaps"), {"metadata": {"name": "a"}})
    message = (
        f'configmaps "a" is forbidden: unable to create new content in namespace {space.name} '
        "because it is being terminated"
    )
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {space.name} is being terminated",
        "field": "metadata.namespace",
    }
    refused(answer, 403, "Forbidden", message, {"name": "a", "kind": "configmaps", "causes": [cause]})


def test_a_namespace_goes_when_its_own_finalizer_does(server: Server, space: Namespace) -> None:
    path = f"/api/v1/namespaces/{space.name}"
    marked = server.send("DELETE", path).ok()
    assert server.get(f"{path}/status").ok() == marked
    server.send("PUT", f"{path}/finalize", {**marked, "spec": {}}).ok()
    assert server.get(path).status == 404


def test_a_namespace_is_labelled_with_its_name(server: Server, space: Namespace) -> None:
    found = server.get(f"/api/v1/namespaces/{space.name}").ok()
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": space.name}
    assert (found["spec"], found["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})


@pytest.mark.parametrize(("method", "suffix"), [("PATCH", ""), ("POST", "/a"), ("OPTIONS", "")])
def test_other_methods_are_not_allowed(server: Server, path: str, method: str, suffix: str) -> None:
    message = "the server does not allow this method on the requested resource"
    refused(server.send(method, path + suffix, {}), 405, "MethodNotAllowed", message, {})


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_in_all_namespaces_at_once_nothing_is_written(server: Server, space: Namespace, method: str) -> None:
    space.config_map("a", only="here")
    body = {"metadata": {"name": "b"}} if method == "POST" else None
    message = "the server does not allow this method on the requested resource"
    answer = server.send(method, "/api/v1/configmaps", body, {"labelSelector": "only=here"})
    refused(answer, 405, "MethodNotAllowed", message, {})
    names = [
        item["metadata"]["name"] for item in server.get(space.path("configmaps"), labelSelector="only").ok()["items"]
    ]
    assert names == ["a"]


@pytest.mark.parametrize("suffix", ["", "/a"])
def test_an_object_has_no_head(server: Server, space: Namespace, suffix: str) -> None:
    space.config_map("a")
    answer = server.send("HEAD", space.path("configmaps") + suffix)
    assert (answer.status, answer.raw) == (405, b"")


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_a_namespace_that_every_cluster_has_may_not_be_deleted(server: Server, name: str) -> None:
    answer = server.send("DELETE", f"/api/v1/namespaces/{name}")
    message = f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    refused(answer, 403, "Forbidden", message, {"name": name, "kind": "namespaces"})


def test_the_texts_of_a_secret_become_data(server: Server, space: Namespace) -> None:
    body = {"metadata": {"name": "a"}, "data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "y", "c": "é"}}
    made = server.create(space.path("secrets"), body)
    assert (made["data"], "stringData" in made) == ({"a": "eA==", "b": "eQ==", "c": "w6k="}, False)
    changed = server.patch(space.path("secrets/a"), {"stringData": {"a": "z"}}).ok()
    assert changed["data"] == {"a": "eg==", "b": "eQ==", "c": "w6k="}


UNKNOWN = ['unknown field "metadata.odd"', 'unknown field "spec.containers[0].foo"', 'unknown field "bogus"']


def test_fields_that_nobody_knows_go_with_a_warning_unless_they_are_refused(server: Server, space: Namespace) -> None:
    path = space.path("pods")
    spec = {"containers": [{"name": "c", "image": "i", "foo": 1}]}
    body = {"metadata": {"name": "a", "odd": 1}, "spec": spec, "bogus": 1}
    refused = server.send("POST", path, body, {"fieldValidation": "Strict"})
    assert (refused.status, refused.json()["message"]) == (
        400,
        f'Pod in version "v1" cannot be handled as a Pod: strict decoding error: {", ".join(UNKNOWN)}',
    )
    quiet = server.send("POST", path, body, {"fieldValidation": "Ignore", "dryRun": "All"})
    assert (quiet.status, quiet.headers.get("Warning")) == (201, None)
    made = server.send("POST", path, body)
    assert made.headers["Warning"] == ", ".join(f"299 - {json.dumps(each)}" for each in UNKNOWN)
    assert "foo" not in made.json()["spec"]["containers"][0]
    assert "bogus" not in made.json()
    patched = server.patch(f"{path}/a", {"bogus": 2})
    assert patched.headers["Warning"] == '299 - "unknown field \\"bogus\\""'
    headers = {"Content-Type": "application/merge-patch+json"}
    refused = server.send("PATCH", f"{path}/a", {"bogus": 2}, {"fieldValidation": "Strict"}, headers)
    assert refused.status == 422
    assert refused.json()["message"].endswith('strict decoding error: unknown field "bogus"')


def test_fields_that_are_there_twice_are_reported(server: Server, path: str) -> None:
    body = b'{"metadata":{"name":"a","name":"b","name":"a"},"data":{"l":"1"},"data":{"k":"1","k":"2"}}'
    refused = server.send("POST", path, body, {"fieldValidation": "Strict"})
    said = ", ".join(f'duplicate field "{field}"' for field in ("metadata.name", "data", "data.k"))
    assert refused.json()["message"].endswith(f"strict decoding error: {said}")
    body = b'{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}'
    refused = server.send("POST", path, body, {"fieldValidation": "Strict"})
    assert refused.status == 400
    assert refused.json()["message"].endswith('strict decoding error: duplicate field "data.k"')
    made = server.send("POST", path, body)
    assert (made.headers["Warning"], made.json()["data"]) == ('299 - "duplicate field \\"data.k\\""', {"k": "2"})
    twice = b'[{"op":"add","path":"/data/k","value":"3","op":"add"}]'
    headers = {"Content-Type": "application/json-patch+json"}
    patched = server.send("PATCH", f"{path}/a", twice, {}, headers)
    assert patched.headers["Warning"] == '299 - "json patch duplicate field \\"[0].op\\""'


@pytest.mark.parametrize(
    ("plural", "api", "body", "why"),
    [
        ("configmaps", "/api/v1", {"data": {"a": 1}}, "number into Go struct field ConfigMap.data of type string"),
        (
            "deployments",
            "/apis/apps/v1",
            {"spec": {"replicas": "3"}},
            "string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "pods",
            "/api/v1",
            {"spec": {"containers": [{"name": "c", "env": [{"name": "E", "value": 1}]}]}},
            "number into Go struct field EnvVar.spec.containers.env.value of type string",
        ),
        (
            "pods",
            "/api/v1",
            {"spec": {"hostNetwork": "yes"}},
            "string into Go struct field PodSpec.spec.hostNetwork of",
        ),
        ("pods", "/api/v1", {"spec": []}, "array into Go struct field Pod.spec of type v1.PodSpec"),
        (
            "pods",
            "/api/v1",
            {"spec": {"containers": {}}},
            "object into Go struct field PodSpec.spec.containers of type []",
        ),
    ],
)
def test_values_of_other_types_are_refused(
    server: Server, space: Namespace, plural: str, api: str, body: dict[str, Any], why: str
) -> None:
    answer = server.send("POST", space.path(plural, api), {"metadata": {"name": "a"}, **body})
    assert answer.status == 400
    assert f"json: cannot unmarshal {why}" in answer.json()["message"]


def test_a_quantity_may_be_a_number(server: Server, space: Namespace) -> None:
    resources = {"limits": {"cpu": 1, "memory": "1Gi"}}
    spec = {"containers": [{"name": "c", "image": "i", "resources": resources}]}
    assert server.send("POST", space.path("pods"), {"metadata": {"name": "a"}, "spec": spec}).status == 201
