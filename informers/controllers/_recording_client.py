"""A copy of a client that reports its writes: each passes through one method of its `rest_client`.

In every version of the official client, and in its asyncio variant, method and URL are the first arguments of that
method; the layers above it differ. So typed APIs, custom objects and the dynamic client are all covered.

Upstream: none; client-go has a client for each kind, each of which would have to be wrapped.
"""

from __future__ import annotations

import copy
import inspect
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, final
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from informers.controllers._requests import body_of, check_client, content_of

__all__ = ["Address", "WriteAnswer", "address_of", "recording_client"]

C = TypeVar("C")

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PATH = re.compile(
    r"(?:/api|/apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>.+))?)?"
)


@final
@attrs.frozen
class Address:
    """The target of a write.

    Attributes:
        method: for example `PATCH`.
        group: API group; empty for the core group.
        plural: name of the resource in the URL.
        namespace: empty for an object of the whole cluster.
        name: empty if all objects of the collection are the target.
        subresource: for example `status`; may be empty.
        collection: URL path of the collection, without the server's own prefix.
    """

    method: str
    group: str
    plural: str
    namespace: str
    name: str
    subresource: str
    collection: str


@final
@attrs.frozen(eq=False)
class WriteAnswer:
    """The answer to a write.

    Attributes:
        obj: the JSON mapping; None if the answer was lost, so that it is unknown whether the write took effect.
        client: the client that wrote, without the recording.
    """

    obj: dict[str, Any] | None
    client: Any


def address_of(method: str, url: str, host: str) -> Address | None:
    """Return the target of a request; None if it is neither an object nor a collection of the API."""
    path = urlsplit(url).path.removeprefix(urlsplit(host).path.rstrip("/"))
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    found = {key: unquote(value or "") for key, value in match.groupdict().items()}
    plural, name, namespace, subresource = (found[key] for key in ("plural", "name", "namespace", "subresource"))
    end = match.end("plural")
    if not found["group"] and plural == "bindings":
        # /api/v1/namespaces/shop/bindings: the older way to bind a pod, which stands in the body.
        plural, subresource = "pods", "binding"
        return Address(method, "", plural, namespace, name, subresource, path[: match.start("plural")] + plural)
    if not found["group"] and namespace and not name and plural in {"status", "finalize"}:
        # /api/v1/namespaces/shop/status is of the namespace itself.
        plural, name, namespace, subresource = "namespaces", namespace, "", plural
        end = path.index("/namespaces/") + len("/namespaces")
    return Address(method, found["group"], plural, namespace, name, subresource, path[:end])


def recording_client(api_client: C, answered: Callable[[Address, WriteAnswer], None]) -> C:
    """Return a copy of a client that calls `answered` after each write; the client itself does not change.

    Args:
        api_client: a `kubernetes.client.ApiClient`, or its asyncio variant.
        answered: must not raise.

    Raises:
        ConfigurationError: it is not an `ApiClient`.
    """
    check_client(api_client)
    recording: Any = copy.copy(api_client)
    recording.rest_client = copy.copy(recording.rest_client)
    recording.default_headers = dict(recording.default_headers)
    if hasattr(recording, "_pool"):
        recording._pool = None  # noqa: SLF001  each client makes its own thread pool when needed
    rest: Any = recording.rest_client
    request: Callable[..., Any] = rest.request

    def request_and_say(method: str, url: str, *arguments: Any, **options: Any) -> Any:
        address = _write_at(method, url, options, str(recording.configuration.host))
        if address is None:
            return request(method, url, *arguments, **options)
        try:
            response = request(method, url, *arguments, **options)
            if inspect.isawaitable(response):
                return _say_later(response, address)
            content = body_of(response)
        except BaseException as error:
            say_failure(error, address)
            raise
        say(response.status, content, address)
        return response

    async def _say_later(awaitable: Awaitable[Any], address: Address) -> Any:
        try:
            response = await awaitable
            content = await content_of(response)
        except BaseException as error:
            # That it was cancelled does not say that the server has not got it.
            say_failure(error, address)
            raise
        say(response.status, content, address)
        return response

    def say(status: int, content: bytes, address: Address) -> None:
        if 200 <= status <= 299:
            answered(address, WriteAnswer(_mapping_of(content), api_client))
        elif status >= 500:
            answered(address, WriteAnswer(None, api_client))

    def say_failure(error: BaseException, address: Address) -> None:
        status = getattr(error, "status", None)
        # If the server refused it, it took no effect. If a proxy answered, or nobody, it may have.
        if not (isinstance(status, int) and 300 <= status < 500):
            answered(address, WriteAnswer(None, api_client))

    rest.request = request_and_say
    return recording  # type: ignore[no-any-return]  # a copy of the argument


def _write_at(method: str, url: str, options: dict[str, Any], host: str) -> Address | None:
    if method.upper() not in _WRITES:
        return None
    # Before version 37, the parameters are an argument of their own.
    parameters = [*parse_qsl(urlsplit(url).query), *(options.get("query_params") or ())]
    if any(key == "dryRun" and value for key, value in parameters):
        return None
    return address_of(method.upper(), url, host)


def _mapping_of(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
