"""The garbage collector: objects are deleted after their owners, by uid.

Upstream: k8s.io/kubernetes/pkg/controller/garbagecollector (v1.37).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, final

from informers.testing._rules.deletions import DeleteOptions
from informers.testing._rules.registry import Registry, WriteOptions
from informers.testing._store.documents import Json, mapping, sequence
from informers.testing._store.served_resources import Served

__all__ = ["GarbageCollector"]

_INSIDE = WriteOptions(is_inside=True)
_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"


@final
class GarbageCollector:
    """Deletes objects whose owners are gone, by the propagation policies: foreground, background, orphan.

    Thread safety: none; it is called with each write, under the storage's lock.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        #: What each object that is there was last, by uid.
        self._there: dict[str, tuple[Served, Json]] = {}
        #: Uids of what an owner owns, by its uid.
        self._owned: dict[str, set[str]] = {}
        self._due: deque[str] = deque()
        self._is_working = False

    def written(self, served: Served, obj: Json, is_gone: bool) -> None:
        """Take an object that was written or removed, and do what follows from it."""
        metadata = obj["metadata"]
        uid = metadata["uid"]
        before, owners = _owners(self._metadata(uid)), set[str]() if is_gone else _owners(metadata)
        for owner in before - owners:
            self._owned[owner].discard(uid)
            if not self._owned[owner]:
                del self._owned[owner]
            self._due.append(owner)
        for owner in owners:
            self._owned.setdefault(owner, set()).add(uid)
        if is_gone:
            self._there.pop(uid, None)
            self._due.extend(self._owned.get(uid, ()))
        else:
            self._there[uid] = served, metadata
            self._due.append(uid)
        self._work()

    def _work(self) -> None:
        if self._is_working:
            return  # a write of the loop below, which goes on with it
        self._is_working = True
        try:
            while self._due:
                if (uid := self._due.popleft()) in self._there:
                    self._see_to(uid)
        finally:
            self._is_working = False

    def _see_to(self, uid: str) -> None:
        served, metadata = self._there[uid]
        owned = sorted(self._owned.get(uid, ()))
        if metadata.get("deletionTimestamp"):
            finalizers = sequence(metadata.get("finalizers"))
            if _ORPHAN in finalizers:
                for each in owned:
                    self._disown(each, {uid})
                self._drop_finalizer(uid, _ORPHAN)
            elif _FOREGROUND in finalizers:
                if any(self._blocks(each, uid) for each in owned):
                    self._due.extend(each for each in owned if not self._metadata(each).get("deletionTimestamp"))
                else:
                    self._drop_finalizer(uid, _FOREGROUND)
            return
        owners, namespace = _owners(metadata), metadata.get("namespace", "")
        if not owners:
            return
        waiting = {owner for owner in owners if self._waits(owner)}
        absent = {owner for owner in owners if not self._is_there(owner, namespace)}
        if owners - waiting - absent:
            if waiting or absent:
                self._disown(uid, waiting | absent)
            return
        policy = "Foreground" if waiting and owned else "Background"
        self._registry.delete(served, namespace, metadata["name"], DeleteOptions(propagation=policy))

    def _metadata(self, uid: str) -> Json:
        """Return an object's metadata; nothing if it is not there."""
        return self._there[uid][1] if uid in self._there else {}

    def _is_there(self, owner: str, namespace: str) -> bool:
        """Return whether an owner is where what it owns can have one: in its namespace, or in none."""
        return owner in self._there and self._metadata(owner).get("namespace", "") in {"", namespace}

    def _waits(self, uid: str) -> bool:
        metadata = self._metadata(uid)
        return bool(metadata.get("deletionTimestamp")) and _FOREGROUND in sequence(metadata.get("finalizers"))

    def _blocks(self, uid: str, owner: str) -> bool:
        """Return whether an owner waits for what it owns to go."""
        return any(
            each.get("uid") == owner and each.get("blockOwnerDeletion") for each in _references(self._metadata(uid))
        )

    def _disown(self, uid: str, owners: set[str]) -> None:
        self._keep(uid, "ownerReferences", lambda reference: mapping(reference).get("uid") not in owners)

    def _drop_finalizer(self, uid: str, finalizer: str) -> None:
        self._keep(uid, "finalizers", lambda name: name != finalizer)

    def _keep(self, uid: str, field: str, is_kept: Callable[[Any], bool]) -> None:
        served, metadata = self._there[uid]
        kept = [each for each in sequence(metadata.get(field)) if is_kept(each)]

        def change(obj: Json) -> Json:
            return {**obj, "metadata": {**obj["metadata"], field: kept}}

        self._registry.update(served, metadata.get("namespace", ""), metadata["name"], change, _INSIDE)


def _references(metadata: Json) -> list[Json]:
    return [mapping(each) for each in sequence(metadata.get("ownerReferences"))]


def _owners(metadata: Json) -> set[str]:
    return {each["uid"] for each in _references(metadata) if each.get("uid")}
