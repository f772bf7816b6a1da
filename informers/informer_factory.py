"""What all factories do: one shared informer for each resource, started, waited for and stopped together.

Upstream: k8s.io/client-go/informers/factory.go (v0.37).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs
from typing_extensions import Self, TypeVar

from informers.cache.failures import WatchErrorHandler
from informers.cache.health import FactoryHealth
from informers.cache.indexer import IndexFunction
from informers.cache.informer import SharedInformer, check_period
from informers.cache.kind import ClusterKind, NamespacedKind
from informers.cache.listers import ClusterLister, NamespacedLister
from informers.cache.reflector import ReflectorOptions
from informers.cache.sync import SyncResult, wait_for_cache_sync
from informers.clock import SYSTEM_CLOCK, Clock
from informers.errors import ConfigurationError, StoppedError
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.selectors import FieldSelector, LabelSelector
from informers.source.client import default_api_client
from informers.source.listwatch import ListWatch, TweakListOptions, restorer

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["InformerFactory", "KindOptions"]

T = TypeVar("T", default=Any)


@final
@attrs.frozen(kw_only=True)
class KindOptions:
    """What one kind has otherwise than the factory's other kinds; None leaves the factory's.

    Attributes:
        resync_period: seconds.
        namespace: a name, or a collection of names.
        label_selector: such as `app=web`.
        field_selector: such as `spec.nodeName=node-1`.
        transform: changes each object before it is stored.
        tweak: changes the options of every list and watch.
        drop_managed_fields: leave `metadata.managedFields` out of what is kept.
        indexers: index functions by name.
    """

    resync_period: float | None = None
    namespace: str | Collection[str] | None = None
    label_selector: str | Mapping[str, str] | LabelSelector | None = None
    field_selector: str | Mapping[str, str] | FieldSelector | None = None
    transform: Callable[[Any], Any] | None = None
    tweak: TweakListOptions | None = None
    drop_managed_fields: bool | None = None
    indexers: Mapping[str, IndexFunction[Any]] | None = None


class InformerFactory:
    """Makes informers and listers, the same each time one is asked for.

    Use one of its subclasses: `SharedInformerFactory`, `DynamicSharedInformerFactory`, `MetadataSharedInformerFactory`.

    Args:
        api_client: a `kubernetes.client.ApiClient`; None for one with the configuration that has been loaded.
        default_resync: seconds after which handlers are told of every object again, from the cache; 0 for never.
        namespace: None for all, a name, or a collection of names: one cache, one watch for each.
        label_selector: such as `app=web`, for all kinds.
        field_selector: such as `metadata.name!=x`, for all kinds.
        transform: changes each object before it is stored.
        tweak: changes the options (`ListOptions`) of every list and watch.
        drop_managed_fields: leave `metadata.managedFields`, half of a typical object, out of what is kept.
        overrides: what single kinds have otherwise, such as `{core.V1.pods: KindOptions(label_selector="app=web")}`.
        watch_error_handler: told of every failure, with what happens next and when.
        options: how to list and watch.
        clock: for waiting.

    Raises:
        ConfigurationError: an argument is wrong.

    Thread safety: all methods may be called from any thread, also within handlers.

    Upstream: k8s.io/client-go/informers/factory.go (v0.37).
    """

    #: Whether the server is asked for objects' metadata alone.
    _metadata_only: ClassVar[bool] = False

    def __init__(
        self,
        api_client: ApiClient | None = None,
        default_resync: float = 600.0,
        *,
        namespace: str | Collection[str] | None = None,
        label_selector: str | Mapping[str, str] | LabelSelector | None = None,
        field_selector: str | Mapping[str, str] | FieldSelector | None = None,
        transform: Callable[[Any], Any] | None = None,
        tweak: TweakListOptions | None = None,
        drop_managed_fields: bool = False,
        overrides: Mapping[Resource[Any], KindOptions] | None = None,
        watch_error_handler: WatchErrorHandler | None = None,
        options: ReflectorOptions | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._defaults = KindOptions(
            resync_period=check_period("default_resync", default_resync),
            namespace=_namespaces(namespace),
            label_selector=LabelSelector.coerce(label_selector),
            field_selector=FieldSelector.coerce(field_selector),
            transform=transform,
            tweak=tweak,
            drop_managed_fields=drop_managed_fields,
        )
        self._overrides = dict(overrides or {})
        for resource, kind_options in self._overrides.items():
            if not isinstance(resource, Resource) or not isinstance(kind_options, KindOptions):
                raise ConfigurationError(
                    "overrides must map resources to KindOptions, such as {core.V1.pods: KindOptions(...)}: "
                    f"got {resource!r}: {kind_options!r}"
                )
        self._watch_error_handler = watch_error_handler
        self._options = options
        self._clock = clock
        self._api_client = default_api_client() if api_client is None else api_client
        self._lock = threading.Lock()
        self._kinds: dict[Resource[Any], Any] = {}
        self._stopped = False

    def __repr__(self) -> str:
        with self._lock:
            kinds = [str(resource) for resource in self._kinds]
        return f"<{type(self).__name__} of {', '.join(kinds) or 'nothing yet'}{', stopped' if self._stopped else ''}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def namespaced_kind(self, resource: NamespacedResource[T], /) -> NamespacedKind[T]:
        """Return the informer and lister of a resource with namespaces; the rows of the tables ask for them here."""
        with self._lock:
            kind: NamespacedKind[T] | None = self._kinds.get(resource)
            if kind is None:
                informer = self._informer(resource)
                kind = NamespacedKind(resource, informer, NamespacedLister(informer.indexer, str(resource)))
                self._kinds[resource] = kind
            return kind

    def cluster_kind(self, resource: ClusterResource[T], /) -> ClusterKind[T]:
        """Return the informer and lister of a resource without namespaces; likewise."""
        with self._lock:
            kind: ClusterKind[T] | None = self._kinds.get(resource)
            if kind is None:
                informer = self._informer(resource)
                kind = ClusterKind(resource, informer, ClusterLister(informer.indexer, str(resource)))
                self._kinds[resource] = kind
            return kind

    def start(self) -> None:
        """Start the informers that have been asked for and do not run yet; returns at once.

        Raises:
            StoppedError: the factory has been stopped.
        """
        with self._lock:
            if self._stopped:
                raise StoppedError("the factory has been stopped: make a new one")
            informers = self._informers_locked()
        for informer in informers:
            # One that was stopped by itself stays so until it is released.
            if not informer.is_stopped:
                informer.start()

    def wait_for_cache_sync(self, timeout: float | None = None) -> SyncResult:
        """Wait until the first list of every informer is in its cache.

        An informer that has not been started is not waited for, and is in the result.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.

        Returns:
            True if all are synced; as text it names those that are not, and why.
        """
        with self._lock:
            informers = self._informers_locked()
        started = [informer for informer in informers if informer.is_started and not informer.is_stopped]
        unsynced = dict(wait_for_cache_sync(*started, timeout=timeout, clock=self._clock).unsynced)
        for informer in informers:
            if not informer.is_started and not informer.is_stopped:
                unsynced[informer.name] = "not started: call factory.start() after asking for the informer"
            elif informer.is_stopped and not informer.has_synced:
                unsynced[informer.name] = "stopped"
        return SyncResult(unsynced)

    def health(self) -> FactoryHealth:
        """Return how all informers fare, as of now."""
        with self._lock:
            informers = self._informers_locked()
        return FactoryHealth(tuple(informer.health() for informer in informers))

    def release(self, resource: Resource[Any]) -> bool:
        """Stop one informer and forget it; who asks for it next gets a new one. Returns when its threads have ended.

        Args:
            resource: such as `factory.core.v1.pods.resource`.

        Returns:
            Whether there was one.
        """
        with self._lock:
            kind = self._kinds.pop(resource, None)
        if kind is None:
            return False
        kind.informer.stop()
        return True

    def stop(self, timeout: float | None = None) -> bool:
        """Stop every informer. Returns when every thread has ended; within a handler at once.

        The caches can still be read. What handlers have not been told yet is dropped.

        Args:
            timeout: seconds to wait at most; None for as long as the handlers' last calls take.

        Returns:
            Whether every thread has ended.
        """
        with self._lock:
            self._stopped = True
            informers = self._informers_locked()
        for informer in informers:
            informer.stop(0)
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        done = True
        for informer in informers:
            left = None if deadline is None else max(0.0, deadline - self._clock.monotonic())
            done = informer.stop(left) and done
        return done

    def _informers_locked(self) -> list[SharedInformer[Any]]:
        return [kind.informer for kind in self._kinds.values()]

    def _informer(self, resource: Resource[T]) -> SharedInformer[T]:
        if self._stopped:
            raise StoppedError(f"the factory has been stopped: make a new one for {resource}")
        own = self._overrides.get(resource, KindOptions())
        options = attrs.evolve(
            self._defaults,
            **{name: value for name, value in attrs.asdict(own, recurse=False).items() if value is not None},
        )
        namespace = _namespaces(options.namespace) if resource.is_namespaced else None

        def source(name: str | None) -> ListWatch[T]:
            return ListWatch(
                self._api_client,
                resource,
                namespace=name,
                label_selector=options.label_selector,
                field_selector=options.field_selector,
                tweak=options.tweak,
                drop_managed_fields=bool(options.drop_managed_fields),
                metadata_only=self._metadata_only,
                clock=self._clock,
            )

        return SharedInformer(
            {name: source(name) for name in namespace} if isinstance(namespace, tuple) else source(namespace),
            resource=str(resource),
            resync_period=options.resync_period or 0.0,
            indexers=options.indexers,
            transform=options.transform,
            restore=restorer(resource, metadata_only=self._metadata_only),
            watch_error_handler=self._watch_error_handler,
            options=self._options,
            clock=self._clock,
        )


def _namespaces(namespace: object) -> str | tuple[str, ...] | None:
    """Return a namespace, several, or None for all, checked."""
    if namespace is None or (isinstance(namespace, str) and namespace):
        return namespace
    if isinstance(namespace, Collection) and not isinstance(namespace, (str, bytes, Mapping)) and namespace:
        names = tuple(dict.fromkeys(namespace))
        if all(isinstance(name, str) and name for name in names):
            return names
    raise ConfigurationError(
        f"namespace must be None for all, a name such as 'default', or a collection of names: got {namespace!r}"
    )
