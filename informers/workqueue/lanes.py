"""What waits in a queue, in two lanes: first what just changed, then what can wait.

A controller that starts is given every object there is, and a resync repeats them all. Behind ten thousand of those,
the one object that somebody just changed would wait for minutes. So they go to the low lane. A steady stream in the
other lane must not hold them for ever: while both lanes hold items, each eighth comes from the low one. That is a bound
that needs no clock: of the next 8 * k items that are got, k at least come from the low lane, while it holds so many.

Upstream: sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue (v0.23), which has no such bound.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar, final

__all__ = ["FIFO", "Lanes", "Order"]

T = TypeVar("T", bound=Hashable)

#: While both lanes hold items, one of so many comes from the low lane.
_SHARE = 8


class Order(Protocol[T]):
    """In which order waiting items are got.

    An item is pushed once, and popped before it is pushed again: an order need not look for duplicates. Items of low
    priority are not in it while they wait; see `Queue.add`.

    Thread safety: the queue calls it under its lock, so it needs no lock of its own, must be quick, and must
    not call the queue.

    Upstream: `Queue` in k8s.io/client-go/util/workqueue/queue.go (v0.37).
    """

    def push(self, item: T, /) -> None:
        """Take in an item."""
        ...

    def pop(self) -> T:
        """Remove and return the next item. Called only when there is one."""
        ...

    def touch(self, item: T, /) -> None:
        """Take note that an item which waits here was added again: its place may change."""
        ...

    def __len__(self) -> int:
        """Return how many items wait here."""
        ...


@final
class FIFO(Generic[T]):
    """First in, first out: the `Order` of a queue that is given no other."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()

    def push(self, item: T, /) -> None:
        """Put `item` last."""
        self._items.append(item)

    def pop(self) -> T:
        """Remove and return the first item."""
        return self._items.popleft()

    def touch(self, item: T, /) -> None:
        """Leave `item` where it is."""

    def __len__(self) -> int:
        return len(self._items)


@final
class Lanes(Generic[T]):
    """An order for most items, and a lane for those of low priority, which come first in, first out.

    Attributes:
        order: what has no low priority.
        low: what has. Its first is found in one step, however many went before it, which a dict does not promise.

    Thread safety: none; a queue calls it under its lock.
    """

    def __init__(self, order: Order[T] | None) -> None:
        self.order: Order[T] = FIFO() if order is None else order
        self.low: OrderedDict[T, None] = OrderedDict()
        #: How many others were got since the low lane had its turn.
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
        """Take note that an item which waits here was added again."""
        if item not in self.low:
            self.order.touch(item)

    def move_up(self, item: T) -> None:
        """Move an item out of the low lane."""
        self.order.push(item)
        del self.low[item]

    def clear(self) -> None:
        """Let go of all items."""
        self.order = FIFO()
        self.low.clear()
