"""What handlers read of a pod whose fields are attributes in the API's case: lightkube's models, kr8s's boxes."""

from __future__ import annotations

from typing import Any


def metadata(pod: Any) -> object:
    meta = pod.metadata
    return meta.namespace, meta.name, meta.resourceVersion, meta.labels["app"]


def status(pod: Any) -> object:
    return pod.status.phase, pod.status.podIP


def everything(pod: Any) -> object:
    return (
        metadata(pod), status(pod), pod.metadata.managedFields[0].manager, pod.metadata.ownerReferences[0].uid,
        pod.spec.nodeName, [container.image for container in pod.spec.containers],
        [condition.type for condition in pod.status.conditions],
    )  # fmt: skip


def sent(pod: Any) -> str:
    return pod.metadata.annotations["bench.example/sent"]


READERS = {"metadata": metadata, "status": status, "everything": everything, "sent": sent}
