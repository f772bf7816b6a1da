"""The part of a controller that threads and event loops share: its kinds, its names, and its end.

`informers.controllers.Controller` runs turns in threads, `informers.aio.Controller` as tasks of an event loop. Both
take turns from the same core, `Turns`.

Upstream: sigs.k8s.io/controller-runtime/pkg/builder/controller.go, pkg/internal/controller/controller.go (v0.25).
"""

from __future__ import annotations

import functools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs
from typing_extensions import Self

from informers._base.checks import check_count, check_function, check_limiter, check_seconds, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import OfOneProcess, new_lock
from informers._base.signals import Signal
from informers._base.wakeups import BaseWakeup, Waiting
from informers.cache.handlers import Callbacks
from informers.cache.informer import SharedInformer
from informers.cache.registration import Registration
from informers.controllers._in_work import ReconcileLogger
from informers.controllers._names_handler import Names, NamesHandler, own_name
from informers.controllers._sightings import Kind
from informers.controllers._turns import Turns, log
from informers.controllers.controller_health import ControllerHealth
from informers.controllers.own_writes import OwnWrites
from informers.controllers.owners import check_kind, owner_names
from informers.controllers.predicates import Predicate
from informers.controllers.reconcile_metrics import ControllerMetricsProvider
from informers.errors import AlreadyStartedError, ConfigurationError, ForkedError, NotSyncedError, StoppedError
from informers.objects import ObjectName, check_object_name
from informers.workqueue import RateLimiter

__all__ = ["BaseController"]

C = TypeVar("C")
#: Seconds after which a controller that can't begin says why, again and again.
_REMINDER = 10.0
#: The reconcile function.
R = TypeVar("R")


