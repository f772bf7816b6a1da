"""Whatever a server says, and in whatever order, a handler is told a legal history."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from informers.cache._pipeline.histories import Histories
from informers.cache._pipeline.processor import RecordEvent, key_of
from informers.cache.object_events import Added, Deleted, Updated
from informers.source.records import HeldRecord, Record
from informers.source.watch_events import ChangeType
from tests.properties.profile import TIMES

#: A few objects that share a few names; each has versions of its own life, as a server gives them.
LIVES = {"u1": ("a", range(1, 6)), "u2": ("a", range(8, 14)), "u3": ("b", range(3, 12))}

States = st.sampled_from([(uid, version) for uid, (_, versions) in LIVES.items() for version in versions])
Steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([*ChangeType]), States),
        st.tuples(st.just("list"), st.lists(States, max_size=3)),
    ),
    max_size=40,
)


def record(uid: str, version: int) -> Record[Any]:
    name = LIVES[uid][0]
    return HeldRecord({"metadata": {"name": name, "uid": uid, "resourceVersion": str(version)}})


@given(steps=Steps)
@example(steps=[(ChangeType.ADDED, ("u2", 9)), ("list", [("u1", 1)]), (ChangeType.ADDED, ("u2", 8))])
@settings(max_examples=300 * TIMES)
def test_notifications_are_legal_whatever_a_server_repeats_leaves_out_or_says_too_late(
    steps: list[tuple[ChangeType | Literal["list"], Any]],
) -> None:
    histories: Histories[Any] = Histories()
    cache: dict[str, Record[Any]] = {}
    present: dict[str, tuple[str, int]] = {}
    #: The last version told of each uid. A list may go back: the server has.
    newest: dict[str, int] = {}

    def take(events: list[RecordEvent[Any]], *, by_list: bool) -> None:
        for event in events:
            old = event.old if isinstance(event, Updated) else event.obj
            new = event.new if isinstance(event, Updated) else event.obj
            assert new is not None
            assert old is not None
            key, version = key_of(event), int(new.resource_version)
            if isinstance(event, Added):
                assert key not in present, "an add of what is there"
            else:
                assert present[key][0] == new.uid, "an event of another object than is there"
                if isinstance(event, Updated) or event.is_tombstone:
                    assert present[key][1] == int(old.resource_version), "old is not what was told last"
            if not by_list:
                assert version >= newest.get(new.uid, 0), "an older state after a newer one"
            newest[new.uid] = version
            if isinstance(event, Deleted):
                del present[key]
                cache.pop(key)
            else:
                present[key] = (new.uid, version)
                cache[key] = new

    for kind, what in steps:
        if kind == "list":
            listed = {found.key: found for found in (record(*state) for state in what)}
            newest.clear()
            take(histories.missing([old for key, old in cache.items() if key not in listed], "99"), by_list=True)
            for key, new in listed.items():
                take(histories.listed(cache.get(key), new, "99", is_initial=False), by_list=True)
            assert {key: (found.uid, int(found.resource_version)) for key, found in listed.items()} == present
        else:
            seen = record(*what)
            take(histories.change(kind, seen, seen, cache.get(seen.key), is_initial=False), by_list=False)
