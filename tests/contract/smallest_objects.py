"""The smallest objects of the kinds that controllers use most, and larger ones for the defaults within what is given.

`python -m tests.contract.smallest_objects` asks a real server what it makes of them, and writes
`informers/testing/_rules/defaults.json`.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from informers.kinds import all_resources
from informers.testing._rules.defaults import POD_SPECS

Json = dict[str, Any]

__all__ = ["EXAMPLES", "defaults", "place"]

TABLE = Path(__file__).parents[2] / "informers/testing/_rules/defaults.json"

POD: Json = {"containers": [{"name": "c", "image": "i"}]}


def container(**fields: Any) -> Json:
    return {**POD["containers"][0], **fields}


SELECTOR: Json = {"matchLabels": {"a": "b"}}
PROBE: Json = {"httpGet": {"port": 80}}
CONTAINER: Json = {
    "name": "c",
    "image": "i",
    "ports": [{"containerPort": 80}],
    "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "startupProbe": PROBE,
    "lifecycle": {"preStop": {"httpGet": {"port": 80}}},
}
FULL_POD: Json = {
    "containers": [CONTAINER],
    "initContainers": [{"name": "d", "image": "i", "ports": [{"containerPort": 80}]}],
    "volumes": [
        {"name": "a", "configMap": {"name": "m"}},
        {"name": "b", "secret": {"secretName": "s"}},
        {"name": "c", "downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": "d", "projected": {"sources": [{"configMap": {"name": "m"}}]}},
        {"name": "e", "hostPath": {"path": "/p"}},
        {"name": "f"},
    ],
}


def template(spec: Json = POD) -> Json:
    return {"metadata": {"labels": {"a": "b"}}, "spec": spec}


WORKLOAD: Json = {"selector": SELECTOR, "template": template()}

#: What is asked for, by the collection's path without a namespace: the rest of an object beside its metadata.
EXAMPLES: dict[str, list[Json]] = {
    "/api/v1/pods": [{"spec": POD}, {"spec": FULL_POD}],
    "/api/v1/services": [{"spec": {"ports": [{"port": 80}]}}],
    "/api/v1/configmaps": [{}],
    "/api/v1/secrets": [{}],
    "/api/v1/serviceaccounts": [{}],
    "/api/v1/namespaces": [{}],
    "/api/v1/nodes": [{}, {"spec": {}}],
    "/api/v1/events": [{"involvedObject": {"kind": "Pod", "name": "p"}, "reason": "r", "type": "Normal"}],
    "/api/v1/endpoints": [{"subsets": [{"addresses": [{"ip": "10.1.1.1"}], "ports": [{"port": 80}]}]}],
    "/api/v1/persistentvolumes": [
        {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/p"}}}
    ],
    "/api/v1/persistentvolumeclaims": [
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    ],
    "/apis/apps/v1/deployments": [
        {"spec": WORKLOAD},
        {"spec": {"selector": SELECTOR, "template": template(FULL_POD)}},
        {"spec": {**WORKLOAD, "strategy": {"rollingUpdate": {"maxSurge": 1}}}},
        {"spec": {**WORKLOAD, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}},
    ],
    "/apis/apps/v1/replicasets": [{"spec": WORKLOAD}],
    "/apis/apps/v1/statefulsets": [
        {"spec": WORKLOAD},
        {
            "spec": {
                **WORKLOAD,
                "volumeClaimTemplates": [
                    {
                        "metadata": {"name": "v"},
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                    }
                ],
            }
        },
    ],
    "/apis/apps/v1/daemonsets": [{"spec": WORKLOAD}],
    "/apis/batch/v1/jobs": [{"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}],
    "/apis/batch/v1/cronjobs": [
        {
            "spec": {
                "schedule": "* * * * *",
                "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}},
            }
        }
    ],
    "/apis/coordination.k8s.io/v1/leases": [{}, {"spec": {"holderIdentity": "me"}}],
    "/apis/discovery.k8s.io/v1/endpointslices": [
        {"addressType": "IPv4", "endpoints": [{"addresses": ["10.1.1.1"]}], "ports": [{"port": 80}]}
    ],
    "/apis/networking.k8s.io/v1/ingresses": [
        {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}}
    ],
    "/apis/networking.k8s.io/v1/networkpolicies": [
        {"spec": {"podSelector": {}}},
        {"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}},
    ],
    "/apis/policy/v1/poddisruptionbudgets": [{"spec": {"selector": SELECTOR, "minAvailable": 1}}],
    "/apis/autoscaling/v2/horizontalpodautoscalers": [
        {"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "maxReplicas": 3}}
    ],
    "/apis/rbac.authorization.k8s.io/v1/roles": [
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    ],
    "/apis/rbac.authorization.k8s.io/v1/rolebindings": [
        {
            "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "n"}],
            "roleRef": {"kind": "Role", "name": "r"},
        }
    ],
    "/apis/rbac.authorization.k8s.io/v1/clusterroles": [
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    ],
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": [{"roleRef": {"kind": "ClusterRole", "name": "r"}}],
    "/apis/storage.k8s.io/v1/storageclasses": [{"provisioner": "example.com/p"}],
}

#: What depends on other values or differs each time, and so is code.
_COMPUTED = {
    "/apis/batch/v1/jobs": {"spec.selector", "spec.template.metadata", "spec.completions"},
    "/api/v1/services": {
        *("spec.clusterIP", "spec.clusterIPs", "spec.ports[].targetPort"),
        *("spec.ipFamilies", "spec.ipFamilyPolicy", "spec.internalTrafficPolicy"),
    },
    "/api/v1/namespaces": {"spec.finalizers"},
    "/api/v1/nodes": {"spec", "spec.taints"},
}


def defaults(ask: Callable[[str, str, Json], Json], namespace: str) -> dict[str, dict[str, Any]]:
    """Return what a server adds to the examples, by resource and path; `[]` stands for every item of a list."""
    numbers = itertools.count(1)
    table: dict[str, dict[str, Any]] = {"podSpec": {}}
    for resource, bodies in EXAMPLES.items():
        rows = table[resource] = {}
        for body in bodies:
            wanted = {"metadata": {"name": f"{namespace}-{next(numbers)}"}, **copy.deepcopy(body)}
            made = ask("POST", place(resource, namespace), wanted)
            for path, value in _added(made, wanted, ""):
                if (
                    path.endswith(("imagePullPolicy", "volumes[].emptyDir"))
                    or path in _COMPUTED.get(resource, ())
                    or path.partition(".")[0] in {"kind", "apiVersion", "metadata"}
                ):
                    continue
                prefix = POD_SPECS.get(resource, "") + "."
                shared = resource != "/api/v1/pods" and prefix != "." and path.startswith(prefix)
                here = table["podSpec"] if shared else rows
                row = path.removeprefix(prefix) if shared else path
                if isinstance(value, dict):
                    value.pop("lastPhaseTransitionTime", None)
                assert here.setdefault(row, value) == value, f"{resource} {row} is {here[row]!r} and {value!r}"
    pods = table["/api/v1/pods"]
    table["/api/v1/pods"] = {row: value for row, value in pods.items() if table["podSpec"].get(row[5:], pods) != value}
    return {name: dict(sorted(rows.items())) for name, rows in table.items()}


def _added(made: Any, wanted: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(made, dict):
        for field, value in made.items():
            where = f"{path}.{field}" if path else field
            if field not in wanted:
                yield where, value
            else:
                yield from _added(value, wanted[field], where)
    elif isinstance(made, list):
        for one, other in zip(made, wanted, strict=True):
            yield from _added(one, other, f"{path}[]")


def place(resource: str, namespace: str) -> str:
    """Return the path at which an example is created."""
    found = next(each for each in all_resources() if each.path() == resource)
    return found.path(namespace if found.is_namespaced else None)


def written(table: dict[str, dict[str, Any]]) -> str:
    """Return the table as text: a row a line."""
    parts = [
        f"{json.dumps(name)}: {{"
        + ",".join(f"\n {json.dumps(row)}: {json.dumps(value)}" for row, value in rows.items())
        for name, rows in table.items()
    ]
    return "{" + "},\n".join(parts) + "}}\n"


def main() -> None:
    from informers.testing.controlplane import ControlPlane

    with contextlib.ExitStack() as stack:
        plane = stack.enter_context(ControlPlane())
        table = defaults(plane.request, "default")
    TABLE.write_text(written(table))


if __name__ == "__main__":
    main()
