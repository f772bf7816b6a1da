"""What the server serves: resources, and what it knows of each beyond its name.

Upstream: k8s.io/kubernetes/api/discovery and pkg/registry (v1.37).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, final

import attrs

from informers._base.forks import new_lock
from informers.errors import ConfigurationError
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.testing._store.documents import Json, at, quote
from informers.testing._store.selectable_fields import ALIASES, FIELDS, OTHERWISE, PATHS, REFUSALS
from informers.testing._store.subresources import BUILTIN, SCALE, ScalePaths, Subresource

__all__ = ["Catalog", "Served", "address", "check_resource"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WITH_STATUS = _words(
    "apiservices.apiregistration.k8s.io certificatesigningrequests.certificates.k8s.io cronjobs.batch "
    "csinodes.storage.k8s.io customresourcedefinitions.apiextensions.k8s.io daemonsets.apps deployments.apps "
    "devicetaintrules.resource.k8s.io evictionrequests.lifecycle.k8s.io evictions.lifecycle.k8s.io "
    "flowschemas.flowcontrol.apiserver.k8s.io horizontalpodautoscalers.autoscaling ingresses.networking.k8s.io "
    "jobs.batch namespaces nodes persistentvolumeclaims persistentvolumes "
    "podcertificaterequests.certificates.k8s.io poddisruptionbudgets.policy podgroups.scheduling.k8s.io pods "
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io replicasets.apps replicationcontrollers "
    "resourceclaims.resource.k8s.io resourcepoolstatusrequests.resource.k8s.io resourcequotas "
    "servicecidrs.networking.k8s.io services statefulsets.apps storageversionmigrations.storagemigration.k8s.io "
    "storageversions.internal.apiserver.k8s.io validatingadmissionpolicies.admissionregistration.k8s.io "
    "volumeattachments.storage.k8s.io"
)
_WITH_GENERATION = _words(
    "priorityclasses.scheduling.k8s.io ingressclasses.networking.k8s.io networkpolicies.networking.k8s.io "
    "ingresses.networking.k8s.io endpointslices.discovery.k8s.io poddisruptionbudgets.policy "
    "resourceslices.resource.k8s.io deviceclasses.resource.k8s.io devicetaintrules.resource.k8s.io "
    "horizontalpodautoscalers.autoscaling flowschemas.flowcontrol.apiserver.k8s.io "
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io daemonsets.apps statefulsets.apps deployments.apps "
    "replicasets.apps jobs.batch cronjobs.batch pods podtemplates replicationcontrollers evictions.lifecycle.k8s.io "
    "evictionrequests.lifecycle.k8s.io validatingadmissionpolicies.admissionregistration.k8s.io "
    "mutatingadmissionpolicies.admissionregistration.k8s.io "
    "mutatingwebhookconfigurations.admissionregistration.k8s.io "
    "validatingwebhookconfigurations.admissionregistration.k8s.io "
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io "
    "validatingadmissionpolicybindings.admissionregistration.k8s.io customresourcedefinitions.apiextensions.k8s.io"
)
_RETURNING_WHAT_IT_DELETED = _words(
    "resourceclaimtemplates.resource.k8s.io resourceslices.resource.k8s.io resourceclaims.resource.k8s.io "
    "deviceclasses.resource.k8s.io resourcepoolstatusrequests.resource.k8s.io csidrivers.storage.k8s.io "
    "storageclasses.storage.k8s.io volumeattachments.storage.k8s.io csinodes.storage.k8s.io "
    "volumeattributesclasses.storage.k8s.io resourcequotas persistentvolumes serviceaccounts persistentvolumeclaims "
    "namespaces pods services podtemplates"
)
_NEEDING_A_VERSION = _words(
    "apiservices.apiregistration.k8s.io clustertrustbundles.certificates.k8s.io "
    "csidrivers.storage.k8s.io csinodes.storage.k8s.io csistoragecapacities.storage.k8s.io "
    "customresourcedefinitions.apiextensions.k8s.io leasecandidates.coordination.k8s.io leases.coordination.k8s.io "
    "mutatingadmissionpolicies.admissionregistration.k8s.io "
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io "
    "mutatingwebhookconfigurations.admissionregistration.k8s.io podcertificaterequests.certificates.k8s.io "
    "poddisruptionbudgets.policy podgroups.scheduling.k8s.io runtimeclasses.node.k8s.io "
    "storageversionmigrations.storagemigration.k8s.io storageversions.internal.apiserver.k8s.io "
    "validatingadmissionpolicies.admissionregistration.k8s.io "
    "validatingadmissionpolicybindings.admissionregistration.k8s.io "
    "validatingwebhookconfigurations.admissionregistration.k8s.io volumeattachments.storage.k8s.io"
)
_SHORT_NAMES = {
    "componentstatuses": "cs",
    "configmaps": "cm",
    "endpoints": "ep",
    "events": "ev",
    "limitranges": "limits",
    "namespaces": "ns",
    "nodes": "no",
    "persistentvolumeclaims": "pvc",
    "persistentvolumes": "pv",
    "pods": "po",
    "replicationcontrollers": "rc",
    "resourcequotas": "quota",
    "serviceaccounts": "sa",
    "services": "svc",
    "customresourcedefinitions.apiextensions.k8s.io": "crd crds",
    "daemonsets.apps": "ds",
    "deployments.apps": "deploy",
    "replicasets.apps": "rs",
    "statefulsets.apps": "sts",
    "horizontalpodautoscalers.autoscaling": "hpa",
    "cronjobs.batch": "cj",
    "certificatesigningrequests.certificates.k8s.io": "csr",
    "events.events.k8s.io": "ev",
    "ingresses.networking.k8s.io": "ing",
    "ipaddresses.networking.k8s.io": "ip",
    "networkpolicies.networking.k8s.io": "netpol",
    "poddisruptionbudgets.policy": "pdb",
    "priorityclasses.scheduling.k8s.io": "pc",
    "storageclasses.storage.k8s.io": "sc",
    "volumeattributesclasses.storage.k8s.io": "vac",
}
_IN_ALL = _words(
    "pods replicationcontrollers services daemonsets.apps deployments.apps replicasets.apps statefulsets.apps "
    "horizontalpodautoscalers.autoscaling cronjobs.batch jobs.batch"
)
_EXTENSIONS = _words("admissionregistration.k8s.io apiextensions.k8s.io apiregistration.k8s.io")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_OTHER_VERBS = {
    "componentstatuses": ("get", "list"),
    "namespaces": ("create", "delete", "get", "list", "patch", "update", "watch"),
}


@final
@attrs.frozen
class Served:
    """A resource, and what the server knows of it.

    Attributes:
        resource: what clients ask for.
        is_custom: it comes from a definition: objects are written by the rules for objects without a type.
        has_status: there is a status subresource.
        short_names: for kubectl.
        singular: for kubectl.
        categories: for kubectl, for example `all`.
        list_kind: kind of its lists.
        fields: what field selectors can ask for besides name and namespace, with defaults.
        scale: where its objects have what a scale says; None if they can't be scaled.
        schema: what a definition says of its objects; empty for nothing.
    """

    resource: NamespacedResource[Any] | ClusterResource[Any]
    is_custom: bool = False
    has_status: bool = True
    short_names: tuple[str, ...] = ()
    singular: str = ""
    categories: tuple[str, ...] = ()
    list_kind: str = ""
    fields: dict[str, str] = attrs.field(factory=dict[str, str], eq=False, repr=False)
    scale: ScalePaths | None = None
    schema: Json = attrs.field(factory=dict[str, Any], eq=False, repr=False)

    @classmethod
    def builtin(cls, resource: NamespacedResource[Any] | ClusterResource[Any]) -> Served:
        """Return what the real server knows of one of its own resources."""
        name = str(resource)
        return cls(
            resource,
            has_status=name in _WITH_STATUS,
            short_names=tuple(_SHORT_NAMES.get(name, "").split()),
            singular=resource.kind.lower(),
            categories=("all",) if name in _IN_ALL else ("api-extensions",) if resource.group in _EXTENSIONS else (),
            list_kind=f"{resource.kind}List",
            fields=FIELDS.get(name, {}),
            scale=ScalePaths() if SCALE in BUILTIN.get(name, ()) else None,
        )

    @classmethod
    def custom(
        cls,
        resource: NamespacedResource[Any] | ClusterResource[Any],
        *,
        has_status: bool = True,
        names: Json | None = None,
        scale: ScalePaths | None = None,
        fields: Iterable[str] = (),
        schema: Json | None = None,
    ) -> Served:
        """Return a custom resource, with the names that its definition has."""
        names = names or {}
        return cls(
            resource,
            is_custom=True,
            has_status=has_status,
            short_names=tuple(names.get("shortNames") or ()),
            singular=names.get("singular") or resource.kind.lower(),
            categories=tuple(names.get("categories") or ()),
            list_kind=names.get("listKind") or f"{resource.kind}List",
            fields=dict.fromkeys(fields, ""),
            scale=scale,
            schema=schema or {},
        )

    @property
    def collection(self) -> str:
        """Return where its objects are stored: in one place for all versions."""
        return str(self.resource)

    @property
    def has_generation(self) -> bool:
        """Return whether its objects count changes of what is asked of them."""
        return self.is_custom or str(self.resource) in _WITH_GENERATION

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return what can be done with it, in the order of discovery."""
        return _CUSTOM_VERBS if self.is_custom else _OTHER_VERBS.get(str(self.resource), _VERBS)

    @property
    def subresources(self) -> tuple[Subresource, ...]:
        """Return the parts of its objects that can be asked for, by name."""
        status = (Subresource("status", ("get", "patch", "update")),) if self.has_status else ()
        others = BUILTIN.get(str(self.resource), ()) if not self.is_custom else (SCALE,) if self.scale else ()
        return tuple(sorted((*status, *others), key=lambda each: each.name))

    @property
    def returns_deleted(self) -> bool:
        """Return whether a delete answers with the object, rather than with a Status."""
        return str(self.resource) in _RETURNING_WHAT_IT_DELETED

    @property
    def needs_version(self) -> bool:
        """Return whether an update must say which version it replaces."""
        return self.is_custom or str(self.resource) in _NEEDING_A_VERSION

    @property
    def is_graceful(self) -> bool:
        """Return whether a delete waits for a node to let go of the object."""
        return str(self.resource) == "pods"

    def prefix(self, *, kind: str = "") -> bytes:
        """Return how an object's JSON begins, up to its metadata."""
        api_version, kind = quote(self.resource.api_version), quote(kind or self.resource.kind)
        if self.is_custom:
            return f'{{"apiVersion":{api_version},"kind":{kind},'.encode()
        return f'{{"kind":{kind},"apiVersion":{api_version},'.encode()

    def canonical_field(self, field: str) -> str:
        """Return the name that a field selector's field is kept under; empty if the server doesn't know it."""
        field = ALIASES.get(field, field)
        known = field == "metadata.name" or field in self.fields
        return field if known or (field == "metadata.namespace" and self.resource.is_namespaced) else ""

    def refusal(self, field: str) -> str:
        """Return how the server says that it knows no such field."""
        refusal = REFUSALS.get(str(self.resource))
        if refusal is not None:
            return refusal.format(field, version=self.resource.api_version)
        if self.fields or self.is_custom:
            return f"field label not supported: {field}"
        return f'{quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"'

    def selectable(self, obj: Json) -> dict[str, str]:
        """Return what field selectors see of an object."""
        metadata = obj["metadata"]
        found = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
        for path, default in self.fields.items():
            value = at(obj, PATHS.get(path, path), default)
            found[path] = str(value).lower() if isinstance(value, bool) else str(value)
        for path in OTHERWISE.keys() & found.keys():
            found[path] = found[path] or found.get(OTHERWISE[path], "")
        return found


