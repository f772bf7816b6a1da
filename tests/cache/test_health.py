"""How an informer fares: figures, and words for people."""

from __future__ import annotations

import threading
from typing import Any

import attrs
import pytest

from informers import FactoryHealth, HandlerHealth, InformerHealth, ReflectorState, WatchHealth
from informers.errors import ConnectionLostError, StatusError
from informers.testing import FakeClock, FakeSource, RecordedEvent, RecordingHandler
from tests.cache.things import Obj, informer, obj, started
from tests.waiting import eventually

WATCH = WatchHealth(
    namespace=None,
    state=ReflectorState.WATCHING,
    connected_for=5.0,
    last_event_age=1.0,
    is_doubtful=False,
    error=None,
    retry_in=None,
    resource_version="7",
    listed=3,
    lists=1,
    watches=1,
    failures=0,
)
HANDLER = HandlerHealth(
    name="app.Handler",
    synced=True,
    backlog=0,
    delivered=3,
    failed=0,
    busy_with=None,
    busy_for=None,
    resync_period=0.0,
)
HEALTH = InformerHealth(
    resource="things",
    started=True,
    stopped=False,
    synced=True,
    objects=3,
    bytes=0,
    resource_version="7",
    queued=0,
    watches=(WATCH,),
    handlers=(HANDLER,),
    set_aside={},
    set_aside_total=0,
)


@pytest.mark.parametrize(
    ("changes", "text", "is_live"),
    [
        ({}, "watching", True),
        ({"is_doubtful": True}, "watching, but nothing has come", False),
        ({"namespace": "default"}, "default: watching", True),
        ({"state": ReflectorState.LISTING, "listed": 500}, "listing (500 objects so far)", False),
        ({"state": ReflectorState.LISTING, "listed": 0}, "listing", False),
        ({"state": ReflectorState.CONNECTING, "is_doubtful": True}, "opening a watch", False),
        (
            {
                "state": ReflectorState.WAITING,
                "error": StatusError("no", code=403, reason="Forbidden"),
                "retry_in": 1.5,
            },
            "waiting to try again, last error: 403 Forbidden: no, next try in 1.5 s",
            False,
        ),
        ({"state": ReflectorState.STOPPED}, "stopped", False),
    ],
)
def test_a_watch_says_what_it_is_doing(changes: dict[str, Any], text: str, is_live: bool) -> None:
    watch = attrs.evolve(WATCH, **changes)
    assert (str(watch), watch.is_live) == (text, is_live)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"started": False, "synced": False}, "not started"),
        ({"stopped": True}, "stopped"),
        ({"stopped": True, "watches": ()}, "stopped"),
        ({"synced": False}, "listed, not in the cache yet"),
        ({"busy_for": 9.9}, ""),
        ({"busy_for": 12.0}, "held up for 12 s by transforms, index functions or the error handler"),
        (
            {"synced": False, "busy_for": 12.0},
            "listed, not in the cache yet; held up for 12 s by transforms, index functions or the error handler",
        ),
        ({"synced": False, "queued": 1, "watches": (attrs.evolve(WATCH, lists=0),)}, "watching"),
        (
            {
                "synced": False,
                "watches": (
                    attrs.evolve(WATCH, namespace="one"),
                    attrs.evolve(WATCH, namespace="two", state=ReflectorState.LISTING, lists=0, listed=0),
                ),
            },
            "one: watching; two: listing",
        ),
        (
            {
                "watches": (
                    attrs.evolve(WATCH, namespace="one"),
                    attrs.evolve(WATCH, namespace="two", state=ReflectorState.WAITING, retry_in=3.0),
                )
            },
            "two: waiting to try again, next try in 3.0 s",
        ),
    ],
)
def test_an_informer_says_why_it_is_not_live(changes: dict[str, Any], reason: str) -> None:
    health = attrs.evolve(HEALTH, **changes)
    assert (health.reason, health.is_live) == (reason, not reason)
    assert str(health) == f"things: {reason or 'live'}, 3 objects"


def test_its_text_names_unreadable_objects() -> None:
    health = attrs.evolve(HEALTH, set_aside={"shop/a\nb": ValueError("no"), "shop/b": ValueError("no")})
    assert str(health) == "things: live, 3 objects, 2 set aside (for example shop/a\\nb)"


def test_it_names_the_handlers_that_are_busy() -> None:
    busy = attrs.evolve(HANDLER, name="app.Slow", busy_with="default/a", busy_for=7.4)
    assert attrs.evolve(HEALTH, handlers=(HANDLER, busy, busy)).busy == "; ".join(["app.Slow on default/a for 7 s"] * 2)
    assert HEALTH.busy == ""


