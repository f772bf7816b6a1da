"""What scripts are made of: what a server answers, and what an application does with its informer.

A script has an answer for each list, each watch and each streaming list that a client asks for, in order; the last one
holds for all that come behind. Where it has none for streaming lists the server knows no such thing.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias, final

import attrs

__all__ = [
    "Answer",
    "Handler",
    "Items",
    "Line",
    "Proceed",
    "Raw",
    "Reset",
    "Script",
    "Status",
    "Stream",
    "Then",
    "added",
    "bookmark",
    "deleted",
    "end_of_list",
    "error",
    "modified",
    "pod",
    "status",
]

JSON: TypeAlias = dict[str, Any]


def pod(
    name: str,
    version: int | str,
    *,
    namespace: str = "default",
    uid: str = "",
    labels: dict[str, str] | None = None,
    **fields: Any,
) -> JSON:
    """Return a pod as it stands in a watch; `fields` go beside its metadata."""
    metadata = {"name": name, "namespace": namespace, "uid": uid or f"{name}-1", "resourceVersion": str(version)}
    if labels:
        metadata["labels"] = labels  # type: ignore[assignment]
    spec = {"containers": [{"name": "main", "image": "example.com/main:1"}]}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, **fields}


def added(obj: JSON) -> JSON:
    return {"type": "ADDED", "object": obj}


def modified(obj: JSON) -> JSON:
    return {"type": "MODIFIED", "object": obj}


def deleted(obj: JSON) -> JSON:
    return {"type": "DELETED", "object": obj}


def bookmark(version: int | str, *, kind: str = "Pod", **annotations: str) -> JSON:
    metadata: JSON = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = {f"k8s.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
    return {"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": "v1", "metadata": metadata}}


def end_of_list(version: int | str) -> JSON:
    """Return the bookmark that ends a streaming list."""
    return bookmark(version, initial_events_end="true")


def error(code: int, reason: str, message: str = "", **details: Any) -> JSON:
    return {"type": "ERROR", "object": status(code, reason, message, **details)}


def status(code: int, reason: str, message: str = "", **details: Any) -> JSON:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "code": code}
    return {**body, "message": message or reason, **({"details": details} if details else {})}


class Then(Enum):
    """What becomes of a watch when its lines have been sent."""

    HOLD = "it stays open"
    END = "it ends in good order"
    CUT = "the connection breaks"


@final
@attrs.frozen
class Proceed:
    """The watch goes on when the application has done what it does at the object `act`, or at the first resync."""


#: A line of a watch: an event, or bytes as they are.
Line: TypeAlias = JSON | bytes | Proceed


@final
@attrs.frozen(init=False)
class Items:
    """A page of a list."""

    items: tuple[JSON, ...] | None
    version: str
    token: str

    def __init__(self, *items: JSON, version: int | str, token: str = "", are_null: bool = False) -> None:
        # Items of a built-in kind's list have no kind of their own.
        bare = tuple({k: v for k, v in item.items() if k not in {"kind", "apiVersion"}} for item in items)
        self.__attrs_init__(None if are_null else bare, str(version), token)

    def body(self) -> JSON:
        metadata = {"resourceVersion": self.version, **({"continue": self.token} if self.token else {})}
        items = None if self.items is None else list(self.items)
        return {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}


@final
@attrs.frozen
class Status:
    """A refusal.

    Attributes:
        code: the HTTP status.
        reason: Kubernetes' word for it.
        message: empty for the reason.
        causes: of the details, for example `{"reason": "ResourceVersionTooLarge"}`.
        retry_after: seconds, as a header; 0 for none.
    """

    code: int
    reason: str
    message: str = ""
    causes: tuple[dict[str, str], ...] = ()
    retry_after: int = 0

    def body(self) -> JSON:
        details: JSON = {"causes": list(self.causes)} if self.causes else {}
        return status(self.code, self.reason, self.message, **details)


@final
@attrs.frozen
class Reset:
    """No answer: the connection breaks."""


@final
@attrs.frozen
class Raw:
    """An answer of these bytes."""

    body: bytes


@final
@attrs.frozen(init=False)
class Stream:
    """A watch, plain or with initial events."""

    lines: tuple[Line, ...]
    then: Then

    def __init__(self, *lines: Line, then: Then = Then.HOLD) -> None:
        self.__attrs_init__(lines, then)


Answer: TypeAlias = Items | Stream | Status | Reset | Raw


@final
@attrs.frozen(kw_only=True)
class Handler:
    """A handler of the application.

    Attributes:
        name: of the handler.
        resync: seconds; None for the informer's.
        late: it is added when the others have come to the object `act`.
        removed: it is removed at that moment.
        stops: the informer is stopped at that moment.
        filters: it gets what has no label `passes=no`.
        raises_on: the name of an object that it fails for.
        resyncs: the name of an object whose first repetition makes the server proceed.
    """

    name: str = "handler"
    resync: float | None = None
    late: bool = False
    removed: bool = False
    stops: bool = False
    filters: bool = False
    raises_on: str = ""
    resyncs: str = ""


@final
@attrs.frozen(kw_only=True)
class Script:
    """What a server does, and what the application does meanwhile. It is over when all handlers have got `end`.

    Attributes:
        name: a sentence, short.
        lists: answers to lists, page by page.
        watches: answers to watches.
        streams: answers to streaming lists; empty where the server does not know them.
        client: what the informer is of: `typed` pods, `dynamic` mappings, `metadata` alone.
        resync: the informer's period, in seconds.
        handlers: of the application.
        tells_repeats: whether repetitions are compared: without a resync period who gets them is not the same.
        transform_fails_on: the name of an object that the transform fails for; empty for no transform.
        crashes: whether a panic ends the process, which then is the script's own.
        takes: seconds that this library needs, where these are many.
        limit: seconds after which client-go is not waited for any more.
    """

    name: str
    lists: tuple[Answer, ...] = ()
    watches: tuple[Answer, ...] = ()
    streams: tuple[Answer, ...] = ()
    client: str = "typed"
    resync: float = 0.0
    handlers: tuple[Handler, ...] = (Handler(),)
    tells_repeats: bool = True
    transform_fails_on: str = ""
    crashes: bool = False
    takes: float = 0.0
    limit: float = 30.0
