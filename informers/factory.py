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

#: An object as its JSON says: `obj["metadata"]["name"]`.
Unstructured: TypeAlias = dict[str, Any]


@final
class SharedInformerFactory(KindGroups, InformerFactory):
    """Makes informers and listers: `factory.core.v1.pods.informer`, `factory.apps.v1.deployments.lister`.

    The same informer each time it is asked for, so that however many ask there is one watch for each resource. Ask
    before `start`, or start again: that starts what is new.

    Args:
        api_client: a `kubernetes.client.ApiClient`; None for one with the configuration that has been loaded.
        default_resync: seconds, and at random up to a tenth more, after which handlers receive every object again,
            from the cache; 0 for never. A resync calls each handler for each object: it repeats what the handler acted
            on, for example "failed", and hides that it missed something. It sends no request.
        namespace: None for all, a name, or a collection of names: one cache, one watch for each. An empty collection is
            for names that `add_namespace` will give.
        label_selector: for example `app=web`, for all kinds.
        field_selector: for example `metadata.name!=x`, for all kinds.
        transform: changes each object before it is stored.
        tweak: changes the options (`ListOptions`) of every list and watch.
        drop_managed_fields: leave `metadata.managedFields`, half of a typical object, out of what is kept.
        shard: keep a share of the objects only, for example `Shard(0, of=2)`; other processes keep the others.
        overrides: what single kinds have otherwise, for example
            `{core.V1.pods: KindOptions(label_selector="app=web")}`.
        watch_error_handler: notified of every failure, with what happens next and when.
        watch_recovery_handler: notified when a watch works again after failures, and after how long.
        options: how to list and watch.
        list_turns: how many lists are made at a time, for example `ListTurns(4)`; None for 16. See there.
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

    Thread safety: all methods may be called from any thread, also within handlers.

    Upstream: k8s.io/client-go/informers/factory.go SharedInformerFactory (v0.37).
    """

    def version(self, group_version: type[V]) -> V:
        """Return the kinds of a table of one's own: `factory.version(V1).widgets`; see `informers.resources`."""
        if not (isinstance(group_version, type) and issubclass(group_version, GroupVersion)):
            raise ConfigurationError(f"version() takes a subclass of GroupVersion: got {group_version!r}")
        return group_version(self)


class ResourceInformerFactory(InformerFactory, Generic[T]):
    """Makes informers and listers of resources by their names; arguments as those of `SharedInformerFactory`.

    Use one of its subclasses: `DynamicSharedInformerFactory`, `MetadataSharedInformerFactory`.

    A resource that the server does not have yet, for example that of a CustomResourceDefinition to come, is waited for,
    and one that goes away and comes back is found again; `health` says so meanwhile.

    Thread safety: all methods may be called from any thread, also within handlers.
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
        """Return the informer and lister of a resource, given by its names or by its row: `core.V1.pods`.

        Args:
            group: API group, empty for the core group; or a resource, and nothing else.
            version: for example `v1`.
            plural: name in the URL, for example `widgets`.
            namespaced: whether its objects live in namespaces.

        Raises:
            ConfigurationError: a name is invalid, or the kind is known, and `namespaced` is wrong for it.
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
    """Makes informers and listers of resources that are named at run time.

    Arguments as those of `SharedInformerFactory`.

    A resource that the server does not have yet, for example that of a CustomResourceDefinition to come, is waited for,
    and one that goes away and comes back is found again; `health` says so meanwhile.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, DynamicSharedInformerFactory(server.client()) as factory:
        ...     pods = factory.for_resource("", "v1", "pods")
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.namespace("default").list()
        (True, [])

    Thread safety: all methods may be called from any thread, also within handlers.

    Upstream: k8s.io/client-go/dynamic/dynamicinformer/informer.go DynamicSharedInformerFactory (v0.37).
    """


@final
class MetadataSharedInformerFactory(ResourceInformerFactory[PartialObjectMetadata]):
    """Makes informers and listers of objects' metadata; arguments as those of `SharedInformerFactory`.

    For who only needs names, labels, annotations or owners: garbage collectors, label enforcers, counters.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, MetadataSharedInformerFactory(server.client()) as factory:
        ...     pods = factory.for_resource("", "v1", "pods")
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.list()
        (True, [])

    Thread safety: all methods may be called from any thread, also within handlers.

    Upstream: k8s.io/client-go/metadata/metadatainformer/informer.go SharedInformerFactory (v0.37).
    """

    _metadata_only: ClassVar[bool] = True
