"""How clients get in: the official client's configuration, and a kubeconfig file for all others.

Upstream: none; envtest of controller-runtime has `Environment.Config` and `User.KubeConfig`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["official_client", "write_kubeconfig"]

_NAME = "informers-testing"


def official_client(url: str, token: str) -> ApiClient:
    """Return a client of the official library for a server; an empty token is not sent."""
    # Imported when asked for: it takes a second, and the server needs none of it.
    from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415

    configuration = Configuration(host=url)
    if token:
        configuration.api_key["authorization"] = f"Bearer {token}"
    return ApiClient(configuration)


def write_kubeconfig(path: Path, url: str, token: str) -> None:
    """Write a kubeconfig file for a server; an empty token is not in it."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": {"server": url}}],
        "users": [{"name": _NAME, "user": {"token": token} if token else {}}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"}}],
        "current-context": _NAME,
    }
    # JSON is YAML.
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
