"""The loop: what becomes of a name, who is waited for, and how it ends."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from informers import (
    ConfigurationError,
    NotSyncedError,
    ObjectName,
    ResourceEventHandlerFuncs,
    Signal,
    StoppedError,
)
from informers.controllers import Controller, Processed, Result, TerminalError
from informers.controllers._names_handler import NamesHandler, own_name
from informers.controllers._turns import Turn
from informers.errors import AlreadyStartedError, TooManyRequestsError
from informers.testing import FakeClock
from informers.workqueue import ItemExponentialFailureRateLimiter, Queue
from tests.controllers.cluster import OWNERS, PODS, Cluster, Obj, Refusal, kind_of, settled, started, written
from tests.waiting import eventually

WEB, API = ObjectName("shop", "web"), ObjectName("shop", "api")


class Script:
    """A reconcile function that writes down its names, and does what is next in its script."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)
        self.names: list[ObjectName] = []

    def __call__(self, name: ObjectName) -> Any:
        self.names.append(name)
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, BaseException):
            raise step
        return step(name) if callable(step) else step


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
def make(owners: Any, clock: FakeClock) -> Callable[..., Controller]:
    def made(reconcile: Any, **options: Any) -> Controller:
        options.setdefault("limiter", ItemExponentialFailureRateLimiter(1.0, 60.0))
        return Controller("owners", owners, reconcile, clock=clock, **options)

    return made


def outcome(controller: Controller) -> str | None:
    processed = controller.process_next()
    return None if processed is None else processed.outcome


