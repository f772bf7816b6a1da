"""Waits until a cache shows a write or a state, without polling.

Upstream: k8s.io/client-go/tools/cache/store.go LastStoreSyncResourceVersion and tools/watch/until.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic

from typing_extensions import TypeVar

from informers._base.checks import check_function, check_namespace_name
from informers._base.clock import Clock
from informers._base.signals import Signal
from informers._base.wakeups import Stop, Subscribe
from informers.cache._pipeline.cache_controller import CacheController
from informers.cache._pipeline.inlets import Reflectors
from informers.cache._pipeline.scopes import Scope
from informers.cache.indexer import Indexer
from informers.cache.sync import Syncable
from informers.cache.waits import Lookout, SeenResult, Sighting, mark_of
from informers.errors import NOT_SYNCED, ConfigurationError
from informers.objects import ObjectName
from informers.source.listwatch import Selects

__all__ = ["ObservedCache"]

T = TypeVar("T", default=Any)


class ObservedCache(Generic[T]):
    """Reports how far a cache is, and waits for what it does not show yet. `SharedInformer` is one.

    A thousand waits cost no more than one handler: see `Observers`.

    Thread safety: all methods may be called from any thread.
    """

    # `SharedInformer` makes them.
    _resource: str
    _controller: CacheController[T]
    _reflectors: Reflectors[T]
    _indexer: Indexer[T]
    _stop: Signal
    _clock: Clock
    _is_of_all: bool

    @property
    def clock(self) -> Clock:
        """The clock of its waits."""
        return self._clock

    def resource_version_of(self, namespace: str | None) -> str:
        """Return the version up to which the cache has all changes of a namespace; empty before its first list.

        An informer of all namespaces has one version for all of them, and for objects of the whole cluster. An
        informer of several namespaces has a version for each; it is empty for a namespace that is not followed. The
        version changes in one step with the objects.

        Args:
            namespace: a name; None for objects of the whole cluster, or if the informer follows all namespaces.

        Raises:
            ConfigurationError: the name is invalid, or missing although the informer follows single namespaces.
        """
        return self._scope_of(namespace).version

    @property
    def namespaces(self) -> tuple[str | None, ...]:
        """The followed namespaces; `(None,)` for all."""
        return tuple(followed.namespace for followed in self._reflectors)

    def sync_of(self, namespace: str) -> Syncable | None:
        """Return a wait for the first list of a namespace; None if the namespace has no list of its own.

        Raises:
            ConfigurationError: the name is invalid.
        """
        check_namespace_name(namespace)
        return self._reflectors.get(namespace)

    def has_listed(self, namespace: str | None) -> bool:
        """Return whether the first list of a namespace is in the cache, so that a missing object does not exist.

        Args:
            namespace: a name; None for objects of the whole cluster, or for everything that is followed.

        Raises:
            ConfigurationError: the name is invalid.
        """
        check_namespace_name(namespace)
        if namespace is None or self._is_of_all:
            return len(self._reflectors) > 0 and all(followed.is_listed for followed in self._reflectors)
        return self._scope_of(namespace).is_listed

    def why_unlisted(self, namespace: str | None) -> str:
        """Return in words why `has_listed` is false; empty if it is true.

        Raises:
            ConfigurationError: the name is invalid.
        """
        if self.has_listed(namespace):
            return ""
        is_of_one = namespace is not None and not self._is_of_all
        return (self._end_of(self._scope_of(namespace)) if is_of_one else "") or NOT_SYNCED

    def has_seen(self, written: Any, *, namespace: str | None = None) -> bool:
        """Return whether the cache has reached a write: later reads of the cache are not older than the write.

        The object's version is compared with the cache's version, which also advances when the object is not visible,
        because it was deleted since, or because the informer's selector or shard does not select it. Then the write is
        reached with the next event or bookmark, after about a minute at most. Before Kubernetes 1.37 the answer to a
        deletion may have the version from before it: to see an object gone, use `wait_until`.

        Args:
            written: the API server's answer to the write, as the official client returned it (an object, or the
                `Status` of a deletion), a mapping, or a resource version.
            namespace: where it was written; needed if `written` does not say it, and the informer follows single
                namespaces.

        Returns:
            False also if it can't be decided: `wait_until_seen` says why.

        Raises:
            ConfigurationError: `written` has no version, or the namespace is missing.
        """
        return bool(self.sighting(written, namespace=namespace).look())

    def selects(self, obj: Mapping[str, Any]) -> bool:
        """Return whether the informer may follow an object, by its selectors and shard.

        Args:
            obj: the object as a JSON mapping. If it is not selected, the cache will not show it.
        """
        sources = [fed.source for fed in self._reflectors]
        return any(not isinstance(source, Selects) or source.selects(obj) for source in sources)

    def wait_until_seen(
        self, written: Any, *, namespace: str | None = None, timeout: float | None = None, stop: Stop | None = None
    ) -> SeenResult:
        """Wait until the cache has reached a write; see `has_seen`.

        Returns at once if that can't be decided: versions that are not whole numbers have no order; an answer to a dry
        run has no version; the `Status` of a deletion has none either, so it says nothing if the cache has never had
        the object. Also returns at once if the informer is stopped.

        Do not call it in a transform, an index function or a callback of `on_progress`: it would wait for itself.

        Args:
            written: see `has_seen`.
            namespace: see `has_seen`.
            timeout: seconds to wait at most; 0 to look only, None for as long as it takes.
            stop: ends the wait: a `threading.Event`, a `Signal`, or any object with `is_set()` and `wait()`.

        Returns:
            True if the cache has reached it; as text, why not.

        Raises:
            ConfigurationError: an argument is wrong.

        Example:
            >>> from informers.testing import FakeSource
            >>> informer = SharedInformer(FakeSource(), resource="pods")
            >>> pod = {"metadata": {"namespace": "shop", "name": "web-0", "resourceVersion": "12"}}
            >>> print(informer.wait_until_seen(pod, timeout=0))
            not seen yet: not within 0 s; the cache has not been listed
        """
        return self.sighting(written, namespace=namespace).wait(timeout=timeout, stop=stop, clock=self._clock)

    def wait_until(
        self,
        key: str | ObjectName,
        predicate: Callable[[T | None], object],
        *,
        timeout: float | None = None,
        stop: Stop | None = None,
    ) -> T | None:
        """Wait until a predicate holds for an object.

        The predicate is called in this thread, under no lock: first when the namespace has been listed, then after each
        change of the object. It may miss a state that does not last. It is not called for an object that exists on the
        server but is set aside, since it is not gone.

        Do not call it in a transform, an index function or a callback of `on_progress`: it would wait for itself.

        Args:
            key: `namespace/name`, `name` for an object of the whole cluster, or an `ObjectName`.
            predicate: takes the object, or None if it does not exist, and returns whether to end the wait. An exception
                that it raises ends the wait, too.
            timeout: seconds to wait at most; None for as long as it takes.
            stop: ends the wait: a `threading.Event`, a `Signal`, or any object with `is_set()` and `wait()`.

        Returns:
            The object for which the predicate held, which belongs to the caller; None if it does not exist.

        Raises:
            WaitTimeoutError: the timeout has passed; the message says what the cache shows.
            StoppedError: the wait was stopped, the informer has been stopped, or the namespace is no longer followed.
            ConfigurationError: an argument is wrong.
        """
        check_function("predicate", predicate, "obj", is_needed=True)
        return self.lookout(key, predicate).wait(timeout=timeout, stop=stop, clock=self._clock)

    def sighting(self, written: Any, *, namespace: str | None = None) -> Sighting:
        """Return the wait of `wait_until_seen` for event loops, which wait without a thread.

        Raises:
            ConfigurationError: as for `has_seen`.
        """
        mark = mark_of(written, namespace)
        scope = self._scope_of(mark.namespace)
        key = mark.key
        if mark.gone and not mark.namespace:
            # A Status does not have the namespace: search the object's key by its uid, once.
            key = next((record.key for record in self._indexer.records() if record.uid == mark.gone), key)

        observers = self._controller.observers
        subscribes: list[Subscribe] = []
        if mark.version:
            subscribes.append(partial(observers.on_version, scope.namespace, mark.version))
        if mark.gone or not scope.version:
            subscribes.append(partial(observers.on_change, key))
        return Sighting(
            mark,
            scope,
            ended=lambda: self._end_of(scope),
            record=lambda: self._indexer.record(key),
            has_ended=self._controller.has_ended,
            subscribe=self._or_at_the_end(scope, subscribes),
        )

    def lookout(self, key: str | ObjectName, predicate: Callable[[T | None], object]) -> Lookout[T]:
        """Return the wait of `wait_until` for event loops, which wait without a thread.

        Raises:
            ConfigurationError: the key is invalid, or its namespace is not followed.
        """
        name = key if isinstance(key, ObjectName) else ObjectName.parse(key)
        scope = self._scope_of(name.namespace)
        ended = self._end_of(scope)
        if ended and not self._stop.is_set():
            raise ConfigurationError(f"can't wait for {str(name)!r}: {ended}")
        return Lookout(
            str(name),
            predicate,
            scope,
            resource=self._resource,
            ended=lambda: self._end_of(scope),
            record=lambda: self._indexer.record(str(name)),
            set_aside=lambda: self._controller.set_aside.objects.get(str(name)),
            subscribe=self._or_at_the_end(scope, [partial(self._controller.observers.on_change, str(name))]),
        )

    def on_progress(self, callback: Callable[[], object], *, key: str | ObjectName | None = None) -> Callable[[], None]:
        """Call back after each step of the cache: a list, changes, a bookmark, or the end of a namespace.

        The callback runs in the informer's own thread, outside of all locks, when the objects and
        `resource_version_of` show the step. It must be short: the cache waits for it. Its exceptions are logged.

        Args:
            callback: takes no argument.
            key: call back only when the object of this key may have changed.

        Returns:
            A function that ends the callbacks.

        Raises:
            ConfigurationError: `callback` or `key` is invalid.
        """
        check_function("callback", callback, "", arguments=0, is_needed=True)
        name = key if key is None or isinstance(key, ObjectName) else ObjectName.parse(key)
        return self._controller.observers.on_change(None if name is None else str(name), callback)

    def _scope_of(self, namespace: str | None) -> Scope:
        """Return the list and watch that includes a namespace; one that has ended if it is not followed."""
        check_namespace_name(namespace)
        if not (namespace or self._is_of_all):
            raise ConfigurationError(
                f"the informer of {self._resource} follows single namespaces, each with a version of its own: "
                "name one, with namespace="
            )
        followed = self._reflectors.get(None if self._is_of_all else namespace)
        if followed is not None:
            return followed
        other = Scope(namespace, clock=self._clock)
        other.ended.set()
        return other

    def _end_of(self, scope: Scope) -> str:
        """Return why nothing more comes of a list and watch, as text; empty if it goes on."""
        if self._stop.is_set():
            return f"the informer of {self._resource} has been stopped"
        is_over = scope.ended.is_set()
        return f"the informer of {self._resource} does not follow namespace {scope.namespace!r}" if is_over else ""

    def _or_at_the_end(self, scope: Scope, subscribes: Iterable[Subscribe]) -> Subscribe:
        """Return what subscribes to all of these, and to the end of a list and watch."""
        everything = [self._stop.add_callback, scope.ended.add_callback, *subscribes]

        def subscribe(callback: Callable[[], object]) -> Callable[[], None]:
            withdrawals = [each(callback) for each in everything]

            def withdraw() -> None:
                for each in withdrawals:
                    each()

            return withdraw

        return subscribe
