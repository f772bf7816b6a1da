"""What Kubernetes' probes get to hear, and that nothing outlives the server."""

from __future__ import annotations

import contextlib
import errno
import http.client
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import HTTPServer
from typing import Any

import attrs
import pytest
from prometheus_client import CollectorRegistry

from informers import ConfigurationError, ResourceEventHandlerFuncs, SharedInformerFactory
from informers.kinds import core
from informers.metrics import InformerCollector
from informers.probes import ProbeServer
from informers.testing import APIServer, FakeClock
from informers.workqueue import Queue
from tests.waiting import QUICK, Failures, eventually


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        running.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}})
        yield running


def ask(probes: ProbeServer, path: str, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, probes.port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_is_ready_from_the_sync_to_the_stop(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    _ = factory.core.v1.pods
    with ProbeServer(factory, port=0) as probes:
        assert ask(probes, "/readyz") == (503, "pods: not started, 0 objects\n")
        with factory:
            assert factory.wait_for_cache_sync(timeout=10)
            eventually(lambda: factory.health().is_live)
            assert ask(probes, "/readyz") == (200, "pods: live, 1 objects\n")
            assert ask(probes, "/readyz?verbose") == (200, "pods: live, 1 objects\n")
        assert ask(probes, "/readyz") == (503, "pods: stopped, 1 objects\n")


def test_why_it_is_not_ready_is_said(server: APIServer) -> None:
    server.deny(core.V1.pods)
    failures = Failures()
    factory = SharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
    _ = factory.core.v1.pods
    with ProbeServer(factory, port=0) as probes, factory:
        failures.wait_for(lambda failure: "403" in str(failure))
        status, text = ask(probes, "/readyz")
    assert status == 503
    assert text.startswith("pods: ")
    assert "403 Forbidden" in text


def test_a_lost_api_server_makes_it_neither_dead_nor_unready(server: APIServer) -> None:
    failures = Failures()
    factory = SharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
    _ = factory.core.v1.pods
    with ProbeServer(factory, port=0) as probes, factory:
        assert factory.wait_for_cache_sync(timeout=10)
        server.stop_accepting()
        failures.wait_for(lambda failure: True)
        assert ask(probes, "/healthz")[0] == ask(probes, "/readyz")[0] == 200
        assert "last error" in ask(probes, "/healthz")[1]


def test_a_handler_that_is_stuck_makes_it_unhealthy_where_that_is_wanted(server: APIServer) -> None:
    clock = FakeClock()
    began, let_go = threading.Event(), threading.Event()

    def stuck(_pod: Any) -> None:
        began.set()
        assert let_go.wait(10)

    factory = SharedInformerFactory(server.client(), clock=clock)
    factory.core.v1.pods.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=stuck))
    with ProbeServer(factory, port=0, stuck_after=60) as strict, ProbeServer(factory, port=0) as lax, factory:
        assert began.wait(10)
        assert ask(strict, "/healthz")[0] == 200
        clock.advance(61)
        status, text = ask(strict, "/healthz")
        assert status == 503
        assert "stuck has been at default/web-0 for 61 s" in text
        assert ask(lax, "/healthz")[0] == 200
        let_go.set()


