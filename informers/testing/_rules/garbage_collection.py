"""The garbage collector: objects are deleted after their owners, by uid.

Upstream: k8s.io/kubernetes/pkg/controller/garbagecollector (v1.37).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, final

import attrs

from informers.testing._http.status import Failure
from informers.testing._rules.deletions import DeleteOptions
from informers.testing._rules.registry import Registry, WriteOptions
from informers.testing._store.documents import Json, mapping, sequence
from informers.testing._store.served_resources import Served

__all__ = ["GarbageCollector"]

_INSIDE = WriteOptions(is_inside=True)
_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"


@attrs.frozen
class _Place:
    """Where an object is: one place for all versions of its resource."""

    served: Served = attrs.field(eq=False)
    collection: str
    namespace: str
    name: str


@final
class GarbageCollector:
    """Deletes objects whose owners are gone, by the propagation policies: foreground, background, orphan.

    Thread safety: none; it is called with each write, under the storage's lock.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        #: Objects that are there, by uid.
        self._places: dict[str, _Place] = {}
        #: Uids of owners, by uid of what they own; and the other way round.
        self._owners: dict[str, frozenset[str]] = {}
        self._owned: dict[str, set[str]] = {}
        self._due: deque[str] = deque()
        self._is_working = False

    def written(self, served: Served, obj: Json, is_gone: bool) -> None:
        """Take an object that was written or removed, and do what follows from it."""
        metadata = obj["metadata"]
        uid = metadata["uid"]
        owners = frozenset() if is_gone else frozenset(reference["uid"] for reference in _references(obj))
        for owner in self._owners.pop(uid, frozenset()) - owners:
            self._owned[owner].discard(uid)
            if not self._owned[owner]:
                del self._owned[owner]
            self._due.append(owner)
        if owners:
            self._owners[uid] = owners
            for owner in owners:
                self._owned.setdefault(owner, set()).add(uid)
        if is_gone:
            self._places.pop(uid, None)
            self._due.extend(self._owned.get(uid, ()))
        else:
            self._places[uid] = _Place(served, served.collection, metadata.get("namespace", ""), metadata["name"])
            self._due.append(uid)
        self._work()

    def _work(self) -> None:
        if self._is_working:
            return  # a write of the loop below, which goes on with it
        self._is_working = True
        try:
            while self._due:
                place = self._places.get(uid := self._due.popleft())
                if place is not None:
                    self._see_to(uid, place)
        finally:
            self._is_working = False

    def _see_to(self, uid: str, place: _Place) -> None:
        obj = self._registry.get(place.served, place.namespace, place.name)
        if obj["metadata"].get("deletionTimestamp"):
            finalizers = sequence(obj["metadata"].get("finalizers"))
            owned = sorted(self._owned.get(uid, ()))
            if _ORPHAN in finalizers:
                for each in owned:
                    self._disown(each, {uid})
                self._drop_finalizer(place, _ORPHAN)
            elif _FOREGROUND in finalizers:
                if any(self._blocks(each, uid) for each in owned):
                    self._due.extend(each for each in owned if not self._is_ending(each))
                else:
                    self._drop_finalizer(place, _FOREGROUND)
            return
        owners = self._owners.get(uid)
        if not owners:
            return
        waiting = {owner for owner in owners if self._waits(owner)}
        absent = {owner for owner in owners if not self._is_there(owner, place)}
        if owners - waiting - absent:
            if waiting or absent:
                self._disown(uid, waiting | absent)
            return
        policy = "Foreground" if waiting and self._owned.get(uid) else "Background"
        self._registry.delete(place.served, place.namespace, place.name, DeleteOptions(propagation=policy))

    def _is_there(self, owner: str, owned: _Place) -> bool:
        """Return whether an owner is where what it owns can have one: in its namespace, or in none."""
        place = self._places.get(owner)
        return place is not None and place.namespace in {"", owned.namespace}

    def _metadata(self, uid: str) -> Json:
        place = self._places.get(uid)
        if place is None:
            return {}
        return mapping(self._registry.get(place.served, place.namespace, place.name)["metadata"])

    def _is_ending(self, uid: str) -> bool:
        return bool(self._metadata(uid).get("deletionTimestamp"))

    def _waits(self, uid: str) -> bool:
        metadata = self._metadata(uid)
        return bool(metadata.get("deletionTimestamp")) and _FOREGROUND in sequence(metadata.get("finalizers"))

    def _blocks(self, uid: str, owner: str) -> bool:
        """Return whether an owner waits for what it owns to go."""
        references = _references({"metadata": self._metadata(uid)})
        return any(each["uid"] == owner and each.get("blockOwnerDeletion") for each in references)

    def _disown(self, uid: str, owners: set[str]) -> None:
        self._keep(self._places[uid], "ownerReferences", lambda reference: mapping(reference).get("uid") not in owners)

    def _drop_finalizer(self, place: _Place, finalizer: str) -> None:
        self._keep(place, "finalizers", lambda name: name != finalizer)

    def _keep(self, place: _Place, field: str, is_kept: Callable[[Any], bool]) -> None:
        def change(obj: Json) -> Json:
            kept = [each for each in sequence(obj["metadata"].get(field)) if is_kept(each)]
            return {**obj, "metadata": {**obj["metadata"], field: kept}}

        try:
            self._registry.update(place.served, place.namespace, place.name, change, _INSIDE)
        except Failure as failure:
            if failure.code != 404:
                raise


def _references(obj: Json) -> list[Json]:
    return [mapping(each) for each in sequence(obj["metadata"].get("ownerReferences")) if mapping(each).get("uid")]
