"""What all factories share: one informer for each resource, which they start, wait for and stop together.

Upstream: k8s.io/client-go/informers/factory.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
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


class InformerFactory(SavingFactory):
    """Makes informers and listers: one of each for a resource.

    Its subclasses are `SharedInformerFactory`, which documents the arguments, `DynamicSharedInformerFactory` and
    `MetadataSharedInformerFactory`.

    Raises:
        ConfigurationError: an argument is wrong.

    Thread safety: all methods may be called from any thread, including from handlers.

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
        """Return the informer and lister of a resource with namespaces; the tables of kinds call this.

        Raises:
            ConfigurationError: the factory has an informer of this resource already, with another class of objects.
            StoppedError: the factory has been stopped.
        """
        kind: NamespacedKind[T] = self._kind(resource)
        return kind

    def cluster_kind(self, resource: ClusterResource[T], /) -> ClusterKind[T]:
        """Return the informer and lister of a resource without namespaces; raises the errors of `namespaced_kind`."""
        kind: ClusterKind[T] = self._kind(resource)
        return kind

    @property
    def kinds(self) -> tuple[NamespacedKind[Any] | ClusterKind[Any], ...]:
        """The kinds that have been requested so far, in the order of the requests."""
        with self._lock:
            return tuple(self._kinds.values())

    def add_namespace(self, namespace: str) -> NamespaceSync:
        """Follow one more namespace with every informer that follows the factory's namespaces; returns at once.

        Handlers receive its existing objects as adds of the initial list. Until its first list is in the cache, lookups
        in this namespace report that it is not synced, and `wait_for_cache_sync` waits for it. `has_synced` stays true.

        Args:
            namespace: a name.

        Returns:
            A wait for the namespace: `bool(added.wait(timeout=60))` is true once all informers have listed it.

        Raises:
            ConfigurationError: the name is invalid, or followed already, or the factory follows all namespaces.
            StoppedError: the factory has been stopped.
        """
        if not isinstance(namespace, str) or not namespace:
            raise ConfigurationError(f"namespace must be a name, for example 'default': got {namespace!r}")
        check_namespace(namespace)
        with self._lock:
            followed = self._followed_namespaces()
            self._check_not_stopped(f" for namespace {namespace!r}")
            if namespace in followed:
                raise ConfigurationError(f"the factory follows namespace {namespace!r} already")
            sources = [
                (kind.informer, self._blueprint.source(kind.resource, namespace)) for kind in self._followers_locked()
            ]
            self._namespaces = (*followed, namespace)
            for informer, source in sources:
                # The informer may have been stopped just now, or may follow this namespace already.
                with suppress(StoppedError, ConfigurationError):
                    informer.add_namespace(namespace, source)
        return NamespaceSync(namespace, lambda: self._syncs_of(namespace), clock=self._clock)

    def remove_namespace(self, namespace: str) -> None:
        """Stop following a namespace: its objects leave the caches, and handlers receive them as tombstones.

        Args:
            namespace: a name.

        Raises:
            ConfigurationError: it is not followed, or the factory follows all namespaces.
        """
        # They are ended after the lock is released: callbacks may be the user's.
        with ExitStack() as ends, self._lock:
            followed = self._followed_namespaces()
            if namespace not in followed:
                raise ConfigurationError(f"the factory does not follow namespace {namespace!r}")
            self._namespaces = tuple(name for name in followed if name != namespace)
            for kind in self._followers_locked():
                # One informer may have removed it already.
                with suppress(ConfigurationError):
                    ends.callback(kind.informer.leave_namespace(namespace))

    def start(self) -> None:
        """Start the informers that have been requested and do not run yet; returns at once.

        Raises:
            StoppedError: the factory has been stopped.
            ForkedError: the factory belongs to the process that this one was forked from.
        """
        with self._lock:
            self._check_not_stopped()
            informers = self._informers_locked()
        with self._blueprint.list_turns.held():
            for informer in informers:
                # An informer that was stopped alone, perhaps just now, stays stopped until it is released.
                with suppress(StoppedError):
                    informer.start()

    def wait_for_cache_sync(
        self,
        timeout: float | None = None,
        *,
        stop: Stop | None = None,
        progress: Callable[[SyncProgress], object] | None = None,
    ) -> SyncResult:
        """Wait until the first list of every informer, and of every added namespace, is in its cache.

        The wait skips an informer that was not started or follows no namespace; the result names it.

        Args:
            timeout: seconds to wait at most; None for as long as it takes.
            stop: ends the wait: a `threading.Event`, a `Signal`, or any object with `is_set()` and `wait()`.
            progress: called with the progress, in this thread, every second and at the end, for example `print`. An
                exception that it raises ends the wait.

        Returns:
            True if all are synced; as text, which informers are not, and why.

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
        """Return the present health of all informers."""
        return FactoryHealth(tuple(kind.informer.health() for kind in self.kinds))

    def measure_latencies(self) -> None:
        """Measure, for present and later informers, how long events take from the queue into the cache.

        `informers.metrics` calls this; otherwise nothing is measured.
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
            Whether the factory had one.

        Raises:
            ConfigurationError: the argument is not a resource.
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
        """Stop every informer. Returns when every thread has ended, also of released informers; in a handler at once.

        The caches can still be read. Events that have not been delivered yet are dropped.

        Args:
            timeout: seconds to wait at most; None to wait for the handlers' last calls.

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

    def _kind(self, resource: NamespacedResource[Any] | ClusterResource[Any]) -> Any:
        """Return the kind that exists, or a new one of the factory's namespaces.

        It is made without the lock: it may import the official client's models, and health must not wait for that. If
        another thread made one first, or the namespaces have changed meanwhile, the new one is dropped.
        """
        made, namespaces = None, None
        while True:
            with self._lock:
                kind = self._found_locked(resource)
                if kind is None and made is not None and self._namespaces is namespaces:
                    kind = self._add_locked(made)
                if kind is not None:
                    return kind
                self._check_not_stopped(f" for {resource}")
                namespaces = self._namespaces
            made = self._blueprint.kind(resource, namespaces)

    def _found_locked(self, resource: Resource[Any]) -> Any:
        """Return the factory's kind of a resource, or None; refuses a resource of the same address that differs."""
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

    def _add_locked(self, kind: NamespacedKind[Any] | ClusterKind[Any]) -> NamespacedKind[Any] | ClusterKind[Any]:
        self._check_not_stopped(f" for {kind.resource}")
        if self._measures_latencies:
            kind.informer.measure_latencies()
        self._kinds[kind.resource] = kind
        alike = self._by_group_and_plural.setdefault((kind.resource.group, kind.resource.plural), [])
        alike.append(kind)
        if len(alike) > 1:
            # From here on every message names the version.
            for each in alike:
                each.informer.rename(f"{each.resource} {each.resource.version}")
        return kind

    def _owner(self) -> int | None:
        """Return the id of the process that the factory belongs to, if that is another process."""
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
        """Return the kinds that follow the factory's namespaces, not their own."""
        return [
            kind
            for resource, kind in self._kinds.items()
            if isinstance(kind, NamespacedKind)
            and not kind.informer.is_stopped
            and not self._blueprint.has_own_namespaces(resource)
        ]
