"""The kinds that controllers use most: what servers add to them, and a life on both, compared field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from informers.kinds import all_resources
from tests.contract.differences import EXTRA_METADATA
from tests.contract.public_definitions import PUBLIC, Public
from tests.contract.server import Answer, Server
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


def test_the_table_of_defaults_is_what_a_server_adds_to_the_smallest_objects(server: Server) -> None:
    def ask(method: str, path: str, body: Json) -> Json:
        made: Json = server.send(method, path, body).ok()
        if "/namespaces/" not in path:
            server.send("DELETE", f"{path}/{made['metadata']['name']}")
        return made

    found = defaults(ask, "default")
    assert found == json.loads(TABLE.read_text())
    assert written(found) == TABLE.read_text()


@pytest.mark.parametrize(("resource", "index"), CASES, ids=[f"{r.rpartition('/')[2]}-{i}" for r, i in CASES])
def test_both_servers_make_the_same_of_an_object_all_its_life(
    resource: str, index: int, both: tuple[Server, Server]
) -> None:
    body = [*EXAMPLES[resource], *VARIANTS.get(resource, ())][index]
    plural = resource.rpartition("/")[2]
    found = next(each for each in all_resources() if each.path() == resource)
    kind = {"apiVersion": found.api_version, "kind": found.kind}
    lives = [
        list(life(server, place(resource, "default"), f"{plural}-{index}", kind, body, can_return=plural not in FIXED))
        for server in both
    ]
    different = EXTRA_METADATA.get(plural)
    for ours, theirs in zip(*lives, strict=True):
        if different:
            if theirs[0] == "delete":
                break  # on the real server a finalizer holds it
            theirs[1].get("metadata", {}).pop(different, None)
        assert ours == theirs


@pytest.fixture(scope="session")
def defined(session_both: tuple[Server, Server]) -> None:
    """The public definitions, on both servers."""
    for server in session_both:
        for public in PUBLIC:
            server.api.create(public.definition())
        server.disconnect()


@pytest.mark.usefixtures("defined")
@pytest.mark.parametrize(
    ("public", "index"),
    [(public, index) for public in PUBLIC for index in range(len(public.good))],
    ids=lambda each: each.kind if isinstance(each, Public) else str(each),
)
def test_both_servers_make_the_same_of_a_public_custom_resource(
    public: Public, index: int, both: tuple[Server, Server]
) -> None:
    ours, theirs = (list(custom_life(server, public, index)) for server in both)
    assert ours == theirs


def custom_life(server: Server, public: Public, index: int) -> Iterator[Any]:
    """Write a custom resource in all ways there are, rightly and wrongly, and give what came back."""
    path, name = public.path("default"), f"{public.kind.lower()}-{index}"
    kind = {"apiVersion": public.api_version, "kind": public.kind}
    refused = {**kind, "metadata": {"name": name}, "spec": public.bad}
    yield scrubbed("refused", server.send("POST", path, refused))
    yield from life(server, path, name, kind, {"spec": public.good[index]}, ends=False)
    one = f"{path}/{name}"
    unknown = {"unknown": {"field": 1}}
    for validation in ("Ignore", "Warn", "Strict"):
        changed = {**server.get(one).ok(), **unknown}
        answer = server.send("PUT", one, changed, {"fieldValidation": validation})
        yield validation, answer.headers.get("Warning"), scrubbed("", answer)
    yield scrubbed("refused patch", server.patch(one, {"spec": public.bad}))
    yield scrubbed("status", server.patch(f"{one}/status", {"status": {"observedGeneration": 7, "unknown": 1}}))
    yield scrubbed("scale", server.patch(f"{one}/scale", {"spec": {"replicas": 4}}))
    for version in public.versions[1:]:
        yield scrubbed(version, server.get(f"{public.path('default', version)}/{name}"))
    yield scrubbed("delete", server.send("DELETE", one))
    yield scrubbed("gone", server.get(one))


def life(
    server: Server, path: str, name: str, kind: Json, body: Json, *, can_return: bool = True, ends: bool = True
) -> Iterator[Any]:
    """Write an object in all ways there are, and give what came back."""
    me = {"fieldManager": "me"}
    one = f"{path}/{name}"
    start = server.get(path, limit=1).ok()["metadata"]["resourceVersion"]
    yield scrubbed("create", server.send("POST", path, {**kind, "metadata": {"name": name}, **body}, me))
    stored = server.get(one).ok()
    yield scrubbed("get", stored)
    stored["metadata"].setdefault("labels", {})["put"] = "yes"
    yield scrubbed("update", server.send("PUT", one, stored, me))
    stored = server.get(one).ok()
    yield scrubbed("update nothing", server.send("PUT", one, stored, me))
    yield scrubbed("update of an old version", server.send("PUT", one, versioned(stored, start), me))
    yield scrubbed("update of another name", server.send("PUT", f"{one}-other", stored, me))
    new = {**kind, "metadata": {"name": f"{name}-new"}, **body}
    yield scrubbed("update of what is missing", server.send("PUT", f"{one}-new", new, me))
    if can_return:
        again = server.send("PUT", one, {**kind, "metadata": stored["metadata"], **body}, me)
        yield scrubbed("update with what was created", again)
    for patch, change in (
        ("merge", {"metadata": {"labels": {"merge": "yes"}}}),
        ("strategic-merge", {"metadata": {"labels": {"strategic": "yes"}}}),
        ("json", [{"op": "add", "path": "/metadata/labels/json", "value": "yes"}]),
        ("json", [{"op": "test", "path": "/metadata/labels/json", "value": "no"}]),
    ):
        headers = {"Content-Type": f"application/{patch}-patch+json"}
        yield scrubbed(patch, server.send("PATCH", one, change, me, headers))
    for labels in ({"apply": "yes"}, {"put": "no"}):
        applied = {**kind, "metadata": {"name": name, "labels": labels}}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        yield scrubbed("apply", server.send("PATCH", one, applied, {"fieldManager": "applier"}, headers))
    yield scrubbed("list", server.get(path, fieldSelector=f"metadata.name={name}").ok()["items"][0])
    newest = server.get(one).ok()["metadata"]["resourceVersion"]
    with server.watch(path, resourceVersion=start, fieldSelector=f"metadata.name={name}") as watch:
        version = ""
        while version != newest:
            event, obj = watch.event()
            version = obj["metadata"]["resourceVersion"]
            yield scrubbed(f"watch {event}", obj)
    if ends:
        options: Any = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        yield scrubbed("delete", server.send("DELETE", one, params=options))


def versioned(obj: Json, version: str) -> Json:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}


def scrubbed(step: str, given: Any) -> Any:
    """Return an object, or an answer that holds one, without what differs each time, and the step that it came of."""
    code = given.status if isinstance(given, Answer) else 200
    if code == 404 and not given.raw.startswith(b"{"):
        return step, given.raw.decode(), code
    obj = given.json() if isinstance(given, Answer) else given
    if causes := obj.get("details", {}).get("causes") if code == 422 else None:
        # The real server goes over its maps in any order.
        causes.sort(key=lambda cause: (cause["field"], cause["message"]))
        obj["message"] = obj["message"].partition(" is invalid: ")[0]
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
    return step, json.loads(text), code
