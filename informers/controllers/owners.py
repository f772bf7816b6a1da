"""Owners: from an object to its owner's name, from an owner to its objects, and owner references.

An owner is found by group and kind, whatever version the reference has. Names are found without the uid, since a
superfluous run does no harm; objects are found by their controller's uid, so that those of a deleted namesake do not
count.

Upstream: sigs.k8s.io/controller-runtime/pkg/handler/enqueue_owner.go,
sigs.k8s.io/controller-runtime/pkg/controller/controllerutil/controllerutil.go (v0.25).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, final

from typing_extensions import TypeVar

from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.cache.informer import SharedInformer
from informers.errors import ConfigurationError
from informers.objects import ObjectName, object_name, read, uid_of
from informers.resources import Resource
from informers.source._models.object_makers import load_model

if TYPE_CHECKING:
    from kubernetes.client import V1OwnerReference

__all__ = ["ByController", "by_controller", "controller_reference", "owner_names"]

T = TypeVar("T", default=Any)

_INDEX = "informers.controllers/controller-uid"


@final
class ByController(Generic[T]):
    """The objects of a kind by their controller; made by `by_controller`.

    Thread safety: may be used from any thread.
    """

    def __init__(self, informer: SharedInformer[T]) -> None:
        self._informer = informer

    def of(self, owner: Any, /) -> list[T]:
        """Return the objects in the cache that have this owner as their controller, by its uid.

        An object in another namespace does not count, though anyone may write such a reference into it.

        Args:
            owner: a model of the official client, a JSON mapping, or anything with `metadata`.

        Raises:
            ConfigurationError: the owner has no uid.
        """
        namespace = read(read(owner, "metadata"), "namespace") or None
        return self._informer.indexer.by_index(_INDEX, _uid_of(owner), namespace=namespace)


def by_controller(kind: NamespacedKind[T] | ClusterKind[T], /) -> ByController[T]:
    """Index a kind by the uid of each object's controller, and return the look-up.

    Args:
        kind: a kind of a factory, for example `factory.core.v1.pods`; may be given more than once.

    Raises:
        ConfigurationError: it is not a kind of a factory.
        StoppedError: its informer has been stopped.

    Example:
        >>> from informers import SharedInformerFactory
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, SharedInformerFactory(server.client()) as factory:
        ...     pods_of = by_controller(factory.core.v1.pods)
        ...     _ = factory.wait_for_cache_sync(timeout=10)
        ...     pods_of.of({"metadata": {"name": "web", "uid": "7c1e"}})
        []
    """
    check_kind(kind)
    informer: SharedInformer[T] = kind.informer
    informer.add_indexers({_INDEX: _controller_uids})
    return ByController(informer)


def controller_reference(owner: Any, resource: Resource[Any], /) -> V1OwnerReference:
    """Return the reference that makes `owner` the controller of an object, for its `metadata.ownerReferences`.

    The object must be in the owner's namespace; an owner with a namespace can't own an object without one.

    Args:
        owner: the owner as the server returned it: a model of the official client, a JSON mapping, or anything with
            `metadata`.
        resource: the owner's resource: `kind.resource`, or a row of a table of kinds, for example `V1.pod_sets`.

    Returns:
        A model of the official client, which may be part of a model or of a mapping.

    Raises:
        ConfigurationError: the owner has no name or no uid, or the resource has no kind.
    """
    kind = _kind_of(resource)
    model: type[V1OwnerReference] = load_model("V1OwnerReference")
    return model(
        api_version=resource.api_version,
        kind=kind,
        name=object_name(owner).name,
        uid=_uid_of(owner),
        controller=True,
        block_owner_deletion=True,
    )


def owner_names(resource: Resource[Any], *, every_owner: bool) -> Callable[[Any], Iterable[ObjectName]]:
    """Return a function that finds the names of an object's owners of a resource.

    Args:
        resource: the owners' resource; compared by group and kind, not by version.
        every_owner: whether all references count, not only that of the controller.

    Raises:
        ConfigurationError: the resource has no kind.
    """
    kind = _kind_of(resource)

    def names(obj: Any) -> Iterable[ObjectName]:
        namespace = object_name(obj).namespace if resource.is_namespaced else ""
        if resource.is_namespaced and not namespace:
            return  # an object of the whole cluster can't have an owner in a namespace
        for reference in _references(obj):
            if not (every_owner or read(reference, "controller") is True) or read(reference, "kind") != kind:
                continue
            *group, version = str(read(reference, "api_version", "apiVersion") or "").split("/")
            name = read(reference, "name")
            if version and group == ([resource.group] if resource.group else []) and name:
                yield ObjectName(namespace, name)

    return names


def check_kind(kind: object) -> None:
    """Refuse an object that is not a kind of a factory."""
    if not isinstance(kind, (NamespacedKind, ClusterKind)):
        raise ConfigurationError(
            f"expected a kind of a factory, for example factory.core.v1.pods: got {type(kind).__name__}"
        )


def _kind_of(resource: Resource[Any]) -> str:
    if not isinstance(resource, Resource):
        raise ConfigurationError(
            f"expected the owner's resource, for example kind.resource: got {type(resource).__name__}"
        )
    if not resource.kind:
        raise ConfigurationError(
            f"the resource {resource} does not name its kind, by which references name it: "
            f"give it one, for example kind='Deployment'"
        )
    return resource.kind


def _uid_of(owner: Any) -> str:
    uid = uid_of(owner)
    if not uid:
        raise ConfigurationError(
            f"an owner has a uid, which the server gives it: got {type(owner).__name__} without one"
        )
    return uid


def _references(obj: Any) -> Iterable[Any]:
    return read(read(obj, "metadata"), "owner_references", "ownerReferences") or ()


def _controller_uids(obj: Any) -> Iterable[str]:
    return [read(reference, "uid") for reference in _references(obj) if read(reference, "controller") is True]
