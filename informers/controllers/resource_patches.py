"""Patches for controllers: finalizers, and conditions in the status.

They are JSON merge patches. Such a patch replaces a list as a whole, so it has the object's version and uid: if another
writer was quicker, the server refuses it with 409, and no entry is lost. These functions send nothing; `patch_object`
does.

Upstream: sigs.k8s.io/controller-runtime/pkg/controller/controllerutil/controllerutil.go (v0.25);
k8s.io/apimachinery/pkg/api/meta/conditions.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.errors import ConfigurationError
from informers.objects import read
from informers.source._models.object_makers import dump

__all__ = ["condition_set", "finalizer_added", "finalizer_removed"]


def finalizer_added(obj: Any, finalizer: str, /) -> dict[str, Any] | None:
    """Return the patch that adds a finalizer; None if it exists, or the object is being deleted already.

    Add it first, and do nothing else in that run, so that nothing can be left behind without it.

    Args:
        obj: a model of the official client, a JSON mapping, or anything with `metadata`.
        finalizer: for example `pages.example.com/registry`.

    Raises:
        ConfigurationError: the object has no resource version or uid, or the finalizer is not a text.

    Example:
        >>> finalizer_added({"metadata": {"uid": "u", "resourceVersion": "7"}}, "example.com/tidy")
        {'metadata': {'uid': 'u', 'resourceVersion': '7', 'finalizers': ['example.com/tidy']}}
    """
    metadata, found = read(obj, "metadata"), _finalizers(obj, finalizer)
    if finalizer in found or read(metadata, "deletion_timestamp", "deletionTimestamp") is not None:
        return None
    return {"metadata": {**_preconditions(obj), "finalizers": [*found, finalizer]}}


def finalizer_removed(obj: Any, finalizer: str, /) -> dict[str, Any] | None:
    """Return the patch that removes a finalizer; None if it does not exist.

    Remove it when the clean-up is complete. The clean-up must also work if nothing was created.

    Args:
        obj: see `finalizer_added`.
        finalizer: see `finalizer_added`.

    Raises:
        ConfigurationError: the object has no resource version or uid, or the finalizer is not a text.
    """
    found = _finalizers(obj, finalizer)
    if finalizer not in found:
        return None
    return {"metadata": {**_preconditions(obj), "finalizers": [other for other in found if other != finalizer]}}


def condition_set(
    obj: Any, type: str, status: bool | None, /, *, reason: str, message: str = "", clock: Clock = SYSTEM_CLOCK
) -> dict[str, Any] | None:
    """Return the patch of the status that sets a condition; None if it is set already.

    `lastTransitionTime` changes only with the status. `observedGeneration` is the generation of the given object, so
    give the object that you reconciled. Send the patch with `subresource="status"`.

    Args:
        obj: a model of the official client or a JSON mapping, with its `status`.
        type: for example `Ready`.
        status: True, False, or None for unknown.
        reason: one word for programs, for example `RolledOut`.
        message: for people.
        clock: tells the time.

    Raises:
        ConfigurationError: the object has no resource version or uid, or another argument is wrong.
    """
    for what, word, example in (("type", type, "Ready"), ("reason", reason, "RolledOut")):
        if not isinstance(word, str) or not word:
            raise ConfigurationError(f"the {what} of a condition must be a word, for example {example!r}: got {word!r}")
    if not (status is None or isinstance(status, bool)):
        raise ConfigurationError(f"the status of a condition must be True, False, or None for unknown: got {status!r}")
    if not isinstance(message, str):
        raise ConfigurationError(f"the message of a condition must be a text: got {message!r}")
    preconditions = _preconditions(obj)
    mapping: Mapping[str, Any] = obj if isinstance(obj, Mapping) else dump(obj)
    before = read(read(mapping, "status"), "conditions") or []
    value = "Unknown" if status is None else str(status)
    condition = {"type": type, "status": value, "reason": reason, "message": message}
    generation = read(read(mapping, "metadata"), "generation")
    if generation is not None:
        condition["observedGeneration"] = generation
    old: Mapping[str, Any] = next((found for found in before if found.get("type") == type), {})
    if {**old, **condition} == old:
        return None
    now = datetime.fromtimestamp(clock.time(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    since = old.get("lastTransitionTime") if old.get("status") == value else None
    condition["lastTransitionTime"] = since or now
    after = [condition if found is old else found for found in before] if old else [*before, condition]
    return {"metadata": preconditions, "status": {"conditions": after}}


def _finalizers(obj: Any, finalizer: str) -> list[str]:
    if not isinstance(finalizer, str) or not finalizer:
        raise ConfigurationError(
            f"a finalizer must be a name with your domain, for example 'example.com/registry': got {finalizer!r}"
        )
    metadata = read(obj, "metadata")
    if metadata is None:
        raise ConfigurationError(f"expected an object with metadata: got {type(obj).__name__}")
    return list(read(metadata, "finalizers") or ())


def _preconditions(obj: Any) -> dict[str, str]:
    metadata = read(obj, "metadata")
    uid, version = read(metadata, "uid"), read(metadata, "resource_version", "resourceVersion")
    if not uid or not version:
        raise ConfigurationError("the object has no uid and resource version: give it as the server or a cache has it")
    return {"uid": uid, "resourceVersion": version}
