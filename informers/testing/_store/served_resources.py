"""What the server serves: resources, and what it knows of each beyond its name.

Upstream: k8s.io/kubernetes/api/discovery and pkg/registry (v1.37).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, final

import attrs

from informers._base.forks import new_lock
from informers.errors import ConfigurationError
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.testing._store.documents import Json, at, quote
from informers.testing._store.subresources import BUILTIN, SCALE, ScalePaths, Subresource

__all__ = ["Catalog", "Served", "address", "check_resource"]


#: What the real server knows of its own resources beyond their names: attributes of `Served`.
_BUILT_IN: dict[str, Json] = json.loads(Path(__file__).with_name("built_in_resources.json").read_text(encoding="utf-8"))
_EXTENSIONS = frozenset({"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"})
#: In the order of discovery.
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
#: Old names of fields.
_ALIASES = {"spec.host": "spec.nodeName", "status.podIPs": "status.podIP"}
#: Where the value stands of a field that is asked for by another name, and which field says it where that is empty.
_PATHS = {"source": "source.component", "status.successful": "status.succeeded"}
_OTHERWISE = {"source": "reportingComponent"}


@final
@attrs.frozen(eq=False)
class Served:
    """A resource, and what the server knows of it.

    Attributes:
        resource: what clients ask for.
        is_custom: it comes from a definition: objects are written by the rules for objects without a type.
        has_status: there is a status subresource.
        has_generation: its objects count changes of what is asked of them.
        needs_version: an update must say which version it replaces.
        is_created_by_update: an update creates an object that is missing.
        returns_deleted: a delete answers with the object, rather than with a Status.
        verbs: what can be done with it.
        short_names: for kubectl.
        singular: for kubectl.
        categories: for kubectl, for example `all`.
        list_kind: kind of its lists.
        fields: what field selectors can ask for besides name and namespace, with defaults.
        field_refusal: how other fields are refused, if in words of its own.
        scale: where its objects have what a scale says; None if they can't be scaled.
        schema: what a definition says of its objects; empty for nothing.
    """

    resource: NamespacedResource[Any] | ClusterResource[Any]
    is_custom: bool = False
    has_status: bool = False
    has_generation: bool = False
    needs_version: bool = False
    is_created_by_update: bool = False
    returns_deleted: bool = False
    verbs: Sequence[str] = _VERBS
    short_names: Sequence[str] = ()
    singular: str = ""
    categories: Sequence[str] = ()
    list_kind: str = ""
    fields: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    field_refusal: str = ""
    scale: ScalePaths | None = None
    schema: Json = attrs.field(factory=dict[str, Any], repr=False)

    @classmethod
    def builtin(cls, resource: NamespacedResource[Any] | ClusterResource[Any]) -> Served:
        """Return what the real server knows of one of its own resources."""
        name = str(resource)
        known: Json = {
            "singular": resource.kind.lower(),
            "list_kind": f"{resource.kind}List",
            "categories": ("api-extensions",) if resource.group in _EXTENSIONS else (),
            "scale": ScalePaths() if SCALE in BUILTIN.get(name, ()) else None,
            **_BUILT_IN.get(name, {}),
        }
        return cls(resource, **known)

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
            has_generation=True,
            needs_version=True,
            verbs=_CUSTOM_VERBS,
            short_names=names.get("shortNames") or (),
            singular=names.get("singular") or resource.kind.lower(),
            categories=names.get("categories") or (),
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
    def subresources(self) -> tuple[Subresource, ...]:
        """Return the parts of its objects that can be asked for, by name."""
        status = (Subresource("status", ("get", "patch", "update")),) if self.has_status else ()
        others = BUILTIN.get(str(self.resource), ()) if not self.is_custom else (SCALE,) if self.scale else ()
        return tuple(sorted((*status, *others), key=lambda each: each.name))

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
        field = _ALIASES.get(field, field)
        known = field == "metadata.name" or field in self.fields
        return field if known or (field == "metadata.namespace" and self.resource.is_namespaced) else ""

    def refusal(self, field: str) -> str:
        """Return how the server says that it knows no such field."""
        if self.field_refusal:
            return self.field_refusal.format(field, version=self.resource.api_version)
        if self.fields or self.is_custom:
            return f"field label not supported: {field}"
        return f'{quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"'

    def selectable(self, obj: Json) -> dict[str, str]:
        """Return what field selectors see of an object."""
        metadata = obj["metadata"]
        found = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
        for path, default in self.fields.items():
            value = at(obj, _PATHS.get(path, path), default)
            found[path] = str(value).lower() if isinstance(value, bool) else str(value)
        for path in _OTHERWISE.keys() & found.keys():
            found[path] = found[path] or found.get(_OTHERWISE[path], "")
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