@final
class Catalog:
    """The served resources, by group, version and plural.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, served: Iterable[Served]) -> None:
        self._lock = new_lock()
        self._served = {address(s.resource): s for s in served}

    def __iter__(self) -> Iterator[Served]:
        with self._lock:
            return iter(list(self._served.values()))

    def add(self, served: Served) -> None:
        """Serve a resource from now on."""
        with self._lock:
            self._served[address(served.resource)] = served

    def remove(self, served: Served) -> None:
        """Serve a resource no longer."""
        with self._lock:
            self._served.pop(address(served.resource), None)

    def find(self, group: str, version: str, plural: str) -> Served | None:
        """Return what is served under these names, or None."""
        with self._lock:
            return self._served.get((group, version, plural))

    def of(self, resource: Resource[Any]) -> Served:
        """Return what is served for a resource.

        Raises:
            ConfigurationError: it is not a resource, or the server does not serve it.
        """
        check_resource(resource)
        found = self.find(*address(resource))
        if found is None:
            raise ConfigurationError(
                f"this server does not serve {resource} in version {resource.version!r}: register(resource) first"
            )
        return found

    def check(self, resource: object) -> None:
        """Refuse what is not a resource, and what this server will never serve: only other groups get definitions.

        Raises:
            ConfigurationError: saying so.
        """
        check_resource(resource)
        assert isinstance(resource, Resource)
        if self.find(*address(resource)) is None:
            built_in = sorted(
                s.resource.plural for s in self if not s.is_custom and s.resource.api_version == resource.api_version
            )
            if built_in:
                raise ConfigurationError(
                    f"this server never serves {resource} in {resource.api_version}: there are {', '.join(built_in)}"
                )

    def by_kind(self, api_version: str, kind: str) -> Served | None:
        """Return what is served for objects of this kind, or None."""
        return next((s for s in self if s.resource.kind == kind and s.resource.api_version == api_version), None)

    def by_model(self, model: str) -> Served | None:
        """Return what is served for the official client's class of this name, or None."""
        return next((s for s in self if s.resource.model == model), None)


def address(resource: Resource[Any]) -> tuple[str, str, str]:
    """Return by which names a resource is asked for: group, version and plural, whatever else a value of it says."""
    return resource.group, resource.version, resource.plural


def check_resource(resource: object) -> None:
    """Refuse what is not a resource."""
    if not isinstance(resource, Resource):
        given = repr(resource) if isinstance(resource, str) else type(resource).__name__
        advice = "; give its .resource" if isinstance(getattr(resource, "resource", None), Resource) else ""
        raise ConfigurationError(
            f"resource must be a row of informers.kinds, for example core.V1.pods: got {given}{advice}"
        )
