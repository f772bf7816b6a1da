"""Deletions: their options, the finalizers that delay them, and their end.

Upstream: k8s.io/apiserver/pkg/registry/rest/delete.go and pkg/registry/generic/registry/store.go (v0.37).
"""

from __future__ import annotations

import attrs

from informers.testing._store.documents import Json, mapping, sequence, timestamp
from informers.testing._store.served_resources import Served

__all__ = ["DeleteOptions", "grace_of", "hold_for", "is_held", "is_let_go", "mark"]

#: The finalizer of each propagation policy: it holds an object until its dependents are handled.
_COLLECTORS = {"Orphan": "orphan", "Foreground": "foregroundDeletion", "Background": ""}


@attrs.frozen
class DeleteOptions:
    """Options of a delete.

    Attributes:
        grace_period: seconds that a node has to stop a pod; None for what the pod says.
        uid: the object must have it.
        version: the object must be at it.
        propagation: `Orphan`, `Background` or `Foreground`; empty for the default.
        is_dry_run: nothing is removed.
        is_inside: the delete comes from the test itself: one event.
    """

    grace_period: int | None = None
    uid: str = ""
    version: str = ""
    propagation: str = ""
    is_dry_run: bool = False
    is_inside: bool = False


def grace_of(served: Served, obj: Json, options: DeleteOptions) -> int:
    """Return the seconds that a node has to stop an object; 0 if no node runs it, or it has ended."""
    if not served.is_graceful:
        return 0
    spec, status = mapping(obj.get("spec")), mapping(obj.get("status"))
    if not spec.get("nodeName") or status.get("phase") in {"Succeeded", "Failed"}:
        return 0
    own = spec.get("terminationGracePeriodSeconds")
    return options.grace_period if options.grace_period is not None else 30 if own is None else int(own)


def hold_for(metadata: Json, propagation: str) -> None:
    """Replace the finalizer of the propagation policy; without a policy it stays."""
    finalizers = sequence(metadata.get("finalizers"))
    kept = [name for name in finalizers if name not in _COLLECTORS.values()]
    there = next((name for name in finalizers if name in _COLLECTORS.values()), "")
    collector = _COLLECTORS.get(propagation, there)
    metadata["finalizers"] = [*kept, collector] if collector else kept


def is_held(served: Served, obj: Json) -> bool:
    """Return whether finalizers hold an object; namespaces have some of their own."""
    own = mapping(obj.get("spec")).get("finalizers") if str(served.resource) == "namespaces" else None
    return bool(obj["metadata"].get("finalizers") or own)


def is_let_go(served: Served, obj: Json) -> bool:
    """Return whether an object that is being deleted can be removed now."""
    metadata = obj["metadata"]
    is_ending = metadata.get("deletionTimestamp") and not metadata.get("deletionGracePeriodSeconds")
    return bool(is_ending) and not is_held(served, obj)


def mark(metadata: Json, *, now: float, grace: int) -> None:
    """Mark an object as one that is being deleted."""
    if not metadata.get("deletionTimestamp") and metadata.get("generation"):
        metadata["generation"] += 1
    metadata["deletionTimestamp"] = timestamp(now + grace)
    metadata["deletionGracePeriodSeconds"] = grace
