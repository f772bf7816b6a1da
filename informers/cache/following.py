"""Which namespaces an informer follows, and from where: what changes of that while it runs.

Upstream: none; client-go's informers follow one namespace or all, from their making to their end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typing_extensions import TypeVar

from informers._base.checks import check_namespace_name
from informers._base.clock import Clock
from informers._base.signals import Signal
from informers._base.threads import join_all
from informers.cache._life import Life
from informers.cache._pipeline.cache_controller import CacheController
from informers.cache._pipeline.deltas import DeltaQueue, Snapshot
from informers.cache._pipeline.inlets import Reflectors
from informers.cache.indexer import Indexer
from informers.cache.observed import ObservedCache
from informers.cache.sync import NamespaceSync
from informers.errors import AlreadyStartedError, ConfigurationError
from informers.source.listwatch import ListerWatcher

__all__ = ["FollowingCache"]

T = TypeVar("T", default=Any)


class FollowingCache(ObservedCache[T]):
    """Adds and removes namespaces, lists again, and begins with what was saved. `SharedInformer` is one.

    Args:
        resource: names the resource in messages.
        controller: changes the cache.
        reflectors: what is followed.
        queue: what they fill.
        indexer: the cache.
        life: whether it runs.
        stop: raised when nothing more comes.
        clock: for waiting.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        resource: str,
        *,
        controller: CacheController[T],
        reflectors: Reflectors[T],
        queue: DeltaQueue[T],
        indexer: Indexer[T],
        life: Life,
        stop: Signal,
        clock: Clock,
    ) -> None:
        super().__init__(
            resource, controller=controller, reflectors=reflectors, indexer=indexer, stop=stop, clock=clock
        )
        self._queue = queue
        self._life = life
        self._is_resumed = False

    @property
    def name(self) -> str:
        """The resource."""
        return self._resource

    @property
    def ended(self) -> Signal:
        """Raised when it is stopped."""
        return self._stop

    @property
    def is_started(self) -> bool:
        """Whether it has been started."""
        return self._life.started

    @property
    def is_stopped(self) -> bool:
        """Whether it has been stopped."""
        return self._life.stopped

    @property
    def inherited_from(self) -> int | None:
        """Id of the process that it belongs to, where this one was forked from that while it ran; None otherwise.

        Then it counts as stopped here: it can be neither started nor read (`ForkedError`), and `stop` does nothing. In
        the process that it belongs to it goes on.
        """
        return self._life.inherited_from

    @property
    def last_sync_resource_version(self) -> str:
        """The last resource version seen; empty before the first list. Of several namespaces, the newest."""
        return self._reflectors.last_sync_resource_version

    def snapshot(self) -> Snapshot[T]:
        """Return the whole cache as it is, and from where a watch can go on; also after `stop`.

        Raises:
            NotSyncedError: it is not whole: not all has been listed, or an object is set aside.
        """
        return self._controller.snapshot()

    def resume(self, snapshot: Snapshot[T]) -> None:
        """Begin with what was saved, and not with a list; to be called before `start`.

        The objects come into the cache at the start, as adds. It has synced when the server has said what has happened
        since: by events, or by a list where it does not remember that.

        Raises:
            ConfigurationError: what was saved is of other namespaces.
            AlreadyStartedError: it has been started.
            StoppedError: it has been stopped.
        """
        with self._life.lock:
            self._life.check()
            if self._life.started or self._is_resumed:
                raise AlreadyStartedError(
                    f"the informer of {self._resource} has been {'started' if self._life.started else 'loaded'} already"
                )
            namespaces = {namespace for namespace, _ in self._reflectors}
            if namespaces != set(snapshot.versions):
                raise ConfigurationError(
                    f"it is of {_named(snapshot.versions)}; the informer of {self._resource} follows "
                    f"{_named(namespaces)}"
                )
            self._is_resumed = True
            for number, (namespace, fed) in enumerate(self._reflectors):
                if not number:
                    # The queue is empty, so this does not wait; the controller takes it first, for all scopes.
                    self._queue.put(fed.scope, [snapshot])
                fed.reflector.resume(snapshot.versions[namespace])

    def add_namespace(self, namespace: str, source: ListerWatcher[T]) -> NamespaceSync:
        """Follow one namespace more; of an informer that was made with a source for each.

        What is in it already comes as adds of the initial list. `has_synced` stays true if it was.

        Returns:
            What to wait for: `bool(added.wait(timeout=60))` says whether its first list is in the cache.

        Raises:
            ConfigurationError: it is there already, or the informer follows all namespaces; or it is not a name, or
                `source` no source.
            StoppedError: the informer has been stopped.
        """
        with self._life.lock:
            self._life.check()
            fed = self._reflectors.add(namespace, source)
            self._controller.follow(fed.scope)
            if self._life.started:
                try:
                    self._life.note(fed.start())
                except BaseException:
                    # As for a handler: see there.
                    self._controller.unfollow(fed.scope)
                    self._reflectors.remove(namespace)
                    raise
        return NamespaceSync(namespace, lambda: [fed], clock=self._clock)

    def remove_namespace(self, namespace: str) -> None:
        """Follow a namespace no longer: its objects leave the cache, and handlers get tombstones of them.

        Returns when its thread has ended; in a thread of this package, for example a handler, at once.

        Raises:
            ConfigurationError: it is not followed.
        """
        check_namespace_name(namespace)
        with self._life.lock:
            followed = self._reflectors.get(namespace)
            if followed is not None:
                # First of all: what counts as synced is decided when its objects have left the cache.
                self._controller.unfollow(followed.scope)
            fed = self._reflectors.remove(namespace)
        # Not under the lock: the source may be the user's.
        fed.stop()
        if fed.thread is not None:
            join_all([fed.thread], timeout=None)

    def relist(self, namespace: str | None = None) -> None:
        """Make a new connection and a new list, of what the server has now; returns at once.

        For anyone who knows that the cache is behind: a write was refused by a conflict, or a user asks for it.
        Handlers, indexers and registrations stay; handlers are told what has changed, and nothing of what has not. It
        costs the server a list, which it reads from its storage: do not call it in a loop. While the list is under way
        the cache can be read as it was, and `health` says that it is not live. Does nothing before the start, since
        that begins with a list.

        Args:
            namespace: one of those that the informer has a list and watch for; None for all of them.

        Raises:
            ConfigurationError: it does not follow this namespace alone.
            StoppedError: the informer has been stopped.
            ForkedError: it runs in the process that this one was forked from.
        """
        self._life.check()
        check_namespace_name(namespace)
        if namespace is not None and namespace not in self._reflectors:
            raise ConfigurationError(
                f"the informer of {self._resource} has no list of namespace {namespace!r} alone: it follows "
                f"{_named({name for name, _ in self._reflectors})}"
            )
        for name, fed in self._reflectors:
            if namespace is None or name == namespace:
                fed.reflector.relist()


def _named(namespaces: Iterable[str | None]) -> str:
    """Return namespaces in words."""
    names = sorted(name for name in namespaces if name is not None)
    return f"namespaces {', '.join(names)}" if names else "all namespaces"
