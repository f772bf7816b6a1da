"""What an update must not change in built-in kinds.

Only fields that controllers change by mistake are here.

Upstream: k8s.io/kubernetes/pkg/apis/{core,apps,batch,rbac,storage}/validation/validation.go (v1.37).
"""

from __future__ import annotations

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
    "secrets": ("type",),
    "statefulsets.apps": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
    "clusterrolebindings.rbac.authorization.k8s.io": ("roleRef",),
    "rolebindings.rbac.authorization.k8s.io": ("roleRef",),
    "storageclasses.storage.k8s.io": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
}
_POD_RULE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
#: What may change while a pod has scheduling gates.
_GATED = ("schedulingGates", "nodeSelector", "affinity")


def check_unchanged(served: Served, obj: Json, old: Json) -> None:
    """Refuse an update that changes an immutable field.

    Args:
        served: the resource.
        obj: the wanted object, with its defaults.
        old: the stored object.

    Raises:
        Failure: 422.
    """
    resource = str(served.resource)
    # While a Job is suspended, its template may change.
    free = "spec.template" if at(old, "spec.suspend") else ""
    causes = [
        Cause.invalid(path, at(obj, path), "field is immutable")
        for path in _FIELDS.get(resource, ())
        if path != free and not is_same(at(obj, path), at(old, path))
    ]
    match resource:
        case "configmaps" | "secrets" if old.get("immutable"):
            changed = [field for field in ("data", "binaryData") if (obj.get(field) or {}) != (old.get(field) or {})]
            fields = changed if obj.get("immutable") else ["immutable", *changed]
            causes += [Cause.forbidden(field, "field is immutable when `immutable` is set") for field in fields]
        case "pods":
            causes += _pod_causes(mapping(obj.get("spec")), mapping(old.get("spec")))
        case "services":
            address, had = at(obj, "spec.clusterIP"), at(old, "spec.clusterIP")
            if had and address != had and "ExternalName" not in (at(obj, "spec.type"), at(old, "spec.type")):
                causes.append(Cause.invalid("spec.clusterIPs[0]", [address], "may not change once set"))
        case _:
            pass
    if causes:
        raise failures.invalid(served.resource.group, served.resource.kind, obj["metadata"]["name"], causes)


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
