"""The controller of a loop: names at the same time, each once at a time, and nothing left behind however it ends."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from informers import ConfigurationError, NotSyncedError, ObjectName, Signal, StoppedError, aio
from informers.controllers import Processed, Result, TerminalError
from informers.errors import AlreadyStartedError
from informers.testing import FakeClock
from informers.workqueue import ItemExponentialFailureRateLimiter
from tests.aio.looping import LIMIT, run, settle, until
from tests.controllers.cluster import OWNERS, PODS, Cluster, kind_of, settled, started, written

WEB, API = ObjectName("shop", "web"), ObjectName("shop", "api")


class Script:
    """A reconcile function that writes down its names, and does what is next in its script."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)
        self.names: list[ObjectName] = []

    async def __call__(self, name: ObjectName) -> Any:
        self.names.append(name)
        await asyncio.sleep(0)
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, BaseException):
            raise step
        return await step(name) if callable(step) else step


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def owners(cluster: Cluster) -> Iterator[Any]:
    with kind_of(cluster, OWNERS) as kind:
        yield kind


@pytest.fixture
def make(owners: Any, clock: FakeClock) -> Callable[..., aio.Controller]:
    def made(reconcile: Any, **options: Any) -> aio.Controller:
        options.setdefault("limiter", ItemExponentialFailureRateLimiter(1.0, 60.0))
        return aio.Controller("owners", owners, reconcile, clock=clock, **options)

    return made


@asynccontextmanager
async def running(controller: aio.Controller, stop: Any = None) -> AsyncIterator[asyncio.Task[None]]:
    """Run a controller, and stop it at the end."""
    task = asyncio.create_task(controller.run(stop or asyncio.Event()))
    try:
        yield task
    finally:
        await controller.stop(LIMIT)
        await asyncio.wait({task})


def test_a_name_is_got_by_hand_and_again_as_its_result_says(owners: Any, make: Any, clock: FakeClock) -> None:
    started(owners)

    async def main() -> None:
        script = Script(None, Result(requeue_after=30.0), ValueError("no"), TerminalError("never"), "odd")
        controller = make(script)
        outcomes: list[str | None] = []

        async def step() -> None:
            processed = await controller.process_next()
            outcomes.append(None if processed is None else processed.outcome)

        await step()
        controller.enqueue(WEB)
        assert await controller.process_next() == Processed(WEB, "success", 0.0)
        controller.enqueue(WEB)
        await step()
        clock.advance(30.0)
        await step()
        clock.advance(1.0)
        await step()
        await step()
        controller.enqueue(WEB)
        await step()
        assert outcomes == [None, "requeue_after", "error", "terminal", None, "error"]
        assert controller.health().failing == {WEB: "ConfigurationError('a reconcile function must return None or a "
                                                    "Result: it returned str')"}  # fmt: skip

    run(main)


@pytest.mark.upstream(
    "kube-rs/kube-runtime/src/controller/runner.rs",
    "runner_should_never_run_two_instances_at_once",
    "runner_should_respect_max_concurrent_executions",
)
def test_names_are_in_work_at_the_same_time_up_to_the_bound_and_each_once_at_a_time(owners: Any, make: Any) -> None:
    started(owners)

    async def main() -> None:
        chance = random.Random(3)
        in_work: set[ObjectName] = set()
        most = 0
        done: Counter[ObjectName] = Counter()

        async def reconcile(name: ObjectName) -> None:
            nonlocal most
            assert name not in in_work, "two have the same name"
            in_work.add(name)
            most = max(most, len(in_work))
            for _ in range(chance.randrange(5)):
                await asyncio.sleep(0)
            in_work.remove(name)
            done[name] += 1

        controller = make(reconcile, workers=5)
        names = [ObjectName("shop", f"n{number}") for number in range(20)]
        async with running(controller):
            for _ in range(20):
                for name in names:
                    controller.enqueue(name)
                await asyncio.sleep(0)
            await until(lambda: set(done) == set(names) and controller.health().waiting == 0 and not in_work)
            assert most == 5

    run(main)


