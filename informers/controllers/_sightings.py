"""The conditions under which a cache shows a write: a version is reached, an object is gone, or it is still unknown.

Upstream: none; k8s.io/kubernetes/pkg/controller/util/consistency (v1.37) only compares versions.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, final

from informers._base.exceptions import safe_text
from informers._base.forks import new_lock
from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.cache.waits import SeenResult, Sight
from informers.controllers._recording_client import Address
from informers.controllers._requests import get_later, send
from informers.errors import StoppedError
from informers.objects import ObjectName, read, uid_of

__all__ = ["Gone", "Kind", "Look", "LostAnswer", "SeenOrLeft"]

Kind: TypeAlias = NamespacedKind[Any] | ClusterKind[Any]

#: Seconds for which a worker waits at most for the server's answer.
_PATIENCE = 5.0


class Look(Protocol):
    """A condition of a cache; `informers.cache.waits.Sighting` is one."""

    def look(self) -> SeenResult:
        """Return whether the cache shows the write now."""
        ...

    @property
    def subscribe(self) -> Callable[[Callable[[], object]], Callable[[], None]]:
        """Register a function that is called when to look again; returns a function that ends this."""
        ...


@final
class Gone:
    """An object has left the cache: it is gone, or was created again.

    Args:
        kind: the kind of the object.
        name: the object's name.
        uid: the object's uid; empty if unknown.
        or_marked: whether a mark for deletion is enough.
    """

    def __init__(self, kind: Kind, name: ObjectName, uid: str, *, or_marked: bool) -> None:
        self._name = name
        self._uid = uid
        self._or_marked = or_marked
        self._lookout = kind.informer.lookout(name, self._is_gone)
        self.subscribe = self._lookout.subscribe

    def look(self) -> SeenResult:
        """Return whether the cache shows it."""
        try:
            found = self._lookout.look()
        except StoppedError as error:
            return SeenResult(Sight.STOPPED, str(error))
        if found is not None:
            return SeenResult(Sight.SEEN)
        return SeenResult(Sight.NOT_YET, f"the cache still has {self._name}, which was deleted")

    def _is_gone(self, obj: Any) -> bool:
        if obj is None or (self._uid and uid_of(obj) != self._uid):
            return True
        marked = read(read(obj, "metadata"), "deletion_timestamp", "deletionTimestamp")
        return self._or_marked and marked is not None


@final
class SeenOrLeft:
    """An object is no longer selected: the cache has reached the write, or no longer has the object.

    No event brings the version of such a write if the object had left the selection before, so that only a bookmark
    would show it.

    Args:
        sighting: whether the cache has reached the write.
        left: whether the object has left the cache.
    """

    def __init__(self, sighting: Look, left: Gone) -> None:
        self._looks = sighting, left

    def look(self) -> SeenResult:
        """Return whether the cache shows the write."""
        seen, left = (each.look() for each in self._looks)
        return seen if seen.sight is not Sight.NOT_YET or left.sight is Sight.NOT_YET else left

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have a function called when the version may be reached, and when the object may have changed."""
        withdrawals = [each.subscribe(callback) for each in self._looks]

        def withdraw() -> None:
            for each in withdrawals:
                each()

        return withdraw


@final
class LostAnswer:
    """A write whose answer was lost: it asks the server for the present state, and then waits for that state.

    Args:
        kind: the written kind.
        address: the target of the write.
        client: sends the question.
    """

    def __init__(self, kind: Kind, address: Address, client: Any) -> None:
        self._kind = kind
        self._address = address
        self._client = client
        self._is_async = inspect.iscoroutinefunction(client.rest_client.request)
        #: Of a client of asyncio: its answers come there.
        self._loop = _running_loop() if self._is_async else None
        #: Held while the server is asked.
        self._asking = new_lock()
        self._failure = ""
        self._known: Look | None = None
        self._callback: Callable[[], object] = lambda: None
        self._withdraw: Callable[[], None] = lambda: None

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have a function called when the server has been asked in the background, and when the cache comes to it."""
        self._callback = callback

        def withdraw() -> None:
            self._withdraw()

        return withdraw

    def look(self) -> SeenResult:
        """Ask, if that is still to be done; then return how the cache stands towards what the server said.

        An event loop is not held up: there it is asked in the background.
        """
        if self._known is None and self._asking.acquire(blocking=False):
            loop = self._loop if self._is_async else _running_loop()
            if loop is None:
                self._ask()
            elif not self._is_async:
                loop.run_in_executor(None, self._ask_and_call)
            else:
                asking = self._ask_later()
                try:
                    asyncio.run_coroutine_threadsafe(asking, loop)
                except RuntimeError:  # it is closed
                    asking.close()
                    with self._answering():
                        raise
        if self._known is None:
            why = self._failure or "the server is being asked"
            return SeenResult(Sight.NOT_YET, f"it is not known whether it was written: {why}")
        return self._known.look()

    async def _ask_later(self) -> None:
        with self._answering():
            self._learn(await get_later(self._client, self._address.collection, query=self._query, timeout=_PATIENCE))
        self._call_if_known()

    def _ask(self) -> None:
        with self._answering():
            self._learn(send(self._client, "GET", self._address.collection, query=self._query, timeout=_PATIENCE))

    def _ask_and_call(self) -> None:
        self._ask()
        self._call_if_known()

    def _call_if_known(self) -> None:
        # After a failure a call would look, and so ask again, without a pause, as long as the server can't be reached.
        if self._known is not None:
            self._callback()

    @contextmanager
    def _answering(self) -> Generator[None]:
        """Note why it is not known, whatever the reason, and let the next look ask again."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  no answer, not a list, or its namespace is no longer followed
            self._failure = safe_text(error)
        finally:
            self._asking.release()

    def _learn(self, found: dict[str, Any]) -> None:
        known = self._look_of(found)
        self._withdraw = known.subscribe(self._callback)
        self._known = known

    @property
    def _query(self) -> dict[str, str]:
        # A list needs no more permissions than the informer has; of one object its own version is enough.
        name = self._address.name
        return {"fieldSelector": f"metadata.name={name}"} if name else {"limit": "1"}

    def _look_of(self, found: dict[str, Any]) -> Look:
        address, informer = self._address, self._kind.informer
        items = found.get("items")
        if address.name and isinstance(items, list):
            if items:
                return informer.sighting(items[0], namespace=address.namespace or None)
            return Gone(self._kind, ObjectName(address.namespace, address.name), "", or_marked=True)
        return informer.sighting(str(found["metadata"]["resourceVersion"]), namespace=address.namespace or None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
