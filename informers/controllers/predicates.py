"""Predicates: functions of the old and the new object that select the updates to reconcile.

They are for controllers, and for handlers of plain informers. They are not called for adds and deletes.

Some changes always pass: a different uid (the object was created again under its name), a new deletion mark, and, for
`generation_changed`, an object without a generation (ConfigMaps and Secrets have none).

Hazard: all of them drop resyncs, where old and new are the same. Do not use them if a resync should repair something.

Upstream: sigs.k8s.io/controller-runtime/pkg/predicate/predicate.go (v0.25).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from informers._base.checks import check_function
from informers.errors import ConfigurationError
from informers.objects import read

__all__ = ["Predicate", "all_of", "annotations_changed", "any_of", "generation_changed", "labels_changed"]

#: Takes the old object and the new one, and returns whether to reconcile.
Predicate: TypeAlias = Callable[[Any, Any], bool]


def generation_changed(old: Any, new: Any, /) -> bool:
    """Return whether the generation changed: for most kinds, with the spec, but not with the status.

    Labels, annotations, finalizers and owner references do not change it. Hazard: for a kind that the controller owns
    it hides the status, so do not use it if the controller waits, for example, for a Deployment to be ready.

    Example:
        >>> before = {"metadata": {"uid": "a", "generation": 1}}
        >>> after = {"metadata": {"uid": "a", "generation": 1}, "status": {"ready": True}}
        >>> generation_changed(before, after)
        False
    """
    before, after = _metadata(old, "generation"), _metadata(new, "generation")
    return before is None or after is None or before != after or _must_pass(old, new)


def labels_changed(old: Any, new: Any, /) -> bool:
    """Return whether the labels changed."""
    return (_metadata(old, "labels") or {}) != (_metadata(new, "labels") or {}) or _must_pass(old, new)


def annotations_changed(old: Any, new: Any, /) -> bool:
    """Return whether the annotations changed."""
    return (_metadata(old, "annotations") or {}) != (_metadata(new, "annotations") or {}) or _must_pass(old, new)


def any_of(*predicates: Predicate) -> Predicate:
    """Return a predicate that passes updates which one of these passes; a recreation and a deletion mark always pass.

    Args:
        predicates: functions of the old object and the new one.

    Raises:
        ConfigurationError: there are none, or one is not a function of (old, new).
    """
    _check(predicates)
    return lambda old, new: _must_pass(old, new) or any(predicate(old, new) for predicate in predicates)


def all_of(*predicates: Predicate) -> Predicate:
    """Return a predicate that passes updates which all of these pass; a recreation and a deletion mark always pass.

    Args:
        predicates: functions of the old object and the new one.

    Raises:
        ConfigurationError: there are none, or one is not a function of (old, new).
    """
    _check(predicates)
    return lambda old, new: _must_pass(old, new) or all(predicate(old, new) for predicate in predicates)


def _check(predicates: tuple[Predicate, ...]) -> None:
    if not predicates:
        raise ConfigurationError("give at least one predicate, for example generation_changed")
    for predicate in predicates:
        check_function("predicate", predicate, "old, new", is_needed=True)


def _must_pass(old: Any, new: Any) -> bool:
    if _metadata(old, "uid") != _metadata(new, "uid"):
        return True
    marked = _metadata(new, "deletion_timestamp", "deletionTimestamp") is not None
    return marked and _metadata(old, "deletion_timestamp", "deletionTimestamp") is None


def _metadata(obj: Any, *names: str) -> Any:
    return read(read(obj, "metadata"), *names)