def test_a_hundred_names_that_all_wait_are_in_work_at_once(owners: Any, make: Any) -> None:
    started(owners)

    async def main() -> None:
        go_on = asyncio.Event()
        begun: list[ObjectName] = []

        async def reconcile(name: ObjectName) -> None:
            begun.append(name)
            await go_on.wait()

        controller = make(reconcile, workers=100)
        threads = threading.active_count()
        async with running(controller):
            for number in range(100):
                controller.enqueue(ObjectName("shop", f"n{number}"))
            await until(lambda: len(begun) == 100)
            assert len(controller.health().running) == 100
            assert threading.active_count() == threads
            go_on.set()

    run(main)


@pytest.mark.upstream(
    "kube-rs/kube-runtime/src/controller/runner.rs", "runner_should_dedupe_while_waiting_for_readiness"
)
def test_what_is_there_and_what_changes_is_looked_at_once_every_handler_was_given_the_first_of_it(
    cluster: Cluster, owners: Any, make: Any
) -> None:
    async def main() -> None:
        script = Script()
        controller = make(script)
        written(cluster, "podsets", WEB)
        async with running(controller):
            controller.enqueue(WEB)
            await settle()
            assert script.names == []
            await asyncio.to_thread(started, owners)
            await until(lambda: script.names == [WEB])
            written(cluster, "podsets", API)
            cluster.deliver("podsets")
            await until(lambda: script.names == [WEB, API])

    run(main)


def test_a_failure_is_tried_again_when_the_clock_says_so(owners: Any, make: Any, clock: FakeClock) -> None:
    started(owners)

    async def main() -> None:
        script = Script(ValueError("1"), ValueError("2"))
        controller = make(script)
        async with running(controller):
            controller.enqueue(WEB)
            for tries, pause in ((1, 1.0), (2, 2.0)):
                await until(lambda tries=tries: len(script.names) == tries and controller.health().delayed == 1)  # type: ignore[misc]
                await until(lambda pause=pause: clock.next_deadline() == clock.monotonic() + pause)  # type: ignore[misc]
                clock.advance(pause)
            await until(lambda: len(script.names) == 3)

    run(main)


@pytest.mark.parametrize("make_stop", [asyncio.Event, threading.Event, Signal])
def test_a_stop_of_whatever_kind_ends_it_after_what_is_in_work_and_drops_what_waits(
    owners: Any, make: Any, make_stop: Callable[[], Any]
) -> None:
    started(owners)

    async def main() -> None:
        go_on, begun, ended = asyncio.Event(), asyncio.Event(), []

        async def reconcile(name: ObjectName) -> None:
            begun.set()
            await go_on.wait()
            ended.append(name)

        controller = make(reconcile)
        stop = make_stop()
        task = asyncio.create_task(controller.run(stop))
        controller.enqueue(WEB)
        controller.enqueue(API)
        await begun.wait()
        stop.set()
        await until(lambda: controller.health().stopped)
        assert not task.done()
        go_on.set()
        await task
        assert ended == [WEB]
        with pytest.raises(StoppedError):
            await controller.run(stop)

    run(main)


def test_a_stop_set_while_caches_are_filled_ends_it_without_an_error(owners: Any, make: Any) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(make(Script()).run(stop))
        await settle()
        stop.set()
        await task

    run(main)


def test_caches_that_are_not_filled_in_time_are_an_error_that_names_them(
    owners: Any, make: Any, clock: FakeClock
) -> None:
    async def main() -> None:
        task = asyncio.create_task(make(Script(), sync_timeout=5.0).run(asyncio.Event()))
        await settle()
        clock.advance(5.0)
        with pytest.raises(NotSyncedError, match=r"the controller owners can't begin: handler .* of podsets"):
            await task

    run(main)


def test_a_drain_gives_all_that_wait_their_turn_and_those_that_come_again_while_in_work(owners: Any, make: Any) -> None:
    started(owners)

    async def main() -> None:
        names: list[ObjectName] = []

        async def reconcile(name: ObjectName) -> None:
            names.append(name)
            if names.count(name) == 1:
                await asyncio.sleep(0)
                controller.enqueue(name)

        controller = make(reconcile, workers=2)
        task = asyncio.create_task(controller.run(asyncio.Event()))
        for number in range(10):
            controller.enqueue(ObjectName("shop", f"n{number}"))
        await until(lambda: len(set(names)) == 10)
        assert await controller.stop(LIMIT, drain=True)
        await task
        assert {name.name for name in names} == {f"n{number}" for number in range(10)}
        assert controller.health().waiting == 0

    run(main)


