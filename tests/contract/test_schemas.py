"""What the schema of a definition makes of objects, and what a change of it does to those who watch."""

from __future__ import annotations

import importlib.util
import time
from typing import Any

import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import Server
from tests.contract.test_custom_resources import DEFINITIONS, Custom, define, wait_for

needs_library = pytest.mark.skipif(
    importlib.util.find_spec("jsonschema") is None, reason="needs the extra informers[testing]"
)

TEXT = {"type": "string"}
FIELDS: dict[str, Any] = {
    "name": TEXT,
    "count": {"type": "integer", "default": 5, "minimum": 1, "maximum": 9},
    "above": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
    "half": {"type": "number", "multipleOf": 0.5},
    "text": {"type": "string", "minLength": 2, "maxLength": 4},
    "start": {"type": "string", "pattern": "^a"},
    "word": {"type": "string", "enum": ["one", "two"]},
    "list": {
        "type": "array",
        "minItems": 1,
        "maxItems": 2,
        "items": {
            "type": "object",
            "required": ["n"],
            "properties": {"n": TEXT, "d": {"type": "string", "default": "x"}},
        },
    },
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "either": {"x-kubernetes-int-or-string": True},
    "nothing": {"type": "string", "nullable": True},
    "flag": {"type": "boolean"},
    "open": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "x-kubernetes-preserve-unknown-fields": True,
    },
    "time": {"type": "string", "format": "date-time"},
    "nested": {"type": "object", "default": {}, "properties": {"k": {"type": "string", "default": "v"}}},
    "one": {
        "type": "object",
        "properties": {"p": TEXT, "q": TEXT},
        "oneOf": [{"required": ["p"]}, {"required": ["q"]}],
    },
    "any": {
        "type": "object",
        "properties": {"p": TEXT, "q": TEXT},
        "anyOf": [{"required": ["p"]}, {"required": ["q"]}],
    },
    "but": {"type": "string", "not": {"enum": ["bad"]}},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {"type": "object", "required": ["name"], "properties": FIELDS},
        "status": {"type": "object", "properties": {"x": {"type": "integer"}}},
    },
}

