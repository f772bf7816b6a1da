"""The three factories: typed kinds, any resource, and any resource's metadata alone.

Upstream: k8s.io/client-go/informers/factory.go, dynamic/dynamicinformer/informer.go and
metadata/metadatainformer/informer.go (v0.37).
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Literal, TypeAlias, final, overload

from typing_extensions import TypeVar

from informers._factory.base import InformerFactory
from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.errors import ConfigurationError
from informers.kinds import known_resource
from informers.kinds.groups import KindGroups
from informers.kinds.table import GroupVersion
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.source._models.partial_metadata import PartialObjectMetadata

__all__ = [
    "DynamicSharedInformerFactory",
    "MetadataSharedInformerFactory",
    "ResourceInformerFactory",
    "SharedInformerFactory",
    "Unstructured",
]

T = TypeVar("T", default=Any)
V = TypeVar("V", bound=GroupVersion)

#: An object as its JSON mapping: `obj["metadata"]["name"]`.
Unstructured: TypeAlias = dict[str, Any]


@final
class SharedInformerFactory(KindGroups, InformerFactory):
    """Makes informers and listers: `factory.core.v1.pods.informer`, `factory.apps.v1.deployments.lister`.

    There is one informer, and one watch, for each resource, however often it is requested. Request kinds before
    `start`, or call `start` again: that starts the new ones.

    Args:
        api_client: a `kubernetes.client.ApiClient`; None for one with the configuration that has been loaded.
        default_resync: seconds, plus up to a tenth at random, after which handlers receive every object again from the
            cache; 0 for never. It sends no request. Hazard: each handler is called for each object, so it repeats its
            actions (for example a notification of "failed"), and this can hide that it missed an event.
        namespace: None for all, a name, or a collection of names: one cache, with a watch for each. Give an empty
            collection if you only add names with `add_namespace`.
        label_selector: for example `app=web`, for all kinds.
        field_selector: for example `metadata.name!=x`, for all kinds.
        transform: changes each object before it is stored.
        tweak: changes the options (`ListOptions`) of every list and watch.
        drop_managed_fields: remove `metadata.managedFields`, half of a typical object, from the stored objects.
        shard: keep only a share of the objects, for example `Shard(0, of=2)`; other processes keep the others.
        overrides: options of single kinds, for example
            `{core.V1.pods: KindOptions(label_selector="app=web")}`.
        watch_error_handler: notified of every failure, with the next step and its delay.
        watch_recovery_handler: notified when a watch works again after failures, with the length of the outage.
        options: how to list and watch.
        list_turns: limits how many lists run at a time, for example `ListTurns(4)`; None for 16.
        clock: for waiting.

    Raises:
        ConfigurationError: an argument is wrong.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, SharedInformerFactory(server.client()) as factory:
        ...     pods = factory.core.v1.pods
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.list()
        (True, [])

    Thread safety: all methods may be called from any thread, including from handlers.

    Upstream: k8s.io/client-go/informers/factory.go SharedInformerFactory (v0.37).
    """

    def version(self, group_version: type[V]) -> V:
        """Return the kinds of your own table: `factory.version(V1).widgets`; see `informers.resources`."""
        if not (isinstance(group_version, type) and issubclass(group_version, GroupVersion)):
            raise ConfigurationError(f"version() takes a subclass of GroupVersion: got {group_version!r}")
        return group_version(self)


class ResourceInformerFactory(InformerFactory, Generic[T]):
    """Makes informers and listers of resources by their names; takes the arguments of `SharedInformerFactory`.

    Use one of its subclasses: `DynamicSharedInformerFactory`, `MetadataSharedInformerFactory`.

    If the server does not have a resource (for example because its CustomResourceDefinition does not exist yet, or was
    deleted), the informer waits until the server has it; meanwhile `health` reports that.

    Thread safety: all methods may be called from any thread, including from handlers.
    """

    @overload
    def for_resource(self, resource: NamespacedResource[Any], /) -> NamespacedKind[T]: ...
    @overload
    def for_resource(self, resource: ClusterResource[Any], /) -> ClusterKind[T]: ...
    @overload
    def for_resource(
        self, group: str, version: str, plural: str, *, namespaced: Literal[True] = True
    ) -> NamespacedKind[T]: ...
    @overload
    def for_resource(self, group: str, version: str, plural: str, *, namespaced: Literal[False]) -> ClusterKind[T]: ...
    def for_resource(
        self,
        group: str | NamespacedResource[Any] | ClusterResource[Any],
        version: str = "",
        plural: str = "",
        *,
        namespaced: bool = True,
    ) -> NamespacedKind[T] | ClusterKind[T]:
        """Return the informer and lister of a resource, named by its parts or given as a row: `core.V1.pods`.

        Args:
            group: API group, empty for the core group; or a resource as the only argument.
            version: for example `v1`.
            plural: name in the URL, for example `widgets`.
            namespaced: whether its objects live in namespaces.

        Raises:
            ConfigurationError: a name is invalid, or `namespaced` is wrong for a known kind.
            StoppedError: the factory has been stopped.
        """
        if isinstance(group, Resource):
            if version or plural or not namespaced:
                raise ConfigurationError(f"for_resource() takes a resource or names: got {group!r} and more")
            namespaced = group.is_namespaced
            group, version, plural = group.address
        resource: NamespacedResource[T] | ClusterResource[T]
        resource = NamespacedResource(group, version, plural) if namespaced else ClusterResource(group, version, plural)
        known = known_resource(*resource.address)
        if known is not None and known.is_namespaced != namespaced:
            raise ConfigurationError(
                f"{known} ({known.api_version}) {'have' if known.is_namespaced else 'have no'} namespaces: "
                f"give namespaced={known.is_namespaced}"
            )
        if isinstance(resource, NamespacedResource):
            return self.namespaced_kind(resource)
        return self.cluster_kind(resource)


@final
class DynamicSharedInformerFactory(ResourceInformerFactory[Unstructured]):
    """Makes informers and listers of resources that are named at run time; objects are JSON mappings.

    Arguments, and resources that do not exist yet: see `SharedInformerFactory` and `ResourceInformerFactory`.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, DynamicSharedInformerFactory(server.client()) as factory:
        ...     pods = factory.for_resource("", "v1", "pods")
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.namespace("default").list()
        (True, [])

    Thread safety: all methods may be called from any thread, including from handlers.

    Upstream: k8s.io/client-go/dynamic/dynamicinformer/informer.go DynamicSharedInformerFactory (v0.37).
    """


@final
class MetadataSharedInformerFactory(ResourceInformerFactory[PartialObjectMetadata]):
    """Makes informers and listers of objects' metadata; takes the arguments of `SharedInformerFactory`.

    For programs that only need names, labels, annotations or owners: garbage collectors, label enforcers, counters.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, MetadataSharedInformerFactory(server.client()) as factory:
        ...     pods = factory.for_resource("", "v1", "pods")
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.list()
        (True, [])

    Thread safety: all methods may be called from any thread, including from handlers.

    Upstream: k8s.io/client-go/metadata/metadatainformer/informer.go SharedInformerFactory (v0.37).
    """

    _metadata_only: ClassVar[bool] = True
