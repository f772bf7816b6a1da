"""What must hold before an object is written or deleted: its name, its namespace, its version.

Upstream: k8s.io/apiserver/pkg/registry/rest and each kind's strategy (v0.37).
"""

from __future__ import annotations

from informers.kinds import core
from informers.testing._http import status as failures
from informers.testing._http.status import Cause
from informers.testing._rules.deletions import DeleteOptions
from informers.testing._store.documents import Json, decode, mapping, quote
from informers.testing._store.served_resources import Served
from informers.testing._store.versioned_storage import Storage

__all__ = ["check_deletion", "check_name", "check_namespace", "check_preconditions"]

_PROTECTED = frozenset({"default", "kube-system", "kube-public"})


def check_name(obj: Json, name: str) -> None:
    """Refuse an object that does not state the URL's name."""
    said = mapping(obj.get("metadata")).get("name")
    if not said:
        raise failures.unnamed(name)
    if said != name:
        raise failures.misnamed(name, wanted=said)


def check_namespace(served: Served, namespace: str, name: str, storage: Storage) -> None:
    """Refuse an object of a namespace that is missing, or is being deleted; under the storage's lock."""
    if not namespace:
        return
    found = storage.get("namespaces", namespace)
    if found is not None and decode(found.metadata).get("deletionTimestamp"):
        raise failures.terminating(served.resource, namespace, name)
    if found is None:
        raise failures.not_found(core.V1.namespaces, namespace)


def check_preconditions(
    served: Served, name: str, old: Json, obj: Json, *, is_inside: bool, is_patch: bool = False
) -> None:
    """Refuse an object that states another version or uid than the stored one has."""
    version, uid = obj["metadata"].get("resourceVersion"), obj["metadata"].get("uid")
    if uid and uid != old["metadata"]["uid"] and not is_patch:
        namespace = old["metadata"].get("namespace", "")
        raise failures.other_uid(served.resource, namespace, name, wanted=uid, have=old["metadata"]["uid"])
    if version and not (version.isascii() and version.isdigit()):
        why = f"strconv.ParseUint: parsing {quote(version)}: invalid syntax"
        raise failures.Failure(why, code=500, reason="")
    if version == "0":
        version = ""
    if version and version != old["metadata"]["resourceVersion"]:
        raise failures.conflict(served.resource, name)
    if not version and served.needs_version and not is_inside:
        cause = Cause.invalid("metadata.resourceVersion", 0, "must be specified for an update")
        raise failures.invalid(served.resource.group, served.resource.plural, name, [cause])


def check_deletion(served: Served, obj: Json, options: DeleteOptions) -> None:
    """Refuse to delete an object of another version or uid than the request states, and what every cluster has."""
    resource, metadata = served.resource, obj["metadata"]
    name, uid, version = metadata["name"], metadata["uid"], metadata["resourceVersion"]
    for field, wanted, have in (("UID", options.uid, uid), ("ResourceVersion", options.version, version)):
        if wanted and wanted != have:
            raise failures.delete_conflict(resource, name, field, wanted=wanted, have=have)
    if str(resource) == "namespaces" and name in _PROTECTED and not options.is_inside:
        raise failures.protected(resource, name)
