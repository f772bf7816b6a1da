"""Scripts about how a server writes what it says: spaces, orders, escapes, pieces."""

from __future__ import annotations

import json
from typing import Any

from tests.compared_with_go.scripts_lists import BROKEN, END, EXPIRED, OVER
from tests.compared_with_go.vocabulary import (
    Items,
    Raw,
    Script,
    Stream,
    Then,
    added,
    deleted,
    error,
    modified,
    pod,
    status,
)

__all__ = ["SCRIPTS"]

LIST = Items(pod("a", 1), pod("b", 2), version=5)
LATER = Items(pod("a", 7), pod("c", 8), version=9)


def line(event: dict[str, Any], **how: Any) -> bytes:
    """Return an event as bytes; `how` are json's."""
    return json.dumps(event, **how).encode() + b"\n"


def written(name: str, *events: bytes) -> Script:
    """Return a script whose watch sends these bytes, and then ends by 410."""
    return Script(name=name, lists=(LIST, LATER), watches=(Stream(*events, EXPIRED, then=Then.END), OVER))


def listed(name: str, body: bytes) -> Script:
    """Return a script whose first list is these bytes."""
    return Script(name=name, lists=(Raw(body), Items(pod("a", 6), version=9)), watches=(OVER,))


def backwards(value: Any) -> Any:
    """Return a mapping with its keys, and those of what is in it, in reverse order."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return [backwards(item) for item in value] if isinstance(value, list) else value


CHANGE = modified(pod("a", 6))
GONE = deleted(pod("b", 6))
WHOLE = line(CHANGE, separators=(",", ":"))
BODY = LIST.body()
NULLS = {**pod("a", 6), "status": None}
NULLS["metadata"] = {**NULLS["metadata"], "labels": None, "annotations": None, "ownerReferences": None}
AT = len(WHOLE) // 2
NUMBERS: dict[str, Any] = {"number": 1}

SCRIPTS = (
    written("events with spaces", line(CHANGE), line(GONE, separators=(" , ", " : "))),
    written("events whose keys are in another order", line(backwards(CHANGE)), line(backwards(GONE))),
    written("events with escapes", WHOLE.replace(b'"a"', b'"\\u0061"')),
    written("an event in pieces", WHOLE[:AT], WHOLE[AT:-3], WHOLE[-3:]),
    written("two events at once", WHOLE + line(GONE)),
    written("lines that end as on Windows", WHOLE.replace(b"\n", b"\r\n")),
    written("empty lines between events", b"\n", WHOLE, b"\n\n"),
    written("events over several lines", line(CHANGE, indent=2), line(GONE, indent=2)),
    written("events without a newline between them", WHOLE.rstrip() + line(GONE, separators=(",", ":"))),
    written("an event with bytes that are no UTF-8", WHOLE.replace(b"example.com", b"ex\xffmple.com")),
    written("an event with a character beyond ASCII", WHOLE.replace(b"example.com", "exämple.com".encode())),
    written("an event with nulls", line(modified(NULLS))),
    written("an event that says its kind twice", WHOLE.replace(b'"kind":"Pod"', b'"kind":"Node","kind":"Pod"')),
    listed("a list with spaces", json.dumps(BODY).encode()),
    listed("a list over several lines", json.dumps(BODY, indent=2).encode()),
    listed("a list whose keys are in another order", json.dumps(backwards(BODY)).encode()),
    listed("a list whose items have a kind", json.dumps({**BODY, "items": [pod("a", 1), pod("b", 2)]}).encode()),
    listed("a list without items", json.dumps({k: v for k, v in BODY.items() if k != "items"}).encode()),
    listed("a list without a kind", json.dumps({k: v for k, v in BODY.items() if k != "kind"}).encode()),
    listed("a list of another kind", json.dumps({**BODY, "kind": "NodeList"}).encode()),
    listed("a failure that says it is well", json.dumps(status(500, "InternalError")).encode()),
    listed("a list with bytes that are no UTF-8", json.dumps(BODY).encode().replace(b"example.com", b"ex\xffmple.com")),
    listed("a list with something behind it", json.dumps(BODY).encode() + b"\n{}"),
    listed("an empty answer", b""),
    listed("a page of HTML instead of a list", b"<html><body>Sign in</body></html>"),
    Script(
        name="a list without a version",
        lists=(Items(pod("a", 1), version=""), Items(pod("a", 7), version=9)),
        watches=(Stream(added(pod("a", 1)), added(pod("b", 6)), EXPIRED, then=Then.END), OVER),
        resync=600.0,
    ),
    Script(
        name="a list at version 0",
        lists=(Items(pod("a", 1), version=0), Items(pod("a", 7), version=9)),
        watches=(Stream(added(pod("a", 1)), added(pod("b", 6)), modified(pod("b", 8)), then=Then.END), OVER),
        resync=600.0,
    ),
    Script(
        name="an error in the stream that says next to nothing",
        lists=(LIST, LATER),
        watches=(
            Stream({"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1"}}, then=Then.END),
            OVER,
        ),
    ),
    Script(
        name="429 in the stream, with a time to wait",
        lists=(LIST,),
        watches=(
            Stream(modified(pod("a", 6)), error(429, "TooManyRequests", retryAfterSeconds=1), then=Then.END),
            OVER,
        ),
    ),
    Script(
        name="mappings, one of which can't be read",
        client="dynamic",
        lists=(LIST, LATER),
        watches=(Stream(modified(BROKEN), modified(pod("a", 6)), EXPIRED, then=Then.END), OVER),
    ),
    Script(
        name="mappings, and a deletion that can't be read",
        client="dynamic",
        lists=(LIST, LATER),
        watches=(Stream(deleted(BROKEN), EXPIRED, then=Then.END), OVER),
    ),
    Script(
        name="mappings, one of which has labels that are no strings",
        client="dynamic",
        lists=(LIST, LATER),
        watches=(Stream(modified(pod("b", 6, labels=NUMBERS)), EXPIRED, then=Then.END), OVER),
    ),
    Script(
        name="mappings, and a failure that says it is well",
        client="dynamic",
        lists=(Raw(json.dumps(status(500, "InternalError")).encode()), Items(pod("a", 6), version=9)),
        watches=(OVER,),
    ),
    Script(
        name="metadata alone, of an object that can't be read",
        client="metadata",
        lists=(LIST, LATER),
        watches=(Stream(modified(BROKEN), EXPIRED, then=Then.END), Stream(END)),
    ),
)
