"""Parts of objects that models declare as optional come with their types. Checked, never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubernetes.client import V1ConfigMap, V1Node, V1ObjectMeta, V1Pod, V1PodSpec, V1PodStatus
from typing_extensions import assert_type

from informers import annotations_of, labels_of, metadata_of, spec_of, status_of


def parts_of_a_model(pod: V1Pod, node: V1Node, config_map: V1ConfigMap) -> None:
    assert_type(metadata_of(pod), V1ObjectMeta)
    assert_type(metadata_of(config_map), V1ObjectMeta)
    assert_type(spec_of(pod), V1PodSpec)
    assert_type(status_of(pod), V1PodStatus)
    assert_type(labels_of(node), Mapping[str, str])
    assert_type(annotations_of(pod), Mapping[str, str])


def parts_of_a_mapping(obj: dict[str, Any]) -> None:
    assert_type(metadata_of(obj), Mapping[str, Any])
    assert_type(status_of(obj), Mapping[str, Any])
