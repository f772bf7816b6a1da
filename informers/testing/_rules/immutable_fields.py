"""What an update must not change in built-in kinds.

Only what tests run into is here: the fields that a controller changes by mistake.

Upstream: k8s.io/kubernetes/pkg/apis/{core,apps,batch,rbac,storage}/validation/validation.go (v1.37).
"""

from __future__ import annotations

from typing import Any

from informers.testing._http import status as failures
from informers.testing._http.status import Cause
from informers.testing._store.documents import Json, at, is_same, mapping, sequence
from informers.testing._store.served_resources import Served

__all__ = ["check_unchanged"]

_FIELDS = {
    "daemonsets.apps": ("spec.selector",),
    "deployments.apps": ("spec.selector",),
    "jobs.batch": ("spec.selector", "spec.completions", "spec.completionMode", "spec.template"),
    "replicasets.apps": ("spec.selector",),
    "statefulsets.apps": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
    "clusterrolebindings.rbac.authorization.k8s.io": ("roleRef",),
    "rolebindings.rbac.authorization.k8s.io": ("roleRef",),
    "storageclasses.storage.k8s.io": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
}
#: While a Job is suspended, its template may change.
_UNLESS_SUSPENDED = "spec.template"
_POD_RULE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
#: What may change while a pod has scheduling gates.
_GATED = ("schedulingGates", "nodeSelector", "affinity")


def check_unchanged(served: Served, obj: Json, old: Json) -> None:
    """Refuse an update that changes what stays as it was created.

    Args:
        served: the resource.
        obj: the wanted object, with its defaults.
        old: the stored object.

    Raises:
        Failure: 422.
    """
    resource = str(served.resource)
    causes: list[Cause] = []
    for path in _FIELDS.get(resource, ()):
        value, was = at(obj, path), at(old, path)
        if not is_same(value, was) and not (path == _UNLESS_SUSPENDED and at(old, "spec.suspend")):
            causes.append(_immutable(path, value))
    spec, before = mapping(obj.get("spec")), mapping(old.get("spec"))
    match resource:
        case "configmaps" | "secrets":
            causes += _data_causes(obj, old)
        case "pods":
            causes += _pod_causes(spec, before)
        case "services":
            address, had = spec.get("clusterIP"), before.get("clusterIP")
            if had and address != had and "ExternalName" not in (spec.get("type"), before.get("type")):
                causes.append(Cause.invalid("spec.clusterIPs[0]", [address], "may not change once set"))
        case _:
            pass
    if causes:
        raise failures.invalid(served.resource.group, served.resource.kind, obj["metadata"]["name"], causes)


def _immutable(path: str, value: Any) -> Cause:
    return Cause.invalid(path, value, "field is immutable")


def _data_causes(obj: Json, old: Json) -> list[Cause]:
    causes: list[Cause] = []
    if "type" in old and obj.get("type", old["type"]) != old["type"]:
        causes.append(_immutable("type", obj["type"]))
    if old.get("immutable"):
        why = "field is immutable when `immutable` is set"
        if not obj.get("immutable"):
            causes.append(Cause.forbidden("immutable", why))
        changed = (field for field in ("data", "binaryData") if (obj.get(field) or {}) != (old.get(field) or {}))
        causes.extend(Cause.forbidden(field, why) for field in changed)
    return causes


def _pod_causes(spec: Json, old: Json) -> list[Cause]:
    for field in ("containers", "initContainers"):
        if len(sequence(spec.get(field))) != len(sequence(old.get(field))):
            return [Cause.forbidden(f"spec.{field}", "pod updates may not add or remove containers")]
    free = _GATED if old.get("schedulingGates") else ()
    if is_same(_fixed(spec, free), _fixed(old, free)):
        return []
    return [Cause.forbidden("spec", _POD_RULE)]


def _fixed(spec: Json, free: tuple[str, ...]) -> Json:
    """Return a pod's spec without what may change."""
    kept = {
        field: value for field, value in spec.items() if field not in {"activeDeadlineSeconds", "tolerations", *free}
    }
    for field in ("containers", "initContainers"):
        kept[field] = [{**mapping(container), "image": ""} for container in sequence(spec.get(field))]
    return kept
