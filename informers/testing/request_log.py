"""The log of a server's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import attrs

from informers.resources import Resource
from informers.testing._store.changes import Changes
from informers.testing._store.served_resources import address

__all__ = ["LoggedRequest", "RequestLog"]


@final
@attrs.frozen
class LoggedRequest:
    """A request to the server.

    Attributes:
        method: the HTTP method, for example `GET`.
        path: path of the URL, without the query.
        query: parameters of the URL.
        verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`; for paths without a
            resource, the method in lower case.
        resource: the resource; None for other paths, for example `/version`.
        namespace: empty for all, or for a resource without namespaces.
        name: name of the object; empty for a collection.
        subresource: for example `status`.
        user_agent: the client's name for itself.
        time: seconds since the epoch, by the server's clock.
        status: HTTP status of the answer; 0 if a fault prevented it.
    """

    method: str
    path: str
    query: Mapping[str, str]
    verb: str
    resource: Resource[Any] | None
    namespace: str
    name: str
    subresource: str
    user_agent: str
    time: float
    status: int = 0

    def is_for(self, resource: Resource[Any]) -> bool:
        """Return whether the request was for a resource, by group, version and plural."""
        return self.resource is not None and address(self.resource) == address(resource)

    def __str__(self) -> str:
        """Return one line, for example `patch configmaps default/settings 500`."""
        what = str(self.resource or self.path) + (f"/{self.subresource}" if self.subresource else "")
        where = "/".join(filter(None, (self.namespace, self.name)))
        return " ".join(filter(None, (self.verb, what, where, str(self.status or "without an answer"))))


@final
class RequestLog:
    """The requests to a server, in the order in which their answers began.

    A request is logged before its answer reaches the client.

    Example:
        >>> log = RequestLog()
        >>> len(log), log.select(verb="watch")
        (0, [])

    Thread safety: all methods may be called from any thread; iteration covers the requests that existed at its start.
    """

    def __init__(self) -> None:
        self._changes = Changes()
        self._requests: list[LoggedRequest] = []

    def __repr__(self) -> str:
        return f"<RequestLog {len(self)} requests>"

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[LoggedRequest]:
        return iter(list(self._requests))

    def __getitem__(self, index: int) -> LoggedRequest:
        return self._requests[index]

    def select(self, *, verb: str | None = None, resource: Resource[Any] | None = None) -> list[LoggedRequest]:
        """Return the requests with a verb, a resource, or both."""
        return [r for r in self if verb in {None, r.verb} and (resource is None or r.is_for(resource))]

    def clear(self) -> None:
        """Forget all requests so far."""
        self._requests = []

    def add(self, request: LoggedRequest) -> None:
        """Add a request; the server does this."""
        self._requests.append(request)
        self._changes.note()

    def wait_for(
        self, predicate: Callable[[LoggedRequest], bool], *, count: int = 1, timeout: float = 10.0
    ) -> list[LoggedRequest]:
        """Wait until `count` requests, including past ones, satisfy `predicate`; return them.

        Args:
            predicate: called once with each request.
            count: number of requests.
            timeout: seconds of real time.

        Raises:
            TimeoutError: there were fewer in that time.
        """
        found: list[LoggedRequest] = []
        log, seen = self._requests, 0

        def look() -> bool:
            nonlocal log, seen
            if log is not self._requests:  # cleared meanwhile
                log, seen = self._requests, 0
            new = log[seen:]
            seen += len(new)
            found.extend(filter(predicate, new))
            return len(found) >= count

        if not self._changes.wait_until(look, timeout):
            came = ", ".join(map(str, log[-20:])) or "nothing"
            raise TimeoutError(
                f"{len(found)} such requests after {timeout:g} s, expected {count}; {len(log)} came, the last: {came}"
            )
        return found
