"""Objects that the official client's models refuse are handed out; where that can't be, one error says why."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import pytest
from kubernetes import client

from informers.errors import DecodeError
from tests.source import samples

validated = pytest.mark.skipif(not samples.VALIDATED, reason="this client's models validate little")

META = {"name": "web-0", "namespace": "default", "creationTimestamp": samples.TIME}


def made(model: str, **fields: Any) -> Any:
    return samples.lazy(samples.encode({"kind": "K", "apiVersion": "v1", "metadata": META, **fields}), model)


def both_ways(model: str, **fields: Any) -> list[Any]:
    """Return an object that is read field by field, and one that is read whole."""
    whole = made(model, **fields)
    vars(whole)
    return [made(model, **fields), whole]


def test_a_null_event_time_is_none_and_all_else_is_typed() -> None:
    for event in both_ways("EventsV1Event", eventTime=None, reason="Killed", deprecatedLastTimestamp=samples.TIME):
        assert event.event_time is None
        assert event.reason == "Killed"
        assert event.deprecated_last_timestamp == event.metadata.creation_timestamp
        assert event.metadata.name == "web-0"
        assert event.to_dict()["event_time"] is None
        assert isinstance(event, client.EventsV1Event)


def test_an_event_without_event_time_is_read() -> None:
    for event in both_ways("EventsV1Event", reason="Killed", regarding={"kind": "Pod", "name": "web-0"}):
        assert event.event_time is None
        assert event.regarding.name == "web-0"


def test_null_limits_are_none() -> None:
    for limit_range in both_ways("V1LimitRange", spec={"limits": None}):
        assert limit_range.spec.limits is None
        assert isinstance(limit_range.spec, client.V1LimitRangeSpec)


def test_required_lists_that_are_null_or_missing_are_none() -> None:
    spec = {"nodeName": "node-1", "containers": None, "volumes": [{"name": "v", "projected": {"sources": None}}]}
    for pod in both_ways("V1Pod", spec=spec):
        assert pod.spec.containers is None
        assert pod.spec.node_name == "node-1"
        assert pod.spec.volumes[0].projected.sources is None
    for pod in both_ways("V1Pod", spec={"nodeName": "node-1"}):
        assert pod.spec.containers is None


def test_an_element_without_its_required_fields_leaves_the_others_typed() -> None:
    containers = [{"image": "nameless"}, {"name": "c", "ports": [{"containerPort": 80}], "futureField": 1}]
    for pod in both_ways("V1Pod", spec={"containers": containers}):
        nameless, named = pod.spec.containers
        assert (nameless.image, nameless.name) == ("nameless", None)
        assert isinstance(nameless, client.V1Container)
        assert named.ports[0].container_port == 80


def test_the_whole_can_be_shown_copied_and_written() -> None:
    event = made("EventsV1Event", eventTime=None, reason="Killed", series=None)
    assert "Killed" in repr(event)
    assert event == made("EventsV1Event", eventTime=None, reason="Killed")
    assert client.ApiClient().sanitize_for_serialization(event)["reason"] == "Killed"
    assert b'"reason":"Killed"' in samples.restored(event).raw


@validated
def test_values_of_another_type_are_given_as_they_came() -> None:
    spec = {"containers": [{"name": 5, "ports": [{"containerPort": "http"}], "env": [{"name": "A", "value": 1}]}]}
    for pod in both_ways("V1Pod", spec={**spec, "priority": "high"}, status={"startTime": "", "phase": "Running"}):
        container = pod.spec.containers[0]
        assert (container.name, container.ports[0].container_port, container.env[0].value) == (5, "http", 1)
        assert pod.spec.priority == "high"
        assert (pod.status.start_time, pod.status.phase) == ("", "Running")
        assert b'"containerPort":"http"' in samples.restored(pod).raw


@validated
def test_leniently_built_metadata_keeps_what_is_good() -> None:
    for pod in both_ways("V1Pod"):
        assert pod.metadata.namespace == "default"
    raw = samples.encode({"kind": "Pod", "apiVersion": "v1", "metadata": {**META, "labels": {"a": None, "b": "c"}}})
    metadata = samples.lazy(raw).metadata
    assert metadata.labels == {"a": None, "b": "c"}
    assert metadata.creation_timestamp.year == 2026


@validated
def test_managed_fields_that_are_refused_are_built_leniently() -> None:
    entry = {"manager": "kubelet", "time": "yesterday", "fieldsV1": {"f:spec": {}}}
    pod = made("V1Pod", metadata={**META, "managedFields": [entry]}, status={"phase": "Running"})
    assert pod.metadata.name == "web-0"
    assert pod.metadata.managed_fields[0].manager == "kubelet"
    assert pod.metadata.managed_fields[0].time == "yesterday"


def test_unknown_fields_are_no_error_at_any_depth() -> None:
    pod = samples.pod()
    pod["spec"]["containers"][0]["ports"][0]["fieldOfTheFuture"] = [1]
    pod["metadata"]["fieldOfTheFuture"] = {"a": 1}
    pod["fieldOfTheFuture"] = "x"
    for raw in (samples.encode(pod), samples.encode({**pod, "status": {**pod["status"], "startTime": None}})):
        obj = samples.lazy(raw)
        assert obj.spec.containers[0].ports[0].container_port == 80
        assert "future" not in repr(obj).lower()


READS = {
    "metadata": lambda obj: obj.metadata,
    "hasattr": lambda obj: hasattr(obj, "metadata"),
    "getattr with a default": lambda obj: getattr(obj, "metadata", None),
    "whole": vars,
    "repr": repr,
}


@pytest.mark.parametrize("how", READS)
def test_metadata_that_is_not_an_object_raises_one_error_that_names_key_and_field(how: str) -> None:
    raw = b'{"kind":"Pod","apiVersion":"v1","metadata":"oops","spec":{"nodeName":"node-1","containers":[]}}'
    obj = samples.lazy(raw)
    with pytest.raises(
        DecodeError, match=r"^V1Pod default/web-0: metadata should be a JSON object, not str$"
    ) as caught:
        READS[how](obj)
    assert caught.value.key == "default/web-0"
    assert caught.value.raw == raw
    assert caught.value.mapping["spec"] == {"nodeName": "node-1", "containers": []}
    assert pickle.loads(pickle.dumps(caught.value)).raw == b"", "the object may be a Secret"
    assert obj.spec.node_name == "node-1", "the other fields can still be read"


@validated
def test_a_structure_that_is_missing_deep_down_is_named_with_its_path() -> None:
    pod = made("V1Pod", spec={"containers": [{"name": "a"}, {"name": "b", "resources": "many"}]})
    with pytest.raises(DecodeError, match=r"spec\.containers\[1\]\.resources should be a JSON object, not str"):
        pod.spec.containers  # noqa: B018
    with pytest.raises(DecodeError, match=r"spec\.containers should be a list, not a JSON object"):
        vars(made("V1Pod", spec={"containers": {}}).spec)


@pytest.mark.parametrize("how", READS)
@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"kind":"Pod","apiVersion":"v1","metadata":{"na', b"[1]", b'"x"', b"\xff", b"[" * 100_000]
)
def test_bytes_that_are_not_an_object_raise_at_the_read(raw: bytes, how: str) -> None:
    obj = samples.lazy(raw)
    with pytest.raises(DecodeError, match=r"V1Pod default/web-0: is not (a JSON object|JSON)") as caught:
        READS[how](obj)
    assert caught.value.raw == raw


def test_an_error_has_the_mapping_only_where_there_is_one() -> None:
    with pytest.raises(ValueError, match="not a JSON object: list"):
        DecodeError("", raw=b"[1]").mapping  # noqa: B018


def test_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples.restored(made("EventsV1Event", eventTime=None))
        client.ApiClient().sanitize_for_serialization(made("V1LimitRange", spec={"limits": None}))
