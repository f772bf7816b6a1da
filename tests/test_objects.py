"""Names of objects, and tombstones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import V1ConfigMap, V1Node, V1ObjectMeta, V1Pod, V1PodStatus

from informers import (
    ConfigurationError,
    DeletedFinalStateUnknown,
    ObjectName,
    annotations_of,
    labels_of,
    metadata_of,
    object_key,
    object_name,
    spec_of,
    status_of,
)


@pytest.mark.upstream("tools/cache/object-names_test.go", "TestObjectNames")
@pytest.mark.parametrize(
    ("namespace", "name", "key"), [("a", "b", "a/b"), ("", "b", "b"), ("kube-system", "x.y:z", "kube-system/x.y:z")]
)
def test_a_name_and_its_key_say_the_same(namespace: str, name: str, key: str) -> None:
    assert str(ObjectName(namespace, name)) == key
    assert ObjectName.parse(key) == ObjectName(namespace, name)


@pytest.mark.parametrize("key", ["a/b/c", "", "shop/", None, 3, b"shop/web-0", ["web-0"]])
def test_what_is_not_a_key_is_refused(key: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"unexpected key format: .*; it should be 'namespace/name' or 'name'"):
        ObjectName.parse(key)


@pytest.mark.parametrize(
    "obj",
    [
        V1Pod(metadata=V1ObjectMeta(namespace="default", name="web-0")),
        {"metadata": {"namespace": "default", "name": "web-0"}},
        SimpleNamespace(metadata=SimpleNamespace(namespace="default", name="web-0")),
        SimpleNamespace(metadata={"namespace": "default", "name": "web-0"}),
        ObjectName("default", "web-0"),
    ],
    ids=["model", "mapping", "attributes", "both", "name"],
)
def test_the_name_of_whatever_has_metadata_is_found(obj: object) -> None:
    assert object_name(obj) == ObjectName("default", "web-0")
    assert object_key(obj) == "default/web-0"


def test_an_object_of_the_cluster_has_no_namespace() -> None:
    assert object_key(V1Node(metadata=V1ObjectMeta(name="node-1"))) == "node-1"


@pytest.mark.parametrize("obj", [None, 7, "default/web-0", {}, {"metadata": {}}, V1Pod(), {"metadata": {"name": 3}}])
def test_an_object_without_a_name_is_refused_at_the_call(obj: object) -> None:
    with pytest.raises(ConfigurationError, match="object has no name: expected metadata with a name"):
        object_name(obj)


def test_the_error_for_a_key_in_the_place_of_an_object_says_what_takes_it() -> None:
    with pytest.raises(ConfigurationError, match=r"got str; a key is for ObjectName\.parse$"):
        object_name("default/web-0")


@pytest.mark.upstream("tools/cache/controller_test.go", "TestDeletionHandlingObjectToName", "TestDeletedObjectGetKey")
@pytest.mark.upstream("tools/cache/controller_test.go", "TestDeletedObjectGetObjectName")
@pytest.mark.parametrize("obj", [None, {"metadata": {"namespace": "default", "name": "web-0"}}, {"metadata": {}}])
def test_a_tombstone_is_named_by_its_key_whatever_it_holds(obj: object) -> None:
    tombstone = DeletedFinalStateUnknown("default/web-0", obj)

    assert object_name(tombstone) == ObjectName("default", "web-0") == tombstone.name
    assert object_key(tombstone) == tombstone.key


@pytest.mark.parametrize(("namespace", "name"), [(None, "web-0"), ("default", None), (1, "web-0"), ("a", b"b")])
def test_a_name_of_what_is_not_text_is_refused(namespace: Any, name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"namespace and name are texts, .*: got"):
        ObjectName(namespace, name)


def test_names_are_ordered_and_can_be_keys() -> None:
    assert sorted([ObjectName("b", "a"), ObjectName("a", "b"), ObjectName("a", "a")]) == [
        ObjectName("a", "a"),
        ObjectName("a", "b"),
        ObjectName("b", "a"),
    ]
    assert {ObjectName("a", "b"): 1}[ObjectName("a", "b")] == 1


def test_the_parts_of_an_object_come_from_a_model_and_from_a_mapping() -> None:
    pod = V1Pod(metadata=V1ObjectMeta(name="web-0", labels={"app": "web"}), status=V1PodStatus(phase="Running"))
    assert metadata_of(pod).name == "web-0"
    assert status_of(pod).phase == "Running"
    assert labels_of(pod) == {"app": "web"}
    mapping = {"metadata": {"name": "web-0", "annotations": {"a": "b"}}, "spec": {"replicas": 2}}
    assert spec_of(mapping)["replicas"] == 2
    assert annotations_of(mapping) == {"a": "b"}


def test_an_object_without_labels_or_metadata_has_no_labels() -> None:
    assert labels_of(V1Pod(metadata=V1ObjectMeta(name="a"))) == {}
    assert labels_of({}) == annotations_of(V1Pod()) == {}


def test_a_part_that_is_missing_is_named_with_its_object() -> None:
    with pytest.raises(AttributeError, match=r"settings \(a V1ConfigMap\) has no status"):
        status_of(V1ConfigMap(metadata=V1ObjectMeta(name="settings")))  # type: ignore[call-overload]
    with pytest.raises(AttributeError, match=r"an object \(a V1Pod\) has no metadata"):
        metadata_of(V1Pod())
