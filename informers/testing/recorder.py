"""A handler that records its events, and can be waited for.

Upstream: the test listeners in k8s.io/client-go/tools/cache/shared_informer_test.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, final

import attrs
from typing_extensions import TypeVar

from informers.objects import DeletedFinalStateUnknown, object_key
from informers.testing._store.changes import Changes

__all__ = ["RecordedEvent", "RecordingHandler"]

T = TypeVar("T", default=Any)


@final
@attrs.frozen
class RecordedEvent(Generic[T]):
    """A recorded event.

    Attributes:
        type: `add`, `update` or `delete`.
        key: key of the object.
        obj: the object; the new one of an update; the last state of a deletion, None if unknown.
        old: the old object of an update, else None.
        is_in_initial_list: for an add, whether the object existed when the handler was added.
        is_tombstone: for a deletion, whether it was a `DeletedFinalStateUnknown`.
    """

    type: str
    key: str
    obj: T | None = attrs.field(eq=False, repr=False)
    old: T | None = attrs.field(default=None, eq=False, repr=False)
    is_in_initial_list: bool = False
    is_tombstone: bool = False

    def __str__(self) -> str:
        notes = "initial" if self.is_in_initial_list else "tombstone" if self.is_tombstone else ""
        return f"{self.type} {self.key}" + (f" ({notes})" if notes else "")


@final
class RecordingHandler(Generic[T]):
    """A `ResourceEventHandler` for tests.

    Args:
        react: called with each event after it has been written down, in the handler's thread: to be slow, or to raise.

    Example:
        >>> handler = RecordingHandler()
        >>> handler.on_add({"metadata": {"name": "node-1"}}, True)
        >>> [str(event) for event in handler.wait_for(1)]
        ['add node-1 (initial)']

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, react: Callable[[RecordedEvent[T]], object] | None = None) -> None:
        self._react = react
        self._events: list[RecordedEvent[T]] = []
        self._changes = Changes()

    def __repr__(self) -> str:
        return f"<RecordingHandler {len(self._events)} events>"

    @property
    def events(self) -> Sequence[RecordedEvent[T]]:
        """The events so far."""
        return tuple(self._events)

    def texts(self) -> list[str]:
        """Return the events as text, for example `update default/web-0`."""
        return [str(event) for event in self.events]

    def clear(self) -> None:
        """Forget the events so far."""
        self._events.clear()
        self._changes.note()

    def wait_for(self, count: int, *, timeout: float = 10.0) -> Sequence[RecordedEvent[T]]:
        """Wait until it has received at least `count` events; return them all.

        Raises:
            TimeoutError: it has not after `timeout` seconds; the message has the received events.
        """
        return self.wait_until(lambda events: len(events) >= count, timeout=timeout, what=f"{count} events")

    def wait_until(
        self,
        predicate: Callable[[Sequence[RecordedEvent[T]]], object],
        *,
        timeout: float = 10.0,
        what: str = "what was waited for",
    ) -> Sequence[RecordedEvent[T]]:
        """Wait until a predicate holds for all events so far; return them.

        Raises:
            TimeoutError: it does not after `timeout` seconds.
        """
        events = self.events

        def look() -> object:
            nonlocal events
            events = self.events
            return predicate(events)

        if not self._changes.wait_until(look, timeout):
            last = ", ".join(map(str, events[-20:])) or "nothing"
            raise TimeoutError(f"{what}: not after {timeout:g} s; {len(events)} events came, the last: {last}")
        return events

    def on_add(self, obj: T, is_in_initial_list: bool, /) -> None:
        """Record an add."""
        self._record(RecordedEvent("add", object_key(obj), obj, is_in_initial_list=is_in_initial_list))

    def on_update(self, old: T, new: T, /) -> None:
        """Record an update."""
        self._record(RecordedEvent("update", object_key(new), new, old))

    def on_delete(self, obj: T | DeletedFinalStateUnknown[T], /) -> None:
        """Record a deletion."""
        if isinstance(obj, DeletedFinalStateUnknown):
            self._record(RecordedEvent("delete", obj.key, obj.obj, is_tombstone=True))
        else:
            self._record(RecordedEvent("delete", object_key(obj), obj))

    def _record(self, event: RecordedEvent[T]) -> None:
        self._events.append(event)
        self._changes.note()
        if self._react is not None:
            self._react(event)
