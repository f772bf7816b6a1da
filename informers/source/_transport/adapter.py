"""All uses of private parts of the official client, urllib3 and http.client.

Neither urllib3 nor http.client shows its socket, or reads a chunked body except chunk by chunk; ssl loses a socket that
the server reset before the handshake; the official client hides the loader of a kubeconfig.
`tests/source/test_adapter.py` names the versions for which this works.

Upstream: none; Go's net/http has contexts, and client-go its own loader.
"""

from __future__ import annotations

import contextlib
import copy
import http.client
import io
import socket
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast, final

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import hold_forks, renewed
from informers.errors import ConfigurationError
from informers.source._transport.error_text import SlowHeadError
from informers.source._transport.sockets import Sockets

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration
    from urllib3 import PoolManager

__all__ = ["Answer", "Loader", "configured_pools", "default_api_client", "pool_manager", "tls_files", "tracked"]


def default_api_client() -> ApiClient:
    """Return a client with the configuration that has been loaded (`kubernetes.config.load_config()`).

    Raises:
        ConfigurationError: no configuration has been loaded.
    """
    with hold_forks():
        from kubernetes import client  # noqa: PLC0415  the official client is imported when it is first used

    # Without one the client would silently talk to http://localhost.
    if getattr(client.Configuration, "_default", None) is None:
        raise ConfigurationError(
            "no Kubernetes configuration has been loaded: call kubernetes.config.load_config() first, "
            "or give the factory an api_client"
        )
    return client.ApiClient()


def pool_manager(api_client: ApiClient) -> PoolManager:
    """Return a client's urllib3 `PoolManager` or `ProxyManager`, which has its TLS and proxy settings.

    Raises:
        ConfigurationError: it is not an `ApiClient`, or has no server's address.
    """
    found: Any = getattr(getattr(api_client, "rest_client", None), "pool_manager", None)
    if found is None or not hasattr(found, "pool_classes_by_scheme"):
        raise ConfigurationError(
            f"api_client must be a kubernetes.client.ApiClient: got {type(api_client).__name__}"
            + (" (its asyncio variant is not supported)" if found is not None else "")
        )
    if not api_client.configuration.host:
        raise ConfigurationError(
            "api_client does not know which server to ask: call kubernetes.config.load_config() before you make it"
        )
    return cast("PoolManager", found)


def configured_pools(api_client: ApiClient) -> PoolManager:
    """Return a pool manager with the present settings of a client's configuration."""
    return type(api_client.rest_client)(api_client.configuration).pool_manager


def tls_files(configuration: Configuration) -> tuple[object, ...]:
    """Return the names of a configuration's TLS files; a hook or an exec plugin may have changed them."""
    return configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file


@final
class Loader:
    """The loader that loaded a kubeconfig, or a service account's files, into a configuration.

    Its hook asks an exec plugin again when the plugin's token has expired by its stated time, and reads a service
    account's token file every minute. It never reads a kubeconfig's `tokenFile` again, and does not react to a 401.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    @classmethod
    def of(cls, configuration: Configuration) -> Loader | None:
        """Return the loader whose hook a configuration has; None if it has another hook, or none."""
        for cell in getattr(configuration.refresh_api_key_hook, "__closure__", None) or ():
            with contextlib.suppress(ValueError):  # a cell may be empty
                found = cell.cell_contents
                reads = hasattr(found, "_load_authentication") or hasattr(found, "_read_token_file")
                if reads and hasattr(found, "_set_config"):
                    return cls(found)
        return None

    @property
    def has_token_file(self) -> bool:
        """Whether the token is from a kubeconfig's `tokenFile`, which the hook does not read again."""
        user = getattr(self._loader, "_user", None)
        return user is not None and "tokenFile" in user and "token" not in user

    def load(self, configuration: Configuration) -> None:
        """Read files again, or ask the plugin again, and store the result in the configuration."""
        read = getattr(self._loader, "_load_authentication", None) or self._loader._read_token_file  # noqa: SLF001
        read()
        self._loader._set_config(configuration)  # noqa: SLF001


