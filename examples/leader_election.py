"""A controller of which several replicas run, and one works: the one that holds a lease.

All fill their caches and their queues, so that another can take over within a moment; only the leader's controller
runs. The one that loses the lease ends, with exit code 1, and is started again by Kubernetes: that is the only way to
be sure that nothing goes on.

The work: each ConfigMap with the label `signed=please` is signed with the leader's name. Needs `kubernetes` 37 or
newer, whose leader election can use a lease.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, CoreV1Api
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock import leaselock
from urllib3.exceptions import HTTPError

from informers import NotFoundError, ObjectName, SharedInformerFactory, Signal
from informers.controllers import Controller

_log = logging.getLogger("signer")
# The official client has types, but not here.
_LeaderElection: Any = leaderelection.LeaderElection
_Config: Any = electionconfig.Config
_LeaseLock: Any = leaselock.LeaseLock


class Signer:
    """The controller.

    Args:
        api_client: of the official client.
        identity: what it signs with.
    """

    def __init__(self, api_client: ApiClient, identity: str) -> None:
        self._identity = identity
        self.factory = SharedInformerFactory(api_client, label_selector="signed=please")
        self._maps = self.factory.core.v1.config_maps
        # Its handlers are there from now on, so the queue of a replica that waits holds each name once.
        self._controller = Controller("signer", self._maps, self._reconcile)
        self._stop = Signal()
        self._api = CoreV1Api(self._controller.client(api_client))

    def lead(self) -> None:
        """Be the leader: work until the lease is lost."""
        _log.info("%s leads", self._identity)
        self._controller.run(self._stop)

    def stop(self) -> None:
        """Be the leader no longer: what waits is the next one's."""
        _log.info("%s leads no longer", self._identity)
        self._stop.set()

    def _reconcile(self, name: ObjectName) -> None:
        try:
            found = self._maps.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        if not (found.data or {}).get("signature"):
            # The version that the decision was made on: who leads in error, since its clock stood still, is refused.
            version = found.metadata.resource_version if found.metadata else None
            patch = {"metadata": {"resourceVersion": version}, "data": {"signature": self._identity}}
            self._api.patch_namespaced_config_map(name.name, name.namespace, patch)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal comes, or the lease is lost."""
    parser = argparse.ArgumentParser(description="Signs ConfigMaps, one replica at a time.")
    parser.add_argument("--identity", default=f"{socket.gethostname()}-{os.getpid()}")
    parser.add_argument("--namespace", default="default", help="of the lease")
    parser.add_argument("--lease-seconds", type=int, default=15, help="at least 3; default: 15")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop, lost = Signal(), Signal()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    load: Any = config.load_config
    try:
        load()
    except config.ConfigException as error:
        sys.exit(f"there is no usable kubeconfig (set KUBECONFIG), and this does not run in a pod: {error}")
    signer = Signer(ApiClient(), options.identity)
    election = _LeaderElection(
        _Config(
            _LeaseLock("signer", options.namespace, options.identity),
            lease_duration=options.lease_seconds,
            renew_deadline=options.lease_seconds * 2 // 3,
            retry_period=max(1, options.lease_seconds // 8),
            onstarted_leading=signer.lead,
            onstopped_leading=signer.stop,
        )
    )

    def elect() -> None:
        try:
            election.run()
        except HTTPError as error:
            _log.error("the server can't be reached: %s", error)
        finally:
            lost.set()
            stop.set()

    with signer.factory:
        # In a thread, since the official client's request can't be broken off.
        threading.Thread(target=elect, name="election", daemon=True).start()
        stop.wait()
        signer.stop()
    return int(lost.is_set())


if __name__ == "__main__":
    os._exit(main())  # at once: the election may be within a request, in compiled code that can't be ended in order
