"""The cache against a dict, whatever is written and however it is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from informers import object_key
from informers.cache._contents import NAMESPACE_INDEX
from informers.cache.store import Store, StoreWriter
from informers.errors import DecodeError
from informers.source.records import HeldRecord
from informers.source.watch_events import BadObject
from tests.properties.profile import histories

NAMESPACES = ("", "blue", "green")
OBJECTS = st.builds(
    lambda namespace, name, colours: {
        "metadata": {"namespace": namespace, "name": name, "labels": {"colour": colours[0]} if colours else {}},
        "colours": colours,
    },
    st.sampled_from(NAMESPACES),
    st.sampled_from("abcd"),
    st.lists(st.sampled_from(["red", "yellow", ""]), max_size=3),
)


def colours(obj: dict[str, Any]) -> Iterable[str]:
    """Index by colour; objects with two colours can't be."""
    if len(obj["colours"]) == 2:
        raise ValueError("two colours")
    return obj["colours"]


def expected(model: dict[str, dict[str, Any]], value: str) -> list[str]:
    return sorted(key for key, obj in model.items() if value in obj["colours"] and len(obj["colours"]) != 2)


class IndexerMachine(RuleBasedStateMachine):
    """`model` is what a dict would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: list[str] = []
        self.store: Store[dict[str, Any]] = Store(on_index_failure=lambda _name, key, _error: self.failed.append(key))
        self.model: dict[str, dict[str, Any]] = {}
        self.has_index = False

    @rule(obj=OBJECTS)
    def put(self, obj: dict[str, Any]) -> None:
        self.store.add(obj)
        self.model[object_key(obj)] = obj

    @rule(obj=OBJECTS)
    def delete(self, obj: dict[str, Any]) -> None:
        self.store.delete(obj)
        self.model.pop(object_key(obj), None)

    @rule(objects=st.lists(OBJECTS, max_size=6))
    def replace(self, objects: list[dict[str, Any]]) -> None:
        self.store.replace(objects, "7")
        self.model = {object_key(obj): obj for obj in objects}

    @rule(objects=st.lists(OBJECTS, max_size=6), kept=st.lists(st.sampled_from(["a", "blue/a", "green/b"]), max_size=2))
    def take_a_list_that_is_not_whole(self, objects: list[dict[str, Any]], kept: list[str]) -> None:
        bad = [BadObject(DecodeError("torn", key=key)) for key in kept]
        StoreWriter(self.store).replace_records([HeldRecord(obj) for obj in objects], "8", bad=bad)
        new = {object_key(obj): obj for obj in objects}
        self.model = {key: obj for key, obj in self.model.items() if key in kept} | new

    @rule(objects=st.lists(st.tuples(OBJECTS, st.booleans()), max_size=6))
    def write_several(self, objects: list[tuple[dict[str, Any], bool]]) -> None:
        states: dict[str, HeldRecord[dict[str, Any]] | None] = {}
        for obj, is_there in objects:
            key = object_key(obj)
            states[key] = HeldRecord(obj) if is_there else None
            if is_there:
                self.model[key] = obj
            else:
                self.model.pop(key, None)
        contents = self.store._contents
        with contents.writing(states) as values:
            contents.write_locked(states, values, "9")

    @rule()
    def add_an_index(self) -> None:
        if not self.has_index:
            self.store.add_indexers({"colour": colours})
            self.has_index = True

    @invariant()
    def it_holds_what_the_dict_holds(self) -> None:
        store, model = self.store, self.model
        assert sorted(store.keys()) == sorted(model)
        assert len(store) == len(model)
        for key, obj in model.items():
            assert store.get(key) is obj
        assert store.get("blue/nobody") is None

    @invariant()
    def namespaces_and_selectors_find_what_they_should(self) -> None:
        for namespace in NAMESPACES:
            inside = sorted(key for key, obj in self.model.items() if obj["metadata"]["namespace"] == namespace)
            assert sorted(object_key(obj) for obj in self.store.list(namespace=namespace)) == inside
            assert self.store.index_keys(NAMESPACE_INDEX, namespace) == inside
        red = sorted(key for key, obj in self.model.items() if obj["metadata"]["labels"].get("colour") == "red")
        assert sorted(object_key(obj) for obj in self.store.list(label_selector="colour=red")) == red

    @invariant()
    def the_index_has_each_object_under_its_values_and_no_other(self) -> None:
        if not self.has_index:
            return
        for value in ("red", "yellow", ""):
            assert self.store.index_keys("colour", value) == expected(self.model, value)
            assert sorted(object_key(obj) for obj in self.store.by_index("colour", value)) == expected(
                self.model, value
            )
        values = {value for value in ("red", "yellow", "") if expected(self.model, value)}
        assert set(self.store.index_values("colour")) == values


TestIndexer = IndexerMachine.TestCase
TestIndexer.settings = histories(60)