class TestResults:
    @pytest.fixture(autouse=True)
    def start(self, owners: Any) -> None:
        started(owners)

    def test_a_name_is_looked_at_once_however_often_it_was_asked_for(self, make: Any) -> None:
        script = Script()
        controller = make(script)
        controller.enqueue(WEB)
        controller.enqueue(WEB)
        processed = controller.process_next()
        assert processed == Processed(WEB, "success", 0.0)
        assert outcome(controller) is None
        assert script.names == [WEB]

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should requeue a Request after a duration (but not rate-limited) if the Result sets RequeueAfter "
        "(regardless of Requeue)",
    )
    def test_a_later_time_is_a_success_and_clears_the_failures(self, make: Any, clock: FakeClock) -> None:
        controller = make(Script(ValueError("no"), Result(requeue_after=30.0), ValueError("no")))
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        clock.advance(1.0)
        assert outcome(controller) == "requeue_after"
        clock.advance(29.0)
        assert outcome(controller) is None
        clock.advance(1.0)
        assert outcome(controller) == "error"
        clock.advance(1.0)  # the first pause again, and not the second
        assert outcome(controller) == "success"

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should not reset backoff until there's a non-error result",
        "should perform error behavior if error is not nil, regardless of RequeueAfter",
    )
    def test_pauses_grow_until_a_run_succeeds(self, make: Any, clock: FakeClock) -> None:
        controller = make(Script(ValueError("1"), ValueError("2"), ValueError("3"), None, ValueError("4")))
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        for pause in (1.0, 2.0, 4.0):
            clock.advance(pause - 0.1)
            assert outcome(controller) is None
            clock.advance(0.1)
            assert outcome(controller) in {"error", "success"}
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        clock.advance(1.0)
        assert outcome(controller) == "success"

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should not requeue a Request if there is a terminal error",
    )
    def test_a_terminal_error_waits_for_the_next_event_which_starts_afresh(self, make: Any, clock: FakeClock) -> None:
        controller = make(Script(ValueError("1"), TerminalError("no use"), ValueError("2")))
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        clock.advance(1.0)
        assert outcome(controller) == "terminal"
        clock.advance(1000.0)
        assert outcome(controller) is None
        assert "no use" in str(controller.health())
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        clock.advance(1.0)
        assert outcome(controller) == "success"
        assert controller.health().failing == {}

    @pytest.mark.parametrize(
        "error", [Refusal(429, {"Retry-After": "17"}), TooManyRequestsError("", code=429, retry_after=17.0)]
    )
    def test_a_server_that_was_asked_too_often_is_left_alone_for_as_long_as_it_said(
        self, make: Any, clock: FakeClock, error: Exception
    ) -> None:
        controller = make(Script(error))
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        clock.advance(16.9)
        assert outcome(controller) is None
        clock.advance(0.1)
        assert outcome(controller) == "success"

    def test_the_pause_of_the_limiter_counts_where_it_is_longer_than_the_servers(
        self, make: Any, clock: FakeClock
    ) -> None:
        controller = make(Script(Refusal(429, {"Retry-After": "0.5"})))
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        clock.advance(0.9)
        assert outcome(controller) is None

    @pytest.mark.upstream("EventProcessorTest.java", "ifExecutionInProgressWaitsUntilItsFinished")
    def test_what_changes_while_a_name_is_in_work_is_looked_at_after_it(self, make: Any) -> None:
        controller: Controller = make(Script(lambda name: controller.enqueue(name, after=0.0)))
        controller.enqueue(WEB)
        assert [outcome(controller), outcome(controller), outcome(controller)] == ["success", "success", None]

    @pytest.mark.upstream("EventProcessorTest.java", "reScheduleOnlyIfNotExecutedEventsReceivedMeanwhile")
    def test_of_a_later_time_and_a_change_meanwhile_the_change_counts(self, make: Any, clock: FakeClock) -> None:
        def reconcile(name: ObjectName) -> Result:
            controller.enqueue(name)
            return Result(requeue_after=30.0)

        controller: Controller = make(Script(reconcile))
        controller.enqueue(WEB)
        assert [outcome(controller), outcome(controller)] == ["requeue_after", "success"]
        clock.advance(60.0)
        assert outcome(controller) is None

    @pytest.mark.upstream(
        "kube-rs/kube-runtime/src/scheduler.rs", "scheduler_pending_message_should_not_block_head_of_line"
    )
    def test_a_name_that_waits_for_its_own_turn_to_end_keeps_no_other_waiting(self, make: Any) -> None:
        controller: Controller = make(Script())
        controller.enqueue(WEB)
        turn = controller._turns.begin(controller._turns.queue.get(timeout=0))
        controller.enqueue(WEB)
        controller.enqueue(API)
        processed = controller.process_next()
        assert processed is not None
        assert processed.name == API
        assert outcome(controller) is None
        assert isinstance(turn, Turn)
        controller._turns.end(turn)
        assert outcome(controller) == "success"

    def test_a_result_that_is_not_one_is_an_error_that_says_so(self, make: Any) -> None:
        controller = make(Script(True))
        controller.enqueue(WEB)
        processed = controller.process_next()
        assert isinstance(processed.error, ConfigurationError)
        assert "returned bool" in str(processed.error)

    @pytest.mark.parametrize("status", [None, 429, 409])
    def test_an_error_whose_attributes_raise_is_an_error_of_its_name(self, make: Any, status: int | None) -> None:
        class SpitefulError(Exception):
            def __getattr__(self, name: str) -> Any:
                raise ZeroDivisionError(name)

            def __str__(self) -> str:
                raise ZeroDivisionError

        error = SpitefulError()
        if status:
            error.status = status
        controller = make(Script(error))
        controller.enqueue(WEB)
        processed = controller.process_next()
        assert (processed.outcome, processed.error) == ("error", error)
        assert "SpitefulError" in controller.health().failing[WEB]

    def test_what_the_function_raises_besides_errors_goes_to_the_caller_and_the_name_is_free_again(
        self, make: Any
    ) -> None:
        controller = make(Script(SystemExit(3)))
        controller.enqueue(WEB)
        with pytest.raises(SystemExit):
            controller.process_next()
        controller.enqueue(WEB)
        assert outcome(controller) == "success"

    def test_a_limiter_that_raises_is_not_passed_over(self, make: Any) -> None:
        class Broken:
            def when(self, item: object, /) -> float:
                raise RuntimeError("broken")

            def forget(self, item: object, /) -> None: ...

            def num_requeues(self, item: object, /) -> int:
                return 0

        controller = make(Script(ValueError("no")), limiter=Broken())
        controller.enqueue(WEB)
        with pytest.raises(RuntimeError, match="broken"):
            controller.process_next()
        assert controller.health().running == {}

    @pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), float("nan"), "30", True])
    def test_a_later_time_is_a_number_of_seconds_above_zero(self, seconds: Any) -> None:
        with pytest.raises(ConfigurationError, match="requeue_after"):
            Result(requeue_after=seconds)

    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should lower the priority of a create request for an object that was part of the initial list",
        "should not lower the priority of a create request for an object that was not part of the initial list",
    )
    def test_names_of_the_initial_list_go_after_what_changed(self, cluster: Cluster, make: Any, owners: Any) -> None:
        for number in range(20):
            written(cluster, "podsets", ObjectName("shop", f"old-{number:02}"))
        cluster.deliver("podsets")
        owners.informer.wait_until_seen(str(cluster.version), timeout=10)
        script = Script()
        controller = make(script)
        settled(controller, cluster)
        for number in range(9):
            controller.enqueue(ObjectName("shop", f"new-{number}"))
        while outcome(controller):
            pass
        first = [name.name.partition("-")[0] for name in script.names[:9]]
        assert first == ["new"] * 7 + ["old", "new"], "each eighth is from the low lane"

    @pytest.mark.parametrize("step", [
        pytest.param(ValueError("no"), marks=pytest.mark.upstream(
            "controller-runtime/pkg/internal/controller/controller_test.go",
            "should retain the priority when there was an error")),
        pytest.param(Result(requeue_after=1.0), marks=pytest.mark.upstream(
            "controller-runtime/pkg/internal/controller/controller_test.go",
            "should retain the priority with RequeueAfter")),
    ], ids=["a failure", "a later time"])  # fmt: skip
    def test_a_name_keeps_its_lane_over_a_failure_and_a_later_time(
        self, cluster: Cluster, make: Any, owners: Any, clock: FakeClock, step: Any
    ) -> None:
        written(cluster, "podsets", WEB)
        cluster.deliver("podsets")
        owners.informer.wait_until_seen(str(cluster.version), timeout=10)
        script = Script(step)
        controller = make(script)
        settled(controller, cluster)
        assert outcome(controller) in {"error", "requeue_after"}
        clock.advance(1.0)
        controller.enqueue(API)
        assert [outcome(controller), outcome(controller)] == ["success", "success"]
        assert script.names == [WEB, API, WEB]


