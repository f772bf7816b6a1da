"""An HTTP server for a program's health and metrics, for the probes of Kubernetes and for Prometheus.

Upstream: sigs.k8s.io/controller-runtime/pkg/healthz and pkg/metrics/server.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, final

from typing_extensions import Self

from informers._base.checks import as_number, check_instance, check_methods, check_port
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import OfOneProcess, hold_forks, new_lock, on_fork
from informers._base.threads import join_all, start_thread
from informers._factory.base import InformerFactory
from informers._probes.http_server import LOOK, ProbeAnswer, ProbeHTTPServer
from informers._probes.user_checks import checks_of
from informers.cache.health import FactoryHealth, InformerHealth
from informers.errors import ConfigurationError, escaped
from informers.workqueue.queue import Queue

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

__all__ = ["HasHealth", "Health", "ProbeServer"]


class Health(Protocol):
    """The state of a component. Its text is one line for people."""

    @property
    def is_ready(self) -> bool:
        """Whether the component is usable; `/readyz` fails while it is not."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether the component works; while it does not, `/healthz` fails and Kubernetes restarts the program."""
        ...


class HasHealth(Protocol):
    """Anything that reports its health: an `informers.controllers.Controller`, or a class of your own.

    `health` is called for each probe, in any thread. It must be quick: no requests, no waits.
    """

    def health(self) -> Health:
        """Return the present health."""
        ...


@final
class ProbeServer(OfOneProcess):
    r"""Serves `/healthz`, `/readyz` and, with a registry, `/metrics`. Start it before the factory; stop it last.

    - `/healthz` is 200 while this process answers, every controller is live, and no handler or queue's worker has been
      busy with one item for `stuck_after` seconds. It does not fail when the API server can't be reached, unless you
      give `stale_after`: a restarted process could not reach it either.
    - `/readyz` is 200 once every requested informer is synced, every controller is ready, and all checks pass, until
      an informer is stopped. It does not fail when a watch breaks later: the cache still answers, and the other
      replicas would be no better off.

    The body has a line for each informer, controller, queue and check, with failures and the times of retries.

    Slow clients can't block it: each has five seconds to send its request, and sixteen are served at a time. A forked
    child inherits it stopped.

    Args:
        factory: its health is served.
        port: TCP port; 0 for any free one.
        host: address to listen at. Probes of a pod come from outside: give `""` (or `"::"`) for all addresses of IPv6
            and IPv4, or `"0.0.0.0"` for IPv4 alone.
        registry: a `prometheus_client.CollectorRegistry` to serve at `/metrics`; None for no `/metrics`.
        controllers: other components with a `health`; see `HasHealth`.
        queues: work queues to show, and to check with `stuck_after`.
        checks: functions without arguments, by name, for `/readyz`. A check fails if it raises, returns False, or takes
            longer than five seconds. Each runs in its own thread, one call at a time.
        stuck_after: seconds; None for no limit.
        stale_after: seconds that an informer may fail to follow the server before `/healthz` fails, counted from the
            first probe that sees it; None for no limit.
        clock: measures the times.

    Raises:
        ConfigurationError: an argument is wrong.

    Example:
        >>> from informers import SharedInformerFactory
        >>> from informers.testing import APIServer
        >>> from urllib.request import urlopen
        >>> with APIServer() as server:
        ...     factory = SharedInformerFactory(server.client())
        ...     with ProbeServer(factory, port=0, checks={"database": lambda: True}) as probes:
        ...         urlopen(f"http://127.0.0.1:{probes.port}/readyz").read()
        b'no informers\ncheck database: passed\n'

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        factory: InformerFactory,
        *,
        port: int,
        host: str = "127.0.0.1",
        registry: CollectorRegistry | None = None,
        controllers: Iterable[HasHealth] = (),
        queues: Iterable[Queue[Any]] = (),
        checks: Mapping[str, Callable[[], object]] | None = None,
        stuck_after: float | None = None,
        stale_after: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        check_instance(factory, InformerFactory, "a factory of informers")
        check_port(port)
        if not isinstance(host, str):
            raise ConfigurationError(f"host must be an address, for example '127.0.0.1', or '' for all: got {host!r}")
        for name, seconds in (("stuck_after", stuck_after), ("stale_after", stale_after)):
            if seconds is not None and not as_number(seconds) > 0:
                raise ConfigurationError(f"{name} must be seconds above zero, or None: got {seconds!r}")
        if registry is not None:
            check_methods("registry", registry, ("collect", "register"), "prometheus_client.CollectorRegistry()")
        self._factory = factory
        self._registry = registry
        self._controllers = _all_of("controllers", controllers, "health")
        self._queues = _all_of("queues", queues, "statistics")
        self._checks = checks_of(checks, clock)
        self._stuck_after = stuck_after or math.inf
        self._staleness = _Staleness(stale_after or math.inf, clock)
        self._address = (host, port)
        self._lock = new_lock()
        self._server: ProbeHTTPServer | None = None
        self._thread: threading.Thread | None = None
        on_fork(self._forked)

    def __repr__(self) -> str:
        host, port = self._address
        return f"<ProbeServer {f'[{host}]' if ':' in host else host}:{self._server.port if self._server else port}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that the server listens at.

        Raises:
            ConfigurationError: the server is not running.
        """
        server = self._server
        if server is None:
            raise ConfigurationError("the probe server has no port before it is started")
        return server.port

    def start(self) -> None:
        """Listen; does nothing if it listens already.

        Raises:
            OSError: the port is in use, or this host does not have the address.
        """
        with self._lock:
            if self._server is None:
                server = ProbeHTTPServer(*self._address, self._answer)
                try:
                    self._thread = start_thread("probes", functools.partial(server.serve_forever, LOOK))
                except BaseException:
                    server.server_close()
                    raise
                self._server = server

    def stop(self) -> None:
        """Close all connections. Returns when all threads have ended, except those of checks that hang."""
        with self._lock:
            server, thread = self._server, self._thread
            self._server = self._thread = None
        if server is not None and thread is not None:
            server.end()
            for check in self._checks:
                check.abandon()
            server.shutdown()
            join_all([thread, *server.threads], timeout=None)
            server.server_close()

    def _forked(self, _parent: int) -> list[int]:
        """Close the port in a forked child: it belongs to the parent, and nobody would answer here."""
        server, self._server, self._thread = self._server, None, None
        return [] if server is None else server.descriptors()

    def _answer(self, path: str) -> ProbeAnswer:
        if path == "/healthz":
            return self._healthz()
        if path == "/readyz":
            return self._readyz()
        if path == "/metrics" and self._registry is not None:
            with hold_forks():
                from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415  a registry needs it

            return ProbeAnswer(HTTPStatus.OK, generate_latest(self._registry), CONTENT_TYPE_LATEST)
        return ProbeAnswer(HTTPStatus.NOT_FOUND, b"not found\n")

    def _healthz(self) -> ProbeAnswer:
        health = self._factory.health()
        controllers = [controller.health() for controller in self._controllers]
        stuck = [
            f"{informer.resource}: handler {handler.name} has been at {handler.busy_with} for {handler.busy_for:.0f} s"
            for informer in health.informers
            for handler in informer.handlers
            if handler.busy_for is not None and handler.busy_for > self._stuck_after
        ]
        for queue in self._queues:
            longest = queue.statistics().longest_running
            if longest > self._stuck_after:
                stuck.append(f"{queue!r}: a worker has been at one item for {longest:.0f} s")
        stale = self._staleness.look(health)
        dead = [f"not live: {controller}" for controller in controllers if not controller.is_live]
        return _lines([*stuck, *stale, *dead], [*_informers(health), *controllers, *map(repr, self._queues)])

    def _readyz(self) -> ProbeAnswer:
        health = self._factory.health()
        controllers = [controller.health() for controller in self._controllers]
        runs = [(check.name, check.run()) for check in self._checks]
        checks = [(name, run.failure()) for name, run in runs]
        failed = [f"check {name}: {failure}" for name, failure in checks if failure]
        passed = [f"check {name}: passed" for name, failure in checks if not failure]
        unready = [f"not ready: {controller}" for controller in controllers if not controller.is_ready]
        is_ready = health.is_synced and not any(informer.stopped for informer in health.informers)
        return _lines(
            [*failed, *unready],
            [*_informers(health), *controllers, *map(repr, self._queues), *passed],
            is_good=is_ready,
        )


