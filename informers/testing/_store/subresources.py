"""The subresources that are served beside a status, as discovery lists them.

Upstream: k8s.io/kubernetes/pkg/registry/core/rest/storage_core.go and its neighbours (v1.37).
"""

from __future__ import annotations

import attrs

__all__ = ["BUILTIN", "SCALE", "ScalePaths", "Subresource"]


@attrs.frozen
class Subresource:
    """A subresource: a part of an object with a path of its own.

    Attributes:
        name: in the URL.
        verbs: what can be done with it.
        kind: of what is read and written; empty for that of the object itself.
        group: of that kind; empty for the core group.
        version: of that kind.
    """

    name: str
    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


@attrs.frozen
class ScalePaths:
    """Where an object has the values of its scale, for example `spec.replicas`; empty for nowhere.

    Attributes:
        spec: the number of replicas that are wanted.
        status: the number that there are.
        selector: a selector as text; empty where it is an object at `spec.selector`.
    """

    spec: str = "spec.replicas"
    status: str = "status.replicas"
    selector: str = ""


_ALL = ("get", "patch", "update")
SCALE = Subresource("scale", _ALL, "Scale", "autoscaling", "v1")
#: By resource.
BUILTIN: dict[str, tuple[Subresource, ...]] = {
    **dict.fromkeys(("deployments.apps", "replicasets.apps", "statefulsets.apps", "replicationcontrollers"), (SCALE,)),
    "pods": (
        Subresource("binding", ("create",), "Binding", "", "v1"),
        Subresource("ephemeralcontainers", _ALL),
        Subresource("eviction", ("create",), "Eviction", "policy", "v1"),
    ),
    "serviceaccounts": (Subresource("token", ("create",), "TokenRequest", "authentication.k8s.io", "v1"),),
    "certificatesigningrequests.certificates.k8s.io": (Subresource("approval", _ALL),),
    "namespaces": (Subresource("finalize", ("update",)),),
}
