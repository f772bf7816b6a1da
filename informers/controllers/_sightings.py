"""What has to hold of a cache before it shows a write: a version is reached, an object is gone, or nobody knows yet.

Upstream: none; k8s.io/kubernetes/pkg/controller/util/consistency (v1.37) knows versions alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, final

from informers._base.exceptions import safe_text
from informers._base.forks import new_lock
from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.cache.waits import SeenResult, Sight
from informers.controllers._recording_client import Address
from informers.controllers._requests import send
from informers.errors import StoppedError
from informers.objects import ObjectName, read

__all__ = ["GoneOrMarked", "Kind", "Look", "LostAnswer"]

Kind: TypeAlias = NamespacedKind[Any] | ClusterKind[Any]

#: Seconds for which a worker waits at most until the server has said what there is.
_PATIENCE = 5.0


class Look(Protocol):
    """A look at a cache; `informers.cache.waits.Sighting` is one."""

    def look(self) -> SeenResult:
        """Return how the cache stands towards the write, as of now."""
        ...

    @property
    def subscribe(self) -> Callable[[Callable[[], object]], Callable[[], None]]:
        """Have a function called when to look again; returns what ends that."""
        ...


@final
class GoneOrMarked:
    """An object was deleted or evicted: it is gone, recreated, or has a deletion mark.

    Args:
        kind: of the object.
        name: the object's name.
        uid: the object's uid; empty where it is not known.
    """

    def __init__(self, kind: Kind, name: ObjectName, uid: str) -> None:
        self._name = name
        self._uid = uid
        self._lookout = kind.informer.lookout(name)
        self.subscribe = self._lookout.subscribe

    def look(self) -> SeenResult:
        """Return how the cache stands towards it."""
        try:
            found = self._lookout.test(self._is_gone)
        except StoppedError as error:
            return SeenResult(Sight.STOPPED, str(error))
        if found is not None:
            return SeenResult(Sight.SEEN)
        return SeenResult(Sight.NOT_YET, f"the cache still has {self._name}, which was deleted")

    def _is_gone(self, obj: Any) -> bool:
        metadata = read(obj, "metadata")
        if obj is None or (self._uid and read(metadata, "uid") != self._uid):
            return True
        return read(metadata, "deletion_timestamp", "deletionTimestamp") is not None


@final
class LostAnswer:
    """A write that nobody knows the fate of: the server is asked what there is, and then that is waited for.

    Args:
        kind: what was written to.
        address: where it was sent.
        client: what asks.
    """

    def __init__(self, kind: Kind, address: Address, client: Any) -> None:
        self._kind = kind
        self._address = address
        self._client = client
        self._lock = new_lock()
        self._known: Look | None = None

    def subscribe(self, _callback: Callable[[], object]) -> Callable[[], None]:
        """Do nothing: to look again means to ask, which the informer's thread must not do."""
        return lambda: None

    def look(self) -> SeenResult:
        """Ask, if that is still to be done; then return how the cache stands towards what the server said."""
        if self._known is None:
            # Not held while the server is asked: another thread's look says that it is not known yet.
            if not self._lock.acquire(blocking=False):
                return SeenResult(Sight.NOT_YET, "the server is being asked whether it was written")
            try:
                self._known = self._ask()
            except Exception as error:  # noqa: BLE001  whatever it is, it is not known
                return SeenResult(Sight.NOT_YET, f"it is not known whether it was written: {safe_text(error)}")
            finally:
                self._lock.release()
        return self._known.look()

    def _ask(self) -> Look:
        address, informer = self._address, self._kind.informer
        # A list needs no more permissions than the informer has; of one object its own version is enough.
        query = {"fieldSelector": f"metadata.name={address.name}"} if address.name else {"limit": "1"}
        found = send(self._client, "GET", address.collection, query=query, timeout=_PATIENCE)
        items = found.get("items")
        if address.name and isinstance(items, list):
            if items:
                return informer.sighting(items[0], namespace=address.namespace or None)
            return GoneOrMarked(self._kind, ObjectName(address.namespace, address.name), "")
        return informer.sighting(str(found["metadata"]["resourceVersion"]), namespace=address.namespace or None)
