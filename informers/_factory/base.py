"""What all factories do: one shared informer for each resource, started, waited for and stopped together.

Upstream: k8s.io/client-go/informers/factory.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Self, TypeVar

from informers._base.checks import check_period, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_lock
from informers._base.wakeups import Stop
from informers._factory.blueprint import Blueprint, Overrides
from informers._factory.saving import SavingFactory
from informers.cache._reflector.watch_failures import WatchErrorHandler, WatchRecoveryHandler
from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.cache.health import FactoryHealth
from informers.cache.informer import SharedInformer
from informers.cache.list_turns import ListTurns
from informers.cache.sync import NamespaceSync, Syncable, SyncProgress, SyncResult, wait_for_cache_sync
from informers.errors import ConfigurationError, ForkedError, StoppedError
from informers.options import KindOptions, ReflectorOptions, namespaces_of
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.selectors import FieldSelector, LabelSelector
from informers.source._transport.adapter import default_api_client, pool_manager
from informers.source.listwatch import TweakListOptions, check_namespace
from informers.source.shards import Shard

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["InformerFactory"]

T = TypeVar("T", default=Any)
_Kind = TypeVar("_Kind", bound="NamespacedKind[Any] | ClusterKind[Any]")


class InformerFactory(SavingFactory):
    """Makes informers and listers, the same each time one is asked for.

    Its subclasses are `SharedInformerFactory`, which documents the arguments, `DynamicSharedInformerFactory` and
    `MetadataSharedInformerFactory`.

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
        default_resync: float = 0.0,
        *,
        namespace: str | Collection[str] | None = None,
        label_selector: str | Mapping[str, str] | LabelSelector | None = None,
        field_selector: str | Mapping[str, str] | FieldSelector | None = None,
        transform: Callable[[Any], Any] | None = None,
        tweak: TweakListOptions | None = None,
        drop_managed_fields: bool = False,
        shard: Shard | None = None,
        overrides: Overrides | None = None,
        watch_error_handler: WatchErrorHandler | None = None,
        watch_recovery_handler: WatchRecoveryHandler | None = None,
        options: ReflectorOptions | None = None,
        list_turns: ListTurns | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        api_client = default_api_client() if api_client is None else api_client
        blueprint = Blueprint(
            api_client,
            defaults=KindOptions(
                resync_period=check_period("default_resync", default_resync),
                label_selector=LabelSelector.coerce(label_selector),
                field_selector=FieldSelector.coerce(field_selector),
                transform=transform,
                tweak=tweak,
                drop_managed_fields=drop_managed_fields,
                shard=shard,
            ),
            overrides=overrides,
            metadata_only=self._metadata_only,
            watch_error_handler=watch_error_handler,
            watch_recovery_handler=watch_recovery_handler,
            options=options,
            list_turns=list_turns,
            clock=clock,
        )
        pool_manager(api_client)  # refuses other types
        super().__init__(api_client, blueprint, clock)
        self._lock = new_lock()
        #: Taken before the other, by a thread that adds or removes a namespace: that is one change of all informers.
        self._namespaces_lock = new_lock()
        self._kinds: dict[Resource[Any], Any] = {}
        self._by_group_and_plural: dict[tuple[str, str], list[Any]] = {}
        #: Perhaps not at their end: a handler that releases its own informer does not wait for itself.
        self._released: list[SharedInformer[Any]] = []
        #: None for all.
        self._namespaces = namespaces_of(namespace)
        self._stopped = False
        self._measures_latencies = False

    def __repr__(self) -> str:
        with self._lock:
            kinds = [str(resource) for resource in self._kinds]
        owner = self._owner()
        state = ", stopped" if self._stopped else f", of process {owner}, inherited by a fork" if owner else ""
        return f"<{type(self).__name__} of {', '.join(kinds) or 'nothing yet'}{state}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def namespaced_kind(self, resource: NamespacedResource[T], /) -> NamespacedKind[T]:
        """Return the informer and lister of a resource with namespaces; the rows of the tables ask for them here.

        Raises:
            ConfigurationError: the factory has an informer of this resource whose objects become something else.
            StoppedError: the factory has been stopped.
        """
        return self._kind(resource, lambda namespaces: self._blueprint.namespaced_kind(resource, namespaces))

    def cluster_kind(self, resource: ClusterResource[T], /) -> ClusterKind[T]:
        """Return the informer and lister of a resource without namespaces; raises as `namespaced_kind` does."""
        return self._kind(resource, lambda _namespaces: self._blueprint.cluster_kind(resource))

    @property
    def kinds(self) -> tuple[NamespacedKind[Any] | ClusterKind[Any], ...]:
        """What has been asked for so far, in that order."""
        with self._lock:
            return tuple(self._kinds.values())

    def add_namespace(self, namespace: str) -> NamespaceSync:
        """Follow one namespace more, with every informer that follows the factory's; returns at once.

        What is in it already comes as adds of the initial list. Until its first list is in the cache, a lookup there
        says that it is not synced, and `wait_for_cache_sync` waits for it. An informer that has synced stays synced.

        Args:
            namespace: a name.

        Returns:
            What to wait for: `bool(added.wait(timeout=60))` says whether all informers have listed the namespace.

        Raises:
            ConfigurationError: it is not a name, or is followed already, or the factory was made for all namespaces.
            StoppedError: the factory has been stopped.
        """
        if not isinstance(namespace, str) or not namespace:
            raise ConfigurationError(f"namespace must be a name, for example 'default': got {namespace!r}")
        check_namespace(namespace)
        with self._namespaces_lock, self._lock:
            followed = self._followed_namespaces()
            self._check_not_stopped(f" for namespace {namespace!r}")
            if namespace in followed:
                raise ConfigurationError(f"the factory follows namespace {namespace!r} already")
            sources = [
                (kind.informer, self._blueprint.source(kind.resource, namespace)) for kind in self._followers_locked()
            ]
            self._namespaces = (*followed, namespace)
            for informer, source in sources:
                # One may have been stopped just now, or been given this namespace alone.
                with suppress(StoppedError, ConfigurationError):
                    informer.add_namespace(namespace, source)
        return NamespaceSync(namespace, lambda: self._syncs_of(namespace), clock=self._clock)

    def remove_namespace(self, namespace: str) -> None:
        """Follow a namespace no longer: its objects leave the caches, and handlers get tombstones of them.

        Args:
            namespace: a name.

        Raises:
            ConfigurationError: it is not followed, or the factory was made for all namespaces.
        """
        with self._namespaces_lock:
            with self._lock:
                followed = self._followed_namespaces()
                if namespace not in followed:
                    raise ConfigurationError(f"the factory does not follow namespace {namespace!r}")
                self._namespaces = tuple(name for name in followed if name != namespace)
                kinds = self._followers_locked()
            for kind in kinds:
                # It may have been removed from one informer alone.
                with suppress(ConfigurationError):
                    kind.informer.remove_namespace(namespace)

    def start(self) -> None:
        """Start the informers that have been asked for and do not run yet; returns at once.

        Raises:
            StoppedError: the factory has been stopped.
            ForkedError: it runs in the process that this one was forked from.
        """
        with self._lock:
            self._check_not_stopped()
            informers = self._informers_locked()
        with self._blueprint.list_turns.held():
            for informer in informers:
                # One that was stopped alone, perhaps just now, stays so until it is released.
                with suppress(StoppedError):
                    informer.start()

    def wait_for_cache_sync(
        self,
        timeout: float | None = None,
        *,
        stop: Stop | None = None,
        progress: Callable[[SyncProgress], object] | None = None,
    ) -> SyncResult:
        """Wait until the first list of every informer is in its cache, those of namespaces that were added included.

        An informer that has not been started, or follows no namespace, is not waited for, and is in the result.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.
            stop: ends the wait: a `threading.Event`, a `Signal`, or what has `is_set()` and `wait()`.
            progress: told how far they are, in this thread: each second, and when the wait is over. Try `print`. What
                it raises ends the wait.

        Returns:
            True if all are synced; as text it names those that are not, and why.

        Raises:
            ConfigurationError: an argument is wrong.
        """
        with self._lock:
            informers = self._informers_locked()
        following = [each for each in informers if each.is_started and not each.is_stopped and each.namespaces]
        result = wait_for_cache_sync(*following, timeout=timeout, stop=stop, progress=progress, clock=self._clock)
        unsynced = dict(result.unsynced)
        for informer in informers:
            if not informer.is_started and not informer.is_stopped:
                unsynced[informer.name] = "not started: call factory.start() after asking for the informer"
            elif informer.is_stopped and not informer.has_synced:
                unsynced[informer.name] = informer.why_not_synced()
            elif not informer.namespaces:
                unsynced[informer.name] = "it follows no namespace"
        return SyncResult(unsynced)

    def health(self) -> FactoryHealth:
        """Return how all informers fare, as of now."""
        return FactoryHealth(tuple(kind.informer.health() for kind in self.kinds))

    def measure_latencies(self) -> None:
        """Have each informer, also those asked for later, measure how long what was seen takes to come into the cache.

        `informers.metrics` asks for it; without it nothing is measured.
        """
        with self._lock:
            self._measures_latencies = True
            for informer in self._informers_locked():
                informer.measure_latencies()

    def release(self, resource: Resource[Any]) -> bool:
        """Stop one informer and forget it; the next request makes a new one. Returns when its threads have ended.

        Args:
            resource: for example `factory.core.v1.pods.resource`.

        Returns:
            Whether there was one.

        Raises:
            ConfigurationError: it is not a resource.
        """
        if not isinstance(resource, Resource):
            raise ConfigurationError(f"release() takes a resource, for example core.V1.pods: got {resource!r}")
        with self._lock:
            if (kind := self._kinds.pop(resource, None)) is None:
                return False
            self._by_group_and_plural[resource.group, resource.plural].remove(kind)
            self._released.append(kind.informer)
        kind.informer.stop()
        ended = [informer for informer in list(self._released) if informer.stop(0)]
        with self._lock:
            self._released = [informer for informer in self._released if informer not in ended]
        return True

    def stop(self, timeout: float | None = None) -> bool:
        """Stop every informer. Returns when every thread has ended, also of those released; within a handler at once.

        The caches can still be read. What handlers have not been told yet is dropped.

        Args:
            timeout: seconds to wait at most; None for as long as the handlers' last calls take.

        Returns:
            Whether every thread has ended.

        Raises:
            ConfigurationError: `timeout` is not valid.
        """
        check_timeout(timeout)
        with self._lock:
            self._stopped = True
            informers = [*self._informers_locked(), *self._released]
        for informer in informers:
            informer.stop(0)
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        done = True
        for informer in informers:
            left = None if deadline is None else max(0.0, deadline - self._clock.monotonic())
            done = informer.stop(left) and done
        return done

    def _kind(self, resource: Resource[Any], make: Callable[[tuple[str, ...] | None], _Kind]) -> _Kind:
        """Return the kind that there is, or a new one of the factory's namespaces.

        It is made under no lock, since the official client's models may have to be imported for it, and health must
        not wait for that. Who comes second, or makes it for namespaces that have changed meanwhile, throws it away.
        """
        while True:
            with self._lock:
                kind: _Kind | None = self._found_locked(resource)
                if kind is not None:
                    return kind
                namespaces = self._namespaces
                self._check_not_stopped(f" for {resource}")
            made = make(namespaces)
            with self._lock:
                kind = self._found_locked(resource)
                if kind is not None:
                    return kind
                if self._namespaces is namespaces:
                    return self._add_locked(made)

    def _found_locked(self, resource: Resource[Any]) -> Any:
        """Return what the factory has for a resource, or None; refuses a second meaning of one address."""
        kind = self._kinds.get(resource)
        if kind is None:
            return None
        here: Resource[Any] = kind.resource
        if (here.model, here.decode, here.is_namespaced) != (resource.model, resource.decode, resource.is_namespaced):
            raise ConfigurationError(
                f"this factory has an informer of {here.plural} ({here.api_version}) already, with {here.makes}; "
                f"it can't have one with {resource.makes} too: use a second factory for these"
            )
        return kind

    def _add_locked(self, kind: _Kind) -> _Kind:
        self._check_not_stopped(f" for {kind.resource}")
        if self._measures_latencies:
            kind.informer.measure_latencies()
        self._kinds[kind.resource] = kind
        alike = self._by_group_and_plural.setdefault((kind.resource.group, kind.resource.plural), [])
        alike.append(kind)
        if len(alike) > 1:
            # From here on every message says which version it speaks of.
            for each in alike:
                each.informer.rename(f"{each.resource} {each.resource.version}")
        return kind

    def _owner(self) -> int | None:
        """Return the process that it belongs to, where that is another."""
        owners = [kind.informer.inherited_from for kind in list(self._kinds.values())]
        return next((owner for owner in owners if owner is not None), None)

    def _check_not_stopped(self, purpose: str = "") -> None:
        owner = self._owner()
        if owner is not None:
            raise ForkedError("the factory", owner)
        if self._stopped:
            raise StoppedError(f"the factory has been stopped: make a new one{purpose}")

    def _syncs_of(self, namespace: str) -> list[Syncable]:
        with self._lock:
            found = [informer.sync_of(namespace) for informer in self._informers_locked()]
        return [sync for sync in found if sync is not None]

    def _informers_locked(self) -> list[SharedInformer[Any]]:
        return [kind.informer for kind in self._kinds.values()]

    def _followed_namespaces(self) -> tuple[str, ...]:
        if self._namespaces is None:
            raise ConfigurationError("the factory follows all namespaces: give it namespace=[...] to choose some")
        return self._namespaces

    def _followers_locked(self) -> list[NamespacedKind[Any]]:
        """Return the kinds that follow the factory's namespaces, and not some of their own."""
        return [
            kind
            for resource, kind in self._kinds.items()
            if isinstance(kind, NamespacedKind)
            and not kind.informer.is_stopped
            and not self._blueprint.has_own_namespaces(resource)
        ]
