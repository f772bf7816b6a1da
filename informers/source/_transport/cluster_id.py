"""Identifies the cluster that a client talks to.

Upstream: none; client-go saves nothing that could be used with another cluster.
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

#: A namespace that every cluster has from the beginning, with its own uid.
_FIRST_NAMESPACE = "/api/v1/namespaces/kube-system"
#: The longest answer with the namespace, in bytes.
_LARGEST = 1 << 20
#: Status codes after which the client can do without the uid: it may not read the namespace, or there is none.
_NOT_TOLD = frozenset({401, 403, 404})


@final
@attrs.frozen(kw_only=True)
class Cluster:
    """The identity of a cluster, as far as a client knows it.

    Attributes:
        uid: uid of the namespace `kube-system`; empty if the client may not read it.
        server: the address.
        authority: digest of the certificate authority; empty for the system's.
    """

    uid: str = ""
    server: str = ""
    authority: str = ""

    def is_other(self, cluster: Cluster) -> str:
        """Return in words how it differs from another cluster; empty if it does not."""
        if self.uid and cluster.uid:
            return f"its kube-system has uid {self.uid}, not {cluster.uid}" if self.uid != cluster.uid else ""
        if self.server != cluster.server:
            return f"it is at {self.server}, not {cluster.server}"
        return "it has another certificate authority" if self.authority != cluster.authority else ""


def configured_cluster(api_client: ApiClient) -> Cluster:
    """Return the identity of the cluster by the configuration alone."""
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
    """Ask the cluster for its identity, with one small request.

    Args:
        api_client: a `kubernetes.client.ApiClient`.
        timeout: seconds without a byte after which the request has failed.
        clock: for dates in answers.

    Raises:
        SourceError: it can't be reached, or answers with an error other than 401, 403 and 404.
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
