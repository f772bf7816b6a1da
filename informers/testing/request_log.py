"""The log of a server's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, final

import attrs

from informers._base.clock import SYSTEM_CLOCK
from informers._base.forks import new_condition
from informers.resources import Resource
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
        self._changed = new_condition()
        self._requests: list[LoggedRequest] = []

    def __repr__(self) -> str:
        return f"<RequestLog {len(self)} requests>"

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._changed:
            return iter(list(self._requests))

    def __getitem__(self, index: int) -> LoggedRequest:
        return self._requests[index]

    def select(self, *, verb: str | None = None, resource: Resource[Any] | None = None) -> list[LoggedRequest]:
        """Return the requests with a verb, a resource, or both."""
        return [r for r in self if verb in {None, r.verb} and (resource is None or r.is_for(resource))]

    def clear(self) -> None:
        """Forget all requests so far."""
        with self._changed:
            self._requests.clear()

    def add(self, request: LoggedRequest) -> None:
        """Add a request; the server does this."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

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
        seen = 0
        deadline = SYSTEM_CLOCK.monotonic() + timeout
        while len(found) < count:
            with self._changed:
                while len(self._requests) <= seen:
                    if (left := deadline - SYSTEM_CLOCK.monotonic()) <= 0:
                        came = ", ".join(map(str, self._requests[-20:])) or "nothing"
                        raise TimeoutError(
                            f"{len(found)} such requests after {timeout:g} s, expected {count}; "
                            f"{len(self._requests)} came, the last: {came}"
                        )
                    self._changed.wait(left)
                new = self._requests[seen:]
            seen += len(new)
            # Without the lock: `predicate` is the user's.
            found += [request for request in new if predicate(request)]
        return found
