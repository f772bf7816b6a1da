"""What Kubernetes' probes get to hear, and that nothing outlives the server."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from informers import ConfigurationError, ResourceEventHandlerFuncs, SharedInformerFactory
from informers.kinds import core
from informers.metrics import InformerCollector
from informers.probes import ProbeServer
from informers.testing import APIServer, FakeClock
from tests.waiting import QUICK, Failures, eventually


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        running.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}})
        yield running


def ask(probes: ProbeServer, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", probes.port, timeout=10)
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


def test_a_stop_breaks_off_who_says_nothing(server: APIServer) -> None:
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
    ],
)
def test_mistakes_are_said_at_the_call(server: APIServer, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ProbeServer(SharedInformerFactory(server.client()), **arguments)


def test_a_probe_server_takes_a_factory() -> None:
    with pytest.raises(ConfigurationError, match="must be a factory of informers: got NoneType"):
        ProbeServer(None, port=0)  # type: ignore[arg-type]