class TestLog:
    @pytest.fixture(autouse=True)
    def start(self, owners: Any) -> None:
        started(owners)

    def test_an_error_is_logged_with_its_trace_the_name_and_the_next_try(
        self, make: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        controller = make(Script(ValueError("bad\nthing")))
        controller.enqueue(WEB)
        controller.process_next()
        (record,) = [record for record in caplog.records if record.name == "informers.controllers"]
        assert record.levelno == logging.ERROR
        assert record.exc_info
        assert record.getMessage().startswith("owners shop/web ")
        assert r"ValueError('bad\nthing'); try 1, the next in 1 s" in record.getMessage()

    def test_an_error_at_a_stop_is_logged_without_a_next_try(self, make: Any, caplog: pytest.LogCaptureFixture) -> None:
        controller: Controller = make(Script(lambda name: controller.stop() or 1 / 0))
        controller.enqueue(WEB)
        assert outcome(controller) == "error"
        assert "ZeroDivisionError('division by zero'); not tried again, since the controller stops" in caplog.text

    @pytest.mark.parametrize("status", [404, 409])
    def test_that_others_were_quicker_is_one_line_without_a_trace(
        self, make: Any, caplog: pytest.LogCaptureFixture, status: int
    ) -> None:
        caplog.set_level(logging.INFO, "informers.controllers")
        controller = make(Script(Refusal(status)))
        controller.enqueue(WEB)
        controller.process_next()
        (record,) = [record for record in caplog.records if record.name == "informers.controllers"]
        assert (record.levelno, record.exc_info) == (logging.INFO, None)
        assert f"the server answered {status} 'Refused'" in record.getMessage()

    def test_lines_of_the_function_name_the_controller_the_name_and_the_run(
        self, make: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "informers.controllers")
        controller: Controller = make(Script(*[lambda name: controller.logger.info("100%% of %s", "it")] * 2))
        for _ in range(2):
            controller.enqueue(WEB)
            controller.process_next()
        records: list[Any] = [record for record in caplog.records if "of it" in record.getMessage()]
        assert {(record.controller, record.object) for record in records} == {("owners", "shop/web")}
        assert len({record.reconcile_id for record in records}) == 2
        assert records[0].getMessage() == f"owners shop/web {records[0].reconcile_id}: 100% of it"
        controller.logger.info("outside")
        assert caplog.records[-1].getMessage() == "owners: outside"

    def test_lines_of_the_function_are_lines_whatever_the_name_is(
        self, make: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "informers.controllers")
        controller: Controller = make(Script(lambda name: controller.logger.info("seen")))
        controller.enqueue(ObjectName("shop", "web\nadmin: all is well"))
        controller.process_next()
        assert [line for line in caplog.messages if "\n" in line] == []

    def test_a_log_that_raises_does_not_keep_a_name_from_being_done(self, make: Any) -> None:
        class Raising(logging.Filter):
            def filter(self, record: logging.LogRecord) -> bool:
                raise RuntimeError("no space left")

        logger = logging.getLogger("informers.controllers")
        raising = Raising()
        logger.addFilter(raising)
        try:
            controller = make(Script(ValueError("no")))
            controller.enqueue(WEB)
            assert outcome(controller) == "error"
        finally:
            logger.removeFilter(raising)
        assert controller.health().running == {}


class TestRun:
    """With threads and the real clock: `Controller.run`."""

    @pytest.fixture
    def run(self) -> Iterator[Callable[..., threading.Thread]]:
        threads: list[tuple[threading.Thread, threading.Event]] = []

        def begin(controller: Controller, raised: list[BaseException] | None = None) -> threading.Event:
            stop = threading.Event()

            def target() -> None:
                try:
                    controller.run(stop)
                except BaseException as error:
                    if raised is None:
                        raise
                    raised.append(error)

            thread = threading.Thread(target=target)
            threads.append((thread, stop))
            thread.start()
            return stop

        yield begin
        for thread, stop in threads:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()

    def test_it_works_until_stop_is_set_and_leaves_no_thread(self, owners: Any, cluster: Cluster, run: Any) -> None:
        written(cluster, "podsets", WEB)
        seen = threading.Event()
        controller = Controller("owners", owners, lambda name: seen.set())
        stop = run(controller)
        owners.informer.start()
        assert seen.wait(10)
        assert controller.health().is_live
        stop.set()
        assert controller._ended.wait(10)
        assert [thread.name for thread in threading.enumerate() if "controller-owners-" in thread.name] == []
        assert controller.health().reason == "stopped"

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should not call Reconcile until all event handlers have processed initial objects",
    )
    def test_no_name_is_looked_at_before_every_handler_has_been_given_what_was_there(
        self, owners: Any, cluster: Cluster, run: Any
    ) -> None:
        written(cluster, "podsets", WEB)
        written(cluster, "pods", API)
        gate, seen = threading.Event(), threading.Event()

        def names(_pod: Obj) -> list[ObjectName]:
            gate.wait(10)
            return [WEB]

        with kind_of(cluster, PODS) as pods:
            controller = Controller("owners", owners, lambda name: seen.set()).watches(pods, names)
            started(owners, pods)
            run(controller)
            eventually(lambda: controller.health().waiting)
            assert not controller.health().is_ready
            assert not seen.wait(0.05)
            gate.set()
            assert seen.wait(10)
            controller.stop()

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should recover panic if RecoverPanic is true by default",
        "should requeue a Request if there is an error and continue processing items",
    )
    @pytest.mark.parametrize("error", [ValueError("no"), AssertionError(), RecursionError(), MemoryError()])
    def test_a_function_that_raises_costs_no_worker_and_its_name_is_tried_again(
        self, owners: Any, run: Any, error: Exception
    ) -> None:
        done: list[ObjectName] = []
        errors = [error]

        def reconcile(name: ObjectName) -> None:
            if errors:
                raise errors.pop()
            done.append(name)

        limiter: Any = ItemExponentialFailureRateLimiter(0.001, 0.01)
        controller = Controller("owners", owners, reconcile, limiter=limiter)
        started(owners)
        run(controller)
        for name in (WEB, API):
            controller.enqueue(name)
        eventually(lambda: sorted(done) == [API, WEB] and controller.health().failing == {})

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should error when cache sync timeout occurs",
        "should error when Start() is blocking forever",
    )
    def test_caches_that_are_not_filled_in_time_are_named(self, owners: Any, clock: FakeClock, run: Any) -> None:
        controller = Controller("owners", owners, Script(), sync_timeout=5.0, clock=clock)
        # Signals wait by the clock, so that it can be moved; Events wait in real time.
        mover = threading.Thread(target=lambda: (clock.wait_for_waiters(), clock.advance(5.0)))
        mover.start()
        with pytest.raises(
            NotSyncedError,
            match=r"the controller owners can't begin: handler controller owners of podsets[^ ]*: not started",
        ):
            controller.run(Signal(clock=clock))
        mover.join(10)
        assert controller.stop()

    def test_a_controller_that_can_not_begin_says_why_every_ten_seconds(
        self, owners: Any, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        stop = Signal(clock=clock)
        running = threading.Thread(target=Controller("owners", owners, Script(), clock=clock).run, args=[stop])
        running.start()
        for said, seconds in enumerate((10.0, 10.0, 50.0), start=1):
            clock.wait_for_waiters()
            clock.advance(seconds)
            eventually(lambda said=said: len(caplog.messages) == said)
        clock.wait_for_waiters()
        stop.set()
        running.join(10)
        assert len(caplog.messages) == 3
        assert all("owners can't begin yet: handler controller owners" in line for line in caplog.messages)

    def test_caches_may_be_waited_for_without_a_limit(self, owners: Any, clock: FakeClock, run: Any) -> None:
        seen = threading.Event()
        controller = Controller("owners", owners, lambda _name: seen.set(), sync_timeout=None, clock=clock)
        run(controller)
        eventually(lambda: controller.health().started)
        clock.advance(1e6)
        started(owners)
        controller.enqueue(WEB)
        assert seen.wait(10)

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should not error when controller Start context is cancelled during Sources WaitForSync",
    )
    @pytest.mark.parametrize("stop", [threading.Event, Signal])
    def test_a_stop_while_it_waits_for_caches_is_not_an_error(self, owners: Any, stop: Any) -> None:
        controller = Controller("owners", owners, Script())
        flag = stop()
        thread = threading.Thread(target=controller.run, args=(flag,))
        thread.start()
        eventually(lambda: controller.health().started)
        flag.set()
        thread.join(10)
        assert not thread.is_alive()

    def test_it_ends_with_an_informer_that_it_follows_and_writes_the_reason_to_the_log(
        self, owners: Any, run: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        reconcile = Script()
        controller = Controller("owners", owners, reconcile)
        started(owners)
        controller.enqueue(WEB)
        run(controller)
        eventually(lambda: reconcile.names)
        assert owners.informer.stop(10)
        assert controller._ended.wait(10)
        assert "controller owners: ends, since the informer of podsets.example.com was stopped" in caplog.text

    def test_it_is_not_live_where_an_informer_has_been_stopped_and_takes_no_name(self, owners: Any) -> None:
        controller = Controller("owners", owners, Script())
        started(owners)
        eventually(lambda: controller.health().is_ready)
        controller.enqueue(WEB)
        assert owners.informer.stop(10)
        assert not controller.health().is_live
        with pytest.raises(StoppedError, match=r"the controller owners can't go on after the stop of podsets"):
            controller.process_next()
        controller.run(Signal())  # ends at once
        assert controller.stop()

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should return an error if it gets started more than once",
    )
    def test_it_runs_once(self, owners: Any, run: Any) -> None:
        controller = Controller("owners", owners, Script())
        run(controller)
        eventually(lambda: controller.health().started)
        with pytest.raises(AlreadyStartedError, match="runs already"):
            controller.run(threading.Event())
        with pytest.raises(AlreadyStartedError, match="say first what it follows"):
            controller.watches(owners, lambda _obj: [])
        assert controller.stop()
        for late in (lambda: controller.run(threading.Event()), lambda: controller.watches(owners, lambda _obj: [])):
            with pytest.raises(StoppedError, match="has been stopped"):
                late()

    def test_names_that_wait_are_dropped_at_a_stop_and_what_is_in_work_is_waited_for(
        self, owners: Any, cluster: Cluster, run: Any
    ) -> None:
        inside, gate, names = threading.Event(), threading.Event(), list[ObjectName]()

        def reconcile(name: ObjectName) -> None:
            names.append(name)
            inside.set()
            gate.wait(10)

        controller = Controller("owners", owners, reconcile)
        started(owners)
        run(controller)
        for number in range(100):
            controller.enqueue(ObjectName("shop", str(number)))
        assert inside.wait(10)
        assert not controller.stop(timeout=0.05)
        gate.set()
        assert controller.stop(timeout=10)
        assert len(names) == 1

    def test_a_drain_gives_names_that_wait_their_turn(self, owners: Any, run: Any) -> None:
        names: list[ObjectName] = []
        controller = Controller("owners", owners, names.append, workers=3)
        started(owners)
        for number in range(100):
            controller.enqueue(ObjectName("shop", str(number)))
        controller.enqueue(WEB, after=3600.0)
        run(controller)
        eventually(lambda: names)
        assert controller.stop(timeout=10, drain=True)
        assert len(names) == 100

    def test_a_drain_while_it_waits_for_caches_drops_the_names_and_ends_at_once(self, owners: Any, run: Any) -> None:
        controller = Controller("owners", owners, Script(), sync_timeout=None)
        controller.enqueue(WEB)
        run(controller)
        eventually(lambda: controller.health().started)
        assert controller.stop(timeout=None, drain=True)

    @pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
    def test_what_would_end_a_worker_in_silence_stops_the_controller_and_run_raises_it(
        self, owners: Any, run: Any, error: BaseException
    ) -> None:
        controller = Controller("owners", owners, Script(error), workers=3)
        started(owners)
        raised: list[BaseException] = []
        run(controller, raised)
        controller.enqueue(WEB)
        assert controller._ended.wait(10)
        eventually(lambda: raised)
        assert raised == [error]

    def test_no_name_is_in_two_pairs_of_hands(self, owners: Any, run: Any) -> None:
        lock, inside, twice, count = threading.Lock(), set[ObjectName](), list[ObjectName](), [0]

        def reconcile(name: ObjectName) -> None:
            with lock:
                if name in inside:
                    twice.append(name)
                inside.add(name)
            time.sleep(0.0005)
            with lock:
                inside.discard(name)
                count[0] += 1

        controller = Controller("owners", owners, reconcile, workers=8)
        started(owners)
        run(controller)
        for number in range(400):
            controller.enqueue(ObjectName("shop", str(number % 7)))
        eventually(lambda: count[0] >= 7 and controller.health().waiting == 0 and not controller.health().running)
        assert twice == []
        controller.stop()

    def test_the_function_may_stop_its_controller(self, owners: Any, run: Any) -> None:
        results: list[bool] = []
        controller: Controller = Controller("owners", owners, lambda name: results.append(controller.stop()))
        started(owners)
        run(controller)
        controller.enqueue(WEB)
        assert controller._ended.wait(10)
        assert results == [False], "it can't wait for itself"

    def test_a_run_that_takes_too_long_is_reported_and_continues(
        self, owners: Any, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        inside, gate = threading.Event(), threading.Event()
        controller = Controller(
            "owners", owners, lambda name: bool(inside.set() or gate.wait(10)) and None, run_timeout=60.0, clock=clock
        )
        started(owners)
        stop = Signal(clock=clock)
        thread = threading.Thread(target=controller.run, args=(stop,))
        thread.start()
        controller.enqueue(WEB)
        assert inside.wait(10)
        assert controller.health().is_live
        clock.advance(60.0)
        eventually(lambda: "shop/web: has been in work for 60 s, and goes on" in caplog.text)
        assert controller.health().reason == "shop/web has been in work for 60 s"
        assert controller.health().longest_run == 60.0
        gate.set()
        stop.set()
        thread.join(10)
        assert not thread.is_alive()

    @pytest.mark.upstream(
        "controller-runtime/pkg/internal/controller/controller_test.go",
        "should be called before leader election runnables if warmup is enabled",
    )
    def test_the_queue_fills_before_it_runs(self, owners: Any, cluster: Cluster, clock: FakeClock) -> None:
        written(cluster, "podsets", WEB)
        controller = Controller("owners", owners, Script(), clock=clock)
        started(owners)
        settled(controller, cluster)
        health = controller.health()
        assert (health.started, health.waiting, health.is_ready, health.is_live) == (False, 1, True, True)
        assert str(health) == "controller owners: not started, 1 waiting, 0 running"

    def test_a_stopped_controller_hears_of_nothing_any_more(self, owners: Any, cluster: Cluster) -> None:
        controller = Controller("owners", owners, Script())
        assert controller.stop()
        assert owners.informer.health().handlers == ()
        controller.enqueue(WEB)
        with pytest.raises(StoppedError):
            controller.process_next()

    def test_an_informer_that_is_stopped_before_it_was_ready_ends_the_wait(self, owners: Any, run: Any) -> None:
        controller = Controller("owners", owners, Script())
        raised: list[BaseException] = []
        run(controller, raised)
        eventually(lambda: controller.health().started)
        owners.informer.stop(10)
        assert controller._ended.wait(10)
        eventually(lambda: raised)
        assert isinstance(raised[0], NotSyncedError)


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"name": ""}, "needs a name"),
            ({"kind": "pods"}, "expected a kind of a factory"),
            ({"reconcile": None}, "got None"),
            ({"reconcile": lambda: None}, r"reconcile must be a function of \(name\)"),
            ({"workers": 0}, "workers"),
            ({"limiter": 3}, "limiter"),
            ({"predicate": lambda new: True}, "predicate"),
            ({"sync_timeout": 0}, "sync_timeout"),
            ({"own_writes_timeout": -1}, "own_writes_timeout"),
            ({"run_timeout": "1"}, "run_timeout"),
        ],
    )
    def test_what_is_wrong_is_said_at_the_call(self, owners: Any, options: dict[str, Any], message: str) -> None:
        arguments = {"name": "owners", "kind": owners, "reconcile": Script(), **options}
        with pytest.raises(ConfigurationError, match=message):
            Controller(arguments.pop("name"), arguments.pop("kind"), arguments.pop("reconcile"), **arguments)

    def test_a_coroutine_function_is_for_the_other_controller(self, owners: Any) -> None:
        async def reconcile(name: ObjectName) -> None: ...

        with pytest.raises(ConfigurationError, match=r"informers\.aio\.Controller takes those"):
            Controller("owners", owners, reconcile)  # type: ignore[arg-type]

    @pytest.mark.parametrize("stop", [None, 3, threading.Event])
    def test_a_stop_has_the_methods_of_an_event(self, owners: Any, stop: Any) -> None:
        if stop is threading.Event:
            stop = object()
        with pytest.raises(ConfigurationError, match="stop must"):
            Controller("owners", owners, Script()).run(stop)

    @pytest.mark.parametrize(("name", "after"), [("shop/web", 0.0), (WEB, -1.0), (WEB, "1"), (None, 0.0)])
    def test_what_is_enqueued_is_a_name_and_a_time(self, owners: Any, name: Any, after: Any) -> None:
        controller = Controller("owners", owners, Script())
        with pytest.raises(ConfigurationError, match=r"ObjectName|after"):
            controller.enqueue(name, after=after)

    def test_a_name_may_be_asked_for_later(self, owners: Any, clock: FakeClock) -> None:
        started(owners)
        controller = Controller("owners", owners, Script(), clock=clock)
        controller.enqueue(WEB, after=5.0)
        assert outcome(controller) is None
        clock.advance(5.0)
        assert outcome(controller) == "success"

    def test_taking_a_name_before_the_caches_are_filled_is_refused(self, owners: Any) -> None:
        controller = Controller("owners", owners, Script())
        with pytest.raises(NotSyncedError, match="not started"):
            controller.process_next()


