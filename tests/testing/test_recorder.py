"""The handler that writes down what it is told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from informers import DeletedFinalStateUnknown
from informers.testing import RecordedEvent, RecordingHandler

Obj = dict[str, Any]


def obj(name: str, **fields: Any) -> Obj:
    return {"metadata": {"name": name}, **fields}


def test_it_records_the_notifications_with_the_objects() -> None:
    handler: RecordingHandler[Obj] = RecordingHandler()
    handler.on_add(obj("a", n=1), True)
    handler.on_add(obj("b"), False)
    handler.on_update(obj("a", n=1), obj("a", n=2))
    handler.on_delete(obj("a", n=3))
    handler.on_delete(DeletedFinalStateUnknown("b", obj("b", n=4)))
    handler.on_delete(DeletedFinalStateUnknown("c", None))
    assert handler.texts() == [
        "add a (initial)",
        "add b",
        "update a",
        "delete a",
        "delete b (tombstone)",
        "delete c (tombstone)",
    ]
    events = handler.events
    assert (events[2].old, events[2].obj) == (obj("a", n=1), obj("a", n=2))
    assert [event.obj for event in events[3:]] == [obj("a", n=3), obj("b", n=4), None]
    assert events[0] == RecordedEvent("add", "a", None, is_in_initial_list=True)
    assert repr(handler) == "<RecordingHandler 6 events>"
    handler.clear()
    assert handler.events == ()


def test_it_can_be_waited_for() -> None:
    handler: RecordingHandler[Obj] = RecordingHandler()
    found: list[list[str]] = []
    waiter = threading.Thread(target=lambda: found.append([str(event) for event in handler.wait_for(2)]))
    waiter.start()
    handler.on_add(obj("a"), False)
    handler.on_delete(obj("a"))
    waiter.join(10)
    assert found == [["add a", "delete a"]]


def test_a_predicate_does_not_hold_up_the_handler() -> None:
    handler: RecordingHandler[Obj] = RecordingHandler()

    def look(events: Sequence[RecordedEvent[Obj]]) -> bool:
        if not events:
            other = threading.Thread(target=handler.on_add, args=(obj("a"), False))
            other.start()
            other.join(10)
            assert not other.is_alive()
        return bool(events)

    assert [str(event) for event in handler.wait_until(look)] == ["add a"]


def test_a_wait_in_vain_raises_an_error_that_lists_the_notifications() -> None:
    handler: RecordingHandler[Obj] = RecordingHandler()
    with pytest.raises(TimeoutError, match=r"1 events: not after 0\.01 s; 0 events came, the last: nothing"):
        handler.wait_for(1, timeout=0.01)
    for number in range(25):
        handler.on_add(obj(f"n{number}"), False)
    with pytest.raises(
        TimeoutError, match=r"a deletion: not after 0\.01 s; 25 events came, the last: add n5, .*add n24"
    ):
        handler.wait_until(lambda events: events[-1].type == "delete", timeout=0.01, what="a deletion")


def test_it_reacts_after_it_has_written_down() -> None:
    seen: list[tuple[str, int]] = []

    def react(event: RecordedEvent[Obj]) -> None:
        seen.append((str(event), len(handler.events)))
        raise ValueError("as the test wants it")

    handler: RecordingHandler[Obj] = RecordingHandler(react)
    with pytest.raises(ValueError, match="as the test wants it"):
        handler.on_add(obj("a"), False)
    assert seen == [("add a", 1)]