def test_metrics_are_there_with_a_registry_and_not_found_without(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    _ = factory.core.v1.pods
    registry = CollectorRegistry()
    InformerCollector(factory, registry=registry)
    with ProbeServer(factory, port=0, registry=registry) as probes:
        status, text = ask(probes, "/metrics")
        assert status == 200
        assert 'informer_objects{group="",name="",resource="pods",version="v1"} 0.0' in text
    with ProbeServer(factory, port=0) as probes:
        assert ask(probes, "/metrics") == (404, "not found\n")


def test_a_collector_that_fails_is_an_answer_and_a_line_in_the_log(
    server: APIServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def collect(self) -> Any:
            raise ValueError("no figures")

        def describe(self) -> Any:
            return []

    registry = CollectorRegistry()
    registry.register(Broken())  # type: ignore[arg-type] # as users do
    with ProbeServer(SharedInformerFactory(server.client()), port=0, registry=registry) as probes:
        assert ask(probes, "/metrics")[0] == 500
        assert ask(probes, "/healthz")[0] == 200
    assert "/metrics can't be answered" in caplog.text


def test_other_paths_and_methods_are_refused(server: APIServer) -> None:
    with ProbeServer(SharedInformerFactory(server.client()), port=0) as probes:
        assert ask(probes, "/") == (404, "not found\n")
        assert ask(probes, "/readyz", "HEAD") == (200, "")
        assert ask(probes, "/readyz", "POST")[0] == 501


def test_a_stop_closes_a_connection_that_sends_nothing(server: APIServer) -> None:
    probes = ProbeServer(SharedInformerFactory(server.client()), port=0)
    probes.start()
    with socket.create_connection(("127.0.0.1", probes.port), timeout=10) as silent:
        assert ask(probes, "/healthz")[0] == 200
        probes.stop()
        assert silent.recv(1) == b""


def test_it_may_be_started_again_and_stopped_twice(server: APIServer) -> None:
    probes = ProbeServer(SharedInformerFactory(server.client()), port=0)
    for _ in range(2):
        probes.start()
        probes.start()
        assert ask(probes, "/healthz")[0] == 200
        probes.stop()
        probes.stop()
    with pytest.raises(ConfigurationError, match="no port before it is started"):
        _ = probes.port


def test_a_port_that_is_taken_is_said_at_the_start(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    with ProbeServer(factory, port=0) as first:
        second = ProbeServer(factory, port=first.port)
        with pytest.raises(OSError, match=f"in use: '127.0.0.1:{first.port}'"):
            second.start()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"port": -1}, "port must be"),
        ({"port": "80"}, "port must be"),
        ({"port": 0, "stuck_after": 0}, "stuck_after must be"),
        ({"port": 0, "stale_after": -1}, "stale_after must be"),
        ({"port": 0, "host": None}, "host must be an address"),
        ({"port": 0, "registry": 5}, "a registry has the methods collect and register"),
        ({"port": 0, "controllers": 5}, r"controllers must be a list of what has health\(\)"),
        ({"port": 0, "controllers": [5]}, "got int in it"),
        ({"port": 0, "queues": [Queue]}, "got type in it"),
        ({"port": 0, "checks": [print]}, "checks must map names to functions without arguments: got list"),
        ({"port": 0, "checks": {"db": 5}}, "got 'db': int"),
        ({"port": 0, "checks": {"db": lambda connection: None}}, "the check 'db' must be a function of"),
    ],
)
def test_mistakes_are_said_at_the_call(server: APIServer, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ProbeServer(SharedInformerFactory(server.client()), **arguments)


def test_a_probe_server_takes_a_factory() -> None:
    with pytest.raises(ConfigurationError, match="expected a factory of informers: got NoneType"):
        ProbeServer(None, port=0)  # type: ignore[arg-type]


HAS_IPV6 = socket.has_ipv6 and socket.has_dualstack_ipv6()


@pytest.mark.skipif(not HAS_IPV6, reason="this system has no IPv6")
@pytest.mark.parametrize(
    ("host", "answers"),
    [("", ["127.0.0.1", "::1"]), ("::", ["127.0.0.1", "::1"]), ("::1", ["::1"]), ("localhost", ["127.0.0.1"])],
)
def test_it_listens_to_ipv6_and_ipv4(server: APIServer, host: str, answers: list[str]) -> None:
    with ProbeServer(SharedInformerFactory(server.client()), port=0, host=host) as probes:
        for address in answers:
            assert ask(probes, "/healthz", host=address)[0] == 200
    assert repr(probes) == f"<ProbeServer {f'[{host}]' if ':' in host else host}:0>"


@attrs.frozen
class Report:
    is_ready: bool
    is_live: bool

    def __str__(self) -> str:
        return "controller pods: 3 failing (for example web-0: bad\nline)"


@attrs.define
class Controller:
    report: Report

    def health(self) -> Report:
        return self.report


@pytest.mark.parametrize(
    ("report", "healthz", "readyz"),
    [(Report(True, True), 200, 200), (Report(False, True), 200, 503), (Report(True, False), 503, 200)],
    ids=["well", "not ready", "not live"],
)
def test_a_controller_s_health_counts_and_is_a_line(
    server: APIServer, report: Report, healthz: int, readyz: int
) -> None:
    with ProbeServer(SharedInformerFactory(server.client()), port=0, controllers=[Controller(report)]) as probes:
        for path, status in (("/healthz", healthz), ("/readyz", readyz)):
            answer = ask(probes, path)
            assert answer[0] == status
            assert answer[1].endswith("controller pods: 3 failing (for example web-0: bad\\nline)\n")


def test_a_queue_is_shown_and_a_worker_that_is_stuck_makes_it_unhealthy(server: APIServer) -> None:
    clock = FakeClock()
    queue: Queue[str] = Queue(name="pods", clock=clock)
    with ProbeServer(SharedInformerFactory(server.client()), port=0, queues=[queue], stuck_after=60) as probes:
        queue.add("web-0")
        assert queue.get() == "web-0"
        assert ask(probes, "/healthz") == (200, "no informers\n<Queue 'pods' 0 waiting 1 processing>\n")
        clock.advance(61)
        assert ask(probes, "/healthz")[0] == 503
        assert "a worker has been at one item for 61 s" in ask(probes, "/healthz")[1]
        queue.done("web-0")
        assert ask(probes, "/healthz")[0] == 200


def fail() -> None:
    raise ValueError("no\nconnection")


def leave() -> None:
    raise SystemExit(1)


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (lambda: None, "check db: passed"),
        (lambda: True, "check db: passed"),
        (lambda: False, "check db: it returned False"),
        (fail, "check db: ValueError('no\\nconnection')"),
        (leave, "check db: SystemExit(1)"),
    ],
    ids=["none", "true", "false", "raises", "exits"],
)
def test_a_check_of_the_user_s_decides_on_readiness_alone(
    server: APIServer, check: Callable[[], object], line: str
) -> None:
    with ProbeServer(SharedInformerFactory(server.client()), port=0, checks={"db": check}) as probes:
        status, text = ask(probes, "/readyz")
        assert status == (200 if "passed" in line else 503)
        assert sorted(text.splitlines()) == sorted([line, "no informers"])
        assert ask(probes, "/healthz") == (200, "no informers\n")


