"""The shared informer: wires reflectors, queue, controller, cache and handlers, and gives them a life.

Upstream: k8s.io/client-go/tools/cache/shared_informer.go (v0.37).
"""

from __future__ import annotations

import functools
import logging
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, cast, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_function, check_period, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import OfOneProcess, new_lock, on_fork
from informers._base.signals import Signal
from informers._base.threads import join_all, start_thread
from informers.cache._contents import Contents
from informers.cache._pipeline.controller import Controller, Transform
from informers.cache._pipeline.deltas import DeltaQueue, Snapshot
from informers.cache._pipeline.inlets import Reflectors
from informers.cache._pipeline.latency import Latency
from informers.cache._pipeline.processor import Listener
from informers.cache._reflector.watch_failures import WatchErrorHandler, WatchRecoveryHandler
from informers.cache.handlers import Callbacks, ResourceEventHandler, ResourceEventHandlerFuncs
from informers.cache.health import InformerHealth, handler_health, inherited_health, watch_health
from informers.cache.indexer import Indexer
from informers.cache.observed import ObservedCache
from informers.cache.registration import Registration
from informers.cache.sync import NamespaceSync, PartProgress, Syncable
from informers.errors import AlreadyStartedError, ConfigurationError, ForkedError, StoppedError
from informers.options import IndexFunction, ReflectorOptions, check_options
from informers.source.listwatch import ListerWatcher
from informers.source.records import HeldRecord, Record

