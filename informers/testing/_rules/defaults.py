"""Defaults of the kinds that controllers use most: a table made by asking a real server.

`tests/contract/smallest_objects.py` makes `defaults.json`. Its rows are paths, in which `[]` stands for every item of a
list; a row applies where its parent is present and the field is not. What depends on other values is code here.

Upstream: k8s.io/kubernetes/pkg/apis/*/v1/defaults.go, and the admission plugins of pods and nodes (v1.37).
"""

from __future__ import annotations

import base64
import copy
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs

from informers.testing._store.documents import Json, mapping, sequence
from informers.testing._store.served_resources import Served

__all__ = ["POD_SPECS", "initial_status", "with_defaults"]

#: Where the spec of the pods is in each kind that makes pods. Its defaults are the same everywhere.
POD_SPECS = {
    "/api/v1/pods": "spec",
    "/api/v1/podtemplates": "template.spec",
    "/api/v1/replicationcontrollers": "spec.template.spec",
    "/apis/apps/v1/deployments": "spec.template.spec",
    "/apis/apps/v1/replicasets": "spec.template.spec",
    "/apis/apps/v1/statefulsets": "spec.template.spec",
    "/apis/apps/v1/daemonsets": "spec.template.spec",
    "/apis/batch/v1/jobs": "spec.template.spec",
    "/apis/batch/v1/cronjobs": "spec.jobTemplate.spec.template.spec",
}
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


@attrs.define
class _Node:
    """The rows below one place: fields to set, and places further down."""

    fields: Json = attrs.field(factory=dict[str, Any])
    below: dict[str, _Node] = attrs.field(factory=dict)

    def add(self, path: str, value: Any) -> None:
        """Add a row."""
        node = self
        *parents, last = path.replace("[]", ".[]").split(".")
        for step in parents:
            node = node.below.setdefault(step, _Node())
        node.fields[last] = value

    def apply(self, value: Any) -> Any:
        """Return a value with what its rows add; the value itself is not changed."""
        if isinstance(value, list):
            return [self.below["[]"].apply(item) for item in sequence(value)] if "[]" in self.below else sequence(value)
        if not isinstance(value, dict):
            return value
        made = mapping(value).copy()
        for field, default in self.fields.items():
            if field not in made or (made[field] is None and default is not None):
                made[field] = copy.deepcopy(default)
        for field, node in self.below.items():
            if field in made:
                made[field] = node.apply(made[field])
        return made


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[_Node, Any]]:
    """Return for each resource what a write adds, and the status that only a creation adds."""
    rows: dict[str, Json] = json.loads(Path(__file__).with_name("defaults.json").read_text(encoding="utf-8"))
    pod_rows = rows.pop("podSpec")
    table: dict[str, tuple[_Node, Any]] = {}
    for resource in dict.fromkeys((*rows, *POD_SPECS)):
        root = _Node()
        own = dict(rows.get(resource, {}))
        status = own.pop("status", None)
        for path, value in own.items():
            root.add(path, value)
        for path, value in pod_rows.items() if resource in POD_SPECS else ():
            root.add(f"{POD_SPECS[resource]}.{path}", value)
            if path.startswith("containers[]"):
                root.add(f"{POD_SPECS[resource]}.ephemeralContainers{path.removeprefix('containers')}", value)
        table[resource] = root, status
    return table


def initial_status(served: Served, obj: Json) -> None:
    """Set the status that a new object begins with, where it brings none."""
    resource = served.resource.path()
    if "status" in obj or served.is_custom:
        return
    status = _table()[resource][1] if resource in _table() else {} if served.has_status else None
    if status is None:
        return
    obj["status"] = copy.deepcopy(status)
    if resource == "/api/v1/pods":
        obj["status"]["qosClass"] = _quality(mapping(obj.get("spec")))
    elif resource == "/api/v1/persistentvolumes":
        obj["status"]["lastPhaseTransitionTime"] = obj["metadata"]["creationTimestamp"]


