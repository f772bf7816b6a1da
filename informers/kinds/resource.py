"""API group `resource.k8s.io`.

Upstream: k8s.io/client-go/informers/resource (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "ResourceGroup", "V1alpha3", "V1beta1", "V1beta2"]


class V1(GroupVersion, group="resource.k8s.io", version="v1"):
    """Kinds of `resource.k8s.io/v1`."""

    device_classes: cluster[client.V1DeviceClass] = cluster("DeviceClass")
    device_taint_rules: cluster[client.V1DeviceTaintRule] = cluster("DeviceTaintRule")
    resource_claim_templates: namespaced[client.V1ResourceClaimTemplate] = namespaced("ResourceClaimTemplate")
    resource_claims: namespaced[client.ResourceV1ResourceClaim] = namespaced(
        "ResourceClaim", model="ResourceV1ResourceClaim"
    )
    resource_slices: cluster[client.V1ResourceSlice] = cluster("ResourceSlice")


class V1beta2(GroupVersion, group="resource.k8s.io", version="v1beta2"):
    """Kinds of `resource.k8s.io/v1beta2`."""

    device_classes: cluster[client.V1beta2DeviceClass] = cluster("DeviceClass")
    device_taint_rules: cluster[client.V1beta2DeviceTaintRule] = cluster("DeviceTaintRule")
    resource_claim_templates: namespaced[client.V1beta2ResourceClaimTemplate] = namespaced("ResourceClaimTemplate")
    resource_claims: namespaced[client.V1beta2ResourceClaim] = namespaced("ResourceClaim")
    resource_slices: cluster[client.V1beta2ResourceSlice] = cluster("ResourceSlice")


class V1beta1(GroupVersion, group="resource.k8s.io", version="v1beta1"):
    """Kinds of `resource.k8s.io/v1beta1`."""

    device_classes: cluster[client.V1beta1DeviceClass] = cluster("DeviceClass")
    resource_claim_templates: namespaced[client.V1beta1ResourceClaimTemplate] = namespaced("ResourceClaimTemplate")
    resource_claims: namespaced[client.V1beta1ResourceClaim] = namespaced("ResourceClaim")
    resource_slices: cluster[client.V1beta1ResourceSlice] = cluster("ResourceSlice")


class V1alpha3(GroupVersion, group="resource.k8s.io", version="v1alpha3"):
    """Kinds of `resource.k8s.io/v1alpha3`."""

    device_taint_rules: cluster[client.V1alpha3DeviceTaintRule] = cluster("DeviceTaintRule")
    resource_pool_status_requests: cluster[client.V1alpha3ResourcePoolStatusRequest] = cluster(
        "ResourcePoolStatusRequest"
    )


class ResourceGroup(Group):
    """The versions of `resource.k8s.io`."""

    v1: version[V1] = version(V1)
    v1beta2: version[V1beta2] = version(V1beta2)
    v1beta1: version[V1beta1] = version(V1beta1)
    v1alpha3: version[V1alpha3] = version(V1alpha3)
