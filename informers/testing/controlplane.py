"""A real kube-apiserver with its etcd, on loopback, for tests.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest and pkg/internal/testing/controlplane.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, final

from typing_extensions import Self

from informers._base.clock import SYSTEM_CLOCK
from informers._base.forks import new_lock
from informers.errors import ConfigurationError
from informers.testing._controlplane.authority import Authority
from informers.testing._controlplane.daemons import assets as default_assets
from informers.testing._controlplane.daemons import missing
from informers.testing._controlplane.relay import Relay
from informers.testing._controlplane.server_objects import ObjectsByRequest
from informers.testing._controlplane.servers import ISSUER, Servers
from informers.testing._http.client_config import as_data, official_client, write_kubeconfig

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["USERS", "ControlPlane"]

_LEEWAY = 60

#: Users with tokens, and their groups. `admin` may do everything, the others nothing until a test grants it.
USERS: Mapping[str, tuple[str, ...]] = {"admin": ("system:masters",), "alice": (), "bob": ()}


@final
class ControlPlane(ObjectsByRequest):
    """One etcd and one kube-apiserver. Use it as a context manager.

    It serves TLS and has tokens, client certificates and RBAC, like a cluster. It runs no controllers: a deleted
    namespace stays, pods are not scheduled, owned objects stay. The ServiceAccount admission is off, since it waits for
    a controller.

    The programs are in the folder `KUBEBUILDER_ASSETS`, as for Go's envtest. Several control planes may run at a time.
    They end with this process, however it ends.

    Args:
        flags: further flags for kube-apiserver, for example `--watch-cache=false`.
        assets: the folder of the programs; None for `KUBEBUILDER_ASSETS`.
        folder: folder for data and logs, which is kept; None for a temporary folder that is removed at the end.
        timeout: time limit of each start, in seconds.

    Raises:
        ConfigurationError: the programs are missing; the message says where to get them.
        RuntimeError: on entering: a server does not start; the message has the end of its log.

    Example:
        The API server crashes and restarts::

            with ControlPlane() as plane:
                client.CoreV1Api(plane.client()).list_namespace()
                plane.kill_apiserver()
                plane.restart_apiserver()

    Thread safety: objects may be written and read, and connections broken, from any thread; starts and restarts
    belong to one thread.

    Upstream: sigs.k8s.io/controller-runtime/pkg/envtest Environment.
    """

    def __init__(
        self,
        *,
        flags: Sequence[str] = (),
        assets: Path | str | None = None,
        folder: Path | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._assets = default_assets() if assets is None else Path(assets)
        if reason := missing(self._assets):
            raise ConfigurationError(reason)
        self._temporary = folder is None
        self.folder: Path = folder or Path(tempfile.mkdtemp(prefix="informers-kube-"))
        if self._temporary:
            # For one that is never entered; the servers' watchdogs remove it for a process that is killed.
            weakref.finalize(self, _remove, self.folder, os.getpid())
        self.timeout: float = timeout
        self.authority: Authority = Authority(self.folder)
        self._relay: Relay | None = None
        self._lock = new_lock()
        self._clients: list[Any] = []
        self._tokens = {user: f"{user}-{os.urandom(12).hex()}" for user in USERS}
        self._servers = Servers(
            *(self._assets, self.folder, flags, self.authority, self._tokens["admin"], timeout),
            is_temporary=self._temporary,
        )
        super().__init__(self._servers, self._tokens)

    if not TYPE_CHECKING:  # type checkers then still report an unknown name

        def __getattr__(self, name: str) -> None:
            raise AttributeError(
                f"a ControlPlane has no {name!r}: it shares the methods of KubernetesAPI with an APIServer; "
                "a test of other methods stays on that by @pytest.mark.api_server('embedded')",
                name=name,
                obj=self,
            )

    def __enter__(self) -> Self:
        try:
            self._servers.start(self._write_keys)
            self._relay = Relay(self._servers.port)
            self._first = frozenset(self._stored())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End both servers, close the clients, and remove the temporary folder."""
        if self._relay is not None:
            self._relay.stop()
        self._servers.close()
        with self._lock:
            clients, self._clients = self._clients, []
        for each in clients:
            each.rest_client.pool_manager.clear()
            each.close()
        if self._temporary:
            _remove(self.folder, os.getpid())

    def _write_keys(self) -> None:
        self.authority.create()
        self.authority.issue("kube-apiserver", names="DNS:localhost,IP:127.0.0.1")
        (self.folder / "tokens.csv").write_text(
            "".join(f'{self._tokens[user]},{user},{user},"{",".join(groups)}"\n' for user, groups in USERS.items())
        )

    @property
    def url(self) -> str:
        """Address for clients: that of a relay before the server, which can break connections."""
        return f"https://127.0.0.1:{self._relayed().port}"

    def drop_connections(self) -> None:
        """Break all connections of clients; new ones are accepted."""
        self._relayed().drop_connections()

    def stop_accepting(self) -> None:
        """Break all connections of clients, and refuse new ones, like an unreachable server."""
        self._relayed().stop_accepting()

    def resume_accepting(self) -> None:
        """Accept connections again, at the same address."""
        self._relayed().resume_accepting()

    def delay_answers(self, seconds: float) -> None:
        """Delay all bytes from the server, including events of watches, by so many seconds; 0 ends that."""
        self._relayed().delay_answers(seconds)

    @property
    def apiserver_pid(self) -> int:
        """The id of the API server's process."""
        return self._servers.pid

    def kill_apiserver(self) -> None:
        """Kill the API server with SIGKILL. Its address is kept for `restart_apiserver`."""
        self._servers.kill_apiserver()

    def restart_apiserver(self) -> None:
        """Start the API server, after ending a running one, and wait until it is ready."""
        self._servers.restart_apiserver()

    def restart_etcd(self) -> None:
        """Kill etcd and start it on the same data; wait until etcd and the API server are ready."""
        self._servers.restart_etcd()

    def revision(self) -> int:
        """Return etcd's current revision, which is the resource version of the newest write."""
        return self._servers.revision()

    def compact(self) -> int:
        """Compact etcd's history up to now, as the API server itself does every five minutes; return the revision.

        A watch or a page from an older resource version then fails with 410 if the API server reads from etcd: for
        kinds without a watch cache, by default only events. Other kinds are served from the cache's own history, which
        a restart of the API server forgets; old lists are dropped within 15 seconds of a compaction.
        """
        return self._servers.compact()

    def token(self, user: str = "admin") -> str:
        """Return the token of one of `USERS`."""
        return self._tokens[user]

    def service_account_token(self, namespace: str, name: str, *, seconds: float) -> str:
        """Return a token of an existing service account that is valid for so many seconds; expired if negative.

        The API server itself issues none for less than ten minutes. It accepts a token for a minute after its end,
        which is compensated here, and caches a valid one for up to ten seconds more, which is not.
        """
        account = self.request("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
        now = SYSTEM_CLOCK.time()
        bound = {"namespace": namespace, "serviceaccount": {"name": name, "uid": account["metadata"]["uid"]}}
        claims: dict[str, Any] = {"iss": ISSUER, "aud": [ISSUER], "sub": f"system:serviceaccount:{namespace}:{name}"}
        end = int(now + seconds) - _LEEWAY
        start = min(int(now), end) - _LEEWAY
        return self.authority.sign_token(claims | {"iat": start, "nbf": start, "exp": end, "kubernetes.io": bound})

    def client(
        self, user: str = "admin", *, token: str = "", certificate_of: str = "", groups: tuple[str, ...] = ()
    ) -> ApiClient:
        """Return a client of the official library, closed with this control plane.

        Args:
            user: one of `USERS`, by its token.
            token: another bearer token, in place of the user's.
            certificate_of: any name: a client certificate proves it, and no token is sent.
            groups: the groups of that certificate.
        """
        if certificate_of:
            certificate = self.authority.issue(certificate_of, organizations=groups)
            made = official_client(self.url, authority=self.authority.certificate, certificate=certificate)
        else:
            made = official_client(self.url, token or self.token(user), authority=self.authority.certificate)
        with self._lock:
            self._clients.append(made)
        return made

    def write_kubeconfig(self, path: Path | str, *, user: str = "admin", certificate_of: str = "") -> Path:
        """Write a kubeconfig for a user of `USERS`, or for a client certificate, and return its path."""
        if certificate_of:
            certificate, key = map(as_data, self.authority.issue(certificate_of))
            credentials = {"client-certificate-data": certificate, "client-key-data": key}
        else:
            credentials = {"token": self.token(user)}
        return write_kubeconfig(path, self.url, credentials, authority=self.authority.certificate)

    def _relayed(self) -> Relay:
        if self._relay is None:
            raise ConfigurationError("this control plane does not run: use it as `with ControlPlane() as plane:`")
        return self._relay


def _remove(folder: Path, pid: int) -> None:
    """Remove a folder, but not from within a fork of the process that made it."""
    if pid == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)
