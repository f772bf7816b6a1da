from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from informers.kinds import core
from informers.testing import APIServer
from tests.testing.support import ask, config_map, pod, watching

SHOP = "/api/v1/namespaces/shop"
HELD = {"finalizers": ["example.com/held"]}


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        server.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}})
        yield server


def names(server: APIServer) -> list[str]:
    return [obj["metadata"]["name"] for obj in server.list(core.V1.namespaces)]


def test_a_namespace_that_is_deleted_is_emptied_and_goes(server: APIServer) -> None:
    server.create(pod("a", namespace="shop"))
    server.create({**config_map("b"), "metadata": {"name": "b", "namespace": "shop"}})
    server.create(config_map("elsewhere"))
    with watching(server, "/api/v1/namespaces", resourceVersion=server.resource_version) as stream:
        answer = ask(server, SHOP, method="DELETE")
        assert answer.status == 200
        assert answer.json["status"] == {"phase": "Terminating"}
        assert stream.short(2) == [("MODIFIED", "shop"), ("DELETED", "shop")]
    assert "shop" not in names(server)
    assert server.list(core.V1.pods) == []
    assert len(server.list(core.V1.config_maps)) == 1
    server.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}})


def test_a_namespace_waits_for_what_is_held_in_it(server: APIServer) -> None:
    server.create(pod("a", namespace="shop", **HELD))
    server.create(pod("b", namespace="shop", **HELD))
    ask(server, SHOP, method="DELETE")
    assert server.get(core.V1.namespaces, "shop")["status"] == {"phase": "Terminating"}
    assert ask(server, f"{SHOP}/pods", method="POST", body=pod("late")).status == 403
    for name, is_there in (("a", True), ("b", False)):
        server.patch(core.V1.pods, name, {"metadata": {"finalizers": None}}, namespace="shop")
        assert ("shop" in names(server)) is is_there


def test_a_namespace_waits_for_its_own_finalizers(server: APIServer) -> None:
    server.patch(core.V1.namespaces, "shop", {"metadata": HELD})
    server.create(pod("a", namespace="shop"))
    ask(server, SHOP, method="DELETE")
    assert server.list(core.V1.pods) == []
    assert "shop" in names(server)
    server.patch(core.V1.namespaces, "shop", {"metadata": {"finalizers": None}})
    assert "shop" not in names(server)


def test_a_pod_that_a_node_has_does_not_hold_its_namespace(server: APIServer) -> None:
    server.create({**pod("a", namespace="shop"), "spec": {"nodeName": "n", "containers": []}})
    ask(server, SHOP, method="DELETE")
    assert "shop" not in names(server)


def test_without_controllers_a_namespace_stays() -> None:
    with APIServer(finalizes_namespaces=False) as server:
        server.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}})
        ask(server, SHOP, method="DELETE")
        assert server.get(core.V1.namespaces, "shop")["status"] == {"phase": "Terminating"}


def test_a_test_itself_may_delete_any_namespace(server: APIServer) -> None:
    assert ask(server, "/api/v1/namespaces/default", method="DELETE").status == 403
    server.create(pod("a"))
    server.delete(core.V1.namespaces, "default")
    assert "default" not in names(server)
    assert server.list(core.V1.pods) == []


class Counting(dict[str, Any]):
    """Counts what is read."""

    reads = 0

    def __getitem__(self, key: str) -> Any:
        self.reads += 1
        return super().__getitem__(key)


def test_each_object_of_a_namespace_is_read_as_often_however_many_there_are() -> None:
    def reads(count: int) -> int:
        server = APIServer()
        server.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}})
        for number in range(count):
            server.create(pod(f"a{number}", namespace="shop"))
        collection = server._storage._collections["pods"]
        collection.records = counting = Counting(collection.records)
        server.delete(core.V1.namespaces, "shop")
        assert server.list(core.V1.pods) == []
        return counting.reads

    assert reads(80) <= 8 * reads(10)
