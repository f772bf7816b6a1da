"""Pods as a real API server sends them: 8 KB each, half of it managedFields, no two alike.

The bytes come from a few templates (a web deployment, an agent of every node, a database's stateful set, a batch job)
and from the pod's number alone, so that every run and every client sees the same cluster. Fields stand in the API
server's order, which is what a client that reads only the head of an object depends on.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

FIRST_VERSION = 1_000_000
SENT_ANNOTATION = "bench.example/sent"
SENT_PLACEHOLDER = b"@" * 19  # as wide as a time in nanoseconds

_NAMESPACES = ("shop", "payments", "search", "platform", "monitoring", "batch", "ledger", "media", "identity", "edge")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


def _f(*names: str) -> dict[str, Any]:
    return {f"f:{name}": {} for name in names}


def _owned_container(name: str) -> dict[str, Any]:
    probe = {
        ".": {},
        "f:failureThreshold": {},
        "f:httpGet": {".": {}, **_f("path", "port", "scheme")},
        **_f("periodSeconds"),
    }
    return {
        f'k:{{"name":"{name}"}}': {
            ".": {},
            "f:args": {},
            "f:env": {
                ".": {},
                'k:{"name":"POD_NAME"}': {".": {}, "f:name": {}, "f:valueFrom": {".": {}, "f:fieldRef": {}}},
                'k:{"name":"SHARD"}': {".": {}, **_f("name", "value")},
                'k:{"name":"LOG_LEVEL"}': {".": {}, **_f("name", "value")},
            },
            "f:image": {},
            "f:imagePullPolicy": {},
            "f:livenessProbe": probe,
            "f:name": {},
            "f:ports": {
                ".": {},
                'k:{"containerPort":8080,"protocol":"TCP"}': {".": {}, **_f("containerPort", "name", "protocol")},
            },
            "f:readinessProbe": probe,
            "f:resources": {
                ".": {},
                "f:limits": {".": {}, **_f("cpu", "memory")},
                "f:requests": {".": {}, **_f("cpu", "memory")},
            },
            "f:securityContext": {".": {}, **_f("allowPrivilegeEscalation", "readOnlyRootFilesystem")},
            "f:terminationMessagePath": {},
            "f:terminationMessagePolicy": {},
            "f:volumeMounts": {
                ".": {},
                'k:{"mountPath":"/etc/config"}': {".": {}, **_f("mountPath", "name", "readOnly")},
                'k:{"mountPath":"/var/data"}': {".": {}, **_f("mountPath", "name")},
            },
        }
    }


def _managed_fields(containers: tuple[str, ...]) -> list[dict[str, Any]]:
    labels = _f("app", "app.kubernetes.io/part-of", "pod-template-hash", "team", "version")
    spec_fields: dict[str, Any] = {
        "f:metadata": {
            "f:annotations": {
                ".": {},
                **_f("checksum/config", "prometheus.io/port", "prometheus.io/scrape", SENT_ANNOTATION),
            },
            "f:generateName": {},
            "f:labels": {".": {}, **labels},
            "f:ownerReferences": {".": {}, 'k:{"uid":"%(owner_uid)s"}': {}},
        }
    }
    owned: dict[str, Any] = {}
    for name in containers:
        owned.update(_owned_container(name))
    spec_fields["f:spec"] = {
        "f:affinity": {
            ".": {},
            "f:podAntiAffinity": {".": {}, "f:preferredDuringSchedulingIgnoredDuringExecution": {}},
        },
        "f:containers": owned,
        **_f("dnsPolicy", "enableServiceLinks", "priorityClassName", "restartPolicy", "schedulerName"),
        "f:securityContext": {".": {}, **_f("fsGroup", "runAsNonRoot", "runAsUser")},
        **_f("serviceAccount", "serviceAccountName", "terminationGracePeriodSeconds", "topologySpreadConstraints"),
        "f:volumes": {
            ".": {},
            'k:{"name":"config"}': {".": {}, "f:configMap": {".": {}, **_f("defaultMode", "name")}, "f:name": {}},
            'k:{"name":"data"}': {".": {}, "f:emptyDir": {".": {}, "f:sizeLimit": {}}, "f:name": {}},
        },
    }
    times = ("lastProbeTime", "lastTransitionTime", "observedGeneration", "status", "type")
    status_fields = {
        "f:status": {
            "f:conditions": {
                f'k:{{"type":"{kind}"}}': {".": {}, **_f(*times)}
                for kind in ("ContainersReady", "Initialized", "PodReadyToStartContainers", "Ready")
            },
            **_f("containerStatuses", "hostIP", "hostIPs", "observedGeneration", "phase", "podIP"),
            "f:podIPs": {".": {}, 'k:{"ip":"%(pod_ip)s"}': {".": {}, "f:ip": {}}},
            "f:startTime": {},
        }
    }
    gate_fields = {
        "f:metadata": {"f:annotations": _f("policy.example/digest", "policy.example/verdict")},
        "f:status": {
            "f:conditions": {
                f'k:{{"type":"policy.example/{kind}"}}': {
                    ".": {},
                    **_f("lastTransitionTime", "message", "reason", "status", "type"),
                }
                for kind in ("Admitted", "Scanned")
            }
        },
    }
    common = {"apiVersion": "v1", "time": "%(created)s", "fieldsType": "FieldsV1"}
    return [
        {"manager": "policy-gate", "operation": "Apply", **common, "fieldsV1": gate_fields, "subresource": "status"},
        {"manager": "kube-controller-manager", "operation": "Update", **common, "fieldsV1": spec_fields},
        {
            "manager": "kubelet", "operation": "Update", **common, "time": "%(changed)s",
            "fieldsV1": status_fields, "subresource": "status",
        },
    ]  # fmt: skip


def _container(name: str) -> dict[str, Any]:
    probe = {
        "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
        "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
    }  # fmt: skip
    return {
        "name": name,
        "image": f"registry.example/%(namespace)s/{name}:%(release)s",
        "args": ["--listen=:8080", "--config=/etc/config/%(app)s.yaml", "--shard=%(shard)s"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "SHARD", "value": "%(shard)s"},
            {"name": "LOG_LEVEL", "value": "info"},
        ],
        "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "%(cpu)sm", "memory": "256Mi"}},
        "volumeMounts": [
            {"name": "config", "readOnly": True, "mountPath": "/etc/config"},
            {"name": "data", "mountPath": "/var/data"},
            {
                "name": "kube-api-access-%(suffix)s", "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            },
        ],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False},
    }  # fmt: skip


def _status(containers: tuple[str, ...]) -> dict[str, Any]:
    return {
        "observedGeneration": 1,
        "phase": "%(phase)s",
        "conditions": [
            {
                "type": kind, "observedGeneration": 1, "status": "True", "lastProbeTime": None,
                "lastTransitionTime": "%(changed)s",
            }
            for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
        "hostIP": "%(host_ip)s",
        "hostIPs": [{"ip": "%(host_ip)s"}],
        "podIP": "%(pod_ip)s",
        "podIPs": [{"ip": "%(pod_ip)s"}],
        "startTime": "%(created)s",
        "containerStatuses": [
            {
                "name": name,
                "state": {"running": {"startedAt": "%(changed)s"}},
                "lastState": {},
                "ready": True,
                "restartCount": "@restarts@",
                "image": f"registry.example/%(namespace)s/{name}:%(release)s",
                "imageID": f"registry.example/%(namespace)s/{name}@sha256:%(digest)s",
                "containerID": "containerd://%(container)s",
                "started": True,
            }
            for name in containers
        ],
        "qosClass": "Burstable",
    }  # fmt: skip


def _template(owner_kind: str, owner_version: str, containers: tuple[str, ...]) -> str:
    pod = {
        "metadata": {
            "name": "%(name)s",
            "generateName": "%(owner)s-",
            "namespace": "%(namespace)s",
            "uid": "%(uid)s",
            "resourceVersion": "%(version)s",
            "generation": 1,
            "creationTimestamp": "%(created)s",
            "labels": {
                "app": "%(app)s",
                "app.kubernetes.io/part-of": "%(namespace)s",
                "pod-template-hash": "%(hash)s",
                "team": "team-%(team)s",
                "version": "%(release)s",
            },
            "annotations": {
                SENT_ANNOTATION: "%(sent)s",
                "checksum/config": "%(digest)s",
                "prometheus.io/port": "8080",
                "prometheus.io/scrape": "true",
            },
            "ownerReferences": [
                {
                    "apiVersion": owner_version, "kind": owner_kind, "name": "%(owner)s", "uid": "%(owner_uid)s",
                    "controller": True, "blockOwnerDeletion": True,
                },
            ],
            "managedFields": _managed_fields(containers),
        },
        "spec": {
            "volumes": [
                {"name": "config", "configMap": {"name": "%(app)s", "defaultMode": 420}},
                {"name": "data", "emptyDir": {"sizeLimit": "2Gi"}},
                {
                    "name": "kube-api-access-%(suffix)s",
                    "projected": {
                        "sources": [
                            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                        ],
                        "defaultMode": 420,
                    },
                },
            ],
            "containers": [_container(name) for name in containers],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "%(app)s",
            "serviceAccount": "%(app)s",
            "nodeName": "%(node)s",
            "securityContext": {"runAsUser": 65532, "runAsNonRoot": True, "fsGroup": 65532},
            "schedulerName": "default-scheduler",
            "priorityClassName": "normal",
            "priority": 1000,
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": _status(containers),
    }  # fmt: skip
    return json.dumps(pod, separators=(",", ":")).replace('"@restarts@"', "%(restarts)d")


_TEMPLATES = (
    ("web", _template("ReplicaSet", "apps/v1", ("app",))),
    ("api", _template("ReplicaSet", "apps/v1", ("app", "proxy"))),
    ("agent", _template("DaemonSet", "apps/v1", ("agent",))),
    ("db", _template("StatefulSet", "apps/v1", ("server",))),
    ("job", _template("Job", "batch/v1", ("worker",))),
)


def pod(number: int, *, version: int, change: int = 0, sent: str = "never") -> bytes:
    """Return pod *number* as a list's item: no kind and no apiVersion, as on the wire.

    Args:
        number: Which pod; everything about it follows from this.
        version: Its resource version.
        change: How often it has changed: moves times, restarts and now and then the phase.
        sent: The value of the annotation that carries the time of sending.
    """
    seed = hashlib.sha256(b"%d" % number).hexdigest()
    kind, template = _TEMPLATES[number % len(_TEMPLATES)]
    namespace = _NAMESPACES[number // 7 % len(_NAMESPACES)]
    app = f"{kind}-{number // 50:04d}"
    owner = f"{app}-{seed[:8]}"
    suffix = "".join(_SUFFIX[int(seed[at : at + 2], 16) % len(_SUFFIX)] for at in range(0, 10, 2))
    host = number // 30
    values = {
        "name": f"{owner}-{suffix}{number}",
        "owner": owner,
        "owner_uid": f"{seed[8:16]}-{seed[16:20]}-4{seed[20:23]}-a{seed[23:26]}-{seed[26:38]}",
        "namespace": namespace,
        "uid": f"{seed[38:46]}-{seed[46:50]}-4{seed[50:53]}-9{seed[53:56]}-{seed[:4]}{number:08x}",
        "version": version,
        "created": f"2026-0{1 + number % 9}-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:17Z",
        "changed": f"2026-10-{1 + change % 28:02d}T{change % 24:02d}:{number % 60:02d}:{change % 60:02d}Z",
        "app": app,
        "hash": seed[40:50],
        "team": number % 17,
        "release": f"v1.{number % 40}.{number % 9}",
        "shard": number % 64,
        "cpu": 50 + number % 900,
        "suffix": suffix,
        "node": f"node-{host:05d}.eu-west.example",
        "phase": "Pending" if (number + change) % 50 == 0 else "Running",
        "host_ip": f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}",
        "pod_ip": f"100.{64 + (number >> 16 & 63)}.{number >> 8 & 255}.{number & 255}",
        "digest": seed,
        "container": seed[::-1],
        "restarts": change,
        "sent": sent,
    }
    return (template % values).encode()


def typed(item: bytes) -> bytes:
    """Return a list's item as a watch sends it: with its kind and apiVersion in front."""
    return b'{"kind":"Pod","apiVersion":"v1",' + item[1:]
