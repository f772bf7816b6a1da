"""A controller to deploy: a `Site` has an image served by a Deployment that it owns, and an entry in a table of routes.

Its status has a condition, events tell what happens, and a finalizer takes the route out before a site goes. Health and
metrics are served. Of several replicas one acts. `deploy.yaml` has the custom resource, the permissions and the
Deployment; `Dockerfile` makes the image.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from kubernetes import config
from kubernetes.client import ApiClient, V1Deployment
from prometheus_client import CollectorRegistry

from informers import NotFoundError, ObjectName, SharedInformerFactory, Signal
from informers.controllers import (
    Controller,
    EventRecorder,
    Result,
    apply_object,
    condition_set,
    controller_reference,
    finalizer_added,
    finalizer_removed,
    generation_changed,
    patch_object,
)
from informers.kinds import GroupVersion, apps, core, namespaced
from informers.metrics import ControllerMetrics, InformerCollector
from informers.probes import ProbeServer

NAME = "example.com/sites"
FINALIZER = "sites.example.com/route"


@attrs.frozen
class Site:
    """A site: what is served, how often, and the JSON mapping that says so."""

    raw: Mapping[str, Any]
    metadata: Mapping[str, Any]
    image: str
    replicas: int

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Site:
        """Read a site."""
        spec = raw.get("spec", {})
        return cls(raw, raw["metadata"], str(spec.get("image", "")), int(spec.get("replicas", 1)))


class V1(GroupVersion, group="example.com", version="v1"):
    """The kinds of `example.com/v1`."""

    sites: namespaced[Site] = namespaced("Site", decode=Site.of)


class SiteController:
    """The controller.

    Args:
        api_client: of the official client.
        routes: the ConfigMap with the table of routes.
        registry: where metrics go.
    """

    def __init__(self, api_client: ApiClient, routes: ObjectName, registry: CollectorRegistry) -> None:
        self._routes = routes
        self.factory = SharedInformerFactory(api_client)
        self._sites = self.factory.version(V1).sites
        self._deployments = self.factory.apps.v1.deployments
        metrics = ControllerMetrics(registry=registry)
        # A change of its status does not call for a look; a change of a Deployment does.
        self.controller = Controller(
            "sites", self._sites, self._reconcile, workers=4, predicate=generation_changed, metrics=metrics
        ).owns(self._deployments)
        self._client = self.controller.client(api_client)
        self.recorder = EventRecorder(api_client, NAME)
        InformerCollector(self.factory, registry=registry)

    def _reconcile(self, name: ObjectName) -> Result | None:
        try:
            site = self._sites.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return None  # the cluster removes its Deployment, since it is owned
        if site.metadata.get("deletionTimestamp"):
            self._route(name, None)
            self._patch(name, finalizer_removed(site.raw, FINALIZER))
            return None
        if FINALIZER not in site.metadata.get("finalizers", []):
            # First: what comes after must not be left behind.
            self._patch(name, finalizer_added(site.raw, FINALIZER))
            return Result(requeue_after=0.1)  # finalizers are not in the generation, so no event brings it back
        deployment = self._deployment(name, site)
        ready = (deployment.status.ready_replicas or 0) if deployment is not None and deployment.status else 0
        is_ready = ready >= site.replicas
        self._route(name, f"{name.name}.{name.namespace}.svc" if is_ready else None)
        message = f"{ready} of {site.replicas} replicas are ready"
        reason = "AllReady" if is_ready else "Waits"
        patch = condition_set(site.raw, "Ready", is_ready, reason=reason, message=message)
        if patch is not None:
            self._patch(name, patch, subresource="status")
            self.recorder.event(site, reason, message, action="Serve", resource=V1.sites)
        return None

    def _deployment(self, name: ObjectName, site: Site) -> V1Deployment | None:
        """Return the Deployment as the cache has it, and apply it where it is not as wanted."""
        try:
            found = self._deployments.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            found = None
        if found is None or serves(found) != (site.image, site.replicas):
            labels = {"site": name.name}
            owner = controller_reference(site, V1.sites)
            containers = [{"name": "main", "image": site.image}]
            wanted = {
                "metadata": {"name": name.name, "namespace": name.namespace, "ownerReferences": [owner]},
                "spec": {
                    "replicas": site.replicas,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
                },
            }
            apply_object(self._client, apps.V1.deployments, wanted, field_manager=NAME)
            self.recorder.event(site, "Applied", f"{site.replicas} of {site.image}", action="Apply", resource=V1.sites)
        return found

    def _route(self, name: ObjectName, target: str | None) -> None:
        key = f"{name.namespace}.{name.name}"
        patch_object(self._client, core.V1.config_maps, self._routes, {"data": {key: target}})

    def _patch(self, name: ObjectName, patch: Mapping[str, Any] | None, subresource: str = "") -> None:
        if patch is not None:
            patch_object(self._client, V1.sites, name, patch, subresource=subresource)


def serves(deployment: Any) -> tuple[str, int]:
    """Return what a Deployment serves, and how often."""
    return deployment.spec.template.spec.containers[0].image, deployment.spec.replicas


def elect(namespace: str, seconds: int, won: Callable[[], object], ended: Callable[[], object]) -> None:
    """Take part in the election, in a thread: winning it calls `won`; its end, whatever the reason, calls `ended`."""
    names = ("leaderelection", "electionconfig", "resourcelock.leaselock")  # with leases since kubernetes 37
    election, settings, lease = (importlib.import_module(f"kubernetes.leaderelection.{name}") for name in names)

    def run() -> None:
        try:
            lock = lease.LeaseLock("sites", namespace, f"{socket.gethostname()}-{os.getpid()}")
            times = (seconds, seconds * 2 // 3, max(1, seconds // 8))
            election.LeaderElection(settings.Config(lock, *times, won, ended)).run()
        except Exception as error:  # noqa: BLE001  a line says it, for example that the server can't be reached
            logging.getLogger(NAME).error("the election failed: %s", error)  # noqa: TRY400
        ended()  # nobody renews the lease any more

    threading.Thread(target=run, name="election", daemon=True).start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal comes, or the lease is lost."""
    parser = argparse.ArgumentParser(description="Serves sites.")
    parser.add_argument("--namespace", default="sites-system", help="of the lease and of the table of routes")
    parser.add_argument("--port", type=int, default=8080, help="for probes and metrics")
    parser.add_argument("--lease-seconds", type=int, default=15, help="after which another replica may lead")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop, decided = Signal(), Signal()
    stop.add_callback(decided.set)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    load: Any = config.load_config
    try:
        load()
    except config.ConfigException as error:
        sys.exit(f"there is no usable kubeconfig (set KUBECONFIG), and this does not run in a pod: {error}")
    registry = CollectorRegistry()
    made = SiteController(ApiClient(), ObjectName(options.namespace, "routes"), registry)
    probes = ProbeServer(made.factory, host="", port=options.port, registry=registry, controllers=[made.controller])
    with probes, made.factory:
        elect(options.namespace, options.lease_seconds, decided.set, stop.set)
        decided.wait()  # caches and queue fill meanwhile
        made.controller.run(stop)
    made.recorder.close()
    return 0


if __name__ == "__main__":
    os._exit(main())  # at once: the election may be within a request, in compiled code that can't be ended in order
