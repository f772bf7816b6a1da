from __future__ import annotations

from collections.abc import Iterator

import pytest

from informers import SharedInformerFactory
from informers.errors import ConfigurationError
from informers.kinds import core
from informers.testing import APIServer, FakeClock, Lag, RecordingHandler
from tests.testing.support import ALL_PODS, PODS, ask, config_map, pod, watching

ALL_BACK = 1_000_000


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


def test_a_watch_gets_an_event_when_so_many_others_have_followed(server: APIServer) -> None:
    server.faults.add(Lag(events=2), verb="watch")
    with watching(server, resourceVersion=server.resource_version) as stream:
        for name in "abc":
            server.create(pod(name))
        assert stream.short(1) == [("ADDED", "a")]
        server.create(config_map("another"))  # of another resource: it moves nothing
        server.create(pod("d"))
        assert stream.short(1) == [("ADDED", "b")]


def test_a_watch_gets_an_event_when_it_is_old_enough() -> None:
    clock = FakeClock()
    with APIServer(clock=clock) as server:
        server.faults.add(Lag(seconds=3), verb="watch")
        with watching(server, resourceVersion=server.resource_version) as stream:
            server.wait_for_watchers(core.V1.pods)
            server.create(pod("a"))
            clock.advance(2)
            server.create(pod("b"))
            clock.advance(1)
            assert stream.short(1) == [("ADDED", "a")]
            clock.advance(1)
            server.delete(core.V1.pods, "a")
            clock.advance(1)
            assert stream.short(1) == [("ADDED", "b")]
            clock.advance(3)
            assert stream.short(1) == [("DELETED", "a")]


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("clears", [True, False])
def test_a_lag_that_is_removed_lets_all_that_is_late_come(server: APIServer, times: int | None, clears: bool) -> None:
    held = server.faults.add(Lag(events=ALL_BACK), verb="watch", times=times)
    with watching(server, resourceVersion=server.resource_version) as stream:
        for name in "abc":
            server.create(pod(name))
        if clears:
            server.faults.clear()
        else:
            server.faults.remove(held)
        assert stream.short(3) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]
        server.create(pod("d"))
        assert stream.short(1) == [("ADDED", "d")]


def test_a_watch_that_lags_ends_with_what_it_was_to_see_and_the_rest_comes_on_the_next(server: APIServer) -> None:
    server.faults.add(Lag(events=1), verb="watch")
    with watching(server, resourceVersion=server.resource_version) as stream:
        server.create(pod("a"))
        server.create(pod("b"))
        [event] = stream.events(1)
        assert server.drop_watches(core.V1.pods) == 1
        assert stream.line() == b""
    with watching(server, resourceVersion=event["object"]["metadata"]["resourceVersion"]) as stream:
        assert stream.short(1) == [("ADDED", "b")]


def test_bookmarks_of_a_watch_that_lags_name_only_what_has_been_sent() -> None:
    clock = FakeClock()
    with APIServer(clock=clock, bookmark_interval=10) as server:
        server.faults.add(Lag(events=ALL_BACK), verb="watch")
        before = server.resource_version
        with watching(server, resourceVersion=before, allowWatchBookmarks="true", timeoutSeconds=100) as stream:
            server.wait_for_watchers(core.V1.pods)
            server.create(pod("a"))
            clock.advance(10)
            event = stream.event()
    assert (event["type"], event["object"]["metadata"]["resourceVersion"]) == ("BOOKMARK", before)


def test_reads_that_take_any_version_get_the_past_and_others_the_present(server: APIServer) -> None:
    server.create(pod("old"))
    seen = server.resource_version
    server.create(pod("new"))
    server.patch(core.V1.pods, "old", {"metadata": {"labels": {"is": "new"}}})
    server.faults.add(Lag(events=2), times=None)
    past = ask(server, ALL_PODS, resourceVersion=0).json
    assert [item["metadata"]["name"] for item in past["items"]] == ["old"]
    assert past["metadata"]["resourceVersion"] == seen
    assert len(ask(server, ALL_PODS).json["items"]) == 2
    assert "labels" not in ask(server, f"{PODS}/old", resourceVersion=0).json["metadata"]
    assert ask(server, f"{PODS}/new", resourceVersion=0).status == 404
    assert ask(server, f"{PODS}/old").json["metadata"]["labels"] == {"is": "new"}
    with watching(server, resourceVersion=0) as stream:
        assert stream.short(1) == [("ADDED", "old")]
    with watching(server) as stream:
        assert stream.short(2) == [("ADDED", "new"), ("ADDED", "old")]


def test_a_server_that_is_behind_refuses_what_is_newer_than_it_knows(server: APIServer) -> None:
    server.create(pod("a"))
    server.faults.add(Lag(events=1), times=None)
    version = server.resource_version
    for path, query in ((ALL_PODS, {"resourceVersionMatch": "NotOlderThan"}), (f"{PODS}/a", {})):
        answer = ask(server, path, resourceVersion=version, **query)
        assert answer.status == 504
        assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_writes_are_not_behind_and_meet_no_lag(server: APIServer) -> None:
    fault = server.faults.add(Lag(events=1))
    assert ask(server, PODS, method="POST", body=pod("a")).status == 201
    assert fault.hits == 0
    assert ask(server, PODS, resourceVersion=0).json["items"] == []
    assert fault.hits == 1


def test_a_cache_is_behind_the_writes_until_the_lag_is_over(server: APIServer) -> None:
    held = server.faults.add(Lag(events=ALL_BACK), verb="watch", resource=core.V1.pods, times=None)
    handler = RecordingHandler[object]()
    factory = SharedInformerFactory(server.client(), 0)
    factory.core.v1.pods.informer.add_event_handler(handler)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        server.wait_for_watchers(core.V1.pods)
        server.create(pod("a"))
        assert factory.core.v1.pods.lister.list() == []
        server.faults.remove(held)
        handler.wait_for(1)
    assert handler.texts() == ["add default/a"]


@pytest.mark.parametrize(("seconds", "events"), [(0, 0), (1, 1), (-1, 0), (0, -1), (-1, 1), (1, -1)], ids=str)
def test_a_lag_is_of_seconds_or_of_events(seconds: float, events: int) -> None:
    with pytest.raises(ConfigurationError, match=r"seconds or of events|must"):
        Lag(seconds=seconds, events=events)
