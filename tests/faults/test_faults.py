"""Whatever the network does: bounded requests, no thread too many, health that tells, and all there in the end."""

from __future__ import annotations

import time

import pytest

from informers import ReflectorOptions
from informers.backoff import BackoffSettings
from informers.cache._reflector.watch_failures import NextStep
from informers.errors import ConnectionLostError, DecodeError
from tests.faults.proxy import Close, Corrupt, Delay, Drip, Fault, Hang, Lost, Reset
from tests.faults.rig import IDLE, OPTIONS, Rig, eventually, library_threads, most_requests

#: What no informer can work through, from the first byte on.
OUTAGES: list[Fault] = [Hang(), Hang(180), Lost(), Reset(), Reset(180), Close(), Close(180), Corrupt()]
#: What an informer works through, slowly.
SLOW: list[Fault] = [Delay(0.02), Drip(64, 0.001)]


@pytest.mark.parametrize("fault", OUTAGES, ids=str)
def test_an_outage_is_reported_survived_and_recovered_from(fault: Fault) -> None:
    with Rig() as rig:
        rig.prepare()
        threads = library_threads()
        rig.proxy.strike(fault)
        rig.change()
        rig.wait_until_stale()
        start, accepted = time.monotonic(), rig.proxy.accepted
        # Watches that bring something, and the first one after them, get the benefit of the doubt.
        eventually(lambda: len(rig.failures) >= 3, "further failures")
        until = time.monotonic() + 0.3
        live = asked = 0
        while time.monotonic() < until:
            health = rig.informer.health()
            assert health.is_live == (not health.reason)
            live += health.is_live
            asked += 1
            time.sleep(0.005)
        # A watch that is answered and then reset is open for a moment.
        assert live <= (0.5 * asked if isinstance(fault, (Reset, Close)) else 0)
        assert rig.informer.health().watches[0].error is not None
        accepted = rig.proxy.accepted - accepted
        assert accepted <= most_requests(time.monotonic() - start, OPTIONS.backoff)
        # A connection that is being made has a thread of its own.
        assert len(library_threads()) <= len(threads) + 1
        rig.proxy.heal()
        rig.wait_until_whole()
        assert rig.history.broken == []
        assert rig.failures
        assert {type(failure.error) for failure in rig.failures} <= {ConnectionLostError, DecodeError}


@pytest.mark.parametrize("fault", [*OUTAGES, Drip(1, 0.05)], ids=str)
def test_a_stop_in_an_outage_does_not_wait_for_the_network(fault: Fault) -> None:
    with Rig(idle=30.0) as rig:
        rig.prepare()
        rig.proxy.strike(fault)
        rig.change()
        time.sleep(0.05)
        # The network would have 30 s, and as long again to connect.
        assert rig.informer.stop(timeout=10.0)
        # A connection that was being made just then is left to its own end, which is near on loopback.
        for thread in library_threads():
            thread.join(10)
        assert library_threads() == set()


@pytest.mark.parametrize("fault", [*OUTAGES, *SLOW], ids=str)
def test_an_informer_that_starts_in_an_outage_says_what_it_waits_for_and_syncs_after_it(fault: Fault) -> None:
    with Rig(script=lambda number: fault if number <= 6 else None) as rig:
        rig.wait_until_whole()
        assert rig.history.broken == []
        assert [event.key for event in rig.history.events] == ["default/first"]


@pytest.mark.parametrize("fault", SLOW, ids=str)
def test_a_slow_network_is_not_a_failure(fault: Fault) -> None:
    with Rig(idle=10.0) as rig:
        rig.prepare()
        rig.proxy.strike(fault)
        rig.change()
        eventually(lambda: rig.is_whole, "whole on a slow network")
        assert rig.failures == []
        assert rig.history.broken == []


def test_a_connection_cut_at_any_byte_loses_nothing() -> None:
    """One informer goes through cuts at one byte after the other, while objects come, change and go."""
    step, cuts = 13, 130
    options = ReflectorOptions(backoff=BackoffSettings(initial=0.002, maximum=0.002, jitter=0.0))
    with Rig(script=lambda number: (Close, Reset)[number % 2](1 + step * (number % cuts)), options=options) as rig:
        for round_ in range(40):
            name = rig.create()
            rig.update("first")
            time.sleep(0.01)
            if round_ % 3:
                rig.delete(name)
        eventually(lambda: rig.proxy.accepted >= cuts, "all cuts made", timeout=20.0)
        rig.proxy.script = None
        rig.wait_until_whole()
        assert rig.history.broken == []


def test_an_event_that_drips_and_never_ends_is_not_a_sign_of_life() -> None:
    with Rig(idle=1.0) as rig:
        rig.prepare()
        rig.proxy.strike(Drip(1, 0.05), new=False)
        rig.change()
        rig.wait_until_whole()
        failure = rig.failures[0]
        assert str(failure.error) == "no event was completed for 1 s"
        assert failure.next_step is NextStep.WATCH


def test_an_answer_whose_headers_drip_is_given_up() -> None:
    with Rig(script=lambda number: Drip(1, 0.05) if number <= 2 else None) as rig:
        rig.wait_until_whole()
        assert "the headers of an answer were not complete in time" in {str(each.error) for each in rig.failures}


def test_a_watch_that_is_not_answered_is_said_to_be_opening() -> None:
    with Rig(idle=5.0) as rig:
        rig.prepare()
        rig.proxy.strike(Hang(), existing=False)
        rig.proxy.strike(Reset(), new=False)
        eventually(lambda: "opening a watch, last error" in rig.informer.health().reason, "says so")
        assert rig.informer.health().watches[0].retry_in is None


def test_a_hang_is_reported_with_its_cause_and_what_happens_next() -> None:
    with Rig() as rig:
        rig.prepare()
        rig.proxy.strike(Hang(), new=False)
        rig.change()
        rig.wait_until_whole()
        failure = rig.failures[0]
        assert failure.next_step is NextStep.WATCH
        assert str(failure.error) == "nothing came over the connection for too long"
        assert rig.informer.health().watches[0].lists == 1


def test_a_connection_that_a_nat_forgot_is_noticed_by_its_silence() -> None:
    with Rig() as rig:
        rig.prepare()
        rig.proxy.strike(Lost(), new=False)
        rig.change()
        start = time.monotonic()
        rig.wait_until_whole()
        assert time.monotonic() - start >= IDLE / 2
        assert [event.type for event in rig.history.events if event.key == "default/doomed"] == ["add", "delete"]


def test_deletions_that_history_has_forgotten_meanwhile_come_as_tombstones() -> None:
    with Rig() as rig:
        rig.prepare()
        rig.proxy.strike(Reset())
        rig.change()
        rig.server.compact()
        rig.wait_until_stale()
        rig.proxy.heal()
        rig.wait_until_whole()
        assert [event.type for event in rig.history.events if event.key == "default/doomed"] == ["add", "tombstone"]
        recreated = [event.type for event in rig.history.events if event.key == "default/recreated"]
        assert recreated == ["add", "tombstone", "add"]
        assert rig.history.broken == []