def with_defaults(served: Served, obj: Json, old: Json | None = None) -> Json:
    """Return an object with the defaults of its kind, but for its status.

    Args:
        served: the resource.
        obj: the object; it has a uid, and is not changed.
        old: what it replaces; None for a new one.
    """
    resource = served.resource.path()
    found = None if served.is_custom else _table().get(resource)
    if found is None:
        return obj
    made: Json = found[0].apply(obj)
    if resource in POD_SPECS:
        pod: Any = made
        for step in POD_SPECS[resource].split("."):
            pod = mapping(pod).get(step)
        _complete_pod(mapping(pod))
    if resource == "/api/v1/secrets" and (texts := mapping(made.pop("stringData", None))):
        coded = {name: base64.b64encode(str(text).encode()).decode() for name, text in texts.items()}
        made["data"] = {**mapping(made.get("data")), **coded}
    spec, given = mapping(made.get("spec")), mapping(obj.get("spec"))
    if resource == "/api/v1/services" and spec:
        _complete_service(spec, mapping(mapping(old).get("spec")), made["metadata"]["uid"])
    elif resource == "/apis/batch/v1/jobs" and spec:
        if "parallelism" not in given:
            spec.setdefault("completions", 1)
        _complete_job(made, made["metadata"]["name"], made["metadata"]["uid"])
    elif resource == "/apis/networking.k8s.io/v1/networkpolicies" and "policyTypes" not in given and spec.get("egress"):
        spec["policyTypes"] = ["Ingress", "Egress"]
    return made


def _complete_pod(pod: Json) -> None:
    for container in (mapping(item) for field in _CONTAINERS for item in sequence(pod.get(field))):
        image = str(container.get("image", "")).rpartition("/")[2]
        is_moving = "@" not in image and image.partition(":")[2] in {"", "latest"}
        container.setdefault("imagePullPolicy", "Always" if is_moving else "IfNotPresent")
        resources = mapping(container.get("resources"))
        if limits := mapping(resources.get("limits")):
            container["resources"] = {**resources, "requests": {**limits, **mapping(resources.get("requests"))}}
    for volume in map(mapping, sequence(pod.get("volumes"))):
        if not volume.keys() - {"name"}:
            volume["emptyDir"] = {}


def _complete_service(spec: Json, old: Json, uid: str) -> None:
    ports = [mapping(port) for port in sequence(spec.get("ports"))]
    for port in ports:
        port.setdefault("targetPort", port.get("port"))
    if spec["type"] == "ExternalName":
        return
    # No two services of a test share an address or a port, but for one chance in a million and in some thousands.
    number = int(uid.replace("-", ""), 16)
    if not spec.get("clusterIP"):
        spec["clusterIP"] = (
            old.get("clusterIP") or f"10.{96 + number % 16}.{number // 16 % 256}.{number // 4096 % 254 + 1}"
        )
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    is_double = spec["clusterIP"] == "None" and not spec.get("selector")
    spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if is_double else ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if is_double else "SingleStack")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] == "ClusterIP":
        return
    spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    before = {port.get("port"): port.get("nodePort") for port in sequence(old.get("ports"))}
    for index, port in enumerate(ports):
        if not port.get("nodePort"):
            port["nodePort"] = before.get(port.get("port")) or 30000 + (number // 2**20 + index) % 2768


def _complete_job(job: Json, name: str, uid: str) -> None:
    spec = job["spec"]
    if spec.get("manualSelector"):
        return
    prefix = "batch.kubernetes.io/"
    labels = {f"{prefix}controller-uid": uid, f"{prefix}job-name": name, "controller-uid": uid, "job-name": name}
    spec.setdefault("selector", {"matchLabels": {f"{prefix}controller-uid": uid}})
    template = spec["template"] = {**mapping(spec.get("template"))}
    for part in (job, template):
        metadata = part["metadata"] = {**mapping(part.get("metadata"))}
        metadata["labels"] = {**mapping(metadata.get("labels")), **labels}


def _quality(pod: Json) -> str:
    """Return a pod's class of service, which goes by what its containers ask for."""
    named = [mapping(container) for field in _CONTAINERS for container in sequence(pod.get(field))]
    resources = [mapping(container.get("resources")) for container in named]
    asked = [(mapping(each.get("requests")), mapping(each.get("limits"))) for each in resources]
    if not any(requests or limits for requests, limits in asked):
        return "BestEffort"
    is_guaranteed = all(
        {"cpu", "memory"} <= set(limits) and {**limits, **requests} == limits for requests, limits in asked
    )
    return "Guaranteed" if is_guaranteed else "Burstable"
