from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator

import pytest

from informers.kinds import core
from informers.testing import APIServer
from tests.testing.support import ALL_PODS, PODS, ask, config_map, pod


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


def names(answer: object) -> list[str]:
    return [item["metadata"]["name"] for item in answer.json["items"]]  # type: ignore[attr-defined]


def test_a_list_has_the_real_shape(server: APIServer) -> None:
    server.create(pod("a", labels={"app": "web"}))
    answer = ask(server, PODS)
    assert answer.headers["Content-Type"] == "application/json"
    head = (
        f'{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"{server.resource_version}"}},"items":['
    )
    assert answer.body.decode().startswith(head + '{"metadata":{"name":"a","namespace":"default","uid":"')
    assert answer.body.endswith(b"]}\n")
    assert list(answer.json["items"][0]["metadata"]) == [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "labels",
        "managedFields",
    ]


def test_an_empty_list_has_items_all_the_same(server: APIServer) -> None:
    assert ask(server, "/apis/apps/v1/deployments").json["items"] == []


def test_a_list_of_a_namespace_holds_no_other(server: APIServer) -> None:
    server.create(pod("a"))
    server.create(pod("b", namespace="other"))
    assert names(ask(server, "/api/v1/namespaces/other/pods")) == ["b"]
    assert names(ask(server, ALL_PODS)) == ["a", "b"]


def test_pages_are_one_snapshot(server: APIServer) -> None:
    for name in "abcde":
        server.create(pod(name))
    first = ask(server, PODS, limit=2)
    assert first.json["metadata"]["remainingItemCount"] == 3
    server.delete(core.V1.pods, "c")
    server.create(pod("f"))
    server.patch(core.V1.pods, "d", {"metadata": {"labels": {"new": "yes"}}})
    second = ask(server, PODS, limit=2, continue_=first.json["metadata"]["continue"])
    third = ask(server, PODS, limit=2, continue_=second.json["metadata"]["continue"])
    assert names(first) + names(second) + names(third) == ["a", "b", "c", "d", "e"]
    assert "labels" not in second.json["items"][1]["metadata"]
    assert "continue" not in third.json["metadata"]
    versions = {answer.json["metadata"]["resourceVersion"] for answer in (first, second, third)}
    assert len(versions) == 1


def test_a_continue_token_expires_and_offers_to_continue_inconsistently(server: APIServer) -> None:
    for name in "abc":
        server.create(pod(name))
    token = ask(server, PODS, limit=1).json["metadata"]["continue"]
    server.create(pod("b2"))
    server.compact()
    answer = ask(server, PODS, limit=1, continue_=token)
    assert answer.status == 410
    assert answer.json["reason"] == "Expired"
    assert answer.json["message"].startswith(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list"
    )
    rest = ask(server, PODS, continue_=answer.json["metadata"]["continue"])
    assert names(rest) == ["b", "b2", "c"]


def test_a_token_holds_what_the_real_one_holds(server: APIServer) -> None:
    for name in "abc":
        server.create(pod(name))
    token = ask(server, ALL_PODS, limit=1).json["metadata"]["continue"]
    content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert content == {"v": "meta.k8s.io/v1", "rv": int(server.resource_version), "start": "default/a\0"}


@pytest.mark.parametrize("token", ["!", "abc", "e30"])
def test_what_is_not_a_valid_token_is_a_bad_request(server: APIServer, token: str) -> None:
    answer = ask(server, PODS, continue_=token)
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
    assert answer.json["message"].startswith("invalid continue token: continue key is not valid")


def test_version_zero_ignores_the_limit(server: APIServer) -> None:
    for name in "abc":
        server.create(pod(name))
    assert names(ask(server, PODS, limit=1, resourceVersion="0")) == ["a", "b", "c"]


def test_an_exact_version_is_that_version(server: APIServer) -> None:
    server.create(pod("a"))
    then = server.resource_version
    server.create(pod("b"))
    exact = ask(server, PODS, resourceVersion=then, resourceVersionMatch="Exact")
    assert (names(exact), exact.json["metadata"]["resourceVersion"]) == (["a"], then)
    # With a limit and no match the old rule is exact, too.
    assert names(ask(server, PODS, resourceVersion=then, limit=5)) == ["a"]
    assert names(ask(server, PODS, resourceVersion=then)) == ["a", "b"]
    server.compact()
    expired = ask(server, PODS, resourceVersion=then, resourceVersionMatch="Exact")
    assert expired.status == 410
    assert expired.json["message"] == "The resourceVersion for the provided list is too old."


