"""Checks of the options and objects that tests give.

Upstream: none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from informers._base.checks import as_number, check_count, check_port
from informers.errors import ConfigurationError
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.testing._store.documents import Json, encode, json_of, mapping
from informers.testing._store.served_resources import Catalog, Served

__all__ = ["check_json", "checked_options", "namespace_in", "namespace_of", "understood"]


def checked_options(
    *,
    port: object,
    history: object,
    bookmark_interval: float,
    namespaces: Iterable[str],
    resources: Iterable[NamespacedResource[Any] | ClusterResource[Any]],
) -> list[NamespacedResource[Any] | ClusterResource[Any]]:
    """Return the resources that a server is to serve.

    Raises:
        ConfigurationError: an option is wrong.
    """
    if not as_number(bookmark_interval) > 0:
        raise ConfigurationError(f"bookmark_interval must be more than 0 seconds: got {bookmark_interval!r}")
    check_port(port)
    check_count("history", history, at_least=0)
    if isinstance(namespaces, str):
        raise ConfigurationError(f"namespaces must be a collection of names: got {namespaces!r}")
    served = list(resources)
    for resource in served:
        if not isinstance(resource, Resource):
            raise ConfigurationError(f"resources must be rows, for example core.V1.pods: got {resource!r}")
    return served


def understood(catalog: Catalog, obj: Any, resource: Resource[Any] | None) -> tuple[Served, Json]:
    """Return the served resource of an object, and the object as JSON.

    Args:
        catalog: what is served.
        obj: a mapping, or a model of the official client.
        resource: its resource; None to find it by its kind and version, or its class.

    Raises:
        ConfigurationError: its kind is unknown or not served, or it is not valid JSON.
    """
    content = json_of(obj)
    check_json(content)
    if resource is not None:
        return catalog.of(resource), content
    api_version, kind = content.get("apiVersion", ""), content.get("kind", "")
    served = catalog.by_kind(api_version, kind) or catalog.by_model(cast("object", obj).__class__.__name__)
    if served is None:
        raise ConfigurationError(
            f"can't tell what to store: this server serves no kind {kind!r} of version {api_version!r}; "
            "give the object kind and apiVersion, or pass resource="
        )
    return served, content


def check_json(content: object) -> None:
    """Refuse what can't be written as JSON."""
    try:
        encode(content)
    except (TypeError, ValueError) as problem:
        raise ConfigurationError(f"the object can't be written as JSON: {problem}") from problem


def namespace_in(served: Served, namespace: str | None) -> str:
    """Return a namespace as it is stored: `default` for none, empty for what has no namespaces.

    Raises:
        ConfigurationError: there is one where there are none.
    """
    if served.resource.is_namespaced:
        return namespace or "default"
    if namespace:
        raise ConfigurationError(f"{served.resource} have no namespace: got {namespace!r}")
    return ""


def namespace_of(served: Served, content: Json) -> str:
    """Return an object's namespace; likewise."""
    return namespace_in(served, mapping(content.get("metadata")).get("namespace"))
