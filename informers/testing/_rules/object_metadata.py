"""What the metadata of an object must be: its name, labels, annotations, owners and finalizers.

Upstream: k8s.io/apimachinery/pkg/util/validation and pkg/api/validation/objectmeta.go (v0.37).
"""

from __future__ import annotations

import re
from typing import Any

from informers.resources import Resource
from informers.testing._http.status import Cause
from informers.testing._store.documents import Json, mapping, quote, sequence
from informers.testing._store.served_resources import Served

__all__ = ["SUBDOMAIN", "SUBDOMAIN_RULE", "metadata_causes"]

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
#: Groups whose objects may have nearly any name.
_FREE_NAMES = frozenset({"rbac.authorization.k8s.io"})
_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PART_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LONGEST_PART, _LONGEST_PREFIX = 63, 253
#: Bytes of all annotations of an object.
_LARGEST_ANNOTATIONS = 256 * 1024
#: What an update must not change, if it states it.
_UNCHANGED = ("uid", "deletionTimestamp", "deletionGracePeriodSeconds")
_EVENTS = frozenset({"v1", "events.k8s.io/v1"})
#: Finalizers whose names are no domain's.
_STANDARD = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_EXCLUSIVE = ("orphan", "foregroundDeletion")
#: Groups whose built-in kinds take any finalizer that a custom resource may have.
_LENIENT_GROUPS = frozenset({"coordination.k8s.io"})


def name_causes(resource: Resource[Any], name: str) -> list[Cause]:
    """Return what is wrong with an object's name."""
    field = "metadata.name"
    if not name:
        return [Cause.required(field, "name or generateName is required")]
    if resource.group in _FREE_NAMES:
        is_wrong = name in {".", ".."} or "/" in name or "%" in name
        return [Cause.invalid(field, name, "may not contain '/' or '%'")] if is_wrong else []
    is_label = str(resource) in {"namespaces", "services"}
    rule, pattern, longest = (_LABEL_RULE, _LABEL, 63) if is_label else (SUBDOMAIN_RULE, SUBDOMAIN, 253)
    causes = [Cause.invalid(field, name, f"must be no more than {longest} characters")] if len(name) > longest else []
    return causes if pattern.fullmatch(name) else [*causes, Cause.invalid(field, name, rule)]


def metadata_causes(served: Served, obj: Json, old: Json | None) -> list[Cause]:
    """Return what is wrong with an object's metadata, which are of the right types.

    Args:
        served: the resource.
        obj: the object.
        old: what it is to replace; None for a new one.
    """
    metadata, was = obj["metadata"], mapping(mapping(old).get("metadata"))
    causes = name_causes(served.resource, metadata.get("name") or "")
    for key, value in sorted(mapping(metadata.get("labels")).items()):
        causes += [Cause.invalid("metadata.labels", key, why) for why in _wrong_name(key)]
        causes += [Cause.invalid("metadata.labels", value, why) for why in _wrong_value(value)]
    annotations = mapping(metadata.get("annotations"))
    for key in sorted(annotations):
        causes += [Cause.invalid("metadata.annotations", key, why) for why in _wrong_name(key.lower())]
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _LARGEST_ANNOTATIONS:
        causes.append(Cause.too_long("metadata.annotations", _LARGEST_ANNOTATIONS))
    causes += _owner_causes(sequence(metadata.get("ownerReferences")))
    causes += _finalizer_causes(served, sequence(metadata.get("finalizers")))
    if old is not None:
        changed = (field for field in _UNCHANGED if metadata.get(field) != was.get(field))
        causes += [Cause.invalid(f"metadata.{field}", metadata[field], "field is immutable") for field in changed]
    late = sorted({*sequence(metadata.get("finalizers"))} - {*sequence(was.get("finalizers"))})
    if late and was.get("deletionTimestamp"):
        found = f"[]string{{{', '.join(map(quote, late))}}}"
        why = f"no new finalizers can be added if the object is being deleted, found new finalizers {found}"
        causes.append(Cause.forbidden("metadata.finalizers", why))
    return causes


def _owner_causes(owners: list[Json]) -> list[Cause]:
    field = "metadata.ownerReferences"
    causes: list[Cause] = []
    for index, owner in enumerate(owners):
        causes += [
            Cause.required(f"{field}[{index}].{each}", "must not be empty")
            for each in ("apiVersion", "kind", "name", "uid")
            if not owner.get(each)
        ]
        if owner.get("kind") == "Event" and owner.get("apiVersion") in _EVENTS:
            group, _, version = str(owner["apiVersion"]).rpartition("/")
            why = f"{group}/{version}, Kind=Event is disallowed from being an owner"
            causes.append(Cause.invalid(f"{field}[{index}]", owner, why))
    in_control = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller")]
    if len(in_control) > 1:
        why = (
            'Only one reference can have Controller set to true. Found "true" in references for '
            f"{in_control[0]} and {in_control[1]}"
        )
        causes.append(Cause.invalid(field, owners, why))
    return causes


def _finalizer_causes(served: Served, finalizers: list[str]) -> list[Cause]:
    field = "metadata.finalizers"
    causes = [Cause.invalid(field, name, why) for name in finalizers for why in _wrong_name(name)]
    if all(name in finalizers for name in _EXCLUSIVE):
        why = "finalizer orphan and foregroundDeletion cannot be both set"
        causes.append(Cause.invalid(field, finalizers, why))
    if served.is_custom or served.resource.group in _LENIENT_GROUPS:
        return causes
    why = "name is neither a standard finalizer name nor is it fully qualified"
    return causes + [
        Cause.invalid(f"{field}[{index}]", name, why)
        for index, name in enumerate(finalizers)
        if "/" not in name and name not in _STANDARD
    ]


def _wrong_name(text: str) -> list[str]:
    """Return what is wrong with a qualified name, for example `example.com/role`."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        rule = f"a valid label key {_PART_RULE}"
        return [f"{rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    found: list[str] = []
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif len(prefix.encode()) > _LONGEST_PREFIX:
        found.append(f"prefix part must be no more than {_LONGEST_PREFIX} bytes")
    elif prefix and not SUBDOMAIN.fullmatch(prefix):
        found.append(f"prefix part {SUBDOMAIN_RULE}")
    if not name:
        found.append("name part must be non-empty")
    elif len(name.encode()) > _LONGEST_PART:
        found.append(f"name part must be no more than {_LONGEST_PART} bytes")
    if not _PART.fullmatch(name):
        found.append(f"name part {_PART_RULE}")
    return found


def _wrong_value(text: str) -> list[str]:
    """Return what is wrong with a label's value."""
    found = [f"must be no more than {_LONGEST_PART} bytes"] if len(text.encode()) > _LONGEST_PART else []
    if text and not _PART.fullmatch(text):
        found.append(_VALUE_RULE)
    return found