def test_a_drain_while_it_waits_for_caches_drops_the_names_and_ends_at_once(owners: Any, make: Any) -> None:
    async def main() -> None:
        controller = make(Script(), sync_timeout=None)
        controller.enqueue(WEB)
        task = asyncio.create_task(controller.run(asyncio.Event()))
        await settle()
        assert await controller.stop(None, drain=True)
        await task

    run(main)


def test_a_stop_gives_up_after_its_timeout_and_the_run_continues_to_its_end(
    owners: Any, make: Any, clock: FakeClock
) -> None:
    started(owners)

    async def main() -> None:
        go_on, begun = asyncio.Event(), asyncio.Event()

        async def reconcile(_name: ObjectName) -> None:
            begun.set()
            await go_on.wait()

        controller = make(reconcile)
        task = asyncio.create_task(controller.run(asyncio.Event()))
        controller.enqueue(WEB)
        await begun.wait()
        stopping = asyncio.create_task(controller.stop(5.0))
        await until(lambda: clock.next_deadline() == 5.0)
        clock.advance(5.0)
        assert not await stopping
        go_on.set()
        await task
        assert await controller.stop(0)

    run(main)


def test_a_stop_within_the_reconcile_function_does_not_wait_for_itself(owners: Any, make: Any) -> None:
    started(owners)

    async def main() -> None:
        async def reconcile(_name: ObjectName) -> None:
            assert not await controller.stop(drain=True)

        controller = make(reconcile)
        controller.enqueue(WEB)
        await controller.run(asyncio.Event())

    run(main)


def test_a_run_that_is_cancelled_cancels_what_is_in_work_and_waits_for_its_end(owners: Any, make: Any) -> None:
    started(owners)

    async def main() -> None:
        begun, cleaned_up = asyncio.Event(), []

        async def reconcile(name: ObjectName) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await settle()
                cleaned_up.append(name)

        controller = make(reconcile)
        task = asyncio.create_task(controller.run(asyncio.Event()))
        controller.enqueue(WEB)
        controller.enqueue(API)
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert cleaned_up == [WEB]
        assert controller.health().running == {}
        assert await controller.stop(0)

    run(main)


def test_a_run_that_is_cancelled_at_any_moment_of_its_stop_leaves_nothing_in_work(owners: Any, make: Any) -> None:
    started(owners)

    async def main() -> None:
        for steps in range(12):
            inside: list[ObjectName] = []

            async def reconcile(name: ObjectName, inside: list[ObjectName] = inside) -> None:
                inside.append(name)
                try:
                    await asyncio.Event().wait()
                finally:
                    await settle()
                    inside.remove(name)

            controller = make(reconcile, workers=2)
            stop = asyncio.Event()
            task = asyncio.create_task(controller.run(stop))
            controller.enqueue(WEB)
            controller.enqueue(API)
            await until(lambda inside=inside: len(inside) == 2)  # type: ignore[misc]
            stop.set()
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()
            assert (inside, controller.health().running) == ([], {})

    run(main)


def test_a_name_whose_task_is_cancelled_by_another_is_tried_again_and_only_when_it_has_ended(
    owners: Any, make: Any, clock: FakeClock
) -> None:
    started(owners)

    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []
        ending = asyncio.Event()

        async def reconcile(_name: ObjectName) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.append(task)
            if len(tasks) == 1:
                try:
                    await asyncio.Event().wait()
                finally:
                    await ending.wait()

        controller = make(reconcile, workers=3)
        async with running(controller):
            controller.enqueue(WEB)
            await until(lambda: tasks)
            tasks[0].cancel()
            controller.enqueue(WEB)
            await settle()
            assert len(tasks) == 1
            ending.set()
            await until(lambda: len(tasks) == 2)
            await until(lambda: controller.health().failing == {})

    run(main)


