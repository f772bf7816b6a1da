"""What no request gets away with: objects, patches and options that a controller may send by mistake."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import Server

MERGE, JSON_PATCH, STRATEGIC, APPLY = (
    {"Content-Type": f"application/{kind}"}
    for kind in ("merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
)
OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1", "controller": True}
EVENT = {"apiVersion": "v1", "kind": "Event", "name": "e", "uid": "1"}
POD_SPEC = {"containers": [{"name": "c", "image": "i"}]}
CORE = "/api/v1"
EVENTS = "/apis/events.k8s.io/v1"
NOW = "2026-01-01T00:00:00.000000Z"
LEASES = "/apis/coordination.k8s.io/v1"
DEPLOYMENTS = "/apis/apps/v1"
BATCH = "/apis/batch/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}
SELECTING = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
JOB_SPEC = {"template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}}
CRON_JOB_SPEC = {"schedule": "* * * * *", "jobTemplate": {"spec": JOB_SPEC}}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}
UNSELECTED = 'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`'
POD_RULE = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`"


def applied(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **fields}


@pytest.mark.parametrize(
    ("headers", "patch", "code", "words"),
    [
        (MERGE, {"kind": "Pod"}, 422, '"" is invalid: patch: Invalid value: '),
        (MERGE, {"apiVersion": "v2"}, 422, '"" is invalid: patch: Invalid value: '),
        (MERGE, {"data": {"k": 1}}, 422, '"" is invalid: patch: Invalid value: '),
        (MERGE, {"metadata": {"creationTimestamp": "soon"}}, 422, 'parsing time "soon" as '),
        (MERGE, {"metadata": {"uid": "other"}}, 422, 'metadata.uid: Invalid value: "other": field is immutable'),
        (MERGE, {"metadata": {"deletionGracePeriodSeconds": 3}}, 422, "Invalid value: 3: field is immutable"),
        (MERGE, {"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}}, 422, "field is immutable"),
        (MERGE, {"metadata": {"ownerReferences": [EVENT]}}, 422, "/v1, Kind=Event is disallowed from being an owner"),
        (
            MERGE,
            {"metadata": {"ownerReferences": [OWNER, {**OWNER, "name": "b", "uid": "2"}]}},
            422,
            'Only one reference can have Controller set to true. Found "true" in references for Pod/a and Pod/b',
        ),
        (MERGE, {"data": {"a/b": "x"}}, 422, 'data[a/b]: Invalid value: "a/b": a valid config key must consist of '),
        (MERGE, {"data": {"big": "x" * (1024 * 1024 + 1)}}, 422, "[]: Too long: may not be more than 1048576 bytes"),
        (MERGE, {"metadata": {"resourceVersion": "abc"}}, 500, 'strconv.ParseUint: parsing "abc": invalid syntax'),
        (APPLY, applied(odd=1), 500, "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .odd: field not "),
        (APPLY, applied(data={"k": 1}), 500, "failed to create typed patch object (/a; /v1, Kind=ConfigMap): "),
    ],
)
def test_a_patch_that_must_not_be(
    server: Server, space: Namespace, headers: dict[str, str], patch: Any, code: int, words: str
) -> None:
    space.config_map("a")
    params = {"fieldManager": "me"} if headers is APPLY else {}
    answer = server.send("PATCH", space.path("configmaps/a"), patch, params, headers)
    assert answer.status == code
    assert words in answer.json()["message"]


def test_a_strategic_patch_overlooks_the_kind(server: Server, space: Namespace) -> None:
    space.config_map("a")
    patch = {"kind": "Pod", "apiVersion": "v2"}
    assert server.send("PATCH", space.path("configmaps/a"), patch, {}, STRATEGIC).ok()["kind"] == "ConfigMap"


def test_a_name_prefix_may_be_changed_and_version_0_is_any(server: Server, space: Namespace) -> None:
    space.config_map("a")
    body = {"metadata": {"name": "a", "generateName": "x-", "resourceVersion": "0"}}
    assert server.send("PUT", space.path("configmaps/a"), body).ok()["metadata"]["generateName"] == "x-"


@pytest.mark.parametrize(
    ("api", "plural", "body", "words"),
    [
        (LEASES, "leases", {"spec": {"renewTime": "2026-01-01T00:00:00.000000"}}, "parsing time "),
        ("/api/v1", "secrets", {"data": {"k": "no base64!"}}, "illegal base64 data at input byte 2"),
        ("/api/v1", "secrets", {"data": {"k": "eA="}}, "illegal base64 data at input byte 3"),
    ],
)
def test_what_can_not_be_read_as_its_type_is_refused(
    server: Server, space: Namespace, api: str, plural: str, body: dict[str, Any], words: str
) -> None:
    answer = server.send("POST", space.path(plural, api), {"metadata": {"name": "a"}, **body})
    assert answer.status == 400
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("PUT", {"fieldManager": "x" * 129}, "fieldManager: Too long: may not be more than 128 bytes"),
        (
            "PUT",
            {"fieldManager": "a\tb"},
            'fieldManager: Invalid value: "a\\tb": invalid character U+0009 (at position 1)',
        ),
        ("PATCH", {"force": True}, "force: Forbidden: may not be specified for non-apply patch"),
        (
            "DELETE",
            {"propagationPolicy": ""},
            'propagationPolicy: Unsupported value: "": supported values: "Foreground", "Background", "Orphan", "nil"',
        ),
    ],
)
def test_options_that_must_not_be(
    server: Server, space: Namespace, method: str, options: dict[str, Any], message: str
) -> None:
    body = space.config_map("a") if method == "PUT" else {} if method == "PATCH" else None
    headers = MERGE if method == "PATCH" else {}
    answer = server.send(method, space.path("configmaps/a"), body, options, headers)
    assert answer.status == 422
    assert answer.json()["message"].endswith(f'Options.meta.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"kind": "Pod"}, 400, 'no kind "Pod" is registered for version '),
        ({"propagationPolicy": 1}, 400, "json: cannot unmarshal number into Go struct field DeleteOptions."),
        ({"preconditions": []}, 400, "json: cannot unmarshal array into Go struct field DeleteOptions.preconditions"),
        ({"orphanDependents": "x"}, 400, "json: cannot unmarshal string into Go struct field DeleteOptions."),
        ({"dryRun": ["x"]}, 422, 'dryRun: Unsupported value: ["x"]'),
    ],
)
def test_the_options_of_a_delete_have_types(server: Server, space: Namespace, body: Any, code: int, words: str) -> None:
    space.config_map("a")
    answer = server.send("DELETE", space.path("configmaps/a"), body)
    assert answer.status == code
    assert words in answer.json()["message"]


def test_a_delete_with_a_body_overlooks_the_query(server: Server, space: Namespace) -> None:
    space.config_map("a")
    server.send("DELETE", space.path("configmaps/a"), {}, {"dryRun": "All"}).ok()
    assert server.get(space.path("configmaps/a")).status == 404


def test_a_body_must_say_what_it_is(server: Server, path: str) -> None:
    body = {"metadata": {"name": "a"}}
    assert server.send("POST", path, body, headers={"Content-Type": "*/*"}).status == 415
    assert server.send("POST", path, b"null").status == 422


@pytest.mark.parametrize("params", [{"limit": ""}, {"timeoutSeconds": ""}])
def test_a_number_is_not_empty(server: Server, path: str, params: dict[str, str]) -> None:
    answer = server.get(path, **params)
    assert (answer.status, answer.json()["message"]) == (400, 'strconv.ParseInt: parsing "": invalid syntax')


def test_what_is_going_can_not_be_created_again(server: Server, path: str) -> None:
    body = {"metadata": {"name": "a", "finalizers": ["example.com/held"]}}
    server.create(path, body)
    server.send("DELETE", f"{path}/a").ok()
    answer = server.send("POST", path, body)
    message = 'object is being deleted: configmaps "a" already exists'
    assert (answer.status, answer.json()["message"]) == (409, message)
    server.patch(f"{path}/a", {"metadata": {"finalizers": None}}).ok()


def test_a_status_is_applied(server: Server, space: Namespace) -> None:
    path = space.path("deployments", DEPLOYMENTS)
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    server.create(path, {"metadata": {"name": "d"}, "spec": spec})
    applied = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "status": {"replicas": 1}}
    made = server.send("PATCH", f"{path}/d/status", applied, {"fieldManager": "me"}, APPLY).ok()
    assert made["status"] == {"replicas": 1}
    entries = {entry["manager"]: entry for entry in made["metadata"]["managedFields"]}
    assert entries["me"]["subresource"] == "status"
    assert entries["me"]["fieldsV1"] == {"f:status": {"f:replicas": {}}}


def test_an_empty_map_that_is_applied_is_in_nobody_s_way(server: Server, space: Namespace) -> None:
    path = space.path("configmaps/a")
    for manager, data in (("one", {"k": "v"}), ("two", {}), ("three", {"q": "v"})):
        made = server.send("PATCH", path, applied(data=data), {"fieldManager": manager}, APPLY).ok()
    assert made["data"] == {"k": "v", "q": "v"}
    owned = {entry["manager"]: entry["fieldsV1"] for entry in made["metadata"]["managedFields"]}
    inner: dict[str, Any] = {"one": {"f:k": {}}, "two": {}, "three": {"f:q": {}}}
    assert owned == {manager: {"f:data": fields} for manager, fields in inner.items()}


def test_new_items_of_a_strategic_patch_come_first(server: Server, space: Namespace) -> None:
    path = space.path("services")
    ports = [{"name": name, "port": port} for name, port in (("a", 80), ("b", 81))]
    server.create(path, {"metadata": {"name": "s"}, "spec": {"ports": ports}})
    patch = {"spec": {"ports": [{"port": 81, "targetPort": 8081}, {"name": "c", "port": 82}]}}
    changed = server.send("PATCH", f"{path}/s", patch, {}, STRATEGIC).ok()
    assert [port["name"] for port in changed["spec"]["ports"]] == ["a", "b", "c"]
    patch = {"spec": {"ports": [{"name": "d", "port": 83}]}}
    changed = server.send("PATCH", f"{path}/s", patch, {}, STRATEGIC).ok()
    assert [port["name"] for port in changed["spec"]["ports"]] == ["d", "a", "b", "c"]
    refused = server.send("PATCH", f"{path}/s", {"spec": {"ports": [{"name": "d"}]}}, {}, STRATEGIC)
    assert refused.status == 500
    assert refused.json()["message"].endswith("does not contain declared merge key: port")


def test_base64_may_have_several_lines(server: Server, space: Namespace) -> None:
    assert server.create(space.path("secrets"), {"metadata": {"name": "a"}, "data": {"k": "eHh4\neHh4\n"}})


@pytest.mark.parametrize("plural", ["deployments", "replicasets", "statefulsets", "daemonsets"])
def test_a_selector_matches_its_template_and_stays(server: Server, space: Namespace, plural: str) -> None:
    path = space.path(plural, DEPLOYMENTS)
    for wrong, words in (
        ({"selector": {"matchLabels": {"a": "c"}}}, UNSELECTED),
        ({"selector": None}, UNSELECTED),
        ({"selector": {}}, "spec.selector: Invalid value: {}: empty selector is invalid for "),
        ({"template": {**TEMPLATE, "spec": {}}}, "spec.template.spec.containers: Required value"),
        (
            {"template": {**TEMPLATE, "spec": {**POD_SPEC, "restartPolicy": "Never"}}},
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        ),
    ):
        answer = server.send("POST", path, {"metadata": {"name": "a"}, "spec": {**SELECTING, **wrong}})
        assert answer.status == 422
        assert words in answer.json()["message"]
    server.send("POST", path, {"metadata": {"name": "a"}, "spec": SELECTING}).ok()
    labels = {"a": "z"}
    patch = {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}
    answer = server.send("PATCH", f"{path}/a", patch, {}, MERGE)
    assert answer.status == 422
    assert 'spec.selector: Invalid value: {"matchLabels":{"a":"z"}}: field is immutable' in answer.json()["message"]
    server.send("PATCH", f"{path}/a", {"spec": {"template": {"metadata": {"labels": {"b": "c"}}}}}, {}, MERGE).ok()


@pytest.mark.parametrize(
    ("api", "plural", "fields", "patch", "words"),
    [
        ("/api/v1", "pods", {"spec": POD_SPEC}, {"spec": {"hostname": "h"}}, POD_RULE),
        ("/api/v1", "pods", {"spec": POD_SPEC}, {"spec": {"nodeName": "n"}}, POD_RULE),
        (
            "/api/v1",
            "pods",
            {"spec": POD_SPEC},
            {"spec": {"containers": [*POD_SPEC["containers"], {"name": "d", "image": "i"}]}},
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ),
        (
            "/api/v1",
            "services",
            {"spec": {"ports": [{"port": 80}]}},
            {"spec": {"clusterIP": "10.0.0.77"}},
            'spec.clusterIPs[0]: Invalid value: ["10.0.0.77"]: may not change once set',
        ),
        (
            DEPLOYMENTS,
            "statefulsets",
            {"spec": {**SELECTING, "serviceName": "s"}},
            {"spec": {"serviceName": "t"}},
            'spec.serviceName: Invalid value: "t": field is immutable',
        ),
        (
            BATCH,
            "jobs",
            {"spec": JOB_SPEC},
            {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}},
            "immutable",
        ),
        (
            BATCH,
            "jobs",
            {"spec": JOB_SPEC},
            {"spec": {"completions": 3}},
            "spec.completions: Invalid value: 3: field is",
        ),
        (RBAC, "rolebindings", {"roleRef": ROLE}, {"roleRef": {"name": "b"}}, "roleRef: Invalid value: "),
    ],
)
def test_an_update_of_what_stays_as_it_was_created_is_refused(
    server: Server, space: Namespace, api: str, plural: str, fields: Any, patch: Any, words: str
) -> None:
    path = space.path(plural, api)
    server.send("POST", path, {"metadata": {"name": "a"}, **fields}).ok()
    answer = server.send("PATCH", f"{path}/a", patch, {}, MERGE)
    assert answer.status == 422
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("api", "plural", "name", "spec", "said"),
    [
        (
            CORE,
            "pods",
            "a",
            {"containers": POD_SPEC["containers"] * 2},
            'spec.containers[1].name: Duplicate value: "c"',
        ),
        (
            BATCH,
            "jobs",
            "a",
            {"template": {"spec": POD_SPEC}},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (
            BATCH,
            "cronjobs",
            "c" * 53,
            CRON_JOB_SPEC,
            f'metadata.name: Invalid value: "{"c" * 53}": must be no more than 52 characters',
        ),
        (BATCH, "cronjobs", "a", {**CRON_JOB_SPEC, "schedule": ""}, "spec.schedule: Required value"),
        (
            CORE,
            "persistentvolumeclaims",
            "a",
            {"resources": {"requests": {"cpu": "1"}}},
            (
                "[spec.accessModes: Required value: at least 1 access mode is required, "
                "spec.resources[storage]: Required value]"
            ),
        ),
        (CORE, "services", "a", {}, "spec.ports: Required value"),
        (CORE, "services", "a", {"type": "ExternalName"}, "spec.externalName: Required value"),
        (
            CORE,
            "services",
            "a",
            {"ports": [{"port": 80}, {"port": 80}]},
            (
                "[spec.ports[0].name: Required value, spec.ports[1].name: Required value, "
                "spec.ports[1]: Duplicate value: "
                '{"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}]'
            ),
        ),
        (
            CORE,
            "services",
            "a",
            {"ports": [{"name": "b", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}]},
            'spec.ports[1].name: Duplicate value: "b"',
        ),
    ],
)
def test_what_could_not_run_is_refused(
    server: Server, space: Namespace, api: str, plural: str, name: str, spec: Any, said: str
) -> None:
    answer = server.send("POST", space.path(plural, api), {"metadata": {"name": name}, "spec": spec})
    assert answer.status == 422
    assert answer.json()["message"].endswith(f'"{name}" is invalid: {said}')


def test_an_update_leaves_a_service_whole(server: Server, space: Namespace) -> None:
    path = space.path("services")
    server.create(path, {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}})
    server.create(path, {"metadata": {"name": "headless"}, "spec": {"clusterIP": "None"}})
    answer = server.send("PATCH", f"{path}/a", {"spec": {"ports": []}}, {}, MERGE)
    assert answer.status == 422
    assert answer.json()["message"] == 'Service "a" is invalid: spec.ports: Required value'


@pytest.mark.parametrize(
    ("api", "field", "said"),
    [(CORE, "involvedObject", ""), (CORE, "involvedObject", "elsewhere"), (EVENTS, "regarding", "")],
)
def test_an_event_is_in_the_namespace_of_what_it_is_about(
    server: Server, space: Namespace, api: str, field: str, said: str
) -> None:
    about = {"kind": "Pod", "name": "p", "namespace": space.name}
    body = {
        "metadata": {"name": "e"},
        "action": "a",
        "reason": "r",
        "type": "Normal",
        **({"eventTime": NOW, "reportingController": "c", "reportingInstance": "i"} if api == EVENTS else {}),
    }
    server.create(space.path("events", api), {**body, field: about})
    wrong = {**body, "metadata": {"name": "f"}, field: {**about, "namespace": said}}
    answer = server.send("POST", space.path("events", api), wrong)
    assert answer.status == 422
    why = f'involvedObject.namespace: Invalid value: "{said}": does not match event.namespace'
    assert answer.json()["message"] == f'Event "f" is invalid: {why}'


def test_an_event_of_what_has_no_namespace_is_in_the_default_one(server: Server) -> None:
    body = {"metadata": {"generateName": "e-"}, "involvedObject": {"kind": "Node", "name": "n"}}
    server.send("POST", "/api/v1/namespaces/default/events", body).ok()


def test_an_image_and_tolerations_of_a_pod_may_change(server: Server, space: Namespace) -> None:
    path = space.path("pods")
    server.send("POST", path, {"metadata": {"name": "a"}, "spec": POD_SPEC}).ok()
    spec = {
        "containers": [{"name": "c", "image": "j"}],
        "activeDeadlineSeconds": 5,
        "tolerations": [{"key": "k", "operator": "Exists"}],
    }
    changed = server.send("PATCH", f"{path}/a", {"spec": spec}, {}, STRATEGIC).ok()["spec"]
    assert changed["containers"][0]["image"] == "j"
