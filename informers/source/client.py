"""The official client's default.

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.errors import ConfigurationError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["default_api_client"]


def default_api_client() -> ApiClient:
    """Return a client with the configuration that has been loaded (`kubernetes.config.load_config()`).

    Raises:
        ConfigurationError: none has been loaded.
    """
    from kubernetes import client  # noqa: PLC0415  the official client is imported when it is first used

    # Without one the client would silently talk to http://localhost.
    if getattr(client.Configuration, "_default", None) is None:
        raise ConfigurationError(
            "no Kubernetes configuration has been loaded: call kubernetes.config.load_config() first, "
            "or give the factory an api_client"
        )
    return client.ApiClient()
