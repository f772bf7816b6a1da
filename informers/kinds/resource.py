"""API group `resource.k8s.io`.

Upstream: k8s.io/client-go/informers/resource (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, namespaced, version

if TYPE_CHECKING:
    from kubernetes.client import (
        ResourceV1ResourceClaim,
        V1alpha3DeviceTaintRule,
        V1alpha3ResourcePoolStatusRequest,
        V1beta1DeviceClass,
        V1beta1ResourceClaim,
        V1beta1ResourceClaimTemplate,
        V1beta1ResourceSlice,
        V1beta2DeviceClass,
        V1beta2DeviceTaintRule,
        V1beta2ResourceClaim,
        V1beta2ResourceClaimTemplate,
        V1beta2ResourceSlice,
        V1DeviceClass,
        V1DeviceTaintRule,
        V1ResourceClaimTemplate,
        V1ResourceSlice,
    )

__all__ = ["V1", "ResourceGroup", "V1alpha3", "V1beta1", "V1beta2"]


class V1(GroupVersion, group="resource.k8s.io", version="v1"):
    """Kinds of `resource.k8s.io/v1`."""

    device_classes: cluster[V1DeviceClass] = cluster("DeviceClass")
    device_taint_rules: cluster[V1DeviceTaintRule] = cluster("DeviceTaintRule")
    resource_claim_templates: namespaced[V1ResourceClaimTemplate] = namespaced("ResourceClaimTemplate")
    resource_claims: namespaced[ResourceV1ResourceClaim] = namespaced("ResourceClaim", model="ResourceV1ResourceClaim")
    resource_slices: cluster[V1ResourceSlice] = cluster("ResourceSlice")


class V1beta2(GroupVersion, group="resource.k8s.io", version="v1beta2"):
    """Kinds of `resource.k8s.io/v1beta2`."""

    device_classes: cluster[V1beta2DeviceClass] = cluster("DeviceClass")
    device_taint_rules: cluster[V1beta2DeviceTaintRule] = cluster("DeviceTaintRule")
    resource_claim_templates: namespaced[V1beta2ResourceClaimTemplate] = namespaced("ResourceClaimTemplate")
    resource_claims: namespaced[V1beta2ResourceClaim] = namespaced("ResourceClaim")
    resource_slices: cluster[V1beta2ResourceSlice] = cluster("ResourceSlice")


class V1beta1(GroupVersion, group="resource.k8s.io", version="v1beta1"):
    """Kinds of `resource.k8s.io/v1beta1`."""

    device_classes: cluster[V1beta1DeviceClass] = cluster("DeviceClass")
    resource_claim_templates: namespaced[V1beta1ResourceClaimTemplate] = namespaced("ResourceClaimTemplate")
    resource_claims: namespaced[V1beta1ResourceClaim] = namespaced("ResourceClaim")
    resource_slices: cluster[V1beta1ResourceSlice] = cluster("ResourceSlice")


class V1alpha3(GroupVersion, group="resource.k8s.io", version="v1alpha3"):
    """Kinds of `resource.k8s.io/v1alpha3`."""

    device_taint_rules: cluster[V1alpha3DeviceTaintRule] = cluster("DeviceTaintRule")
    resource_pool_status_requests: cluster[V1alpha3ResourcePoolStatusRequest] = cluster("ResourcePoolStatusRequest")


class ResourceGroup(Group):
    """The versions of `resource.k8s.io`."""

    v1: version[V1] = version(V1)
    v1beta2: version[V1beta2] = version(V1beta2)
    v1beta1: version[V1beta1] = version(V1beta1)
    v1alpha3: version[V1alpha3] = version(V1alpha3)
