"""Pods as a real API server sends them: about 8 KB each, half of it managedFields, no two alike.

Each application has a shape of its own, drawn from its number: containers, environment, mounts, probes, labels and
annotations. Its pods share that shape and differ in names, uids, addresses, nodes, digests and times, as those
of one replica set do. Without that, pods would be far more alike than a cluster's, and a client that compresses what it
keeps would look better than it is: from five templates, one pod as a dictionary took the others down to a tenth; from
these, to a fifth. managedFields are worked out from the pod's own fields, as the server does it. Fields stand in the
server's order, which is what a client that reads only the head of an object depends on.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
from typing import Any

FIRST_VERSION = 1_000_000
ALIKE = 20  # pods of one application
SENT_ANNOTATION = "bench.example/sent"
SENT_PLACEHOLDER = b"@" * 19  # as wide as a time in nanoseconds

_NAMESPACES = ("shop", "payments", "search", "platform", "monitoring", "batch", "ledger", "media", "identity", "edge")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_SYLLABLES = (
    "ba",
    "co",
    "di",
    "fu",
    "ga",
    "he",
    "jo",
    "ku",
    "la",
    "mi",
    "no",
    "pe",
    "qua",
    "ri",
    "so",
    "ta",
    "ve",
    "wi",
    "xa",
    "zo",
    "bri",
    "cle",
    "dra",
    "flu",
    "gro",
    "pla",
    "sto",
    "tre",
)
_OWNERS = (("ReplicaSet", "apps/v1"), ("StatefulSet", "apps/v1"), ("DaemonSet", "apps/v1"), ("Job", "batch/v1"))
_KEYS = {"containers": "name", "env": "name", "volumeMounts": "mountPath", "volumes": "name", "conditions": "type"}
_ATOMIC = ("args", "command", "tolerations", "containerStatuses", "hostIPs", "sources", "items", "drop")


def pod(number: int, *, version: int, change: int = 0, sent: str = "never") -> bytes:
    """Return pod *number* as a list's item: no kind and no apiVersion, as on the wire.

    Args:
        number: Which pod; everything about it follows from this.
        version: Its resource version.
        change: How often it has changed: moves times, restarts and now and then the phase.
        sent: The value of the annotation that carries the time of sending.
    """
    app = number // ALIKE
    name, namespace, template = _application(app)
    digest = hashlib.sha512(b"%d" % number).hexdigest()
    suffix = "".join(_SUFFIX[int(digest[at : at + 2], 16) % len(_SUFFIX)] for at in range(0, 6, 2))
    suffix += _SUFFIX[number % ALIKE]  # no two pods of an application have the same name
    host = number // 30
    values = {
        "name": f"{name}-{suffix}",
        "suffix": suffix,
        "uid": f"{digest[:8]}-{digest[8:12]}-4{digest[12:15]}-9{digest[15:18]}-{digest[18:30]}",
        "version": version,
        "created": f"2026-0{1 + number % 9}-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:17Z",
        "changed": f"2026-10-{1 + change % 28:02d}T{change % 24:02d}:{number % 60:02d}:{change % 60:02d}Z",
        "node": f"node-{host:05d}.eu-west.example",
        "phase": "Pending" if (number + change) % 50 == 0 else "Running",
        "host_ip": f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}",
        "pod_ip": f"100.{64 + (number >> 16 & 63)}.{number >> 8 & 255}.{number & 255}",
        "container": digest[30:94],
        "restarts": change,
        "sent": sent,
        "namespace": namespace,
    }
    return (template % values).encode()


def typed(item: bytes) -> bytes:
    """Return a list's item as a watch sends it: with its kind and apiVersion in front."""
    return b'{"kind":"Pod","apiVersion":"v1",' + item[1:]


