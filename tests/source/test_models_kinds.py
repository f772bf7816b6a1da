"""Objects of every kind become what the official client makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client

from informers.source._models.lazy import peek
from tests.source import samples

KINDS = samples.listable()


def test_all_kinds_of_the_client_are_looked_at() -> None:
    assert len(KINDS) > 75
    assert {"V1Pod", "V1Secret", "CoreV1Event", "V1CustomResourceDefinition", "V1Lease"} <= set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_an_object_of_any_kind_equals_the_clients_and_ignores_unknown_fields(name: str) -> None:
    raw = samples.encode(samples.in_order(name, samples.full(name)))
    expected = samples.eager(name, raw)
    assert samples.lazy(raw, name) == expected
    assert expected == samples.lazy(raw, name)
    if samples.SERIALIZES:
        assert samples.lazy(raw, name).to_dict(serialize=True) == expected.to_dict(serialize=True)


@pytest.mark.parametrize("name", KINDS)
def test_each_field_alone_equals_the_clients_in_any_order(name: str) -> None:
    mapping = samples.in_order(name, samples.full(name))
    expected = samples.eager(name, samples.encode(mapping))
    backwards = dict(reversed(mapping.items()))
    backwards["metadata"] = dict(reversed(mapping["metadata"].items()))
    for raw in (samples.encode(mapping), samples.encode(backwards), json.dumps(mapping, indent=1).encode()):
        for field in getattr(client, name).openapi_types:
            obj = samples.lazy(raw, name)
            assert getattr(obj, field) == getattr(expected, field), field
            seen = peek(obj)
            assert seen is not None
            assert len(seen.read) == 1


@pytest.mark.parametrize(
    "name", [name for name in KINDS if {"spec", "status"} & set(getattr(client, name).openapi_types)]
)
def test_each_field_of_spec_and_status_alone_equals_the_clients(name: str) -> None:
    raw = samples.encode(samples.in_order(name, samples.full(name)))
    expected = samples.eager(name, raw)
    for part in ("spec", "status"):
        for field in getattr(getattr(expected, part, None), "openapi_types", ()):
            assert getattr(getattr(samples.lazy(raw, name), part), field) == getattr(getattr(expected, part), field)


@pytest.mark.parametrize("name", KINDS)
def test_the_whole_at_once_is_the_clients_to_the_order_of_fields(name: str) -> None:
    raw = samples.encode(samples.in_order(name, samples.full(name)))
    obj, expected = samples.lazy(raw, name), samples.eager(name, raw)
    obj.metadata.labels  # noqa: B018  read first what does not come first
    whole: dict[str, Any] = vars(obj)
    assert type(obj) is getattr(client, name)
    assert list(whole) == list(vars(expected))
    assert obj == expected
    serialize = client.ApiClient().sanitize_for_serialization
    assert json.dumps(serialize(obj)) == json.dumps(serialize(expected))


@pytest.mark.parametrize("name", KINDS)
def test_what_is_written_of_a_model_makes_an_equal_one(name: str) -> None:
    raw = samples.encode(samples.in_order(name, samples.full(name, unknown=False)))
    for touch in ("nothing", "metadata", "__dict__"):
        obj = samples.lazy(raw, name)
        getattr(obj, touch, None)
        written = samples.restored(obj).raw
        assert written.startswith(b'{"kind":"%s","apiVersion":"example.com/v1","metadata":{' % name.encode())
        assert samples.lazy(written, name) == samples.eager(name, raw)


@pytest.mark.skipif(not samples.VALIDATED, reason="models of this client have no dumps of their own")
@pytest.mark.parametrize("name", KINDS)
def test_dumps_and_the_set_of_given_fields_are_those_of_validation(name: str) -> None:
    raw = samples.encode(samples.in_order(name, samples.full(name)))
    expected = getattr(client, name).model_validate(json.loads(raw), extra="ignore")
    assert samples.lazy(raw, name).model_dump() == expected.model_dump()
    assert samples.lazy(raw, name).model_dump(exclude_unset=True) == expected.model_dump(exclude_unset=True)
    assert samples.lazy(raw, name).model_dump_json() == expected.model_dump_json()
    assert samples.lazy(raw, name).model_fields_set == expected.model_fields_set
    obj = samples.lazy(raw, name)
    obj.metadata.name  # noqa: B018
    assert obj.model_dump_json(by_alias=True) == expected.model_dump_json(by_alias=True)
    assert obj.metadata.model_fields_set == expected.metadata.model_fields_set
