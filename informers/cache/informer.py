"""The shared informer: wires reflectors, queue, controller, cache and handlers, and starts and stops them.

Upstream: k8s.io/client-go/tools/cache/shared_informer.go (v0.37).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast, final

from typing_extensions import TypeVar

from informers._base.checks import check_function, check_period, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import OfOneProcess, on_fork
from informers._base.signals import Signal
from informers._base.threads import join_all
from informers.cache._contents import Contents
from informers.cache._life import Life
from informers.cache._pipeline.cache_controller import CacheController, Transform
from informers.cache._pipeline.deltas import DeltaQueue
from informers.cache._pipeline.inlets import Reflectors
from informers.cache._pipeline.latency import Latency
from informers.cache._pipeline.processor import Listener
from informers.cache._pipeline.set_aside import SetAside
from informers.cache._reflector.watch_failures import WatchErrorHandler, WatchRecoveryHandler
from informers.cache.following import FollowingCache
from informers.cache.handlers import Callbacks, ResourceEventHandler, ResourceEventHandlerFuncs
from informers.cache.health import InformerHealth, handler_health, inherited_health, watch_health
from informers.cache.indexer import Indexer
from informers.cache.list_turns import ListTurns
from informers.cache.registration import Registration
from informers.cache.sync import PartProgress, Syncable
from informers.errors import ConfigurationError
from informers.options import IndexFunction, ReflectorOptions, check_options
from informers.source.listwatch import ListerWatcher
from informers.source.records import HeldRecord, Record

__all__ = ["SharedInformer"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")


@final
class SharedInformer(OfOneProcess, FollowingCache[T]):
    """A local cache of a resource, which follows the server and notifies handlers of changes.

    Guarantees:

    1. The cache shows states that the object had on the server, in their order; not necessarily every state.
    2. The cache shows an event before any handler receives it.
    3. Each handler receives for each object: an add, any number of updates, a delete, and so on again; one event at a
       time, in the order of the cache.
    4. A handler receives the deletion of each object that it received. If the deletion was missed, a later list
       shows it, and the handler receives a `DeletedFinalStateUnknown`.
    5. A handler that is added late receives the existing objects as adds; none is missing or repeated.
    6. No handler waits for another. A handler's exceptions, and its changes of objects, affect neither the other
       handlers nor the cache.
    7. While the cache can't follow the server, `health` reports that, and the informer retries until it is stopped.
    8. One uid has one history. An object that was deleted and created again while no watch was open becomes a deletion
       of the old one, by a tombstone, and an addition of the new one. No older state follows a newer one, unless the
       server itself went back: a list after a backup was restored.

    Args:
        source: the source of the objects; or a mapping of namespaces to their sources.
        resource: names the resource in messages.
        resync_period: seconds, plus up to a tenth at random, after which a handler receives every object again, without
            a request; 0 for never. `SharedInformerFactory` describes the hazard.
        indexers: index functions by name.
        transform: changes each object before it is stored; see `informers.cache.Transform`.
        makes_objects: make each object once when it is received, so that one that can't be made is set aside. Otherwise
            the failure only shows when the object is read. For classes of your own.
        restore: makes a record of the transform's result.
        watch_error_handler: notified of every failure.
        watch_recovery_handler: notified when a watch works again after failures, with the length of the outage.
        options: how to list and watch.
        list_turns: limits how many lists run at a time, in all informers that share it; None for 16 of its own.
        clock: for waiting.

    Raises:
        ConfigurationError: an argument is wrong.

    Thread safety: all methods may be called from any thread, including from handlers; but not from a signal handler
    (`signal.signal`), which may interrupt code that holds a lock: only set a `Signal` there.

    Upstream: k8s.io/client-go/tools/cache/shared_informer.go SharedIndexInformer (v0.37).
    """

    def __init__(
        self,
        source: ListerWatcher[T] | Mapping[str, ListerWatcher[T]],
        *,
        resource: str = "objects",
        resync_period: float = 0.0,
        indexers: Mapping[str, IndexFunction[T]] | None = None,
        transform: Transform[T] | None = None,
        makes_objects: bool = False,
        restore: Callable[[T], Record[T]] = HeldRecord,
        watch_error_handler: WatchErrorHandler | None = None,
        watch_recovery_handler: WatchRecoveryHandler | None = None,
        options: ReflectorOptions | None = None,
        list_turns: ListTurns | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        check_function("transform", transform, "obj")
        check_function("watch_error_handler", watch_error_handler, "failure")
        check_function("watch_recovery_handler", watch_recovery_handler, "recovery")
        is_mapping = isinstance(source, Mapping)
        sources = cast("Mapping[str | None, ListerWatcher[T]]", source if is_mapping else {None: source})
        self._resource = resource
        check_options(options)
        self._uniform = (options or ReflectorOptions()).uniform
        self._resync_period = check_period("resync_period", resync_period)
        self._clock = clock
        self._stop = Signal(clock=clock)
        self._synced = Signal(clock=clock)
        self._queue = DeltaQueue(clock=clock)
        # Threads must not reference this informer: it ends when nobody else does.
        set_aside = SetAside(resource, watch_error_handler, watch_recovery_handler)
        self._contents: Contents[T] = Contents(set_aside.report_index_failure)
        self._indexer = Indexer(self._contents)
        self._controller = controller = CacheController(
            queue=self._queue,
            contents=self._contents,
            set_aside=set_aside,
            restore=restore,
            transform=transform,
            makes_objects=makes_objects,
            synced=self._synced,
            stop=self._stop,
            clock=clock,
        )
        if indexers:
            self._contents.add_indexers(indexers)
        self._reflectors = Reflectors(
            sources,
            queue=self._queue,
            controller=controller,
            resource=resource,
            options=options,
            list_turns=list_turns,
            clock=clock,
        )
        self._is_of_all = None in self._reflectors
        self._life: Life[T] = Life(
            resource, controller=controller, reflectors=self._reflectors, queue=self._queue, stop=self._stop
        )
        self._made = clock.monotonic()
        self._handlers_so_far = 0
        on_fork(self._forked)

    def __repr__(self) -> str:
        if self._life.inherited_from is not None:
            return f"<SharedInformer {self._resource} of process {self._life.inherited_from}, inherited by a fork>"
        state = "stopped" if self.is_stopped else "synced" if self.has_synced else "not synced"
        return (
            f"<SharedInformer {self._resource} {state}, {len(self._indexer)} objects "
            f"rv={self._indexer.resource_version} handlers={len(self._controller.listeners)}>"
        )

    def rename(self, name: str) -> None:
        """Change the resource's name in health, logs, errors and failures.

        A factory with two versions of one resource adds the versions to their names.

        Args:
            name: for example `gizmos.example.com v2`.
        """
        self._resource = name
        self._life.resource = name
        self._controller.set_aside.resource = name
        self._reflectors.rename(name)

    @property
    def indexer(self) -> Indexer[T]:
        """Reads the cache."""
        return self._indexer

    @property
    def has_synced(self) -> bool:
        """Whether the first list, or the changes since a snapshot, are in the cache; stays true.

        With several namespaces, the first list of each; for one that is added later see `add_namespace`. False for an
        informer that follows nothing, or nothing that has been listed. Whether the cache is fresh is in `health`.
        """
        return self._synced.is_set() and self._controller.has_lists

    @property
    def synced(self) -> Signal:
        """Raised when `has_synced` becomes true."""
        return self._synced

    @property
    def parts(self) -> Sequence[Syncable]:
        """The namespaces that were added after it synced and are not listed yet."""
        if not self._synced.is_set():
            return ()
        return [fed for fed in self._reflectors if not fed.synced.is_set()]

    def why_not_synced(self) -> str:
        """Return in words what delays the first list, with its last error; empty if it is in the cache."""
        if self.has_synced:
            return ""
        if not len(self._reflectors):
            return "it follows no namespace"
        if not (self._life.started or self._life.stopped):
            return "not started: call start() of its factory, or its own"
        return self.health().reason

    def sync_progress(self) -> PartProgress:
        """Return the progress of the first list; cheaper than `health`."""
        if self.has_synced:
            return PartProgress(name=self.name, objects=len(self._indexer), total=len(self._indexer), synced=True)
        return self._reflectors.sync_progress(self.name)

    def add_event_handler(
        self,
        handler: ResourceEventHandler[T] | ResourceEventHandlerFuncs[T],
        *,
        resync_period: float | None = None,
    ) -> Registration[T]:
        """Add a handler. It receives the existing objects as adds, then every change.

        A handler that is added twice receives everything twice.

        Args:
            handler: see `ResourceEventHandler`.
            resync_period: seconds after which it receives every object again; 0 for never, None for the informer's.

        Raises:
            ConfigurationError: the handler or the period is invalid.
            StoppedError: the informer has been stopped.
        """
        callbacks = Callbacks.of(handler)
        period = self._resync_period if resync_period is None else check_period("resync_period", resync_period)
        listener: Listener[T] = Listener(
            callbacks,
            resync_period=period,
            resync=self._controller.resync,
            uniform=self._uniform,
            clock=self._clock,
        )
        with self._life.lock:
            self._life.check(f"handler {callbacks.name} was not added: ")
            self._controller.join(listener)
            self._handlers_so_far += 1
            if self._life.started:
                try:
                    self._start_listener(listener, self._handlers_so_far)
                except BaseException:
                    # The system has no thread left. Without a thread, its events would pile up.
                    self._controller.leave(listener)
                    raise
        return Registration(listener, self)

    def remove_event_handler(self, registration: Registration[T]) -> None:
        """Remove a handler, as `Registration.remove` does.

        Undelivered events are dropped; a call in progress goes on: wait for it with `registration.join()`. A second
        removal does nothing.

        Raises:
            ConfigurationError: the argument is not a registration of this informer.
        """
        if not isinstance(registration, Registration):
            raise ConfigurationError(
                f"expected the registration that add_event_handler returned: got {type(registration).__name__}"
            )
        if registration._informer is not self:  # noqa: SLF001  the two are one thing
            raise ConfigurationError(
                f"this is the registration of a {registration.name}: another informer has it, not this one of "
                f"{self._resource}; call its remove()"
            )
        if self._life.inherited_from is None:
            self._controller.leave(registration._listener)  # noqa: SLF001

    def add_indexers(self, indexers: Mapping[str, IndexFunction[T]]) -> None:
        """Add index functions, before or after the start.

        If an index function raises, or returns something other than strings, the object is left out of its index, and
        the error handler is notified. A function that has the same name already is not added again.

        Raises:
            ConfigurationError: a name is used for another function, or a value is not a function.
            StoppedError: the informer has been stopped.
        """
        self._life.check("indexers were not added: ")
        self._contents.add_indexers(indexers)

    def start(self) -> None:
        """Begin to follow the server; returns at once. Does nothing if it runs already.

        Raises:
            StoppedError: it has been stopped, and can't be started again.
            ForkedError: it belongs to the process that this one was forked from.
        """
        with self._life.lock:
            self._life.check(advice=": a new one must take its place")
            if self._life.started:
                return
            # If the system had no thread left half way, the next start continues from there.
            if not self._life.threads:
                self._life.begin(self)
            for number, listener in enumerate(self._controller.listeners, start=1):
                self._start_listener(listener, number)
            for thread in self._reflectors.start():
                self._life.note(thread)
            self._life.started = True

    def stop(self, timeout: float | None = None) -> bool:
        """Stop following the server and delivering events; the cache can still be read.

        Undelivered events are dropped. Returns when every thread has ended, including those of removed handlers; in a
        thread of this package, for example in a handler, at once.

        Args:
            timeout: seconds to wait at most; None to wait for the handlers' last calls.

        Returns:
            Whether every thread has ended.

        Raises:
            ConfigurationError: `timeout` is not valid.
        """
        check_timeout(timeout)
        if self._life.inherited_from is not None:
            return True
        self._life.end()
        return join_all(self._life.threads, timeout=timeout, remind=self._remind)

    def health(self) -> InformerHealth:
        """Return the present health."""
        if self._life.inherited_from is not None:
            return inherited_health(self._resource, self._life.inherited_from)
        busy_since = self._controller.busy_since
        now = self._clock.monotonic()
        records = self._indexer.records()
        return InformerHealth(
            resource=self._resource,
            started=self._life.started,
            stopped=self._life.stopped,
            synced=self.has_synced,
            objects=len(records),
            bytes=sum(record.size for record in records),
            resource_version=self._indexer.resource_version,
            queued=len(self._queue),
            watches=tuple(watch_health(fed.namespace, fed.reflector, now) for fed in self._reflectors),
            handlers=tuple(handler_health(listener, now) for listener in self._controller.listeners),
            set_aside=dict(self._controller.set_aside.objects),
            set_aside_total=self._controller.set_aside.total,
            latencies=None if self._controller.latency is None else self._controller.latency.look(),
            busy_for=None if busy_since is None else now - busy_since,
            age=now - self._made,
        )

    def measure_latencies(self) -> None:
        """Begin to measure the durations from the queue into the cache, for `health`."""
        with self._life.lock:
            if self._controller.latency is None:
                self._controller.latency = Latency()

    def _forked(self, parent: int) -> tuple[int, ...]:
        """Give up threads and cache in a forked child: the threads do not exist, the cache may be half changed."""
        if self._life.inherit(parent):
            # New signals: waits in this process end, and the callbacks of the old ones are the parent's.
            self._synced = Signal(clock=self._clock)
            self._stop = Signal(clock=self._clock)
            self._stop.set()
            self._contents.bar(f"the cache of {self._resource}", parent)
            for fed in self._reflectors:
                fed.empty()
        return ()

    def _start_listener(self, listener: Listener[T], number: int) -> None:
        listener.start(f"handler-{self._resource}-{number}")
        if listener.thread is not None:
            self._life.note(listener.thread)

    def _remind(self, running: Iterable[threading.Thread]) -> None:
        names = ", ".join(thread.name for thread in running)
        _log.warning("stop of %s waits for %s: %s", self._resource, names, self.health().busy or "no handler is busy")
