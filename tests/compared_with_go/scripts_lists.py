"""Scripts about lists, and about what a list finds that a watch has missed."""

from __future__ import annotations

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

END = added(pod("end", 99))
OVER = Stream(END)
EXPIRED = error(410, "Expired", "too old resource version: 5 (9)")
#: A watch that breaks, and comes back to a server which has forgotten what happened meanwhile.
GONE = Stream(EXPIRED, then=Then.END)
#: Objects that are none, and one that is what no pod can be.
BROKEN = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": 7, "namespace": "default", "resourceVersion": "7"}}
NAMELESS = {"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "default", "resourceVersion": "7"}}
ODD = {**pod("odd", 7), "spec": "nonsense"}


def relisted(name: str, *, before: Items, after: Items, **fields: object) -> Script:
    """Return a script in which a second list shows what the first watch has missed."""
    return Script(name=name, lists=(before, after), watches=(GONE, OVER), **fields)  # type: ignore[arg-type]


SCRIPTS = (
    Script(
        name="a plain life",
        lists=(Items(pod("a", 1), pod("b", 2), version=5),),
        watches=(Stream(modified(pod("a", 6)), added(pod("c", 7)), modified(pod("c", 8)), deleted(pod("b", 9)), END),),
    ),
    Script(
        name="an empty list",
        lists=(Items(version=5),),
        watches=(Stream(added(pod("a", 6)), END),),
    ),
    Script(
        name="a list whose items are null",
        lists=(Items(version=5, are_null=True),),
        watches=(Stream(added(pod("a", 6)), END),),
    ),
    Script(
        name="one name in two namespaces",
        lists=(Items(pod("a", 1), pod("a", 2, namespace="other"), version=5),),
        watches=(Stream(deleted(pod("a", 6)), END),),
    ),
    Script(
        name="a list with one object twice",
        lists=(Items(pod("a", 1), pod("a", 3), version=5),),
        watches=(OVER,),
    ),
    Script(
        name="pages, with changes between them",
        lists=(
            Items(pod("a", 1), pod("b", 2), version=5, token="page-2"),
            Items(pod("c", 3), version=5, token="page-3"),
            Items(pod("d", 4), version=5),
        ),
        watches=(Stream(deleted(pod("c", 6)), modified(pod("a", 7)), added(pod("aa", 8)), END),),
    ),
    Script(
        name="a continue token that has expired",
        lists=(
            Items(pod("a", 1), version=5, token="page-2"),
            Status(410, "Expired", "The provided continue parameter is too old"),
            Items(pod("a", 6), pod("b", 7), version=8),
        ),
        watches=(OVER,),
    ),
    Script(
        name="a continue token that has expired, and then the version",
        lists=(
            Items(pod("a", 1), version=5, token="page-2"),
            Status(410, "Expired", "The provided continue parameter is too old"),
            Status(410, "Expired", "too old resource version"),
            Items(pod("a", 6), pod("b", 7), version=8),
        ),
        watches=(OVER,),
    ),
    Script(
        name="a page that fails",
        lists=(
            Items(pod("a", 1), version=5, token="page-2"),
            Status(500, "InternalError"),
            Items(pod("a", 1), version=5, token="page-2"),
            Items(pod("b", 2), version=5),
        ),
        watches=(OVER,),
    ),
    Script(
        name="a paged list after a version was lost",
        lists=(
            Items(pod("a", 1), version=5, token="page-2"),
            Items(pod("b", 2), version=5),
            Items(pod("a", 7), version=9, token="page-2"),
            Items(pod("b", 8), version=9),
        ),
        watches=(Stream(EXPIRED, then=Then.END), OVER),
    ),
    relisted(
        "a deletion that was missed",
        before=Items(pod("a", 1), pod("b", 2), version=5),
        after=Items(pod("b", 7), version=9),
    ),
    relisted(
        "an update and an addition that were missed",
        before=Items(pod("a", 1), version=5),
        after=Items(pod("a", 7), pod("b", 8), version=9),
    ),
    relisted(
        "deleted and made again while the watch was away",
        before=Items(pod("a", 1), version=5),
        after=Items(pod("a", 8, uid="a-2"), version=9),
    ),
    relisted(
        "a second list in which nothing has changed",
        before=Items(pod("a", 1), version=5),
        after=Items(pod("a", 1), version=9),
    ),
    relisted(
        "a second list of lower versions",
        before=Items(pod("a", 4), version=5),
        after=Items(pod("a", 2), version=3),
    ),
    relisted(
        "a second list that is empty",
        before=Items(pod("a", 1), pod("b", 2), version=5),
        after=Items(version=9),
    ),
    Script(
        name="a missed deletion of an object that the watch had changed",
        lists=(Items(pod("a", 1), version=5), Items(version=9)),
        watches=(Stream(modified(pod("a", 6)), EXPIRED, then=Then.END), OVER),
    ),
    Script(
        name="a relist at a version that has expired too",
        lists=(
            Items(pod("a", 1), version=5),
            Status(410, "Expired", "too old resource version"),
            Items(pod("b", 8), version=9),
        ),
        watches=(GONE, OVER),
    ),
    Script(
        name="a version that the server has not reached",
        lists=(
            Items(pod("a", 1), version=5),
            Status(
                504, "Timeout", "Too large resource version: 5, current: 3", ({"reason": "ResourceVersionTooLarge"},)
            ),
            Items(pod("a", 2), version=3),
        ),
        watches=(GONE, OVER),
    ),
    Script(
        name="a list without permission, granted later",
        lists=(Status(403, "Forbidden", "pods is forbidden"), Items(pod("a", 1), version=5)),
        watches=(OVER,),
    ),
    Script(
        name="a list of what does not exist yet",
        lists=(Status(404, "NotFound"), Items(pod("a", 1), version=5)),
        watches=(OVER,),
    ),
    Script(
        name="a list without authentication",
        lists=(Status(401, "Unauthorized"), Items(pod("a", 1), version=5)),
        watches=(OVER,),
    ),
    Script(
        name="a server that has too much to do",
        lists=(Status(429, "TooManyRequests"), Items(pod("a", 1), version=5)),
        watches=(OVER,),
    ),
    Script(
        name="a server that says how long to wait",
        lists=(Status(503, "ServiceUnavailable", retry_after=1), Items(pod("a", 1), version=5)),
        watches=(OVER,),
    ),
    Script(
        name="a list whose connection breaks",
        lists=(Reset(), Items(pod("a", 1), version=5)),
        watches=(OVER,),
    ),
    Script(
        name="a list that is no JSON",
        lists=(
            Raw(b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[{'),
            Items(pod("a", 1), version=5),
        ),
        watches=(OVER,),
    ),
    Script(
        name="a list with an object that can't be read",
        lists=(Items(pod("a", 1), BROKEN, version=5),),
        watches=(OVER,),
        limit=5.0,
    ),
    Script(
        name="a list with an object that is no pod",
        lists=(Items(pod("a", 1), ODD, version=5),),
        watches=(OVER,),
        limit=5.0,
    ),
    Script(
        name="a list with an object that has no name",
        lists=(Items(pod("a", 1), NAMELESS, version=5),),
        watches=(OVER,),
    ),
    Script(
        name="fields that a newer server sends",
        lists=(Items(pod("a", 1, status={"phase": "Sleeping", "dreams": [{"of": "sheep"}]}, future=True), version=5),),
        watches=(Stream(modified(pod("a", 6, future={"more": True})), END),),
    ),
    Script(
        name="mappings",
        client="dynamic",
        lists=(Items(pod("a", 1), pod("b", 2), version=5), Items(pod("a", 8), version=9)),
        watches=(Stream(modified(pod("a", 6)), added(pod("c", 7)), EXPIRED, then=Then.END), OVER),
    ),
    Script(
        name="metadata alone",
        client="metadata",
        lists=(Items(pod("a", 1), pod("b", 2), version=5), Items(pod("a", 8), version=9)),
        watches=(Stream(modified(pod("a", 6)), added(pod("c", 7)), bookmark(8), EXPIRED, then=Then.END), OVER),
    ),
)
