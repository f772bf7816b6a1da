"""The fields that objects can be selected by besides name and namespace.

Upstream: `ToSelectableFields` of k8s.io/kubernetes/pkg/registry/*/strategy.go (v1.37).
"""

from __future__ import annotations

__all__ = ["ALIASES", "FIELDS", "OTHERWISE", "PATHS", "REFUSALS"]

#: What field selectors can ask for besides name and namespace: the path, and what stands for a field not set.
FIELDS: dict[str, dict[str, str]] = {
    "pods": {
        "spec.nodeName": "",
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": "",
        "spec.hostNetwork": "false",
        "status.phase": "",
        "status.podIP": "",
        "status.nominatedNodeName": "",
    },
    "nodes": {"spec.unschedulable": "false"},
    "namespaces": {"status.phase": ""},
    "secrets": {"type": "Opaque"},
    "services": {"spec.clusterIP": "", "spec.type": "ClusterIP"},
    "events": {
        "involvedObject.kind": "",
        "involvedObject.namespace": "",
        "involvedObject.name": "",
        "involvedObject.uid": "",
        "involvedObject.apiVersion": "",
        "involvedObject.resourceVersion": "",
        "involvedObject.fieldPath": "",
        "reason": "",
        "reportingComponent": "",
        "source": "",
        "type": "",
    },
    "replicationcontrollers": {"status.replicas": "0"},
    "jobs.batch": {"status.successful": "0"},
    "certificatesigningrequests.certificates.k8s.io": {"spec.signerName": ""},
    "clustertrustbundles.certificates.k8s.io": {"spec.signerName": ""},
    "podcertificaterequests.certificates.k8s.io": {"spec.signerName": "", "spec.podName": "", "spec.nodeName": ""},
    "resourceslices.resource.k8s.io": {"spec.nodeName": "", "spec.driver": "", "spec.pool.name": ""},
    "events.events.k8s.io": {
        "regarding.kind": "",
        "regarding.namespace": "",
        "regarding.name": "",
        "regarding.uid": "",
        "regarding.apiVersion": "",
        "regarding.resourceVersion": "",
        "regarding.fieldPath": "",
        "reason": "",
        "reportingController": "",
        "type": "",
    },
}
#: Where the value stands of a field that is asked for by another name.
PATHS = {"source": "source.component", "status.successful": "status.succeeded"}
#: Which field says it where that one is empty.
OTHERWISE = {"source": "reportingComponent"}
#: How a field is refused that a resource has none of; the rest say it as the first of these that fits.
REFUSALS = {
    "jobs.batch": 'field label "{}" not supported for Job',
    "resourceslices.resource.k8s.io": "field label not supported for {version}, Kind=ResourceSlice: {}",
}
#: Old names.
ALIASES = {"spec.host": "spec.nodeName", "status.podIPs": "status.podIP"}
