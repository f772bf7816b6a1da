"""A custom resource for tests: its definition, its objects, and the classes that users may have for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import attrs

from informers import NamespacedResource
from informers.kinds import GroupVersion, namespaced

__all__ = ["V1", "WIDGETS", "DataWidget", "Metadata", "Widget", "definition", "widget", "with_spec"]

GROUP = "example.com"
WIDGETS: NamespacedResource[dict[str, Any]] = NamespacedResource(GROUP, "v1", "widgets", "Widget")


def definition(
    kind: str = "Widget", *versions: Mapping[str, Any], group: str = GROUP, plural: str = "", scope: str = "Namespaced"
) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind: of one version, or of those that `versions` say more about."""
    singular = kind.lower()
    plural = plural or f"{singular}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"plural": plural, "singular": singular, "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": f"v{number}",
                    "served": True,
                    "storage": number == 1,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    "subresources": {"status": {}},
                    **version,
                }
                for number, version in enumerate(versions or [{}], 1)
            ],
        },
    }


def with_spec(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a version of a definition says about the spec of its objects."""
    return {"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", **schema}}}}}


def widget(name: str, **spec: Any) -> dict[str, Any]:
    """Return a widget in `default`."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


@attrs.frozen
class Metadata:
    name: str
    namespace: str
    resource_version: str

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Metadata:
        metadata = obj["metadata"]
        return cls(metadata["name"], metadata["namespace"], metadata["resourceVersion"])


@attrs.frozen
class Widget:
    metadata: Metadata
    size: int

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any]) -> Widget:
        return cls(Metadata.of(obj), int(obj["spec"]["size"]))


@dataclasses.dataclass(frozen=True)
class DataWidget:
    metadata: Metadata
    size: int


class V1(GroupVersion, group=GROUP, version="v1"):
    """What a user writes: one line a kind."""

    widgets: namespaced[Widget] = namespaced("Widget", decode=Widget.from_dict)
