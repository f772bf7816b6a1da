"""One uid, one history: what a change or a list is told as, whatever a server says."""

from __future__ import annotations

from typing import Any

import pytest

from informers.cache._pipeline.histories import Histories
from informers.cache._pipeline.processor import RecordEvent
from informers.cache.object_events import Added, Updated
from informers.source._bytes.codecs import Deflate
from informers.source._bytes.compression import Packer
from informers.source.records import HeldRecord, Origin, Record, WireRecord
from informers.source.watch_events import ChangeType

ADDED, MODIFIED, DELETED = ChangeType.ADDED, ChangeType.MODIFIED, ChangeType.DELETED


def pod(version: str, uid: str = "u1", image: str = "v1") -> Record[Any]:
    return HeldRecord({"metadata": {"name": "a", "uid": uid, "resourceVersion": version}, "image": image})


def told(events: list[RecordEvent[Any]]) -> list[str]:
    """Return events as text."""
    texts: list[str] = []
    for event in events:
        if isinstance(event, Added):
            texts.append(f"add {event.obj.uid}@{event.obj.resource_version}")
        elif isinstance(event, Updated):
            words = "same" if event.old is event.new else "update"
            texts.append(f"{words} {event.new.uid}@{event.new.resource_version}")
        else:
            assert event.obj is not None
            word = "tombstone" if event.is_tombstone else "delete"
            texts.append(f"{word} {event.obj.uid}@{event.obj.resource_version}")
    return texts


def change(
    kind: ChangeType, new: Record[Any], old: Record[Any] | None, histories: Histories[Any] | None = None
) -> list[str]:
    return told((histories or Histories()).change(kind, new, new, old, is_initial=False))


@pytest.mark.parametrize(
    ("kind", "new", "old", "events"),
    [
        pytest.param(MODIFIED, pod("2"), None, ["add u1@2"], id="an update of what was not there"),
        pytest.param(ADDED, pod("2"), pod("1"), ["update u1@2"], id="an addition of what was there"),
        pytest.param(MODIFIED, pod("1"), pod("2"), [], id="an older state"),
        pytest.param(MODIFIED, pod("9"), pod("10"), [], id="an older state, as a number and not as a text"),
        pytest.param(MODIFIED, pod("2"), pod("2"), ["same u1@2"], id="the same"),
        pytest.param(MODIFIED, pod("2", image="v2"), pod("2"), ["update u1@2"], id="the same version, other content"),
        pytest.param(MODIFIED, pod("", image="v2"), pod(""), ["update u1@"], id="no versions"),
        pytest.param(MODIFIED, pod("b", image="v2"), pod("a"), ["update u1@b"], id="versions without an order"),
        pytest.param(ADDED, pod("3", "u2"), pod("1"), ["tombstone u1@1", "add u2@3"], id="made anew, unseen"),
        pytest.param(ADDED, pod("1", "u0"), pod("2"), [], id="an older state of one before"),
        pytest.param(ADDED, pod("2", "u2"), pod("2"), ["tombstone u1@2", "add u2@2"], id="another at the same version"),
        pytest.param(MODIFIED, pod("2", ""), pod("1"), ["update @2"], id="a uid that is not said"),
        pytest.param(DELETED, pod("2"), pod("1"), ["delete u1@2"], id="a deletion"),
        pytest.param(DELETED, pod("1"), pod("1"), ["delete u1@1"], id="a deletion with the last version"),
        pytest.param(DELETED, pod("2"), None, [], id="a deletion of what was never added, or a second one"),
        pytest.param(DELETED, pod("1"), pod("2"), [], id="a deletion before what is there"),
        pytest.param(DELETED, pod("1", "u0"), pod("2"), [], id="a late deletion of one before"),
        pytest.param(DELETED, pod("3", "u2"), pod("1"), ["tombstone u1@1"], id="a deletion of one that was never seen"),
    ],
)
def test_what_a_watch_says_becomes_a_legal_history(
    kind: ChangeType, new: Record[Any], old: Record[Any] | None, events: list[str]
) -> None:
    assert change(kind, new, old) == events


