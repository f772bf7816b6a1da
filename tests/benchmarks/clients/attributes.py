"""What handlers read of a pod whose fields are attributes in Python's case, as of the official models."""

from __future__ import annotations

from typing import Any


def metadata(pod: Any) -> object:
    meta = pod.metadata
    return meta.namespace, meta.name, meta.resource_version, meta.labels["app"]


def status(pod: Any) -> object:
    return pod.status.phase, pod.status.pod_ip


def everything(pod: Any) -> object:
    return (
        metadata(pod), status(pod), pod.metadata.managed_fields[0].manager, pod.metadata.owner_references[0].uid,
        pod.spec.node_name, [container.image for container in pod.spec.containers],
        [condition.type for condition in pod.status.conditions],
    )  # fmt: skip


def sent(pod: Any) -> str:
    return pod.metadata.annotations["bench.example/sent"]


READERS = {"metadata": metadata, "status": status, "everything": everything, "sent": sent}
