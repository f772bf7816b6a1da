"""How the monitor finds the API server: a kubeconfig, or else the pod that it runs in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kubernetes import config
from kubernetes.client import ApiClient, Configuration

from informers import FactoryHealth
from informers.errors import ConnectionLostError

__all__ = ["MonitorError", "connect", "unreachable"]


class MonitorError(Exception):
    """The monitor can't go on. The message is one line that says why."""


def connect(kubeconfig: str | None, context: str | None = None) -> ApiClient:
    """Return a client for a cluster. No request is made.

    Args:
        kubeconfig: a path; None for kubectl's default ($KUBECONFIG, ~/.kube/config) if that is there, else for the
            service account of the pod that this runs in.
        context: of the kubeconfig; None for its current one.

    Raises:
        MonitorError: there is no configuration, or it can't be read.
    """
    # The official client has types, but not here.
    load_file: Callable[..., None] = config.load_kube_config
    load_pod: Callable[..., None] = config.load_incluster_config
    configuration = Configuration()
    # An empty $KUBECONFIG is as good as none, as for kubectl.
    path = config.KUBE_CONFIG_DEFAULT_LOCATION or "~/.kube/config" if kubeconfig is None else kubeconfig
    # $KUBECONFIG may name several files.
    is_there = any(Path(part).expanduser().is_file() for part in path.split(os.pathsep) if part)
    if not is_there and kubeconfig is not None:
        raise MonitorError(f"there is no kubeconfig at {kubeconfig}")
    if not is_there and context is not None:
        raise MonitorError(f"there is no kubeconfig at {path} that could have the context {context!r}")
    try:
        if is_there:
            load_file(config_file=path, context=context, client_configuration=configuration)
        else:
            load_pod(client_configuration=configuration)
    except Exception as problem:
        if is_there:
            reason = " ".join(str(problem).split())
            raise MonitorError(f"can't use the kubeconfig {path}: {reason or type(problem).__name__}") from problem
        raise MonitorError(
            f"there is no kubeconfig at {path}, and this does not run in a pod of a cluster: "
            "give --kubeconfig FILE, or try --demo"
        ) from problem
    return ApiClient(configuration)


def unreachable(health: FactoryHealth) -> str:
    """Return why no request has got an answer so far; empty if one has, or may yet."""
    watches = [watch for informer in health.informers for watch in informer.watches]
    errors = [watch.error for watch in watches if not watch.listed and isinstance(watch.error, ConnectionLostError)]
    return str(errors[0]) if errors and len(errors) == len(watches) else ""
