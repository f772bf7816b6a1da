"""The queue against a list: nothing is merged, dropped or reordered, and what it hands out can be handled as one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from informers.cache._pipeline.deltas import DeltaQueue, NamespaceRemoved, Replaced
from informers.cache._pipeline.scopes import Scope
from informers.source.records import HeldRecord
from informers.source.watch_events import Bookmark, Change, ChangeType
from informers.testing import FakeClock
from tests.properties.profile import histories

BATCH, LIMIT = 3, 8
SCOPE = Scope(None, clock=FakeClock())


def change(kind: ChangeType, name: str) -> Change[Any]:
    return Change(kind, HeldRecord({"metadata": {"name": name}}))


DELTAS = st.one_of(
    st.builds(change, st.sampled_from(list(ChangeType)), st.sampled_from("abc")),
    st.builds(change, st.just(ChangeType.MODIFIED), st.sampled_from("abc")),
    st.builds(lambda version: Bookmark(str(version)), st.integers(1, 9)),
    st.builds(lambda version: Replaced((), str(version)), st.integers(1, 9)),
    st.builds(NamespaceRemoved),
)


class DeltaQueueMachine(RuleBasedStateMachine):
    """`model` is what waits."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: DeltaQueue[Any] = DeltaQueue(limit=LIMIT, batch=BATCH, clock=FakeClock())
        self.model: list[Any] = []
        self.closed = False

    @precondition(lambda self: len(self.model) < LIMIT or self.closed)
    @rule(deltas=st.lists(DELTAS, max_size=5))
    def put(self, deltas: list[Any]) -> None:
        """What is put after the end is dropped."""
        self.queue.put(SCOPE, deltas)
        if not self.closed:
            self.model += deltas

    @precondition(lambda self: self.model or self.closed)
    @rule()
    def pop(self) -> None:
        """Changes come together, as many as a batch holds; anything else comes alone."""
        taken = self.queue.pop()
        count = 0
        while count < len(self.model) and isinstance(self.model[count], Change) and count < BATCH:
            count += 1
        count = min(max(count, 1), len(self.model))
        assert len(taken) == count
        assert all(one is other for (_, one), other in zip(taken, self.model, strict=False))
        del self.model[:count]

    @rule()
    def pop_without_patience(self) -> None:
        if not self.model:
            assert self.queue.pop(timeout=0.0) == []

    @rule()
    def close(self) -> None:
        """The queue can still be emptied."""
        self.queue.close()
        self.closed = True

    @invariant()
    def it_holds_what_the_list_holds(self) -> None:
        assert len(self.queue) == len(self.model)
        assert self.queue.closed == self.closed


TestDeltaQueue = DeltaQueueMachine.TestCase
TestDeltaQueue.settings = histories(60)
