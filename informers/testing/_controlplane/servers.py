"""The two programs of a control plane: etcd, and the kube-apiserver in front of it.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/testing/controlplane.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import urllib3

from informers.testing._controlplane.authority import Authority
from informers.testing._controlplane.daemons import Daemon, free_ports

__all__ = ["ISSUER", "Servers"]

ISSUER = "https://kubernetes.default.svc.cluster.local"

#: Answers of 429 are retried for six seconds: a watch cache starts again, for example that of a custom kind.
_RETRIES = urllib3.Retry(
    total=7,
    connect=0,
    read=0,
    redirect=0,
    status_forcelist=(429,),
    allowed_methods=None,
    raise_on_status=False,
    backoff_factor=0.05,
    respect_retry_after_header=False,
)


@final
class Servers:
    """etcd and kube-apiserver, which can be killed and started again at the same addresses.

    Args:
        assets: the folder of the programs.
        folder: where data, keys and logs are.
        flags: further flags for kube-apiserver.
        authority: issues the certificates.
        token: may do everything.
        timeout: seconds that each start may take.
        is_temporary: whether the folder goes when this process ends, in whatever way.
    """

    def __init__(
        self,
        assets: Path,
        folder: Path,
        flags: Sequence[str],
        authority: Authority,
        token: str,
        timeout: float,
        *,
        is_temporary: bool,
    ) -> None:
        self._folder = folder
        self._authority = authority
        self._token = token
        self._timeout = timeout
        self._etcd_port, self._etcd_peer_port, port = free_ports(3)
        self.port: int = port
        self.url: str = f"https://127.0.0.1:{self.port}"
        temporary = folder if is_temporary else None
        self._etcd = Daemon("etcd", self._etcd_command(assets), folder / "etcd.log", temporary)
        self._apiserver = Daemon(
            "kube-apiserver", self._apiserver_command(assets, flags), folder / "apiserver.log", temporary
        )
        self._to_etcd = urllib3.PoolManager(retries=False, timeout=10.0)
        self.pool: urllib3.PoolManager = urllib3.PoolManager(
            retries=_RETRIES, timeout=10.0, ca_certs=str(authority.certificate), cert_reqs="CERT_REQUIRED"
        )

    @property
    def pid(self) -> int:
        """The id of the API server's process."""
        return self._apiserver.pid

    def start(self, prepare: Callable[[], object]) -> None:
        """Start both, and wait until they are ready.

        Args:
            prepare: makes the keys. It runs while etcd starts, whose watchdog removes a temporary folder by then.
        """
        self._etcd.start()
        prepare()
        self._etcd.wait_until(self._etcd_missing, timeout=self._timeout)
        self.restart_apiserver()

    def close(self) -> None:
        """Kill both."""
        self._apiserver.kill()
        self._etcd.kill()
        self._to_etcd.clear()
        self.pool.clear()

    def kill_apiserver(self) -> None:
        """Kill the API server with SIGKILL."""
        self._apiserver.kill()

    def restart_apiserver(self) -> None:
        """Start the API server, ending the one that runs, and wait until it is ready."""
        self._apiserver.stop()
        self._apiserver.start()
        self._apiserver.wait_until(self._apiserver_missing, timeout=self._timeout)

    def restart_etcd(self) -> None:
        """Kill etcd and start it on the same data; wait until both are ready."""
        self._etcd.kill()
        self._etcd.start()
        self._etcd.wait_until(self._etcd_missing, timeout=self._timeout)
        self._apiserver.wait_until(self._apiserver_missing, timeout=self._timeout)

    def revision(self) -> int:
        """Return etcd's current revision, which is the resource version of the newest write."""
        answer = self._ask_etcd("kv/range", {"key": _base64("compact_rev_key")})
        return int(answer["header"]["revision"])

    def compact(self) -> int:
        """Compact etcd's history up to now; return the revision."""
        revision = self.revision()
        self._ask_etcd("kv/put", {"key": _base64("compact_rev_key"), "value": _base64(str(revision))})
        self._ask_etcd("kv/compaction", {"revision": revision, "physical": True})
        return revision

    def _etcd_command(self, assets: Path) -> list[str]:
        clients, peers = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._etcd_peer_port))
        return [
            str(assets / "etcd"),
            *("--name=test", f"--data-dir={self._folder / 'etcd'}", "--log-level=warn"),
            *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            f"--initial-cluster=test={peers}",
            "--unsafe-no-fsync",  # a killed process loses nothing by it, only a killed machine would
        ]

    def _apiserver_command(self, assets: Path, flags: Sequence[str]) -> list[str]:
        folder = self._folder
        return [
            str(assets / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--etcd-compaction-interval=0",  # only `compact` compacts
            *("--bind-address=127.0.0.1", f"--secure-port={self.port}", "--endpoint-reconciler-type=none"),
            *(f"--tls-cert-file={folder / 'kube-apiserver.crt'}", f"--cert-dir={folder}"),
            f"--tls-private-key-file={folder / 'kube-apiserver.key'}",
            f"--client-ca-file={self._authority.certificate}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={self._authority.verifying_key}",
            f"--service-account-signing-key-file={self._authority.signing_key}",
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
        headers = {"Authorization": f"Bearer {self._token}"}
        return self.pool.request("GET", self.url + path, headers=headers, timeout=5.0)

    def _ask_etcd(self, method: str, body: Mapping[str, Any]) -> Any:
        url = f"http://127.0.0.1:{self._etcd_port}/v3/{method}"
        answer = self._to_etcd.request("POST", url, body=json.dumps(body))
        if answer.status != 200:
            raise RuntimeError(f"etcd's {method}: {answer.status} {answer.data.decode(errors='replace')}")
        return json.loads(answer.data)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
