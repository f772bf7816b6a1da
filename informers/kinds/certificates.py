"""API group `certificates.k8s.io`.

Upstream: k8s.io/client-go/informers/certificates (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "CertificatesGroup", "V1beta1"]


class V1(GroupVersion, group="certificates.k8s.io", version="v1"):
    """Kinds of `certificates.k8s.io/v1`."""

    certificate_signing_requests: cluster[client.V1CertificateSigningRequest] = cluster("CertificateSigningRequest")
    cluster_trust_bundles: cluster[client.V1ClusterTrustBundle] = cluster("ClusterTrustBundle")
    pod_certificate_requests: namespaced[client.V1PodCertificateRequest] = namespaced("PodCertificateRequest")


class V1beta1(GroupVersion, group="certificates.k8s.io", version="v1beta1"):
    """Kinds of `certificates.k8s.io/v1beta1`."""

    cluster_trust_bundles: cluster[client.V1beta1ClusterTrustBundle] = cluster("ClusterTrustBundle")
    pod_certificate_requests: namespaced[client.V1beta1PodCertificateRequest] = namespaced("PodCertificateRequest")


class CertificatesGroup(Group):
    """The versions of `certificates.k8s.io`."""

    v1: version[V1] = version(V1)
    v1beta1: version[V1beta1] = version(V1beta1)
