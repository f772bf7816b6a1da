"""Where this library does otherwise than client-go, script by script; everything else must be the same.

`docs/explanation/compared-with-client-go.md` is made of this: `make pages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, final

import attrs

__all__ = ["DIFFERENCES", "Difference", "expected"]

#: By facet: client-go's text, and ours; `-` where there is no such thing.
Facets: TypeAlias = Mapping[str, tuple[str, str]]


@final
@attrs.frozen(kw_only=True)
class Difference:
    """Scripts that end otherwise for one reason.

    Attributes:
        title: in a few words.
        why: the reason.
        scripts: what differs, by the script's name.
    """

    title: str
    why: str
    scripts: Mapping[str, Facets]


_NOT_SYNCED = {
    "outcome": ("it did not get to the end", "the script ended"),
    "handler synced": ("no", "yes"),
}
_ONE_LIST = {**_NOT_SYNCED, "requests": ("list@0/500, again", "list@0/500, watch@5")}
_RETRIED = {"requests": ("stream@, again", "stream@, list@0/500, watch@5")}
_BOTH_PODS = {
    "cache": ("empty", "default/a 1, default/b 2"),
    "default/a": ("-", "initial add 1"),
    "default/b": ("-", "initial add 2"),
}
_SPOILED = {
    "default/a": ("initial add 1, update 1→6, update 6→7", "initial add 1, update 1→7"),
    "requests": ("list@0/500, watch@5, list@6, watch@9", "list@0/500, watch@5, list@5, watch@9"),
}
_REFUSED = {
    "default/a": ("initial add 1", "initial add 6"),
    "default/b": ("initial add 2", "-"),
    "cache": ("default/a 1, default/b 2", "default/a 6"),
    "requests": ("list@0/500, watch@5", "list@0/500, again, watch@9"),
}
_MADE_ANEW = {"default/a": ("initial add 1, update 1→8, another uid", "initial add 1, tombstone 1, add 8")}

DIFFERENCES = (
    Difference(
        title="A streaming list whose end does not come",
        why=(
            "client-go asks for the stream again at once, without end, or waits as long as the stream is open. Here a "
            "list in pages follows the first stream that breaks, or that delivers nothing for ten seconds. A server "
            "that does not support streams is not asked again. client-go asks before each list."
        ),
        scripts={
            "a streaming list whose end never comes: it is closed": {**_NOT_SYNCED, **_RETRIED, **_BOTH_PODS},
            "a streaming list whose end never comes: it stays open": {
                **_NOT_SYNCED,
                "requests": ("stream@", "stream@, list@0/500, watch@5"),
                **_BOTH_PODS,
            },
            "a streaming list that ends before its end has come, once": _RETRIED,
            "a streaming list whose connection breaks": _RETRIED,
            "a server without streaming lists is asked again after a failure": {
                "requests": (
                    "stream@, list@0/500, watch@5, stream@5, list@5, watch@9",
                    "stream@, list@0/500, watch@5, list@5, watch@9",
                ),
            },
        },
    ),
    Difference(
        title="An object that can't be held",
        why=(
            "client-go refuses a whole list with one such object, again and again, and never syncs. It ends a watch "
            "and lists, or loses the event. Here only that object is left out, reported and counted, and the version "
            "moves on. The scripts show that in the next request. An object without a name is left out too (client-go "
            "keeps it under the key `default/`), and so is a mapping whose labels are not strings. If an object was "
            "never delivered, its deletion is not delivered either."
        ),
        scripts={
            "a list with an object that can't be read": {
                **_ONE_LIST,
                "cache": ("empty", "default/a 1"),
                "default/a": ("-", "initial add 1"),
            },
            "a list with an object that has no name": {
                "cache": ("default/ 7, default/a 1", "default/a 1"),
                "default/": ("initial add 7", "-"),
            },
            "a change of an object that can't be read": {
                "requests": ("list@0/500, watch@5, list@5, watch@9", "list@0/500, watch@5, list@7, watch@9"),
            },
            "a change of an object whose labels are no strings": {
                "requests": ("list@0/500, watch@5, list@5, watch@9", "list@0/500, watch@5, list@6, watch@9"),
            },
            "an object that has no name": {"default/": ("add 7, tombstone 7", "-")},
            "an event of an unknown type": {
                "requests": ("list@0/500, watch@5, list@5, watch@9", "list@0/500, watch@5, list@6, watch@9"),
            },
            "a streaming list with an object that can't be read": {
                "requests": ("stream@, list@0/500, watch@5", "stream@"),
            },
            "a transform that fails for an object of the list": {
                **_ONE_LIST,
                "cache": ("empty", "default/b 6"),
                "default/b": ("-", "initial add 2, update 2→6"),
            },
            "mappings, one of which can't be read": {
                "default/": ("add 7, tombstone 7", "-"),
                "requests": ("list@0/500, watch@5, list@6, watch@9", "list@0/500, watch@5, list@7, watch@9"),
            },
            "mappings, and a deletion that can't be read": {
                "default/": ("delete 7", "-"),
                "requests": ("list@0/500, watch@5, list@7, watch@9", "list@0/500, watch@5, list@5, watch@9"),
            },
            "mappings, one of which has labels that are no strings": {
                "default/b": ("initial add 2, update 2→6, tombstone 6", "initial add 2, tombstone 2"),
            },
            "metadata alone, of an object that can't be read": {
                "requests": ("list@0/500, watch@5, list@5, watch@9", "list@0/500, watch@5, list@7, watch@9"),
            },
        },
    ),
    Difference(
        title="An object that no model can be made of",
        why=(
            "client-go decodes objects when they arrive, and treats one that does not fit its types as above. Here "
            "the bytes are kept. A field that does not fit its model raises when it is read."
        ),
        scripts={
            "a list with an object that is no pod": {
                **_ONE_LIST,
                "cache": ("empty", "default/a 1, default/odd 7"),
                "default/a": ("-", "initial add 1"),
                "default/odd": ("-", "initial add 7"),
            },
            "a change of an object to what is no pod": {
                "requests": ("list@0/500, watch@5, list@5, watch@9", "list@0/500, watch@5, list@7, watch@9"),
                "default/odd": ("-", "add 7, tombstone 7"),
            },
        },
    ),
    Difference(
        title="A handler that fails",
        why=(
            "client-go ends the process by default. The first script has that switched off. Here the error is logged "
            "with the object's key and counted, the next event follows, and the event counts as delivered."
        ),
        scripts={
            "a handler that fails in the initial list": {"handler synced": ("no", "yes")},
            "a handler that fails, as client-go is by default": {
                "outcome": ("the process ended", "the script ended"),
                "cache": ("-", "default/a 1"),
                "handler synced": ("-", "yes"),
            },
        },
    ),
    Difference(
        title="What has not changed",
        why=(
            "When a list or an event has an object at the version that the cache has, client-go delivers it to the "
            "handlers that were due at the last resync. Before the first resync these are all handlers, and later "
            "perhaps none. Here only handlers with a resync period receive it. Upstream's "
            "`TestSharedInformerWatchDisruption` wants the same."
        ),
        scripts={
            "a second list in which nothing has changed": {"default/a": ("initial add 1, repeat 1", "initial add 1")},
            "a second streaming list in which nothing has changed": {
                "default/a": ("initial add 1, repeat 1", "initial add 1"),
                "default/b": ("initial add 2, repeat 2", "initial add 2"),
            },
            "an addition that comes twice": {"default/x": ("add 6, repeat 6", "add 6")},
            "an object without a version": {
                "default/a": (
                    "initial add 1, update 1→?, repeat ?, update ?→6",
                    "initial add 1, update 1→?, update ?→6",
                ),
            },
            "a change that changes nothing": {"default/a": ("initial add 1, repeat 1", "initial add 1")},
            "a second list after a resync, to a handler whose own is not due": {
                "default/a to seldom": ("initial add 1", "initial add 1, repeat 1"),
                "default/b to seldom": ("initial add 2", "initial add 2, repeat 2"),
            },
        },
    ),
    Difference(
        title="One uid, one history",
        why=(
            "client-go delivers every event. Here an object that was created again under its name is two objects: a "
            "deletion of the old one, then an add. These are dropped: a second deletion, the deletion of an unknown "
            "object, and a state older than that of the cache. No event moves the position of a watch back."
        ),
        scripts={
            "deleted and made again while the watch was away": _MADE_ANEW,
            "a second streaming list finds what was missed": _MADE_ANEW,
            "an object that changes its uid in one event": {
                "default/a": ("initial add 1, update 1→6, another uid", "initial add 1, tombstone 1, add 6"),
            },
            "a deletion of an object that nobody knows": {"default/x": ("delete 6", "-")},
            "a deletion that comes twice": {
                "default/a": ("initial add 1, delete 6, delete 6", "initial add 1, delete 6"),
            },
            "a version that goes back": {
                "cache": ("default/a 6, default/b 2, default/c 3", "default/a 8, default/b 2, default/c 3"),
                "default/a": ("initial add 1, update 1→8, update 8→6", "initial add 1, update 1→8"),
            },
            "a version that went back, and the watch goes on from there": {
                "requests": ("list@0/500, watch@5, watch@4", "list@0/500, watch@5, again"),
            },
        },
    ),
    Difference(
        title="A resync of one handler's own",
        why=(
            "If an informer has no resync period, its handlers in client-go have none either, and a warning is "
            "logged. Here each handler may have its own."
        ),
        scripts={
            "a resync that a handler of an informer without asks for": {
                "outcome": ("it did not get to the end", "the script ended"),
                "cache": ("default/a 1, default/b 2", "default/a 6"),
                "default/a to resyncs": ("initial add 1", "initial add 1, repeat 1, update 1→6"),
                "default/b to resyncs": ("initial add 2", "initial add 2, repeat 2, delete 7"),
                "default/a to does not": ("initial add 1", "initial add 1, update 1→6"),
                "default/b to does not": ("initial add 2", "initial add 2, delete 7"),
            },
        },
    ),
    Difference(
        title="An object that a list has twice",
        why="client-go delivers two adds of one object. Here the last one counts, as it does in both caches.",
        scripts={"a list with one object twice": {"default/a": ("initial add 1, initial add 3", "initial add 3")}},
    ),
    Difference(
        title="What no API server writes",
        why=(
            "client-go reads one JSON value after the other, without regard to lines, and replaces bytes that are not "
            "UTF-8. Here each line is an event. A line that is not valid JSON or UTF-8 leads to a list, because an "
            "unencrypted connection may have changed it. A list must say that it is one. From a list of another kind, "
            "or a Status where mappings are listed, client-go makes an empty cache that counts as synced. Here a "
            "Status is a failure. The items of the other list are accepted: they have no kind of their own, and the "
            "list of a custom resource may be of any kind."
        ),
        scripts={
            "events over several lines": _SPOILED
            | {"default/b": ("initial add 2, delete 6", "initial add 2, tombstone 2")},
            "events without a newline between them": _SPOILED
            | {"default/b": ("initial add 2, delete 6", "initial add 2, tombstone 2")},
            "an event with bytes that are no UTF-8": _SPOILED,
            "a list with bytes that are no UTF-8": _REFUSED,
            "a list without a kind": _REFUSED,
            "mappings, and a failure that says it is well": {
                "cache": ("empty", "default/a 6"),
                "requests": ("list@0/500, watch@", "list@0/500, again, watch@9"),
                "default/a": ("-", "initial add 6"),
            },
            "a list of another kind": {
                "cache": ("empty", "default/a 1, default/b 2"),
                "requests": ("list@0/500, watch@", "list@0/500, watch@5"),
                "default/a": ("-", "initial add 1"),
                "default/b": ("-", "initial add 2"),
            },
        },
    ),
    Difference(
        title="Requests alone",
        why=(
            "Handlers receive the same. After a version was lost, client-go requests everything in one answer, which "
            "is read from etcd. Here it is read in pages. After an event without a version, which no API server "
            "sends, client-go watches without a version and misses deletions. Here the last version counts. If a "
            "connection breaks within a second, before its first event, client-go lists. Here the watch is opened "
            "again after a pause, and a second such break leads to a list."
        ),
        scripts={
            "a relist at a version that has expired too": {
                "requests": (
                    "list@0/500, watch@5, list@5, list@, watch@9",
                    "list@0/500, watch@5, list@5, list@/500, watch@9",
                ),
            },
            "a version that the server has not reached": {
                "requests": (
                    "list@0/500, watch@5, list@5, list@, watch@3",
                    "list@0/500, watch@5, list@5, list@/500, watch@3",
                ),
            },
            "the last event has no version, and the watch goes on": {
                "requests": ("list@0/500, watch@5, watch@", "list@0/500, watch@5, watch@6"),
            },
            "a watch whose connection breaks within its first event": {
                "requests": ("list@0/500, watch@5, list@5, watch@9", "list@0/500, watch@5, again"),
            },
            "a page of HTML instead of a watch": {
                "requests": ("list@0/500, watch@5, list@5, watch@9", "list@0/500, watch@5, again"),
            },
        },
    ),
)


def expected(script: str) -> Facets:
    """Return what is to differ in a script."""
    found = [difference.scripts[script] for difference in DIFFERENCES if script in difference.scripts]
    assert len(found) <= 1, f"{script!r} is in the table twice"
    return found[0] if found else {}
