"""Writes of any kind by its row: patches, server-side apply, and create or patch; in all versions of the client.

The official client's typed methods, and those for custom resources, differ in how they take a patch's content type.
Here the row gives the address, and the function's name gives the kind of patch.

Upstream: k8s.io/client-go/dynamic/simple.go (v0.37);
sigs.k8s.io/controller-runtime/pkg/controller/controllerutil/controllerutil.go CreateOrPatch (v0.25).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.controllers._requests import object_path, send
from informers.controllers.owners import check_kind
from informers.errors import ConfigurationError
from informers.objects import ObjectName, object_name
from informers.resources import Resource
from informers.source._models.object_makers import dump

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["apply_object", "create_or_patch", "patch_object"]


def patch_object(
    api_client: ApiClient,
    resource: Resource[Any],
    name: ObjectName,
    patch: Mapping[str, Any],
    *,
    subresource: str = "",
    timeout: float = 30.0,
) -> dict[str, Any]:
    """Send a JSON merge patch; return the patched object.

    Args:
        api_client: an `ApiClient` of the official client; with `controller.client(…)` the write is waited for.
        resource: `kind.resource`, or a row of a table of kinds.
        name: name of the object.
        patch: the changes; None removes a field. Lists are replaced as a whole.
        subresource: for example `status`.
        timeout: seconds for the request.

    Raises:
        StatusError: the server refused it.
        ConfigurationError: an argument is wrong, for example a namespace for a resource without namespaces.
    """
    _check_mapping("patch", patch)
    path = object_path(resource, name, subresource)
    return send(
        api_client, "PATCH", path, body=dict(patch), content_type="application/merge-patch+json", timeout=timeout
    )


def apply_object(
    api_client: ApiClient,
    resource: Resource[Any],
    obj: Mapping[str, Any],
    *,
    field_manager: str,
    force: bool = True,
    subresource: str = "",
    timeout: float = 30.0,
) -> dict[str, Any]:
    """Apply an object on the server: give the fields that you want, and no others; return the applied object.

    Applying the same again changes nothing, whatever the server has filled in: no new version, no event. Fields that
    you applied before and leave out now are removed; fields of other owners stay.

    Args:
        api_client: see `patch_object`.
        resource: see `patch_object`; gives `kind` and `apiVersion`.
        obj: the wanted fields, with name and namespace in `metadata`.
        field_manager: owner of the fields: one name for a controller, and another for its status.
        force: take over fields of other managers; right for a controller.
        subresource: for example `status`.
        timeout: seconds for the request.

    Raises:
        StatusError: the server refused it.
        ConfigurationError: an argument is wrong.
    """
    if not isinstance(field_manager, str) or not field_manager:
        raise ConfigurationError(
            f"field_manager must be the name under which your fields are owned: got {field_manager!r}"
        )
    _check_mapping("obj", obj)
    path = object_path(resource, object_name(obj), subresource)
    body = _whole(resource, obj)
    query = {"fieldManager": field_manager, **({"force": "true"} if force else {})}
    return send(
        api_client,
        "PATCH",
        path,
        query=query,
        body=body,
        content_type="application/apply-patch+yaml",
        timeout=timeout,
    )


def create_or_patch(
    api_client: ApiClient, kind: NamespacedKind[Any] | ClusterKind[Any], wanted: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Create an object that the cache does not have, or patch the fields that differ from the wanted ones.

    Only fields of `wanted` are compared. A list is compared as a whole. Hazard: if the server fills in fields of list
    entries, as for containers, they always differ; use `apply_object` for these.

    Args:
        api_client: see `patch_object`.
        kind: a kind of a factory; its cache has the present object.
        wanted: the wanted fields, with name and namespace in `metadata`.

    Returns:
        The object as the server returned it; None if it was as wanted.

    Raises:
        StatusError: the server refused it.
        ConfigurationError: `wanted` has no name, or neither it nor the resource names its kind; or a model cannot be
            compared.
    """
    check_kind(kind)
    _check_mapping("wanted", wanted)
    resource, name = kind.resource, object_name(wanted)
    found = kind.informer.indexer.get(name)
    if found is None:
        path = object_path(resource, name).rpartition("/")[0]
        return send(api_client, "POST", path, body=_whole(resource, wanted), content_type="application/json")
    present: Mapping[str, Any] = found if isinstance(found, Mapping) else dump(found)
    patch = _difference(wanted, present)
    return patch_object(api_client, resource, name, patch) if patch else None


def _check_mapping(what: str, given: object) -> None:
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{what} must be a mapping, as JSON has it: got {type(given).__name__}")


def _whole(resource: Resource[Any], obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its kind and version, which servers require. Raises ConfigurationError."""
    whole = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
    if not whole["kind"]:
        raise ConfigurationError(f"the resource {resource} does not name its kind: give the object a kind")
    return whole


def _difference(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, value in wanted.items():
        there = present.get(field)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            inner = _difference(cast("Mapping[str, Any]", value), cast("Mapping[str, Any]", there))
            if inner:
                found[field] = inner
        elif value != there:
            found[field] = value
    return found
