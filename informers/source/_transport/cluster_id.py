"""Which cluster a client talks to.

Upstream: none; client-go keeps nothing that could be taken to another cluster.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, final

import attrs

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.errors import DecodeError, StatusError
from informers.source._transport.http_body import hastened
from informers.source._transport.transport import Transport

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["Cluster", "configured_cluster", "identify"]

#: The namespace that every cluster has from its first moment on, with a uid of its own.
_FIRST_NAMESPACE = "/api/v1/namespaces/kube-system"
#: Bytes that the namespace may have.
_LARGEST = 1 << 20
#: Answers that say no more than that this client may not know, or that there is no such namespace.
_NOT_TOLD = frozenset({401, 403, 404})


@final
@attrs.frozen(kw_only=True)
class Cluster:
    """A cluster, as far as a client can tell it from others.

    Attributes:
        uid: of the namespace `kube-system`; empty where the client may not read it.
        server: the address.
        authority: digest of the certificate authority that it is trusted by; empty for the system's.
    """

    uid: str = ""
    server: str = ""
    authority: str = ""

    def is_other(self, cluster: Cluster) -> str:
        """Return in words what tells it from another; empty if nothing does."""
        if self.uid and cluster.uid:
            return f"its kube-system has uid {self.uid}, not {cluster.uid}" if self.uid != cluster.uid else ""
        if self.server != cluster.server:
            return f"it is at {self.server}, not {cluster.server}"
        return "it has another certificate authority" if self.authority != cluster.authority else ""


def configured_cluster(api_client: ApiClient) -> Cluster:
    """Return what the configuration alone says of the cluster."""
    configuration = api_client.configuration
    authority = getattr(configuration, "ca_cert_data", None) or b""
    path = configuration.ssl_ca_cert
    if not authority and path:
        try:
            authority = Path(path).read_bytes()
        except OSError:
            authority = str(path)
    if isinstance(authority, str):
        authority = authority.encode()
    return Cluster(
        server=str(configuration.host).rstrip("/"), authority=hashlib.sha256(authority).hexdigest() if authority else ""
    )


def identify(api_client: ApiClient, *, timeout: float = 10.0, clock: Clock = SYSTEM_CLOCK) -> Cluster:
    """Ask the cluster who it is, by one small request.

    Args:
        api_client: a `kubernetes.client.ApiClient`.
        timeout: seconds without an answer after which it counts as lost.
        clock: for dates in answers.

    Raises:
        SourceError: it can't be reached, or answers with an error other than that this client may not know.
        DecodeError: the answer is not a namespace.
    """
    transport = Transport(api_client, connect_timeout=timeout, clock=clock)
    try:
        query = [("resourceVersion", "0")]
        with transport.get(
            _FIRST_NAMESPACE, query, accept="application/json", gzip=False, idle_timeout=timeout
        ) as body:
            content = bytearray()
            for block in hastened(body.blocks(), seconds=timeout, clock=clock):
                content += block
                if len(content) > _LARGEST:
                    raise DecodeError(f"the answer to {_FIRST_NAMESPACE} has more than {_LARGEST} bytes")
    except StatusError as error:
        if error.code not in _NOT_TOLD:
            raise
        return configured_cluster(api_client)
    finally:
        transport.close()
    try:
        uid = json.loads(content)["metadata"]["uid"]
    except (ValueError, KeyError, TypeError) as error:
        answer = bytes(content)
        raise DecodeError(f"the answer to {_FIRST_NAMESPACE} is not a namespace: {error!r}", raw=answer) from error
    return attrs.evolve(configured_cluster(api_client), uid=str(uid))
