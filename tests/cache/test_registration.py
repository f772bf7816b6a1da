"""What one holds of a handler."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from informers import ConfigurationError, ResourceEventHandlerFuncs, wait_for_cache_sync
from informers.errors import StatusError
from informers.testing import FakeClock, FakeSource, RecordingHandler
from tests.cache.things import Obj, informer, obj, started
from tests.waiting import eventually


def test_it_says_whom_it_stands_for_and_how_far_that_is() -> None:
    go_on = threading.Event()
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.add(obj("b"))
    with informer(source) as made:
        handler: RecordingHandler[Obj] = RecordingHandler(lambda _: go_on.wait(10))
        registration = made.add_event_handler(handler)
        name = "handler informers.testing.recorder.RecordingHandler of things"
        assert registration.name == name
        assert repr(registration) == f"<Registration of {name}, backlog 0>"
        started(made)
        handler.wait_for(1)
        eventually(lambda: registration.backlog == 3)
        assert registration.why_not_synced() == "2 events still to be delivered, the handler is busy with a"
        go_on.set()
        assert registration.synced.wait(10)
        assert (registration.why_not_synced(), registration.has_synced) == ("", True)
        eventually(lambda: registration.backlog == 0)


def test_it_names_what_its_informer_waits_for_and_then_that_it_has_ended() -> None:
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    source.list_error = StatusError("things is forbidden", code=403, reason="Forbidden")
    with informer(source, clock=clock) as made:
        registration = made.add_event_handler(RecordingHandler[Obj]())
        assert registration.why_not_synced() == "not started: call start() of its factory, or its own"
        made.start()
        clock.wait_for_waiters()
        assert "last error: 403 Forbidden: things is forbidden" in registration.why_not_synced()
        assert not registration.ended.is_set()
        made.stop(10)
        assert registration.ended.is_set()
        assert registration.why_not_synced() == "removed, or its informer stopped, before it was synced"


def test_a_wait_for_handlers_of_one_name_names_them_all() -> None:
    with informer(FakeSource()) as made:
        registrations = [made.add_event_handler(RecordingHandler[Obj]()) for _ in range(3)]
        result = wait_for_cache_sync(*registrations, made, timeout=0)
        name = "handler informers.testing.recorder.RecordingHandler of things"
        assert list(result.unsynced) == [name, f"{name} #2", f"{name} #3", "things"]


def test_a_wait_for_a_handler_ends_when_it_is_removed() -> None:
    with informer(FakeSource()) as made:
        registration = made.add_event_handler(RecordingHandler[Obj]())
        results: list[Any] = []
        waiter = threading.Thread(target=lambda: results.append(wait_for_cache_sync(registration, made)))
        waiter.start()
        made.remove_event_handler(registration)
        waiter.join(10)
        assert "removed, or its informer stopped" in str(results[0])


def test_joining_within_the_handler_itself_returns_at_once_and_says_that_it_is_still_there() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    joined: list[bool] = []
    done = threading.Event()

    def join(_: Obj) -> None:
        joined.append(registration.join())
        done.set()

    with informer(source) as made:
        registration = made.add_event_handler(ResourceEventHandlerFuncs(on_add=join))
        made.start()
        assert done.wait(10)
        assert joined == [False]


@pytest.mark.parametrize("timeout", [-1, "soon", True, float("nan")])
def test_what_is_not_a_valid_timeout_is_refused(timeout: Any) -> None:
    with informer(FakeSource()) as made:
        registration = made.add_event_handler(RecordingHandler[Obj]())
        for wait in (registration.join, made.stop, lambda timeout: wait_for_cache_sync(made, timeout=timeout)):
            with pytest.raises(ConfigurationError, match="timeout must be None or not negative, in seconds: got"):
                wait(timeout)
        assert not made.is_stopped


def test_a_handler_that_was_never_started_has_nothing_to_wait_for() -> None:
    with informer(FakeSource()) as made:
        registration = made.add_event_handler(RecordingHandler[Obj]())
        made.remove_event_handler(registration)
        assert registration.join()
