"""Handlers: what can be one, and what a filter makes of events."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from informers import (
    ConfigurationError,
    DeletedFinalStateUnknown,
    FilteringResourceEventHandler,
    ResourceEventHandlerFuncs,
)
from informers.cache.handlers import Callbacks
from informers.controllers import labels_changed
from informers.testing import RecordingHandler


def obj(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def test_an_add_function_gets_the_flag_only_if_it_has_a_place_for_it() -> None:
    told: list[object] = []
    queue = "queue"

    def flagged_by_name(pod: object, is_in_initial_list: bool = False) -> None:
        told.append(("by name", pod, is_in_initial_list))

    functions: list[Any] = [
        lambda pod: told.append(("one", pod)),
        lambda pod, flag: told.append(("two", pod, flag)),
        lambda pod, queue=queue: told.append(("default", pod, queue)),
        flagged_by_name,
        lambda *pods: told.append(("star", *pods)),
        told.append,
    ]
    for function in functions:
        ResourceEventHandlerFuncs(on_add=function).call_on_add("pod", True)

    assert told == [
        ("one", "pod"),
        ("two", "pod", True),
        ("default", "pod", "queue"),
        ("by name", "pod", True),
        ("star", "pod"),
        "pod",
    ]


def test_functions_that_are_left_out_are_not_called_and_need_no_object() -> None:
    callbacks = Callbacks.of(ResourceEventHandlerFuncs(on_delete=print))
    assert (callbacks.on_add, callbacks.on_update) == (None, None)
    assert callbacks.on_delete is print


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"on_add": 3}, r"on_add must be a function of \(obj\).*: got int"),
        ({"on_add": lambda: None}, r"on_add must be a function of \(obj\) or \(obj, is_in_initial_list\): got"),
        ({"on_add": lambda a, b, c: None}, r"on_add must be a function of \(obj\)"),
        ({"on_update": lambda new: None}, r"on_update must be a function of \(old, new\)"),
        ({"on_delete": lambda a, b: None}, r"on_delete must be a function of \(obj\)"),
    ],
)
def test_a_function_that_could_not_be_called_is_refused_at_once(functions: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ResourceEventHandlerFuncs(**functions)


def test_a_coroutine_function_is_refused_since_nobody_would_await_it() -> None:
    async def on_add(_obj: object) -> None: ...

    with pytest.raises(ConfigurationError, match=r"never be awaited; informers\.aio\.add_event_handler takes those$"):
        ResourceEventHandlerFuncs(on_add=on_add)


class Handler:
    def on_add(self, obj: object, is_in_initial_list: bool) -> None: ...
    def on_update(self, old: object, new: object) -> None: ...
    def on_delete(self, obj: object) -> None: ...


class WithoutFlag(Handler):
    def on_add(self, obj: object) -> None: ...  # type: ignore[override] # the mistake that is tested


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (print, r"builtin_function_or_method has no on_add, on_update, on_delete; .*ResourceEventHandlerFuncs"),
        (Handler, r"a handler must be an instance: got the class Handler; add \(\)"),
        (WithoutFlag(), r"on_add must be a function of \(obj, is_in_initial_list\)"),
        (None, "NoneType has no on_add"),
    ],
)
def test_an_invalid_handler_is_refused_with_advice(handler: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Callbacks.of(handler)


def test_a_mock_can_be_a_handler() -> None:
    mock = Mock()
    callbacks = Callbacks.of(mock)
    assert callbacks.on_add is not None
    callbacks.on_add("pod", False)
    mock.on_add.assert_called_once_with("pod", False)


def test_a_handlers_name_is_its_class_or_function() -> None:
    assert Callbacks.of(Handler()).name.endswith("test_handlers.Handler")
    assert Callbacks.of(ResourceEventHandlerFuncs(on_update=lambda _o, _n: None)).name.endswith("<lambda>")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("in", "in", ["update a"]), ("out", "in", ["add a"]), ("in", "out", ["delete a"]), ("out", "out", [])],
)
def test_an_update_that_crosses_a_filter_becomes_an_add_or_a_delete(
    before: str, after: str, expected: list[str]
) -> None:
    recorder = RecordingHandler[dict[str, Any]]()
    handler = FilteringResourceEventHandler(
        filter=lambda obj: obj["metadata"]["labels"]["zone"] == "in", handler=recorder
    )
    handler.on_update(obj("a", zone=before), obj("a", zone=after))
    assert recorder.texts() == expected


def test_a_filter_judges_a_tombstone_by_what_it_holds() -> None:
    recorder = RecordingHandler[dict[str, Any]]()
    handler = FilteringResourceEventHandler(
        filter=lambda obj: obj["metadata"]["labels"].get("zone") == "in", handler=recorder
    )
    handler.on_add(obj("a", zone="in"), True)
    handler.on_add(obj("b"), True)
    handler.on_delete(DeletedFinalStateUnknown("a", obj("a", zone="in")))
    handler.on_delete(DeletedFinalStateUnknown("b", obj("b")))
    handler.on_delete(DeletedFinalStateUnknown("c"))
    handler.on_delete(obj("d", zone="in"))
    assert recorder.texts() == ["add a (initial)", "delete a (tombstone)", "delete c (tombstone)", "delete d"]


def test_a_filter_around_functions_calls_only_those_that_there_are() -> None:
    told: list[object] = []
    handler = FilteringResourceEventHandler(
        filter=lambda _obj: True, handler=ResourceEventHandlerFuncs(on_update=lambda old, new: told.append((old, new)))
    )
    handler.on_add("a", True)
    handler.on_update("a", "b")
    handler.on_delete("b")
    assert told == [("a", "b")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"zone": "in", "size": "1"}, {"zone": "in", "size": "2"}, ["update a"]),
        ({"zone": "in", "size": "1"}, {"zone": "in", "size": "1"}, []),
        ({"zone": "out", "size": "1"}, {"zone": "in", "size": "1"}, ["add a"]),
        ({"zone": "in", "size": "1"}, {"zone": "out", "size": "1"}, ["delete a"]),
        ({"zone": "out", "size": "1"}, {"zone": "out", "size": "2"}, []),
    ],
    ids=("changed", "unchanged", "into the range", "out of the range", "outside of the range"),
)
def test_a_predicate_is_asked_about_the_updates_within_a_filters_range(
    old: dict[str, str], new: dict[str, str], expected: list[str]
) -> None:
    recorder = RecordingHandler[dict[str, Any]]()
    handler = FilteringResourceEventHandler(
        filter=lambda obj: obj["metadata"]["labels"]["zone"] == "in",
        predicate=lambda before, after: before["metadata"]["labels"]["size"] != after["metadata"]["labels"]["size"],
        handler=recorder,
    )
    handler.on_update(obj("a", **old), obj("a", **new))
    assert recorder.texts() == expected


def test_a_predicate_alone_passes_adds_and_deletes_on() -> None:
    recorder = RecordingHandler[dict[str, Any]]()
    handler = FilteringResourceEventHandler(predicate=labels_changed, handler=recorder)
    handler.on_add(obj("a"), True)
    handler.on_update(obj("a"), obj("a"))
    handler.on_update(obj("a"), obj("a", zone="in"))
    handler.on_delete(DeletedFinalStateUnknown("a", obj("a")))
    assert recorder.texts() == ["add a (initial)", "update a", "delete a (tombstone)"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"give a filter, which is a function of \(obj\), or a predicate, of \(old, new\)"),
        ({"predicate": lambda new: True}, r"predicate must be a function of \(old, new\): got "),
    ],
    ids=("neither", "of one object"),
)
def test_a_filter_without_anything_to_filter_by_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FilteringResourceEventHandler(handler=Handler(), **arguments)


def test_a_filter_that_is_not_a_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"filter must be a function of \(obj\): got "):
        FilteringResourceEventHandler(filter="app=web", handler=Handler())  # type: ignore[arg-type] # the mistake


def test_what_crosses_a_filter_is_delivered_only_to_handlers_that_ask_for_it() -> None:
    inner = ResourceEventHandlerFuncs()
    handler: FilteringResourceEventHandler[Any] = FilteringResourceEventHandler(
        filter=lambda thing: "on" in thing["metadata"]["labels"], handler=inner
    )
    on, off = obj("a", on=""), obj("a")
    for old, new in ((on, on), (on, off), (off, on), (off, off)):
        handler.on_update(old, new)
    handler.on_add(on, True)
    handler.on_delete(on)
    assert repr(handler) == "<FilteringResourceEventHandler for (no functions)>"


def test_a_function_that_does_not_say_what_it_takes_is_taken_at_its_word() -> None:
    class Quiet:
        __signature__ = "none"

        def __call__(self, *_: object) -> None:
            pass

    quiet = Quiet()
    assert ResourceEventHandlerFuncs(on_update=quiet, on_add=quiet).on_update is quiet