@final
class _StepReader(io.RawIOBase):
    """Reads a socket. Until `end_step`, all reads together have the time limit of a single one."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, clock: Clock) -> None:
        self._raw = raw
        self._sock = sock
        self._clock = clock
        self._limit = sock.gettimeout()
        self._has_read = False
        self._deadline = None if self._limit is None else clock.monotonic() + self._limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._deadline is None:
            return self._raw.readinto(buffer)
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise SlowHeadError
        self._sock.settimeout(left)
        try:
            size = self._raw.readinto(buffer)
        except TimeoutError:
            if not self._has_read:
                raise
            raise SlowHeadError from None
        self._has_read = True
        return size

    def end_step(self) -> None:
        if self._deadline is not None:
            self._deadline = None
            self._sock.settimeout(self._limit)

    def set_timeout(self, seconds: float) -> None:
        with contextlib.suppress(OSError):  # closed already
            self._sock.settimeout(seconds)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
            super().close()


@final
class _Response(http.client.HTTPResponse):
    """An answer whose complete head must arrive within the time limit of a read, however slowly it drips."""

    def __init__(self, sock: socket.socket, *, clock: Clock, **options: Any) -> None:
        super().__init__(sock, **options)
        raw: Any = self.fp.detach()
        self.reader = _StepReader(raw, sock, clock)
        self.fp = io.BufferedReader(self.reader)

    def begin(self) -> None:
        super().begin()
        # http.client only skips 100. 101 ends the exchange, and is an answer.
        while 100 <= self.status < 200 and self.status != 101:
            self.headers = self.msg = None  # type: ignore[assignment] # tells http.client that it has not begun
            super().begin()
        self.reader.end_step()


@final
class Answer:
    """An answer of urllib3 whose head has arrived.

    Attributes:
        status: the HTTP status.
        headers: by name, case-insensitive.
        is_chunked: whether the body has chunks.
        length: bytes of the body; None if the headers do not say it.
    """

    def __init__(self, response: Any) -> None:
        self._response = response
        self._http: _Response = response._fp  # noqa: SLF001  urllib3 has no public way to it
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.is_chunked = bool(self._http.chunked)
        self.length: int | None = None if self.is_chunked else self._http.length

    def read(self, limit: int) -> bytes:
        """Return the next bytes of the body, with chunk frames, as soon as some arrive; empty at its end."""
        # Not by http.client, which returns one chunk at a time: this takes all that has arrived.
        return self._http.fp.read1(limit)

    def set_timeout(self, seconds: float) -> None:
        """Change the time limit of a read, in seconds."""
        self._http.reader.set_timeout(seconds)

    def finish(self) -> None:
        """Return the connection for the next request: the body has been read to its end."""
        self._http.close()  # tells http.client that the next answer may begin
        self._response.release_conn()

    def abandon(self) -> None:
        """Close the connection."""
        self._response.close()
        self._response.release_conn()


def tracked(template: PoolManager, sockets: Sockets, *, clock: Clock = SYSTEM_CLOCK) -> PoolManager:
    """Return a pool manager with the settings of another (TLS, proxy, …) whose connections are in `sockets`."""
    from urllib3._collections import RecentlyUsedContainer  # noqa: PLC0415  kubernetes is imported when first used

    manager = copy.copy(template)
    manager.pools = RecentlyUsedContainer(4)
    renewed(manager.pools.lock)
    manager.pool_classes_by_scheme = {
        scheme: _tracking_pool(pool_class, sockets, clock)
        for scheme, pool_class in template.pool_classes_by_scheme.items()
    }
    return manager


def _close_lost(error: BaseException) -> None:
    """Close the socket of a TLS connection that the server reset before the handshake.

    `ssl.SSLSocket._create` has taken the socket over when it raises, and nobody else has it.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "_create":
            made = frame.f_locals.get("self")
            if isinstance(made, socket.socket):
                made.close()


def _tracking_pool(pool_class: Any, sockets: Sockets, clock: Clock) -> Any:
    """Return a subclass of a urllib3 connection pool whose connections are in `sockets`."""
    connection_class: Any = pool_class.ConnectionCls

    class TrackedConnection(connection_class):  # type: ignore[misc] # its base is known only at run time
        #: Represents the socket during the TLS handshake: urllib3 only shows the wrapped socket after it.
        _duplicate: socket.socket | None = None

        def response_class(self, sock: socket.socket, **options: Any) -> _Response:
            return _Response(sock, clock=clock, **options)

        def _new_conn(self) -> socket.socket:
            from urllib3.exceptions import ConnectTimeoutError  # noqa: PLC0415  see above

            try:
                made, self._duplicate = sockets.connect(super()._new_conn, timeout=self.timeout)
            except TimeoutError as error:
                raise ConnectTimeoutError(self, "timed out") from error
            return made

        def connect(self) -> None:
            try:
                super().connect()
                sock: Any = self.sock
                # TLS within a proxy's TLS has no socket of its own.
                while not isinstance(sock, socket.socket):
                    sock = sock.socket
                sockets.add(sock)
            except BaseException as error:
                _close_lost(error)
                raise
            finally:
                if self._duplicate is not None:
                    sockets.discard(self._duplicate)
                    self._duplicate = None

        def close(self) -> None:
            with sockets.closing():
                super().close()

    class TrackingPool(pool_class):  # type: ignore[misc] # its base is known only at run time
        ConnectionCls = TrackedConnection

        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            # Python takes it again at the end of the process. gevent's queues have none.
            if (mutex := getattr(self.pool, "mutex", None)) is not None:
                renewed(mutex)

    return TrackingPool
