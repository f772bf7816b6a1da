"""Twenty custom resources that clusters have: what `public_definitions.yaml` says, as definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import yaml

from tests.widgets import definition

Json = dict[str, Any]

__all__ = ["PUBLIC", "Public"]

DATA: Json = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


def schema(short: Any) -> Json:
    """Return a schema as JSON has it; the head of the data says how the short form is read."""
    if isinstance(short, str):
        return schema(DATA["shapes"][short]) if short in DATA["shapes"] else {"type": short}
    if isinstance(short, list):
        return {"type": "array", "items": schema(short[0])}
    properties = {name.rstrip("!"): schema(value) for name, value in short.items() if not name.startswith(".")}
    required = [name[:-1] for name in short if name.endswith("!")]
    rules = {name[1:]: value for name, value in short.items() if name.startswith(".")}
    made: Json = {"type": "object", "properties": properties} if properties else {}
    if required:
        made["required"] = required
    if "enum" in rules:
        made["type"] = "string"
    if "map" in rules:
        made = {"type": "object", "additionalProperties": schema(rules.pop("map"))}
    if "is" in rules:
        made |= schema(rules.pop("is"))
    return made | rules


@attrs.frozen(kw_only=True)
class Public:
    """A definition, and objects of it.

    Attributes:
        group: of the API.
        versions: served ones, the stored one first.
        kind: of the objects.
        plural: in paths.
        spec: schema, in the short form.
        status: likewise; None where status is no subresource.
        good: specs that are taken.
        bad: a spec that is refused.
        is_cluster: without namespaces.
        scale: the subresource.
        required: of the object itself.
    """

    group: str
    versions: list[str]
    kind: str
    plural: str
    spec: Any
    good: list[Json]
    bad: Any
    status: Any = "status"
    is_cluster: bool = False
    scale: Json | None = None
    required: list[str] = attrs.field(factory=lambda: ["spec"])

    @property
    def api_version(self) -> str:
        """Of the stored version."""
        return f"{self.group}/{self.versions[0]}"

    def path(self, namespace: str, version: str = "") -> str:
        """Return where the objects are."""
        root = f"/apis/{self.group}/{version or self.versions[0]}"
        return f"{root}/{self.plural}" if self.is_cluster else f"{root}/namespaces/{namespace}/{self.plural}"

    def definition(self) -> Json:
        """Return the CustomResourceDefinition."""
        top = {"apiVersion": "string", "kind": "string", "metadata": "object", "spec": self.spec}
        subresources: Json = {}
        if self.status is not None:
            top["status"] = self.status
            subresources["status"] = {}
        if self.scale is not None:
            subresources["scale"] = self.scale
        whole = schema({name + "!" * (name in self.required): value for name, value in top.items()})
        versions = [
            {"name": name, "schema": {"openAPIV3Schema": whole}, "subresources": subresources} for name in self.versions
        ]
        scope = "Cluster" if self.is_cluster else "Namespaced"
        made = definition(self.kind, *versions, group=self.group, plural=self.plural, scope=scope)
        if ".k8s.io" in self.group:
            made["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://example.com"}
        return made


PUBLIC = tuple(Public(**each) for each in DATA["definitions"])
