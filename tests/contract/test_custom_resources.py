"""Custom resources: from their definition to its end, and how their objects are written."""

from __future__ import annotations

import itertools
import time
from typing import Any

import attrs
import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import STREAM, Server, decode_pairs
from tests.widgets import definition

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_numbers = itertools.count(1)


@attrs.frozen
class Custom:
    group: str
    path: str

    @property
    def definition(self) -> str:
        return f"{DEFINITIONS}/widgets.{self.group}"

    def widget(self, name: str, **fields: Any) -> dict[str, Any]:
        return {"apiVersion": f"{self.group}/v1", "kind": "Widget", "metadata": {"name": name}, **fields}


def define(group: str) -> dict[str, Any]:
    made = definition(group=group)
    made["spec"]["names"]["shortNames"] = ["wd"]
    return made


def wait_for(server: Server, path: str, status: int) -> None:
    deadline = time.monotonic() + 10
    while server.get(path).status != status:
        assert time.monotonic() < deadline, f"{path} never answered {status}"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def group(session_server: Server) -> str:
    """A group with a definition, for all tests: the real server waits two seconds before the first write to one."""
    name = f"g{next(_numbers)}.example.com"
    session_server.create(DEFINITIONS, define(name))
    wait_for(session_server, f"/apis/{name}/v1/widgets", 200)
    session_server.disconnect()
    return name


@pytest.fixture
def custom(group: str, space: Namespace) -> Custom:
    return Custom(group, space.path("widgets", f"/apis/{group}/v1"))


def test_a_definition_is_accepted_and_established(server: Server, custom: Custom) -> None:
    status = server.get(custom.definition).ok()["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert (conditions["NamesAccepted"], conditions["Established"]) == ("True", "True")
    assert status["acceptedNames"]["listKind"] == "WidgetList"
    assert status["storedVersions"] == ["v1"]


def test_fields_are_in_alphabetical_order(server: Server, custom: Custom) -> None:
    body = custom.widget("w", spec={"z": {"b": 1, "a": 2}, "a": []})
    body["metadata"]["labels"] = {"b": "1", "a": "2"}
    server.create(custom.path, body)
    answer = server.get(f"{custom.path}/w")

    def ordered(value: Any) -> bool:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            names = [name for name, _ in value]
            return names == sorted(names) and all(ordered(inner) for _, inner in value)
        return all(ordered(inner) for inner in value) if isinstance(value, list) else True

    assert ordered(decode_pairs(answer.raw))
    assert [name for name, _ in decode_pairs(answer.raw)] == ["apiVersion", "kind", "metadata", "spec"]


def test_a_list_has_its_fields_in_alphabetical_order_and_items_their_kind(server: Server, custom: Custom) -> None:
    empty = server.get(custom.path)
    version = empty.ok()["metadata"]["resourceVersion"]
    assert empty.raw == (
        b'{"apiVersion":"%s/v1","items":[],"kind":"WidgetList","metadata":{"continue":"","resourceVersion":"%s"}}\n'
        % (custom.group.encode(), version.encode())
    )
    made = [server.create(custom.path, custom.widget(name)) for name in "ab"]
    assert server.get(custom.path).ok()["items"] == made
    page = server.get(custom.path, limit=1).ok()
    assert list(page["metadata"]) == ["continue", "remainingItemCount", "resourceVersion"]
    rest = server.get(custom.path, limit=1, **{"continue": page["metadata"]["continue"]}).ok()
    assert page["items"] + rest["items"] == made


def test_a_streaming_list_and_its_end(server: Server, custom: Custom) -> None:
    made = server.create(custom.path, custom.widget("w"))
    with server.watch(custom.path, **STREAM) as watch:
        first, mark = watch.line(), watch.line()
    head = '{"type":"ADDED","object":{"apiVersion":"%s/v1","kind":"Widget","metadata":{"creationTimestamp":"'
    assert first.startswith((head % custom.group).encode())
    version = dict(dict(dict(decode_pairs(mark))["object"])["metadata"])["resourceVersion"]
    assert int(version) >= int(made["metadata"]["resourceVersion"])
    end = (
        '{"type":"BOOKMARK","object":{"apiVersion":"%s/v1","kind":"Widget","metadata":{"annotations":'
        '{"k8s.io/initial-events-end":"true"},"resourceVersion":"%s"}}}'
    )
    assert mark.decode() == end % (custom.group, version)


def test_its_metadata_alone_are_in_their_fixed_order(server: Server, custom: Custom) -> None:
    body = custom.widget("w")
    body["metadata"]["labels"] = {"b": "1", "a": "2"}
    made = server.create(custom.path, body)
    one = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    many = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    answer = server.send("GET", f"{custom.path}/w", headers=one).ok()
    listed = server.send("GET", custom.path, headers=many).ok()
    with server.watch(custom.path, accept=one["Accept"]) as watch:
        _, seen = watch.event()
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    assert answer == listed["items"][0] == seen == {**head, "metadata": made["metadata"]}
    order = [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "labels",
        "managedFields",
    ]
    assert [list(each["metadata"]) for each in (answer, listed["items"][0], seen)] == [order] * 3


def test_status_and_generation_are_kept_apart(server: Server, custom: Custom) -> None:
    made = server.create(custom.path, custom.widget("w", spec={"n": 1}, status={"ready": True}))
    assert "status" not in made
    changed = server.patch(f"{custom.path}/w/status", {"status": {"ready": True}, "spec": {"n": 2}}).ok()
    assert (changed["status"], changed["spec"], changed["metadata"]["generation"]) == ({"ready": True}, {"n": 1}, 1)
    changed = server.patch(f"{custom.path}/w", {"spec": {"n": 2}}).ok()
    assert (changed["status"], changed["metadata"]["generation"]) == ({"ready": True}, 2)


def test_true_is_not_the_same_as_1(server: Server, custom: Custom) -> None:
    path = f"{custom.path}/true"
    before = server.create(custom.path, custom.widget("true", spec={"on": 1}))
    after = server.patch(path, {"spec": {"on": True}}).ok()
    assert after["spec"]["on"] is True
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]


