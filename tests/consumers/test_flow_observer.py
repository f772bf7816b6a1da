"""A flow observer: many failures at once, handlers that take half a minute, and events that are told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from informers.kinds import batch, core
from informers.testing import APIServer, FakeClock
from tests.aio.looping import run, until
from tests.consumers.flow_observer import FLOW, FlowObserver, PodEvent
from tests.waiting import QUICK

JOBS, PODS = batch.V1.jobs, core.V1.pods
TEMPLATE = {"spec": {"containers": [{"name": "flow", "image": "flow:1"}], "restartPolicy": "Never"}}


class Service:
    """A service that answers when the test lets it, as one does that takes half a minute."""

    def __init__(self, state: str = "running") -> None:
        self.states: dict[str, str] = {}
        self.default = state
        self.answers = asyncio.Event()
        self.events: list[PodEvent] = []
        self.crashed: list[str] = []
        self.asked = 0
        self.busy = 0
        self.at_once = 0
        self.cancelled = 0

    async def emit(self, event: PodEvent) -> None:
        await self._answer()
        self.events.append(event)

    async def state(self, flow: str) -> str:
        self.asked += 1
        await self._answer()
        return self.states.get(flow, self.default)

    async def crash(self, flow: str) -> None:
        self.crashed.append(flow)
        self.states[flow] = "crashed"

    async def _answer(self) -> None:
        self.busy += 1
        self.at_once = max(self.at_once, self.busy)
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.busy -= 1


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


def job(server: APIServer, name: str, flow: str, **status: int) -> None:
    metadata = {"name": name, "namespace": "default", "labels": {FLOW: flow}}
    spec = {"backoffLimit": 0, "template": TEMPLATE}
    server.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec, "status": status})


def pod(server: APIServer, name: str, phase: str) -> None:
    metadata = {"name": name, "namespace": "default", "labels": {FLOW: name}}
    server.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, **TEMPLATE, "status": {"phase": phase}})


@asynccontextmanager
async def observing(server: APIServer, service: Service, clock: FakeClock) -> AsyncIterator[FlowObserver]:
    observer = FlowObserver(server.client(), service, patience=30.0, options=QUICK, clock=clock)
    stop = asyncio.Event()
    running = asyncio.create_task(observer.run(stop))
    try:
        yield observer
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


def test_a_hundred_jobs_that_failed_at_once_are_judged_at_once_each_flow_once(server: APIServer) -> None:
    async def main() -> None:
        service = Service()
        for number in range(100):
            job(server, f"job-{number}", f"flow-{number}", failed=1)
        async with observing(server, service, FakeClock()):
            await until(lambda: service.busy == 100)
            service.answers.set()
            await until(lambda: len(service.crashed) == 100)
        assert service.at_once == 100
        assert len(set(service.crashed)) == 100

    run(main)


def test_a_pending_flow_has_half_a_minute_to_get_another_job(server: APIServer) -> None:
    async def main() -> None:
        clock, service = FakeClock(), Service("pending")
        service.answers.set()
        job(server, "first", "flow", failed=1)
        async with observing(server, service, clock):
            for asked in range(1, 7):
                await until(lambda asked=asked: service.asked == asked and clock.next_deadline() is not None)
                assert not service.crashed
                await asyncio.to_thread(clock.wait_for_waiters)
                clock.advance(5)
            await until(lambda: service.crashed == ["flow"])

    run(main)


def test_a_flow_whose_other_job_runs_continues_and_no_list_is_made_to_see_that(server: APIServer) -> None:
    async def main() -> None:
        clock, service = FakeClock(), Service("pending")
        service.answers.set()
        job(server, "first", "flow", failed=1)
        async with observing(server, service, clock) as observer:
            await until(lambda: service.asked == 1)
            job(server, "second", "flow", active=1)
            await until(lambda: len(observer.factory.batch.v1.jobs.lister.list()) == 2)
            service.states["flow"] = "running"
            await until(lambda: not observer._controller.health().running)
            clock.advance(60)
            await until(lambda: not observer._controller.health().delayed)
            assert not service.crashed
            # When that one fails too, nothing is left.
            server.patch(JOBS, "second", {"status": {"active": None, "failed": 1}})
            await until(lambda: service.crashed)
        assert set(service.crashed) == {"flow"}
        assert not server.requests.select(verb="list", resource=JOBS)

    run(main)


def test_events_of_a_pod_come_in_order_and_those_of_a_hundred_at_once(server: APIServer) -> None:
    async def main() -> None:
        service = Service()
        async with observing(server, service, FakeClock()):
            for number in range(100):
                pod(server, f"pod-{number}", "Pending")
                for phase in ("Running", "Failed"):
                    server.patch(PODS, f"pod-{number}", {"status": {"phase": phase}})
            await until(lambda: service.busy == 100)
            service.answers.set()
            await until(lambda: sum(event.phase == "Failed" for event in service.events) == 100)
        for number in range(100):
            phases = [event.phase for event in service.events if event.pod.name == f"pod-{number}"]
            # What changed before the watch began is merged.
            assert phases == ["Pending", "Running", "Failed"][-len(phases) :]
        assert len({event.id for event in service.events}) == len(service.events)

    run(main)


def test_a_pod_made_again_under_its_name_while_nobody_watched_has_events_of_its_own(server: APIServer) -> None:
    async def main() -> None:
        service, clock = Service(), FakeClock()
        service.answers.set()
        pod(server, "it", "Running")
        async with observing(server, service, clock):
            await until(lambda: len(service.events) == 1)
            server.stop_accepting()
            server.delete(PODS, "it")
            pod(server, "it", "Running")
            server.compact()
            server.resume_accepting()
            await until(lambda: clock.advance(0.02) or len(service.events) == 2)
        first, second = service.events
        assert (first.pod, first.phase) == (second.pod, second.phase)
        assert first.id != second.id
        # Another observer, and the same after a restart, says the same.
        again = Service()
        again.answers.set()
        async with observing(server, again, FakeClock()):
            await until(lambda: again.events == [second])

    run(main)


def test_a_stop_ends_what_takes_half_a_minute(server: APIServer) -> None:
    async def main() -> None:
        service = Service()
        job(server, "job", "flow", failed=1)
        pod(server, "pod", "Running")
        async with observing(server, service, FakeClock()):
            await until(lambda: service.busy == 2)
        assert service.busy == 0
        assert service.cancelled == 2

    run(main)


def test_a_service_that_fails_for_one_pod_costs_no_event_of_another(
    server: APIServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        service = Service()
        service.answers.set()
        told = service.emit

        async def emit(event: PodEvent) -> Any:
            if event.pod.name == "bad":
                raise ConnectionError("no answer")
            await told(event)

        monkeypatch.setattr(service, "emit", emit)
        pod(server, "bad", "Running")
        pod(server, "good", "Running")
        async with observing(server, service, FakeClock()):
            await until(lambda: len(service.events) == 1)
            await until(lambda: "no answer" in caplog.text)

    run(main)
