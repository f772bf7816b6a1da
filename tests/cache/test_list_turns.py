"""Lists come a few at a time: the bound, whose turn it is, and what holds up nobody."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from informers import ConfigurationError, ListTurns, ReflectorOptions, ReflectorState, SharedInformer, WatchHealth
from informers.errors import ExpiredError, StatusError
from informers.source.watch_events import ListOptions, Page
from informers.testing import FakeClock, FakeSource
from tests.cache.things import Obj, informer, obj, started
from tests.waiting import QUICK, eventually

PAGES = ReflectorOptions(streaming_lists=False)


class Gate:
    """Counts the lists of many sources that are under way, and lets them go on only when it is open."""

    def __init__(self, *, is_open: bool = False) -> None:
        self._lock = threading.Lock()
        self.open = threading.Event()
        self.under_way = self.most = 0
        self.names: list[str] = []
        if is_open:
            self.open.set()

    def source(self, name: str) -> FakeSource[Obj]:
        made: FakeSource[Obj] = FakeSource(streaming_lists=False)
        made.add(obj(f"{name}/a"))
        list_at_once: Callable[[ListOptions], Page[Obj]] = made.list

        def counted(options: ListOptions) -> Page[Obj]:
            with self._lock:
                self.names.append(name)
                self.under_way += 1
                self.most = max(self.most, self.under_way)
            while not self.open.wait(0.01) and not made.closed:
                pass
            with self._lock:
                self.under_way -= 1
            return list_at_once(options)

        setattr(made, "list", counted)  # noqa: B010  what the source does is looked at, not replaced
        return made


def namespaces(gate: Gate, count: int) -> dict[str, Any]:
    return {f"n{number}": gate.source(f"n{number}") for number in range(count)}


def test_no_more_lists_are_under_way_than_the_bound_and_all_are_made() -> None:
    gate = Gate()
    with informer(namespaces(gate, 20), list_turns=ListTurns(3)) as made:
        made.start()

        def queued() -> list[WatchHealth]:
            return [watch for watch in made.health().watches if watch.state is ReflectorState.QUEUED]

        eventually(lambda: gate.under_way == 3 and len(queued()) == 17)
        assert f"{queued()[0].namespace}: waiting for its turn to list" in made.health().reason
        gate.open.set()
        started(made)
        assert (gate.most, len(made.indexer)) == (3, 20)
        # And again, when the server has forgotten its history.
        gate.open.clear()
        gate.most = 0
        for source in [fed.source for fed in made._reflectors]:
            assert isinstance(source, FakeSource)
            source.break_watches(ExpiredError("too old", code=410))
        eventually(lambda: gate.under_way == 3)
        gate.open.set()
        eventually(lambda: made.health().is_live)
        assert gate.most == 3


def test_informers_share_the_bound_of_one_object_and_kinds_take_turns() -> None:
    gate = Gate()
    turns = ListTurns(1)
    with ExitStack() as stack:

        def made(count: int, name: str) -> SharedInformer[Obj]:
            sources = {f"{name}{number}": gate.source(f"{name}{number}") for number in range(count)}
            entered = stack.enter_context(informer(sources, list_turns=turns, options=PAGES))
            entered.rename(name)
            return entered

        many, few = made(30, "many"), made(2, "few")
        with turns.held():
            many.start()
            few.start()
            eventually(lambda: "32 waiting" in repr(turns))
        gate.open.set()
        started(few)
        started(many)
    assert gate.most == 1
    assert {name[:3] for name in gate.names[:2]} == {name[:3] for name in gate.names[2:4]} == {"man", "few"}


def test_a_stop_ends_the_wait_for_a_turn_at_once_and_gives_it_to_nobody() -> None:
    gate = Gate()
    turns = ListTurns(1)
    with informer(namespaces(gate, 10), list_turns=turns) as made:
        made.start()
        eventually(lambda: "9 waiting" in repr(turns) and gate.under_way == 1)
        assert made.stop(10)
    assert len(gate.names) == 1
    assert repr(turns) == "<ListTurns 1 at once, 0 under way, 0 waiting>"


def test_a_namespace_that_is_removed_while_it_waits_for_its_turn_waits_no_longer() -> None:
    gate = Gate()
    turns = ListTurns(1)
    with informer(namespaces(gate, 2), list_turns=turns) as made:
        made.start()
        eventually(lambda: "1 waiting" in repr(turns) and gate.under_way == 1)
        first = gate.names[0]
        made.remove_namespace({"n0": "n1", "n1": "n0"}[first])
        eventually(lambda: "0 waiting" in repr(turns))
        gate.open.set()
        started(made)
        assert gate.names == [first]


def test_the_wish_for_a_list_leaves_the_queue_and_joins_it_again() -> None:
    gate = Gate()
    turns = ListTurns(1)
    with informer(namespaces(gate, 2), list_turns=turns) as made:
        made.start()
        eventually(lambda: "1 waiting" in repr(turns) and gate.under_way == 1)
        made.relist()
        gate.open.set()
        started(made)
        eventually(lambda: made.health().is_live)


def test_a_list_that_hangs_lets_another_begin_after_five_seconds() -> None:
    clock = FakeClock()
    turns = ListTurns(2, clock=clock)
    begun: list[str] = []
    with ExitStack() as stack:
        for name in "abcde":
            stack.enter_context(turns.asked("things", lambda name=name: begun.append(name)))
        assert begun == ["a", "b"]
        clock.advance(4.9)
        assert begun == ["a", "b"]
        clock.advance(0.1)
        turns.look()
        # As many as the bound again, not all.
        assert begun == ["a", "b", "c", "d"]
        clock.advance(5.0)
        turns.look()
        assert begun == ["a", "b", "c", "d", "e"]


def test_a_list_waits_for_no_moment_of_the_clock_while_lists_are_held_and_is_woken_then() -> None:
    turns = ListTurns(1, clock=FakeClock())
    woken: list[str] = []
    with ExitStack() as stack:
        with turns.held():
            for name in ("first", "second"):
                stack.enter_context(turns.asked("things", lambda name=name: woken.append(name)))
            assert turns.patience() is None
            assert woken == []
        assert woken == ["first", "second"]
        assert turns.patience() == 5.0


def test_a_waiting_list_looks_for_lists_that_hang_without_being_woken() -> None:
    clock = FakeClock()
    gate = Gate()
    turns = ListTurns(1, clock=clock)
    with informer(namespaces(gate, 2), list_turns=turns, clock=clock) as made:
        made.start()
        eventually(lambda: "1 waiting" in repr(turns) and gate.under_way == 1)
        eventually(lambda: (clock.advance(5.0), gate.under_way == 2)[1])
        gate.open.set()
        started(made)


def test_a_list_that_fails_and_waits_for_its_next_try_holds_up_no_other() -> None:
    gate = Gate(is_open=True)
    sources = namespaces(gate, 6)
    for number in range(4):
        sources[f"n{number}"].list_error = StatusError("no", code=500)
    turns = ListTurns(1)
    with informer(sources, list_turns=turns, options=QUICK) as made:
        made.start()
        eventually(lambda: made.has_listed("n4") and made.has_listed("n5"))


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "4", None])
def test_a_bound_that_is_not_a_number_of_lists_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="at_once must be a whole number, 1 or more"):
        ListTurns(wrong)


def test_something_else_in_the_place_of_the_bound_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"list_turns must be ListTurns, for example ListTurns\(4\): got 4"):
        SharedInformer(FakeSource(), list_turns=4)  # type: ignore[arg-type]


def all_turns(count: int) -> float:
    """Have so many ask, half of them leave, and the rest begin one after the other; return the processor's seconds."""
    turns = ListTurns(1)
    begun: list[int] = []
    # The collector would look at what other tests have left.
    gc.collect()
    gc.disable()
    start = time.process_time()
    asked = [turns.asked(f"kind-{number % 7}", lambda number=number: begun.append(number)) for number in range(count)]
    for turn in asked:
        turn.__enter__()
    for turn in reversed(asked[1::2]):
        turn.__exit__(None, None, None)
    for number in begun:  # which grows by the one that begins when another ends
        asked[number].__exit__(None, None, None)
    seconds = time.process_time() - start
    gc.enable()
    assert len(begun) == count // 2
    return seconds


def test_turns_cost_eight_times_as_much_for_eight_times_as_many() -> None:
    small = min(all_turns(1_000) for _ in range(3))
    assert min(all_turns(8_000) for _ in range(3)) < 24 * small
