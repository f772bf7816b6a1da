"""Scripts about handlers, filters, transforms and resyncs."""

from __future__ import annotations

from tests.compared_with_go.scripts_lists import END, EXPIRED, OVER
from tests.compared_with_go.vocabulary import (
    Handler,
    Items,
    Proceed,
    Script,
    Stream,
    Then,
    added,
    deleted,
    end_of_list,
    modified,
    pod,
)

__all__ = ["SCRIPTS"]

LIST = Items(pod("a", 1), pod("b", 2), version=5)
LATER = Items(pod("a", 7), pod("c", 8), version=9)
ACT = added(pod("act", 50))
HIDDEN = {"passes": "no"}
EARLY, LATE = Handler(name="early"), Handler(name="late", late=True)

SCRIPTS = (
    Script(
        name="a handler that is added late",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), deleted(pod("b", 7)), ACT, Proceed(), modified(pod("a", 60)), END),),
        handlers=(EARLY, LATE),
    ),
    Script(
        name="a handler that is added late, to a streamed cache",
        streams=(Stream(added(pod("a", 1)), end_of_list(5), ACT, Proceed(), added(pod("c", 60)), END),),
        handlers=(EARLY, LATE),
    ),
    Script(
        name="a second list after a handler was added late",
        lists=(LIST, LATER),
        watches=(Stream(ACT, Proceed(), EXPIRED, then=Then.END), OVER),
        handlers=(EARLY, LATE),
    ),
    Script(
        name="a handler that is removed",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), ACT, Proceed(), modified(pod("a", 60)), deleted(pod("b", 61)), END),),
        handlers=(EARLY, Handler(name="gone", removed=True)),
    ),
    Script(
        name="a handler that stops the informer",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), ACT, Proceed(), modified(pod("a", 60)), END),),
        handlers=(Handler(stops=True),),
    ),
    Script(
        name="a handler that fails in the initial list",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), modified(pod("b", 7)), END),),
        handlers=(Handler(raises_on="a"), Handler(name="other")),
    ),
    Script(
        name="a handler that fails later",
        lists=(LIST,),
        watches=(Stream(added(pod("c", 6)), modified(pod("c", 7)), modified(pod("b", 8)), deleted(pod("c", 9)), END),),
        handlers=(Handler(raises_on="c"), Handler(name="other")),
    ),
    Script(
        name="a handler that fails, as client-go is by default",
        lists=(Items(pod("a", 1), version=5),),
        watches=(OVER,),
        handlers=(Handler(raises_on="a"),),
        crashes=True,
    ),
    Script(
        name="updates that cross a filter",
        lists=(Items(pod("a", 1, labels=HIDDEN), pod("b", 2), pod("c", 3), pod("d", 4, labels=HIDDEN), version=5),),
        watches=(
            Stream(
                modified(pod("a", 6)),
                modified(pod("b", 7, labels=HIDDEN)),
                modified(pod("c", 8)),
                modified(pod("d", 9, labels=HIDDEN)),
                modified(pod("a", 10, labels=HIDDEN)),
                deleted(pod("a", 11, labels=HIDDEN)),
                deleted(pod("c", 12)),
                added(pod("e", 13, labels=HIDDEN)),
                END,
            ),
        ),
        handlers=(Handler(filters=True),),
    ),
    Script(
        name="a filter, and deletions that were missed",
        lists=(Items(pod("a", 1, labels=HIDDEN), pod("b", 2), version=5), Items(version=9)),
        watches=(Stream(EXPIRED, then=Then.END), OVER),
        handlers=(Handler(filters=True),),
    ),
    Script(
        name="a filter before a handler that is added late",
        lists=(Items(pod("a", 1, labels=HIDDEN), pod("b", 2), version=5),),
        watches=(Stream(ACT, Proceed(), END),),
        handlers=(EARLY, Handler(name="late", late=True, filters=True)),
    ),
    Script(
        name="a transform that fails for an object of the list",
        lists=(LIST,),
        watches=(Stream(modified(pod("b", 6)), deleted(pod("a", 7)), END),),
        transform_fails_on="a",
        limit=5.0,
    ),
    Script(
        name="a transform that fails for an event",
        lists=(LIST,),
        watches=(Stream(added(pod("c", 6)), modified(pod("a", 7)), deleted(pod("c", 8)), END),),
        transform_fails_on="c",
    ),
    Script(
        name="a transform that fails for nothing",
        lists=(LIST,),
        watches=(Stream(modified(pod("a", 6)), deleted(pod("b", 7)), END),),
        transform_fails_on="nobody",
    ),
    Script(
        name="a resync",
        lists=(LIST,),
        watches=(Stream(Proceed(), modified(pod("a", 6)), deleted(pod("b", 7)), END),),
        resync=2.0,
        handlers=(Handler(resyncs="b"),),
    ),
    Script(
        name="a resync that one of two handlers asks for",
        lists=(LIST,),
        watches=(Stream(Proceed(), modified(pod("a", 6)), deleted(pod("b", 7)), END),),
        resync=2.0,
        handlers=(Handler(name="resyncs", resyncs="b"), Handler(name="does not", resync=0.0)),
    ),
    Script(
        name="a resync that a handler of an informer without asks for",
        lists=(LIST,),
        watches=(Stream(Proceed(), modified(pod("a", 6)), deleted(pod("b", 7)), END),),
        handlers=(Handler(name="resyncs", resync=2.0, resyncs="b"), Handler(name="does not")),
        limit=5.0,
    ),
    Script(
        name="a second list in which nothing has changed, with a resync period",
        lists=(Items(pod("a", 1), version=5), Items(pod("a", 1), version=9)),
        watches=(Stream(EXPIRED, then=Then.END), OVER),
        resync=600.0,
    ),
    Script(
        name="a second list after a resync, to a handler that never resyncs",
        lists=(LIST,),
        watches=(Stream(Proceed(), EXPIRED, then=Then.END), OVER),
        resync=2.0,
        handlers=(Handler(name="resyncs", resyncs="b"), Handler(name="does not", resync=0.0)),
    ),
    Script(
        name="a second list after a resync, to a handler whose own is not due",
        lists=(LIST,),
        watches=(Stream(Proceed(), EXPIRED, then=Then.END), OVER),
        resync=2.0,
        handlers=(Handler(name="often", resyncs="b"), Handler(name="seldom", resync=600.0)),
    ),
)
