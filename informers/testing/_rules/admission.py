"""What an object must be to be let in, and what it gets that it did not bring.

Only what tests run into is checked: kind, metadata, definitions, and the containers of a pod.

Upstream: k8s.io/apimachinery/pkg/util/validation and k8s.io/apiserver/pkg/registry/rest/create.go (v0.37).
"""

from __future__ import annotations

import re
from typing import Any

from informers.testing._http import status as failures
from informers.testing._http.status import Cause
from informers.testing._rules.defaults import initial_status
from informers.testing._rules.definitions import DEFINITIONS, complete_definition, definition_causes
from informers.testing._rules.object_metadata import SUBDOMAIN, SUBDOMAIN_RULE, metadata_causes
from informers.testing._rules.pod_templates import template_causes
from informers.testing._store.documents import Json, go_type, mapping, quote, sequence
from informers.testing._store.served_resources import Served

__all__ = ["checked", "complete", "mistyped", "of_another_kind", "validate"]

#: Metadata that are texts by name.
_TEXTS = ("labels", "annotations")

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_LONGEST_KEY = 253
_TOO_LONG_KEY = f"must be no more than {_LONGEST_KEY} bytes"
#: Bytes of what a ConfigMap or a Secret holds.
_LARGEST_DATA = 1024 * 1024
#: Groups whose objects may have nearly any name.
_FREE_NAMES = frozenset({"rbac.authorization.k8s.io"})


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
    """Return in the words of Go's reader of JSON which of the metadata are of another type; empty if none is."""
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
    """Let an object pass.

    Args:
        served: the resource.
        obj: the object.
        is_inside: the write comes from the test itself.
        old: what it is to replace; None for a new one.

    Raises:
        Failure: 422.
    """
    resource, name = served.resource, obj["metadata"].get("name") or ""
    causes: list[Cause] = []
    if not name:
        causes.append(Cause.required("metadata.name", "name or generateName is required"))
    elif resource.group in _FREE_NAMES:
        if name in {".", ".."} or "/" in name or "%" in name:
            causes.append(Cause.invalid("metadata.name", name, "may not contain '/' or '%'"))
    else:
        is_label = str(resource) in {"namespaces", "services"}
        rule, pattern, longest = (_LABEL_RULE, _LABEL, 63) if is_label else (SUBDOMAIN_RULE, SUBDOMAIN, 253)
        if len(name) > longest:
            causes.append(
                Cause(
                    "FieldValueInvalid",
                    "metadata.name",
                    f'Invalid value: "{name}": must be no more than {longest} characters',
                )
            )
        if not pattern.fullmatch(name):
            causes.append(Cause.invalid("metadata.name", name, rule))
    causes += metadata_causes(served, obj, old)
    if not is_inside:
        causes += template_causes(str(resource), obj, old)
    if str(resource) == DEFINITIONS:
        causes += definition_causes(obj, old)
    if str(resource) == "secrets" and not is_inside and (problem := _undecodable(obj)):
        raise failures.bad_request(f'Secret in version "v1" cannot be handled as a Secret: {problem}')
    if str(resource) in {"configmaps", "secrets"} and not is_inside:
        causes += _data_causes(obj)
    if old is not None and mapping(old.get("metadata")).get("deletionTimestamp"):
        late = sorted(set(_finalizers(obj)) - set(_finalizers(old)))
        if late:
            found = f"[]string{{{', '.join(map(quote, late))}}}"
            why = f"no new finalizers can be added if the object is being deleted, found new finalizers {found}"
            causes.append(Cause.forbidden("metadata.finalizers", why))
    if causes:
        raise failures.invalid(resource.group, resource.kind, name, causes)


def _undecodable(obj: Json) -> str:
    """Return in Go's words why a Secret's data are not base64; empty if they are."""
    for value in mapping(obj.get("data")).values():
        text = str(value or "").replace("\n", "").replace("\r", "")
        valid = _BASE64.match(text)
        end = valid.end() if valid else 0
        if end < len(text) or end % 4:
            return f"illegal base64 data at input byte {end}"
    return ""


def _data_causes(obj: Json) -> list[Cause]:
    """Return what is wrong with the data of a ConfigMap or a Secret."""
    causes: list[Cause] = []
    size = 0
    for field in ("data", "binaryData"):
        for key, value in sorted(mapping(obj.get(field)).items()):
            size += len(value.encode()) if field == "data" and obj["kind"] == "ConfigMap" else len(value) * 3 // 4
            where = f"{field}[{key}]"
            if len(key) > _LONGEST_KEY:
                causes.append(Cause("FieldValueInvalid", where, f"Invalid value: {quote(key)}: {_TOO_LONG_KEY}"))
            if not _KEY.fullmatch(key):
                causes.append(Cause.invalid(where, key, _KEY_RULE))
            elif key in {".", ".."}:
                causes.append(Cause.invalid(where, key, f"must not be '{key}'"))
    if size > _LARGEST_DATA:
        where = "[]" if obj["kind"] == "ConfigMap" else "data"
        causes.append(Cause("FieldValueTooLong", where, f"Too long: may not be more than {_LARGEST_DATA} bytes"))
    return causes


def _finalizers(obj: Json) -> list[str]:
    return sequence(mapping(obj.get("metadata")).get("finalizers"))


def complete(served: Served, obj: Json) -> None:
    """Set what a new object gets from the server that nobody owns."""
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