@functools.lru_cache(maxsize=4096)
def _application(app: int) -> tuple[str, str, str]:
    """Return an application's name with its owner's hash, its namespace, and its pods as a %-format."""
    draw = random.Random(app)
    namespace = draw.choice(_NAMESPACES)
    short = f"{_word(draw)}-{_word(draw)}-{app}"
    owner_kind, owner_version = draw.choice(_OWNERS)
    owner = f"{short}-{draw.randbytes(5).hex()}"
    names = [short, *(_word(draw) for _ in range(draw.choice((0, 0, 0, 1))))]
    labels = {"app": short, "version": f"v{draw.randrange(9)}.{draw.randrange(40)}.{draw.randrange(20)}"}
    labels |= {f"{_word(draw)}.example/{_word(draw)}": _word(draw) for _ in range(draw.randrange(1, 5))}
    annotations = {SENT_ANNOTATION: "%(sent)s", "checksum/config": draw.randbytes(32).hex()}
    annotations |= {f"{_word(draw)}.example/{_word(draw)}": _value(draw) for _ in range(draw.randrange(4))}
    metadata: dict[str, Any] = {
        "name": "%(name)s",
        "generateName": f"{owner}-",
        "namespace": namespace,
        "uid": "%(uid)s",
        "resourceVersion": "%(version)s",
        "generation": 1,
        "creationTimestamp": "%(created)s",
        "labels": dict(sorted(labels.items())),
        "annotations": dict(sorted(annotations.items())),
        "ownerReferences": [
            {
                "apiVersion": owner_version, "kind": owner_kind, "name": owner, "uid": _uid(draw), "controller": True,
                "blockOwnerDeletion": True,
            },
        ],
    }  # fmt: skip
    volumes = [_volume(draw) for _ in range(draw.randrange(1, 4))]
    spec = _spec(draw, short, [_container(draw, name, namespace, volumes) for name in names], volumes)
    status = _status(spec["containers"], draw)
    metadata["managedFields"] = _managed_fields(metadata, spec, status)
    whole = json.dumps({"metadata": metadata, "spec": spec, "status": status}, separators=(",", ":"))
    return owner, namespace, whole.replace('"@restarts@"', "%(restarts)d")


def _word(draw: random.Random) -> str:
    return "".join(draw.choice(_SYLLABLES) for _ in range(draw.randrange(2, 4)))


def _value(draw: random.Random) -> str:
    texts = (_word, lambda d: d.randbytes(12).hex(), lambda d: str(d.randrange(100_000)),
             lambda d: f"http://{_word(d)}.{_word(d)}.svc:{d.randrange(1000, 9999)}/{_word(d)}")  # fmt: skip
    return draw.choice(texts)(draw)


def _uid(draw: random.Random) -> str:
    digits = draw.randbytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _volume(draw: random.Random) -> dict[str, Any]:
    name = _word(draw)
    return draw.choice(
        (
            {"name": name, "configMap": {"name": f"{name}-{_word(draw)}", "defaultMode": 420}},
            {"name": name, "secret": {"secretName": f"{name}-{_word(draw)}", "defaultMode": 256}},
            {"name": name, "emptyDir": {"sizeLimit": f"{draw.randrange(1, 20)}Gi"}},
            {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{_word(draw)}"}},
        )
    )


def _probe(draw: random.Random, port: int) -> dict[str, Any]:
    check: dict[str, Any] = draw.choice(
        (
            {"httpGet": {"path": f"/{_word(draw)}", "port": port, "scheme": "HTTP"}},
            {"tcpSocket": {"port": port}},
            {"exec": {"command": ["/bin/sh", "-c", f"{_word(draw)} --{_word(draw)}"]}},
        )
    )
    return check | {
        "initialDelaySeconds": draw.randrange(3, 60), "timeoutSeconds": draw.randrange(1, 9),
        "periodSeconds": draw.randrange(5, 30), "successThreshold": 1, "failureThreshold": draw.randrange(2, 9),
    }  # fmt: skip


def _container(draw: random.Random, name: str, namespace: str, volumes: list[dict[str, Any]]) -> dict[str, Any]:
    port = draw.randrange(1024, 20_000)
    env: dict[str, dict[str, Any]] = {}
    for _ in range(draw.randrange(4, 10)):
        key = f"{_word(draw)}_{_word(draw)}".upper()
        source = {"secretKeyRef": {"name": _word(draw), "key": _word(draw)}}
        env[key] = {"name": key, "valueFrom": source} if draw.random() < 0.2 else {"name": key, "value": _value(draw)}
    container: dict[str, Any] = {
        "name": name,
        "image": f"registry.example/{namespace}/{name}:{draw.randrange(9)}.{draw.randrange(40)}.{draw.randrange(9)}",
        "args": [f"--{_word(draw)}={_value(draw)}" for _ in range(draw.randrange(1, 6))],
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": list(env.values()),
        "resources": {
            "limits": {"cpu": str(draw.randrange(1, 8)), "memory": f"{draw.randrange(1, 16)}Gi"},
            "requests": {"cpu": f"{draw.randrange(50, 900)}m", "memory": f"{draw.randrange(64, 900)}Mi"},
        },
        "volumeMounts": [
            *({"name": volume["name"], "mountPath": f"/{_word(draw)}/{volume['name']}"} for volume in volumes),
            {
                "name": "kube-api-access-%(suffix)s", "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            },
        ],
    }  # fmt: skip
    for kind in ("livenessProbe", "readinessProbe"):
        if draw.random() < 0.7:
            container[kind] = _probe(draw, port)
    return container | {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": draw.choice(("File", "FallbackToLogsOnError")),
        "imagePullPolicy": draw.choice(("IfNotPresent", "Always")),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _spec(
    draw: random.Random, account: str, containers: list[dict[str, Any]], volumes: list[dict[str, Any]]
) -> dict[str, Any]:
    token = {
        "name": "kube-api-access-%(suffix)s",
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            ],
            "defaultMode": 420,
        },
    }
    spec: dict[str, Any] = {
        "volumes": [*volumes, token],
        "containers": containers,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": draw.choice((10, 30, 60, 120)),
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": account,
        "serviceAccount": account,
        "nodeName": "%(node)s",
        "securityContext": {"runAsUser": draw.randrange(1000, 70_000), "fsGroup": draw.randrange(1000, 70_000)},
        "schedulerName": "default-scheduler",
    }
    if draw.random() < 0.4:
        keys = [f"{_word(draw)}.example/{_word(draw)}" for _ in range(draw.randrange(1, 4))]
        spec["tolerations"] = [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in keys]
    return spec | {"priority": 1000, "enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"}


def _status(containers: list[dict[str, Any]], draw: random.Random) -> dict[str, Any]:
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
                "name": container["name"],
                "state": {"running": {"startedAt": "%(changed)s"}},
                "lastState": {},
                "ready": True,
                "restartCount": "@restarts@",
                "image": container["image"],
                "imageID": f"registry.example/{container['name']}@sha256:{draw.randbytes(32).hex()}",
                "containerID": "containerd://%(container)s",
                "started": True,
            }
            for container in containers
        ],
        "qosClass": "Burstable",
    }  # fmt: skip