def test_an_object_says_its_kind_and_version(server: Server, custom: Custom) -> None:
    body = {"metadata": {"name": "w"}}
    answer = server.send("POST", custom.path, body)
    unrecognized = "the object provided is unrecognized (must be of type Widget)"
    text = '{"metadata": {"name": "w"}}'
    assert answer.status == 400
    assert answer.json()["message"] == f"{unrecognized}: Object 'Kind' is missing in '{text}' ({text})"
    answer = server.send("POST", custom.path, {"kind": "Widget", **body})
    expected = f"the expected API version ({custom.group}/v1)"
    assert answer.json()["message"] == f"the API version in the data () does not match {expected}"


@pytest.mark.parametrize(("field", "value"), [("labels", {"l": 1}), ("annotations", ["a"]), ("finalizers", "f")])
def test_metadata_are_of_their_types(server: Server, custom: Custom, field: str, value: Any) -> None:
    body = custom.widget("w")
    body["metadata"][field] = value
    answer = server.send("POST", custom.path, body)
    found, wanted = {
        "labels": ("number", "string"),
        "annotations": ("array", "map[string]string"),
        "finalizers": ("string", "[]string"),
    }[field]
    why = f"json: cannot unmarshal {found} into Go struct field ObjectMeta.{field} of type {wanted}"
    assert answer.status == 400
    assert answer.json()["message"] == f'Widget in version "v1" cannot be handled as a Widget: {why}'


def test_a_status_may_be_taken_away_and_is_what_was_sent(server: Server, custom: Custom) -> None:
    path = f"{custom.path}/w"
    server.create(custom.path, custom.widget("w", spec={"a": 1}))
    assert server.patch(f"{path}/status", {"status": ["b"]}).ok()["status"] == ["b"]
    assert "status" not in server.patch(f"{path}/status", {"status": None}).ok()


def test_an_apply_is_yaml_in_which_a_date_is_a_text(server: Server, custom: Custom) -> None:
    text = f"""
        apiVersion: {custom.group}/v1
        kind: Widget
        metadata: {{name: w, annotations: {{since: 2026-01-02}}}}
        spec: {{at: 2026-01-02T03:04:05Z, 1: one}}
    """
    headers = {"Content-Type": "application/apply-patch+yaml"}
    made = server.send("PATCH", f"{custom.path}/w", text.encode(), {"fieldManager": "me"}, headers).ok()
    assert made["metadata"]["annotations"] == {"since": "2026-01-02"}
    assert made["spec"] == {"at": "2026-01-02T03:04:05Z", "1": "one"}


INVALID = {
    "no plural": ({"names": {"kind": "Gear"}}, "spec.names.plural: Required value"),
    "no group": ({"group": ""}, "spec.group: Required value"),
    "no group's name": ({"group": "Example.com"}, 'spec.group: Invalid value: "Example.com": a lowercase RFC 1123'),
    "no scope": ({"scope": None}, "spec.scope: Required value"),
    "no versions": ({"versions": []}, "must have exactly one version marked as storage version"),
}


@pytest.mark.parametrize("case", INVALID)
def test_a_definition_that_can_not_be_served_is_refused(server: Server, case: str) -> None:
    change, message = INVALID[case]
    body = define("invalid.example.com")
    body["spec"].update(change)
    answer = server.send("POST", DEFINITIONS, body)
    assert (answer.status, answer.json()["reason"]) == (422, "Invalid")
    assert message in answer.json()["message"]
    assert server.get(f"{DEFINITIONS}/widgets.invalid.example.com").status == 404


