"""A handler that holds what it is told to the contract, and keeps no more than the present."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, final

import attrs

from informers import DeletedFinalStateUnknown, ResourceEventHandler, object_key

__all__ = ["History", "versions"]


def version_of(obj: Any) -> str:
    """Return the resource version of a model or mapping."""
    if isinstance(obj, Mapping):
        return str(obj["metadata"]["resourceVersion"])
    return str(obj.metadata.resource_version)


def uid_of(obj: Any) -> str:
    """Return the uid of a model or mapping; empty where it has none."""
    if isinstance(obj, Mapping):
        return str(obj["metadata"].get("uid") or "")
    return str(getattr(obj.metadata, "uid", None) or "")


def versions(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Return key and resource version of a server's objects."""
    return {object_key(obj): obj["metadata"]["resourceVersion"] for obj in objects}


@attrs.frozen
class Seen:
    """One event, as far as it is compared: `add`, `update`, `delete` or `tombstone`, and of what."""

    type: str
    key: str
    version: str
    uid: str = ""


@final
class History(ResourceEventHandler[Any]):
    """Checks that each object is added, then updated, then deleted, once for each uid, and never goes back in version.

    Args:
        react: called with each event, in the handler's thread: to be slow, or to raise.
        keep: keep the events, without repetitions.

    Attributes:
        present: versions of the objects that it has been told of and that are not gone, by key.
        broken: what was against the contract, in words.
        counts: events by type.
        events: those that were kept.
    """

    def __init__(self, react: Callable[[Seen], object] = lambda _: None, *, keep: bool = False) -> None:
        self._react = react
        self._keep = keep
        self._lock = threading.Lock()
        self._present: dict[str, str] = {}
        #: Last version told of each key; of those that are gone only as many as there may be names.
        self._last: dict[str, int] = {}
        #: Uids of what is there and of what was last under each name.
        self._uids: dict[str, str] = {}
        self.broken: list[str] = []
        self.counts: Counter[str] = Counter()
        self.events: list[Seen] = []

    @property
    def present(self) -> Mapping[str, str]:
        """As the class says; a copy."""
        with self._lock:
            return dict(self._present)

    def on_add(self, obj: Any, is_in_initial_list: bool) -> None:
        self._take("add", object_key(obj), obj)

    def on_update(self, old: Any, new: Any) -> None:
        key = object_key(new)
        told = self._present.get(key)
        if told is not None and told != version_of(old):
            self._complain(f"update of {key}: old is {version_of(old)}, but {told} was told before")
        self._take("update", key, new)

    def on_delete(self, obj: Any) -> None:
        if isinstance(obj, DeletedFinalStateUnknown):
            told = self._present.get(obj.key)
            if obj.obj is not None and told is not None and told != version_of(obj.obj):
                self._complain(f"tombstone of {obj.key}: {version_of(obj.obj)}, but {told} was told")
            self._take("tombstone", obj.key, obj.obj)
        else:
            self._take("delete", object_key(obj), obj)

    def _take(self, kind: str, key: str, obj: Any) -> None:
        version = version_of(obj) if obj is not None else "0"
        uid = uid_of(obj) if obj is not None else self._uids.get(key, "")
        with self._lock:
            is_present = key in self._present
            known = self._uids.get(key, "")
            if kind == "add" and uid and known == uid:
                self._complain(f"add of {key}, whose uid {uid} was added before")
            if kind != "add" and known != uid:
                self._complain(f"{kind} of {key} with uid {uid}, but {known} was told")
            self._uids[key] = uid
            if (kind == "add") == is_present:
                self._complain(f"{kind} of {key}, which {'is' if is_present else 'is not'} there")
            if int(version) < self._last.get(key, 0):
                self._complain(f"{kind} of {key} at version {version} after {self._last[key]}")
            is_repetition = kind == "update" and self._present.get(key) == version
            self._last[key] = int(version)
            if kind in {"delete", "tombstone"}:
                self._present.pop(key, None)
            else:
                self._present[key] = version
            seen = Seen("resync" if is_repetition else kind, key, version, uid)
            self.counts[seen.type] += 1
            if self._keep and not is_repetition:
                self.events.append(seen)
        self._react(seen)

    def _complain(self, words: str) -> None:
        if len(self.broken) < 20:
            self.broken.append(words)