def test_a_check_that_hangs_runs_once_and_is_waited_for_in_bounds(server: APIServer) -> None:
    clock = FakeClock()
    let_go, calls = threading.Event(), []

    def hang() -> None:
        calls.append(threading.current_thread())
        assert let_go.wait(20)

    factory = SharedInformerFactory(server.client())
    with ProbeServer(factory, port=0, checks={"db": hang}, clock=clock) as probes:
        answers: list[tuple[int, str]] = []
        asking = threading.Thread(target=lambda: answers.append(ask(probes, "/readyz")))
        asking.start()
        eventually(lambda: calls)
        clock.wait_for_waiters()
        clock.advance(6)
        asking.join()
        assert answers == [(503, "check db: no answer for 6 s\nno informers\n")]
        # The next does not wait at all, and begins no second run.
        assert ask(probes, "/readyz")[0] == 503
        assert len(calls) == 1
        let_go.set()
        calls[0].join()
        assert ask(probes, "/readyz")[0] == 200


def test_a_stop_waits_for_no_check(server: APIServer) -> None:
    let_go, calls = threading.Event(), []

    def hang() -> None:
        calls.append(threading.current_thread())
        assert let_go.wait(20)

    probes = ProbeServer(SharedInformerFactory(server.client()), port=0, checks={"db": hang}, clock=FakeClock())
    probes.start()

    def asks() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask(probes, "/readyz")

    asking = threading.Thread(target=asks)
    asking.start()
    eventually(lambda: calls)
    probes.stop()
    asking.join()
    let_go.set()
    calls[0].join()


