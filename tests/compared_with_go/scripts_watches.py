"""Scripts about watches: their events, their ends, and what is wrong in them."""

from __future__ import annotations

from typing import Any

from tests.compared_with_go.scripts_lists import BROKEN, END, EXPIRED, NAMELESS, ODD, OVER
from tests.compared_with_go.vocabulary import (
    Items,
    Raw,
    Reset,
    Script,
    Status,
    Stream,
    Then,
    added,
    bookmark,
    deleted,
    error,
    modified,
    pod,
)

__all__ = ["SCRIPTS"]

LIST = Items(pod("a", 1), pod("b", 2), version=5)
#: What a second list finds, where there is one.
LATER = Items(pod("a", 7), pod("c", 8), version=9)
NUMBERS: dict[str, Any] = {"number": 1}


def watched(name: str, *events: object, **fields: object) -> Script:
    """Return a script of one list and one watch."""
    return Script(name=name, lists=(LIST,), watches=(Stream(*events, END),), **fields)  # type: ignore[arg-type]


def broken(name: str, *first: object, then: Then = Then.END) -> Script:
    """Return a script in which the first watch ends so that a list may follow."""
    return Script(name=name, lists=(LIST, LATER), watches=(Stream(*first, then=then), OVER))  # type: ignore[arg-type]


def refused(name: str, answer: Status | Reset) -> Script:
    """Return a script in which the first watch is refused."""
    return Script(name=name, lists=(LIST, LATER), watches=(answer, OVER))


SCRIPTS = (
    watched("deleted and made again before the watch's eyes", deleted(pod("a", 6)), added(pod("a", 7, uid="a-2"))),
    watched("an object that changes its uid in one event", modified(pod("a", 6, uid="a-2"))),
    watched("a change of an object that nobody knows", modified(pod("x", 6)), modified(pod("x", 7))),
    watched("a deletion of an object that nobody knows", deleted(pod("x", 6))),
    watched("a deletion that comes twice", deleted(pod("a", 6)), deleted(pod("a", 6))),
    watched("an addition of an object that is there, changed", added(pod("a", 6))),
    watched("an addition that comes twice", added(pod("x", 6)), added(pod("x", 6))),
    watched("a change that changes nothing", modified(pod("a", 1))),
    watched("a version that goes back", modified(pod("a", 8)), modified(pod("a", 6)), added(pod("c", 3))),
    watched("an object without a version", modified(pod("a", "")), modified(pod("a", "")), modified(pod("a", 6))),
    watched("an object without a uid", modified({**pod("a", 6), "metadata": {"name": "a", "namespace": "default"}})),
    Script(
        name="bookmarks alone, and the watch goes on from there",
        lists=(LIST,),
        watches=(Stream(bookmark(6), bookmark(8), then=Then.END), OVER),
    ),
    Script(
        name="a bookmark without a version",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), bookmark(""), modified(pod("a", 7)), then=Then.END), OVER),
    ),
    Script(
        name="a bookmark of another kind",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), bookmark(8, kind="Node"), then=Then.END), OVER),
    ),
    Script(
        name="a watch that ends after events, and goes on",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), then=Then.END), Stream(deleted(pod("b", 7)), then=Then.END), OVER),
    ),
    Script(
        name="a version that went back, and the watch goes on from there",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 4)), then=Then.END), OVER),
    ),
    Script(
        name="the last event has no version, and the watch goes on",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), modified(pod("b", "")), then=Then.END), OVER),
    ),
    broken("a watch that ends at once, without an event"),
    Script(
        name="a watch whose connection breaks after an event",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), then=Then.CUT), OVER),
    ),
    Script(
        name="a watch whose connection breaks within its second event",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), b'{"type":"DELETED","object":{"kind', then=Then.CUT), OVER),
    ),
    Script(
        name="a watch whose connection breaks within its first event",
        lists=(Items(version=5), Items(version=9)),
        watches=(Stream(b'{"type":"DELETED","object":{"kind', then=Then.CUT), OVER),
    ),
    broken("410 in the stream", EXPIRED),
    broken("410 in the stream, after events", modified(pod("a", 6)), deleted(pod("b", 7)), EXPIRED),
    broken("410 in the stream, by the reason Gone", error(410, "Gone")),
    broken("500 in the stream", error(500, "InternalError", "etcd event received with PrevKv=nil")),
    broken("429 in the stream", error(429, "TooManyRequests")),
    broken("403 in the stream", error(403, "Forbidden")),
    broken("504 in the stream", error(504, "Timeout")),
    broken("an error in the stream that is no status", {"type": "ERROR", "object": pod("a", 6)}),
    broken("a line that is no JSON", b'{"type":"MODIFIED","object":nonsense}\n'),
    broken("a line that is no event", b"[]\n"),
    broken("an event without an object", b'{"type":"MODIFIED"}\n'),
    broken("an event whose object is null", b'{"type":"MODIFIED","object":null}\n'),
    broken("a change of an object that can't be read", modified(BROKEN), EXPIRED),
    broken("a change of an object whose labels are no strings", modified(pod("b", 6, labels=NUMBERS)), EXPIRED),
    broken("a change of an object to what is no pod", added(ODD), EXPIRED),
    broken("a deletion of an object that can't be read", deleted(BROKEN)),
    broken("an object that has no name", added(NAMELESS), EXPIRED),
    broken("an event of an unknown type", {"type": "RENAMED", "object": pod("a", 6)}, EXPIRED),
    broken("an object of another kind", modified({**pod("a", 6), "kind": "Node"}), EXPIRED),
    broken("an object of a kind that nobody knows", modified({**pod("a", 6), "kind": "Gadget"}), EXPIRED),
    refused("410 when the watch is opened", Status(410, "Expired", "too old resource version")),
    refused("429 when the watch is opened", Status(429, "TooManyRequests")),
    refused("500 when the watch is opened", Status(500, "InternalError")),
    refused("403 when the watch is opened", Status(403, "Forbidden")),
    Script(
        name="a page of HTML instead of a watch",
        lists=(Items(version=5), Items(version=9)),
        watches=(Raw(b"<html><body>Sign in</body></html>"), OVER),
    ),
    refused("a watch whose connection breaks before an answer", Reset()),
)
