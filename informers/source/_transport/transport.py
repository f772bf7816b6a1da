"""Requests to the API server, with everything that the official client has been configured with.

Address, TLS, proxy, headers and credentials are the `ApiClient`'s own; a credential is asked for anew with each
request, so one that expires is refreshed by the client's own hook. Connections are this source's alone.

Upstream: k8s.io/client-go/rest/request.go (v0.37).
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast, final
from urllib.parse import urlencode

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.errors import ConnectionLostError, DecodeError, SourceError, StoppedError
from informers.source._transport.api_client import pool_manager
from informers.source._transport.error_text import describe
from informers.source._transport.http_body import BLOCK, decoded
from informers.source._transport.sockets import Sockets
from informers.source._wire.status_errors import error_of_response

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["Body", "Transport"]

#: Bytes of an error answer that are read; a Status is far smaller.
_ERROR_BODY = 1 << 20
_NOT_IN_HEADERS = re.compile(rb"[\x00\r\n]")
_GZIP = frozenset({"gzip", "x-gzip"})


@final
class Body:
    """An answer's body while it arrives.

    Close it when done. Thread safety: none; `Transport.close` breaks it off from any thread.
    """

    def __init__(self, response: Any, transport: Transport, sockets: Sockets) -> None:
        self._response = response
        self._transport = transport
        self._sockets = sockets
        self._complete = False

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def blocks(self) -> Iterator[bytes]:
        """Yield the body in blocks, each as soon as it arrives, unpacked.

        Raises:
            ConnectionLostError: the connection broke, or nothing came for too long.
            DecodeError: framing or compression is broken.
            StoppedError: the transport was closed.
        """
        headers = self._response.headers
        with self._transport.translating():
            for block in decoded(
                self._arriving(),
                chunked=bool(self._response._fp.chunked),  # noqa: SLF001  urllib3 shows no other way to the socket
                gzipped=headers.get("content-encoding", "").lower() in _GZIP,
            ):
                # A few bytes off the wire may be unpacked to very many, and reading these takes its time.
                if self._sockets.closed:
                    raise StoppedError("the source has been closed")
                yield block
        self._complete = True

    def _arriving(self) -> Iterator[bytes]:
        response = self._response._fp  # noqa: SLF001  see above
        left = None if response.chunked else response.length
        while left is None or left > 0:
            # Past http.client, which hands out one chunk at a time: this takes what there is.
            block = response.fp.read1(BLOCK if left is None else min(left, BLOCK))
            if self._sockets.closed:
                raise StoppedError("the source has been closed")
            if not block:
                if left is not None:
                    raise EOFError
                return
            if left is not None:
                left -= len(block)
            yield block

    def set_idle_timeout(self, seconds: float) -> None:
        """Change the seconds without a byte after which the connection counts as lost."""
        # Not the connection's socket, which it has let go of where the server closes it behind this answer.
        sock = getattr(getattr(self._response._fp.fp, "raw", None), "_sock", None)  # noqa: SLF001  see above
        if sock is not None:
            sock.settimeout(seconds)

    def close(self) -> None:
        """Let go of the connection: for the next request if the body was read to its end."""
        if self._complete:
            self._response._fp.close()  # noqa: SLF001  tells http.client that the next answer may begin
            self._response.release_conn()
        else:
            self._response.close()
            self._response.release_conn()
        self._sockets.sweep()


@final
class Transport:
    """Makes GET requests, one at a time.

    Args:
        api_client: the official client's `ApiClient`.
        connect_timeout: seconds within which a connection must stand.
        clock: for dates in Retry-After.

    Thread safety: `close` may be called from any thread; requests belong to one.
    """

    def __init__(self, api_client: ApiClient, *, connect_timeout: float = 30.0, clock: Clock = SYSTEM_CLOCK) -> None:
        template = pool_manager(api_client)
        self._api_client = api_client
        self._connect_timeout = connect_timeout
        self._clock = clock
        self._sockets = Sockets()
        self._pool = self._sockets.pool_manager(template)

    def close(self) -> None:
        """Break off the request under way, refuse further ones, and give back idle connections."""
        self._sockets.close()
        # Without this they would stay open for as long as somebody holds an answer that came over one of them.
        for key in list(self._pool.pools.keys()):
            pool = self._pool.pools.get(key)
            if pool is not None:
                pool.close()
        self._pool.clear()
        self._sockets.sweep()

    def get(self, path: str, query: Sequence[tuple[str, str]], *, accept: str, gzip: bool, idle_timeout: float) -> Body:
        """Send a request and return the answer once it begins.

        Args:
            path: starts with a slash.
            query: parameters, in order.
            accept: media types.
            gzip: whether the answer may be compressed.
            idle_timeout: seconds without a byte after which the connection counts as lost.

        Raises:
            StatusError: the server answered with an error.
            ConnectionLostError: no connection, or it broke or fell silent: then a `TimeoutError` is the `__cause__`.
            SourceError: a header of the client's, such as its token, can't be sent.
            StoppedError: the transport was closed.
        """
        import urllib3  # noqa: PLC0415  the official client is imported when it is first used

        configuration = self._api_client.configuration
        headers: dict[str, str] = dict(self._api_client.default_headers)
        if self._api_client.cookie:
            headers["Cookie"] = self._api_client.cookie
        headers["Accept"] = accept
        headers["Accept-Encoding"] = "gzip" if gzip else "identity"
        pairs = list(query)
        with self.translating():
            for setting in self._credentials().values():
                if setting["in"] == "header" and setting["value"]:
                    headers[setting["key"]] = setting["value"]
                elif setting["in"] == "query":
                    pairs.append((setting["key"], setting["value"]))
            _check_headers(headers)
            url = f"{str(configuration.host).rstrip('/')}{path}" + (f"?{urlencode(pairs)}" if pairs else "")
            self._sockets.sweep()
            response = self._pool.request(
                "GET",
                url,
                headers=headers,
                preload_content=False,
                decode_content=False,
                retries=False,
                timeout=urllib3.Timeout(connect=self._connect_timeout, read=idle_timeout),
            )
        body = Body(response, self, self._sockets)
        if response.status == 200:
            return body
        content = bytearray()
        # The status says what went wrong, whether or not the rest arrives.
        with body, suppress(ConnectionLostError, DecodeError):
            for block in body.blocks():
                content += block
                if len(content) > _ERROR_BODY:
                    break
        raise error_of_response(
            response.status, bytes(content), response.headers.get("Retry-After"), now=self._clock.time()
        )

    def _credentials(self) -> Mapping[str, Mapping[str, str]]:
        configuration = self._api_client.configuration

        def ask() -> Mapping[str, Mapping[str, str]]:
            return cast("dict[str, dict[str, str]]", configuration.auth_settings())

        # The hook may run a program that waits for a network, or for somebody to log in.
        return ask() if configuration.refresh_api_key_hook is None else self._sockets.apart("credentials", ask)

    @contextmanager
    def translating(self) -> Generator[None]:
        """Turn what goes wrong on the way into this package's errors."""
        import urllib3  # noqa: PLC0415  the official client is imported when it is first used

        try:
            yield
        except (OSError, EOFError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            if self._sockets.closed:
                raise StoppedError("the source has been closed") from error
            # Silence has the same cause whether or not the answer has begun.
            silence = error.__cause__ if isinstance(error, urllib3.exceptions.ReadTimeoutError) else None
            cause = silence if isinstance(silence, TimeoutError) else error
            configuration = self._api_client.configuration
            text = describe(
                cause,
                server=str(configuration.host),
                proxy=str(configuration.proxy or ""),
                connect_timeout=self._connect_timeout,
            )
            raise ConnectionLostError(text) from cause


def _check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what http.client would refuse, whose error shows the whole header: it may hold a token."""
    for name, value in headers.items():
        try:
            is_sendable = not _NOT_IN_HEADERS.search(str(value).encode("latin-1"))
        except UnicodeEncodeError:
            is_sendable = False
        if not is_sendable:
            raise SourceError(
                f"the client's {name} header can't be sent: it has a line break or another character "
                "that has no place there (a token read from a file may end in a line break)"
            )
