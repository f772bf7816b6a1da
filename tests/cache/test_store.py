"""The cache: what is in it, by key and by index, under concurrent writers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from informers import ConfigurationError, ObjectName, Store
from informers.cache.store import StoreWriter
from informers.errors import DecodeError
from informers.source.records import HeldRecord
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType

Pod = dict[str, Any]


def pod(name: str, *, namespace: str = "default", version: str = "", node: str = "", **labels: str) -> Pod:
    return {
        "metadata": {"namespace": namespace, "name": name, "resourceVersion": version, "labels": labels},
        "spec": {"nodeName": node},
    }


def node_of(obj: Pod) -> list[str]:
    return [obj["spec"]["nodeName"]]


def users_of(obj: Pod) -> list[str]:
    users: str = obj["metadata"]["labels"].get("users", "")
    return users.split("-") if users else []


@pytest.mark.upstream("tools/cache/store_test.go", "TestCache")
def test_what_is_added_is_found_until_it_is_deleted_or_replaced() -> None:
    store: Store[Pod] = Store()
    first, second, third = pod("a"), pod("b"), pod("c", namespace="other")
    store.add(first)
    store.add(second)
    store.update(third)

    assert store.get("default/a") is first
    assert store.get(ObjectName("other", "c")) is third
    assert store.get("default/x") is None
    assert store.list() == [first, second, third]
    assert store.list(namespace="default") == [first, second]
    assert store.keys() == ["default/a", "default/b", "other/c"]
    assert "default/a" in store
    assert len(store) == 3

    changed = pod("a", version="2")
    store.update(changed)
    store.delete(pod("b"))
    assert store.get("default/a") is changed
    assert store.get("default/b") is None

    store.replace([pod("d")], "9")
    assert store.keys() == ["default/d"]
    assert store.list(namespace="other") == []


def test_deleting_what_is_not_there_changes_nothing() -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    store.add(pod("a", node="n1"))
    store.delete(pod("b"))
    assert store.keys() == ["default/a"]


@pytest.mark.upstream("tools/cache/store_test.go", "TestKeyError")
def test_an_object_without_a_name_is_refused_and_a_replacement_with_one_changes_nothing() -> None:
    store: Store[Pod] = Store()
    store.add(pod("a"))
    for write in (store.add, store.update, store.delete):
        with pytest.raises(ConfigurationError, match="object has no name"):
            write({"metadata": {}})
    with pytest.raises(ConfigurationError, match="object has no name"):
        store.replace([pod("b"), {}], "2")
    assert store.keys() == ["default/a"]


def test_a_key_that_is_an_object_is_refused_with_advice() -> None:
    store: Store[Pod] = Store()
    with pytest.raises(ConfigurationError, match=r"got dict; for the key of an object use object_name\(obj\)"):
        store.get(pod("a"))  # type: ignore[arg-type] # the mistake that is tested


@pytest.mark.upstream("tools/cache/store_test.go", "TestIndex")
def test_objects_are_found_by_what_an_index_function_says_of_them() -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    a, b, c = pod("a", node="n1"), pod("b", node="n1"), pod("c", node="n2")
    for obj in (a, b, c):
        store.add(obj)

    assert store.by_index("node", "n1") == [a, b]
    assert store.index("node", pod("x", node="n2")) == [c]
    assert store.index("namespace", pod("x")) == [a, b, c]
    assert store.index_keys("node", "n1") == ["default/a", "default/b"]
    assert store.by_index("node", "n3") == []


def test_index_keys_are_sorted() -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    for name in ("c", "a", "b"):
        store.add(pod(name, node="n"))
    assert store.index_keys("node", "n") == ["default/a", "default/b", "default/c"]


@pytest.mark.upstream("tools/cache/index_test.go", "TestGetIndexFuncValues")
def test_the_values_of_an_index_are_those_that_have_objects() -> None:
    store: Store[Pod] = Store(indexers={"users": users_of})
    store.add(pod("a", users="ernie-bert"))
    store.add(pod("b", users="bert-oscar"))
    assert sorted(store.index_values("users")) == ["bert", "ernie", "oscar"]


@pytest.mark.upstream("tools/cache/index_test.go", "TestMultiIndexKeys")
@pytest.mark.upstream("tools/cache/thread_safe_store_test.go", "TestThreadSafeStoreIndexingFunctionsWithMultipleValues")
def test_an_object_is_under_all_its_values_and_moves_when_they_change() -> None:
    store: Store[Pod] = Store(indexers={"users": users_of})

    def index() -> dict[str, list[str]]:
        return {value: store.index_keys("users", value) for value in store.index_values("users")}

    store.add(pod("one", users="ernie-bert"))
    store.add(pod("two", users="bert-oscar"))
    store.add(pod("tre", users="ernie-elmo"))
    assert index() == {
        "ernie": ["default/one", "default/tre"],
        "bert": ["default/one", "default/two"],
        "oscar": ["default/two"],
        "elmo": ["default/tre"],
    }

    store.delete(pod("tre"))
    assert index() == {"ernie": ["default/one"], "bert": ["default/one", "default/two"], "oscar": ["default/two"]}

    store.update(pod("two", users=""))
    store.update(pod("one", users="ernie-cookie"))
    assert index() == {"ernie": ["default/one"], "cookie": ["default/one"]}


@pytest.mark.upstream("tools/cache/thread_safe_store_test.go", "TestThreadSafeStoreDeleteRemovesEmptySetsFromIndex")
def test_a_value_without_objects_leaves_the_index() -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    for number in range(100):
        store.add(pod("a", node=f"n{number}"))
    assert store.index_values("node") == ["n99"]
    store.delete(pod("a"))
    assert store.index_values("node") == []


@pytest.mark.upstream(
    "tools/cache/thread_safe_store_test.go", "TestThreadSafeStoreAddKeepsNonEmptySetPostDeleteFromIndex"
)
def test_a_value_keeps_its_other_objects_when_one_is_deleted() -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    store.add(pod("a", node="n"))
    store.add(pod("b", node="n"))
    store.delete(pod("a"))
    assert store.index_keys("node", "n") == ["default/b"]


@pytest.mark.upstream("tools/cache/thread_safe_store_test.go", "TestThreadSafeStoreRV")
def test_the_store_has_the_version_of_its_last_change() -> None:
    store: Store[Pod] = Store()
    assert store.resource_version == ""
    store.add(pod("a", version="3"))
    assert store.resource_version == "3"
    store.update(pod("a", version="5"))
    assert store.resource_version == "5"
    store.delete(pod("a", version="6"))
    assert store.resource_version == "6"
    store.add(pod("b"))
    assert store.resource_version == "6", "an object without a version leaves it"
    store.replace([pod("c", version="1")], "8")
    assert store.resource_version == "8"


def test_a_store_takes_what_a_watch_says() -> None:
    store: Store[Pod] = Store()
    StoreWriter(store).apply_events(
        [
            Change(ChangeType.ADDED, HeldRecord(pod("a", version="1"))),
            Change(ChangeType.MODIFIED, HeldRecord(pod("b", version="2"))),
            Change(ChangeType.DELETED, HeldRecord(pod("a", version="3"))),
            BadObject(DecodeError("bad"), "4"),
            BadObject(DecodeError("worse")),
            Bookmark("5"),
        ]
    )
    assert store.keys() == ["default/b"]
    assert store.resource_version == "5"


def test_a_list_of_a_reflector_spares_what_can_not_be_read() -> None:
    store: Store[Pod] = Store()
    for name in "abc":
        store.add(pod(name))
    StoreWriter(store).replace_records(
        [HeldRecord(pod("a", version="2"))], "7", bad=[BadObject(DecodeError("torn", key="default/b"))]
    )
    assert store.keys() == ["default/a", "default/b"]
    assert store.resource_version == "7"


def test_a_user_of_a_store_sees_nothing_that_only_its_writer_may_call() -> None:
    shown = {name for name in dir(Store) if not name.startswith("_")}
    assert shown == {
        *("add", "update", "delete", "replace", "add_indexers", "indexers", "resource_version", "size"),
        *("get", "keys", "list", "record", "records", "by_index", "index", "index_keys", "index_values"),
    }


def test_of_two_objects_with_one_name_in_a_replacement_the_later_counts() -> None:
    store: Store[Pod] = Store()
    store.replace([pod("a", version="1"), pod("a", version="2")], "2")
    found = store.get("default/a")
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "2"
    assert len(store) == 1


def test_indexers_can_be_added_to_what_is_there_already() -> None:
    store: Store[Pod] = Store()
    store.add(pod("a", node="n1"))
    store.add_indexers({"node": node_of})
    store.add(pod("b", node="n1"))
    assert store.index_keys("node", "n1") == ["default/a", "default/b"]
    store.update(pod("a", node="n2"))
    assert store.index_keys("node", "n1") == ["default/b"]
    assert store.index_keys("node", "n2") == ["default/a"]
    assert set(store.indexers) == {"node"}


def test_a_name_that_is_taken_adds_no_indexer_at_all() -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    with pytest.raises(ConfigurationError, match="indexer conflict: there is an index 'node' already"):
        store.add_indexers({"users": users_of, "node": users_of})
    with pytest.raises(ConfigurationError, match="indexer conflict: there is an index 'namespace' already"):
        store.add_indexers({"namespace": node_of})
    assert set(store.indexers) == {"node"}


@pytest.mark.parametrize("indexers", [{"": node_of}, {3: node_of}, {"node": "spec.nodeName"}])
def test_what_is_not_a_valid_indexer_is_refused(indexers: Any) -> None:
    with pytest.raises(ConfigurationError, match="indexers must map names to functions"):
        Store(indexers=indexers)


@pytest.mark.parametrize("wrong", [1, ["n1"], b"n1"])
def test_what_nothing_can_be_under_is_refused_and_nothing_is_under_none(wrong: Any) -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    for read in (
        lambda: store.by_index("node", wrong),
        lambda: store.index_keys("node", wrong),
        lambda: store.list(namespace=wrong),
    ):
        with pytest.raises(ConfigurationError, match=r"what is looked up in index '(node|namespace)' must be a string"):
            read()
    # As of a pod without a node.
    assert store.by_index("node", None) == []  # type: ignore[arg-type] # what it is asked by may be None all the same


def test_an_unknown_index_is_named_with_those_that_there_are() -> None:
    store: Store[Pod] = Store(indexers={"node": node_of})
    for read in (
        lambda: store.by_index("nodes", "n"),
        lambda: store.index_keys("nodes", "n"),
        lambda: store.index_values("nodes"),
        lambda: store.index("nodes", pod("a")),
    ):
        with pytest.raises(ConfigurationError, match="there is no index 'nodes': this cache has namespace, node"):
            read()
    with pytest.raises(ConfigurationError, match=r"there is no index \['nodes'\]"):
        store.index_keys(["nodes"], "n")  # type: ignore[arg-type] # the mistake


@pytest.mark.upstream("tools/cache/store_test.go", "TestCacheTransactionShouldIndexErrors")
@pytest.mark.parametrize("wrong", ["raises", "string", "numbers", "nothing"])
def test_an_object_on_which_an_index_function_fails_is_kept_outside_that_index_and_reported(wrong: str) -> None:
    def picky(obj: Pod) -> Any:
        if obj["metadata"]["name"] != "bad":
            return ["v"]
        return {"raises": lambda: 1 / 0, "string": lambda: "v", "numbers": lambda: [1], "nothing": lambda: None}[
            wrong
        ]()

    failures: list[tuple[str, str, str]] = []
    store: Store[Pod] = Store(
        indexers={"picky": picky, "node": node_of},
        on_index_failure=lambda name, key, error: failures.append((name, key, type(error).__name__)),
    )
    store.replace([pod("a", node="n"), pod("bad", node="n"), pod("c", node="n")], "1")

    assert store.index_keys("picky", "v") == ["default/a", "default/c"]
    assert store.index_keys("node", "n") == ["default/a", "default/bad", "default/c"]
    assert [(name, key) for name, key, _ in failures] == [("picky", "default/bad")]


def test_an_object_that_an_index_function_fails_on_later_leaves_the_old_value() -> None:
    def by_label(obj: Pod) -> Iterable[str]:
        return [obj["metadata"]["labels"]["app"]]

    store: Store[Pod] = Store(indexers={"app": by_label}, on_index_failure=lambda *_: None)
    store.add(pod("a", app="web"))
    store.add(pod("a"))
    assert store.index_values("app") == []
    store.add(pod("a", app="db"))
    assert store.index_values("app") == ["db"]


def test_index_functions_may_use_the_store_that_they_index() -> None:
    store: Store[Pod] = Store()
    store.add_indexers({"size": lambda _obj: [str(len(store.list()))]})
    store.add(pod("a"))
    assert store.index_values("size") == ["0"]


def test_what_is_replaced_while_an_index_is_made_stands_under_its_new_values() -> None:
    store: Store[Any] = Store()
    store.add({"metadata": {"name": "a"}, "node": "n1"})

    def node(thing: Any) -> list[str]:
        if thing["node"] == "n1":
            store.update({"metadata": {"name": "a"}, "node": "n2"})
        return [thing["node"]]

    store.add_indexers({"node": node})
    assert store.index_values("node") == ["n2"]
    store.add_indexers({})


def test_a_store_of_ones_own_logs_where_an_index_function_fails(caplog: pytest.LogCaptureFixture) -> None:
    store: Store[Any] = Store({"node": lambda thing: [thing["node"]]})
    store.add({"metadata": {"name": "a"}})
    assert "index 'node' failed for a: the object is kept out of that index" in caplog.text


@pytest.mark.parametrize("metadata", [{"name": "one/a"}, {"namespace": "one/two", "name": "a"}])
def test_a_name_that_could_be_taken_for_another_key_is_refused(metadata: dict[str, str]) -> None:
    store: Store[Any] = Store()
    with pytest.raises(ConfigurationError, match="an object's name and namespace have no slash: got ObjectName"):
        store.add({"metadata": metadata})
    assert store.keys() == []


@pytest.mark.parametrize("wrong", ["n1", 3, [1], [["n1"]]])
def test_an_index_function_that_returns_no_strings_is_refused_to_a_reader_of_that_index(wrong: Any) -> None:
    store: Store[Any] = Store({"node": lambda _thing: wrong})
    with pytest.raises(ConfigurationError, match="an index function must return a collection of strings: got"):
        store.index("node", {"metadata": {"name": "a"}})


def test_an_object_whose_field_is_not_there_is_under_no_value_of_its_index(caplog: pytest.LogCaptureFixture) -> None:
    store: Store[Any] = Store({"node": lambda thing: [thing["node"], thing["node"], "all"]})
    store.add({"metadata": {"name": "pending"}, "node": None})
    store.add({"metadata": {"name": "runs"}, "node": "n1"})
    assert sorted(store.index_values("node")) == ["all", "n1"]
    assert store.index_keys("node", "all") == ["pending", "runs"]
    assert len(store.index("node", {"metadata": {"name": "x"}, "node": None})) == 2
    assert caplog.records == []


def test_what_is_read_is_the_callers_own() -> None:
    store: Store[Pod] = Store()
    store.add(pod("a"))
    store.list().clear()
    store.keys().clear()
    assert len(store.list()) == len(store.keys()) == 1


def test_labels_select() -> None:
    store: Store[Pod] = Store()
    store.add(pod("a", app="web", tier="front"))
    store.add(pod("b", app="web"))
    store.add(pod("c", app="db", namespace="other"))

    def names(**kwargs: Any) -> list[str]:
        return [obj["metadata"]["name"] for obj in store.list(**kwargs)]

    assert names(label_selector="app=web") == ["a", "b"]
    assert names(label_selector="app=web,!tier") == ["b"]
    assert names(label_selector={"app": "db"}) == ["c"]
    assert names(label_selector="app", namespace="default") == ["a", "b"]
    assert names(label_selector="") == ["a", "b", "c"]
    with pytest.raises(ConfigurationError):
        names(label_selector="app=(web")


def test_readers_see_whole_snapshots_while_writers_write() -> None:
    """Two objects are always replaced together, so no reader may ever see one of each generation."""
    store: Store[Pod] = Store(indexers={"generation": lambda obj: [obj["spec"]["nodeName"]]})
    store.replace([pod("a", node="0"), pod("b", node="0")], "0")
    stop = threading.Event()
    wrong: list[object] = []

    def write() -> None:
        for generation in range(1, 400):
            store.replace([pod("a", node=str(generation)), pod("b", node=str(generation))], str(generation))
        stop.set()

    def read() -> None:
        while not stop.is_set():
            generations = {obj["spec"]["nodeName"] for obj in store.list()}
            values = store.index_values("generation")
            if len(generations) != 1 or len(values) != 1:
                wrong.append((generations, values))

    def add_indexers() -> None:
        for number in range(20):
            store.add_indexers({f"extra-{number}": node_of})
            values = store.index_values(f"extra-{number}")
            if len(values) > 2:
                wrong.append(values)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=target) for target in (write, read, read, add_indexers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert store.index_keys("extra-19", "399") == ["default/a", "default/b"]
