"""The forms that objects can be asked for: metadata alone, tables; and what is not acceptable."""

from __future__ import annotations

import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import STREAM, Server

META = "application/json;as={};v=v1;g=meta.k8s.io"
PARTIAL, PARTIALS, TABLE = (META.format(w) for w in ("PartialObjectMetadata", "PartialObjectMetadataList", "Table"))
HEAD = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}


@pytest.fixture
def two(space: Namespace) -> Namespace:
    for name in "ab":
        server = space.server
        server.create(space.path("configmaps"), {"metadata": {"name": name}, "data": {"k": "v"}})
    return space


def test_the_metadata_of_one_object_are_all_of_them_and_nothing_else(server: Server, two: Namespace) -> None:
    whole = server.get(two.path("configmaps/a")).ok()
    answer = server.send("GET", two.path("configmaps/a"), headers={"Accept": PARTIAL})
    assert answer.ok() == {**HEAD, "metadata": whole["metadata"]}
    assert answer.raw.startswith(b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":')


def test_in_a_list_of_metadata_each_item_has_its_kind(server: Server, two: Namespace) -> None:
    whole = server.get(two.path("configmaps")).ok()
    answer = server.send("GET", two.path("configmaps"), headers={"Accept": PARTIALS}).ok()
    assert list(answer) == ["kind", "apiVersion", "metadata", "items"]
    assert (answer["kind"], answer["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert answer["items"] == [{**HEAD, "metadata": item["metadata"]} for item in whole["items"]]


def test_pages_of_metadata_have_a_token(server: Server, two: Namespace) -> None:
    page = server.send("GET", two.path("configmaps"), None, {"limit": 1}, {"Accept": PARTIALS}).ok()
    assert list(page["metadata"]) == ["resourceVersion", "continue", "remainingItemCount"]
    params = {"limit": 1, "continue": page["metadata"]["continue"]}
    rest = server.send("GET", two.path("configmaps"), None, params, {"Accept": PARTIALS}).ok()
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b"]


def test_a_watch_of_metadata_streams_and_marks_the_end(server: Server, two: Namespace) -> None:
    items = server.get(two.path("configmaps")).ok()["items"]
    with server.watch(two.path("configmaps"), accept=PARTIAL, **STREAM) as watch:
        events = watch.events(2)
        kind, mark = watch.event()
    assert events == [("ADDED", {**HEAD, "metadata": item["metadata"]}) for item in items]
    assert (kind, mark["kind"]) == ("BOOKMARK", "PartialObjectMetadata")
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_list_is_not_an_object_and_an_object_not_a_list(server: Server, two: Namespace) -> None:
    answer = server.send("GET", two.path("configmaps"), headers={"Accept": PARTIAL})
    message = "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"
    assert (answer.status, answer.json()["reason"]) == (406, "NotAcceptable")
    assert answer.json()["message"] == message
    answer = server.send("GET", two.path("configmaps/a"), headers={"Accept": PARTIALS})
    message = "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
    assert (answer.status, answer.json()["message"]) == (406, message)


def test_the_first_form_that_is_known_is_taken(server: Server, two: Namespace) -> None:
    accept = f"application/json;as=Unheard;v=v1;g=meta.k8s.io,{PARTIALS},application/json"
    answer = server.send("GET", two.path("configmaps"), headers={"Accept": accept}).ok()
    assert answer["kind"] == "PartialObjectMetadataList"
    plain = server.send("GET", two.path("configmaps"), headers={"Accept": f"application/json,{PARTIALS}"}).ok()
    assert plain["kind"] == "ConfigMapList"


def test_a_table_has_columns_and_a_row_for_each(server: Server, two: Namespace) -> None:
    items = server.get(two.path("configmaps")).ok()["items"]
    table = server.send("GET", two.path("configmaps"), headers={"Accept": TABLE}).ok()
    assert list(table) == ["kind", "apiVersion", "metadata", "columnDefinitions", "rows"]
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [list(column) for column in table["columnDefinitions"]] == [
        ["name", "type", "format", "description", "priority"]
    ] * 3
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert [row["cells"][:2] for row in table["rows"]] == [["a", 1], ["b", 1]]
    assert [row["object"] for row in table["rows"]] == [{**HEAD, "metadata": item["metadata"]} for item in items]


@pytest.mark.parametrize(
    ("include", "kind"), [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "ConfigMap")]
)
def test_rows_hold_what_is_asked_for(server: Server, two: Namespace, include: str, kind: str | None) -> None:
    params = {"includeObject": include}
    table = server.send("GET", two.path("configmaps"), None, params, {"Accept": TABLE}).ok()
    held = table["rows"][0].get("object")
    assert (held and held["kind"]) == kind


def test_pods_have_columns_of_their_own(server: Server) -> None:
    table = server.send("GET", "/api/v1/pods", headers={"Accept": TABLE}).ok()
    shown = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert shown == ["Name", "Ready", "Status", "Restarts", "Age"]


def test_columns_come_once_in_a_watch(server: Server, two: Namespace) -> None:
    with server.watch(two.path("configmaps"), accept=TABLE) as watch:
        (_, first), (_, second) = watch.events(2)
    assert [column["name"] for column in first["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["columnDefinitions"] is None
    assert second["rows"][0]["cells"][0] == "b"


def test_what_is_not_spoken_is_not_acceptable(server: Server, two: Namespace) -> None:
    answer = server.send("GET", two.path("configmaps"), headers={"Accept": "text/plain"})
    assert answer.status == 406
    assert answer.json()["reason"] == "NotAcceptable"