def test_a_factory_is_as_well_as_the_worst_of_its_informers() -> None:
    stale = attrs.evolve(HEALTH, resource="nodes", watches=(attrs.evolve(WATCH, state=ReflectorState.LISTING),))
    new = attrs.evolve(stale, synced=False)
    assert [FactoryHealth((HEALTH, other)).is_live for other in (HEALTH, stale, new)] == [True, False, False]
    assert [FactoryHealth((HEALTH, other)).is_synced for other in (HEALTH, stale, new)] == [True, True, False]
    assert (
        str(FactoryHealth((HEALTH, stale))) == "things: live, 3 objects\nnodes: listing (3 objects so far), 3 objects"
    )
    assert str(FactoryHealth(())) == "no informers"


def test_the_figures_of_an_informer_that_runs() -> None:
    clock = FakeClock(100.0)
    go_on, told = threading.Event(), threading.Event()

    def slow(event: RecordedEvent[Obj]) -> None:
        if event.type == "update":
            told.set()
            go_on.wait(10)
        if event.key == "b":
            raise ValueError("no")

    def transform(thing: Obj) -> Obj:
        if thing["metadata"]["name"] == "bad":
            raise KeyError("spec")
        return thing

    source: FakeSource[Obj] = FakeSource()
    for name in ("a", "b", "bad"):
        source.add(obj(name))
    with informer(source, clock=clock, transform=transform) as made:
        registration = made.add_event_handler(RecordingHandler[Obj](slow), resync_period=60)
        before = made.health()
        assert (before.started, before.synced, before.objects, before.resource_version) == (False, False, 0, "")
        assert (before.watches[0].state, before.watches[0].connected_for) == (ReflectorState.NOT_STARTED, None)
        started(made)
        assert registration.synced.wait(10)
        source.modify(obj("a"))
        source.modify(obj("b"))
        assert told.wait(10)
        eventually(lambda: made.indexer.resource_version == "5" and registration.backlog == 2)
        clock.advance(3.0)
        health = made.health()
        assert (health.objects, health.bytes, health.resource_version, health.queued) == (2, 0, "5", 0)
        assert (list(health.set_aside), health.set_aside_total) == (["bad"], 1)
        assert health.handlers == (
            HandlerHealth(
                name="informers.testing.recorder.RecordingHandler",
                synced=True,
                backlog=2,
                delivered=2,
                failed=1,
                busy_with="a",
                busy_for=3.0,
                resync_period=60.0,
            ),
        )
        (watch,) = health.watches
        assert (watch.connected_for, watch.last_event_age, watch.resource_version) == (3.0, 3.0, "5")
        assert (watch.listed, watch.lists, watch.watches, watch.failures) == (3, 1, 1, 0)
        go_on.set()


def test_a_failure_shows_until_something_goes_right_again() -> None:
    clock = FakeClock()
    source: FakeSource[Obj] = FakeSource()
    with informer(source, clock=clock) as made:
        handler: RecordingHandler[Obj] = RecordingHandler()
        made.add_event_handler(handler)
        started(made)
        error = ConnectionLostError("reset by peer")
        source.break_watches(error)
        clock.wait_for_waiters()
        (watch,) = made.health().watches
        assert (watch.error, watch.failures, watch.connected_for) == (error, 1, None)
        assert watch.retry_in is not None
        assert not made.health().is_live
        assert "reset by peer" in made.health().reason
        clock.advance(watch.retry_in)
        source.wait_for_watch(2)
        source.add(obj("a"))
        handler.wait_for(1)
        eventually(lambda: made.health().watches[0].error is None)
        assert made.health().is_live


def test_a_cache_that_a_transform_holds_up_is_not_live_for_long() -> None:
    clock = FakeClock()
    entered, go_on = threading.Event(), threading.Event()
    source: FakeSource[Obj] = FakeSource()

    def stuck(thing: Obj) -> Obj:
        entered.set()
        assert go_on.wait(10)
        return thing

    with informer(source, clock=clock, transform=stuck) as made:
        started(made)
        source.add(obj("a"))
        assert entered.wait(10)
        clock.advance(12)
        health = made.health()
        assert (health.is_live, health.busy_for) == (False, 12.0)
        assert health.reason == "held up for 12 s by transforms, index functions or the error handler"
        go_on.set()
        eventually(lambda: made.health().is_live)
        assert made.health().busy_for is None


def test_what_a_slow_error_handler_holds_up_does_not_hide_what_is_wrong() -> None:
    clock = FakeClock()
    entered, go_on = threading.Event(), threading.Event()
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    source.list_error = StatusError("no", code=403, reason="Forbidden")

    def slow(_: object) -> None:
        entered.set()
        go_on.wait(10)

    with informer(source, clock=clock, watch_error_handler=slow) as made:
        made.start()
        assert entered.wait(10)
        clock.wait_for_waiters()
        eventually(lambda: made.health().queued)
        assert "403 Forbidden" in made.why_not_synced()
        go_on.set()