@pytest.mark.parametrize(
    ("new", "old", "events"),
    [
        pytest.param(pod("2"), None, ["add u1@2"], id="new"),
        pytest.param(pod("2"), pod("2"), ["same u1@2"], id="the same"),
        pytest.param(pod("2", image="v2"), pod("2"), ["update u1@2"], id="the same version, other content"),
        pytest.param(pod("1"), pod("2"), ["update u1@1"], id="a restored backup"),
        pytest.param(pod("1", "u0"), pod("2"), ["tombstone u1@2", "add u0@1"], id="a restored backup of one before"),
        pytest.param(pod("3", "u2"), pod("2"), ["tombstone u1@2", "add u2@3"], id="made anew, unseen"),
    ],
)
def test_a_list_may_go_back_and_tells_what_differs(
    new: Record[Any], old: Record[Any] | None, events: list[str]
) -> None:
    assert told(Histories[Any]().listed(old, new, "4", is_initial=False)) == events


def test_what_a_server_replays_of_an_object_that_has_ended_is_dropped_and_a_list_may_bring_it_back() -> None:
    histories: Histories[Any] = Histories()
    assert change(DELETED, pod("9"), pod("7"), histories) == ["delete u1@9"]
    assert change(MODIFIED, pod("8"), None, histories) == []
    assert change(DELETED, pod("9"), None, histories) == []
    # It left a selector, and has come back.
    assert change(ADDED, pod("11"), None, histories) == ["add u1@11"]
    assert change(DELETED, pod("12"), pod("11"), histories) == ["delete u1@12"]
    assert told(histories.listed(None, pod("8"), "13", is_initial=False)) == ["add u1@8"]
    assert change(MODIFIED, pod("9"), pod("8"), histories) == ["update u1@9"]


def test_only_so_many_ends_are_remembered() -> None:
    histories: Histories[Any] = Histories()
    for number in range(10_000):
        change(DELETED, pod("5", f"u{number}"), pod("4", f"u{number}"), histories)
    assert len(histories._ends) == 4096
    assert change(ADDED, pod("3", "u0"), None, histories) == ["add u0@3"]
    assert change(ADDED, pod("3", "u9999"), None, histories) == []


def test_a_deletion_whose_last_state_can_not_be_shown_is_delivered_with_the_one_before() -> None:
    seen = pod("2")
    assert told(Histories[Any]().change(DELETED, seen, None, pod("1"), is_initial=False)) == ["tombstone u1@1"]


def wire(text: str, version: str = "1") -> Record[Any]:
    return WireRecord(text.encode(), Origin(lambda raw, _key: raw), "a", "", version, "u", None)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ('{"a":1}', '{"a":1}', True),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', True),
        ('{"a":1}', '{"a":2}', False),
        ('{"a":1}', '{"a":1,"b":2}', False),
        ('{"a":x}', '{"a":y}', False),
    ],
)
def test_records_have_the_same_content_if_their_json_says_the_same(one: str, other: str, is_same: bool) -> None:
    first, second = wire(one), wire(other)
    first.pack()
    assert first.has_content_of(second) is is_same
    assert not first.has_content_of(HeldRecord({"metadata": {"name": "a"}}))


def test_what_one_packer_has_packed_is_compared_as_it_is_and_what_two_have_by_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raws = [b'{"a":"%s"}' % letters for letters in (bytes(range(97, 123)) * 8, bytes(range(65, 91)) * 8)]
    packers = [Packer(Deflate(raw)) for raw in raws]
    first, again, second = (
        WireRecord(raws[number], Origin(lambda source: source.raw, packers[number]), "a", "", "1", "u", None)
        for number in (0, 0, 1)
    )
    for record in (first, again, second):
        record.pack()
    # Each is its packer's dictionary, so that nothing is left of it but how long it is.
    assert first.held[0] == second.held[0]
    assert not first.has_content_of(second)
    monkeypatch.setattr(WireRecord, "raw", property(lambda _: pytest.fail("it was unpacked")))
    assert first.has_content_of(again)


def test_objects_that_can_not_be_compared_are_not_the_same() -> None:
    class Odd(dict[str, Any]):
        __hash__ = None  # type: ignore[assignment] # as dict

        def __eq__(self, _other: object) -> bool:
            raise ValueError("mine")

    one, other = (HeldRecord(Odd(metadata={"name": "a"})) for _ in range(2))
    assert not one.has_content_of(other)
    assert not one.has_content_of(wire("{}"))