class BaseController(OfOneProcess, ABC, Generic[R]):
    """The part of a controller that does not depend on what runs it. For the arguments see `Controller`.

    A driver calls `_begin` once, waits for `_synced`, takes turns from `_turns` until `_stopping` is set, and calls
    `_finish` when no run is in progress.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        reconcile: R,
        *,
        workers: int = 1,
        predicate: Predicate | None = None,
        limiter: RateLimiter[ObjectName] | None = None,
        sync_timeout: float | None = 120.0,
        own_writes_timeout: float = 75.0,
        run_timeout: float = 300.0,
        metrics: ControllerMetricsProvider | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._check_reconcile(reconcile)
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"a controller needs a name, for logs and metrics: got {name!r}")
        check_kind(kind)
        check_count("workers", workers, at_least=1)
        if sync_timeout is not None:
            check_seconds("sync_timeout", sync_timeout, above=0)
        check_seconds("run_timeout", run_timeout, above=0)
        if limiter is not None:
            check_limiter(limiter)
        if metrics is not None and not hasattr(metrics, "queues"):
            raise ConfigurationError(
                f"metrics must be for controllers, for example informers.metrics.ControllerMetrics(): got {metrics!r}"
            )
        self._name = name
        self._kind = kind
        self._reconcile = reconcile
        #: What the function raised that is not an `Exception`, or what ended a worker: `run` raises it.
        self._fatal: BaseException | None = None
        self._workers = workers
        self._sync_timeout = sync_timeout
        self._run_timeout = run_timeout
        self._clock = clock
        self._lifecycle = new_lock()
        self._started = False
        #: Whether names have turns: the caches are filled.
        self._works = False
        #: Set when no more names are taken.
        self._stopping = Signal(clock=clock)
        #: Set when no further turn begins, and none is in progress: the end of a drain of tasks.
        self._drained = Signal(clock=clock)
        #: Set when no run is in progress any more.
        self._ended: Signal = Signal(clock=clock)
        self._registrations: list[tuple[SharedInformer[Any], Registration[Any]]] = []
        self._own_writes = OwnWrites(kind, timeout=own_writes_timeout, on_seen=self._seen, clock=clock)
        self._turns = Turns(
            name,
            own_writes=self._own_writes,
            limiter=limiter,
            metrics=metrics,
            limit=self._limit,
            run_timeout=run_timeout,
            clock=clock,
        )
        self._logger = ReconcileLogger(name)
        try:
            self._follow(kind, own_name, predicate)
        except BaseException:
            # Its name is free again.
            self._ended.set()
            raise

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r} of {self._kind.resource}>"

    @property
    def name(self) -> str:
        """The controller's name."""
        return self._name

    @property
    def logger(self) -> ReconcileLogger:
        """A logger whose lines have the controller, the name in work, and the id of the run."""
        return self._logger

    def owns(self, kind: Kind, *, every_owner: bool = False, predicate: Predicate | None = None) -> Self:
        """Reconcile the owner, too, when an object of this kind changes.

        The owner is found by the group and kind of the reference, not its version. On an update, the references of both
        states count, so that a former owner is reconciled when its reference is removed.

        Args:
            kind: a kind of a factory, which the controller creates.
            every_owner: whether every reference counts, not only that of the controller (`controller: true`).
            predicate: selects updates; None for all. Hazard: `generation_changed` hides changes of the status and
                of the owner references.

        Returns:
            The controller itself.

        Raises:
            ConfigurationError: it is not a kind of a factory, or the controller's resource has no kind.
            AlreadyStartedError: the controller runs.
            StoppedError: it has been stopped.
        """
        check_kind(kind)
        return self._follow(kind, owner_names(self._kind.resource, every_owner=every_owner), predicate)

    def watches(self, kind: Kind, names: Names, *, predicate: Predicate | None = None) -> Self:
        """Reconcile other names, too, when an object of this kind changes.

        Args:
            kind: a kind of a factory.
            names: takes an object, and returns the names to reconcile, each an `ObjectName` of the controller's own
                kind. It runs in the handler's thread. If it raises, that is logged and counted in the informer's
                health, and the event is lost.
            predicate: selects updates; None for all.

        Returns:
            The controller itself.

        Raises:
            ConfigurationError: it is not a kind of a factory, or `names` is not a function of (obj).
            AlreadyStartedError: the controller runs.
            StoppedError: it has been stopped.
        """
        check_kind(kind)
        check_function("names", names, "obj", may_yield=True, is_needed=True)
        return self._follow(kind, names, predicate)

    def enqueue(self, name: ObjectName, *, after: float = 0.0) -> None:
        """Request a reconcile of a name, for example from a webhook or a timer. Does nothing after the stop.

        Args:
            name: namespace and name.
            after: seconds to wait; 0 for at once.

        Raises:
            ConfigurationError: it is not an `ObjectName`, or the seconds are negative.
        """
        check_object_name(name)
        check_seconds("after", after, at_least=0)
        if after:
            self._turns.queue.add_after(name, after)
        else:
            self._turns.queue.add(name)

    def client(self, api_client: C) -> C:
        """Return a client with the same configuration, which remembers its writes for the name in work.

        The next run for that name begins only when the followed caches show them. See `OwnWrites.client`.

        Args:
            api_client: a `kubernetes.client.ApiClient`.

        Raises:
            ConfigurationError: it is not an `ApiClient`.
        """
        return self._own_writes.client(api_client)

    @property
    def own_writes(self) -> OwnWrites:
        """The remembered writes, for example to `record` a write of another client."""
        return self._own_writes

    def health(self) -> ControllerHealth:
        """Return the present health."""
        statistics = self._turns.queue.statistics()
        stopped = self._stopping.is_set() or bool(self._dead())
        return ControllerHealth(
            name=self._name,
            started=self._started,
            stopped=stopped,
            unsynced={} if stopped else self._unsynced(),
            waiting=statistics.depth,
            delayed=statistics.delayed,
            running=self._turns.running,
            failing=self._turns.failing,
            postponed=self._turns.postponed,
            run_timeout=self._run_timeout,
        )

    def _follow(self, kind: Kind, names: Names, predicate: Predicate | None) -> Self:
        check_function("predicate", predicate, "old, new")
        with self._lifecycle:
            if self._stopping.is_set():
                raise StoppedError(f"the controller {self._name} has been stopped")
            if self._started:
                raise AlreadyStartedError(f"the controller {self._name} runs: say first what it follows")
            self._own_writes.follow(kind)
            callbacks = Callbacks.of(NamesHandler(names, predicate, self._turns.queue))
            handler: Any = attrs.evolve(callbacks, name=f"controller {self._name}")
            self._registrations.append((kind.informer, kind.informer.add_event_handler(handler)))
        return self

    def _seen(self, name: ObjectName | None) -> None:
        self._turns.seen(name)

    def _unsynced(self) -> dict[str, str]:
        return {
            registration.name: registration.why_not_synced()
            for _, registration in self._registrations
            if not registration.has_synced
        }

    def _limit(self) -> int:
        """Return how many runs there can be at a time; none once it has ended."""
        return 0 if self._ended.is_set() or self._dead() else self._workers

    def _dead(self) -> list[str]:
        """Return the names of the informers that have been stopped: what they cached is of the past."""
        return [informer.name for informer, _ in self._registrations if informer.is_stopped]

    def _informer_ended(self, informer: SharedInformer[Any]) -> None:
        if not self._stopping.is_set():
            log(logging.WARNING, "controller %s: ends, since the informer of %s was stopped", self._name, informer.name)
            self._take_no_more()

    def _limit_of_sync(self, timeout: float) -> float | None:
        """Return the seconds for which `process_next` waits for the handlers.

        Raises:
            ConfigurationError: the timeout is negative, or not a number.
            ForkedError: it is called in a process that was forked from the controller's.
            StoppedError: an informer has been stopped.
        """
        check_timeout(timeout)
        self._check_process()
        if self._dead():
            raise StoppedError(f"the controller {self._name} can't go on after the stop of {', '.join(self._dead())}")
        is_filled = all(informer.has_synced for informer, _ in self._registrations)
        return self._sync_timeout if is_filled else timeout

    @property
    def _owner(self) -> int | None:
        """Id of the process that runs it, if this one was forked from that; None otherwise."""
        return self._kind.informer.inherited_from

    def _check_process(self) -> None:
        if self._owner is not None:
            raise ForkedError(f"the controller {self._name}", self._owner)

    def _begin(self) -> None:
        """Note that it runs.

        Raises:
            ForkedError: it belongs to the process that this one was forked from.
            AlreadyStartedError: it runs already.
            StoppedError: it has been stopped.
        """
        self._check_process()
        with self._lifecycle:
            if self._stopping.is_set():
                raise StoppedError(f"the controller {self._name} has been stopped: a new one must take its place")
            if self._started:
                raise AlreadyStartedError(f"the controller {self._name} runs already")
            self._started = True

    @staticmethod
    @abstractmethod
    def _check_reconcile(reconcile: R) -> None:
        """Refuse a function that this controller can't call.

        Raises:
            ConfigurationError: it is one.
        """

    def _fail(self, error: BaseException) -> None:
        """End by an error, unless another one has done so before."""
        self._fatal = self._fatal or error
        self._take_no_more()

    def _take_no_more(self) -> None:
        self._stopping.set()
        self._turns.queue.shut_down(drop=True)

    def _ending(self, wakeup: BaseWakeup, *, is_own: bool) -> Waiting[bool]:
        """Take no more names, and wait until no run is in progress; return whether none is.

        Args:
            wakeup: waits.
            is_own: whether this is called in a run, which can't wait for itself.
        """
        self._take_no_more()
        with self._lifecycle:
            if not self._started:
                self._finish()
                return not self._turns.running
        if not is_own:
            yield from wakeup.until(self._ended.is_set, [self._ended.add_callback])
        return self._ended.is_set()

    def _remind(self, _threads: object = None) -> None:
        """Say in the log what a stop waits for."""
        running = ", ".join(f"{name} for {seconds:.0f} s" for name, seconds in self._turns.running.items())
        log(logging.WARNING, "controller %s: stop waits for %s", self._name, running or "its workers")

    def _synced(self, wakeup: BaseWakeup) -> Waiting[None]:
        """Wait until the handlers have received everything that existed at the beginning, or until it is stopped.

        Raises:
            NotSyncedError: they have not, in time; the message says what is missing.
        """
        signals = [self._stopping]
        for _, registration in self._registrations:
            signals += (registration.synced, registration.ended)
        due = self._clock.monotonic() + _REMINDER

        def remind() -> float:
            nonlocal due
            now = self._clock.monotonic()
            if now >= due:
                due = now + _REMINDER
                log(logging.WARNING, "controller %s can't begin yet: %s", self._name, self._missing())
            return due - now

        yield from wakeup.until(self._is_sync_over, [signal.add_callback for signal in signals], remind)
        missing = self._missing()
        if missing and not (wakeup.is_stopped or self._stopping.is_set()):
            raise NotSyncedError(f"the controller {self._name} can't begin: {missing}")

    def _missing(self) -> str:
        return "; ".join(f"{name}: {why}" for name, why in self._unsynced().items())

    def _is_sync_over(self) -> bool:
        """Return whether the handlers have received everything that existed, or never will."""
        waited_for = [found for _, found in self._registrations if not found.has_synced]
        return not waited_for or self._stopping.is_set() or any(found.ended.is_set() for found in waited_for)

    def _supervision(self, wakeup: BaseWakeup, begin: Callable[[], None]) -> Waiting[None]:
        """Begin to work, and wait for the end; report runs that take too long."""
        # Nobody is to act on a cache that does not move.
        for informer, registration in self._registrations:
            registration.ended.add_callback(functools.partial(self._informer_ended, informer))
        if not (wakeup.is_stopped or self._stopping.is_set()):
            self._works = True
            begin()
        yield from wakeup.until(
            self._stopping.is_set,
            [self._stopping.add_callback],
            lambda: self._turns.find_overdue() or self._run_timeout,
        )

    def _finish(self) -> None:
        """Note that no run is in progress any more."""
        for informer, registration in self._registrations:
            informer.remove_event_handler(registration)
        self._ended.set()
