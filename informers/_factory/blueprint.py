"""How a factory builds informers: from its options, and from the options of single kinds.

Upstream: the `NewFilteredPodInformer` functions and their like of k8s.io/client-go/informers (v0.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_function
from informers._base.clock import Clock
from informers.cache._reflector.watch_failures import WatchErrorHandler, WatchRecoveryHandler
from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.cache.informer import SharedInformer
from informers.cache.list_turns import ListTurns, check_list_turns
from informers.cache.listers import ClusterLister, NamespacedLister
from informers.errors import ConfigurationError
from informers.options import KindOptions, ReflectorOptions
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.source.listwatch import ListerWatcher, ListWatch
from informers.source.restorer import restorer
from informers.source.shards import ShardedSource

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["Blueprint", "Overrides"]

T = TypeVar("T", default=Any)

#: Options of single kinds. The keys are resources; the type is Any, since a mapping is invariant in its key, and one of
#: both pods and nodes would have no useful type. Keys that are not resources are refused when they are given.
Overrides: TypeAlias = Mapping[Any, KindOptions]

#: Leaves every option to the factory.
_FACTORY_S = KindOptions()


@final
class Blueprint:
    """Makes the sources and informers of a factory's kinds; holds none of them.

    Raises:
        ConfigurationError: an argument is wrong.

    Thread safety: all methods may be called from any thread; it never changes.
    """

    def __init__(
        self,
        api_client: ApiClient,
        *,
        defaults: KindOptions,
        overrides: Overrides | None,
        metadata_only: bool,
        watch_error_handler: WatchErrorHandler | None,
        watch_recovery_handler: WatchRecoveryHandler | None,
        options: ReflectorOptions | None,
        list_turns: ListTurns | None,
        clock: Clock,
    ) -> None:
        self._api_client = api_client
        self._defaults = attrs.evolve(defaults, options=options)
        self._overrides = _overrides(overrides)
        self.metadata_only = metadata_only
        check_function("watch_error_handler", watch_error_handler, "failure")
        check_function("watch_recovery_handler", watch_recovery_handler, "recovery")
        self._watch_error_handler = watch_error_handler
        self._watch_recovery_handler = watch_recovery_handler
        self.list_turns: ListTurns = check_list_turns(list_turns) or ListTurns(clock=clock)
        self._clock = clock

    def options_of(self, resource: Resource[Any]) -> KindOptions:
        """Return the options of a kind: its own, else the factory's."""
        own = attrs.asdict(self._overrides.get(resource, _FACTORY_S), recurse=False)
        return attrs.evolve(self._defaults, **{name: value for name, value in own.items() if value is not None})

    def has_own_namespaces(self, resource: Resource[Any]) -> bool:
        """Return whether a kind follows its own namespaces, not the factory's."""
        return self._overrides.get(resource, _FACTORY_S).namespace is not None

    def source(self, resource: Resource[T], namespace: str | None) -> ListerWatcher[T]:
        """Return the source of one namespace's objects, or of all with None."""
        options = self.options_of(resource)
        limits = options.options or ReflectorOptions()
        source = ListWatch(
            self._api_client,
            resource,
            namespace=namespace,
            label_selector=options.label_selector,
            field_selector=options.field_selector,
            tweak=options.tweak,
            drop_managed_fields=bool(options.drop_managed_fields),
            metadata_only=self.metadata_only,
            connect_timeout=limits.connect_timeout,
            idle_timeout=limits.idle_timeout,
            streaming_timeout=limits.streaming_timeout,
            list_timeout=limits.list_timeout,
            max_object_size=limits.max_object_size,
            connection_lifetime=limits.connection_lifetime,
            clock=self._clock,
        )
        return source if options.shard is None else ShardedSource(source, options.shard)

    def kind(
        self, resource: NamespacedResource[T] | ClusterResource[T], namespaces: tuple[str, ...] | None
    ) -> NamespacedKind[T] | ClusterKind[T]:
        """Return a new informer with its lister.

        Args:
            resource: the resource.
            namespaces: the factory's namespaces; None for all.
        """
        options = self.options_of(resource)
        if not resource.is_namespaced:
            namespaces = None
        elif options.namespace is not None:
            namespaces = options.namespace
        informer = SharedInformer(
            self.source(resource, None)
            if namespaces is None
            else {name: self.source(resource, name) for name in namespaces},
            resource=str(resource),
            resync_period=options.resync_period or 0.0,
            indexers=options.indexers,
            transform=options.transform,
            # A class of the user's may refuse an object; the official client's classes read any.
            makes_objects=resource.decode is not None and not self.metadata_only,
            restore=restorer(resource, metadata_only=self.metadata_only),
            watch_error_handler=self._watch_error_handler,
            watch_recovery_handler=self._watch_recovery_handler,
            options=options.options,
            list_turns=self.list_turns,
            clock=self._clock,
        )
        if isinstance(resource, NamespacedResource):
            lister = NamespacedLister(informer.indexer, str(resource), why_unlisted=informer.why_unlisted)
            return NamespacedKind(resource, informer, lister)
        return ClusterKind(
            resource, informer, ClusterLister(informer.indexer, str(resource), why_unlisted=informer.why_unlisted)
        )


def _overrides(overrides: object) -> dict[Resource[Any], KindOptions]:
    """Return the options of single kinds, checked."""
    advice = "overrides must map resources to KindOptions, for example {core.V1.pods: KindOptions(...)}"
    if not (overrides is None or isinstance(overrides, Mapping)):
        raise ConfigurationError(f"{advice}: got {type(overrides).__name__}")
    checked: dict[Resource[Any], KindOptions] = {}
    for resource, kind_options in (overrides or {}).items():
        if not isinstance(resource, Resource) or not isinstance(kind_options, KindOptions):
            raise ConfigurationError(f"{advice}: got {resource!r}: {kind_options!r}")
        if kind_options.namespace is not None and not resource.is_namespaced:
            raise ConfigurationError(f"{resource} has no namespaces: leave namespace out of its KindOptions")
        checked[resource] = kind_options
    return checked