def _all_of(name: str, given: Iterable[Any], method: str) -> tuple[Any, ...]:
    """Return a collection of objects that have a method, checked."""
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)):
        raise ConfigurationError(f"{name} must be a list of what has {method}(): got {type(given).__name__}")
    found = tuple(given)
    for each in found:
        if isinstance(each, type) or not callable(getattr(each, method, None)):
            raise ConfigurationError(f"{name} must be a list of what has {method}(): got {type(each).__name__} in it")
    return found


def _informers(health: FactoryHealth) -> list[str]:
    return [str(informer) for informer in health.informers] or [str(health)]


def _lines(failures: list[str], others: list[object], *, is_good: bool = True) -> ProbeAnswer:
    """Return an answer of lines; text of others is escaped, so that it can't begin a line."""
    status = HTTPStatus.OK if is_good and not failures else HTTPStatus.SERVICE_UNAVAILABLE
    texts = (escaped(str(line)) for line in (*failures, *others))
    return ProbeAnswer(status, "".join(f"{text}\n" for text in texts).encode(errors="backslashreplace"))


@final
class _Staleness:
    """How long each informer has not followed the server, as the probes have seen it."""

    def __init__(self, limit: float, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        #: By position and resource, since two informers may have one name.
        self._since: dict[tuple[int, str], float] = {}

    def look(self, health: FactoryHealth) -> list[str]:
        """Return a line for each informer that has been stale for too long."""
        now = self._clock.monotonic()
        before, self._since = self._since, {}
        found: list[str] = []
        for place, informer in enumerate(health.informers):
            if informer.is_live or not informer.started or (informer.stopped and informer.inherited_from is None):
                continue
            key = (place, informer.resource)
            since = self._since[key] = max(before.get(key, now), now - _silent_for(informer))
            if now - since >= self._limit:
                found.append(f"{informer.resource}: has not followed the server for {now - since:.0f} s")
        return found


def _silent_for(informer: InformerHealth) -> float:
    """Return the seconds since the last event of a watch that is not live."""
    ages = [watch.last_event_age for watch in informer.watches if not watch.is_live]
    return max((math.inf if age is None else age for age in ages), default=math.inf)
