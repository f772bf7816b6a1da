"""What a cache holds while indexes are added to it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest

from informers import ConfigurationError, Store
from tests.cache.things import Obj, obj


def test_an_index_that_is_added_to_a_full_cache_is_seen_when_it_is_whole() -> None:
    store: Store[Obj] = Store()
    store.replace([obj(f"n{number}", "1", node="n1") for number in range(50)], "1")
    looks: list[str] = []

    def node(thing: Obj) -> list[str]:
        with pytest.raises(ConfigurationError, match="there is no index 'node': this cache has namespace"):
            store.index_keys("node", "n1")
        looks.append(",".join(store.indexers))
        if len(looks) == 20:
            # What is written meanwhile is in it as well.
            store.add(obj("late", "2", node="n1"))
            with pytest.raises(ConfigurationError, match="there is an index 'node' already"):
                store.add_indexers({"node": lambda _thing: []})
        return [thing["node"]]

    store.add_indexers({"node": node})
    assert len(store.index_keys("node", "n1")) == 51
    assert set(looks) == {""}
    assert set(store.indexers) == {"node"}


def test_an_index_that_its_adder_gave_up_leaves_nothing_behind() -> None:
    store: Store[Obj] = Store(indexers={"name": lambda thing: [thing["metadata"]["name"]]})
    store.replace([obj("a", "1"), obj("b", "1")], "1")

    def interrupted(thing: Obj) -> list[str]:
        if thing["metadata"]["name"] == "b":
            raise KeyboardInterrupt
        return ["x"]

    with pytest.raises(KeyboardInterrupt):
        store.add_indexers({"node": interrupted})
    assert set(store.indexers) == {"name"}
    store.add(obj("c", "2"))
    store.delete(obj("a", "3"))
    store.add_indexers({"node": lambda _thing: ["y"]})
    assert store.index_keys("node", "y") == ["b", "c"]
    assert store.index_values("node") == ["y"]


def test_the_same_function_may_be_added_again_under_its_name() -> None:
    calls: list[str] = []

    def node(thing: Obj) -> list[str]:
        calls.append(thing["metadata"]["name"])
        return [thing["node"]]

    store: Store[Obj] = Store(indexers={"node": node})
    store.add(obj("a", "1", node="n1"))
    store.add_indexers({"node": node, "name": lambda thing: [thing["metadata"]["name"]]})
    assert calls == ["a"]
    assert store.index_keys("node", "n1") == store.index_keys("name", "a") == ["a"]


@pytest.mark.parametrize("is_interrupted", [False, True], ids=["whole", "interrupted"])
def test_two_threads_may_add_the_same_function_at_once(is_interrupted: bool) -> None:
    store: Store[Obj] = Store()
    store.replace([obj("a", "1", node="n1"), obj("b", "1", node="n1")], "1")
    first_is_at_it, first_may_end, main = threading.Event(), threading.Event(), threading.current_thread()

    def node(thing: Obj) -> list[str]:
        if threading.current_thread() is not main and not first_is_at_it.is_set():
            first_is_at_it.set()
            assert first_may_end.wait(10)
            if is_interrupted:
                raise KeyboardInterrupt
        elif threading.current_thread() is main and thing["metadata"]["name"] == "b" and not first_may_end.is_set():
            # The other thread ends before this one.
            first_may_end.set()
            first.join(10)
        return [thing["node"]]

    def add() -> None:
        with suppress(KeyboardInterrupt):
            store.add_indexers({"node": node})

    first = threading.Thread(target=add)
    first.start()
    assert first_is_at_it.wait(10)
    store.add_indexers({"node": node})
    first.join(10)
    assert store.index_keys("node", "n1") == ["a", "b"]
    store.add(obj("c", "2", node="n1"))
    assert store.index_keys("node", "n1") == ["a", "b", "c"]


def test_an_index_can_be_read_for_one_namespace() -> None:
    store: Store[Any] = Store(indexers={"node": lambda thing: [thing["node"]]})
    for name in ("shop/a", "shop/b", "blog/a"):
        store.add(obj(name, "1", node="n1"))
    assert [thing["metadata"]["name"] for thing in store.by_index("node", "n1", namespace="shop")] == ["a", "b"]
    assert store.by_index("node", "n1", namespace="none") == []
    assert len(store.by_index("node", "n1")) == 3
