"""Keeps the label `team` of every deployment equal to that of its namespace.

A whole controller: handlers say which deployment needs a look, a rate-limited queue holds the names, and workers
compare what the caches say with what should be. Run it against the cluster of your kubeconfig; Ctrl-C ends it.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, AppsV1Api, V1Deployment, V1Namespace

from informers import NotFoundError, ObjectName, ResourceEventHandlerFuncs, SharedInformerFactory, object_name
from informers.workqueue import RateLimitingQueue

LABEL = "team"
_log = logging.getLogger("label_enforcer")


class LabelEnforcer:
    """The controller.

    Args:
        api_client: of the official client.
    """

    def __init__(self, api_client: ApiClient) -> None:
        self._api = AppsV1Api(api_client)
        self._factory = SharedInformerFactory(api_client)
        self._deployments = self._factory.apps.v1.deployments
        self._namespaces = self._factory.core.v1.namespaces
        self._queue: RateLimitingQueue[ObjectName] = RateLimitingQueue(name="deployments")
        self._deployments.informer.add_event_handler(
            ResourceEventHandlerFuncs(on_add=self._look_at, on_update=lambda _old, new: self._look_at(new))
        )
        self._namespaces.informer.add_event_handler(
            ResourceEventHandlerFuncs(
                on_add=self._look_at_all_in, on_update=lambda _old, new: self._look_at_all_in(new)
            )
        )

    def run(self, stop: threading.Event, *, workers: int = 2) -> None:
        """Work until `stop` is set.

        Raises:
            NotSyncedError: the caches could not be filled within a minute.
        """
        threads = [threading.Thread(target=self._work, name=f"worker-{number}") for number in range(workers)]
        with self._factory:
            # Before that, a namespace that is not in the cache would look like one that does not exist.
            self._factory.wait_for_cache_sync(timeout=60).raise_if_unsynced()
            for thread in threads:
                thread.start()
            stop.wait()
            self._queue.shut_down_with_drain(timeout=10)
            for thread in threads:
                thread.join()

    def _look_at(self, deployment: V1Deployment) -> None:
        self._queue.add(object_name(deployment))

    def _look_at_all_in(self, namespace: V1Namespace) -> None:
        for deployment in self._deployments.lister.namespace(object_name(namespace).name).list():
            self._look_at(deployment)

    def _work(self) -> None:
        for name in self._queue.items():
            try:
                self._reconcile(name)
            except Exception:  # noqa: BLE001  whatever it is, it is tried again
                _log.exception("%s: trying again", name)
                self._queue.add_rate_limited(name)
            else:
                self._queue.forget(name)
            finally:
                self._queue.done(name)

    def _reconcile(self, name: ObjectName) -> None:
        try:
            deployment = self._deployments.lister.namespace(name.namespace).get(name.name)
            namespace = self._namespaces.lister.get(name.namespace)
        except NotFoundError:
            return
        wanted = labels_of(namespace).get(LABEL)
        if labels_of(deployment).get(LABEL) != wanted:
            _log.info("%s: %s=%s", name, LABEL, wanted)
            patch = {"metadata": {"labels": {LABEL: wanted}}}
            self._api.patch_namespaced_deployment(name.name, name.namespace, patch)


def labels_of(obj: Any) -> dict[str, str]:
    """Return an object's labels."""
    return obj.metadata.labels or {}


def main() -> int:
    """Run until a signal comes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    load: Any = config.load_config
    load()
    LabelEnforcer(ApiClient()).run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
