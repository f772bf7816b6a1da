"""Events: what is sent, what is counted, what is dropped, and that nobody waits for it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from informers import ConfigurationError
from informers.controllers import EventRecorder, event_recorder
from informers.kinds import core, events
from informers.testing import APIServer, FakeClock, Status
from tests.waiting import eventually

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "namespace": "default", "uid": "u"}}


@attrs.frozen
class Scene:
    server: APIServer
    clock: FakeClock
    recorder: EventRecorder

    def event(self, note: str = "a note", reason: str = "Started", obj: Any = POD, **more: Any) -> None:
        self.recorder.event(obj, reason, note, action="Start", **more)

    @property
    def stored(self) -> list[dict[str, Any]]:
        return list(self.server.list(events.V1.events))

    def posts(self, verb: str = "create") -> int:
        return len(self.server.requests.select(verb=verb, resource=events.V1.events))


@pytest.fixture
def scene() -> Iterator[Scene]:
    clock = FakeClock(start=1_800_000_000.0)
    with APIServer() as server:
        recorder = EventRecorder(server.client(), "example.com/sets", instance="one", clock=clock)
        yield Scene(server, clock, recorder)
        recorder.close(None)


@pytest.mark.upstream("tools/events/event_recorder_test.go", "TestEventf")
def test_an_event_has_its_object_reporter_action_and_reason(scene: Scene) -> None:
    scene.event(type="Warning", related={"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    eventually(lambda: scene.stored)
    (found,) = scene.stored
    assert found["regarding"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "web-0",
        "namespace": "default",
        "uid": "u",
    }
    assert found["related"] == {"apiVersion": "v1", "kind": "Node", "name": "n"}
    wanted = {"reason": "Started", "action": "Start", "type": "Warning", "note": "a note"}
    assert {key: found[key] for key in wanted} == wanted
    assert (found["reportingController"], found["reportingInstance"]) == ("example.com/sets", "one")
    assert found["eventTime"] == "2027-01-15T08:00:00.000000Z"
    assert "series" not in found


@pytest.mark.upstream("tools/events/event_recorder_test.go", "TestEventf")
@pytest.mark.parametrize("name", ["2001:db8::123", "system:node", "x" * 1000, f"{'x' * 199}.y"])
def test_an_event_has_a_name_that_the_server_takes_whatever_the_object_is_called(scene: Scene, name: str) -> None:
    scene.event(obj={"apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": {"name": name}})
    eventually(lambda: scene.stored)
    assert scene.stored[0]["regarding"]["name"] == name


def test_an_object_of_the_whole_cluster_has_its_events_in_the_default_namespace(scene: Scene) -> None:
    scene.event(obj={"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    eventually(lambda: scene.stored)
    assert scene.stored[0]["metadata"]["namespace"] == "default"


def test_an_object_that_does_not_say_its_kind_needs_its_resource(scene: Scene) -> None:
    obj = {"metadata": {"name": "n"}}
    with pytest.raises(ConfigurationError, match="give resource="):
        scene.event(obj=obj)
    scene.event(obj=obj, resource=core.V1.nodes)
    eventually(lambda: scene.stored)
    assert scene.stored[0]["regarding"] == {"apiVersion": "v1", "kind": "Node", "name": "n"}


@pytest.mark.upstream("tools/events/eventseries_test.go", "TestEventSeriesf")
def test_the_second_of_a_kind_makes_a_series_and_the_rest_is_counted_here(scene: Scene) -> None:
    scene.event("first")
    eventually(lambda: scene.stored)
    scene.event("second, and another note")
    eventually(lambda: scene.stored[0].get("series", {}).get("count") == 2)
    for _ in range(50):
        scene.event()
    scene.clock.wait_for_waiters()
    assert scene.stored[0]["series"]["count"] == 2
    assert (scene.posts(), scene.posts("patch")) == (1, 1)


@pytest.mark.upstream("tools/events/eventseries_test.go", "TestEventSeriesWithEventSinkImplRace")
@pytest.mark.upstream("tools/events/event_broadcaster_test.go", "TestRecordEventToSink")
def test_two_of_a_kind_at_once_are_one_series_of_two(scene: Scene) -> None:
    barrier = threading.Barrier(2)

    def record() -> None:
        barrier.wait(10)
        scene.event()

    threads = [threading.Thread(target=record) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    eventually(lambda: [found.get("series", {}).get("count") for found in scene.stored] == [2])
    scene.clock.wait_for_waiters()
    assert len(scene.stored) == 1


@pytest.mark.upstream("tools/events/eventseries_test.go", "TestRefreshExistingEventSeries")
def test_a_series_that_continues_is_written_each_half_hour(scene: Scene) -> None:
    for count in (1, 2):
        scene.event()
        eventually(lambda count=count: scene.posts() + scene.posts("patch") == count)
        scene.clock.wait_for_waiters()
    for minute in range(5, 31, 5):
        scene.clock.advance(300.0)
        scene.event()
        if minute < 30:
            scene.clock.wait_for_waiters()
            assert scene.stored[0]["series"]["count"] == 2
    eventually(lambda: scene.stored[0]["series"]["count"] >= 7)


@pytest.mark.upstream("tools/events/eventseries_test.go", "TestFinishSeries")
def test_a_series_is_written_and_forgotten_when_it_is_over(scene: Scene) -> None:
    for count in (1, 2):
        scene.event()
        eventually(lambda count=count: scene.posts() + scene.posts("patch") == count)
        scene.clock.wait_for_waiters()
    scene.event()
    scene.clock.wait_for_waiters()
    scene.clock.advance(360.0)
    eventually(lambda: scene.stored[0]["series"]["count"] == 3)
    eventually(lambda: not scene.recorder._series)
    scene.event()
    eventually(lambda: len(scene.stored) == 2)


def test_what_can_not_be_sent_is_tried_again_and_nobody_waits(scene: Scene) -> None:
    scene.server.faults.add(Status(503), verb="create", resource=events.V1.events, times=2)
    scene.event()
    for _ in range(2):
        scene.clock.wait_for_waiters()
        scene.clock.advance(12.5)
    eventually(lambda: scene.stored)
    assert scene.posts() == 3


def test_a_try_comes_ten_seconds_after_the_last_and_by_chance_up_to_a_quarter_later(scene: Scene) -> None:
    scene.server.faults.add(Status(503), verb="create", resource=events.V1.events, times=1)
    scene.event()
    scene.clock.wait_for_waiters()
    scene.clock.advance(9.9)
    scene.clock.wait_for_waiters()
    assert scene.posts() == 1
    scene.clock.advance(2.6)
    eventually(lambda: scene.stored)


def test_a_handler_of_the_log_may_record_an_event(scene: Scene) -> None:
    class Recording(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            scene.event(record.getMessage(), reason="Logged")

    logger, handler = logging.getLogger("informers.controllers"), Recording()
    logger.addHandler(handler)
    try:
        scene.server.faults.add(Status(403), verb="create", resource=events.V1.events, times=1)
        scene.event()
        eventually(lambda: [found["reason"] for found in scene.stored] == ["Logged"])
    finally:
        logger.removeHandler(handler)


def test_of_too_many_series_the_one_that_came_last_the_longest_ago_is_forgotten_and_none_is_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_recorder, "_SERIES", 8)
    for number in range(20):
        scene.event(reason=f"R{number}")
        eventually(lambda number=number: len(scene.stored) == number + 1)
        scene.clock.wait_for_waiters()
    assert len(scene.recorder._series) == 8


def test_what_the_server_refuses_is_said_and_not_tried_again(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.server.faults.add(Status(403), verb="create", resource=events.V1.events, times=None)
    scene.event()
    eventually(lambda: "was not recorded" in caplog.text)
    assert scene.recorder._series == {}
    assert scene.posts() == 1


def test_a_dozen_tries_are_enough(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.server.faults.add(Status(500), verb="create", resource=events.V1.events, times=None)
    scene.event()
    for _ in range(11):
        scene.clock.wait_for_waiters()
        scene.clock.advance(12.5)
    eventually(lambda: "was not recorded" in caplog.text)
    assert scene.posts() == 12


def test_more_than_a_thousand_that_wait_are_dropped_and_that_is_said(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    gate, inside = threading.Event(), threading.Event()
    rest: Any = scene.recorder._api_client.rest_client
    request = rest.request

    def slow(*arguments: Any, **options: Any) -> Any:
        inside.set()
        gate.wait(20)
        return request(*arguments, **options)

    rest.request = slow
    scene.event(reason="First")
    assert inside.wait(10)
    for number in range(1500):
        scene.event(reason=f"R{number}")
    assert len(scene.recorder._series) == 1000
    scene.server.faults.add(Status(403), verb="create", resource=events.V1.events, times=None)
    gate.set()
    eventually(lambda: "501 events were dropped" in caplog.text)


def test_an_event_that_the_server_has_forgotten_is_made_again(scene: Scene) -> None:
    scene.event()
    eventually(lambda: scene.stored)
    scene.server.delete(events.V1.events, scene.stored[0]["metadata"]["name"])
    scene.event()
    eventually(lambda: [found["series"]["count"] for found in scene.stored] == [2])


def test_at_the_end_what_waits_is_sent_and_the_thread_is_gone(scene: Scene) -> None:
    scene.event()
    eventually(lambda: scene.stored)
    scene.event()
    eventually(lambda: scene.posts("patch") == 1)
    for _ in range(10):
        scene.event()
    assert scene.recorder.close(None)
    assert scene.stored[0]["series"]["count"] == 12
    scene.event()
    assert scene.recorder._series == {}
    assert not [thread for thread in threading.enumerate() if "events-example" in thread.name]


def test_what_can_not_be_sent_at_the_end_is_given_up(scene: Scene) -> None:
    scene.server.faults.add(Status(500), verb="create", resource=events.V1.events, times=None)
    scene.event()
    scene.clock.wait_for_waiters()
    assert not scene.recorder.close(None)


def test_how_many_can_not_be_sent_at_the_end_is_logged_in_one_line(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.server.faults.add(Status(500), verb="create", resource=events.V1.events, times=None)
    for number in range(5):
        scene.event(reason=f"R{number}")
    assert not scene.recorder.close(None)
    said = [line for line in caplog.messages if "event" in line]
    assert said == ["5 events could not be sent before the end"]


def test_a_note_is_cut_where_the_server_would_refuse_it(scene: Scene) -> None:
    scene.event("é" * 2000)
    eventually(lambda: scene.stored)
    assert scene.stored[0]["note"] == "é" * 512


def test_a_note_with_half_a_character_is_recorded_without_it(scene: Scene) -> None:
    scene.event("half \ud800 of it")
    eventually(lambda: scene.stored)
    assert scene.stored[0]["note"] == "half ? of it"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reason": ""}, "reason must be"),
        ({"reason": "x" * 129}, "reason must be"),
        ({"type": "Error"}, "'Normal' or 'Warning'"),
        ({"obj": {"metadata": {}}}, "has no name"),
    ],
)
def test_what_is_wrong_is_said_at_the_call(scene: Scene, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        scene.event(**change)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_records_what_is_its_own(scene: Scene) -> None:
    scene.event(reason="Parent")
    eventually(lambda: scene.stored)
    parents = scene.recorder._api_client.rest_client
    child = os.fork()
    if not child:
        try:
            scene.event(reason="Child")
            assert scene.recorder._api_client.rest_client is not parents, "it has the parent's connections"
            os._exit(0 if scene.recorder.close(10.0) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert {found["reason"] for found in scene.stored} == {"Parent", "Child"}