def test_a_turn_that_was_cancelled_before_it_began_is_given_back(owners: Any, make: Any) -> None:
    started(owners)

    async def main() -> None:
        controller = make(Script())
        controller.enqueue(WEB)
        processing = asyncio.create_task(controller.process_next())
        await asyncio.sleep(0)
        processing.cancel()
        await asyncio.wait({processing})
        assert processing.cancelled()
        assert controller.health().running == {}
        controller.enqueue(WEB)
        assert await controller.process_next() == Processed(WEB, "success", 0.0)

    run(main)


@pytest.mark.parametrize("by_hand", [True, False])
def test_an_exit_in_the_function_stops_the_controller_and_is_raised(owners: Any, make: Any, by_hand: bool) -> None:
    started(owners)

    async def main() -> None:
        controller = make(Script(SystemExit(3)))
        controller.enqueue(WEB)
        with pytest.raises(SystemExit):
            await (controller.process_next() if by_hand else controller.run(asyncio.Event()))
        assert controller.health().stopped
        assert controller.health().running == {}

    run(main)


def test_a_limiter_that_raises_stops_the_controller_and_is_raised(owners: Any, make: Any) -> None:
    started(owners)

    class Broken:
        def when(self, item: object, /) -> float:
            raise ZeroDivisionError

        def forget(self, item: object, /) -> None: ...

        def num_requeues(self, item: object, /) -> int:
            return 0

    async def main() -> None:
        controller = make(Script(ValueError("no")), limiter=Broken())
        controller.enqueue(WEB)
        with pytest.raises(ZeroDivisionError):
            await controller.run(asyncio.Event())

    run(main)


def test_its_own_writes_are_in_the_cache_before_the_next_turn_also_those_of_threads_that_it_awaits(
    cluster: Cluster, owners: Any, make: Any, clock: FakeClock
) -> None:
    with kind_of(cluster, PODS) as pods:
        started(owners, pods)

        async def main() -> None:
            counts: list[int] = []

            async def reconcile(name: ObjectName) -> None:
                have = pods.lister.namespace(name.namespace).list()
                counts.append(len(have))
                if len(have) < 2:
                    await asyncio.to_thread(create)

            def create() -> None:
                body = {"metadata": {"generateName": "pod-", "namespace": "shop"}}
                api.rest_client.request("POST", "http://cluster/api/v1/namespaces/shop/pods", body=body)

            controller = make(reconcile).watches(pods, lambda _pod: [WEB])
            api = controller.client(cluster)
            controller.enqueue(WEB)
            assert await controller.process_next() == Processed(WEB, "success", 0.0)
            for _ in range(3):
                controller.enqueue(WEB)
                processed = await controller.process_next()
                assert processed is not None
                assert processed.outcome == "stale"
            assert counts == [0]
            cluster.deliver("pods")
            await asyncio.to_thread(settled, controller, cluster)
            processed = await controller.process_next()
            assert processed is not None
            assert processed.outcome == "success"
            assert counts == [0, 1]
            await controller.stop()

        run(main)


POD: Any = {"metadata": {"generateName": "pod-", "namespace": "shop"}}
PODS_URL = "http://cluster/api/v1/namespaces/shop/pods"


