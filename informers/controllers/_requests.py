"""Requests for which the official client's methods differ between its versions.

They use the client's own `rest_client`, address, headers and credentials; so a client that remembers writes remembers
these, too.

Upstream: k8s.io/client-go/rest/request.go (v0.37).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from informers._base.checks import check_string, check_time_limit
from informers._base.clock import SYSTEM_CLOCK
from informers.errors import ConfigurationError, StatusError
from informers.objects import ObjectName, check_object_name
from informers.resources import Resource
from informers.source._wire.status_errors import error_of_response

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["body_of", "check_client", "content_of", "get_later", "object_path", "send"]


def check_client(api_client: object) -> None:
    """Refuse an object that is not a client of the official library, in either variant."""
    rest_client = getattr(api_client, "rest_client", None)
    if not callable(getattr(rest_client, "request", None)) or not hasattr(api_client, "configuration"):
        raise ConfigurationError(
            f"api_client must be a kubernetes.client.ApiClient: got {type(api_client).__name__}"
            + ("; give its .api_client" if hasattr(api_client, "api_client") else "")
        )


def object_path(resource: Resource[Any], name: ObjectName, subresource: str = "") -> str:
    """Return the URL path of an object, or of its subresource.

    Raises:
        ConfigurationError: it is not a resource or not a name, or one of the two has a namespace and the other has not;
            or the subresource is not a text.
    """
    if not isinstance(resource, Resource):
        raise ConfigurationError(
            f"expected a resource, for example kind.resource or core.V1.pods: got {type(resource).__name__}"
        )
    check_object_name(name)
    check_string(subresource, "subresource")
    if resource.is_namespaced != bool(name.namespace):
        needed = "has a" if resource.is_namespaced else "has no"
        raise ConfigurationError(f"an object of {resource} {needed} namespace: got {str(name)!r}")
    # Quoted: a name is not to lead elsewhere.
    collection = resource.path(quote(name.namespace, safe="") or None)
    return f"{collection}/{quote(name.name, safe='')}" + (f"/{subresource}" if subresource else "")


def send(
    api_client: ApiClient,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: object = None,
    content_type: str = "",
    timeout: float = 30.0,
) -> dict[str, Any]:
    """Send a request, and return the answer as a JSON mapping.

    Args:
        api_client: the official client's `ApiClient`.
        method: for example `PATCH`.
        path: of the URL; starts with a slash.
        query: parameters.
        body: anything that can be made JSON, including the client's models; None for no body.
        content_type: of the body.
        timeout: seconds for the whole request.

    Raises:
        StatusError: the server answered with an error.
        Exception: what the client raises where there is no answer.
        ConfigurationError: it is not a client, or the timeout is not valid.
    """
    check_client(api_client)
    check_time_limit("timeout", timeout)
    url, headers = _head(api_client, api_client.configuration.auth_settings(), path, dict(query or {}))
    # Models may stand in a mapping: an owner reference, say.
    client: Any = api_client
    if body is not None:
        headers["Content-Type"] = content_type
        body = client.sanitize_for_serialization(body)
    try:
        response = client.rest_client.request(method, url, headers=headers, body=body, _request_timeout=timeout)
    except Exception as error:
        raise _refusal(error) from error
    return _answer(response, body_of(response))


async def get_later(api_client: Any, path: str, *, query: Mapping[str, str], timeout: float) -> dict[str, Any]:
    """Get as `send` does, with the client's asyncio variant."""
    settings = api_client.configuration.auth_settings()
    if inspect.isawaitable(settings):
        settings = await settings
    url, headers = _head(api_client, settings, path, dict(query))
    try:
        response = await api_client.rest_client.request("GET", url, headers=headers, _request_timeout=timeout)
        content = await content_of(response)
    except Exception as error:
        raise _refusal(error) from error
    return _answer(response, content)


def _head(api_client: Any, auth_settings: Any, path: str, pairs: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return URL and headers of a request."""
    headers: dict[str, str] = dict(api_client.default_headers)
    if api_client.cookie:
        headers["Cookie"] = api_client.cookie
    for setting in cast("dict[str, dict[str, str]]", auth_settings).values():
        if setting["value"]:
            (headers if setting["in"] == "header" else pairs)[setting["key"]] = setting["value"]
    headers["Accept"] = "application/json"
    host = str(api_client.configuration.host).rstrip("/")
    return f"{host}{path}" + (f"?{urlencode(pairs)}" if pairs else ""), headers


def _refusal(error: Exception) -> Exception:
    """Return the server's answer as this package's error, or what was raised where there was none."""
    # Clients before 37 raise on what is not a success; later ones leave that to the caller.
    status = getattr(error, "status", None)
    if not isinstance(status, int) or status < 300:
        return error
    return _error(status, body_of(getattr(error, "body", None)), getattr(error, "headers", None))


def _answer(response: Any, content: bytes) -> dict[str, Any]:
    if not 200 <= response.status <= 299:
        raise _error(response.status, content, response.headers)
    return cast("dict[str, Any]", json.loads(content))


async def content_of(response: Any) -> bytes:
    """Return the body of an answer of the client's asyncio variant, which can still read it itself."""
    content = getattr(response, "data", None)
    return body_of(await response.read() if content is None else content)


def body_of(response: Any) -> bytes:
    """Return the body of an answer of any version of the client; the client can still read it itself."""
    content: Any = response
    if not isinstance(response, (str, bytes)):
        content = getattr(response, "data", None)
        if content is None and response is not None:
            content = response.read()
    return content.encode() if isinstance(content, str) else content or b""


def _error(status: int, body: bytes, headers: Any) -> StatusError:
    retry_after = headers.get("Retry-After") if hasattr(headers, "get") else None
    return error_of_response(status, body, retry_after, now=SYSTEM_CLOCK.time())
