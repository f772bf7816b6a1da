"""Where the two servers differ, and stay so, as the contract page lists it: one that is gone fails its test."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

from tests.contract import test_common_kinds as common_kinds
from tests.contract.conftest import Namespace
from tests.contract.server import STREAM, Server
from tests.contract.test_custom_resources import DEFINITIONS, define, wait_for

POD_SPEC = {"containers": [{"name": "c", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}


PAGE = Path(__file__).parents[2] / "docs/explanation/contract.md"


def test_the_page_names_each_of_these_tests_and_no_others() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    here = {name for name in globals() if name.startswith("test_")} - {
        "test_the_page_names_each_of_these_tests_and_no_others"
    }
    assert named == {*here, common_kinds.test_both_servers_make_the_same_of_an_object_all_its_life.__name__}


def test_empty_lists_are_kept(server: Server, space: Namespace) -> None:
    spec = {"podSelector": {}, "egress": []}
    path = space.path("networkpolicies", "/apis/networking.k8s.io/v1")
    made = server.create(path, {"metadata": {"name": "a"}, "spec": spec})
    assert ("egress" in made["spec"]) is server.is_embedded


def test_a_strategy_of_which_only_the_type_is_given_is_not_completed(server: Server, space: Namespace) -> None:
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE, "strategy": {"type": "RollingUpdate"}}
    made = server.create(space.path("deployments", "/apis/apps/v1"), {"metadata": {"name": "a"}, "spec": spec})
    assert ("rollingUpdate" not in made["spec"]["strategy"]) is server.is_embedded


def test_a_job_goes_without_a_collector_to_orphan_its_pods(server: Server, space: Namespace) -> None:
    path = space.path("jobs", "/apis/batch/v1")
    template = {"spec": {**POD_SPEC, "restartPolicy": "Never"}}
    server.create(path, {"metadata": {"name": "a"}, "spec": {"template": template}})
    server.send("DELETE", f"{path}/a").ok()
    assert (server.get(f"{path}/a").status == 404) is server.is_embedded


def test_fields_are_hardly_validated(server: Server, space: Namespace) -> None:
    body = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": -1}]}}
    assert (server.send("POST", space.path("services"), body).status == 201) is server.is_embedded


def test_a_token_is_signed_by_nobody(server: Server, space: Namespace) -> None:
    server.create(space.path("serviceaccounts"), {"metadata": {"name": "sa"}})
    token = server.create(space.path("serviceaccounts/sa/token"), {"spec": {}})["status"]["token"]
    head = token.split(".")[0]
    algorithm = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["alg"]
    assert (algorithm == "none") is server.is_embedded


def test_a_certificate_request_is_not_looked_into(server: Server, space: Namespace) -> None:
    spec = {"request": "aGk=", "signerName": "example.com/s", "usages": ["digital signature"]}
    body = {"metadata": {"name": f"csr-{space.name}"}, "spec": spec}
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    assert server.send("POST", path, body).status == (201 if server.is_embedded else 422)


def test_a_definition_takes_objects_along_that_finalizers_hold(server: Server, space: Namespace) -> None:
    group = f"held{time.monotonic_ns()}.example.com"
    server.create(DEFINITIONS, define(group))
    path = space.path("widgets", f"/apis/{group}/v1")
    wait_for(server, path, 200)
    metadata = {"name": "a", "finalizers": ["example.com/held"]}
    body = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": metadata}
    deadline = time.monotonic() + 10
    while server.send("POST", path, body).status != 201:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server.send("DELETE", f"{DEFINITIONS}/widgets.{group}").ok()
    assert (server.get(f"{DEFINITIONS}/widgets.{group}").status == 404) is server.is_embedded
    if not server.is_embedded:
        server.patch(f"{path}/a", {"metadata": {"finalizers": None}}).ok()


def test_managed_fields_can_not_be_cleared(server: Server, space: Namespace) -> None:
    server.create(space.path("configmaps"), {"metadata": {"name": "a"}, "data": {"k": "v"}})
    change: Any = {"metadata": {"managedFields": [{}]}}
    made = server.patch(space.path("configmaps/a"), change).ok()
    assert bool(made["metadata"].get("managedFields")) is server.is_embedded


def test_protobuf_is_not_read(server: Server, space: Namespace) -> None:
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    answer = server.send("POST", space.path("configmaps"), b"k8s\0", headers=headers)
    assert answer.status == (415 if server.is_embedded else 400)


def test_tables_of_most_kinds_have_only_name_and_age(server: Server) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    table = server.send("GET", "/api/v1/namespaces", headers={"Accept": accept}).ok()
    assert (len(table["columnDefinitions"]) == 2) is server.is_embedded


def test_discovery_has_a_document_for_each_group(server: Server) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    found = server.send("GET", "/apis", headers={"Accept": accept}).ok()
    assert (found["kind"] == "APIGroupList") is server.is_embedded


def test_requests_to_other_hosts_are_refused(server: Server) -> None:
    answer = server.send("GET", "/api/v1/namespaces", headers={"Host": "example.com"})
    assert answer.status == (403 if server.is_embedded else 200)


def test_events_of_two_groups_are_two_collections(server: Server, space: Namespace) -> None:
    reference = {"kind": "Pod", "name": "p", "namespace": space.name}
    server.create(space.path("events"), {"metadata": {"name": "a"}, "involvedObject": reference})
    found = server.get(space.path("events", "/apis/events.k8s.io/v1")).ok()["items"]
    assert (found == []) is server.is_embedded


def test_a_bookmark_of_most_kinds_holds_metadata_alone(server: Server, space: Namespace) -> None:
    with server.watch(space.path("services"), **STREAM) as watch:
        kind, bookmark = watch.event()
    assert kind == "BOOKMARK"
    assert ("spec" not in bookmark) is server.is_embedded


def test_objects_are_not_pruned_again_in_another_version(server: Server, space: Namespace) -> None:
    group = f"two{time.monotonic_ns()}.example.com"
    definition = define(group)
    versions = []
    for name in ("v1", "v2"):
        spec = {"type": "object", "properties": {name: {"type": "string"}}}
        schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        versions.append({"name": name, "served": True, "storage": name == "v1", "schema": schema})
    definition["spec"]["versions"] = versions
    server.create(DEFINITIONS, definition)
    path = space.path("widgets", f"/apis/{group}/v2")
    wait_for(server, path, 200)
    body = {"apiVersion": f"{group}/v2", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"v2": "x"}}
    deadline = time.monotonic() + 10
    while server.send("POST", path, body).status != 201:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kept = server.get(f"{path.replace('/v2/', '/v1/')}/a").ok()["spec"]
    assert kept == ({"v2": "x"} if server.is_embedded else {})