def test_a_definition_is_named_after_what_it_defines_and_keeps_its_scope(server: Server, custom: Custom) -> None:
    body = define("named.example.com")
    body["metadata"]["name"] = "other.example.com"
    why = 'must be spec.names.plural+"."+spec.group'
    assert server.send("POST", DEFINITIONS, body).json()["message"] == (
        'CustomResourceDefinition.apiextensions.k8s.io "other.example.com" is invalid: metadata.name: Invalid value: '
        f'"other.example.com": {why}'
    )
    answer = server.patch(custom.definition, {"spec": {"scope": "Cluster"}})
    assert answer.status == 422
    assert answer.json()["message"].endswith('spec.scope: Invalid value: "Cluster": field is immutable')


def test_a_version_that_leaves_its_definition_is_not_served_any_more(server: Server, space: Namespace) -> None:
    group = f"g{next(_numbers)}.example.com"
    body = define(group)
    (version,) = body["spec"]["versions"]
    body["spec"]["versions"] = [version, {**version, "name": "v2", "storage": False}]
    server.create(DEFINITIONS, body)
    paths = [space.path("widgets", f"/apis/{group}/{name}") for name in ("v1", "v2")]
    for path in paths:
        wait_for(server, path, 200)
    server.patch(f"{DEFINITIONS}/widgets.{group}", {"spec": {"versions": [version]}}).ok()
    wait_for(server, paths[1], 404)
    wait_for(server, paths[0], 200)  # the real server begins anew with it, too


def test_an_update_needs_a_version(server: Server, custom: Custom) -> None:
    server.create(custom.path, custom.widget("w"))
    answer = server.send("PUT", f"{custom.path}/w", custom.widget("w", spec={"n": 1}))
    assert answer.status == 422
    assert answer.json()["message"] == (
        f'widgets.{custom.group} "w" is invalid: metadata.resourceVersion: Invalid value: 0: '
        "must be specified for an update"
    )


def test_a_strategic_patch_is_refused(server: Server, custom: Custom) -> None:
    server.create(custom.path, custom.widget("w"))
    answer = server.patch(f"{custom.path}/w", {"spec": {"n": 1}}, "strategic-merge")
    assert answer.status == 415
    assert answer.json()["message"] == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )


def test_fields_that_are_not_declared_select_nothing(server: Server, custom: Custom) -> None:
    answer = server.get(custom.path, fieldSelector="spec.n=1")
    assert (answer.status, answer.json()["message"]) == (400, "field label not supported: spec.n")


def test_discovery_tells_of_it(server: Server, custom: Custom) -> None:
    served = {"groupVersion": f"{custom.group}/v1", "version": "v1"}
    wait_for(server, f"/apis/{custom.group}/v1", 200)
    answer = server.get(f"/apis/{custom.group}").ok()
    assert (answer["versions"], answer["preferredVersion"]) == ([served], served)
    widgets, status = server.get(f"/apis/{custom.group}/v1").ok()["resources"]
    widgets.pop("storageVersionHash", None)
    assert widgets == {
        "name": "widgets",
        "singularName": "widget",
        "namespaced": True,
        "kind": "Widget",
        "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        "shortNames": ["wd"],
    }
    assert status == {
        "name": "widgets/status",
        "singularName": "",
        "namespaced": True,
        "kind": "Widget",
        "verbs": ["get", "patch", "update"],
    }


def test_its_end_deletes_the_objects_ends_the_watches_and_leaves_a_404(server: Server, space: Namespace) -> None:
    group = f"g{next(_numbers)}.example.com"
    server.create(DEFINITIONS, define(group))
    custom = Custom(group, space.path("widgets", f"/apis/{group}/v1"))
    wait_for(server, custom.path, 200)
    made = server.create(custom.path, custom.widget("w"))
    with server.watch(custom.path, resourceVersion=made["metadata"]["resourceVersion"]) as watch:
        server.send("DELETE", custom.definition).ok()
        kind, obj = watch.event()
        assert watch.rest() == []
    assert (kind, obj["metadata"]["name"]) == ("DELETED", "w")
    wait_for(server, custom.path, 404)
    answer = server.get(custom.path)
    assert (answer.raw, answer.headers["Content-Type"]) == (b"404 page not found\n", "text/plain; charset=utf-8")


def test_a_watch_from_before_its_return_gets_410(server: Server, space: Namespace) -> None:
    group = f"g{next(_numbers)}.example.com"
    custom = Custom(group, space.path("widgets", f"/apis/{group}/v1"))
    server.create(DEFINITIONS, define(group))
    wait_for(server, custom.path, 200)
    before = server.create(custom.path, custom.widget("w"))["metadata"]["resourceVersion"]
    server.send("DELETE", custom.definition).ok()
    wait_for(server, custom.path, 404)
    server.create(DEFINITIONS, define(group))
    wait_for(server, custom.path, 200)
    with server.watch(custom.path, resourceVersion=before) as watch:
        kind, status = watch.event()
        assert watch.rest() == []
    assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
    assert server.get(custom.path).ok()["items"] == []
