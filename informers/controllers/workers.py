"""A controller that runs in threads.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/controller/controller.go (v0.25).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import final

from informers._base.checks import check_function, check_stop, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.threads import is_own_thread, join_all, start_thread
from informers._base.wakeups import Stop, Wakeup
from informers.controllers._base_controller import BaseController
from informers.controllers._sightings import Kind
from informers.controllers._turns import Turn, log
from informers.controllers.predicates import Predicate
from informers.controllers.reconcile_metrics import ControllerMetricsProvider
from informers.controllers.results import Processed, Result
from informers.errors import ConfigurationError, StoppedError
from informers.objects import ObjectName
from informers.workqueue import RateLimiter

__all__ = ["Controller"]


@final
class Controller(BaseController):
    """Makes things what they should be: calls a function with the names of objects that may need a look.

    The function gets a name and not an event. It reads the caches, compares what is with what should be, and writes
    what is missing. One name is in one pair of hands at a time. What changed meanwhile is looked at after it.

    It registers its handlers at once, so its queue fills before `run`: in a replica that waits to be the leader, too.

    Args:
        name: for logs, metrics and health.
        kind: of a factory: what the names are names of.
        reconcile: takes an `ObjectName`; returns None or a `Result`. What it raises is logged, and the name is tried
            again after a growing pause; a `TerminalError` is not.
        workers: threads that call it, each for another name.
        predicate: which updates of the kind are worth a look; None for all. With `generation_changed` the controller's
            own status writes are not.
        limiter: how long a name waits after a failure; client-go's for controllers by default.
        sync_timeout: seconds within which `run` must have been given all that is there; None for as long as it takes.
        own_writes_timeout: seconds after which a write that a healthy cache does not show is no longer waited for.
        run_timeout: seconds after which a run of the function is reported, in the log, the metrics and the health. It
            is not ended: a thread can't be.
        metrics: where metrics go, for example `informers.metrics.ControllerMetrics()`; nowhere by default.
        clock: what tells the time.

    Raises:
        ConfigurationError: an argument is wrong.
        StoppedError: the informer of the kind has been stopped.

    Example:
        >>> from informers import SharedInformerFactory
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, SharedInformerFactory(server.client()) as factory:
        ...     controller = Controller("pods", factory.core.v1.pods, lambda name: print(name))
        ...     controller.enqueue(ObjectName("shop", "web-0"))
        ...     controller.process_next(timeout=10).outcome
        shop/web-0
        'success'

    Thread safety: all methods may be called from any thread; none from a signal handler (`signal.signal`): let that set
    the stop that `run` was given.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        reconcile: Callable[[ObjectName], Result | None],
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
        if reconcile is None:
            raise ConfigurationError("reconcile must be a function of (name): got None")
        check_function("reconcile", reconcile, "name", advice="; informers.aio.Controller takes those")
        self._reconcile = reconcile
        self._fatal: BaseException | None = None
        super().__init__(
            name,
            kind,
            workers=workers,
            predicate=predicate,
            limiter=limiter,
            sync_timeout=sync_timeout,
            own_writes_timeout=own_writes_timeout,
            run_timeout=run_timeout,
            metrics=metrics,
            clock=clock,
        )

    def run(self, stop: Stop) -> None:
        """Work until `stop` is set, `stop()` is called, or an informer is stopped; return when nothing is in work.

        First it waits until every handler has been given all that was there, so that what it reads is whole. At the end
        names that wait are dropped: the next run is given all of them again.

        Args:
            stop: a `threading.Event` or a `Signal`.

        Raises:
            NotSyncedError: something was not given to it within `sync_timeout`; it says what, and why.
            BaseException: what the function raised that is not an `Exception`: `SystemExit`, for example. It stops the
                controller, since it would end a worker in silence.
            AlreadyStartedError: it runs already.
            StoppedError: it has been stopped, or an informer was before it was ready; a `ForkedError` where it belongs
                to the process that this one was forked from.
            ConfigurationError: `stop` has not the methods of an event.
        """
        if stop is None:
            raise ConfigurationError("stop must be a threading.Event or an informers.Signal: got None")
        check_stop(stop)
        self._begin()
        threads: list[threading.Thread] = []
        try:
            with Wakeup(timeout=None, stop=stop, clock=self._clock) as wakeup:
                withdraw = self._stopping.add_callback(wakeup.wake)
                try:
                    self._wait_synced(self._sync_timeout, stop)
                    self._stop_with_informers()
                    if not (stop.is_set() or self._stopping.is_set()):
                        names = (f"controller-{self._name}-{number + 1}" for number in range(self._workers))
                        threads.extend(start_thread(name, self._work) for name in names)
                    while not self._stopping.is_set():
                        wakeup.clear()
                        if self._stopping.is_set() or not wakeup.wait(self._turns.find_overdue() or self._run_timeout):
                            break
                finally:
                    withdraw()
        finally:
            self._stopping.set()
            self._turns.shut_down()
            join_all(threads, timeout=None, remind=self._remind, clock=self._clock)
            self._finish()
        if self._fatal is not None:
            raise self._fatal

    def stop(self, timeout: float | None = 30.0, *, drain: bool = False) -> bool:
        """End `run`: take no more names, and wait until nothing is in work.

        Args:
            timeout: seconds to wait at most; None for as long as it takes. In the reconcile function there is no wait.
            drain: whether names that wait have their turn first. Those whose time has not come are dropped anyway.

        Returns:
            Whether nothing is in work any more.

        Raises:
            ConfigurationError: the timeout is negative, or not a number.
        """
        check_timeout(timeout)
        begin = self._clock.monotonic()
        if drain and self._started and not is_own_thread():
            self._turns.drain(timeout)
        self._stopping.set()
        self._turns.shut_down()
        with self._lifecycle:
            if not self._started:
                self._finish()
                return not self._turns.running
        if is_own_thread():
            return self._ended.is_set()
        left = None if timeout is None else max(0.0, begin + timeout - self._clock.monotonic())
        return self._ended.wait(left)

    def process_next(self, *, timeout: float = 0.0) -> Processed | None:
        """Take one name and call the function in this thread: for tests, and for loops of your own.

        It does not run while the caches are not filled: it waits until the handlers have been given what they hold.

        Args:
            timeout: seconds to wait for the caches, and for a name.

        Returns:
            What became of the name; None where no name came.

        Raises:
            NotSyncedError: a cache was not filled in time.
            StoppedError: the controller has been stopped, or belongs to the process that this one was forked from.
            BaseException: what the function raised that is not an `Exception`.
            ConfigurationError: the timeout is negative, or not a number.
        """
        self._wait_synced(self._limit_of_sync(timeout))
        try:
            turn = self._turns.begin(timeout=timeout)
        except TimeoutError:
            return None
        return self._take(turn) if isinstance(turn, Turn) else turn

    def _take(self, turn: Turn) -> Processed | None:
        result: object = None
        try:
            result = turn.context.run(self._reconcile, turn.name)
        except Exception as error:  # noqa: BLE001  an error of this name, and no other's
            return self._turns.end(turn, error=error)
        except BaseException as error:
            self._turns.end(turn, error=error)
            raise
        return self._turns.end(turn, result=result)

    def _work(self) -> None:
        """Take names until there are no more: one worker."""
        try:
            while not self._stopping.is_set():
                turn = self._turns.begin()
                if isinstance(turn, Turn):
                    self._take(turn)
        except StoppedError:
            return
        except BaseException as error:  # noqa: BLE001  it ends all workers, and `run` raises it
            self._fatal = self._fatal or error
            self._stopping.set()
            self._turns.shut_down()

    def _remind(self, _threads: list[threading.Thread]) -> None:
        running = ", ".join(f"{name} for {seconds:.0f} s" for name, seconds in self._turns.running.items())
        log(logging.WARNING, "controller %s: stop waits for %s", self._name, running or "its workers")