def test_a_version_to_come_is_too_large(server: APIServer) -> None:
    now = int(server.resource_version)
    answer = ask(server, PODS, resourceVersion=now + 5, resourceVersionMatch="NotOlderThan")
    assert answer.status == 504
    assert answer.headers["Retry-After"] == "1"
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"Timeout: Too large resource version: {now + 5}, current: {now}",
        "reason": "Timeout",
        "details": {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
        "code": 504,
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {"resourceVersionMatch": "Exact"},
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
        (
            {"resourceVersionMatch": "Foo", "resourceVersion": "1"},
            'resourceVersionMatch: Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""',
        ),
        (
            {"sendInitialEvents": "true"},
            "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
    ],
)
def test_options_that_do_not_go_together_are_invalid(server: APIServer, query: dict[str, str], message: str) -> None:
    answer = ask(server, PODS, **query)
    assert answer.status == 422
    assert answer.json["message"] == f'ListOptions.meta.k8s.io "" is invalid: {message}'


def test_a_version_that_is_not_a_number_is_a_bad_request(server: APIServer) -> None:
    answer = ask(server, PODS, resourceVersion="abc")
    assert answer.status == 400
    assert answer.json["message"] == (
        'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": '
        "invalid syntax"
    )


def test_label_selectors_select(server: APIServer) -> None:
    server.create(pod("a", labels={"app": "web", "tier": "1"}))
    server.create(pod("b", labels={"app": "db"}))
    assert names(ask(server, PODS, labelSelector="app in (web, x),!missing")) == ["a"]
    assert ask(server, PODS, labelSelector="app in (").status == 400


def test_field_selectors_know_the_fields_of_the_kind(server: APIServer) -> None:
    server.create({**pod("a"), "spec": {"nodeName": "n1", "containers": []}, "status": {"phase": "Running"}})
    server.create(pod("b"))
    assert names(ask(server, PODS, fieldSelector="spec.nodeName=n1")) == ["a"]
    assert names(ask(server, PODS, fieldSelector="status.phase!=Running,metadata.namespace=default")) == ["b"]
    assert names(ask(server, PODS, fieldSelector="spec.host=n1,spec.hostNetwork=false")) == ["a"]
    unknown = ask(server, PODS, fieldSelector="spec.foo=1")
    assert (unknown.status, unknown.json["message"]) == (400, "field label not supported: spec.foo")
    other = ask(server, "/api/v1/configmaps", fieldSelector="data.a=1")
    assert other.json["message"] == (
        '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )


def test_pages_with_a_selector_are_full_and_do_not_count_what_is_left(server: APIServer) -> None:
    for number in range(6):
        server.create(pod(str(number), labels={"odd": str(number % 2)}))
    first = ask(server, PODS, limit=2, labelSelector="odd=1")
    assert names(first) == ["1", "3"]
    assert "remainingItemCount" not in first.json["metadata"]
    assert names(ask(server, PODS, labelSelector="odd=1", continue_=first.json["metadata"]["continue"])) == ["5"]


def test_large_lists_are_compressed_for_clients_that_ask(server: APIServer) -> None:
    server.create(config_map("big", text="x" * 200_000))
    packed = ask(server, "/api/v1/configmaps", headers={"Accept-Encoding": "gzip"})
    plain = ask(server, "/api/v1/configmaps")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < 10_000
    assert gzip.decompress(packed.body) == plain.body
    small = ask(server, "/api/v1/nodes", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small.headers


def test_metadata_alone_can_be_asked_for(server: APIServer) -> None:
    server.create(pod("a"))
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    answer = ask(server, PODS, headers={"Accept": accept}).json
    assert answer["kind"] == "PartialObjectMetadataList"
    assert [set(item) for item in answer["items"]] == [{"kind", "apiVersion", "metadata"}]
    one = ask(server, f"{PODS}/a", headers={"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"})
    assert one.json["metadata"] == server.get(core.V1.pods, "a")["metadata"]


def test_tables_have_columns_and_rows(server: APIServer) -> None:
    server.create({**pod("a"), "status": {"phase": "Running"}})
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    table = ask(server, PODS, headers={"Accept": accept}).json
    assert [column["name"] for column in table["columnDefinitions"]][:3] == ["Name", "Ready", "Status"]
    assert table["rows"][0]["cells"][:3] == ["a", "0/1", "Running"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_other_media_types_than_json_are_not_acceptable(server: APIServer) -> None:
    assert ask(server, PODS, headers={"Accept": "application/xml"}).status == 406


def test_versions_of_a_group_show_the_same_objects(server: APIServer) -> None:
    hpa = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2", "metadata": {"name": "h"}, "spec": {}}
    server.create(hpa)
    listed = ask(server, "/apis/autoscaling/v1/horizontalpodautoscalers").json
    assert (listed["apiVersion"], listed["items"][0]["metadata"]["name"]) == ("autoscaling/v1", "h")
