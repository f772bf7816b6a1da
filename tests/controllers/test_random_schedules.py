"""Random schedules of changes, failures, later times, lost answers, late watches and overlapping turns.

Turns are begun and ended by hand, so that several overlap without a thread. The invariants: no name has two turns at
once, no turn makes more than is wanted, nothing is forgotten, and at the end what is equals what should be.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from informers import NotFoundError, ObjectName
from informers.controllers import Controller, Result, TerminalError, by_controller
from informers.controllers._turns import Turn
from informers.testing import FakeClock
from informers.workqueue import ItemExponentialFailureRateLimiter
from tests.controllers.cluster import OWNERS, PODS, Cluster, Refusal, kind_of, settled, started
from tests.properties.profile import histories

NAMES = [ObjectName("shop", name) for name in ("web", "api", "db")]
PATH = "http://cluster/api/v1/namespaces/shop/pods"


class Schedules(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.cluster, self.clock = Cluster(), FakeClock()
        self.owners = self.stack.enter_context(kind_of(self.cluster, OWNERS))
        self.pods = self.stack.enter_context(kind_of(self.cluster, PODS))
        self.mine = by_controller(self.pods)
        self.turns: dict[ObjectName, Turn] = {}
        self.made_too_many = 0
        limiter: Any = ItemExponentialFailureRateLimiter(0.1, 10.0)
        self.controller = Controller("sets", self.owners, lambda name: None, limiter=limiter, clock=self.clock)
        self.controller.owns(self.pods)
        self.rest: Any = self.controller.client(self.cluster).rest_client
        for name in NAMES:
            self.want(name, 3)
        started(self.owners, self.pods)
        settled(self.controller, self.cluster)

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
            turn = self.controller._turns.begin(timeout=0)
        except TimeoutError:
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
        turn = self.turns.pop(name)
        try:
            if kind == "raise":
                raise ValueError("by chance")
            if kind == "give up":
                raise TerminalError("by chance")
            turn.context.run(self.reconcile, name)
        except Exception as error:  # noqa: BLE001  as a worker does
            self.controller._turns.end(turn, error=error)
            if kind == "give up":
                self.controller.enqueue(name)  # its next event
        else:
            self.controller._turns.end(turn, result=Result(requeue_after=5.0) if kind == "later" else None)

    def reconcile(self, name: ObjectName) -> None:
        try:
            owner = self.owners.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        have = self.mine.of(owner)
        uid = owner["metadata"]["uid"]
        reference = {
            "apiVersion": "example.com/v1",
            "kind": "PodSet",
            "name": name.name,
            "uid": uid,
            "controller": True,
        }
        for _ in range(owner["replicas"] - len(have)):
            metadata = {"generateName": f"{name.name}-", "ownerReferences": [reference]}
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
            for name in list(self.turns):
                self.controller._turns.end(self.turns.pop(name), error=ValueError("at the end"))
            for _ in range(12):
                for plural in ("podsets", "pods"):
                    self.cluster.bookmark(plural)
                settled(self.controller, self.cluster)
                self.clock.advance(15.0)
                self.take()
                while self.turns:
                    self.end(0, "work")
                    self.take()
            for (plural, _), obj in list(self.cluster.objects.items()):
                if plural == "podsets":
                    assert self.there(obj["metadata"]["uid"]) == obj["replicas"], (
                        "what is does not equal what should be"
                    )
            assert self.controller.health().running == {}
            assert self.controller.health().postponed == {}
            assert self.controller.stop()


TestSchedules = Schedules.TestCase
TestSchedules.settings = histories(100, steps=40)
