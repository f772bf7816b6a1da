"""Custom resources by their definitions.

Upstream: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from informers.resources import ClusterResource, NamespacedResource
from informers.testing._http.status import Cause
from informers.testing._rules.object_metadata import SUBDOMAIN, SUBDOMAIN_RULE
from informers.testing._store.documents import Json, mapping, sequence
from informers.testing._store.served_resources import Served
from informers.testing._store.subresources import ScalePaths

__all__ = ["DEFINITIONS", "complete_definition", "defined", "definition_causes"]

#: The resource that definitions are objects of.
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"

_PLURAL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_PLURAL_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def definition_causes(obj: Json, old: Json | None) -> list[Cause]:
    """Return what is wrong with a definition, as far as its resources could not be served.

    Args:
        obj: the definition.
        old: what it is to replace; None for a new one.
    """
    spec = mapping(obj.get("spec"))
    names = mapping(spec.get("names"))
    group, scope, plural, kind = spec.get("group"), spec.get("scope"), names.get("plural"), names.get("kind")
    causes: list[Cause] = []
    name = obj["metadata"].get("name", "")
    if name != f"{plural}.{group}":
        causes.append(Cause.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    if not group:
        causes.append(Cause.required("spec.group"))
    elif not _fits(SUBDOMAIN, group):
        causes.append(Cause.invalid("spec.group", group, SUBDOMAIN_RULE))
    if not scope:
        causes.append(Cause.required("spec.scope"))
    elif scope not in {"Cluster", "Namespaced"}:
        causes.append(Cause.not_supported("spec.scope", str(scope), ["Cluster", "Namespaced"]))
    elif old is not None and mapping(old.get("spec")).get("scope") != scope:
        causes.append(Cause.invalid("spec.scope", scope, "field is immutable"))
    versions = [mapping(version) for version in sequence(spec.get("versions"))]
    if sum(bool(version.get("storage")) for version in versions) != 1:
        # What the real server shows as the value is its own notation.
        why = "must have exactly one version marked as storage version"
        causes.append(Cause("FieldValueInvalid", "spec.versions", f"Invalid value: null: {why}"))
    causes.extend(
        Cause.invalid(f"spec.versions[{index}].name", version.get("name", ""), _PLURAL_RULE)
        for index, version in enumerate(versions)
        if not _fits(_PLURAL, version.get("name"))
    )
    if not plural:
        causes.append(Cause.required("spec.names.plural"))
    elif not _fits(_PLURAL, plural):
        causes.append(Cause.invalid("spec.names.plural", plural, _PLURAL_RULE))
    if not isinstance(kind, str) or not kind:
        causes += [Cause.required(f"spec.names.{field}") for field in ("singular", "kind", "listKind")]
    return causes


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


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
    conditions = (
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    )
    obj["status"] = {
        "conditions": [
            {"type": type_, "status": "True", "lastTransitionTime": time, "reason": reason, "message": message}
            for type_, reason, message in conditions
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
        parts = mapping(version.get("subresources"))
        scale = None
        if "scale" in parts:
            where = mapping(parts["scale"])
            named = (where.get(f"{field}Path", "") for field in ("specReplicas", "statusReplicas", "labelSelector"))
            scale = ScalePaths(*(path.strip(".") for path in named))
        custom = Served.custom(
            resource,
            has_status="status" in parts,
            names=names,
            scale=scale,
            fields=[each["jsonPath"].lstrip(".") for each in sequence(version.get("selectableFields"))],
            schema=mapping(mapping(version.get("schema")).get("openAPIV3Schema")),
        )
        yield custom, bool(version.get("served"))
