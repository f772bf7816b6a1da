"""Discovery, health and version; and that the embedded server serves what the real one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from informers.kinds import all_resources
from informers.testing._store.served_resources import Served
from tests.contract.server import Server

#: Fields of discovery that say how the real server stores things, or when it was built.
UNCOMPARED = {"storageVersionHash"}


def test_the_core_group_has_one_version(server: Server) -> None:
    answer = server.get("/api").ok()
    assert (answer["kind"], answer["versions"]) == ("APIVersions", ["v1"])


def test_groups_are_listed_with_their_versions(server: Server) -> None:
    answer = server.get("/apis").ok()
    assert (answer["kind"], answer["apiVersion"]) == ("APIGroupList", "v1")
    (apps,) = [group for group in answer["groups"] if group["name"] == "apps"]
    served = {"groupVersion": "apps/v1", "version": "v1"}
    assert apps == {"name": "apps", "versions": [served], "preferredVersion": served}
    assert server.get("/apis/apps").ok() == {"kind": "APIGroup", "apiVersion": "v1", **apps}


def test_resources_of_a_version_are_in_order_of_name(server: Server) -> None:
    core, apps = server.get("/api/v1").ok(), server.get("/apis/apps/v1").ok()
    assert list(core) == ["kind", "groupVersion", "resources"]
    assert (core["kind"], core["groupVersion"]) == ("APIResourceList", "v1")
    assert list(apps) == ["kind", "apiVersion", "groupVersion", "resources"]
    names = [resource["name"] for resource in core["resources"]]
    assert names == sorted(names)
    (pods,) = [resource for resource in core["resources"] if resource["name"] == "pods"]
    pods = {field: value for field, value in pods.items() if field not in UNCOMPARED}
    assert pods == {
        "name": "pods",
        "singularName": "pod",
        "namespaced": True,
        "kind": "Pod",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["po"],
        "categories": ["all"],
    }


@pytest.mark.parametrize("path", ["/api/v1/foos", "/apis/apps/v1/foos", "/apis/apps/v7", "/apis/apps/v7/foos"])
def test_what_is_not_there_in_a_group_that_is_has_a_status(server: Server, path: str) -> None:
    answer = server.get(path)
    message = "the server could not find the requested resource"
    assert (answer.status, answer.json()["message"], answer.json()["details"]) == (404, message, {})


@pytest.mark.parametrize("path", ["/apis/nope.example.com/v1/foos", "/nope"])
def test_what_nobody_serves_is_a_plain_404(server: Server, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.raw) == (404, b"404 page not found\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health_is_ok_in_plain_text(server: Server, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.raw) == (200, b"ok")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_version_is_served(server: Server) -> None:
    version = server.get("/version").ok()
    assert (version["major"], version["minor"]) == ("1", "37")
    assert version["gitVersion"].partition("+")[0] == "v1.37.2"


@pytest.fixture
def embedded(both: tuple[Server, Server]) -> Server:
    return both[0]


@pytest.fixture
def real(both: tuple[Server, Server]) -> Server:
    return both[1]


def versions(server: Server) -> dict[str, str]:
    """Return the paths of the versions that are served, but for those of other tests' definitions."""
    listed = server.get("/apis").ok()["groups"]
    groups = [v for group in listed for v in group["versions"] if not group["name"].endswith(".example.com")]
    return {"v1": "/api/v1"} | {v["groupVersion"]: f"/apis/{v['groupVersion']}" for v in groups}


def resources(server: Server, path: str, wanted: Callable[[Any], bool]) -> dict[str, Any]:
    found = server.get(path).ok()["resources"]
    return {
        one["name"]: {field: value for field, value in one.items() if field not in UNCOMPARED}
        for one in found
        if wanted(one)
    }


def test_the_embedded_server_describes_each_resource_as_the_real_one_does(embedded: Server, real: Server) -> None:
    served = versions(real)
    for version, path in versions(embedded).items():
        if version not in served:
            continue  # alpha and beta versions are off by default
        mine = resources(embedded, path, lambda one: "/" not in one["name"])
        theirs = resources(real, path, lambda one: "/" not in one["name"])
        # A stable version that has resources still in alpha serves the others alone.
        assert mine
        assert {name: mine[name] for name in mine if name in theirs} == {n: theirs[n] for n in theirs if n in mine}


def test_the_embedded_server_serves_every_kind_of_the_real_one(embedded: Server, real: Server) -> None:
    have = versions(embedded)
    missing = []
    for version, path in versions(real).items():
        mine = resources(embedded, have[version], lambda one: True) if version in have else {}
        theirs = resources(real, path, lambda one: {"list", "watch"} <= set(one["verbs"]))
        missing += [f"{name} {version}" for name in theirs if name not in mine]
    assert missing == []


def test_the_embedded_server_knows_the_real_ones_status_subresources(embedded: Server, real: Server) -> None:
    served = versions(real)
    for version, path in versions(embedded).items():
        if version in served:
            mine = resources(embedded, path, lambda one: one["name"].endswith("/status"))
            theirs = resources(real, path, lambda one: one["name"].endswith("/status"))
            known = resources(embedded, path, lambda one: True)
            assert set(mine) == {name for name in theirs if name.partition("/")[0] in known}, version


def test_the_embedded_server_selects_by_the_same_fields(embedded: Server, real: Server) -> None:
    served = versions(real)
    differing = []
    for resource in all_resources():
        if resource.api_version not in served:
            continue
        mine, theirs = (server.get(resource.path(), fieldSelector="spec.x=1") for server in (embedded, real))
        if (mine.status, mine.raw) != (theirs.status, theirs.raw):
            differing.append(f"{resource}: {mine.raw!r}, not {theirs.raw!r}")
        differing += [
            f"{resource} can't be selected by {field}"
            for field in Served.builtin(resource).fields
            if real.get(resource.path(), fieldSelector=f"{field}=x").status != 200
        ]
    assert differing == []


@pytest.mark.parametrize(
    ("path", "status"),
    [("/apis", 200), ("/apis/apps", 200), ("/healthz", 200), ("/api", 405), ("/api/v1", 405), ("/apis/apps/v1", 405)],
)
def test_some_documents_have_a_head(server: Server, path: str, status: int) -> None:
    answer = server.send("HEAD", path)
    assert (answer.status, answer.raw) == (status, b"")
