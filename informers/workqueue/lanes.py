"""The waiting items of a queue, in two lanes: new changes first, then items that can wait.

At its start a controller receives every existing object, and a resync repeats them all. Behind ten thousand of those,
an object that was just changed would wait for minutes. So they are in the low lane. A steady stream in the other lane
must not delay them for ever: while both lanes hold items, every eighth comes from the low one. This bound needs no
clock: of the next 8 * k items taken, at least k come from the low lane while it has so many.

Upstream: sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue (v0.23), which has no such bound.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar, final

__all__ = ["FIFO", "Lanes", "Order"]

T = TypeVar("T", bound=Hashable)

#: While both lanes hold items, one of this many comes from the low lane.
_SHARE = 8


class Order(Protocol[T]):
    """The order in which waiting items are taken.

    An item is pushed once, and popped before it is pushed again, so an order need not look for duplicates. Items of low
    priority are elsewhere; see `Queue.add`.

    Thread safety: the queue calls it under its lock, so it needs no lock of its own, must be quick, and must
    not call the queue.

    Upstream: `Queue` in k8s.io/client-go/util/workqueue/queue.go (v0.37).
    """

    def push(self, item: T, /) -> None:
        """Add an item."""
        ...

    def pop(self) -> T:
        """Remove and return the next item. Called only when there is one."""
        ...

    def touch(self, item: T, /) -> None:
        """Note that a waiting item was added again: its place may change."""
        ...

    def __len__(self) -> int:
        """Return the number of items."""
        ...


@final
class FIFO(Generic[T]):
    """First in, first out: the default `Order` of a queue."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()

    def push(self, item: T, /) -> None:
        """Put `item` last."""
        self._items.append(item)

    def pop(self) -> T:
        """Remove and return the first item."""
        return self._items.popleft()

    def touch(self, item: T, /) -> None:
        """Leave the item at its place."""

    def __len__(self) -> int:
        return len(self._items)


@final
class Lanes(Generic[T]):
    """An order for most items, and a first-in, first-out lane for those of low priority.

    Attributes:
        order: the items without low priority.
        low: the items with low priority. An OrderedDict finds its first item in constant time; a dict may not.

    Thread safety: none; a queue calls it under its lock.
    """

    def __init__(self, order: Order[T] | None) -> None:
        self.order: Order[T] = FIFO() if order is None else order
        self.low: OrderedDict[T, None] = OrderedDict()
        #: Items taken from the other lane since the low lane's last turn.
        self._others = 0

    def __len__(self) -> int:
        return len(self.order) + len(self.low)

    def pop(self) -> T:
        """Remove and return the next item. There must be one."""
        if not self.low:
            return self.order.pop()
        if len(self.order) and self._others < _SHARE - 1:
            self._others += 1
            return self.order.pop()
        self._others = 0
        return self.low.popitem(last=False)[0]

    def touch(self, item: T) -> None:
        """Note that a waiting item was added again."""
        if item not in self.low:
            self.order.touch(item)

    def move_up(self, item: T) -> None:
        """Move an item out of the low lane."""
        self.order.push(item)
        del self.low[item]

    def clear(self) -> None:
        """Drop all items."""
        self.order = FIFO()
        self.low.clear()
