"""A notebook hub's view of its users' pods: a snapshot by key, kept by a watch, and an end where it can't be kept.

Built by hand it was a thread that lists and watches each half minute anew, since nobody trusted the watch; polls of its
dictionary until a pod runs; and a doubled pause whose thirty-second second ended the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

from kubernetes.client import ApiClient, CoreV1Api, V1Pod
from typing_extensions import Self

from informers import (
    KindOptions,
    ObjectName,
    ReflectorOptions,
    SharedInformerFactory,
    Signal,
    WaitTimeoutError,
    object_name,
)
from informers._base.clock import Clock
from informers.kinds import core

__all__ = ["NotebookHub"]

LABELS = {"component": "singleuser-server"}


@final
class NotebookHub:
    """Starts notebooks, and knows which there are.

    Args:
        api_client: of the official client.
        namespace: where the notebooks are.
        patience: seconds without a live watch after which the hub is of no use any more.
        on_failure: called then, once, with the reason: it ends the process.
        options: how to list and watch.
        clock: what tells the time.
    """

    def __init__(
        self,
        api_client: ApiClient,
        *,
        namespace: str,
        patience: float,
        on_failure: Callable[[str], object],
        options: ReflectorOptions,
        clock: Clock,
    ) -> None:
        self._api = CoreV1Api(api_client)
        self._namespace = namespace
        self._patience = patience
        self._on_failure = on_failure
        self._stop = Signal(clock=clock)
        self._factory = SharedInformerFactory(
            api_client,
            namespace=namespace,
            overrides={
                core.V1.pods: KindOptions(label_selector=LABELS),
                core.V1.events: KindOptions(field_selector="involvedObject.kind=Pod"),
            },
            options=options,
            clock=clock,
        )
        self.pods_kind = self._factory.core.v1.pods
        self._events = self._factory.core.v1.events
        self._events.informer.add_indexers({"pod": _pod_of})
        self._watchdog = threading.Thread(target=self._watch_over, name="hub-watchdog")

    def __enter__(self) -> Self:
        self._factory.start()
        self._factory.wait_for_cache_sync(timeout=60, stop=self._stop).raise_if_unsynced()
        self._watchdog.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watchdog.join()
        self._factory.stop()

    @property
    def pods(self) -> Mapping[str, V1Pod]:
        """The notebooks' pods by key, as of one moment."""
        return {str(object_name(pod)): pod for pod in self.pods_kind.lister.list()}

    def start(self, user: str, *, timeout: float | None) -> V1Pod:
        """Make a user's pod, and return it once it runs. If the cache has not even heard of it, it is listed anew."""
        name = f"jupyter-{user}"
        spec = {"containers": [{"name": "notebook", "image": "notebook:1"}]}
        made = self._api.create_namespaced_pod(
            self._namespace, {"metadata": {"name": name, "labels": LABELS}, "spec": spec}
        )
        try:
            running = self.pods_kind.informer.wait_until(
                ObjectName(self._namespace, name), lambda pod: _is_running(pod, made.metadata.uid), timeout=timeout
            )
        except WaitTimeoutError:
            if not self.pods_kind.informer.has_seen(made):
                self.pods_kind.informer.relist()
            raise
        assert running is not None
        return running

    def progress(self, user: str) -> list[str]:
        """Return what the cluster says of a user's pod, in order: shown while it starts."""
        found = self._events.lister.by_index("pod", f"{self._namespace}/jupyter-{user}")
        return [event.message or "" for event in sorted(found, key=lambda event: event.metadata.creation_timestamp)]

    def _watch_over(self) -> None:
        while not self._stop.wait(self._patience / 10):
            health = self._factory.health()
            if health.not_live_for >= self._patience:
                self._on_failure(str(health))
                return


def _is_running(pod: V1Pod | None, uid: str) -> bool:
    if pod is None or pod.metadata.uid != uid:
        return False
    if pod.status.phase == "Failed":
        raise RuntimeError(f"the notebook failed: {pod.status.reason}")
    return bool(pod.status.phase == "Running")


def _pod_of(event: Any) -> Iterator[str]:
    yield f"{event.involved_object.namespace}/{event.involved_object.name}"