__all__ = ["SharedInformer"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")


@final
class SharedInformer(OfOneProcess, ObservedCache[T]):
    """A local cache of a resource that follows the server, and tells handlers what changes.

    What it promises:

    1. The states of an object that the cache shows are some of those that it had on the server, in their order.
    2. Once a list or watch event is in, the cache shows it before any handler is told.
    3. Each handler is told of each object: added, then updated any number of times, then deleted, and so on again;
       one event at a time, in the order of the cache.
    4. A deletion is never lost. One that was missed is told as a `DeletedFinalStateUnknown` after the next list.
    5. A handler that joins late is told of what is there as adds; nothing is left out or told twice.
    6. No handler waits for another, and what one raises or does to an object reaches no other, nor the cache.
    7. While it can't follow the server, `health` says so, and it tries again until it is stopped.

    8. One uid has one history. An object that was deleted and created again while nobody watched is told as the
       deletion of the old one, by a tombstone, and the addition of the new one. No older state follows a newer one,
       unless the server itself went back: a list after a backup was restored.

    What it does not: not every state of an object is seen.

    Args:
        source: where objects come from; or one source for each namespace, by its name.
        resource: names the resource in messages.
        resync_period: seconds, and at random up to a tenth more, after which a handler is told of every object again,
            without any request; 0 for never. For what it costs see `SharedInformerFactory`.
        indexers: index functions by name.
        transform: changes each object before it is stored; see `informers.cache.Transform`.
        makes_objects: make each object once as it comes, so that one that can't be made is set aside; otherwise that
            shows when it is read, for who makes objects by code of the user's.
        restore: makes a record of what the transform returned.
        watch_error_handler: told of every failure.
        watch_recovery_handler: told when a watch works again after failures, and after how long.
        options: how to list and watch.
        clock: for waiting.

    Raises:
        ConfigurationError: an argument is wrong.

    Thread safety: all methods may be called from any thread, also within handlers; not from a signal handler
    (`signal.signal`), which runs in the midst of whatever holds a lock: let that raise a flag.

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
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        check_function("transform", transform, "obj")
        check_function("watch_error_handler", watch_error_handler, "failure")
        check_function("watch_recovery_handler", watch_recovery_handler, "recovery")
        if isinstance(source, Mapping):
            sources: Mapping[str | None, ListerWatcher[T]] = cast("Mapping[str | None, ListerWatcher[T]]", source)
        else:
            sources = {None: source}
        self._resource = resource
        check_options(options)
        self._uniform = (options or ReflectorOptions()).uniform
        self._resync_period = check_period("resync_period", resync_period)
        self._clock = clock
        self._lifecycle = new_lock()
        self._started = False
        self._stopped = False
        self._is_resumed = False
        #: Raised after `_stopped` is set: that is under the lock, this is not, since it calls back.
        self._stop = Signal(clock=clock)
        self._synced = Signal(clock=clock)
        self._queue: DeltaQueue[T] = DeltaQueue(clock=clock)

        # What threads run must not hold this informer: then it ends when nobody else does.
        def index_failed(index: str, key: str, error: Exception) -> None:
            controller.set_aside.report_index_failure(index, key, error)

        self._contents: Contents[T] = Contents(index_failed)
        self._controller: Controller[T] = Controller(
            resource,
            queue=self._queue,
            contents=self._contents,
            restore=restore,
            transform=transform,
            makes_objects=makes_objects,
            on_failure=watch_error_handler,
            on_recovery=watch_recovery_handler,
            synced=self._synced,
            stop=self._stop,
            clock=clock,
        )
        controller = self._controller
        if indexers:
            self._contents.add_indexers(indexers)
        self._reflectors: Reflectors[T] = Reflectors(
            sources, queue=self._queue, resource=resource, options=options, clock=clock
        )
        super().__init__(
            resource,
            controller=self._controller,
            reflectors=self._reflectors,
            indexer=Indexer(self._contents),
            stop=self._stop,
            clock=clock,
        )
        for _, reflector in self._reflectors:
            self._controller.follow(reflector.scope)
        self._made = clock.monotonic()
        #: Those that may still run, also of handlers and namespaces that have been removed. Replaced, never mutated.
        self._threads: list[threading.Thread] = []
        #: How many there may be before those that have ended are dropped.
        self._threads_limit = 16
        self._handlers_so_far = 0
        #: Runs when this was started and nobody holds it any more.
        self._finalizer: weakref.finalize[..., SharedInformer[T]] | None = None
        self._inherited_from: int | None = None
        on_fork(self._forked)

    def __repr__(self) -> str:
        if self._inherited_from is not None:
            return f"<SharedInformer {self._resource} of process {self._inherited_from}, inherited by a fork>"
        state = "stopped" if self.is_stopped else "synced" if self.has_synced else "not synced"
        return (
            f"<SharedInformer {self._resource} {state}, {len(self._indexer)} objects "
            f"rv={self._indexer.resource_version} handlers={len(self._controller.listeners)}>"
        )

    @property
    def name(self) -> str:
        """The resource."""
        return self._resource

    def rename(self, name: str) -> None:
        """Call the resource otherwise in health, logs, errors and failures from now on.

        A factory that has two versions of one resource adds the versions to their names.

        Args:
            name: for example `gizmos.example.com v2`.
        """
        self._resource = name
        self._controller.rename(name)
        self._reflectors.rename(name)

    @property
    def indexer(self) -> Indexer[T]:
        """The cache, for reading."""
        return self._indexer

    @property
    def has_synced(self) -> bool:
        """Whether the first list, or what has happened since a snapshot, is in the cache; stays true.

        With several namespaces, that of each. One that follows no namespace has not synced. A namespace that is added
        later has a state of its own: `has_listed`, and what `add_namespace` returns.

        Whether the cache is fresh is what `health` says.
        """
        return self._synced.is_set() and len(self._reflectors) > 0

    @property
    def synced(self) -> Signal:
        """Raised when `has_synced` becomes true."""
        return self._synced

    @property
    def is_started(self) -> bool:
        """Whether it has been started."""
        return self._started

    @property
    def is_stopped(self) -> bool:
        """Whether it has been stopped."""
        return self._stopped

    @property
    def inherited_from(self) -> int | None:
        """Id of the process that it belongs to, where this one was forked from that while it ran; None otherwise.

        Then it counts as stopped here: it can be neither started nor read (`ForkedError`), and `stop` does nothing. In
        the process that it belongs to it goes on.
        """
        return self._inherited_from

    @property
    def ended(self) -> Signal:
        """Raised when it is stopped."""
        return self._stop

    @property
    def last_sync_resource_version(self) -> str:
        """The last resource version seen; empty before the first list. Of several namespaces, the newest."""
        return self._reflectors.last_sync_resource_version

    @property
    def parts(self) -> Sequence[Syncable]:
        """The namespaces that were added since it has synced, and are not listed yet: those can be waited for."""
        if not self.has_synced:
            return ()
        return [fed for _, fed in self._reflectors if not fed.scope.synced.is_set()]

    def why_not_synced(self) -> str:
        """Return in words what the first list waits for, with its last error; empty if it is in."""
        if self.has_synced:
            return ""
        if not len(self._reflectors):
            return "it follows no namespace"
        if not (self._started or self._stopped):
            return "not started: call start() of its factory, or its own"
        return self.health().reason

    def sync_progress(self) -> PartProgress:
        """Return how far the first list is; cheaper than `health`."""
        if self.has_synced:
            return PartProgress(name=self.name, objects=len(self._indexer), total=len(self._indexer), synced=True)
        listed, total = self._reflectors.listed, self._reflectors.total
        return PartProgress(name=self.name, objects=listed, total=total, synced=False)

    def add_event_handler(
        self,
        handler: ResourceEventHandler[T] | ResourceEventHandlerFuncs[T],
        *,
        resync_period: float | None = None,
    ) -> Registration[T]:
        """Let a handler be told what changes, and of what is there as adds.

        A handler that is added twice is told twice.

        Args:
            handler: see `ResourceEventHandler`.
            resync_period: seconds after which it is told of every object again; 0 for never, None for the informer's.

        Raises:
            ConfigurationError: it is no handler, or the period is none.
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
        with self._lifecycle:
            self._check_not_stopped(f"handler {callbacks.name} was not added: ")
            self._controller.join(listener)
            self._handlers_so_far += 1
            if self._started:
                try:
                    self._start_listener(listener, self._handlers_so_far)
                except BaseException:
                    # The system has no thread left: without one its events would pile up.
                    self._controller.leave(listener)
                    raise
        return Registration(listener, self)

    def remove_event_handler(self, registration: Registration[T]) -> None:
        """Tell a handler nothing more, as `Registration.remove` does.

        What it has not been told yet is dropped; a call under way goes on.

        To wait for that call, use `registration.join()`. Removing it again does nothing.

        Raises:
            ConfigurationError: it is not a registration, or that of another informer.
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
        if self._inherited_from is None:
            self._controller.leave(registration._listener)  # noqa: SLF001

    def add_indexers(self, indexers: Mapping[str, IndexFunction[T]]) -> None:
        """Add index functions, before or after the start.

        An index function that raises, or returns no strings, leaves that object out of its index, and the error
        handler is told.

        Raises:
            ConfigurationError: a name is taken, or a function is none.
            StoppedError: the informer has been stopped.
        """
        self._check_not_stopped("indexers were not added: ")
        self._contents.add_indexers(indexers)

    def start(self) -> None:
        """Begin to follow the server; returns at once. Does nothing if it has been started.

        Raises:
            StoppedError: it has been stopped; then it can't be started again.
            ForkedError: it runs in the process that this one was forked from.
        """
        with self._lifecycle:
            self._check_not_stopped(advice=": a new one must take its place")
            if self._started:
                return
            # If the system has no thread left half way, the next start goes on from there.
            if not self._threads:
                self._note(self._start_controller())
            for number, listener in enumerate(self._controller.listeners, start=1):
                self._start_listener(listener, number)
            for _, fed in self._reflectors:
                self._note(fed.start())
            self._started = True

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
        with self._lifecycle:
            self._check_not_stopped()
            if self._started or self._is_resumed:
                raise AlreadyStartedError(
                    f"the informer of {self._resource} has been {'started' if self._started else 'loaded'} already"
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

    def stop(self, timeout: float | None = None) -> bool:
        """Stop following the server and telling handlers; the cache can still be read.

        What handlers have not been told yet is dropped. Returns when every thread has ended, those of handlers that
        have been removed among them; in a thread of this package, such as a handler, at once.

        Args:
            timeout: seconds to wait at most; None for as long as a handler's last call takes.

        Returns:
            Whether every thread has ended.

        Raises:
            ConfigurationError: `timeout` is none.
        """
        check_timeout(timeout)
        if self._inherited_from is not None:
            return True
        with self._lifecycle:
            self._stopped = True
            if self._finalizer is not None:
                self._finalizer.detach()
        _Parts(self._controller, self._reflectors, self._queue, self._stop).end()
        return join_all(self._threads, timeout=timeout, remind=self._remind)

    def add_namespace(self, namespace: str, source: ListerWatcher[T]) -> NamespaceSync:
        """Follow one namespace more; of an informer that was made with a source for each.

        What is in it already comes as adds of the initial list. `has_synced` stays true if it was.

        Returns:
            What to wait for: `bool(added.wait(timeout=60))` says whether its first list is in the cache.

        Raises:
            ConfigurationError: it is there already, or the informer follows all namespaces; or it is no name, or
                `source` no source.
            StoppedError: the informer has been stopped.
        """
        with self._lifecycle:
            self._check_not_stopped()
            fed = self._reflectors.add(namespace, source)
            self._controller.follow(fed.scope)
            if self._started:
                try:
                    self._note(fed.start())
                except BaseException:
                    # As for a handler: see there.
                    self._controller.unfollow(fed.scope)
                    self._reflectors.remove(namespace)
                    raise
        return NamespaceSync(namespace, lambda: [fed], clock=self._clock)

    def remove_namespace(self, namespace: str) -> None:
        """Follow a namespace no longer: its objects leave the cache, and handlers get tombstones of them.

        Returns when its thread has ended; in a thread of this package, such as a handler, at once.

        Raises:
            ConfigurationError: it is not followed.
        """
        with self._lifecycle:
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

        For whoever knows that the cache is behind: a write was refused by a conflict, or a user asks for it. Handlers,
        indexers and registrations stay; handlers are told what has changed, and nothing of what has not. It costs the
        server a list, which it reads from its storage: do not call it in a loop. While the list is under way the cache
        can be read as it was, and `health` says that it is not live. Does nothing before the start, since that begins
        with a list.

        Args:
            namespace: one of those that the informer has a list and watch for; None for all of them.

        Raises:
            ConfigurationError: it does not follow this namespace by itself.
            StoppedError: the informer has been stopped.
        """
        if self._stopped:
            raise StoppedError(f"the informer of {self._resource} has been stopped")
        if namespace is not None and namespace not in self._reflectors:
            raise ConfigurationError(
                f"the informer of {self._resource} has no list of namespace {namespace!r} alone: it follows "
                f"{_named({name for name, _ in self._reflectors})}"
            )
        for name, fed in self._reflectors:
            if namespace is None or name == namespace:
                fed.reflector.relist()

    def health(self) -> InformerHealth:
        """Return how it fares, as of now."""
        if self._inherited_from is not None:
            return inherited_health(self._resource, self._inherited_from)
        busy_since = self._controller.busy_since
        now = self._clock.monotonic()
        records = self._indexer.records()
        return InformerHealth(
            resource=self._resource,
            started=self._started,
            stopped=self._stopped,
            synced=self.has_synced,
            objects=len(records),
            bytes=sum(record.size for record in records),
            resource_version=self._indexer.resource_version,
            queued=len(self._queue),
            watches=tuple(watch_health(namespace, fed.reflector, now) for namespace, fed in self._reflectors),
            handlers=tuple(handler_health(listener, now) for listener in self._controller.listeners),
            set_aside=dict(self._controller.set_aside.objects),
            set_aside_total=self._controller.set_aside.total,
            latencies=None if self._controller.latency is None else self._controller.latency.look(),
            busy_for=None if busy_since is None else now - busy_since,
            age=now - self._made,
        )

    def measure_latencies(self) -> None:
        """Measure from now on how long it takes to bring what was seen into the cache; `health` has it then."""
        with self._lifecycle:
            if self._controller.latency is None:
                self._controller.latency = Latency()

    def _start_controller(self) -> threading.Thread:
        parts = _Parts(self._controller, self._reflectors, self._queue, self._stop)
        thread = start_thread(f"controller-{self._resource}", functools.partial(_control, weakref.ref(self), parts))
        self._finalizer = weakref.finalize(self, _dropped, self._resource, self._queue)
        self._finalizer.atexit = False
        return thread

    def _check_not_stopped(self, before: str = "", *, advice: str = "") -> None:
        if self._inherited_from is not None:
            raise ForkedError(f"{before}the informer of {self._resource}", self._inherited_from)
        if self._stopped:
            raise StoppedError(f"{before}the informer of {self._resource} has been stopped{advice}")

    def _forked(self, parent: int) -> tuple[int, ...]:
        """In a forked child: its threads are gone, and its cache may be half changed."""
        if self._threads and not self._stopped:
            self._inherited_from = parent
            self._stopped = True
            if self._finalizer is not None:
                self._finalizer.detach()
            self._threads = []
            # New ones, since who waits for these waits here; the callbacks of the old are the parent's.
            self._synced = Signal(clock=self._clock)
            self._stop = Signal(clock=self._clock)
            self._stop.set()
            self._contents.bar(f"the cache of {self._resource}", parent)
        return ()

    def _start_listener(self, listener: Listener[T], number: int) -> None:
        listener.start(f"handler-{self._resource}-{number}")
        if listener.thread is not None:
            self._note(listener.thread)

    def _note(self, thread: threading.Thread) -> None:
        if len(self._threads) >= self._threads_limit:
            self._threads = [other for other in self._threads if other.is_alive()]
            self._threads_limit = max(16, 2 * len(self._threads))
        self._threads.append(thread)

    def _remind(self, running: Iterable[threading.Thread]) -> None:
        names = ", ".join(thread.name for thread in running)
        _log.warning("stop of %s waits for %s: %s", self._resource, names, self.health().busy or "no handler is busy")


@final
@attrs.frozen(eq=False)
class _Parts(Generic[T]):
    """What an informer's threads work on: all that has to end with it."""

    controller: Controller[T]
    reflectors: Reflectors[T]
    queue: DeltaQueue[T]
    stop: Signal

    def end(self) -> None:
        """End all threads, without a wait."""
        self.stop.set()
        for _, fed in self.reflectors:
            fed.stop()
            fed.scope.ended.set()
        self.queue.close()
        for listener in self.controller.listeners:
            listener.end()


def _control(informer: weakref.ref[SharedInformer[T]], parts: _Parts[T]) -> None:
    """Run the controller; then end the rest: should it ever end by an error, the cache must not look alive."""
    try:
        parts.controller.run()
    finally:
        held = informer()
        if held is not None:
            held.stop()
        else:
            parts.end()


def _dropped(resource: str, queue: DeltaQueue[Any]) -> None:
    """End an informer that nobody holds any more; it may be that the garbage collector calls this, in any thread."""
    # The controller ends the rest, in its own thread: that takes locks, and calls back.
    queue.close()
    message = (
        f"the informer of {resource} ends, since nothing holds it or its factory any more, and it was not stopped: "
        "keep the factory while it is needed, and call its stop(), or use it in a with statement"
    )
    with suppress(Exception):  # of the user's filters of the log
        _log.warning(message)
    warnings.warn(message, ResourceWarning, stacklevel=2)


def _named(namespaces: Iterable[str | None]) -> str:
    """Return namespaces in words."""
    names = sorted(name for name in namespaces if name is not None)
    return f"namespaces {', '.join(names)}" if names else "all namespaces"
