"""API group `batch`.

Upstream: k8s.io/client-go/informers/batch (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "BatchGroup"]


class V1(GroupVersion, group="batch", version="v1"):
    """Kinds of `batch/v1`."""

    cron_jobs: namespaced[client.V1CronJob] = namespaced("CronJob")
    jobs: namespaced[client.V1Job] = namespaced("Job")


class BatchGroup(Group):
    """The versions of `batch`."""

    v1: version[V1] = version(V1)
