"""The official client's default.

Upstream: none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from informers._base.forks import importing
from informers.errors import ConfigurationError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["default_api_client", "pool_manager"]


def default_api_client() -> ApiClient:
    """Return a client with the configuration that has been loaded (`kubernetes.config.load_config()`).

    Raises:
        ConfigurationError: none has been loaded.
    """
    with importing():
        from kubernetes import client  # noqa: PLC0415  the official client is imported when it is first used

    # Without one the client would silently talk to http://localhost.
    if getattr(client.Configuration, "_default", None) is None:
        raise ConfigurationError(
            "no Kubernetes configuration has been loaded: call kubernetes.config.load_config() first, "
            "or give the factory an api_client"
        )
    return client.ApiClient()


def pool_manager(api_client: ApiClient) -> Any:
    """Return what holds a client's TLS and proxy settings: its urllib3 `PoolManager` or `ProxyManager`.

    Raises:
        ConfigurationError: it is no client, or has no server's address.
    """
    found = getattr(getattr(api_client, "rest_client", None), "pool_manager", None)
    if found is None or not hasattr(found, "pool_classes_by_scheme"):
        raise ConfigurationError(
            f"api_client must be a kubernetes.client.ApiClient: got {type(api_client).__name__}"
            + (" (its asyncio variant is not supported)" if found is not None else "")
        )
    if not api_client.configuration.host:
        raise ConfigurationError(
            "api_client does not know which server to ask: call kubernetes.config.load_config() before you make it"
        )
    return found