class AsyncClient:
    """The client's asyncio variant, for a cluster in memory: the answers to writes come when `answers` is set."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.configuration = self
        self.host = "http://cluster"
        self.default_headers: dict[str, str] = {}
        self.cookie = None
        self.rest_client = self
        self.answers = asyncio.Event()

    async def auth_settings(self) -> dict[str, Any]:
        return {}

    async def request(self, method: str, url: str, headers: Any = None, body: Any = None, **_: Any) -> Any:
        answer = self.cluster.answer(method, url, body)
        if method != "GET":
            await self.answers.wait()
        return answer


@pytest.mark.parametrize("how", ["lost", "cancelled"])
def test_a_write_of_an_asyncio_client_that_was_not_answered_is_asked_for_and_waited_for(
    cluster: Cluster, owners: Any, make: Any, how: str
) -> None:
    with kind_of(cluster, PODS) as pods:
        started(owners, pods)

        async def main() -> None:
            async def reconcile(name: ObjectName) -> None:
                if pods.lister.list():
                    return
                if how == "lost":
                    cluster.failures.append("lost")
                    await api.rest_client.request("POST", PODS_URL, body=POD)
                creating = asyncio.create_task(api.rest_client.request("POST", PODS_URL, body=POD))
                await until(lambda: cluster.named("pods"))
                creating.cancel()
                await asyncio.wait({creating})

            controller = make(reconcile, limiter=ItemExponentialFailureRateLimiter(0.0, 0.0))
            api: Any = controller.watches(pods, lambda _pod: [WEB]).client(AsyncClient(cluster))
            outcomes: list[str | None] = []

            async def turn() -> None:
                controller.enqueue(WEB)
                processed = await controller.process_next()
                outcomes.append(processed and processed.outcome)

            await turn()
            await turn()
            await until(lambda: [method for method, _ in cluster.requests] == ["POST", "GET"])
            cluster.deliver("pods")
            await asyncio.to_thread(settled, controller, cluster)
            await turn()
            assert outcomes == ["error" if how == "lost" else "success", "stale", "success"]
            assert len(cluster.named("pods")) == 1
            await controller.stop()

        run(main)


def test_a_question_that_fails_is_asked_again_at_the_next_look_and_not_before(
    cluster: Cluster, owners: Any, make: Any
) -> None:
    asked: list[str] = []

    class Unreachable(AsyncClient):
        async def request(self, method: str, url: str, headers: Any = None, body: Any = None, **_: Any) -> Any:
            if method == "GET":
                asked.append(url)
                assert len(asked) < 50, "it is asked without a pause"
            raise ConnectionError("unreachable")

    with kind_of(cluster, PODS) as pods:
        started(owners, pods)

        async def main() -> None:
            async def reconcile(name: ObjectName) -> None:
                await api.rest_client.request("POST", PODS_URL, body=POD)

            controller = make(reconcile, limiter=ItemExponentialFailureRateLimiter(0.0, 0.0)).owns(pods)
            api: Any = controller.client(Unreachable(cluster))
            for questions in (0, 1, 2):
                controller.enqueue(WEB)
                await controller.process_next()
                for _ in range(100):
                    await asyncio.sleep(0)
                assert len(asked) == questions
            await controller.stop()

        run(main)


def test_the_loop_continues_while_the_server_is_asked_what_became_of_a_write(
    cluster: Cluster, owners: Any, make: Any
) -> None:
    asked, answers = threading.Event(), threading.Event()

    class Slow(Cluster):
        def answer(self, method: str, url: str, body: Any) -> Any:
            if method == "GET":
                asked.set()
                assert answers.wait(10)
            return super().answer(method, url, body)

    slow = Slow()
    with kind_of(slow, PODS) as pods:
        started(owners, pods)

        async def main() -> None:
            async def reconcile(name: ObjectName) -> None:
                slow.failures.append("lost")
                await asyncio.to_thread(api.rest_client.request, "POST", PODS_URL, body=POD)

            controller = make(reconcile, limiter=ItemExponentialFailureRateLimiter(0.0, 0.0)).owns(pods)
            api: Any = controller.client(slow)
            controller.enqueue(WEB)
            await controller.process_next()
            controller.enqueue(WEB)
            processed = await controller.process_next()
            assert processed is not None
            assert processed.outcome == "stale"
            await until(asked.is_set)
            answers.set()
            await controller.stop()

        run(main)


def test_mistakes_are_said_at_the_call(owners: Any, make: Any) -> None:
    async def two(_name: ObjectName, _other: object) -> None: ...

    async def main() -> None:
        with pytest.raises(ConfigurationError, match=r"reconcile must be a coroutine function .* takes a plain"):
            make(lambda name: two(name, name))
        with pytest.raises(ConfigurationError, match=r"reconcile must be a function of \(name\)"):
            make(two)
        controller = make(Script())
        for wrong in (None, "now"):
            with pytest.raises(ConfigurationError, match="stop must"):
                await controller.run(wrong)
        with pytest.raises(ConfigurationError, match="timeout must be None or not negative"):
            await controller.process_next(timeout=-1)
        async with running(controller):
            await settle()
            with pytest.raises(AlreadyStartedError):
                await controller.run(asyncio.Event())

    run(main)
