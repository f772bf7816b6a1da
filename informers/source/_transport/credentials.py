"""The credentials of a client, shared by all of its informers.

A hook may start a program, or wait for a user to log in. It changes the client's configuration, and is not made for
calls from several threads. So simultaneous requests share one call in its own thread: a stop does not wait for it, and
a call that hangs is reported.

Upstream: k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go and transport/token_source.go (v0.37).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, cast, final

import attrs

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import safe_text
from informers._base.forks import new_lock, on_fork
from informers.errors import SourceError
from informers.source._transport.adapter import Loader
from informers.source._transport.sockets import Call, Sockets

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

__all__ = ["Credential", "Credentials"]

#: Seconds after which a kubeconfig's `tokenFile` is read again, as client-go does.
_FILE_PERIOD = 60.0

_Settings: TypeAlias = Mapping[str, Mapping[str, str]]


@final
@attrs.frozen
class Credential:
    """The credential of a request.

    Attributes:
        settings: headers and parameters, in the form of `Configuration.auth_settings()`.
        generation: number of times that the files were read again.
    """

    settings: _Settings = attrs.field(repr=False)
    generation: int


@final
class Credentials:
    """The credentials of one configuration.

    Args:
        configuration: of the client.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, configuration: Configuration, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._configuration = configuration
        self._clock = clock
        self._lock = new_lock()
        self._call: Call[Credential] | None = None
        self._generation = 0
        self._is_refused = False
        self._read_at = clock.monotonic()
        on_fork(self._forked)

    def _forked(self, _parent: int) -> tuple[int, ...]:
        """Forget the present call in a forked child: its thread does not exist there."""
        self._call = None
        return ()

    @classmethod
    def of(cls, api_client: ApiClient, *, clock: Clock = SYSTEM_CLOCK) -> Credentials:
        """Return the credentials of a client's configuration, which all callers in this process share."""
        configuration = api_client.configuration
        with _shared_lock:
            # The entry keeps its configuration alive, so its id is not used again.
            found = _shared.get(id(configuration))
            if found is None:
                found = _shared[id(configuration)] = cls(configuration, clock=clock)
            return found

    def ask(self, sockets: Sockets, *, timeout: float) -> Credential:
        """Return the credential for a request; shares the present call of a hook.

        Args:
            sockets: sockets of the asking source: closing them ends the wait.
            timeout: seconds to wait at most.

        Raises:
            SourceError: the hook raised, or has not returned in time; it is not called again before it returns.
            StoppedError: the sockets were closed.
        """
        if self._configuration.refresh_api_key_hook is None:
            return self._read()
        with self._lock:
            call = self._call
            if call is None or call.done.is_set():
                call = self._call = Call("credentials", self._read)
        if not sockets.wait(call.done, timeout):
            raise SourceError(
                f"waiting for credentials: the client's hook for them has not returned for {timeout:g} s or more"
            )
        try:
            return call.result()
        except BaseException as error:
            # Each caller needs its own error, since several threads raise it.
            raise SourceError(f"the client's hook for credentials failed: {safe_text(error)}") from error

    def refuse(self, credential: Credential) -> None:
        """Note that the server refused a credential (401): files are read again before the next request."""
        with self._lock:
            if credential.generation == self._generation:
                self._is_refused = True

    def _read(self) -> Credential:
        configuration = self._configuration
        hook = configuration.refresh_api_key_hook
        loader = Loader.of(configuration)
        if loader is not None:
            is_old = loader.has_token_file and self._clock.monotonic() - self._read_at >= _FILE_PERIOD
            if self._is_refused or is_old:
                loader.load(configuration)
                self._read_at = self._clock.monotonic()
                with self._lock:
                    self._is_refused = False
                    self._generation += 1
        settings = cast("_Settings", configuration.auth_settings())
        if not settings and hook is not None:
            # The client only calls it if there is a token, but it may also renew a certificate.
            hook(configuration)
            settings = cast("_Settings", configuration.auth_settings())
        return Credential(settings, self._generation)


_shared: weakref.WeakValueDictionary[int, Credentials] = weakref.WeakValueDictionary()
_shared_lock = new_lock()
