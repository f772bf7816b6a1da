"""The namespaces that an informer follows, and how they change while it runs.

Upstream: none; client-go's informers follow one fixed namespace, or all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import TypeVar

from informers._base.checks import check_namespace_name
from informers._base.signals import Signal
from informers._base.threads import join_all
from informers.cache._life import Life
from informers.cache._pipeline.deltas import DeltaQueue, Snapshot
from informers.cache.observed import ObservedCache
from informers.cache.sync import NamespaceSync
from informers.errors import AlreadyStartedError, ConfigurationError
from informers.source.listwatch import ListerWatcher

__all__ = ["FollowingCache"]

T = TypeVar("T", default=Any)


class FollowingCache(ObservedCache[T]):
    """Adds and removes namespaces, lists again, and begins with a saved cache. `SharedInformer` is one.

    Thread safety: all methods may be called from any thread.
    """

    # `SharedInformer` makes them.
    _queue: DeltaQueue[T]
    _life: Life[T]
    _is_resumed = False

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
        """Id of the process that it belongs to, if this one was forked from that while it ran; None otherwise.

        In the child it counts as stopped: to start or read it raises `ForkedError`, and `stop` does nothing. In its own
        process it goes on.
        """
        return self._life.inherited_from

    @property
    def last_sync_resource_version(self) -> str:
        """The last resource version seen; empty before the first list. The newest of several namespaces."""
        return self._reflectors.last_sync_resource_version

    def snapshot(self) -> Snapshot[T]:
        """Return the whole cache, and the versions from which watches can go on; also after `stop`.

        Raises:
            NotSyncedError: the cache is incomplete: not everything has been listed, or an object is set aside.
        """
        return self._controller.snapshot()

    def resume(self, snapshot: Snapshot[T]) -> None:
        """Begin with a saved cache, not a list. Call it before `start`.

        At the start, handlers receive the saved objects as adds. The informer is synced when the server has reported
        the changes since, by events, or by a list if it no longer remembers them.

        Raises:
            ConfigurationError: the cache was saved for other namespaces.
            AlreadyStartedError: it has been started.
            StoppedError: it has been stopped.
        """
        with self._life.lock:
            self._life.check()
            if self._life.started or self._is_resumed:
                raise AlreadyStartedError(
                    f"the informer of {self._resource} has been {'started' if self._life.started else 'loaded'} already"
                )
            if set(self.namespaces) != set(snapshot.versions):
                raise ConfigurationError(
                    f"it is of {_named(snapshot.versions)}; the informer of {self._resource} follows "
                    f"{_named(self.namespaces)}"
                )
            self._is_resumed = True
            for number, fed in enumerate(self._reflectors):
                if not number:
                    # The queue is empty, so this does not wait; the controller takes it first, for all scopes.
                    self._queue.put(fed, [snapshot])
                fed.reflector.resume(snapshot.versions[fed.namespace])

    def add_namespace(self, namespace: str, source: ListerWatcher[T]) -> NamespaceSync:
        """Follow one more namespace; for an informer that was made with a source for each namespace.

        Handlers receive its existing objects as adds of the initial list. `has_synced` stays true.

        Returns:
            A wait for its first list: `bool(added.wait(timeout=60))` is true once it is in the cache.

        Raises:
            ConfigurationError: the name or the source is invalid, the namespace is followed already, or the informer
                follows all namespaces.
            StoppedError: the informer has been stopped.
        """
        with self._life.lock:
            self._life.check()
            fed = self._reflectors.add(namespace, source)
            if self._life.started:
                try:
                    self._life.note(fed.start())
                except BaseException:
                    # The system has no thread left; as in `add_event_handler`.
                    self._reflectors.remove(namespace).ended.set()
                    raise
        return NamespaceSync(namespace, lambda: [fed], clock=self._clock)

    def remove_namespace(self, namespace: str) -> None:
        """Stop following a namespace: its objects leave the cache, and handlers receive them as tombstones.

        Returns when its thread has ended; in a thread of this package, for example in a handler, at once.

        Raises:
            ConfigurationError: it is not followed.
        """
        self.leave_namespace(namespace)()

    def leave_namespace(self, namespace: str) -> Callable[[], None]:
        """Begin to remove a namespace; return a function that does the rest of `remove_namespace`.

        A factory leaves a namespace with all its informers in one step. It calls these functions under no lock, since
        callbacks and sources may be the user's.

        Raises:
            ConfigurationError: it is not followed.
        """
        check_namespace_name(namespace)
        with self._life.lock:
            fed = self._reflectors.remove(namespace)

        def end() -> None:
            fed.ended.set()
            fed.reflector.stop()
            if fed.thread is not None:
                join_all([fed.thread], timeout=None)

        return end

    def relist(self, namespace: str | None = None) -> None:
        """Make a new connection and a new list of the server's present objects; returns at once.

        Use it if you know that the cache is behind, for example after a write was refused by a conflict. Handlers,
        indexers and registrations stay; handlers receive only the changes. Meanwhile the old content can be read, and
        `health` reports that the cache is not live. Does nothing before the start, which lists anyway.

        Hazard: the server reads the list from its storage. Do not call this in a loop.

        Args:
            namespace: one that the informer lists and watches separately; None for all.

        Raises:
            ConfigurationError: the informer does not follow this namespace separately.
            StoppedError: the informer has been stopped.
            ForkedError: it belongs to the process that this one was forked from.
        """
        self._life.check()
        check_namespace_name(namespace)
        if namespace is not None and namespace not in self._reflectors:
            raise ConfigurationError(
                f"the informer of {self._resource} has no list of namespace {namespace!r} alone: it follows "
                f"{_named(self.namespaces)}"
            )
        for fed in self._reflectors:
            if namespace is None or fed.namespace == namespace:
                fed.reflector.relist()


def _named(namespaces: Iterable[str | None]) -> str:
    """Return namespaces as text."""
    names = sorted(name for name in namespaces if name is not None)
    return f"namespaces {', '.join(names)}" if names else "all namespaces"