def _managed_fields(metadata: dict[str, Any], spec: dict[str, Any], status: dict[str, Any]) -> list[dict[str, Any]]:
    mine = {key: metadata[key] for key in ("annotations", "generateName", "labels")}
    owned = {"f:metadata": _fields(mine), "f:spec": _fields({key: spec[key] for key in spec if key != "nodeName"})}
    owner = metadata["ownerReferences"][0]["uid"]
    owned["f:metadata"]["f:ownerReferences"] = {".": {}, f'k:{{"uid":"{owner}"}}': {}}
    kubelet = {key: status[key] for key in status if key not in ("qosClass", "podIPs")}
    seen = {"f:status": _fields(kubelet) | {"f:podIPs": {".": {}, 'k:{"ip":"%(pod_ip)s"}': {".": {}, "f:ip": {}}}}}
    head = {"operation": "Update", "apiVersion": "v1"}
    return [
        {
            "manager": "kube-controller-manager", **head, "time": "%(created)s", "fieldsType": "FieldsV1",
            "fieldsV1": owned,
        },
        {
            "manager": "kubelet", **head, "time": "%(changed)s", "fieldsType": "FieldsV1", "fieldsV1": seen,
            "subresource": "status",
        },
    ]  # fmt: skip


def _fields(value: Any, key: str = "") -> dict[str, Any]:
    """Return the field set that owns all of *value*."""
    if isinstance(value, dict):
        return {f"f:{name}": _fields(part, name) for name, part in sorted(value.items())}
    if isinstance(value, list) and key == "ports":
        return {".": {}} | {
            f'k:{{"containerPort":{port["containerPort"]},"protocol":"TCP"}}': {".": {}} | _fields(port)
            for port in value
        }
    if isinstance(value, list) and key in _KEYS and key not in _ATOMIC:
        # The token's volume and mount come from admission, under no manager's name but the pod's creator's.
        return {".": {}} | {
            f'k:{{"{_KEYS[key]}":"{item[_KEYS[key]]}"}}': {".": {}} | _fields(item)
            for item in value
            if "kube-api-access" not in item.get("name", "")
        }
    return {}
