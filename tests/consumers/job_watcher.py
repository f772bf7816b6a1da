"""A scheduler's watch over the pods of its jobs: each result once, whatever became of the watch or of the scheduler.

Built by hand it was a process for each namespace with a queue between them, a version in a global dictionary that an
error set to "0", and `DELETED without a deletion mark` for a pod that another scheduler has adopted: so a pod that was
deleted by force counts as adopted, and what went while nobody watched counts as nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from queue import SimpleQueue
from typing import Any, Literal, TypeAlias, final

import attrs
from kubernetes.client import ApiClient, ApiException, CoreV1Api, V1Pod

from informers import (
    DeletedFinalStateUnknown,
    ObjectName,
    ReflectorOptions,
    ResourceEventHandlerFuncs,
    SharedInformerFactory,
    SnapshotResult,
    metadata_of,
    object_name,
)
from informers.controllers import Controller

__all__ = ["JobResult", "JobWatcher"]

#: "adopted": it goes on, and another scheduler watches it.
Outcome: TypeAlias = Literal["succeeded", "failed", "adopted"]


@final
@attrs.frozen
class JobResult:
    """What became of a task.

    Attributes:
        task: id of the task, an annotation of its pod.
        outcome: what became of it.
    """

    task: str
    outcome: Outcome


@final
class JobWatcher:
    """Watches the pods of one scheduler in some namespaces.

    Args:
        api_client: of the official client.
        scheduler: the scheduler's id, a label of its pods.
        namespaces: where its pods are.
        caches: file that keeps what it knows from one process to the next.
        options: how to list and watch.
    """

    def __init__(
        self,
        api_client: ApiClient,
        *,
        scheduler: str,
        namespaces: Collection[str],
        caches: str | os.PathLike[str],
        options: ReflectorOptions,
    ) -> None:
        self.results: SimpleQueue[JobResult] = SimpleQueue()
        self._caches = caches
        self._api = CoreV1Api(api_client)
        #: By name and uid, pods that left the watch, and nobody said why.
        self._left: dict[ObjectName, dict[str, Any]] = {}
        self._told: set[str] = set()
        self.factory = SharedInformerFactory(
            api_client, namespace=namespaces, label_selector=f"scheduler={scheduler},!done", options=options
        )
        self._pods = self.factory.core.v1.pods
        self.controller = Controller("jobs", self._pods, self._find_out, workers=2)
        self._pods.informer.add_event_handler(
            ResourceEventHandlerFuncs(
                on_add=self._saw, on_update=lambda _old, new: self._saw(new), on_delete=self._gone
            )
        )

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set, from where the last process has ended; at the end keep what is known."""
        self.loaded: SnapshotResult = self.factory.load(self._caches)
        with self.factory:
            self.controller.run(stop)
        self.factory.save(self._caches)

    def _saw(self, pod: V1Pod) -> None:
        if pod.status.phase in {"Succeeded", "Failed"}:
            self._tell(pod, "succeeded" if pod.status.phase == "Succeeded" else "failed")

    def _gone(self, last: V1Pod | DeletedFinalStateUnknown[Any]) -> None:
        pod = last.obj if isinstance(last, DeletedFinalStateUnknown) else last
        metadata = metadata_of(pod)
        if metadata.deletion_timestamp is not None:
            self._tell(pod, "failed")
        elif metadata.uid not in self._told:
            # Adopted, deleted by force, or gone while nobody watched: the server knows.
            self._left.setdefault(object_name(pod), {})[metadata.uid] = pod
            self.controller.enqueue(object_name(pod))

    def _find_out(self, name: ObjectName) -> None:
        """Ask the server what has become of pods that left the watch; where it can't say, this is called again."""
        for uid, pod in list(self._left.get(name, {}).items()):
            try:
                found = self._api.read_namespaced_pod(name.name, name.namespace)
            except ApiException as error:
                if error.status != 404:
                    raise
                found = None
            is_there = found is not None and found.metadata.uid == uid
            self._tell(pod, "adopted" if is_there else "failed")
            del self._left[name][uid]

    def _tell(self, pod: V1Pod, outcome: Outcome) -> None:
        metadata = metadata_of(pod)
        if metadata.uid not in self._told:
            self._told.add(metadata.uid)
            self.results.put(JobResult(metadata.annotations["task"], outcome))
