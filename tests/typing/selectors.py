"""Selectors: what public arguments take. Checked, never run."""

from __future__ import annotations

from kubernetes.client import V1LabelSelector
from typing_extensions import assert_type

from informers.selectors import FieldSelector, LabelRequirement, LabelSelector


def selectors_are_made_of_text_mappings_and_selectors(selector: V1LabelSelector) -> None:
    assert_type(LabelSelector.parse("a=b"), LabelSelector)
    assert_type(LabelSelector.coerce({"a": "b"}), LabelSelector)
    assert_type(LabelSelector.from_label_selector(selector), LabelSelector)
    assert_type(FieldSelector.coerce("metadata.name=a").matches({"metadata.name": "a"}.__getitem__), bool)
    LabelSelector.parse(None)  # error: arg-type, reportArgumentType
    LabelSelector.coerce({"a": 1})  # error: dict-item, reportArgumentType
    LabelSelector.coerce(selector)  # error: arg-type, reportArgumentType
    LabelSelector.coerce(FieldSelector.everything())  # error: arg-type, reportArgumentType


def requirements_know_their_operators() -> None:
    LabelSelector([LabelRequirement("a", "in", ["b", "c"])])
    LabelRequirement("a", "exists")
    LabelRequirement("a", "~", ["b"])  # error: arg-type, reportArgumentType
    LabelSelector(["a=b"])  # error: list-item, reportArgumentType
