"""Counts the pods of each owner, from their metadata alone: the server sends a fraction of the bytes.

Prints a line for each owner, for example `12 default/ReplicaSet/web-5d4f8`, and then what the cache takes.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient

from informers import MetadataSharedInformerFactory, NotSyncedError, PartialObjectMetadata


def owner_of(pod: PartialObjectMetadata) -> str:
    """Return the controller of a pod, in words."""
    metadata = pod.metadata
    owners = [owner for owner in metadata.owner_references or [] if owner.controller]
    return f"{metadata.namespace}/{owners[0].kind}/{owners[0].name}" if owners else f"{metadata.namespace}/nobody"


def count(api_client: ApiClient) -> list[str]:
    """Return the report.

    Raises:
        NotSyncedError: the pods could not be listed within a minute.
    """
    factory = MetadataSharedInformerFactory(api_client, drop_managed_fields=True)
    pods = factory.for_resource("", "v1", "pods")
    with factory:
        factory.wait_for_cache_sync(timeout=60).raise_if_unsynced()
        owners = Counter(map(owner_of, pods.lister.list()))
        health = pods.informer.health()
    lines = [f"{number} {owner}" for owner, number in sorted(owners.items(), key=lambda item: (-item[1], item[0]))]
    return [*lines, f"{health.objects} pods, {health.bytes} bytes"]


if __name__ == "__main__":
    load: Any = config.load_config
    try:
        load()
    except config.ConfigException as error:
        sys.exit(f"there is no usable kubeconfig (set KUBECONFIG), and this does not run in a pod: {error}")
    try:
        report = count(ApiClient())
    except NotSyncedError as error:
        sys.exit(str(error))
    sys.stdout.write("\n".join(report) + "\n")
