"""Against a real HTTP server whose watches lag: a controller in threads makes as many pods as are wanted."""

from __future__ import annotations

import threading

import pytest
from kubernetes import client

from informers import NotFoundError, ObjectName, SharedInformerFactory
from informers.controllers import Controller, by_controller, controller_reference
from informers.kinds import core
from informers.testing import APIServer, Lag
from tests.waiting import eventually

WANTED = 5


@pytest.mark.parametrize("lag", [Lag(seconds=0.1), Lag(events=2)])
def test_five_pods_are_made_where_five_are_wanted_while_the_owner_is_touched_all_the_time(lag: Lag) -> None:
    with APIServer() as server:
        factory = SharedInformerFactory(server.client())
        owners, pods = factory.core.v1.config_maps, factory.core.v1.pods
        pods_of = by_controller(pods)
        created: list[str] = []

        def reconcile(name: ObjectName) -> None:
            try:
                owner = owners.lister.namespace(name.namespace).get(name.name)
            except NotFoundError:
                return
            for _ in range(WANTED - len(pods_of.of(owner))):
                reference = controller_reference(owner, core.V1.config_maps)
                metadata = {"generateName": "web-", "ownerReferences": [reference]}
                spec = {"containers": [{"name": "main", "image": "nginx"}]}
                made = api.create_namespaced_pod(name.namespace, {"metadata": metadata, "spec": spec})
                created.append(made.metadata.name)

        controller = Controller("sets", owners, reconcile, workers=4).owns(pods)
        api = client.CoreV1Api(controller.client(server.client()))
        held = server.faults.add(lag, verb="watch", resource=core.V1.pods, times=None)
        stop = threading.Event()
        with factory:
            running = threading.Thread(target=controller.run, args=(stop,))
            running.start()
            server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}})
            eventually(lambda: len(created) == WANTED)
            for number in range(20):
                server.patch(core.V1.config_maps, "web", {"data": {"touched": str(number)}})
            server.faults.remove(held)
            eventually(lambda: len(pods.lister.list()) == WANTED)
            health = controller.health
            eventually(lambda: not (health().waiting or health().running or health().postponed))
            stop.set()
            running.join(10)
        assert len(server.list(core.V1.pods)) == len(created) == WANTED
