"""A lazy model behaves as the real one in every way that can be seen, and shares nothing."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kubernetes import client

from informers.errors import DecodeError
from informers.source._bytes.sources import OpenSource
from informers.source._models import lazy as lazily
from informers.source._models.lazy import peek
from informers.source._models.object_makers import model_reader
from informers.source.records import WireRecord
from tests.source import samples

RAW = samples.encode(samples.pod())
POD_FIELDS = ("api_version", "kind", "metadata", "spec", "status")

validated = pytest.mark.skipif(not samples.VALIDATED, reason="this client's models are not pydantic's")


def lazy() -> Any:
    return samples.recorded(RAW)


def eager() -> Any:
    return samples.eager("V1Pod", RAW)


def read(obj: object) -> set[str]:
    """Return what has been read of an object: names of fields, or `everything`."""
    seen = peek(obj)
    return {"everything"} if seen is None else {name.lstrip("_") for name in seen.read}


def test_nothing_is_read_when_an_object_is_made_or_its_class_is_asked_for() -> None:
    obj = lazy()
    assert isinstance(obj, client.V1Pod)
    assert obj.__class__ is client.V1Pod
    assert not isinstance(obj, client.V1Node)
    assert isinstance(client.V1Pod(), type(obj))
    assert type(obj).__name__ == "V1Pod"
    assert read(obj) == set()


def test_a_field_is_read_alone_and_stays_the_same_object() -> None:
    obj = lazy()
    assert obj.status.phase == "Running"
    assert read(obj) == {"status"}
    assert obj.status is obj.status
    assert obj.metadata.name == "web-0"
    assert read(obj) == {"status", "metadata"}
    assert obj.metadata.creation_timestamp == eager().metadata.creation_timestamp


KNOWN = {"name", "namespace", "uid", "resource_version", "labels"}


def test_what_the_cache_knows_of_the_metadata_is_there_without_a_look_at_the_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    obj = lazy()
    monkeypatch.setattr(WireRecord, "raw", property(lambda _: pytest.fail("the bytes were looked at")))
    metadata = obj.metadata
    assert isinstance(metadata, client.V1ObjectMeta)
    assert (metadata.name, metadata.namespace, metadata.labels) == ("web-0", "default", {"app": "web"})
    assert (metadata.uid, metadata.resource_version) == (None, None)
    monkeypatch.undo()
    assert read(metadata) == KNOWN
    assert metadata == eager().metadata


@validated
def test_managed_fields_are_read_when_they_are_asked_for() -> None:
    metadata = lazy().metadata
    assert metadata.creation_timestamp == eager().metadata.creation_timestamp
    assert read(metadata) == set(client.V1ObjectMeta.model_fields) - {"managed_fields"}
    assert metadata.managed_fields == eager().metadata.managed_fields
    assert vars(metadata) == vars(eager().metadata)
    assert type(metadata) is client.V1ObjectMeta


def test_an_object_that_was_read_whole_is_of_its_class_and_keeps_what_was_read_before() -> None:
    obj = lazy()
    status = obj.status
    status.phase = "Changed"
    assert list(vars(obj)) == list(vars(eager()))
    assert type(obj) is client.V1Pod
    assert obj.status is status
    assert obj.status.phase == "Changed"


@validated
def test_texts_and_numbers_of_a_status_come_at_once_and_the_rest_when_it_is_asked_for() -> None:
    obj = lazy()
    status, spec = obj.status, obj.spec
    assert {"phase", "pod_ip", "message"} <= read(status) < set(client.V1PodStatus.model_fields)
    assert {"node_name", "priority", "host_network"} <= read(spec) < set(client.V1PodSpec.model_fields)
    assert (status.phase, spec.node_name) == (eager().status.phase, eager().spec.node_name)
    assert status.conditions == eager().status.conditions
    assert (type(status), obj.status) == (client.V1PodStatus, status)


ODD = st.sampled_from([None, 1, 1.5, True, "x", "", [], {}, [{}], {"status": {"phase": "forged"}}, [{"status": {}}]])
STATUS = st.dictionaries(
    st.sampled_from(["phase", "podIP", "pod_ip", "conditions", "status", "startTime", "observedGeneration", "future"]),
    ODD | st.text(max_size=4) | st.integers(-(10**20), 10**20),
    max_size=4,
)


@validated
@given(
    status=STATUS | ODD,
    behind=st.dictionaries(st.sampled_from(["zzz", "status"]), ODD, max_size=1),
    cut=st.integers(0, 9),
)
@example(status={"startTime": True, "pod_ip": "x"}, behind={}, cut=0)
def test_a_part_is_what_it_is_when_it_is_read_as_a_whole_whatever_it_holds(status: Any, behind: Any, cut: int) -> None:
    """An error comes with the first field beyond texts and numbers, if not before."""
    reader: Any = model_reader("V1Pod")

    def whole(source: OpenSource) -> Any:
        return reader.read_part("status", [source.raw], source)

    def outcome(make: Callable[[OpenSource], Any]) -> Any:
        try:
            made = make(OpenSource(raw, "default/web-0"))
            return vars(made) if isinstance(made, client.V1PodStatus) else made
        except DecodeError as error:
            return str(error)

    head = json.dumps({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}}, separators=(",", ":"))
    texts = [json.dumps({"status": each, **behind}, separators=(",", ":")) for each in (status, {"phase": "first"})]
    # Once, twice with the other first, and not whole.
    for text in (texts[0], f"{texts[1][:-1]},{texts[0][1:]}", texts[0][: len(texts[0]) - cut]):
        raw = f"{head[:-1]},{text[1:]}".encode()
        assert outcome(lambda source: samples.lazy(source.raw).status) == outcome(whole)


LOOKS: dict[str, Callable[[Any], Any]] = {
    "to_dict": lambda obj: obj.to_dict(),
    "to_str": lambda obj: obj.to_str(),
    "repr": repr,
    "str": str,
    "dir": dir,
    "keys of vars": lambda obj: list(vars(obj)),
    "sanitize": lambda obj: client.ApiClient().sanitize_for_serialization(obj),
    "sanitize in a list": lambda obj: client.ApiClient().sanitize_for_serialization([{"pod": obj}]),
    "nested": lambda obj: client.V1PodList(items=[obj]).to_dict(),
    "nested, sanitized": lambda obj: client.ApiClient().sanitize_for_serialization(client.V1PodList(items=[obj])),
    "field of another": lambda obj: client.V1PodTemplateSpec(metadata=obj.metadata, spec=obj.spec).to_dict(),
    "fields": lambda obj: {name: getattr(obj, name) for name in obj.openapi_types},
    "hasattr": lambda obj: (hasattr(obj, "spec"), hasattr(obj, "nothing"), hasattr(obj, "nodeName")),
}
VALIDATED_LOOKS: dict[str, Callable[[Any], Any]] = {
    "to_json": lambda obj: obj.to_json(),
    "model_dump": lambda obj: obj.model_dump(),
    "model_dump of some": lambda obj: obj.model_dump(include={"status"}, exclude_none=True),
    "model_dump_json": lambda obj: obj.model_dump_json(by_alias=True),
    "iteration": lambda obj: list(dict(obj)),
    "extra": lambda obj: obj.model_extra,
    "dump of a list of it": lambda obj: client.V1PodList(items=[obj]).model_dump_json(),
    "validated as a field": lambda obj: client.V1PodList.model_validate({"items": [obj]}).model_dump(),
    "validated": lambda obj: client.V1Pod.model_validate(obj).model_dump(),
}
if samples.SERIALIZES:
    LOOKS["to_dict as on the wire"] = lambda obj: obj.to_dict(serialize=True)
if samples.VALIDATED:
    LOOKS |= VALIDATED_LOOKS
FIRST: dict[str, Callable[[Any], object]] = {
    "nothing": lambda _: None,
    "the status": lambda obj: obj.status,
    "metadata, in part": lambda obj: obj.metadata.name,
    "metadata, in a larger part": lambda obj: obj.metadata.creation_timestamp,
    "metadata, as a whole": lambda obj: vars(obj.metadata),
    "everything": vars,
}


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_like_an_eager_one_whatever_was_read_first(look: str, first: str) -> None:
    obj = lazy()
    FIRST[first](obj)
    assert LOOKS[look](obj) == LOOKS[look](eager())


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda obj: pickle.loads(pickle.dumps(obj)),
    "pickle, first protocol": lambda obj: pickle.loads(pickle.dumps(obj, 2)),
}
if samples.VALIDATED:
    COPIES |= {
        "model_copy": lambda obj: obj.model_copy(),
        "model_copy, deep": lambda obj: obj.model_copy(deep=True),
        "model_copy with a change": lambda obj: obj.model_copy(update={"kind": "Pod"}),
    }


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("how", COPIES)
def test_copies_equal_the_original_and_are_of_its_class(how: str, first: str) -> None:
    obj = lazy()
    FIRST[first](obj)
    try:
        COPIES[how](eager())
    except TypeError as error:
        pytest.skip(f"this client's own models can't do that: {error}")
    twin = COPIES[how](obj)
    assert twin is not obj
    assert twin == eager()
    assert isinstance(twin, client.V1Pod)
    assert vars(twin).keys() == vars(eager()).keys()
    assert type(twin) is client.V1Pod


@pytest.mark.parametrize("first", FIRST)
def test_a_deep_copy_shares_nothing(first: str) -> None:
    obj = lazy()
    FIRST[first](obj)
    twin = copy.deepcopy(obj)
    twin.metadata.labels["app"] = "changed"
    twin.spec.containers[0].ports.clear()
    assert obj == eager()


def test_a_deep_copy_of_what_was_changed_has_the_change() -> None:
    obj = lazy()
    obj.metadata.labels["app"] = "changed"
    assert copy.deepcopy(obj).metadata.labels == {"app": "changed"}
    assert copy.deepcopy([obj, obj])[0].metadata.labels == {"app": "changed"}


@validated
def test_a_pickle_is_read_where_this_package_is_not() -> None:
    code = (
        "import pickle, sys; pod = pickle.load(sys.stdin.buffer); "
        "assert not [name for name in sys.modules if name.startswith('informers')]; "
        "print(type(pod).__module__, pod.metadata.name, pod.metadata.managed_fields[0].manager)"
    )
    obj = lazy()
    obj.metadata.name  # noqa: B018  metadata that is lazy still
    out = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(obj), capture_output=True, check=True)
    assert out.stdout.decode().split() == ["kubernetes.client.models.v1_pod", "web-0", "kubelet"]


def test_it_equals_an_eager_one_both_ways_and_differs_where_that_differs() -> None:
    assert lazy() == eager()
    assert eager() == lazy()
    assert lazy() == lazy()
    other = eager()
    other.status.phase = "Failed"
    assert lazy() != other
    assert other != lazy()
    assert lazy() != "a pod"


def test_it_can_be_hashed_no_more_than_an_eager_one() -> None:
    for obj in (lazy(), eager()):
        with pytest.raises(TypeError, match="unhashable"):
            hash(obj)


def test_weak_references_outlive_the_change_of_class() -> None:
    obj = lazy()
    ref = weakref.ref(obj)
    vars(obj)
    assert ref() is obj
    del obj
    assert ref() is None


@pytest.mark.parametrize("first", FIRST)
def test_what_is_set_stays_set(first: str) -> None:
    obj = lazy()
    FIRST[first](obj)
    obj.status = None
    assert obj.status is None
    assert obj.metadata.name == "web-0"
    assert obj.to_dict()["status"] is None
    assert type(obj) is client.V1Pod


@validated
def test_assignments_are_validated() -> None:
    for field, value in (("status", 5), ("nothing", 1)):
        with pytest.raises(ValueError, match=r"validation error|no field"):
            setattr(lazy(), field, value)
    obj = lazy()
    with pytest.raises(ValueError, match="valid string"):
        obj.metadata.name = 5
    obj.metadata.name = "other"
    assert obj.metadata.name == "other"
    assert obj.metadata.managed_fields == eager().metadata.managed_fields
    assert "status" in obj.model_fields_set


@validated
def test_what_is_deleted_stays_deleted() -> None:
    obj = lazy()
    del obj.status
    assert not hasattr(obj, "status")
    assert obj.kind == "Pod"


def test_a_missing_attribute_fails_as_the_models_does() -> None:
    messages: list[str] = []
    for obj in (lazy(), eager()):
        with pytest.raises(AttributeError) as caught:
            obj.nodeName  # noqa: B018
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_its_class_makes_plain_objects() -> None:
    cls: Any = type(lazy())
    made = cls(kind="Pod", metadata=client.V1ObjectMeta(name="made"))
    assert type(made) is client.V1Pod
    assert made.metadata.name == "made"
    if samples.VALIDATED:
        assert type(cls.model_construct(kind="Pod")) is client.V1Pod
        assert type(cls.model_validate({"kind": "Pod"})) is client.V1Pod
        assert type(cls.from_dict({"kind": "Pod"})) is client.V1Pod


def test_a_lazy_class_leaves_checks_against_its_model_alone() -> None:
    lazy()
    assert not isinstance(5, client.V1Pod)
    assert not issubclass(int, client.V1Pod)
    assert isinstance(eager(), client.V1Pod)


def test_nothing_that_is_done_to_an_object_reaches_another_of_the_same_bytes() -> None:
    raw = bytes(bytearray(RAW))
    first = samples.lazy(raw)
    first.metadata.labels["app"] = "changed"
    first.metadata.managed_fields.clear()
    first.spec.containers[0].ports[0].container_port = 1
    first.spec.containers.append(first.spec.containers[0])
    first.status.conditions.clear()
    first.status = None
    vars(first)["kind"] = "Nonsense"
    assert samples.lazy(raw) == eager()
    assert raw == RAW


def test_two_objects_of_the_same_bytes_share_no_list_or_mapping() -> None:
    def mutable(value: Any) -> Iterator[int]:
        if isinstance(value, (list, tuple)):
            for item in value:
                yield from mutable(item)
        elif isinstance(value, dict):
            for item in value.values():
                yield from mutable(item)
        if isinstance(value, (list, dict)):
            yield id(value)
        elif hasattr(value, "openapi_types"):
            yield id(value)
            for name in value.openapi_types:
                yield from mutable(getattr(value, name))

    one, other = lazy(), lazy()
    ids = set(mutable(one))
    assert len(ids) > 10
    assert not ids & set(mutable(other))


def test_the_fields_are_there_before_the_class_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or another thread would see a plain object without them: too briefly for a test of threads to notice."""
    change_class = lazily._set_class
    instance_dict = lazily._descriptor(client.V1Pod, "__dict__")
    seen: list[object] = []

    def watched(obj: object, cls: type) -> None:
        slot = getattr(obj, "__pydantic_fields_set__") if samples.VALIDATED else None  # noqa: B009  not mangled
        seen.append((list(instance_dict.__get__(obj)), cls, slot))
        change_class(obj, cls)

    monkeypatch.setattr(lazily, "_set_class", watched)
    obj = lazy()
    obj.status  # noqa: B018
    vars(obj)
    fields_set = set(POD_FIELDS) if samples.VALIDATED else None
    assert seen == [(list(vars(eager())), client.V1Pod, fields_set)]


