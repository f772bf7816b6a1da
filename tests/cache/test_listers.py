"""Typed reads."""

from __future__ import annotations

from typing import Any

import pytest

from informers import ClusterLister, ConfigurationError, NamespacedLister, NotFoundError, Store

Obj = dict[str, Any]


def obj(name: str, namespace: str = "", **labels: str) -> Obj:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}}


def store(*objects: Obj) -> Store[Obj]:
    filled: Store[Obj] = Store()
    filled.replace(objects, "1")
    return filled


@pytest.mark.upstream("tools/cache/listers_test.go", "TestListAll")
@pytest.mark.parametrize(("selector", "count"), [("app=web", 50), (None, 100), ("app=none", 0), ("", 100)])
def test_a_selector_selects_some_all_or_none(selector: str | None, count: int) -> None:
    indexer = store(*(obj(f"n{number}", app="web" if number % 2 else "db") for number in range(100)))
    assert len(ClusterLister(indexer, "nodes").list(label_selector=selector)) == count


def test_a_namespace_has_its_own_objects() -> None:
    lister = NamespacedLister(store(obj("a", "one", app="x"), obj("a", "two", app="x"), obj("b", "two")), "pods")

    assert [found["metadata"]["namespace"] for found in lister.list(label_selector="app=x")] == ["one", "two"]
    assert lister.namespace("two").get("a")["metadata"]["namespace"] == "two"
    assert [found["metadata"]["name"] for found in lister.namespace("two").list()] == ["a", "b"]
    assert lister.namespace("two").list(label_selector="app!=x") == [obj("b", "two")]
    assert lister.namespace("none").list() == []


def test_listers_read_by_an_index_within_their_reach() -> None:
    indexed: Store[Obj] = Store(indexers={"app": lambda thing: [thing["metadata"]["labels"]["app"]]})
    indexed.replace([obj("a", "one", app="x"), obj("a", "two", app="x"), obj("b", "two", app="y")], "1")
    lister = NamespacedLister(indexed, "pods")
    assert len(lister.by_index("app", "x")) == 2
    assert lister.namespace("two").by_index("app", "x") == [obj("a", "two", app="x")]
    assert lister.namespace("none").by_index("app", "x") == []
    assert ClusterLister(indexed, "nodes").by_index("app", "y") == [obj("b", "two", app="y")]
    with pytest.raises(ConfigurationError, match="there is no index 'node'"):
        lister.namespace("two").by_index("node", "n1")


def test_what_is_not_there_is_named_with_its_resource() -> None:
    lister = NamespacedLister(store(), "pods")
    with pytest.raises(NotFoundError, match="pods 'default/web-0' not found in the cache") as caught:
        lister.namespace("default").get("web-0")
    assert (caught.value.resource, caught.value.key) == ("pods", "default/web-0")
    with pytest.raises(LookupError, match="nodes 'node-1' not found"):
        ClusterLister(store(), "nodes").get("node-1")


@pytest.mark.parametrize("name", ["default/web-0", None, 3])
def test_a_name_that_is_a_key_is_refused_with_advice(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="for example 'web-0', without its namespace"):
        NamespacedLister(store(), "pods").namespace("default").get(name)


@pytest.mark.parametrize("namespace", ["", None, 3])
def test_a_namespace_that_is_none_is_refused(namespace: Any) -> None:
    with pytest.raises(ConfigurationError, match="namespace must be a name, for example 'default'"):
        NamespacedLister(store(), "pods").namespace(namespace)


def test_a_repr_says_what_it_reads() -> None:
    indexer = store(obj("a", "one"))
    assert repr(NamespacedLister(indexer, "pods")) == "<NamespacedLister of pods, 1 objects>"
    assert repr(NamespacedLister(indexer, "pods").namespace("one")) == "<NamespaceLister of pods in one>"
    assert repr(ClusterLister(indexer, "nodes")) == "<ClusterLister of nodes, 1 objects>"
    assert repr(indexer) == "<Store 1 objects rv=1>"
