"""Requests to the API server, with the official client's complete configuration.

Address, TLS, proxy, headers and credentials are the `ApiClient`'s own. Each request asks for its credential again, so
that the client's own hook can refresh it. Connections belong to this source alone, and to one credential: after a 401
the connection is closed. After some minutes the next request makes a new one, which reads certificates and keys from
their files again, and looks up the server's name.

Upstream: k8s.io/client-go/rest/request.go and transport/cert_rotation.go (v0.37).
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar, final
from urllib.parse import urlencode

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.errors import ConnectionLostError, DecodeError, SourceError, StoppedError
from informers.source._transport.adapter import Answer, configured_pools, pool_manager, tls_files, tracked
from informers.source._transport.credentials import Credentials
from informers.source._transport.error_text import describe
from informers.source._transport.http_body import BLOCK, Line, Lines, decoded, hastened, lines_of
from informers.source._transport.sockets import Sockets
from informers.source._wire.status_errors import error_of_response

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["Body", "Transport"]

T = TypeVar("T")

#: The longest error answer that is read, in bytes; a Status is far smaller.
_ERROR_BODY = 1 << 20
_NOT_IN_HEADERS = re.compile(rb"[\x00\r\n]")
_GZIP = frozenset({"gzip", "x-gzip"})


@final
class Body:
    """An answer's body while it arrives.

    Close it in the end. Thread safety: none; `Transport.close` breaks it off from any thread.
    """

    def __init__(self, answer: Answer, transport: Transport, sockets: Sockets) -> None:
        self._answer = answer
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
            ConnectionLostError: the connection broke, or was silent for too long.
            DecodeError: framing or compression is invalid.
            StoppedError: the transport was closed.
        """
        yield from self._to_the_end(
            decoded(self._arriving(), chunked=self._answer.is_chunked, gzipped=self._is_gzipped)
        )

    def lines(self, lines: Lines) -> Iterator[list[Line]]:
        """Yield the lines that each block completes; raises the errors of `blocks`."""
        arriving, answer = self._arriving(), self._answer
        yield from self._to_the_end(lines_of(arriving, lines, chunked=answer.is_chunked, gzipped=self._is_gzipped))

    @property
    def _is_gzipped(self) -> bool:
        return self._answer.headers.get("content-encoding", "").lower() in _GZIP

    def _to_the_end(self, parts: Iterator[T]) -> Iterator[T]:
        with self._transport.translating():
            for part in parts:
                # A few bytes on the wire may become very many, which take time to read.
                self._sockets.check_open()
                yield part
        self._complete = True

    def _arriving(self) -> Iterator[bytes]:
        left = self._answer.length
        while left is None or left > 0:
            block = self._answer.read(BLOCK if left is None else min(left, BLOCK))
            self._sockets.check_open()
            if not block:
                if left is not None:
                    raise EOFError
                return
            if left is not None:
                left -= len(block)
            yield block

    def set_idle_timeout(self, seconds: float) -> None:
        """Change the seconds without a byte after which the connection counts as lost."""
        self._answer.set_timeout(seconds)

    def close(self) -> None:
        """Release the connection; the next request may use it if the body was read to its end."""
        with self._sockets.closing():
            if self._complete:
                self._answer.finish()
            else:
                self._answer.abandon()