def test_a_restart_is_wanted_only_after_the_given_time_without_the_server(server: APIServer) -> None:
    clock = FakeClock()
    failures = Failures()
    factory = SharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
    _ = factory.core.v1.pods
    with (
        ProbeServer(factory, port=0, stale_after=60, clock=clock) as strict,
        ProbeServer(factory, port=0, clock=clock) as lax,
        factory,
    ):
        assert factory.wait_for_cache_sync(timeout=10)
        eventually(lambda: factory.health().is_live)
        clock.advance(1000)
        assert ask(strict, "/healthz")[0] == 200
        server.stop_accepting()
        failures.wait_for(lambda failure: True)
        eventually(lambda: not factory.health().is_live)
        assert ask(strict, "/healthz")[0] == 200
        clock.advance(61)
        status, text = ask(strict, "/healthz")
        assert status == 503
        assert text.startswith("pods: has not followed the server for 61 s\n")
        assert ask(lax, "/healthz")[0] == 200


def test_slow_clients_have_five_seconds_and_sixteen_places(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with ProbeServer(SharedInformerFactory(server.client()), port=0) as probes, contextlib.ExitStack() as stack:
        before, begin = threading.active_count(), time.monotonic()
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", probes.port), 10)) for _ in range(40)]
        for connection in slow:
            with contextlib.suppress(OSError):  # it may have lost its place already
                connection.sendall(b"GET /")
        # One that asks at once is answered at once, whoever else is there.
        asked = time.monotonic()
        assert ask(probes, "/healthz")[0] == 200
        assert time.monotonic() - asked < 4
        eventually(lambda: threading.active_count() - before <= 16)
        slow[-1].settimeout(20)
        with contextlib.suppress(ConnectionResetError):
            assert slow[-1].recv(1) == b""
        assert 3 < time.monotonic() - begin < 25


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS], ids=["descriptors", "memory"])
def test_a_moment_without_descriptors_is_waited_out(
    server: APIServer, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    tries: list[float] = []
    accept = HTTPServer.get_request

    def refuse(self: HTTPServer) -> Any:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise OSError(number, "none left")
        return accept(self)

    monkeypatch.setattr(HTTPServer, "get_request", refuse)
    with ProbeServer(SharedInformerFactory(server.client()), port=0) as probes:
        assert ask(probes, "/healthz")[0] == 200
    assert len(tries) == 3
    # Without a pause it would go round as fast as it can.
    assert all(later - earlier > 0.1 for earlier, later in itertools.pairwise(tries))


def test_a_moment_without_threads_costs_one_answer(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with ProbeServer(SharedInformerFactory(server.client()), port=0, checks={"db": lambda: None}) as probes:
        start = threading.Thread.start
        refused: list[threading.Thread] = []

        def refuse(self: threading.Thread) -> None:
            refused.append(self)
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(probes, "/healthz")
        assert refused
        monkeypatch.setattr(threading.Thread, "start", start)
        assert ask(probes, "/healthz")[0] == 200

        def refuse_checks(self: threading.Thread) -> None:
            if "check" in self.name:
                raise RuntimeError("can't start new thread")
            start(self)

        monkeypatch.setattr(threading.Thread, "start", refuse_checks)
        assert ask(probes, "/readyz") == (503, "check db: not run: can't start new thread\nno informers\n")
        monkeypatch.setattr(threading.Thread, "start", start)
        assert ask(probes, "/readyz")[0] == 200


def test_the_host_s_name_is_not_looked_up(server: APIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda _name="": pytest.fail("a name was looked up"))
    with ProbeServer(SharedInformerFactory(server.client()), port=0, host="") as probes:
        assert ask(probes, "/healthz")[0] == 200
