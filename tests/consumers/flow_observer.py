"""An observer of flows that run as jobs: tells a service what becomes of pods, and which flows have crashed.

Built on an operator framework it was handlers that ask the API server for the jobs of a flow each five seconds, for
half a minute each, and that share their workers with everything else: a hundred failed jobs at once starved all others.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Iterator
from typing import Protocol, final

import attrs
from kubernetes.client import ApiClient, V1Job, V1Pod

from informers import NotFoundError, ObjectName, ReflectorOptions, SharedInformerFactory, aio, labels_of, object_name
from informers._base.clock import Clock
from informers.controllers import Result

__all__ = ["FLOW", "FlowObserver", "FlowService", "PodEvent"]

FLOW = "example.com/flow-run"


@final
@attrs.frozen
class PodEvent:
    """What became of a pod. Its id is the same whoever tells it, and however often."""

    id: uuid.UUID
    flow: str
    pod: ObjectName
    phase: str

    @classmethod
    def of(cls, pod: V1Pod) -> PodEvent:
        """Return the event of a pod's state."""
        restarts = sum(status.restart_count for status in pod.status.container_statuses or ())
        known = f"{pod.metadata.uid}/{pod.status.phase}/{restarts}"
        return cls(uuid.uuid5(uuid.NAMESPACE_URL, known), labels_of(pod)[FLOW], object_name(pod), pod.status.phase)


class FlowService(Protocol):
    """The service that runs flows."""

    async def emit(self, event: PodEvent) -> None:
        """Tell an event."""

    async def state(self, flow: str) -> str:
        """Return the state of a flow: pending, running, crashed, completed."""

    async def crash(self, flow: str) -> None:
        """Say that a flow has crashed."""


@final
class FlowObserver:
    """Observes the jobs and pods that have a flow's label.

    Args:
        api_client: of the official client.
        service: what is told.
        patience: seconds for which a pending flow whose job has failed may get another job.
        options: how to list and watch.
        clock: what tells the time.
    """

    def __init__(
        self, api_client: ApiClient, service: FlowService, *, patience: float, options: ReflectorOptions, clock: Clock
    ) -> None:
        self._service = service
        self._patience = patience
        self._clock = clock
        #: By uid of the job.
        self._failed_since: dict[str, float] = {}
        self.factory = SharedInformerFactory(api_client, label_selector=FLOW, options=options, clock=clock)
        self._jobs, self._pods = self.factory.batch.v1.jobs, self.factory.core.v1.pods
        self._jobs.informer.add_indexers({"flow": lambda job: [labels_of(job)[FLOW]]})
        self._controller = aio.Controller("flows", self._jobs, self._judge, workers=100, clock=clock)
        # A job that is new, or runs, may be why a flow whose other job has failed goes on.
        self._controller.watches(self._jobs, lambda job: map(object_name, self._others(job)))

    async def run(self, stop: asyncio.Event) -> None:
        """Observe until `stop` is set; calls that take long are cancelled then."""
        async with aio.running(self.factory):
            aio.add_event_handler(self._pods.informer, on_add=self._is, on_update=self._became, workers=100)
            ending = asyncio.create_task(self._controller.run(stop))
            await stop.wait()
            ending.cancel()
            await asyncio.wait({ending})

    async def _is(self, pod: V1Pod) -> None:
        await self._service.emit(PodEvent.of(pod))

    async def _became(self, old: V1Pod, new: V1Pod) -> None:
        if PodEvent.of(old) != PodEvent.of(new):
            await self._service.emit(PodEvent.of(new))

    async def _judge(self, name: ObjectName) -> Result | None:
        try:
            job = self._jobs.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return None
        if not _has_failed(job) or any(_is_of_use(other) for other in self._others(job)):
            return None
        flow = labels_of(job)[FLOW]
        state = await self._service.state(flow)
        since = self._failed_since.setdefault(job.metadata.uid, self._clock.monotonic())
        if state == "pending" and self._clock.monotonic() - since < self._patience:
            return Result(requeue_after=self._patience / 6)
        if state in {"pending", "running"}:
            await self._service.crash(flow)
        return None

    def _others(self, job: V1Job) -> Iterator[V1Job]:
        """Yield the other jobs of a job's flow."""
        found: Iterable[V1Job] = self._jobs.lister.by_index("flow", labels_of(job)[FLOW])
        return (other for other in found if other.metadata.uid != job.metadata.uid)


def _has_failed(job: V1Job) -> bool:
    return (job.status.failed or 0) > (6 if job.spec.backoff_limit is None else job.spec.backoff_limit)


def _is_of_use(job: V1Job) -> bool:
    return bool(job.status.succeeded or job.status.active)
