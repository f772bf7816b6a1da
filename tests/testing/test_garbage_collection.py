from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from informers.kinds import core
from informers.testing import APIServer
from tests.testing.support import ask, config_map

MAPS = "/api/v1/namespaces/default/configmaps"
JOBS = "/apis/batch/v1/namespaces/default/jobs"


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer(collects_garbage=True) as server:
        yield server


def make(server: APIServer, name: str, *owners: dict[str, Any], blocks: bool = True, **metadata: Any) -> dict[str, Any]:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": blocks,
        }
        for owner in owners
    ]
    body = config_map(name)
    body["metadata"] = {"name": name, "ownerReferences": references, **metadata}
    return server.create(body)


def names(server: APIServer) -> list[str]:
    return [obj["metadata"]["name"] for obj in server.list(core.V1.config_maps)]


def delete(server: APIServer, name: str, policy: str = "") -> Any:
    return ask(server, f"{MAPS}/{name}", method="DELETE", **({"propagationPolicy": policy} if policy else {})).json


def test_what_is_owned_goes_with_its_last_owner(server: APIServer) -> None:
    one, two = make(server, "one"), make(server, "two")
    child = make(server, "child", one, two)
    make(server, "grandchild", child)
    delete(server, "one")
    assert names(server) == ["child", "grandchild", "two"]
    references = server.get(core.V1.config_maps, "child")["metadata"]["ownerReferences"]
    assert [reference["name"] for reference in references] == ["two"]
    delete(server, "two")
    assert names(server) == []


def test_an_owner_is_its_uid_and_not_its_name(server: APIServer) -> None:
    owner = make(server, "owner")
    make(server, "child", owner, finalizers=["example.com/held"])
    delete(server, "owner")
    make(server, "owner")
    assert server.get(core.V1.config_maps, "child")["metadata"]["deletionTimestamp"]
    server.patch(core.V1.config_maps, "child", {"metadata": {"finalizers": None}})
    assert names(server) == ["owner"]


def test_what_names_only_owners_that_are_not_there_goes(server: APIServer) -> None:
    gone = make(server, "gone")
    delete(server, "gone")
    make(server, "child", gone)
    assert names(server) == []


def test_an_owner_in_another_namespace_is_none(server: APIServer) -> None:
    owner = make(server, "owner", namespace="kube-system")
    make(server, "child", owner)
    assert names(server) == ["owner"]


@pytest.mark.parametrize("blocks", [True, False])
def test_in_the_foreground_an_owner_goes_last_if_it_is_blocked(server: APIServer, blocks: bool) -> None:
    owner = make(server, "owner")
    make(server, "child", owner, blocks=blocks, finalizers=["example.com/held"])
    assert delete(server, "owner", "Foreground")["metadata"].get("finalizers") == ["foregroundDeletion"]
    assert server.get(core.V1.config_maps, "child")["metadata"]["deletionTimestamp"]
    assert names(server) == (["child", "owner"] if blocks else ["child"])
    server.patch(core.V1.config_maps, "child", {"metadata": {"finalizers": None}})
    assert names(server) == []


def test_in_the_foreground_a_whole_tree_goes_from_its_leaves(server: APIServer) -> None:
    root = make(server, "root")
    child = make(server, "child", root)
    make(server, "leaf", child, finalizers=["example.com/held"])
    delete(server, "root", "Foreground")
    assert names(server) == ["child", "leaf", "root"]
    server.patch(core.V1.config_maps, "leaf", {"metadata": {"finalizers": None}})
    assert names(server) == []


def test_what_is_orphaned_stays_and_has_no_owner(server: APIServer) -> None:
    make(server, "child", make(server, "owner"))
    delete(server, "owner", "Orphan")
    assert names(server) == ["child"]
    assert "ownerReferences" not in server.get(core.V1.config_maps, "child")["metadata"]


def test_a_job_orphans_its_pods_by_default(server: APIServer) -> None:
    for name, query, left in (("a", {}, ["a"]), ("b", {"propagationPolicy": "Background"}, ["a"])):
        job = server.create({"kind": "Job", "apiVersion": "batch/v1", "metadata": {"name": name}, "spec": {}})
        make(server, name, job)
        ask(server, f"{JOBS}/{name}", method="DELETE", **query)
        assert names(server) == left


def test_without_the_option_nothing_is_collected() -> None:
    with APIServer() as server:
        make(server, "child", make(server, "owner"))
        delete(server, "owner")
        assert names(server) == ["child"]


def test_an_index_of_owners_forgets_what_is_gone(server: APIServer) -> None:
    for _ in range(3):
        owner = make(server, "owner")
        for name in "abc":
            make(server, name, owner)
        delete(server, "owner")
    collector = server._garbage
    assert collector is not None
    assert collector._owned == {}
    assert {served.collection for served, _ in collector._there.values()} == {"namespaces"}