def test_what_another_thread_read_meanwhile_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    obj = lazy()
    reader = lazily._lazy_classes[type(obj)][0]
    fields, wholes = reader.read, reader.whole
    winners: list[Any] = []

    def field(*source: Any) -> Any:
        value = fields(*source)
        monkeypatch.undo()
        winners.append(obj.status)
        return value

    def whole(*source: Any) -> Any:
        value = wholes(*source)
        monkeypatch.undo()
        winners.append(obj.status)
        return value

    monkeypatch.setattr(reader, "read", field)
    assert obj.status is winners[0]
    obj = lazy()
    monkeypatch.setattr(reader, "whole", whole)
    assert vars(obj)
    assert obj.status is winners[1]
    obj = lazy()
    monkeypatch.setattr(
        reader, "read", lambda *source: (monkeypatch.undo(), setattr(obj, "status", None), {"status": 5})[2]
    )
    assert obj.status is None, "what was set meanwhile wins too"


def test_first_reads_from_several_threads_never_see_it_empty_or_in_two_versions() -> None:
    expected = eager().to_dict()
    failures: list[object] = []
    barrier = threading.Barrier(4)
    shared: list[Any] = []

    def run(first: tuple[str, ...]) -> None:
        for round_ in range(40):
            if barrier.wait() == 0:
                shared.append(lazy())
            barrier.wait()
            obj = shared[round_]
            for name in first:
                value = getattr(obj, name) if name != "__dict__" else obj.__dict__ and obj.status
                if value is None or (name == "status" and value.phase != "Running"):
                    failures.append((name, value))
            if obj.to_dict() != expected or obj.status is not obj.status:
                failures.append(obj)
            kept.setdefault(round_, set()).add(id(obj.status))

    def guarded(first: tuple[str, ...]) -> None:
        try:
            run(first)
        except Exception as error:  # noqa: BLE001  it is the test's result; the other threads must not wait
            failures.append(error)
            barrier.abort()

    kept: dict[int, set[int]] = {}
    orders = [("status", "metadata"), ("metadata", "__dict__"), ("__dict__", "spec"), ("status", "__dict__")]
    threads = [threading.Thread(target=guarded, args=(order,)) for order in orders]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures
    assert {len(ids) for ids in kept.values()} == {1}


def test_a_field_set_while_another_thread_reads_it_first_stays_set() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            obj = lazy()
            reader = threading.Thread(target=getattr, args=(obj, "status"))
            reader.start()
            obj.status = None
            reader.join()
            assert obj.status is None
            assert obj.to_dict()["status"] is None
    finally:
        sys.setswitchinterval(interval)


def test_its_json_is_that_of_an_eager_one() -> None:
    for obj in (lazy(), eager()):
        with pytest.raises(TypeError, match="not JSON serializable"):
            json.dumps(obj)
    assert json.dumps(lazy().to_dict(), default=str) == json.dumps(eager().to_dict(), default=str)
