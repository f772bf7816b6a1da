"""A controller that runs in threads.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/controller/controller.go (v0.25).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import final

from typing_extensions import override

from informers._base.checks import check_function, check_stop, check_timeout
from informers._base.threads import is_own_thread, join_all, start_thread
from informers._base.wakeups import Stop, Wakeup
from informers.controllers._base_controller import BaseController
from informers.controllers.results import Processed, Result
from informers.errors import ConfigurationError
from informers.objects import ObjectName

__all__ = ["Controller"]


@final
class Controller(BaseController[Callable[[ObjectName], "Result | None"]]):
    """Calls a reconcile function with the names of objects that may need work, in threads.

    The function receives a name, not an event. It reads the caches, compares the present state with the wanted one, and
    writes the differences. It never runs twice at a time for one name. Changes during a run lead to another run.

    Handlers are registered at once, so the queue fills before `run`, also in a replica that waits for leadership.

    Args:
        name: for logs, metrics and health.
        kind: a kind of a factory; the names are those of its objects.
        reconcile: takes an `ObjectName`; returns None or a `Result`. Its exceptions are logged, and the name is retried
            after a growing pause; after a `TerminalError` it is not.
        workers: number of threads that call it, each for another name.
        predicate: selects updates of the kind; None for all. `generation_changed` ignores the controller's own writes
            of the status.
        limiter: decides how long a name waits after a failure; by default client-go's for controllers.
        sync_timeout: seconds within which `run` must receive all existing objects; None for no limit.
        own_writes_timeout: seconds after which a write that a healthy cache does not show is no longer waited for.
        run_timeout: seconds after which a run is reported in the log, the metrics and the health. It goes on, since a
            thread can't be ended.
        metrics: receives metrics, for example `informers.metrics.ControllerMetrics()`. Controllers that share it must
            have different names, unless the other has been stopped.
        clock: tells the time.

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

    Thread safety: all methods may be called from any thread, but not from a signal handler (`signal.signal`): call
    `set` of the `Signal` that is the stop of `run` there.
    """

    @staticmethod
    @override
    def _check_reconcile(reconcile: Callable[[ObjectName], Result | None]) -> None:
        advice = "; informers.aio.Controller takes those"
        check_function("reconcile", reconcile, "name", is_needed=True, advice=advice)

    def run(self, stop: Stop) -> None:
        """Work until `stop` is set, `stop()` is called, or an informer is stopped; return when nothing is in work.

        First it waits until every handler has received all existing objects, so that the caches are complete. At the
        end, waiting names are dropped: the next controller receives all of them again.

        Args:
            stop: a `threading.Event` or a `Signal`.

        Raises:
            NotSyncedError: existing objects were not received within `sync_timeout`; the message says which, and why.
            BaseException: an exception of the function that is not an `Exception`, for example `SystemExit`. It stops
                the controller, since otherwise it would silently end a worker.
            AlreadyStartedError: it runs already.
            StoppedError: it has been stopped, or an informer was before it was ready; a `ForkedError` if it belongs
                to the process that this one was forked from.
            ConfigurationError: `stop` does not have the methods of an event.
        """
        if stop is None:
            raise ConfigurationError("stop must be a threading.Event or an informers.Signal: got None")
        check_stop(stop)
        self._begin()
        threads: list[threading.Thread] = []
        try:
            self._wait_synced(self._sync_timeout, stop)
            with Wakeup(timeout=None, stop=stop, clock=self._clock) as wakeup:
                names = (f"controller-{self._name}-{number + 1}" for number in range(self._workers))
                begin = partial(threads.extend, (start_thread(name, self._work) for name in names))
                wakeup.run(self._supervision(wakeup, begin))
        finally:
            self._take_no_more()
            join_all(threads, timeout=None, remind=self._remind, clock=self._clock)
            self._finish()
        if self._fatal is not None:
            raise self._fatal

    def stop(self, timeout: float | None = 30.0, *, drain: bool = False) -> bool:
        """End `run`: take no more names, and wait until no run is in progress.

        Args:
            timeout: seconds to wait at most; None for no limit. In the reconcile function, and in a forked child, it
                does not wait.
            drain: whether waiting names have a run first. Delayed ones are dropped anyway, and all while it waits for
                the caches.

        Returns:
            Whether no run is in progress any more.

        Raises:
            ConfigurationError: the timeout is not valid.
        """
        check_timeout(timeout)
        if self._owner is not None:
            return True
        with Wakeup(timeout=timeout, stop=None, clock=self._clock) as wakeup:
            if drain and self._works and not is_own_thread():
                self._turns.queue.shut_down_with_drain(timeout=timeout)
            return wakeup.run(self._ending(wakeup, is_own=is_own_thread()))

    def process_next(self, *, timeout: float = 0.0) -> Processed | None:
        """Take one name and call the function in this thread: for tests, and for loops of your own.

        It first waits until the caches are filled and the handlers have received their objects.

        Args:
            timeout: seconds to wait for the caches, and for a name.

        Returns:
            The outcome; None if there was no name.

        Raises:
            NotSyncedError: a cache was not filled in time.
            StoppedError: the controller has been stopped, or belongs to the process that this one was forked from.
            BaseException: an exception of the function that is not an `Exception`.
            ConfigurationError: the timeout is not valid.
        """
        self._wait_synced(self._limit_of_sync(timeout))
        try:
            name = self._turns.queue.get(timeout=timeout)
        except TimeoutError:
            return None
        return self._take(name)

    def _wait_synced(self, timeout: float | None, stop: Stop | None = None) -> None:
        if self._unsynced():
            with Wakeup(timeout=timeout, stop=stop, clock=self._clock) as wakeup:
                wakeup.run(self._synced(wakeup))

    def _take(self, name: ObjectName) -> Processed | None:
        turn = self._turns.begin(name)
        if isinstance(turn, Processed):
            return turn
        try:
            result = turn.context.run(self._reconcile, name)
        except Exception as error:  # noqa: BLE001  an error of this name affects no other
            return self._turns.end(turn, error=error)
        except BaseException as error:
            self._turns.end(turn, error=error)
            raise
        return self._turns.end(turn, result=result)

    def _work(self) -> None:
        """Take names until there are no more, as one worker."""
        try:
            for name in self._turns.queue.items():
                self._take(name)
        except BaseException as error:  # noqa: BLE001  it ends all workers, and `run` raises it
            self._fail(error)
