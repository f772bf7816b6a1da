"""Scripts about streaming lists."""

from __future__ import annotations

from tests.compared_with_go.scripts_lists import BROKEN, END, EXPIRED, OVER
from tests.compared_with_go.vocabulary import (
    Items,
    Reset,
    Script,
    Status,
    Stream,
    Then,
    added,
    bookmark,
    deleted,
    end_of_list,
    error,
    modified,
    pod,
)

__all__ = ["SCRIPTS"]

A, B = added(pod("a", 1)), added(pod("b", 2))
#: What a client gets that asks for pages.
PAGE = Items(pod("a", 1), pod("b", 2), version=5)


def refused(name: str, answer: Status | Reset) -> Script:
    """Return a script in which the first streaming list is refused, and all others too."""
    return Script(name=name, streams=(answer,), lists=(PAGE,), watches=(OVER,))


SCRIPTS = (
    Script(
        name="a plain life, streamed",
        streams=(Stream(A, B, end_of_list(5), modified(pod("a", 6)), added(pod("c", 7)), deleted(pod("b", 8)), END),),
    ),
    Script(name="an empty streaming list", streams=(Stream(end_of_list(5), added(pod("a", 6)), END),)),
    Script(
        name="changes and deletions before the end of a streaming list",
        streams=(Stream(A, B, modified(pod("a", 3)), deleted(pod("b", 4)), end_of_list(5), END),),
    ),
    Script(
        name="bookmarks before the end of a streaming list",
        streams=(Stream(A, bookmark(3), bookmark(4, initial_events_end="false"), B, end_of_list(5), END),),
    ),
    Script(
        name="a streaming list with one object twice",
        streams=(Stream(A, added(pod("a", 3)), end_of_list(5), END),),
    ),
    Script(
        name="a second streaming list finds what was missed",
        streams=(
            Stream(A, B, end_of_list(5), EXPIRED, then=Then.END),
            Stream(added(pod("a", 8, uid="a-2")), added(pod("c", 7)), end_of_list(9), END),
        ),
    ),
    Script(
        name="a second streaming list in which nothing has changed",
        streams=(Stream(A, B, end_of_list(5), EXPIRED, then=Then.END), Stream(A, B, end_of_list(9), END)),
    ),
    Script(
        name="a watch goes on where a streaming list has ended",
        streams=(Stream(A, end_of_list(5), modified(pod("a", 6)), then=Then.END),),
        watches=(Stream(deleted(pod("a", 7)), END),),
    ),
    refused("a server that does not know streaming lists", Status(422, "Invalid", "sendInitialEvents: Forbidden")),
    refused("a server that finds a streaming list a bad request", Status(400, "BadRequest")),
    refused("a server that may list, but not watch with initial events", Status(403, "Forbidden")),
    refused("a server that fails on streaming lists", Status(500, "InternalError")),
    Script(
        name="a server without streaming lists is asked again after a failure",
        streams=(Status(422, "Invalid", "sendInitialEvents: Forbidden"),),
        lists=(PAGE, Items(pod("a", 7), version=9)),
        watches=(Stream(EXPIRED, then=Then.END), OVER),
    ),
    Script(
        name="a streaming list that is refused with 410",
        streams=(Status(410, "Expired"), Stream(A, B, end_of_list(5), END)),
    ),
    Script(
        name="a streaming list that is refused with 429",
        streams=(Status(429, "TooManyRequests"), Stream(A, B, end_of_list(5), END)),
    ),
    Script(
        name="410 within a streaming list",
        streams=(Stream(A, EXPIRED, then=Then.END), Stream(A, B, end_of_list(5), END)),
    ),
    Script(
        name="500 within a streaming list",
        streams=(Stream(A, error(500, "InternalError"), then=Then.END),),
        lists=(PAGE,),
        watches=(OVER,),
    ),
    Script(
        name="a streaming list that ends before its end has come, once",
        streams=(Stream(A, then=Then.END), Stream(A, B, end_of_list(5), END)),
        lists=(PAGE,),
        watches=(OVER,),
    ),
    Script(
        name="a streaming list whose end never comes: it is closed",
        streams=(Stream(A, then=Then.END),),
        lists=(PAGE,),
        watches=(OVER,),
        limit=5.0,
    ),
    Script(
        name="a streaming list whose end never comes: it stays open",
        streams=(Stream(A),),
        lists=(PAGE,),
        watches=(OVER,),
        takes=10.0,
        limit=5.0,
    ),
    Script(
        name="a streaming list that ends at once, without an event",
        streams=(Stream(then=Then.END),),
        lists=(PAGE,),
        watches=(OVER,),
    ),
    Script(
        name="a streaming list whose connection breaks",
        streams=(Stream(A, b'{"type":"ADDED",', then=Then.CUT), Stream(A, B, end_of_list(5), END)),
        lists=(PAGE,),
        watches=(OVER,),
    ),
    Script(
        name="a streaming list with an object that can't be read",
        streams=(Stream(A, added(BROKEN), B, end_of_list(5), END),),
        lists=(PAGE,),
        watches=(OVER,),
    ),
)
