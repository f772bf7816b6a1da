"""What the tests of the test server share: bare HTTP, so that no client hides what goes over the wire."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from informers.testing import APIServer

PODS = "/api/v1/namespaces/default/pods"
ALL_PODS = "/api/v1/pods"


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": "main", "image": "web:1"}]},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": data}


class Answer:
    def __init__(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def connect(server: APIServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)


def url(path: str, query: dict[str, Any]) -> str:
    return quote(path) + (f"?{urlencode(query)}" if query else "")


def ask(
    server: APIServer,
    path: str,
    *,
    method: str = "GET",
    body: Any = None,
    headers: dict[str, str] | None = None,
    **query: Any,
) -> Answer:
    """Make a request on a connection of its own. A query's `continue` is spelt `continue_`."""
    query = {name.rstrip("_"): value for name, value in query.items()}
    connection = connect(server)
    try:
        content = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})} if content else headers or {}
        connection.request(method, url(path, query), body=content, headers=sent)
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()


class Stream:
    """An open watch."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.response = response

    def line(self) -> bytes:
        return self.response.readline()

    def event(self) -> dict[str, Any]:
        line = self.line()
        assert line, "the watch has ended"
        return json.loads(line)

    def events(self, count: int) -> list[dict[str, Any]]:
        return [self.event() for _ in range(count)]

    def short(self, count: int) -> list[tuple[str, str]]:
        """Return type and name of the next events."""
        return [(e["type"], e["object"]["metadata"].get("name", "")) for e in self.events(count)]


@contextmanager
def watching(
    server: APIServer, path: str = ALL_PODS, *, headers: dict[str, str] | None = None, **query: Any
) -> Iterator[Stream]:
    connection = connect(server)
    try:
        connection.request("GET", url(path, {"watch": "true", **query}), headers=headers or {})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        yield Stream(response)
    finally:
        connection.close()
