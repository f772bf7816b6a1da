from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from informers.errors import ConfigurationError
from informers.kinds import core
from informers.testing import (
    APIServer,
    BadJSON,
    Cut,
    Delay,
    EndWatch,
    Expire,
    FakeClock,
    Hang,
    Lag,
    NoBookmarks,
    Refuse,
    Status,
)
from informers.testing.faults import Faults
from tests.testing.support import ALL_PODS, ask, connect, pod, watching

PODS = core.V1.pods


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


def test_a_status_is_answered_as_often_as_the_script_says(server: APIServer) -> None:
    fault = server.faults.add(Status(429, retry_after=3), verb="list", resource=PODS, times=2)
    answers = [ask(server, ALL_PODS) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert answers[0].json["reason"] == "TooManyRequests"
    assert answers[0].json["details"] == {"retryAfterSeconds": 3}
    assert fault.hits == 2


def test_a_fault_meets_only_what_it_is_meant_for(server: APIServer) -> None:
    server.faults.add(Status(500), verb="watch", resource=PODS, times=None)
    server.faults.add(Status(503), when=lambda request: request.query.get("limit") == "7", times=None)
    assert ask(server, ALL_PODS).status == 200
    assert ask(server, "/api/v1/nodes", watch="1", sendInitialEvents="1").status == 422
    assert ask(server, ALL_PODS, watch="1").status == 500
    assert ask(server, ALL_PODS, limit=7).status == 503


def test_faults_of_one_request_come_in_the_order_of_the_script(server: APIServer) -> None:
    server.faults.add(Status(500))
    server.faults.add(Status(503))
    assert [ask(server, ALL_PODS).status for _ in range(3)] == [500, 503, 200]


def test_faults_can_be_taken_back(server: APIServer) -> None:
    fault = server.faults.add(Status(500), times=None)
    server.faults.remove(fault)
    server.faults.add(Status(500), times=None)
    server.faults.clear()
    assert ask(server, ALL_PODS).status == 200
    assert fault.hits == 0


def test_a_fault_happens_at_least_once(server: APIServer) -> None:
    with pytest.raises(ConfigurationError, match="times must be at least 1, or None for always: got 0"):
        server.faults.add(Refuse(), times=0)


def test_a_refused_request_sees_a_reset(server: APIServer) -> None:
    server.faults.add(Refuse())
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        ask(server, ALL_PODS)
    assert server.requests[-1].status == 0
    assert ask(server, ALL_PODS).status == 200


def test_an_answer_can_be_cut_at_any_byte(server: APIServer) -> None:
    server.create(pod("a"))
    server.faults.add(Cut(after_bytes=30))
    connection = connect(server)
    connection.request("GET", ALL_PODS)
    response = connection.getresponse()
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)) as broken:
        response.read()
    connection.close()
    if isinstance(broken.value, http.client.IncompleteRead):
        assert len(broken.value.partial) == 30


def test_a_watch_can_be_cut_in_mid_line(server: APIServer) -> None:
    server.create(pod("a"))
    server.faults.add(Cut(after_bytes=40), verb="watch")
    with watching(server) as watch:
        assert watch.response.read(40) == b'{"type":"ADDED","object":{"kind":"Pod","'
        with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
            watch.response.read(1)


def test_a_watch_can_hang_in_mid_line_until_the_server_stops(server: APIServer) -> None:
    server.create(pod("a"))
    server.faults.add(Hang(after_bytes=10), verb="watch")
    with watching(server) as watch:
        assert watch.response.read(10) == b'{"type":"A'
        server.stop()


def test_a_request_can_hang_until_the_client_leaves(server: APIServer) -> None:
    server.faults.add(Hang())
    connection = connect(server)
    connection.request("GET", ALL_PODS)
    server.wait_for_request(lambda request: request.path == ALL_PODS and request.status == 0)
    connection.close()


def test_a_delay_goes_by_the_servers_clock_and_lets_other_faults_follow() -> None:
    clock = FakeClock()
    with APIServer(clock=clock) as server:
        server.faults.add(Delay(5))
        server.faults.add(Status(500))
        connection = connect(server)
        connection.request("GET", ALL_PODS)
        clock.wait_for_waiters(1)
        assert len(server.requests) == 0
        clock.advance(5)
        assert connection.getresponse().status == 500
        connection.close()


def test_a_watch_can_be_ended_after_some_events(server: APIServer) -> None:
    for name in "abc":
        server.create(pod(name))
    server.faults.add(EndWatch(after_events=2), verb="watch")
    server.faults.add(EndWatch(), verb="watch")
    with watching(server) as watch:
        assert watch.short(2) == [("ADDED", "a"), ("ADDED", "b")]
        assert watch.line() == b""
    with watching(server) as watch:
        assert watch.line() == b""


def test_lists_pages_and_watches_can_expire(server: APIServer) -> None:
    server.faults.add(Expire(), times=3)
    listed = ask(server, ALL_PODS)
    assert (listed.status, listed.json["message"]) == (410, "The resourceVersion for the provided list is too old.")
    page = ask(server, ALL_PODS, continue_="x")
    assert (page.status, page.json["reason"]) == (410, "Expired")
    with watching(server) as watch:
        event = watch.event()
        assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
        assert watch.line() == b""


def test_an_error_can_come_within_a_watch(server: APIServer) -> None:
    server.faults.add(Status(500, message="etcd is away", in_stream=True), verb="watch")
    with watching(server) as watch:
        assert watch.event()["object"]["message"] == "etcd is away"


def test_invalid_json_can_be_sent(server: APIServer) -> None:
    server.create(pod("a"))
    server.faults.add(BadJSON(), times=2)
    with pytest.raises(ValueError, match="Expecting"):
        _ = ask(server, ALL_PODS).json
    with watching(server) as watch:
        with pytest.raises(ValueError, match="Expecting"):
            watch.event()
        assert watch.short(1) == [("ADDED", "a")]


def test_bookmarks_can_be_held_back_even_the_one_that_ends_a_streaming_list() -> None:
    clock = FakeClock()
    query = {"sendInitialEvents": "1", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "1"}
    with APIServer(clock=clock) as server:
        server.create(pod("a"))
        server.faults.add(NoBookmarks(), verb="watch")
        with watching(server, **query) as watch:
            assert watch.short(1) == [("ADDED", "a")]
            clock.wait_for_waiters(1)
            clock.advance(60)
            server.create(pod("b"))
            assert watch.short(1) == [("ADDED", "b")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fault": 500}, r"^fault must be a fault, for example Status\(500\) or Cut\(\): got 500$"),
        ({"fault": Cut}, r"^fault must be a fault, for example Status\(500\) or Cut\(\): got <class "),
        ({"verb": "POST"}, r"^unknown verb 'POST': there are create, delete, "),
        ({"resource": "pods"}, r"^resource must be a row of informers\.kinds, for example core\.V1\.pods: got 'pods'$"),
    ],
)
def test_a_fault_that_could_meet_no_request_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Faults().add(**{"fault": Status(500), **arguments})


@pytest.mark.parametrize(
    ("fault", "value", "named"),
    [
        (Delay, "1", "seconds"),
        (Delay, -1, "seconds"),
        (Delay, None, "seconds"),
        (Delay, float("nan"), "seconds"),
        (Lag, "1", "seconds"),
        (Hang, -1, "after_bytes"),
        (Cut, None, "after_bytes"),
        (Cut, 1.5, "after_bytes"),
        (EndWatch, "1", "after_events"),
    ],
)
def test_a_number_of_a_fault_that_is_invalid_is_refused(fault: Callable[[Any], Any], value: Any, named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{named} must"):
        fault(value)
