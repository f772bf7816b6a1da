"""The reflectors of one informer: one for each namespace, or one for all.

Upstream: none; client-go has one informer for each namespace, or one for all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, final

import attrs
from typing_extensions import TypeVar

from informers._base.clock import Clock
from informers._base.threads import start_thread
from informers.cache._pipeline.deltas import DeltaQueue, Feed, Forgotten, Replaced
from informers.cache._reflector.reflector import Reflector
from informers.cache._reflector.watch_failures import WatchFailure
from informers.cache._reflector.watch_session import Seen
from informers.errors import ConfigurationError
from informers.options import ReflectorOptions
from informers.source.events import Bookmark
from informers.source.listwatch import ListerWatcher
from informers.source.records import Record

__all__ = ["FedReflector", "Reflectors"]

T = TypeVar("T", default=Any)


@final
class FedReflector(Generic[T]):
    """A reflector that fills its informer's queue, by a way that can be shut.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        source: ListerWatcher[T],
        feed: Feed[T],
        *,
        resource: str,
        namespace: str | None,
        options: ReflectorOptions | None,
        clock: Clock,
    ) -> None:
        self._feed = feed
        self._namespace = namespace
        self._resource = resource
        self.source = source
        #: Set when it is started.
        self.thread: threading.Thread | None = None
        self.reflector: Reflector[T] = Reflector(
            source,
            self,
            resource=resource,
            namespace=namespace,
            options=options,
            on_failure=self._failed,
            clock=clock,
        )

    def start(self) -> threading.Thread:
        """Start its thread; return that, also the second time."""
        if self.thread is None:
            name = f"reflector-{self._resource}" + (f"-{self._namespace}" if self._namespace else "")
            self.thread = start_thread(name, self.reflector.run)
        return self.thread

    def replace_records(self, records: Sequence[Record[T]], resource_version: str, *, keep: Sequence[str]) -> None:
        """Queue a list."""
        self._feed.put([Replaced(records, resource_version, self._namespace, keep)])

    def apply_events(self, events: Sequence[Seen[T]]) -> None:
        """Queue what a watch said."""
        if self._namespace is not None:
            events = [
                attrs.evolve(event, namespace=self._namespace) if isinstance(event, Bookmark) else event
                for event in events
            ]
        self._feed.put(events)

    def stop(self) -> None:
        """End the reflector within a moment."""
        self.reflector.stop()

    def forget(self, namespace: str) -> None:
        """Let nothing more of it into the queue, and have what it brought leave the cache."""
        self._feed.end(Forgotten(namespace))

    def _failed(self, failure: WatchFailure) -> None:
        # By way of the queue, so that the error handler runs where users' code may.
        self._feed.put([failure])


@final
class Reflectors(Generic[T]):
    """Reflectors by namespace; None for all namespaces.

    Args:
        sources: where each gets its objects.
        queue: what they fill.
        resource: names the resource in messages.
        options: how they list and watch.
        clock: for waiting.

    Raises:
        ConfigurationError: a namespace is no name, or a source none.

    Thread safety: `add` and `remove` must not be called at the same time as each other; everything else may be.
    """

    def __init__(
        self,
        sources: Mapping[str | None, ListerWatcher[T]],
        *,
        queue: DeltaQueue[T],
        resource: str,
        options: ReflectorOptions | None,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._resource = resource
        self._options = options
        self._clock = clock
        #: Replaced, never mutated, so it may be read at any time.
        self._by_namespace: Mapping[str | None, FedReflector[T]] = {}
        for namespace, source in sources.items():
            self.add(namespace, source)

    def __iter__(self) -> Iterator[tuple[str | None, FedReflector[T]]]:
        return iter(self._by_namespace.items())

    def __contains__(self, namespace: object) -> bool:
        return namespace in self._by_namespace

    def add(self, namespace: str | None, source: ListerWatcher[T]) -> FedReflector[T]:
        """Add one; it is not started.

        Raises:
            ConfigurationError: there is one for it already, or one for all; or as the class says.
        """
        if None in self._by_namespace:
            raise ConfigurationError(f"the informer of {self._resource} follows all namespaces already")
        if namespace in self._by_namespace:
            raise ConfigurationError(f"the informer of {self._resource} follows namespace {namespace!r} already")
        if not (namespace is None or (isinstance(namespace, str) and namespace)):
            raise ConfigurationError(f"namespace must be a name such as 'default': got {namespace!r}")
        made = FedReflector(
            source,
            self._queue.feed(),
            resource=self._resource,
            namespace=namespace,
            options=self._options,
            clock=self._clock,
        )
        self._by_namespace = {**self._by_namespace, namespace: made}
        return made

    def remove(self, namespace: str) -> FedReflector[T]:
        """Take one out, and forget what it brought; it is not stopped.

        Raises:
            ConfigurationError: there is none.
        """
        found = self._by_namespace.get(namespace)
        if found is None or namespace is None:
            raise ConfigurationError(f"the informer of {self._resource} does not follow namespace {namespace!r}")
        self._by_namespace = {name: other for name, other in self._by_namespace.items() if name != namespace}
        found.forget(namespace)
        return found

    @property
    def last_sync_resource_version(self) -> str:
        """The last resource version seen; empty before the first list. Of several namespaces, the newest."""
        versions = [fed.reflector.last_sync_resource_version for _, fed in self]
        return max(versions, key=lambda version: (len(version), version), default="")

    @property
    def listed(self) -> int:
        """How many objects the lists under way, or else the last, have brought."""
        return sum(fed.reflector.progress.listed for _, fed in self)

    @property
    def total(self) -> int | None:
        """How many they have in all, as far as the server says that of each; None where it does not."""
        totals = [fed.reflector.progress.total for _, fed in self]
        known = [total for total in totals if total is not None]
        return sum(known) if len(known) == len(totals) else None
