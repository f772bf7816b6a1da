"""API group `admissionregistration.k8s.io`.

Upstream: k8s.io/client-go/informers/admissionregistration (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, cluster, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "AdmissionregistrationGroup", "V1alpha1", "V1beta1"]


class V1(GroupVersion, group="admissionregistration.k8s.io", version="v1"):
    """Kinds of `admissionregistration.k8s.io/v1`."""

    mutating_admission_policies: cluster[client.V1MutatingAdmissionPolicy] = cluster("MutatingAdmissionPolicy")
    mutating_admission_policy_bindings: cluster[client.V1MutatingAdmissionPolicyBinding] = cluster(
        "MutatingAdmissionPolicyBinding"
    )
    mutating_webhook_configurations: cluster[client.V1MutatingWebhookConfiguration] = cluster(
        "MutatingWebhookConfiguration"
    )
    validating_admission_policies: cluster[client.V1ValidatingAdmissionPolicy] = cluster("ValidatingAdmissionPolicy")
    validating_admission_policy_bindings: cluster[client.V1ValidatingAdmissionPolicyBinding] = cluster(
        "ValidatingAdmissionPolicyBinding"
    )
    validating_webhook_configurations: cluster[client.V1ValidatingWebhookConfiguration] = cluster(
        "ValidatingWebhookConfiguration"
    )


class V1beta1(GroupVersion, group="admissionregistration.k8s.io", version="v1beta1"):
    """Kinds of `admissionregistration.k8s.io/v1beta1`."""

    mutating_admission_policies: cluster[client.V1beta1MutatingAdmissionPolicy] = cluster("MutatingAdmissionPolicy")
    mutating_admission_policy_bindings: cluster[client.V1beta1MutatingAdmissionPolicyBinding] = cluster(
        "MutatingAdmissionPolicyBinding"
    )


class V1alpha1(GroupVersion, group="admissionregistration.k8s.io", version="v1alpha1"):
    """Kinds of `admissionregistration.k8s.io/v1alpha1`."""

    mutating_admission_policies: cluster[client.V1alpha1MutatingAdmissionPolicy] = cluster("MutatingAdmissionPolicy")
    mutating_admission_policy_bindings: cluster[client.V1alpha1MutatingAdmissionPolicyBinding] = cluster(
        "MutatingAdmissionPolicyBinding"
    )


class AdmissionregistrationGroup(Group):
    """The versions of `admissionregistration.k8s.io`."""

    v1: version[V1] = version(V1)
    v1beta1: version[V1beta1] = version(V1beta1)
    v1alpha1: version[V1alpha1] = version(V1alpha1)
