"""The kinds that controllers use most: what servers add to them, and a life on both, compared field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from informers.testing.controlplane import ControlPlane
from tests.contract.server import Server, embedded_server
from tests.contract.smallest_objects import EXAMPLES, TABLE, Json, container, defaults, place, written

#: Where values depend on others: beside the examples that the table is made of.
VARIANTS: dict[str, list[Json]] = {
    "/api/v1/pods": [
        {"spec": {"containers": [container(image=image)]}}
        for image in ("i:latest", "i:1", "r.example.com:5000/i", "i@sha256:0123456789abcdef0123456789abcdef" + "0" * 32)
    ]
    + [
        {"spec": {"containers": [container(resources=resources)]}}
        for resources in (
            {"limits": {"cpu": "1", "memory": "1Gi"}},
            {"requests": {"cpu": "1"}},
            {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}},
        )
    ],
    "/api/v1/services": [
        {"spec": spec}
        for spec in (
            {"type": "ExternalName", "externalName": "example.com"},
            {"type": "NodePort", "ports": [{"port": 80}]},
            {"type": "LoadBalancer", "ports": [{"port": 80}]},
            {"clusterIP": "None", "selector": {"a": "b"}},
            {"clusterIP": "None", "ports": [{"port": 80, "targetPort": "http"}]},
        )
    ],
    "/apis/batch/v1/jobs": [
        {"spec": {"parallelism": 2, "template": {"spec": {"restartPolicy": "Never", "containers": [container()]}}}}
    ],
    "/apis/networking.k8s.io/v1/networkpolicies": [{"spec": {"podSelector": {}, "egress": [{}]}}],
}
CASES = [
    (resource, index)
    for resource, bodies in EXAMPLES.items()
    for index in range(len(bodies) + len(VARIANTS.get(resource, ())))
]


#: Kinds whose defaults can't be taken away, since what they are of can't be changed.
FIXED = ("pods", "persistentvolumes", "persistentvolumeclaims", "jobs", "nodes", "namespaces")
#: Metadata that the real server alone sets: what only controllers take off again, and what old clients read.
DIFFERENCES = {"persistentvolumes": "finalizers", "persistentvolumeclaims": "finalizers", "daemonsets": "annotations"}


@pytest.fixture
def embedded() -> Iterator[Server]:
    with embedded_server() as server:
        yield server


def test_the_table_of_defaults_is_what_a_server_adds_to_the_smallest_objects(server: Server) -> None:
    def ask(method: str, path: str, body: Json) -> Json:
        made: Json = server.send(method, path, body).ok()
        if "/namespaces/" not in path:
            server.send("DELETE", f"{path}/{made['metadata']['name']}")
        return made

    found = defaults(ask, "default")
    assert found == json.loads(TABLE.read_text())
    assert written(found) == TABLE.read_text()


@pytest.mark.real_apiserver
@pytest.mark.parametrize(("resource", "index"), CASES, ids=[f"{r.rpartition('/')[2]}-{i}" for r, i in CASES])
def test_both_servers_make_the_same_of_an_object_all_its_life(
    resource: str, index: int, embedded: Server, real_apiserver: ControlPlane
) -> None:
    body = [*EXAMPLES[resource], *VARIANTS.get(resource, ())][index]
    name = f"{resource.rpartition('/')[2]}-{index}"
    real = Server(real_apiserver)
    lives = [list(life(server, place(resource, "default"), name, body)) for server in (embedded, real)]
    different = DIFFERENCES.get(resource.rpartition("/")[2])
    for ours, theirs in zip(*lives, strict=True):
        if different and theirs[0] == "delete":
            break  # on the real server a finalizer holds it
        if different and theirs[0] in {"create", "get"}:
            assert theirs[1]["metadata"].pop(different), "this is not a difference any more"
        elif different and theirs[0] != "list":
            theirs[1]["metadata"].pop(different, None)
        assert ours == theirs


def life(server: Server, path: str, name: str, body: Json) -> Iterator[Any]:
    """Write an object in all ways there are, and give what came back."""
    me = {"fieldManager": "me"}
    one = f"{path}/{name}"
    yield scrubbed("create", server.send("POST", path, {"metadata": {"name": name}, **body}, me).ok())
    stored = server.get(one).ok()
    yield scrubbed("get", stored)
    stored["metadata"].setdefault("labels", {})["put"] = "yes"
    yield scrubbed("update", server.send("PUT", one, stored, me).ok())
    stored = server.get(one).ok()
    yield scrubbed("update nothing", server.send("PUT", one, stored, me).ok())
    if path.rpartition("/")[2] not in FIXED:
        again = server.send("PUT", one, {"metadata": stored["metadata"], **body}, me).ok()
        yield scrubbed("update with what was created", again)
    for kind, change in (
        ("merge", {"metadata": {"labels": {"merge": "yes"}}}),
        ("strategic-merge", {"metadata": {"labels": {"strategic": "yes"}}}),
        ("json", [{"op": "add", "path": "/metadata/labels/json", "value": "yes"}]),
    ):
        headers = {"Content-Type": f"application/{kind}-patch+json"}
        yield scrubbed(kind, server.send("PATCH", one, change, me, headers).ok())
    applied = {
        "apiVersion": stored["apiVersion"],
        "kind": stored["kind"],
        "metadata": {"name": name, "labels": {"apply": "yes"}},
    }
    headers = {"Content-Type": "application/apply-patch+yaml"}
    yield scrubbed("apply", server.send("PATCH", one, applied, {"fieldManager": "applier"}, headers).ok())
    listed = server.get(path, fieldSelector=f"metadata.name={name}").ok()
    yield "list", [item["metadata"]["name"] for item in listed["items"]]
    yield scrubbed(
        "delete", server.send("DELETE", one, params={"gracePeriodSeconds": 0, "propagationPolicy": "Background"}).ok()
    )


def scrubbed(step: str, obj: Any) -> Any:
    """Return an object without what differs each time, and the step that it came of."""
    # Which lists are one value is known to the real server's types alone.
    metadata = {field: value for field, value in obj["metadata"].items() if field != "managedFields"}
    text = json.dumps({**obj, "metadata": metadata})
    for pattern, stands in (
        (r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"', '"a time"'),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a uid"),
        (r'"resourceVersion": "\d+"', '"resourceVersion": "a version"'),
        (r'"nodePort": \d+', '"nodePort": "a port"'),
        (r'"10\.\d+\.\d+\.\d+"', '"an address"'),
    ):
        text = re.sub(pattern, stands, text)
    return step, json.loads(text)
