"""Watches: events, their order and shape, bookmarks, streaming lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import STREAM, Server, decode_pairs


def version(obj: Any) -> str:
    return str(obj["metadata"]["resourceVersion"])


def seen(events: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, str]]:
    return [(type_, obj["metadata"].get("name", "")) for type_, obj in events]


def now(server: Server, path: str) -> str:
    return version(server.get(path).ok())


def test_writes_arrive_as_they_were_made_with_the_object_whole(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    with server.watch(path, resourceVersion=now(server, path)) as watch:
        assert watch.status == 200
        assert watch.headers["Content-Type"] == "application/json"
        made = space.config_map("a")
        changed = server.patch(f"{path}/a", {"data": {"k": "v"}}).ok()
        server.send("DELETE", f"{path}/a").ok()
        events = watch.events(3)
    assert events[:2] == [("ADDED", made), ("MODIFIED", changed)]
    kind, deleted = events[2]
    assert kind == "DELETED"
    assert int(version(deleted)) > int(version(changed))
    changed["metadata"]["resourceVersion"] = version(deleted)
    assert deleted == changed


def test_a_line_starts_with_type_object_kind_version_and_metadata(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    with server.watch(path, resourceVersion=now(server, path)) as watch:
        space.config_map("a")
        line = watch.line()
    head = b'{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"'
    assert line.startswith(head)
    assert b"\r" not in line


def test_a_watch_from_the_past_first_tells_what_happened_since(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    first = space.config_map("a")
    space.config_map("b")
    server.send("DELETE", f"{path}/a").ok()
    with server.watch(path, resourceVersion=version(first)) as watch:
        assert seen(watch.events(2)) == [("ADDED", "b"), ("DELETED", "a")]
        space.config_map("c")
        assert seen(watch.events(1)) == [("ADDED", "c")]


@pytest.mark.parametrize("params", [{}, {"resourceVersion": "0"}])
def test_a_watch_from_no_version_or_0_first_adds_what_is_there(
    server: Server, space: Namespace, params: dict[str, str]
) -> None:
    for name in "ba":
        space.config_map(name)
    now(server, space.path("configmaps"))  # the cache is as new as this from here on
    with server.watch(space.path("configmaps"), **params) as watch:
        assert seen(watch.events(2)) == [("ADDED", "a"), ("ADDED", "b")]
        space.config_map("c")
        assert seen(watch.events(1)) == [("ADDED", "c")]


@pytest.mark.parametrize("params", [{}, {"resourceVersion": "0"}])
def test_with_bookmarks_the_end_of_what_is_there_is_marked(
    server: Server, space: Namespace, params: dict[str, str]
) -> None:
    space.config_map("a")
    now(server, space.path("configmaps"))
    with server.watch(space.path("configmaps"), **params, allowWatchBookmarks=True) as watch:
        (_, (kind, mark)) = watch.events(2)
    assert (kind, mark["metadata"]["annotations"]) == ("BOOKMARK", {"k8s.io/initial-events-end": "true"})


def test_versions_never_go_back(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    with server.watch(path, resourceVersion=now(server, path)) as watch:
        for number in range(5):
            space.config_map(f"n{number}")
        for number in range(5):
            server.patch(f"{path}/n{number}", {"data": {"k": "v"}}).ok()
        for number in range(5):
            server.send("DELETE", f"{path}/n{number}").ok()
        versions = [int(version(obj)) for _, obj in watch.events(15)]
    assert versions == sorted(set(versions))


def test_a_write_that_changes_nothing_is_not_an_event(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    made = space.config_map("a")
    with server.watch(path, resourceVersion=version(made)) as watch:
        assert server.send("PUT", f"{path}/a", made).ok() == made
        assert server.patch(f"{path}/a", {}).ok() == made
        space.config_map("b")
        assert seen(watch.events(1)) == [("ADDED", "b")]


def test_other_namespaces_are_not_seen(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    with server.watch(path, resourceVersion=now(server, path)) as watch:
        server.create("/api/v1/namespaces/default/configmaps", {"metadata": {"generateName": "other-"}})
        space.config_map("a")
        assert seen(watch.events(1)) == [("ADDED", "a")]


def test_an_object_that_enters_and_leaves_a_selection_is_added_and_deleted(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    made = space.config_map("a", tier="web")
    with server.watch(path, resourceVersion=version(made), labelSelector="tier=web") as watch:
        left = server.patch(f"{path}/a", {"metadata": {"labels": {"tier": "db"}}}).ok()
        entered = server.patch(f"{path}/a", {"metadata": {"labels": {"tier": "web"}}}).ok()
        changed = server.patch(f"{path}/a", {"data": {"k": "v"}}).ok()
        events = watch.events(3)
    assert events[1:] == [("ADDED", entered), ("MODIFIED", changed)]
    kind, deleted = events[0]
    # What is shown is the last state that was selected, with the version of the write that took it away.
    assert (kind, deleted["metadata"]["labels"], version(deleted)) == ("DELETED", {"tier": "web"}, version(left))


def test_one_object_is_watched_by_its_name(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    with server.watch(path, resourceVersion=now(server, path), fieldSelector="metadata.name=b") as watch:
        space.config_map("a")
        space.config_map("b")
        assert seen(watch.events(1)) == [("ADDED", "b")]


def test_a_pod_that_gets_a_node_enters_the_selection_of_that_node(server: Server, space: Namespace) -> None:
    path = space.path("pods")
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    made = server.create(path, body)
    with server.watch(path, resourceVersion=version(made), fieldSelector="status.phase=Running") as watch:
        server.patch(f"{path}/p/status", {"status": {"phase": "Running"}}).ok()
        server.patch(f"{path}/p/status", {"status": {"phase": "Succeeded"}}).ok()
        assert seen(watch.events(2)) == [("ADDED", "p"), ("DELETED", "p")]


def test_the_server_ends_a_watch_after_its_timeout_without_a_word(server: Server, space: Namespace) -> None:
    made = space.config_map("a")
    with server.watch(space.path("configmaps"), resourceVersion=version(made), timeoutSeconds=1) as watch:
        assert watch.rest() == []


def test_a_streaming_list_adds_all_and_marks_the_end(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    space.config_map("b")
    space.config_map("a")
    listed = server.get(path).ok()
    with server.watch(path, **STREAM) as watch:
        events = watch.events(2)
        line = watch.line()
        space.config_map("c")
        assert seen(watch.events(1)) == [("ADDED", "c")]
    kinds = {"kind": "ConfigMap", "apiVersion": "v1"}
    assert events == [("ADDED", {**kinds, **item}) for item in listed["items"]]
    pairs = dict(decode_pairs(line))
    assert pairs["type"] == "BOOKMARK"
    mark = dict(dict(pairs["object"])["metadata"])
    assert int(mark["resourceVersion"]) >= int(version(listed))
    assert line == (
        b'{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"%s",'
        b'"annotations":{"k8s.io/initial-events-end":"true"}}}}' % mark["resourceVersion"].encode()
    )


def test_a_streaming_list_of_nothing_is_its_end(server: Server, path: str) -> None:
    with server.watch(path, **STREAM) as watch:
        kind, mark = watch.event()
    assert kind == "BOOKMARK"
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_streaming_list_holds_what_is_selected(server: Server, space: Namespace) -> None:
    space.config_map("a", tier="web")
    space.config_map("b", tier="db")
    with server.watch(space.path("configmaps"), **STREAM, labelSelector="tier=db") as watch:
        assert seen(watch.events(2)) == [("ADDED", "b"), ("BOOKMARK", "")]


@pytest.mark.parametrize("since", ["", "0", "past"])
def test_a_streaming_list_from_any_version_that_was_shows_the_present(
    server: Server, space: Namespace, since: str
) -> None:
    path = space.path("configmaps")
    past = version(space.config_map("a"))
    server.send("DELETE", f"{path}/a").ok()
    space.config_map("b")
    now(server, path)
    with server.watch(path, **STREAM, resourceVersion=past if since == "past" else since) as watch:
        assert seen(watch.events(2)) == [("ADDED", "b"), ("BOOKMARK", "")]


def test_a_streaming_list_without_bookmarks_has_no_end(server: Server, space: Namespace) -> None:
    space.config_map("a")
    params = {**STREAM, "allowWatchBookmarks": False}
    with server.watch(space.path("configmaps"), **params) as watch:
        assert seen(watch.events(1)) == [("ADDED", "a")]
        space.config_map("b")
        assert seen(watch.events(1)) == [("ADDED", "b")]


def test_initial_events_can_be_declined(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    made = space.config_map("a")
    with server.watch(path, **{**STREAM, "sendInitialEvents": False}, resourceVersion=version(made)) as watch:
        space.config_map("b")
        assert seen(watch.events(1)) == [("ADDED", "b")]


def test_a_streaming_list_of_a_version_that_is_yet_to_come_fails_in_the_stream(server: Server, path: str) -> None:
    with server.watch(path, **STREAM, resourceVersion="99999999") as watch:
        assert watch.status == 200
        kind, status = watch.event()
        assert watch.rest() == []
    assert kind == "ERROR"
    assert status["code"] == 504
    assert status["message"].startswith("Timeout: Too large resource version: 99999999, current: ")
    assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert status["details"]["retryAfterSeconds"] == 1


def test_a_plain_watch_of_a_version_that_is_yet_to_come_is_silent(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    with server.watch(path, resourceVersion="99999999", timeoutSeconds=1) as watch:
        space.config_map("a")
        assert watch.rest() == []


@pytest.mark.timeout(30)
def test_before_a_watch_ends_a_bookmark_tells_how_far_it_came(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    with server.watch(path, resourceVersion=now(server, path), allowWatchBookmarks=True, timeoutSeconds=4) as watch:
        made = space.config_map("a")
        (added, _), (kind, mark) = watch.events(2)
    assert (added, kind) == ("ADDED", "BOOKMARK")
    assert list(mark["metadata"]) == ["resourceVersion"]
    assert int(version(mark)) >= int(version(made))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"sendInitialEvents": True},
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            {"resourceVersionMatch": "NotOlderThan"},
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    server: Server, path: str, params: dict[str, Any], message: str
) -> None:
    answer = server.get(path, watch=True, timeoutSeconds=1, **params)
    assert answer.status == 422
    assert answer.json()["message"] == f'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: {message}'


def test_a_version_that_is_not_a_number_is_an_error_before_the_stream(server: Server, path: str) -> None:
    answer = server.get(path, watch=True, resourceVersion="x", timeoutSeconds=1)
    message = 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'
    assert (answer.status, answer.json()["message"]) == (500, message)


def test_a_selector_that_cannot_be_read_is_an_error_before_the_stream(server: Server, path: str) -> None:
    answer = server.get(path, watch=True, labelSelector="a b", timeoutSeconds=1)
    assert answer.status == 400
    assert answer.json()["message"].startswith("unable to parse requirement: ")


def test_a_watch_of_cluster_objects_sees_them(server: Server) -> None:
    path = "/api/v1/nodes"
    with server.watch(path, resourceVersion=now(server, path)) as watch:
        made = server.create(path, {"metadata": {"generateName": "node-"}})
        kind, node = watch.event()
    assert (kind, node["metadata"]["uid"]) == ("ADDED", made["metadata"]["uid"])
    assert "namespace" not in node["metadata"]
