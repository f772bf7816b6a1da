"""Configuration of clients: of the official one, and a kubeconfig file for all others.

Upstream: none; envtest of controller-runtime has `Environment.Config` and `User.KubeConfig`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["as_data", "official_client", "write_kubeconfig"]

_NAME = "informers-testing"


def official_client(
    url: str, token: str = "", *, authority: Path | None = None, certificate: tuple[Path, Path] | None = None
) -> ApiClient:
    """Return a client of the official library for a server.

    Args:
        url: of the server.
        token: a bearer token; an empty one is not sent.
        authority: the certificate of the authority that the server's certificate is checked with.
        certificate: the client's certificate and key.
    """
    # Imported late: it takes a second, and the server does not need it.
    from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415

    configuration: Any = Configuration()
    configuration.host = url
    if authority is not None:
        configuration.ssl_ca_cert = str(authority)
    if certificate is not None:
        configuration.cert_file, configuration.key_file = map(str, certificate)
    if token:
        configuration.api_key["authorization"] = token
        configuration.api_key_prefix["authorization"] = "Bearer"
    return ApiClient(configuration)


def as_data(file: Path) -> str:
    """Return the content of a file as a kubeconfig's `...-data` fields have it."""
    return base64.b64encode(file.read_bytes()).decode()


def write_kubeconfig(
    path: Path | str, url: str, credentials: Mapping[str, str], *, authority: Path | None = None
) -> Path:
    """Write a kubeconfig file that only its owner can read, and return its path. It needs no other file.

    Args:
        path: of the file.
        url: of the server.
        credentials: the user in the file's words, for example `{"token": "secret"}`.
        authority: the certificate of the authority that the server's certificate is checked with.
    """
    cluster = {"server": url} | ({} if authority is None else {"certificate-authority-data": as_data(authority)})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": _NAME, "user": dict(credentials)}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"}}],
        "current-context": _NAME,
    }
    written = Path(path)
    written.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")  # JSON is YAML
    written.chmod(0o600)
    return written
