"""Random schedules of changes, resyncs, failures, later times, lost answers, late watches, restarts, overlapping turns.

Turns are begun and ended by hand, so that several overlap: without a thread, or as tasks of a loop. The invariants: no
name has two turns at once, no turn makes more than is wanted, nothing is forgotten, and at the end what is equals what
should be. Then the same with workers in threads, which nobody holds by the hand.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from informers import NotFoundError, ObjectName, Signal, StoppedError, aio
from informers.controllers import Controller, Result, TerminalError, by_controller
from informers.controllers._turns import Turn
from informers.testing import FakeClock
from informers.workqueue import ItemExponentialFailureRateLimiter
from tests.aio.looping import settle
from tests.controllers.cluster import OWNERS, PODS, Cluster, Refusal, kind_of, settled, started
from tests.controllers.pod_sets import reference_to
from tests.properties.profile import histories
from tests.waiting import eventually

NAMES = [ObjectName("shop", name) for name in ("web", "api", "db")]
PATH = "http://cluster/api/v1/namespaces/shop/pods"


class Schedules(RuleBasedStateMachine):
    """A machine whose turns are begun and ended without a thread."""

    @initialize()
    def begin(self) -> None:
        self.cluster, self.clock = Cluster(), FakeClock()
        self.made_too_many = 0
        self.turns: dict[ObjectName, Any] = {}
        self.begin_to_follow()
        for name in NAMES:
            self.want(name, 3)

    def begin_to_follow(self) -> None:
        """Start caches and a controller: a process that begins."""
        self.stack = ExitStack()
        self.owners = self.stack.enter_context(kind_of(self.cluster, OWNERS))
        self.pods = self.stack.enter_context(kind_of(self.cluster, PODS))
        self.mine = by_controller(self.pods)
        self.controller: Any = self.make_controller(ItemExponentialFailureRateLimiter(0.1, 10.0))
        self.controller.owns(self.pods)
        self.rest: Any = self.controller.client(self.cluster).rest_client
        started(self.owners, self.pods)
        settled(self.controller, self.cluster)

    def make_controller(self, limiter: Any) -> Any:
        return Controller("sets", self.owners, lambda name: None, limiter=limiter, clock=self.clock)

    @rule(one_in=st.integers(0, 5))
    def restart(self, one_in: int) -> None:
        """Stop the controller while turns are under way, and begin anew with caches of their own."""
        if one_in:
            return
        with self.stack:
            self.begin_to_stop()
            self.take()
            for name in sorted(self.turns):
                self.end_turn(name, "work")
            self.finish()
            assert self.controller.health().running == {}
        self.begin_to_follow()

    def begin_to_stop(self) -> None:
        self.controller.stop(timeout=0)
        before = len(self.turns)
        self.take()
        assert len(self.turns) == before, "a turn was begun after the stop"

    def finish(self) -> None:
        assert self.controller.stop()

    # What users do.

    @rule(name=st.sampled_from(NAMES), replicas=st.integers(0, 4))
    def want(self, name: ObjectName, replicas: int) -> None:
        metadata = {"namespace": name.namespace, "name": name.name}
        self.cluster.apply("podsets", {"metadata": metadata, "replicas": replicas})

    @rule(number=st.integers(0, 20))
    def lose_a_pod(self, number: int) -> None:
        pods = self.cluster.named("pods")
        if pods:
            self.cluster.remove("pods", pods[number % len(pods)])

    @rule(name=st.sampled_from(NAMES))
    def ask(self, name: ObjectName) -> None:
        self.controller.enqueue(name)

    @rule(name=st.sampled_from(NAMES))
    def resync(self, name: ObjectName) -> None:
        """Repeat what is known, with low priority."""
        self.controller._turns.queue.add(name, low_priority=True)

    # What the network does.

    @rule(plural=st.sampled_from(["pods", "podsets"]), count=st.integers(1, 5))
    def deliver(self, plural: str, count: int) -> None:
        self.cluster.deliver(plural, count)
        settled(self.controller, self.cluster)

    @rule(plural=st.sampled_from(["pods", "podsets"]))
    def bookmark(self, plural: str) -> None:
        self.cluster.bookmark(plural)
        settled(self.controller, self.cluster)

    @rule(failure=st.sampled_from([409, 429, 500, "lost"]))
    def fail_the_next_write(self, failure: int | str) -> None:
        self.cluster.failures.append(failure)

    @rule(seconds=st.sampled_from([0.05, 1.0, 15.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # What workers do.

    @rule()
    def take(self) -> None:
        try:
            turn = self.controller._turns.begin(self.controller._turns.queue.get(timeout=0))
        except (TimeoutError, StoppedError):
            return
        if isinstance(turn, Turn):
            assert turn.name not in self.turns, "a name is in two pairs of hands"
            self.turns[turn.name] = turn

    @rule(name=st.sampled_from(NAMES))
    def look(self, name: ObjectName) -> None:
        """Play a worker that is quick, on a name that somebody asked for."""
        self.controller.enqueue(name)
        self.take()
        self.end(0, "work")

    @rule(number=st.integers(0, 2), kind=st.sampled_from(["work", "work", "work", "raise", "later", "give up"]))
    def end(self, number: int, kind: str) -> None:
        if not self.turns:
            return
        name = sorted(self.turns)[number % len(self.turns)]
        self.end_turn(name, kind)
        if kind == "give up":
            self.controller.enqueue(name)  # its next event

    def end_turn(self, name: ObjectName, kind: str) -> None:
        turn = self.turns.pop(name)
        try:
            result = turn.context.run(self.reconcile, name, kind)
        except Exception as error:  # noqa: BLE001  as a worker does
            self.controller._turns.end(turn, error=error)
        else:
            self.controller._turns.end(turn, result=result)

    def reconcile(self, name: ObjectName, kind: str) -> Result | None:
        if kind == "raise":
            raise ValueError("by chance")
        if kind == "give up":
            raise TerminalError("by chance")
        self.write(name)
        return Result(requeue_after=5.0) if kind == "later" else None

    def write(self, name: ObjectName) -> None:
        try:
            owner = self.owners.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        have = self.mine.of(owner)
        uid = owner["metadata"]["uid"]
        for _ in range(owner["replicas"] - len(have)):
            metadata = {"generateName": f"{name.name}-", "ownerReferences": [reference_to(owner)]}
            self.rest.request("POST", PATH, body={"metadata": metadata})
            there = self.there(uid)
            if there > max(owner["replicas"], len(have)):
                self.made_too_many += 1
        for pod in have[owner["replicas"] :]:
            try:
                self.rest.request("DELETE", f"{PATH}/{pod['metadata']['name']}")
            except Refusal as refusal:
                if refusal.status != 404:
                    raise

    def there(self, uid: str) -> int:
        return sum(
            obj["metadata"]["ownerReferences"][0]["uid"] == uid
            for (plural, _), obj in self.cluster.objects.items()
            if plural == "pods"
        )

    @invariant()
    def no_more_than_wanted_was_made(self) -> None:
        if hasattr(self, "made_too_many"):
            assert self.made_too_many == 0

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        with self.stack:
            self.cluster.failures.clear()
            for name in sorted(self.turns):
                self.end_turn(name, "raise")
            for _ in range(12):
                for plural in ("podsets", "pods"):
                    self.cluster.bookmark(plural)
                settled(self.controller, self.cluster)
                self.clock.advance(15.0)
                self.take()
                while self.turns:
                    self.end_turn(min(self.turns), "work")
                    self.take()
            for (plural, _), obj in list(self.cluster.objects.items()):
                if plural == "podsets":
                    assert self.there(obj["metadata"]["uid"]) == obj["replicas"], (
                        "what is does not equal what should be"
                    )
            health = self.controller.health()
            assert (health.waiting, health.running, health.postponed, health.failing) == (0, {}, {}, {})
            self.finish()


TestSchedules = Schedules.TestCase
TestSchedules.settings = histories(100, steps=40)


class SchedulesOfTasks(Schedules):
    """The same machine, whose turns are tasks of a loop, three at most: each waits to be told what becomes of it."""

    def make_controller(self, limiter: Any) -> Any:
        if not hasattr(self, "loop"):
            self.loop = asyncio.new_event_loop()
        found = aio.Controller("sets", self.owners, self.take_part, workers=3, limiter=limiter, clock=self.clock)
        self.running = self.loop.create_task(found.run(Signal(clock=self.clock)))
        return found

    async def take_part(self, name: ObjectName) -> Result | None:
        assert name not in self.turns, "a name is in two pairs of hands"
        self.turns[name] = decided = asyncio.get_running_loop().create_future()
        return self.reconcile(name, await decided)

    @rule()
    def take(self) -> None:
        self.loop.run_until_complete(settle())

    def end_turn(self, name: ObjectName, kind: str) -> None:
        self.turns.pop(name).set_result(kind)
        self.take()

    def begin_to_stop(self) -> None:
        self.take()
        before = set(self.turns)
        self.loop.run_until_complete(self.controller.stop(timeout=0))
        self.take()
        assert set(self.turns) == before, "a turn was begun after the stop"

    def finish(self) -> None:
        assert self.loop.run_until_complete(self.controller.stop())
        self.loop.run_until_complete(self.running)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "loop"):
            self.loop.close()


TestSchedulesOfTasks = SchedulesOfTasks.TestCase
TestSchedulesOfTasks.settings = histories(50, steps=40)


STEP = st.tuples(
    st.sampled_from(["want", "want low", "pass time", "deliver"]),
    st.integers(0, 4),
    st.sampled_from(["work", "raise", "later", "give up"]),
)


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_in_threads_make_what_is_equal_to_what_should_be(workers: int) -> None:
    @histories(15)
    @given(steps=st.lists(STEP, max_size=30))
    def play(steps: list[tuple[str, int, str]]) -> None:
        play_with_threads(steps, workers)

    play()


def play_with_threads(steps: list[tuple[str, int, str]], workers: int) -> None:
    """Change names in some order, with runs that end in some way; each must be done with its last change at the end."""
    lock = threading.Lock()
    inside: set[ObjectName] = set()
    wanted: dict[ObjectName, int] = {}
    done: dict[ObjectName, int] = {}
    ends: dict[ObjectName, list[str]] = {}
    faults: list[str] = []

    def reconcile(name: ObjectName) -> Result | None:
        with lock:
            if name in inside:
                faults.append(f"{name} is in two pairs of hands")
            inside.add(name)
            want, end = wanted[name], ends[name].pop(0) if ends.get(name) else "work"
        try:
            if end == "raise":
                raise ValueError("by chance")
            if end == "give up":
                controller.enqueue(name, after=1.0)  # its next event
                raise TerminalError("by chance")
            done[name] = want
            return Result(requeue_after=5.0) if end == "later" else None
        finally:
            with lock:
                inside.discard(name)

    def is_quiet() -> bool:
        # By the queue: a name that was just taken is neither waiting nor running for the controller yet.
        statistics = controller._turns.queue.statistics()
        return not (statistics.depth or statistics.processing)

    cluster, clock = Cluster(), FakeClock()
    with kind_of(cluster, OWNERS) as owners:
        limiter: Any = ItemExponentialFailureRateLimiter(0.1, 10.0)
        controller = Controller("sets", owners, reconcile, workers=workers, limiter=limiter, clock=clock)
        stop = Signal(clock=clock)
        runner = threading.Thread(target=controller.run, args=(stop,))
        runner.start()
        started(owners)
        try:
            for number, (step, which, end) in enumerate(steps):
                name = ObjectName("shop", str(which))
                if step == "pass time":
                    clock.advance(1.0)
                elif step == "deliver":
                    cluster.deliver("podsets", which)
                else:
                    with lock:
                        wanted[name] = number
                        ends.setdefault(name, []).append(end)
                    if step == "want":
                        cluster.apply("podsets", {"metadata": {"namespace": "shop", "name": name.name}})
                    else:
                        controller._turns.queue.add(name, low_priority=True)
            cluster.deliver("podsets")
            settled(controller, cluster)
            # A worker that was late has taken many steps of a name as one, and then meets their ends one a round.
            for _ in range(len(steps) + 1):
                eventually(is_quiet)
                clock.advance(15.0)
            eventually(is_quiet)
            assert controller.health().failing == {}
        finally:
            stop.set()
            runner.join(10)
        assert not runner.is_alive()
    assert faults == []
    assert done == wanted
