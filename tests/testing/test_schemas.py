from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from informers.kinds import apiextensions
from informers.resources import NamespacedResource
from informers.testing import APIServer
from informers.testing._rules import schemas
from informers.testing._rules.schemas import shaped
from tests.testing.support import ask, watching
from tests.widgets import definition, with_spec

THINGS = NamespacedResource[Any]("example.com", "v1", "things", "Thing")
PATH = "/apis/example.com/v1/namespaces/default/things"


def things(**properties: Any) -> dict[str, Any]:
    return definition("Thing", with_spec({"properties": properties}))


def thing(**spec: Any) -> dict[str, Any]:
    return {"kind": "Thing", "apiVersion": "example.com/v1", "metadata": {"name": "a"}, "spec": spec}


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


def test_a_test_itself_stores_what_a_server_would(server: APIServer) -> None:
    server.create(things(a={"type": "integer", "default": 5}))
    assert server.create(thing(bogus=1))["spec"] == {"a": 5}


def test_the_first_watch_after_a_change_of_a_definition_comes_too_early(server: APIServer) -> None:
    server.create(things())
    server.create(thing())
    with watching(server, PATH) as stream:
        assert stream.short(1) == [("ADDED", "a")]
        server.update(things(a={"type": "string"}))
        assert stream.line() == b""
    early = ask(server, PATH, watch="1")
    assert (early.status, early.headers["Retry-After"]) == (429, "1")
    with watching(server, PATH) as stream:
        assert stream.short(1) == [("ADDED", "a")]


def test_a_definition_that_stays_as_it_is_ends_no_watch(server: APIServer) -> None:
    server.create(things())
    with watching(server, PATH) as stream:
        labels = {"metadata": {"labels": {"a": "b"}}}
        server.patch(apiextensions.V1.custom_resource_definitions, "things.example.com", labels)
        server.create(thing())
        assert stream.short(1) == [("ADDED", "a")]


def test_without_the_library_types_are_checked_and_the_log_says_what_is_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    schemas._validator.cache_clear()
    try:
        schema = {"properties": {"a": {"type": "integer", "minimum": 3}}}
        with caplog.at_level(logging.WARNING, "informers.testing"):
            assert shaped({"a": 1}, schema).causes == []
            assert shaped({"a": 1}, schema).causes == []
            assert len(shaped({"a": "1"}, schema).causes) == 1
        assert [record.message.rpartition(": ")[2] for record in caplog.records] == ["pip install 'informers[testing]'"]
    finally:
        schemas._validator.cache_clear()


def test_an_object_is_not_changed_by_its_schema() -> None:
    given = {"metadata": {"name": "a"}, "spec": {"x": [{"y": 1}]}}
    items = {"type": "object", "properties": {"z": {"type": "string", "default": "d"}}}
    schema = {"properties": {"spec": {"type": "object", "properties": {"x": {"type": "array", "items": items}}}}}
    assert shaped(given, schema).obj == {"metadata": {"name": "a"}, "spec": {"x": [{"z": "d"}]}}
    assert given == {"metadata": {"name": "a"}, "spec": {"x": [{"y": 1}]}}


def test_what_is_unknown_is_named_with_its_path() -> None:
    schema = {"properties": {"spec": {"type": "object", "properties": {}}}}
    assert shaped({"spec": {"a": 1}, "b": 2}, schema).unknown == ["spec.a", "b"]
