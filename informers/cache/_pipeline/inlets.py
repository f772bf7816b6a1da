"""The reflectors of one informer: one for each namespace, or one for all.

Upstream: none; client-go has one informer for each namespace, or one for all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers._base.clock import Clock
from informers._base.exceptions import safe_text
from informers._base.threads import start_thread
from informers.cache._pipeline.cache_controller import CacheController
from informers.cache._pipeline.deltas import DeltaQueue, NamespaceRemoved, Replaced
from informers.cache._pipeline.scopes import Scope
from informers.cache._reflector.reflector import Reflector
from informers.cache._reflector.watch_failures import WatchFailure, WatchRecovery, named
from informers.cache._reflector.watch_session import Seen
from informers.cache.list_turns import ListTurns, check_list_turns
from informers.cache.sync import PartProgress, Syncable
from informers.cache.versions import sort_key
from informers.errors import ConfigurationError
from informers.options import ReflectorOptions
from informers.source.listwatch import ListerWatcher
from informers.source.records import Record
from informers.source.watch_events import BadObject

__all__ = ["NamespaceReflector", "Reflectors"]

T = TypeVar("T", default=Any)


@final
class NamespaceReflector(Scope, Generic[T]):
    """One list and watch, with the reflector that fills its informer's queue. Its first list can be waited for.

    Attributes:
        parts: none: it has no further parts to wait for.
        reflector: lists and watches.
        thread: the reflector's thread; None until it is started.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        source: ListerWatcher[T],
        queue: DeltaQueue[T],
        namespace: str | None,
        *,
        resource: str,
        options: ReflectorOptions | None,
        list_turns: ListTurns,
        clock: Clock,
    ) -> None:
        super().__init__(namespace, clock=clock)
        self._queue = queue
        self.source = source
        self.parts: Sequence[Syncable] = ()
        self.thread: threading.Thread | None = None
        self.reflector: Reflector[T] = Reflector(
            source,
            self,
            resource=resource,
            namespace=namespace,
            options=options,
            list_turns=list_turns,
            on_failure=self._report,
            on_recovery=self._report,
            clock=clock,
        )

    def start(self) -> threading.Thread:
        """Start its thread, once, and return it."""
        if self.thread is None:
            name = f"reflector-{self.reflector.progress.resource}" + (f"-{self.namespace}" if self.namespace else "")
            self.thread = start_thread(name, self.reflector.run)
        return self.thread

    @property
    def name(self) -> str:
        """Its name in messages."""
        return named(self.reflector.progress.resource, self.namespace)

    def why_not_synced(self) -> str:
        """Return in words what delays its first list, with its last error; empty if the list is in the cache."""
        if self.is_listed:
            return ""
        if self.ended.is_set():
            return "no longer followed"
        if self.thread is None:
            return "not started"
        progress = self.reflector.progress
        if progress.counts.lists:
            return "listed, not in the cache yet"
        error = progress.error
        return progress.state.value + (f", last error: {safe_text(error, str)}" if error is not None else "")

    def sync_progress(self) -> PartProgress:
        """Return the progress of its first list."""
        counts = self.reflector.progress.counts
        return PartProgress(name=self.name, objects=counts.listed, total=counts.total, synced=self.synced.is_set())

    def replace_records(self, records: Sequence[Record[T]], resource_version: str, *, bad: Sequence[BadObject]) -> None:
        """Queue a list."""
        self._queue.put(self, [Replaced(records, resource_version, bad)])

    def apply_events(self, events: Sequence[Seen[T]]) -> None:
        """Queue the events of a watch."""
        self._queue.put(self, events)

    def _report(self, what: WatchFailure | WatchRecovery) -> None:
        # By way of the queue, so that the user's handlers run in the controller's thread.
        self._queue.put(self, [what])


@final
class Reflectors(Generic[T]):
    """Reflectors by namespace; None for all namespaces. Their cache's controller follows the same ones.

    Raises:
        ConfigurationError: a namespace is not a name, or a source or `list_turns` is invalid.

    Thread safety: `add` and `remove` must not be called at the same time as each other; everything else may be.
    """

    def __init__(
        self,
        sources: Mapping[str | None, ListerWatcher[T]],
        *,
        queue: DeltaQueue[T],
        controller: CacheController[T],
        resource: str,
        options: ReflectorOptions | None,
        list_turns: ListTurns | None,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._controller = controller
        self._resource = resource
        self._list_turns = check_list_turns(list_turns) or ListTurns(clock=clock)
        self._options = options
        self._clock = clock
        self._by_namespace: dict[str | None, NamespaceReflector[T]] = {}
        for namespace, source in sources.items():
            self.add(namespace, source)

    def __iter__(self) -> Iterator[NamespaceReflector[T]]:
        return iter(self._by_namespace.copy().values())

    def __len__(self) -> int:
        return len(self._by_namespace)

    def start(self) -> Iterator[threading.Thread]:
        """Start those that do not run yet; yield all threads. None of several lists before all are started."""
        with self._list_turns.held() if len(self) > 1 else nullcontext():
            for followed in self:
                yield followed.start()

    def rename(self, resource: str) -> None:
        """Change the resource's name in messages."""
        self._resource = resource
        for followed in self:
            followed.reflector.rename(resource)

    def get(self, namespace: str | None) -> NamespaceReflector[T] | None:
        """Return the reflector of a namespace, or None."""
        return self._by_namespace.get(namespace)

    def __contains__(self, namespace: object) -> bool:
        return namespace in self._by_namespace

    def add(self, namespace: str | None, source: ListerWatcher[T]) -> NamespaceReflector[T]:
        """Add a reflector; it is not started.

        Raises:
            ConfigurationError: it exists already, or all namespaces are followed, or as the class says.
        """
        if not (namespace is None or (isinstance(namespace, str) and namespace)):
            raise ConfigurationError(f"namespace must be a name, for example 'default': got {namespace!r}")
        if None in self._by_namespace:
            raise ConfigurationError(f"the informer of {self._resource} follows all namespaces already")
        if namespace in self._by_namespace:
            raise ConfigurationError(f"the informer of {self._resource} follows namespace {namespace!r} already")
        made = NamespaceReflector(
            source,
            self._queue,
            namespace,
            resource=self._resource,
            options=self._options,
            list_turns=self._list_turns,
            clock=self._clock,
        )
        self._controller.follow(made)
        self._by_namespace[namespace] = made
        return made

    def remove(self, namespace: str) -> NamespaceReflector[T]:
        """Remove a reflector and its objects; the caller ends and stops it.

        Raises:
            ConfigurationError: the namespace is not followed.
        """
        found = self._by_namespace.get(namespace)
        if found is None or namespace is None:
            raise ConfigurationError(f"the informer of {self._resource} does not follow namespace {namespace!r}")
        # First of all: the cache may count as synced once its objects have left.
        self._controller.unfollow(found)
        del self._by_namespace[namespace]
        self._queue.end(found, NamespaceRemoved())
        return found

    @property
    def last_sync_resource_version(self) -> str:
        """The last resource version seen; empty before the first list. The newest of several namespaces."""
        return max((fed.reflector.last_sync_resource_version for fed in self), key=sort_key, default="")

    def sync_progress(self, name: str) -> PartProgress:
        """Return the progress of the present or last lists together; the total is known if it is for each."""
        parts = [fed.sync_progress() for fed in self]
        totals = [part.total for part in parts if part.total is not None]
        total = sum(totals) if len(totals) == len(parts) else None
        return PartProgress(name=name, objects=sum(part.objects for part in parts), total=total, synced=False)
