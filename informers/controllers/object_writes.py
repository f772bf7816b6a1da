"""Writes of any kind by its row: patches, server-side apply, and create or patch; with the oldest client too.

The official client's typed methods differ from version to version in how a patch's content type is said, and custom
resources have others. Here the row says the address, and the kind of patch is said by the function's name.

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
    """Send a JSON merge patch; return the object as it is now.

    Args:
        api_client: of the official client: `controller.client(…)`, so that the write is waited for.
        resource: `kind.resource`, or a row of a table of kinds.
        name: of the object.
        patch: what is to change; None in it removes a field. Lists are replaced as a whole.
        subresource: for example `status`.
        timeout: seconds for the request.

    Raises:
        StatusError: the server refused it.
        ConfigurationError: an argument is wrong: the name has a namespace and the resource has none, for example.
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
    """Apply an object at the server: say what you want of it, and nothing else; return the object as it is now.

    To apply the same again changes nothing, whatever the server has filled in: no version, no event. What you leave out
    and had applied before is removed; what others own stays.

    Args:
        api_client: as for `patch_object`.
        resource: likewise; `kind` and `apiVersion` are taken from it.
        obj: with `metadata`, and its name and namespace therein.
        field_manager: who wants it: one name for a controller, and another for its status.
        force: take over fields that another manager has; a controller does.
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
    if not resource.kind:
        raise ConfigurationError(f"the resource {resource} does not name its kind, which an object to apply must have")
    body = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
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
    """Create an object that the cache does not have, or patch what differs from what is wanted.

    Only fields that `wanted` has are compared. A list is compared as a whole: where the server fills in fields of its
    entries, as it does with containers, they differ for ever; use `apply_object` for these.

    Args:
        api_client: as for `patch_object`.
        kind: of a factory: the cache says what there is.
        wanted: with `metadata`, and its name and namespace therein.

    Returns:
        The object as it is now; None if it was as wanted.

    Raises:
        StatusError: the server refused it.
        ConfigurationError: `wanted` has no name, or a model cannot be compared.
    """
    check_kind(kind)
    _check_mapping("wanted", wanted)
    resource, name = kind.resource, object_name(wanted)
    found = kind.informer.indexer.get(name)
    if found is None:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **wanted}
        path = object_path(resource, name).rpartition("/")[0]
        return send(api_client, "POST", path, body=body, content_type="application/json")
    present: Mapping[str, Any] = found if isinstance(found, Mapping) else dump(found)
    patch = _difference(wanted, present)
    return patch_object(api_client, resource, name, patch) if patch else None


def _check_mapping(what: str, given: object) -> None:
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{what} must be a mapping, as JSON has it: got {type(given).__name__}")


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
