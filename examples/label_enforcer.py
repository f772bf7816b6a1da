"""Keeps the label `team` of every deployment equal to that of its namespace.

A whole controller: what changes says which deployment needs a look, and a function compares what the caches say with
what should be. Run it against the cluster of your kubeconfig; Ctrl-C ends it.
"""

from __future__ import annotations

import logging
import signal
import sys
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, AppsV1Api, V1Namespace

from informers import NotFoundError, NotSyncedError, ObjectName, SharedInformerFactory, Signal, object_name
from informers.controllers import Controller

LABEL = "team"


class LabelEnforcer:
    """The controller.

    Args:
        api_client: of the official client.
    """

    def __init__(self, api_client: ApiClient) -> None:
        self._factory = SharedInformerFactory(api_client)
        self._deployments = self._factory.apps.v1.deployments
        self._namespaces = self._factory.core.v1.namespaces
        self._controller = Controller("team-labels", self._deployments, self._reconcile, workers=2)
        self._controller.watches(self._namespaces, self._deployments_in)
        self._api = AppsV1Api(self._controller.client(api_client))

    def run(self, stop: Signal) -> None:
        """Work until `stop` is set.

        Raises:
            NotSyncedError: the caches could not be filled within two minutes.
        """
        with self._factory:
            self._controller.run(stop)

    def _deployments_in(self, namespace: V1Namespace) -> list[ObjectName]:
        found = self._deployments.lister.namespace(object_name(namespace).name).list()
        return [object_name(deployment) for deployment in found]

    def _reconcile(self, name: ObjectName) -> None:
        try:
            deployment = self._deployments.lister.namespace(name.namespace).get(name.name)
            namespace = self._namespaces.lister.get(name.namespace)
        except NotFoundError:
            return
        wanted = labels_of(namespace).get(LABEL)
        if labels_of(deployment).get(LABEL) != wanted:
            self._controller.logger.info("%s=%s", LABEL, wanted)
            patch = {"metadata": {"labels": {LABEL: wanted}}}
            self._api.patch_namespaced_deployment(name.name, name.namespace, patch)


def labels_of(obj: Any) -> dict[str, str]:
    """Return an object's labels."""
    return obj.metadata.labels or {}


def main() -> int:
    """Run until a signal comes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = Signal()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    load: Any = config.load_config
    try:
        load()
    except config.ConfigException as error:
        sys.exit(f"there is no usable kubeconfig (set KUBECONFIG), and this does not run in a pod: {error}")
    try:
        LabelEnforcer(ApiClient()).run(stop)
    except NotSyncedError as error:
        sys.exit(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
