"""Which updates are worth a look."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import V1ConfigMap, V1ObjectMeta

from informers import ConfigurationError
from informers.controllers import all_of, annotations_changed, any_of, generation_changed, labels_changed


def obj(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "a", "generation": 1, **metadata}}


@pytest.mark.parametrize("predicate", [generation_changed, labels_changed, annotations_changed])
class TestEvery:
    def test_a_change_of_something_else_does_not_pass(self, predicate: Any) -> None:
        assert not predicate(obj(resourceVersion="1"), obj(resourceVersion="2", finalizers=["a"]))

    def test_a_resync_does_not_pass(self, predicate: Any) -> None:
        assert not predicate(obj(labels={"a": "b"}), obj(labels={"a": "b"}))

    @pytest.mark.upstream(
        "kube-rs/kube-runtime/src/utils/predicate.rs",
        "predicate_filtering_should_handle_recreated_resources_with_same_generation",
    )
    def test_an_object_that_was_recreated_passes(self, predicate: Any) -> None:
        assert predicate(obj(uid="a"), obj(uid="b"))

    def test_a_new_deletion_mark_passes_and_an_old_one_does_not(self, predicate: Any) -> None:
        marked = obj(deletionTimestamp="2026-01-01T00:00:00Z")
        assert predicate(obj(), marked)
        assert not predicate(marked, marked)


def test_the_spec_changes_the_generation() -> None:
    assert generation_changed(obj(generation=1), obj(generation=2))


@pytest.mark.parametrize(("old", "new"), [(None, None), (None, 1), (1, None)])
def test_an_object_without_a_generation_passes(old: int | None, new: int | None) -> None:
    before, after = obj(), obj()
    before["metadata"]["generation"], after["metadata"]["generation"] = old, new
    assert generation_changed(before, after)


def test_models_of_the_official_client_are_read_like_mappings() -> None:
    def versioned(generation: int) -> V1ConfigMap:
        return V1ConfigMap(metadata=V1ObjectMeta(uid="a", generation=generation))

    assert not generation_changed(versioned(1), versioned(1))
    assert generation_changed(versioned(1), versioned(2))
    config_map = V1ConfigMap(metadata=V1ObjectMeta(uid="a", labels={"a": "b"}))
    assert generation_changed(config_map, config_map), "config maps have no generation"
    assert not labels_changed(config_map, config_map)


@pytest.mark.parametrize(("predicate", "field"), [(labels_changed, "labels"), (annotations_changed, "annotations")])
def test_labels_and_annotations_are_compared_and_none_is_as_good_as_empty(predicate: Any, field: str) -> None:
    assert predicate(obj(), obj(**{field: {"a": "b"}}))
    assert predicate(obj(**{field: {"a": "b"}}), obj())
    assert not predicate(obj(), obj(**{field: {}}))


class TestTogether:
    def test_any_passes_what_one_passes_and_all_what_all_pass(self) -> None:
        labels, both = obj(labels={"a": "b"}), obj(labels={"a": "b"}, generation=2)
        assert any_of(generation_changed, labels_changed)(obj(), labels)
        assert not all_of(generation_changed, labels_changed)(obj(), labels)
        assert all_of(generation_changed, labels_changed)(obj(), both)

    @pytest.mark.parametrize("together", [any_of, all_of])
    def test_a_recreation_and_a_deletion_mark_pass_whatever_your_own_says(self, together: Any) -> None:
        predicate = together(lambda _old, _new: False)
        assert predicate(obj(), obj(uid="b"))
        assert predicate(obj(), obj(deletionTimestamp="2026-01-01T00:00:00Z"))
        assert not predicate(obj(), obj(generation=2))

    @pytest.mark.parametrize("together", [any_of, all_of])
    @pytest.mark.parametrize("predicates", [(), (None,), (lambda new: True,), ("labels",)])
    def test_what_is_not_a_predicate_is_refused(self, together: Any, predicates: Any) -> None:
        with pytest.raises(ConfigurationError, match="predicate"):
            together(*predicates)
