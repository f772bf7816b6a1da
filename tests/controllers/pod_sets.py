"""The tutorial's controller, for clusters in memory: it makes as many pods as are wanted."""

from __future__ import annotations

from typing import Any

from informers import NotFoundError, ObjectName
from informers.controllers import Controller, by_controller
from tests.controllers.cluster import Cluster, Obj

__all__ = ["PodSets", "reference_to"]


def reference_to(owner: Obj) -> Obj:
    """Return the reference that makes a pod set the controller of a pod."""
    metadata = owner["metadata"]
    found = {"apiVersion": "example.com/v1", "kind": "PodSet", "name": metadata["name"], "controller": True}
    return {**found, "uid": metadata["uid"]}


class PodSets:
    """It counts what the cache has, makes what is missing, and deletes what is too much."""

    def __init__(self, cluster: Cluster, owners: Any, pods: Any, *, waits: bool = True, **options: Any) -> None:
        self.owners = owners
        self.mine = by_controller(pods)
        self.controller = Controller("pod-sets", owners, self.reconcile, **options).owns(pods)
        client = self.controller.client(cluster) if waits else cluster
        self.rest: Any = client.rest_client
        self.made = 0
        self.deleted = 0

    def reconcile(self, name: ObjectName) -> None:
        try:
            owner: Obj = self.owners.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        path = f"http://cluster/api/v1/namespaces/{name.namespace}/pods"
        have = self.mine.of(owner)
        for _ in range(owner["replicas"] - len(have)):
            metadata = {"generateName": f"{name.name}-", "ownerReferences": [reference_to(owner)]}
            self.rest.request("POST", path, body={"metadata": metadata})
            self.made += 1
        for pod in have[owner["replicas"] :]:
            self.rest.request("DELETE", f"{path}/{pod['metadata']['name']}")
            self.deleted += 1
