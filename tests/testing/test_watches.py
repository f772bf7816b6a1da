from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator

import pytest

from informers.kinds import core
from informers.testing import APIServer, FakeClock
from tests.testing.support import ALL_PODS, PODS, ask, pod, watching

STREAMING = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_000_000.0)


@pytest.fixture
def server(clock: FakeClock) -> Iterator[APIServer]:
    with APIServer(clock=clock) as server:
        yield server


def test_an_event_has_the_real_shape(server: APIServer) -> None:
    with watching(server, resourceVersion=server.resource_version) as watch:
        server.create(pod("a"))
        line = watch.line().decode()
        assert watch.response.headers["Content-Type"] == "application/json"
        assert watch.response.headers["Transfer-Encoding"] == "chunked"
    assert line.startswith('{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a",')
    assert line.endswith("}}\n")


def test_a_watch_from_a_version_sends_what_came_after(server: APIServer) -> None:
    server.create(pod("a"))
    then = server.resource_version
    server.patch(core.V1.pods, "a", {"metadata": {"labels": {"x": "y"}}})
    server.create(pod("b"))
    server.delete(core.V1.pods, "a")
    with watching(server, resourceVersion=then) as watch:
        assert watch.short(3) == [("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}])
def test_a_watch_from_no_version_starts_with_the_state(server: APIServer, query: dict[str, str]) -> None:
    server.create(pod("b"))
    server.create(pod("a"))
    server.patch(core.V1.pods, "a", {"metadata": {"labels": {"x": "y"}}})
    with watching(server, **query) as watch:
        assert watch.short(2) == [("ADDED", "a"), ("ADDED", "b")]
        server.delete(core.V1.pods, "b")
        assert watch.short(1) == [("DELETED", "b")]


def test_a_delete_brings_the_last_state_with_the_deletes_version(server: APIServer) -> None:
    server.create(pod("a", labels={"app": "web"}))
    with watching(server, resourceVersion=server.resource_version) as watch:
        server.delete(core.V1.pods, "a")
        metadata = watch.event()["object"]["metadata"]
    assert metadata["labels"] == {"app": "web"}
    assert metadata["resourceVersion"] == server.resource_version


def test_a_watch_from_before_a_compaction_gets_a_410_as_its_only_event(server: APIServer) -> None:
    then = int(server.resource_version)
    server.create(pod("a"))
    server.compact()
    with watching(server, resourceVersion=then) as watch:
        assert watch.event() == {
            "type": "ERROR",
            "object": {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": f"too old resource version: {then} ({then + 1})",
                "reason": "Expired",
                "code": 410,
            },
        }
        assert watch.line() == b""


def test_a_compaction_takes_nothing_from_a_watch_that_runs(server: APIServer) -> None:
    with watching(server, resourceVersion=server.resource_version) as watch:
        server.advance_version()
        server.compact()
        server.create(pod("a"))
        server.compact()
        server.create(pod("b"))
        assert watch.short(2) == [("ADDED", "a"), ("ADDED", "b")]


def test_a_watch_only_shows_its_namespace_and_its_name(server: APIServer) -> None:
    with watching(server, PODS) as spaced, watching(server, fieldSelector="metadata.name=b") as named:
        server.create(pod("a", namespace="other"))
        server.create(pod("a"))
        server.create(pod("b"))
        assert spaced.short(2) == [("ADDED", "a"), ("ADDED", "b")]
        assert named.short(1) == [("ADDED", "b")]


def test_what_moves_into_a_selection_is_added_and_what_leaves_it_is_deleted(server: APIServer) -> None:
    server.create(pod("a", labels={"app": "db", "n": "1"}))
    with watching(server, resourceVersion=server.resource_version, labelSelector="app=web") as watch:
        server.patch(core.V1.pods, "a", {"metadata": {"labels": {"app": "web"}}})
        server.patch(core.V1.pods, "a", {"metadata": {"labels": {"n": "2"}}})
        server.patch(core.V1.pods, "a", {"metadata": {"labels": {"app": "db", "n": "3"}}})
        server.delete(core.V1.pods, "a")
        server.create(pod("b", labels={"app": "web"}))
        events = watch.events(4)
    assert [e["type"] for e in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    left = events[2]["object"]["metadata"]
    # The state that was last seen, with the version of the write that took it away.
    assert left["labels"] == {"app": "web", "n": "2"}
    assert int(left["resourceVersion"]) == int(events[1]["object"]["metadata"]["resourceVersion"]) + 1


def test_bookmarks_arrive_at_their_interval_on_watches_that_ask_for_them(server: APIServer, clock: FakeClock) -> None:
    with watching(server, resourceVersion=server.resource_version, allowWatchBookmarks="true") as watch:
        clock.wait_for_waiters(1)
        moved_on = server.advance_version()
        clock.advance(60)
        line = watch.line()
        clock.wait_for_waiters(1)
        clock.advance(60)
        assert watch.line() == line
    assert json.loads(line) == {
        "type": "BOOKMARK",
        "object": {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": moved_on},
            "spec": {"containers": None},
            "status": {},
        },
    }


def test_a_watch_ends_at_its_timeout_after_a_last_bookmark(server: APIServer, clock: FakeClock) -> None:
    version = server.resource_version
    with watching(server, resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds=30) as watch:
        clock.wait_for_waiters(1)
        clock.advance(28)
        assert watch.event()["type"] == "BOOKMARK"
        clock.wait_for_waiters(1)
        clock.advance(2)
        assert watch.line() == b""


def test_a_streaming_list_is_the_state_then_a_marked_bookmark_then_events(server: APIServer) -> None:
    server.create(pod("a"))
    server.create(pod("b"))
    with watching(server, **STREAMING) as watch:
        assert watch.short(2) == [("ADDED", "a"), ("ADDED", "b")]
        bookmark = watch.event()
        assert bookmark["type"] == "BOOKMARK"
        assert bookmark["object"]["metadata"] == {
            "resourceVersion": server.resource_version,
            "annotations": {"k8s.io/initial-events-end": "true"},
        }
        server.create(pod("c"))
        assert watch.short(1) == [("ADDED", "c")]


def test_a_streaming_list_from_a_version_to_come_is_an_error_event(server: APIServer) -> None:
    version = int(server.resource_version) + 10
    with watching(server, **STREAMING, resourceVersion=version) as watch:
        event = watch.event()
    assert event["type"] == "ERROR"
    assert event["object"]["message"].startswith("Timeout: Too large resource version: ")


def test_options_that_make_no_streaming_list_are_invalid(server: APIServer) -> None:
    alone = ask(server, ALL_PODS, watch="1", sendInitialEvents="true")
    assert alone.status == 422
    assert alone.json["message"] == (
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting '
        "resourceVersionMatch to NotOlderThan"
    )
    match = ask(server, ALL_PODS, watch="1", resourceVersionMatch="NotOlderThan")
    assert match.json["message"].endswith("is forbidden for watch unless sendInitialEvents is provided")


def test_an_older_server_refuses_streaming_lists() -> None:
    with APIServer(streaming_lists=False) as server:
        answer = ask(server, ALL_PODS, watch="1", **STREAMING)
    assert answer.status == 422
    assert "unless the WatchList feature gate is enabled" in answer.json["message"]


def test_a_version_that_is_not_a_number_is_an_error(server: APIServer) -> None:
    answer = ask(server, ALL_PODS, watch="1", resourceVersion="x")
    assert answer.status == 500
    assert answer.json["message"].startswith('resourceVersion: Invalid value: "x"')


def test_tables_and_metadata_can_be_watched(server: APIServer) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    partial = accept.replace("Table", "PartialObjectMetadata")
    with (
        watching(server, headers={"Accept": accept}) as tables,
        watching(server, headers={"Accept": partial}) as metadata,
    ):
        server.create(pod("a"))
        server.create(pod("b"))
        first, second = (e["object"] for e in tables.events(2))
        assert [row["cells"][0] for row in first["rows"] + second["rows"]] == ["a", "b"]
        assert (first["columnDefinitions"][0]["name"], second["columnDefinitions"]) == ("Name", None)
        assert [set(e["object"]) for e in metadata.events(2)] == [{"kind", "apiVersion", "metadata"}] * 2


def test_watches_are_counted_while_they_run(server: APIServer) -> None:
    with watching(server), watching(server, "/api/v1/nodes"):
        server.wait_for_watchers(core.V1.pods, 1)
        server.wait_for_watchers(count=2)
    # Nothing is sent on them: the server notices that the clients have left all the same.
    server.wait_for_watchers(count=0)


def test_watches_can_be_dropped(server: APIServer) -> None:
    with watching(server) as watch, watching(server, "/api/v1/nodes"):
        server.wait_for_watchers(count=2)
        assert server.drop_watches(core.V1.pods) == 1
        assert watch.line() == b""
        server.wait_for_watchers(core.V1.nodes, 1)


def test_many_events_reach_many_watches_in_order(server: APIServer) -> None:
    with watching(server) as one, watching(server) as two:
        for number in range(300):
            server.create(pod(f"p{number:03}"))
        expected = [("ADDED", f"p{number:03}") for number in range(300)]
        assert one.short(300) == expected
        assert two.short(300) == expected


def test_a_restart_breaks_connections_and_forgets_the_versions_to_continue_from(
    server: APIServer,
) -> None:
    server.create(pod("a"))
    version = server.resource_version
    server.create(pod("b"))
    with watching(server, resourceVersion=version) as stream:
        assert stream.short(1) == [("ADDED", "b")]
        server.restart()
        # It is cut, in the middle of an answer or at its end.
        with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
            assert stream.response.read() == b""
    with watching(server, resourceVersion=version) as stream:
        assert stream.event()["object"]["code"] == 410
    with watching(server, resourceVersion=server.resource_version) as stream:
        server.create(pod("c"))
        assert stream.short(1) == [("ADDED", "c")]
    assert len(ask(server, ALL_PODS).json["items"]) == 3


def test_watches_of_one_namespace_are_dropped_alone(server: APIServer) -> None:
    with watching(server, PODS) as one, watching(server, ALL_PODS) as other:
        server.wait_for_watchers(core.V1.pods, 2)
        assert server.drop_watches(namespace="default") == 1
        assert one.line() == b""
        server.create(pod("a"))
        assert other.short(1) == [("ADDED", "a")]