@final
class Transport:
    """Makes GET requests, one at a time.

    Args:
        api_client: the official client's `ApiClient`.
        connect_timeout: seconds for each step before a request is sent: credentials, name look-up and connection, a
            proxy's tunnel, the TLS handshake.
        connection_lifetime: seconds after which the next request makes a new connection.
        clock: for dates in Retry-After, and for the age of connections.

    Thread safety: `close` and `reconnect` may be called from any thread; requests belong to one thread.
    """

    def __init__(
        self,
        api_client: ApiClient,
        *,
        connect_timeout: float = 30.0,
        connection_lifetime: float = 300.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        template = pool_manager(api_client)
        self._api_client = api_client
        self._connect_timeout = connect_timeout
        self._clock = clock
        # Its time limits are in real time, as a socket's are.
        self._sockets = Sockets()
        self._credentials = Credentials.of(api_client, clock=clock)
        self._tls_files = tls_files(api_client.configuration)
        self._pool = tracked(template, self._sockets)
        self._pool_since = clock.monotonic()
        self._connection_lifetime = connection_lifetime

    def reconnect(self) -> None:
        """Break off the present request, and make new connections from now on; from any thread."""
        self._sockets.break_off()

    def close(self) -> None:
        """Break off the present request, refuse further ones, and close idle connections."""
        self._sockets.close()
        self._drop_connections()

    def get(self, path: str, query: Sequence[tuple[str, str]], *, accept: str, gzip: bool, idle_timeout: float) -> Body:
        """Send a request and return the answer once it begins.

        Args:
            path: starts with a slash.
            query: parameters, in order.
            accept: media types.
            gzip: whether the answer may be compressed.
            idle_timeout: seconds without a byte after which the connection counts as lost; also the time limit for all
                headers of the answer.

        Raises:
            StatusError: the server answered with an error.
            ConnectionLostError: there is no connection, it broke, or it was silent: then the `__cause__` is a
                `TimeoutError`.
            SourceError: the client's hook for credentials failed or hangs, or a header of the client, for example its
                token, can't be sent.
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
        credential = self._credentials.ask(self._sockets, timeout=self._connect_timeout)
        for setting in credential.settings.values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
            elif setting["in"] == "query":
                pairs.append((setting["key"], setting["value"]))
        _check_headers(headers)
        url = f"{str(configuration.host).rstrip('/')}{path}" + (f"?{urlencode(pairs)}" if pairs else "")
        self._renew_connections()
        with self.translating():
            response = self._pool.request(
                "GET",
                url,
                headers=headers,
                preload_content=False,
                decode_content=False,
                retries=False,
                timeout=urllib3.Timeout(connect=self._connect_timeout, read=idle_timeout),
            )
        answer = Answer(response)
        body = Body(answer, self, self._sockets)
        if answer.status == 200:
            return body
        content = bytearray()
        # The status code says what went wrong, even if the rest does not arrive.
        with body, suppress(ConnectionLostError, DecodeError):
            for block in hastened(body.blocks(), seconds=idle_timeout, clock=self._clock):
                content += block
                if len(content) > _ERROR_BODY:
                    break
        if answer.status == 401:
            self._credentials.refuse(credential)
            self._drop_connections()
        raise error_of_response(
            answer.status, bytes(content), answer.headers.get("Retry-After"), now=self._clock.time()
        )

    def _renew_connections(self) -> None:
        """Drop the connections if they may be outdated, so that the next request makes a new one."""
        files = tls_files(self._api_client.configuration)
        if files != self._tls_files:
            # A hook has changed the certificates in the configuration; the client's own pools ignore that.
            self._drop_connections()
            self._pool = tracked(configured_pools(self._api_client), self._sockets)
            self._tls_files = files
        elif self._clock.monotonic() - self._pool_since >= self._connection_lifetime:
            self._drop_connections()

    def _drop_connections(self) -> None:
        # Without the loop they would stay open while somebody holds an answer from one of them.
        for key in list(self._pool.pools.keys()):
            pool = self._pool.pools.get(key)
            if pool is not None:
                pool.close()
        self._pool.clear()
        self._pool_since = self._clock.monotonic()

    @contextmanager
    def translating(self) -> Generator[None]:
        """Convert connection errors into this package's errors."""
        import urllib3  # noqa: PLC0415  the official client is imported when it is first used

        try:
            yield
        except (OSError, EOFError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            if self._sockets.closed:
                raise StoppedError("the source has been closed") from error
            # Silence has the same cause before and after the beginning of an answer.
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
    """Refuse headers that http.client would refuse: its error shows the whole header, which may hold a token."""
    for name, value in headers.items():
        try:
            is_sendable = not _NOT_IN_HEADERS.search(str(value).encode("latin-1"))
        except UnicodeEncodeError:
            is_sendable = False
        if not is_sendable:
            raise SourceError(
                f"the client's {name} header can't be sent: it has a line break or another character "
                "that is not allowed there (a token read from a file may end in a line break)"
            )
