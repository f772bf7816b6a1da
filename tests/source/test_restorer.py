"""What a transform returned becomes a record: written once at most, and never read back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from kubernetes import client

from informers.errors import ConfigurationError
from informers.resources import NamespacedResource
from informers.source._models.object_makers import Maker, maker
from informers.source._wire.decode import Decoder
from informers.source.records import WireRecord
from tests.source import samples

RAW = samples.encode(samples.pod())
PODS: Maker[Any] = maker(NamespacedResource[Any]("", "v1", "pods", "Pod", model="V1Pod"))


def arrived(raw: bytes = RAW) -> WireRecord[Any]:
    decoder = Decoder(PODS, kind="Pod", api_version="v1")
    record = decoder.short_item(raw) or decoder.item(raw, json.loads(raw))
    assert isinstance(record, WireRecord)
    return record


def test_an_object_that_nobody_read_gives_the_record_that_it_came_from() -> None:
    record = arrived()
    assert samples.restored(record.object()) is record
    assert samples.restored(copy.deepcopy(record.object())) is record


@pytest.mark.parametrize("known", [True, False], ids=["slice", "whole"])
def test_what_was_changed_is_written_and_what_was_not_read_keeps_fields_of_the_future(known: bool) -> None:
    pod = samples.pod()
    pod["spec"]["fieldOfTheFuture"] = 1
    raw = samples.encode(pod)
    obj = arrived(raw).object() if known else samples.lazy(raw)
    obj.metadata.managed_fields = None
    obj.metadata.labels["more"] = "yes"
    record = samples.restored(obj)
    written = json.loads(record.raw)
    assert "managedFields" not in written["metadata"]
    assert written["metadata"]["labels"] == {"app": "web", "more": "yes"} == record.labels
    assert written["spec"] == pod["spec"]
    assert written["status"] == pod["status"]
    assert (record.key, record.namespace) == ("default/web-0", "default")
    assert json.loads(record.raw[record.raw.index(b'"metadata":') + 11 : record.metadata_end]) == written["metadata"]


def test_what_is_behind_metadata_that_were_changed_stays_to_the_letter() -> None:
    record = arrived()
    obj = record.object()
    obj.metadata.annotations = {"a": "b"}
    restored = samples.restored(obj)
    assert restored.raw[restored.metadata_end :] == record.raw[record.metadata_end :]


def test_of_metadata_that_come_twice_only_one_is_written() -> None:
    doubled = RAW[:-1] + b',"metadata":' + samples.encode(samples.pod()["metadata"]) + b"}"
    obj = arrived(doubled).object()
    obj.metadata.managed_fields = None
    restored = samples.restored(obj)
    assert restored.raw.count(b'"metadata":{') == 1
    assert b"managedFields" not in restored.raw


def test_a_record_keeps_nothing_that_the_function_may_change_later() -> None:
    pod = samples.pod()
    record = samples.restored(pod)
    pod["metadata"]["labels"]["app"] = "other"
    pod["spec"].clear()
    assert record.labels == {"app": "web"}
    assert json.loads(record.raw) == samples.pod()


def test_a_field_that_was_set_to_none_is_not_written() -> None:
    obj = samples.lazy(RAW)
    obj.status = None
    assert "status" not in json.loads(samples.restored(obj).raw)


def test_an_absent_field_that_was_read_is_not_written() -> None:
    pod = samples.pod()
    del pod["status"]
    obj = arrived(samples.encode(pod)).object()
    assert obj.status is None
    assert "status" not in json.loads(samples.restored(obj).raw)


def test_a_model_that_users_made_is_written_with_kind_and_version_first() -> None:
    pod = client.V1Pod(metadata=client.V1ObjectMeta(name="wéb"), spec=client.V1PodSpec(containers=[]))
    raw = samples.restored(pod, "Pod").raw
    assert raw == '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"wéb"},"spec":{"containers":[]}}'.encode()


def test_an_objects_own_version_wins() -> None:
    raw = samples.restored({"spec": {}, "metadata": {"name": "a"}, "apiVersion": "v2", "kind": "A"}, "A").raw
    assert raw == b'{"kind":"A","apiVersion":"v2","metadata":{"name":"a"},"spec":{}}'


def test_a_mapping_is_left_as_it_is() -> None:
    mapping = samples.pod()
    del mapping["kind"]
    before = copy.deepcopy(mapping)
    samples.restored(mapping, "Pod")
    assert mapping == before


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"metadata": {}}, "lacks kind or apiVersion"),
        (client.V1Pod(), "lacks kind or apiVersion"),
        ("a pod", "expected a model of the official client or a JSON mapping, got str"),
        (None, "got NoneType"),
        ({"kind": "A", "apiVersion": "v1", "metadata": {"name": "a"}, "spec": {1j}}, "can't be written as JSON"),
        ({"kind": "A", "apiVersion": "v1", "metadata": {}}, "the object can't be kept: an object has no proper name"),
        ({"kind": "A", "apiVersion": "v1", "metadata": {"name": "a", "labels": {"a": 1}}}, "not a map of strings"),
    ],
)
def test_what_can_not_be_written_is_refused(obj: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        samples.restored(obj)


def test_an_object_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected an object of kind B, got 'A'"):
        samples.restored({"metadata": {"name": "a"}, "apiVersion": "v2", "kind": "A"}, "B")
