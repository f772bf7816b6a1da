"""Checks of every write, and what the server adds to a new object.

Upstream: k8s.io/apimachinery/pkg/util/validation and k8s.io/apiserver/pkg/registry/rest/create.go (v0.37).
"""

from __future__ import annotations

from typing import Any

from informers.testing._http import status as failures
from informers.testing._rules.defaults import initial_status
from informers.testing._rules.definitions import DEFINITIONS, complete_definition, definition_causes
from informers.testing._rules.kind_rules import kind_causes
from informers.testing._rules.object_metadata import metadata_causes
from informers.testing._store.documents import Json, go_type, mapping, sequence
from informers.testing._store.served_resources import Served

__all__ = ["checked", "complete", "mistyped", "of_another_kind", "validate"]

#: Metadata that are texts by name.
_TEXTS = ("labels", "annotations")


def checked(served: Served, namespace: str, obj: Json) -> Json:
    """Return a copy of an object that fits the request's kind and namespace.

    Raises:
        Failure: 400.
    """
    resource = served.resource
    if problem := of_another_kind(obj, resource.api_version, resource.kind):
        raise failures.bad_request(problem)
    metadata: Json = dict(mapping(obj.get("metadata")))
    given = metadata.get("namespace")
    if given and given != namespace and resource.is_namespaced:
        raise failures.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    problem = mistyped(served, obj)
    if problem:
        raise failures.bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {problem}'
        )
    for field in _TEXTS:
        if field in metadata:
            metadata[field] = {key: value or "" for key, value in mapping(metadata[field]).items()}
    if namespace:
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    return {"kind": resource.kind, "apiVersion": resource.api_version, **obj, "metadata": metadata}


def of_another_kind(obj: Json, api_version: str, kind: str) -> str:
    """Return what is wrong with the version or the kind that an object states; empty if nothing is."""
    said_version, said_kind = obj.get("apiVersion", api_version), obj.get("kind", kind)
    if said_version != api_version:
        return f"the API version in the data ({said_version}) does not match the expected API version ({api_version})"
    if said_kind != kind:
        version = api_version.rpartition("/")[2]
        return (
            f'{said_kind} in version "{version}" cannot be handled as a {kind}: '
            f'no kind "{said_kind}" is registered for this resource'
        )
    return ""


def mistyped(served: Served, obj: Json) -> str:
    """Return which field of the metadata has a wrong type, in Go's words; empty if none has."""
    metadata = mapping(obj.get("metadata"))
    where = "ObjectMeta" if served.is_custom else "ObjectMeta.metadata"
    for field, container, type_ in (
        *((field, dict, "map[string]string") for field in _TEXTS),
        ("finalizers", list, "[]string"),
    ):
        value: Any = metadata.get(field)
        if value is None:
            continue
        wrong, wanted = [value], type_
        if isinstance(value, container):
            items: list[Any] = list(mapping(value).values()) or sequence(value)
            wrong, wanted = [item for item in items if not (item is None or isinstance(item, str))], "string"
        if wrong:
            return f"json: cannot unmarshal {go_type(wrong[0])} into Go struct field {where}.{field} of type {wanted}"
    return ""


def validate(served: Served, obj: Json, *, is_inside: bool, old: Json | None = None) -> None:
    """Refuse an object that is not valid.

    Args:
        served: the resource.
        obj: the object.
        is_inside: the write comes from the test itself.
        old: what it is to replace; None for a new one.

    Raises:
        Failure: 422, 400.
    """
    causes = metadata_causes(served, obj, old)
    if not is_inside:
        causes += kind_causes(served, obj, old)
    if str(served.resource) == DEFINITIONS:
        causes += definition_causes(obj, old)
    if causes:
        resource, name = served.resource, obj["metadata"].get("name") or ""
        # To the real server events of both groups are of one kind.
        group = "" if resource.kind == "Event" and not served.is_custom else resource.group
        raise failures.invalid(group, resource.kind, name, causes)


def complete(served: Served, obj: Json) -> None:
    """Set the fields of a new object that the server sets and no manager owns."""
    match str(served.resource):
        case "namespaces":
            metadata = obj["metadata"]
            metadata["labels"] = {**mapping(metadata.get("labels")), "kubernetes.io/metadata.name": metadata["name"]}
        case "nodes":
            taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
            obj["spec"] = {"taints": [taint], **mapping(obj.get("spec"))}
        case _ if str(served.resource) == DEFINITIONS:
            complete_definition(obj)
            return
        case _:
            pass
    initial_status(served, obj)
