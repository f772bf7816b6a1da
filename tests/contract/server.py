"""Raw HTTP to an API server of either kind: the exact bytes, and watches read line by line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import attrs
import urllib3

from informers.testing import APIServer, ControlPlane

__all__ = ["STREAM", "Answer", "Server", "WatchStream", "decode_pairs", "embedded_server", "scrub"]

#: Seconds without a byte after which a watch counts as silent. Nothing that is expected takes so long.
SILENCE = 10.0

_JSON = "application/json"

Params = Mapping[str, str | int | bool]

#: How a list is asked for as a stream.
STREAM: Params = {
    "sendInitialEvents": True,
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": True,
}


@attrs.frozen
class Answer:
    """One answer of the server."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.raw)

    def ok(self) -> Any:
        """The body of an answer that must not be an error."""
        assert self.status < 300, f"{self.status} {self.raw.decode(errors='replace')}"
        return self.json()


class WatchStream:
    """The lines of an open watch."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self._lines = self._split(response)

    @staticmethod
    def _split(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        rest = b""
        for chunk in response.stream(65536, decode_content=True):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        if rest:
            yield rest

    def line(self) -> bytes:
        """The next line; StopIteration when the server has ended the watch."""
        return next(self._lines)

    def event(self) -> tuple[str, dict[str, Any]]:
        """The next event's type and object."""
        event = json.loads(self.line())
        return event["type"], event["object"]

    def events(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """The next so many events."""
        return [self.event() for _ in range(count)]

    def rest(self) -> list[bytes]:
        """Every line until the server ends the watch."""
        return list(self._lines)


class Server:
    """An API server of either kind, spoken to in raw HTTP by someone who may do everything there.

    Args:
        api: the server.
        token: another one than that of `api.client()`.
    """

    def __init__(self, api: APIServer | ControlPlane, token: str = "") -> None:
        self.api = api
        self.is_embedded = isinstance(api, APIServer)
        client = api.client()
        self._url = api.url
        self._pool: urllib3.PoolManager = client.rest_client.pool_manager
        sent = f"Bearer {token}" if token else client.configuration.get_api_key_with_prefix("authorization")
        self._headers = {"Authorization": sent} if sent else {}

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request. A body that is not bytes goes as JSON."""
        answer = self._pool.request(
            method,
            self._url + path + _query(params or {}),
            body=body if body is None or isinstance(body, bytes) else json.dumps(body),
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                **self._headers,
                **(headers or {}),
            },
            timeout=SILENCE,
            retries=False,
        )
        return Answer(answer.status, answer.headers, answer.data)

    def get(self, path: str, **params: str | int | bool) -> Answer:
        """GET with parameters."""
        return self.send("GET", path, params=params)

    def create(self, path: str, body: Any) -> dict[str, Any]:
        """POST an object that must be taken."""
        made: dict[str, Any] = self.send("POST", path, body).ok()
        return made

    def patch(self, path: str, body: Any, kind: str = "merge") -> Answer:
        """PATCH with one of the kinds `merge`, `json`, `strategic-merge`, `apply`."""
        content = f"application/{kind}-patch+{'yaml' if kind == 'apply' else 'json'}"
        return self.send("PATCH", path, body, headers={"Content-Type": content})

    @contextlib.contextmanager
    def watch(
        self, path: str, *, accept: str = "application/json", **params: str | int | bool
    ) -> Iterator[WatchStream]:
        """Open a watch, and cut it at the end."""
        response = self._pool.request(
            "GET",
            self._url + path + _query({"watch": True, "timeoutSeconds": 30, **params}),
            headers={"Accept": accept, **self._headers},
            preload_content=False,
            retries=False,
            timeout=urllib3.Timeout(connect=SILENCE, read=SILENCE),
        )
        try:
            yield WatchStream(response)
        finally:
            response.close()
            response.release_conn()

    def disconnect(self) -> None:
        """Close what is open. Clearing the pool alone leaves that to the collector, as long as an answer is in use."""
        for key in self._pool.pools.keys():  # noqa: SIM118  urllib3's container can't be iterated
            self._pool.pools[key].close()
        self._pool.clear()


def embedded_server() -> APIServer:
    """Return the embedded server, without what controllers do: none run beside the real one either."""
    return APIServer(finalizes_namespaces=False)


def scrub(obj: Any) -> Any:
    """Return an object with what differs each time replaced: uid, times, version; managers go."""
    metadata = dict(obj["metadata"])
    metadata.pop("managedFields", None)
    for field in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"):
        if field in metadata:
            metadata[field] = "…"
    return {**obj, "metadata": metadata}


def decode_pairs(raw: bytes) -> Any:
    """Decode JSON with every mapping as a list of pairs, so that the order of keys can be seen."""
    return json.loads(raw, object_pairs_hook=list)


def _query(params: Params) -> str:
    words = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in params.items()}
    return f"?{urlencode(words)}" if words else ""
