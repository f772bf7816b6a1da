"""Custom resources by their definitions.

Upstream: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Iterator

from informers.resources import ClusterResource, NamespacedResource
from informers.testing.catalog import Served
from informers.testing.documents import Json, mapping, sequence

__all__ = ["DEFINITIONS", "complete_definition", "defined"]

#: The resource that definitions are objects of.
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def complete_definition(obj: Json) -> None:
    """Set what the real server's controllers set on a new definition: names, and that it is served."""
    spec = obj.setdefault("spec", {})
    names = {**mapping(spec.get("names"))}
    kind = names.get("kind", "")
    names.setdefault("singular", kind.lower())
    names.setdefault("listKind", f"{kind}List")
    spec["names"] = names
    spec.setdefault("conversion", {"strategy": "None"})
    time = obj["metadata"]["creationTimestamp"]
    obj["status"] = {
        "conditions": [
            {
                "type": "NamesAccepted",
                "status": "True",
                "lastTransitionTime": time,
                "reason": "NoConflicts",
                "message": "no conflicts found",
            },
            {
                "type": "Established",
                "status": "True",
                "lastTransitionTime": time,
                "reason": "InitialNamesAccepted",
                "message": "the initial names have been accepted",
            },
        ],
        "acceptedNames": names,
        "storedVersions": [v["name"] for v in sequence(spec.get("versions")) if v.get("storage")],
    }


def defined(obj: Json) -> Iterator[tuple[Served, bool]]:
    """Iterate over the resources that a definition names, and whether each is served."""
    spec = obj["spec"]
    names = mapping(spec.get("names"))
    for version in sequence(spec.get("versions")):
        identity = spec["group"], version["name"], names["plural"], names["kind"]
        resource: NamespacedResource[Json] | ClusterResource[Json]
        resource = ClusterResource(*identity) if spec.get("scope") == "Cluster" else NamespacedResource(*identity)
        has_status = "status" in mapping(version.get("subresources"))
        yield Served.custom(resource, has_status=has_status, names=names), bool(version.get("served"))