class TestFollowing:
    @pytest.mark.upstream(
        "controller-runtime/pkg/handler/eventhandler_test.go",
        "should lower the priority of an update request with unchanged RV",
        "should not lower the priority of an update request with changed RV",
    )
    @pytest.mark.parametrize(("version", "is_low"), [("7", True), ("8", False)])
    def test_what_a_resync_repeats_has_low_priority(self, version: str, is_low: bool) -> None:
        queue = Queue[ObjectName]()
        handler = NamesHandler(own_name, None, queue)
        old, new = ({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": v}} for v in ("7", version))
        handler.on_update(old, new)
        assert (WEB in queue._lanes.low, len(queue)) == (is_low, 1)

    def test_a_mapping_that_raises_is_counted_and_the_next_event_is_delivered(
        self, owners: Any, cluster: Cluster, make: Any
    ) -> None:
        script = Script()
        with kind_of(cluster, PODS) as pods:

            def names(pod: Obj) -> list[Any]:
                return {"bad": lambda: 1 / 0, "text": lambda: ["shop/web"], "good": lambda: [WEB, API]}[
                    pod["metadata"]["name"]
                ]()

            controller = make(script).watches(pods, names)
            started(owners, pods)
            for name in ("bad", "text", "good"):
                written(cluster, "pods", ObjectName("shop", name))
            cluster.deliver("pods")
            settled(controller, cluster)
            assert pods.informer.health().handlers[0].failed == 2
            while outcome(controller):
                pass
            assert script.names == [WEB, API]

    def test_a_predicate_that_raises_lets_the_update_pass(self, owners: Any, cluster: Cluster, make: Any) -> None:
        script = Script()
        controller = make(script, predicate=lambda old, new: 1 / 0)
        written(cluster, "podsets", WEB)
        started(owners)
        settled(controller, cluster)
        assert outcome(controller) == "success"
        written(cluster, "podsets", WEB, replicas=2)
        cluster.deliver("podsets")
        settled(controller, cluster)
        assert outcome(controller) == "success"

    def test_a_predicate_drops_updates_and_neither_adds_nor_deletes(
        self, owners: Any, cluster: Cluster, make: Any
    ) -> None:
        controller = make(Script(), predicate=lambda old, new: False)
        started(owners)
        for step, expected in (
            (lambda: written(cluster, "podsets", WEB), "success"),
            (lambda: written(cluster, "podsets", WEB, replicas=2), None),
            (lambda: cluster.remove("podsets", str(WEB)), "success"),
        ):
            step()
            cluster.deliver("podsets")
            settled(controller, cluster)
            assert outcome(controller) == expected

    def test_other_handlers_of_the_informer_are_left_alone(self, owners: Any, cluster: Cluster, make: Any) -> None:
        seen: list[Obj] = []
        owners.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=seen.append))
        controller = make(Script())
        started(owners)
        assert controller.stop()
        written(cluster, "podsets", WEB)
        cluster.deliver("podsets")
        eventually(lambda: len(seen) == 1)
