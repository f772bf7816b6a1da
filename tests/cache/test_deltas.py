"""The queue behind a reflector: in order, nothing lost, ended by a close."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from informers.cache._pipeline.deltas import Delta, DeltaQueue, NamespaceRemoved, Replaced
from informers.cache._pipeline.scopes import Scope
from informers.source.records import HeldRecord
from informers.source.watch_events import Bookmark, Change, ChangeType
from informers.testing import FakeClock


def change(name: str, kind: ChangeType = ChangeType.ADDED, version: str = "") -> Change[Any]:
    return Change(kind, HeldRecord({"metadata": {"name": name, "resourceVersion": version}}))


SCOPE = Scope(None, clock=FakeClock())


def names(deltas: list[tuple[Scope, Delta[Any]]]) -> list[str]:
    return [delta.record.key if isinstance(delta, Change) else type(delta).__name__ for _, delta in deltas]


@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_basic", "TestRealFIFO_detectLineJumpers")
def test_each_producers_deltas_come_out_in_its_order() -> None:
    queue: DeltaQueue[Any] = DeltaQueue()

    def produce(prefix: str) -> None:
        for number in range(500):
            queue.put(SCOPE, [change(f"{prefix}-{number}")])

    producers = [threading.Thread(target=produce, args=(prefix,)) for prefix in "abc"]
    for producer in producers:
        producer.start()
    seen: list[str] = []
    while len(seen) < 1500:
        seen += names(queue.pop())
    for producer in producers:
        producer.join()

    for prefix in "abc":
        assert [name for name in seen if name.startswith(prefix)] == [f"{prefix}-{n}" for n in range(500)]


@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_addUpdate", "TestRealFIFO_enqueueingNoLister")
def test_every_event_is_delivered_though_the_key_is_the_same() -> None:
    queue: DeltaQueue[Any] = DeltaQueue()
    given = [
        change("a", version="1"),
        change("a", ChangeType.MODIFIED, "2"),
        change("a", ChangeType.DELETED, "3"),
        change("unknown", ChangeType.DELETED, "4"),
    ]
    queue.put(SCOPE, given)
    assert queue.pop() == [(SCOPE, delta) for delta in given]


@pytest.mark.upstream(
    "tools/cache/the_real_fifo_test.go",
    "TestRealFIFO_PopMultipleDeltaInBatch",
    "TestRealFIFO_ReplaceAtomicPop",
    "TestRealFIFO_ReplaceAtomic",
)
@pytest.mark.parametrize(
    ("waiting", "batches"),
    [
        (["a", "b"], [["a", "b"]]),
        (["a", "b", "c", "d"], [["a", "b", "c"], ["d"]]),
        (["a", "a"], [["a", "a"]]),
        (["replaced", "a"], [["Replaced"], ["a"]]),
        (["a", "replaced", "b", "bookmark", "c"], [["a"], ["Replaced"], ["b"], ["Bookmark"], ["c"]]),
        (["bookmark", "bookmark"], [["Bookmark"], ["Bookmark"]]),
    ],
    ids=str,
)
def test_changes_arrive_in_batches_and_everything_else_alone(waiting: list[str], batches: list[list[str]]) -> None:
    queue: DeltaQueue[Any] = DeltaQueue(batch=3)
    special: dict[str, Delta[Any]] = {"replaced": Replaced((), "5"), "bookmark": Bookmark("6")}
    queue.put(SCOPE, [special.get(name) or change(name) for name in waiting])

    assert [names(queue.pop()) for _ in batches] == batches
    assert len(queue) == 0


@pytest.mark.upstream("tools/cache/the_real_fifo_test.go", "TestRealFIFO_PopShouldUnblockWhenClosed")
def test_a_close_ends_every_wait_but_what_is_queued_still_comes() -> None:
    queue: DeltaQueue[Any] = DeltaQueue()
    queue.put(SCOPE, [change("a")])
    queue.close()
    queue.put(SCOPE, [change("late")])
    assert names(queue.pop()) == ["a"]
    assert queue.pop() == []

    waiting: DeltaQueue[Any] = DeltaQueue()
    popped: list[object] = []
    threads = [threading.Thread(target=lambda: popped.append(waiting.pop())) for _ in range(10)]
    for thread in threads:
        thread.start()
    waiting.close()
    for thread in threads:
        thread.join(10)
    assert popped == [[]] * 10


def test_a_full_queue_holds_its_producer_until_there_is_room() -> None:
    queue: DeltaQueue[Any] = DeltaQueue(limit=2)
    queue.put(SCOPE, [change("a"), change("b")])
    done = threading.Event()

    def produce() -> None:
        queue.put(SCOPE, [change("c")])
        done.set()

    producer = threading.Thread(target=produce)
    producer.start()
    assert not done.wait(0.05)
    assert names(queue.pop()) == ["a", "b"]
    assert done.wait(10)
    producer.join()
    assert names(queue.pop()) == ["c"]


def test_a_list_counts_as_many_as_it_has_objects() -> None:
    """A cache that is held up while its watch fails again and again would be queued as a whole, again and again."""
    queue: DeltaQueue[Any] = DeltaQueue(limit=3)
    listed = Replaced([change(name).record for name in "abc"], "1")
    queue.put(SCOPE, [listed])
    done = threading.Event()

    def produce() -> None:
        queue.put(SCOPE, [listed])
        done.set()

    producer = threading.Thread(target=produce)
    producer.start()
    assert not done.wait(0.05)
    assert queue.pop() == [(SCOPE, listed)]
    assert done.wait(10)
    producer.join()
    assert queue.pop() == [(SCOPE, listed)]
    queue.put(SCOPE, [change("d")])
    queue.put(SCOPE, [change("e")])
    assert names(queue.pop()) == ["d", "e"]


def test_a_close_lets_a_held_producer_go() -> None:
    queue: DeltaQueue[Any] = DeltaQueue(limit=1)
    queue.put(SCOPE, [change("a")])
    producer = threading.Thread(target=lambda: queue.put(SCOPE, [change("b")]))
    producer.start()
    queue.close()
    producer.join(10)
    assert not producer.is_alive()


def test_a_pop_with_a_timeout_comes_back_empty_when_it_is_over() -> None:
    clock = FakeClock()
    queue: DeltaQueue[Any] = DeltaQueue(clock=clock)
    popped: list[object] = []
    consumer = threading.Thread(target=lambda: popped.append(queue.pop(timeout=3)))
    consumer.start()
    clock.wait_for_waiters()
    clock.advance(3)
    consumer.join(10)
    assert popped == [[]]
    assert not queue.closed


def test_a_scope_that_is_ended_lets_nothing_in_and_the_others_do() -> None:
    queue: DeltaQueue[Any] = DeltaQueue(limit=1)
    ending, other = Scope("one", clock=FakeClock()), Scope("two", clock=FakeClock())
    queue.put(ending, [Bookmark("1")])
    waiter = threading.Thread(target=queue.put, args=(ending, [Bookmark("waits for room")]))
    waiter.start()
    queue.end(ending, NamespaceRemoved())
    waiter.join(10)
    assert not waiter.is_alive()
    queue.put(ending, [Bookmark("late")])
    assert repr(queue) == "<DeltaQueue 2 waiting>"
    taken = [queue.pop() for _ in range(2)]
    queue.put(other, [Bookmark("2")])
    taken.append(queue.pop())
    assert [(scope.namespace, names(taken[number])) for number, ((scope, _),) in enumerate(taken)] == [
        ("one", ["Bookmark"]),
        ("one", ["NamespaceRemoved"]),
        ("two", ["Bookmark"]),
    ]
    queue.close()
    queue.end(other, NamespaceRemoved())
    assert repr(queue) == "<DeltaQueue 0 waiting, closed>"
