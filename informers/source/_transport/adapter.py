"""What is used of the official client, of urllib3 and of http.client beyond what they promise: all of it is here.

Neither urllib3 nor http.client shows its socket, or reads a chunked body other than chunk by chunk; ssl loses one that
the server reset before the handshake; the official client keeps what it has loaded a kubeconfig with to itself.
`tests/source/test_adapter.py` names the versions for which this holds.

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
        ConfigurationError: none has been loaded.
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
    """Return what holds a client's TLS and proxy settings: its urllib3 `PoolManager` or `ProxyManager`.

    Raises:
        ConfigurationError: it is not a client, or does not have a server's address.
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
    """Return a pool manager with the settings that a client's configuration has now."""
    return type(api_client.rest_client)(api_client.configuration).pool_manager


def tls_files(configuration: Configuration) -> tuple[object, ...]:
    """Return which files a configuration's TLS is of; a hook or an exec plugin may have changed them."""
    return configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file


@final
class Loader:
    """What has loaded a kubeconfig, or a service account's files, into a configuration.

    The hook that it leaves there asks an exec plugin again when the plugin's token has expired by its own words, and a
    service account's token file each minute. It never reads a kubeconfig's `tokenFile` again, and after a 401 it does
    not ask anybody before that time.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    @classmethod
    def of(cls, configuration: Configuration) -> Loader | None:
        """Return the loader that has left its hook in a configuration; None where there is another hook, or none."""
        for cell in getattr(configuration.refresh_api_key_hook, "__closure__", None) or ():
            with contextlib.suppress(ValueError):  # a cell may be empty
                found = cell.cell_contents
                reads = hasattr(found, "_load_authentication") or hasattr(found, "_read_token_file")
                if reads and hasattr(found, "_set_config"):
                    return cls(found)
        return None

    @property
    def has_token_file(self) -> bool:
        """Whether the token is that of a kubeconfig's `tokenFile`, which the hook does not read again."""
        user = getattr(self._loader, "_user", None)
        return user is not None and "tokenFile" in user and "token" not in user

    def load(self, configuration: Configuration) -> None:
        """Read files again, or ask the plugin again, and put what comes of it into the configuration."""
        read = getattr(self._loader, "_load_authentication", None) or self._loader._read_token_file  # noqa: SLF001
        read()
        self._loader._set_config(configuration)  # noqa: SLF001


@final
class _StepReader(io.RawIOBase):
    """Reads a socket. Until `end_step`, all reads together have the seconds that a single one has otherwise."""

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
    """An answer whose head has to come in the time that a read has, however slowly it drips."""

    def __init__(self, sock: socket.socket, *, clock: Clock, **options: Any) -> None:
        super().__init__(sock, **options)
        raw: Any = self.fp.detach()
        self.reader = _StepReader(raw, sock, clock)
        self.fp = io.BufferedReader(self.reader)

    def begin(self) -> None:
        super().begin()
        # http.client passes over 100 alone. 101 ends the exchange, and is an answer.
        while 100 <= self.status < 200 and self.status != 101:
            self.headers = self.msg = None  # type: ignore[assignment] # by this it knows that it has not begun
            super().begin()
        self.reader.end_step()


@final
class Answer:
    """An answer whose head has come, as urllib3 gives it.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever its case.
        is_chunked: whether the body is framed in chunks.
        length: bytes of the body; None where the headers do not say it.
    """

    def __init__(self, response: Any) -> None:
        self._response = response
        self._http: _Response = response._fp  # noqa: SLF001  urllib3 shows no other way to what is below it
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.is_chunked = bool(self._http.chunked)
        self.length: int | None = None if self.is_chunked else self._http.length

    def read(self, limit: int) -> bytes:
        """Return what has arrived of the body, frames included, as soon as something has; empty at its end."""
        # Past http.client, which hands out one chunk at a time: this takes what there is.
        return self._http.fp.read1(limit)

    def set_timeout(self, seconds: float) -> None:
        """Change the seconds that a read may take."""
        self._http.reader.set_timeout(seconds)

    def finish(self) -> None:
        """Give the connection back for the next request: the body has been read to its very end."""
        self._http.close()  # tells http.client that the next answer may begin
        self._response.release_conn()

    def abandon(self) -> None:
        """Close the connection."""
        self._response.close()
        self._response.release_conn()


def tracked(template: PoolManager, sockets: Sockets, *, clock: Clock = SYSTEM_CLOCK) -> PoolManager:
    """Return a pool manager with the settings of another (TLS, proxy, …) whose connections `sockets` knows."""
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

    `ssl.SSLSocket._create` has taken it over by then, and raises: nobody else has it.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "_create":
            made = frame.f_locals.get("self")
            if isinstance(made, socket.socket):
                made.close()


def _tracking_pool(pool_class: Any, sockets: Sockets, clock: Clock) -> Any:
    """Return a subclass of a urllib3 connection pool whose connections `sockets` knows."""
    connection_class: Any = pool_class.ConnectionCls

    class TrackedConnection(connection_class):  # type: ignore[misc] # its base is known only at run time
        #: Stands for the socket during the TLS handshake: urllib3 shows what it makes of the socket only after that.
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
                # TLS within the TLS of a proxy has no socket of its own.
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
            # It is taken once more when the process ends. gevent's queues have none.
            if (mutex := getattr(self.pool, "mutex", None)) is not None:
                renewed(mutex)

    return TrackingPool