#: What is wrong with a spec that has a name, and how the server says it.
MISTYPED = [
    ({"name": 1}, 'spec.name: Invalid value: "integer": spec.name in body must be of type string: "integer"'),
    ({"name": ["a"]}, 'spec.name: Invalid value: "array": spec.name in body must be of type string: "array"'),
    ({"name": None}, "spec.name: Required value"),
    ({"count": "a"}, 'spec.count: Invalid value: "string": spec.count in body must be of type integer: "string"'),
    ({"flag": "a"}, 'spec.flag: Invalid value: "string": spec.flag in body must be of type boolean: "string"'),
    ({"either": True}, 'Invalid value: "boolean": spec.either in body must be of type integer,string: "boolean"'),
    ({"list": "a"}, 'spec.list: Invalid value: "string": spec.list in body must be of type array: "string"'),
    ({"list": [{}]}, "spec.list[0].n: Required value"),
    ({"list": [{"n": 1}]}, 'Invalid value: "integer": spec.list[0].n in body must be of type string: "integer"'),
    ({"map": {"k": "v"}}, 'Invalid value: "string": spec.map.k in body must be of type integer: "string"'),
    ({"map": [1]}, 'spec.map: Invalid value: "array": spec.map in body must be of type object: "array"'),
]
UNFIT = [
    ({"count": 0}, "spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1"),
    ({"count": 10}, "spec.count: Invalid value: 10: spec.count in body should be less than or equal to 9"),
    ({"above": 0}, "spec.above: Invalid value: 0: spec.above in body should be greater than 0"),
    ({"half": 0.3}, "spec.half: Invalid value: 0.3: spec.half in body should be a multiple of 0.5"),
    ({"text": "a"}, 'spec.text: Invalid value: "a": spec.text in body should be at least 2 chars long'),
    ({"text": "aaaaa"}, "spec.text: Too long: may not be more than 4 bytes"),
    ({"start": "b"}, "spec.start: Invalid value: \"b\": spec.start in body should match '^a'"),
    ({"word": "three"}, 'spec.word: Unsupported value: "three": supported values: "one", "two"'),
    ({"list": []}, "spec.list: Invalid value: 0: spec.list in body should have at least 1 items"),
    ({"list": [{"n": "a"}] * 3}, "spec.list: Too many: 3: must have at most 2 items"),
    ({"open": {}}, "spec.open: Invalid value: 0: spec.open in body should have at least 1 properties"),
    ({"open": {"a": 1, "b": 2}}, "spec.open: Too many: 2: must have at most 1 item"),
    ({"time": "noon"}, 'spec.time: Invalid value: "noon": spec.time in body must be of type date-time: "noon"'),
    ({"one": {}}, '"spec.one" must validate one and only one schema (oneOf). Found none valid'),
    (
        {"one": {"p": "", "q": ""}},
        '"spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ),
    ({"any": {}}, '"spec.any" must validate at least one schema (anyOf)'),
    ({"but": "bad"}, '"spec.but" must not validate the schema (not)'),
]


@pytest.fixture(scope="module")
def shaped_group(session_server: Server) -> str:
    name = f"shapes{time.monotonic_ns()}.example.com"
    definition = define(name)
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = SCHEMA
    definition["spec"]["versions"][0]["selectableFields"] = [{"jsonPath": ".spec.word"}]
    session_server.create(DEFINITIONS, definition)
    wait_for(session_server, f"/apis/{name}/v1/widgets", 200)
    session_server.disconnect()
    return name


@pytest.fixture
def shaped(shaped_group: str, space: Namespace) -> Custom:
    return Custom(shaped_group, space.path("widgets", f"/apis/{shaped_group}/v1"))


def test_unknown_fields_go_and_defaults_come(server: Server, shaped: Custom) -> None:
    spec = {
        "name": "a",
        "bogus": 1,
        "list": [{"n": "a", "bogus": 1}],
        "map": {"k": 1},
        "open": {"any": {"thing": 1}},
        "nothing": None,
        "flag": None,
        "either": "50%",
    }
    made = server.create(shaped.path, shaped.widget("a", spec=spec, top=1, status={"x": 1}))
    assert made["spec"] == {
        "name": "a",
        "count": 5,
        "list": [{"n": "a", "d": "x"}],
        "map": {"k": 1},
        "open": {"any": {"thing": 1}},
        "nothing": None,
        "nested": {"k": "v"},
        "either": "50%",
    }
    assert "top" not in made
    assert "status" not in made
    changed = server.patch(f"{shaped.path}/a", {"spec": {"bogus": 2, "count": None}}).ok()
    assert changed == made
    status = server.patch(f"{shaped.path}/a/status", {"status": {"x": 3, "bogus": 1}}).ok()["status"]
    assert status == {"x": 3}
    assert server.patch(f"{shaped.path}/a/status", {"status": {"x": "3"}}).status == 422


def refusal(server: Server, shaped: Custom, spec: Any, **params: str) -> str:
    answer = server.send("POST", shaped.path, shaped.widget("a", spec=spec), {"dryRun": "All", **params})
    assert answer.status in {400, 422}, answer.raw
    message: str = answer.json()["message"]
    return message


@pytest.mark.parametrize(("spec", "why"), MISTYPED, ids=[str(index) for index in range(len(MISTYPED))])
def test_an_object_of_other_types_is_refused(server: Server, shaped: Custom, spec: Any, why: str) -> None:
    assert why in refusal(server, shaped, {"name": "a", **spec})


@needs_library
@pytest.mark.parametrize(("spec", "why"), UNFIT, ids=[str(index) for index in range(len(UNFIT))])
def test_an_object_that_does_not_fit_is_refused(server: Server, shaped: Custom, spec: Any, why: str) -> None:
    assert why in refusal(server, shaped, {"name": "a", **spec})


def test_a_write_may_ask_that_unknown_fields_are_refused(server: Server, shaped: Custom) -> None:
    spec = {"name": "a", "bogus": 1, "list": [{"n": "a", "q": 1}]}
    assert refusal(server, shaped, spec, fieldValidation="Strict") == (
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
        'unknown field "spec.bogus", unknown field "spec.list[0].q"'
    )
    for value in ("Ignore", "Warn"):
        params = {"dryRun": "All", "fieldValidation": value}
        assert server.send("POST", shaped.path, shaped.widget("a", spec=spec), params).status == 201
    assert "fieldValidation: Unsupported value" in refusal(server, shaped, spec, fieldValidation="Never")


def test_fields_that_are_declared_select(server: Server, shaped: Custom) -> None:
    for name, word in (("a", "one"), ("b", "two")):
        server.create(shaped.path, shaped.widget(name, spec={"name": "a", "word": word}))
    found = server.get(shaped.path, fieldSelector="spec.word=two").ok()["items"]
    assert [item["metadata"]["name"] for item in found] == ["b"]
    assert server.get(shaped.path, fieldSelector="spec.name=a").status == 400


def test_a_change_of_a_definition_ends_watches_and_loses_their_history(server: Server, space: Namespace) -> None:
    group = f"changed{time.monotonic_ns()}.example.com"
    custom = Custom(group, space.path("widgets", f"/apis/{group}/v1"))
    server.create(DEFINITIONS, define(group))
    wait_for(server, custom.path, 200)
    version = server.get(custom.path).ok()["metadata"]["resourceVersion"]
    with server.watch(custom.path, resourceVersion=version) as watch:
        server.patch(custom.definition, {"metadata": {"labels": {"a": "b"}}}).ok()
        server.create(custom.path, custom.widget("a"))
        assert watch.event()[0] == "ADDED"  # what is said about it ends nothing
        spec = server.get(custom.definition).ok()["spec"]
        spec["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "changed"
        server.patch(custom.definition, {"spec": spec}).ok()
        assert watch.rest() == []
    deadline = time.monotonic() + 10
    while True:
        answer = server.get(custom.path, watch=True, resourceVersion=version, timeoutSeconds=1)
        if answer.status != 429 and answer.raw:
            break
        if answer.status == 429:
            assert answer.json()["message"] == "storage is (re)initializing"
            assert answer.headers["Retry-After"] == "1"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    event = answer.json()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
