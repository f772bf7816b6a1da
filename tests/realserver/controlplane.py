"""A real kube-apiserver with its etcd, on loopback, for tests.

TLS, tokens and client certificates, RBAC on. No controllers run: a namespace that is deleted stays, a pod is never
scheduled. Only the ServiceAccount admission is off, since it waits for a controller's work.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import urllib3
from kubernetes import client
from typing_extensions import Self

from tests.realserver.binaries import assets, missing
from tests.realserver.certificates import Authority
from tests.realserver.daemons import Daemon, free_ports

__all__ = ["ControlPlane"]

ISSUER = "https://kubernetes.default.svc.cluster.local"

_LEEWAY = 60

#: Users with tokens, and their groups. `admin` may do everything, the others nothing until a test grants it.
USERS: Mapping[str, tuple[str, ...]] = {"admin": ("system:masters",), "alice": (), "bob": ()}


class ControlPlane:
    """One etcd and one kube-apiserver. Use it as a context manager; not thread safe.

    Args:
        flags: further flags for kube-apiserver, such as `--watch-cache=false`.
        folder: where data and logs go, and stay; None: a temporary folder that goes at the end.
        timeout: seconds that each start may take.

    Example:
        ```python
        with ControlPlane() as plane:
            client.CoreV1Api(plane.client()).list_namespace()
            plane.kill_apiserver()
            plane.restart_apiserver()
        ```
    """

    def __init__(self, *, flags: Sequence[str] = (), folder: Path | None = None, timeout: float = 60.0) -> None:
        if reason := missing():
            raise RuntimeError(reason)
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="informers-kube-"))
        self.timeout = timeout
        self.authority = Authority(self.folder)
        self._etcd_port, self._etcd_peer_port, self._port = free_ports(3)
        self.url = f"https://127.0.0.1:{self._port}"
        self._clients: list[client.ApiClient] = []
        self._tokens = {user: f"{user}-{os.urandom(12).hex()}" for user in USERS}
        self._etcd = Daemon("etcd", self._etcd_command(), self.folder / "etcd.log")
        self._apiserver = Daemon("kube-apiserver", self._apiserver_command(flags), self.folder / "apiserver.log")
        self._to_etcd = urllib3.PoolManager(retries=False, timeout=10.0)
        self._to_apiserver = urllib3.PoolManager(
            retries=False, timeout=10.0, ca_certs=str(self.authority.certificate), cert_reqs="CERT_REQUIRED"
        )

    def __enter__(self) -> Self:
        try:
            self.authority.create()
            self.authority.issue("kube-apiserver", names="DNS:localhost,IP:127.0.0.1")
            (self.folder / "tokens.csv").write_text(
                "".join(f'{self._tokens[user]},{user},{user},"{",".join(groups)}"\n' for user, groups in USERS.items())
            )
            self._etcd.start()
            self._etcd.wait_until(self._etcd_missing, timeout=self.timeout)
            self.restart_apiserver()
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
        self._apiserver.kill()
        self._etcd.kill()
        for each in self._clients:
            each.close()
        self._to_etcd.clear()
        self._to_apiserver.clear()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def apiserver_pid(self) -> int:
        """The id of the API server's process."""
        return self._apiserver.pid

    def kill_apiserver(self) -> None:
        """Kill the API server with SIGKILL. Its address is kept for `restart_apiserver`."""
        self._apiserver.kill()

    def restart_apiserver(self) -> None:
        """Start the API server, ending the one that runs, and wait until it is ready."""
        self._apiserver.stop()
        self._apiserver.start()
        self._apiserver.wait_until(self._apiserver_missing, timeout=self.timeout)

    def restart_etcd(self) -> None:
        """Kill etcd and start it on the same data; wait until etcd and the API server are ready."""
        self._etcd.kill()
        self._etcd.start()
        self._etcd.wait_until(self._etcd_missing, timeout=self.timeout)
        self._apiserver.wait_until(self._apiserver_missing, timeout=self.timeout)

    def revision(self) -> int:
        """Return etcd's current revision, which is the resource version of the newest write."""
        answer = self._ask_etcd("kv/range", {"key": _base64("compact_rev_key")})
        return int(answer["header"]["revision"])

    def compact(self) -> int:
        """Compact etcd's history up to now, as the API server itself does every five minutes; return the revision.

        A watch or a page from an older resource version then fails with 410 where the API server reads from etcd:
        for kinds without a watch cache, which by default is events alone. Other kinds are served from the cache's own
        history: that forgets when the API server restarts, and drops old lists within 15 seconds of a compaction.
        """
        revision = self.revision()
        self._ask_etcd("kv/put", {"key": _base64("compact_rev_key"), "value": _base64(str(revision))})
        self._ask_etcd("kv/compaction", {"revision": revision, "physical": True})
        return revision

    def token(self, user: str = "admin") -> str:
        """Return the token of one of `USERS`."""
        return self._tokens[user]

    def service_account_token(self, namespace: str, name: str, *, seconds: float) -> str:
        """Return a token of an existing service account that is good for so many seconds; expired if negative.

        The API server itself issues none for less than ten minutes. It still takes a token for a minute after the end
        that it names, which is allowed for here, and remembers a good one for up to ten seconds more, which is not.
        """
        account = self.request("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
        now = time.time()
        bound = {"namespace": namespace, "serviceaccount": {"name": name, "uid": account["metadata"]["uid"]}}
        claims: dict[str, Any] = {"iss": ISSUER, "aud": [ISSUER], "sub": f"system:serviceaccount:{namespace}:{name}"}
        end = int(now + seconds) - _LEEWAY
        start = min(int(now), end) - _LEEWAY
        return self.authority.sign_token(claims | {"iat": start, "nbf": start, "exp": end, "kubernetes.io": bound})

    def client(
        self, user: str = "admin", *, token: str = "", certificate_of: str = "", groups: tuple[str, ...] = ()
    ) -> client.ApiClient:
        """Return a client of the official library, closed with this control plane.

        Args:
            user: one of `USERS`, by its token.
            token: another bearer token, in place of the user's.
            certificate_of: any name: a client certificate proves it, and no token is sent.
            groups: the groups of that certificate.
        """
        configuration = client.Configuration()
        configuration.host = self.url
        configuration.ssl_ca_cert = str(self.authority.certificate)
        if certificate_of:
            certificate, key = self.authority.issue(certificate_of, organizations=groups)
            configuration.cert_file, configuration.key_file = str(certificate), str(key)
        else:
            configuration.api_key["authorization"] = token or self.token(user)
            configuration.api_key_prefix["authorization"] = "Bearer"
        made = client.ApiClient(configuration)
        self._clients.append(made)
        return made

    def write_kubeconfig(self, path: Path, *, user: str = "admin", certificate_of: str = "") -> Path:
        """Write a kubeconfig for a user of `USERS`, or for a client certificate, and return its path."""
        if certificate_of:
            certificate, key = self.authority.issue(certificate_of)
            credentials = {"client-certificate": str(certificate), "client-key": str(key)}
        else:
            credentials = {"token": self.token(user)}
        cluster = {"server": self.url, "certificate-authority": str(self.authority.certificate)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": credentials}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "default"}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(document, indent=2))  # JSON is YAML
        return path

    def pool(self) -> urllib3.PoolManager:
        """Return a pool of connections that trusts this API server, for requests of raw HTTP."""
        return self._to_apiserver

    def request(self, method: str, path: str, body: Any = None, *, user: str = "admin") -> Any:
        """Send one JSON request as a user of `USERS` and return the answer.

        Raises:
            RuntimeError: the answer is an error; with its text.
        """
        headers = {"Authorization": f"Bearer {self.token(user)}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        answer = self._to_apiserver.request(method, self.url + path, body=data, headers=headers)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data.decode(errors='replace')}")
        return json.loads(answer.data)

    def _etcd_command(self) -> list[str]:
        clients, peers = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._etcd_peer_port))
        return [
            str(assets() / "etcd"),
            *("--name=test", f"--data-dir={self.folder / 'etcd'}", "--log-level=warn"),
            *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            f"--initial-cluster=test={peers}",
            "--unsafe-no-fsync",  # a killed process loses nothing by it, only a killed machine would
        ]

    def _apiserver_command(self, flags: Sequence[str]) -> list[str]:
        folder = self.folder
        return [
            str(assets() / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--etcd-compaction-interval=0",  # only `compact` compacts
            *("--bind-address=127.0.0.1", f"--secure-port={self._port}", "--endpoint-reconciler-type=none"),
            *(f"--tls-cert-file={folder / 'kube-apiserver.crt'}", f"--cert-dir={folder}"),
            f"--tls-private-key-file={folder / 'kube-apiserver.key'}",
            f"--client-ca-file={self.authority.certificate}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={self.authority.verifying_key}",
            f"--service-account-signing-key-file={self.authority.signing_key}",
            *("--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.0.0.0/24"),
            *("--allow-privileged=true", "--profiling=false", "--shutdown-delay-duration=0s"),
            *flags,
        ]

    def _etcd_missing(self) -> str:
        try:
            answer = self._to_etcd.request("GET", f"http://127.0.0.1:{self._etcd_port}/health", timeout=2.0)
        except urllib3.exceptions.HTTPError as error:
            return str(error)
        return "" if answer.status == 200 else answer.data.decode(errors="replace")

    def _apiserver_missing(self) -> str:
        try:
            for path in ("/readyz", "/api/v1/namespaces/default", "/api/v1/namespaces/kube-system"):
                with contextlib.closing(self._get(path)) as answer:
                    if answer.status != 200:
                        return f"{path}: {answer.status} {answer.data.decode(errors='replace')}"
        except urllib3.exceptions.HTTPError as error:
            return str(error)
        return ""

    def _get(self, path: str) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self.token()}"}
        return self._to_apiserver.request("GET", self.url + path, headers=headers, timeout=5.0)

    def _ask_etcd(self, method: str, body: Mapping[str, Any]) -> Any:
        url = f"http://127.0.0.1:{self._etcd_port}/v3/{method}"
        answer = self._to_etcd.request("POST", url, body=json.dumps(body))
        if answer.status != 200:
            raise RuntimeError(f"etcd's {method}: {answer.status} {answer.data.decode(errors='replace')}")
        return json.loads(answer.data)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
