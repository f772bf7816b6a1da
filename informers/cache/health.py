"""How an informer fares, for people and probes: values, taken at one moment.

Upstream: none; client-go shows no more than `HasSynced` and the last resource version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import attrs

from informers._base.exceptions import safe_text
from informers.cache._pipeline.latency import Latencies
from informers.cache._pipeline.processor import BEHIND, Listener
from informers.cache._reflector.progress import WatchCounts
from informers.cache._reflector.reflector import Reflector
from informers.cache._reflector.states import ReflectorState
from informers.errors import escaped

__all__ = [
    "FactoryHealth",
    "HandlerHealth",
    "InformerHealth",
    "WatchHealth",
    "handler_health",
    "inherited_health",
    "watch_health",
]

#: Seconds at one list or batch of changes after which the cache can't be said to follow the server.
_HELD_UP = 10.0


@final
@attrs.frozen(kw_only=True)
class WatchHealth(WatchCounts):
    """One list and watch of an informer: it has one for each namespace, or one for all; and what that has counted.

    Attributes:
        namespace: None for all.
        state: what it is doing.
        connected_for: seconds that the open watch has been open; None while there is none.
        last_event_age: seconds since the last event or bookmark; None before the first.
        is_doubtful: whether the last watch was silent until it was given up, and nothing has come since: a server, or
            something before it, that takes watches but sends nothing looks like that.
        not_live_for: seconds for which there has been no watch that works, from the first moment on; 0 while there is
            one.
        asked_to_wait: what the server asked for a pause with (429, 503), which is waited for and not a failure; None
            where it did not.
        error: what went wrong last, if nothing has gone right since.
        retry_in: seconds until the next try; None where nothing waits.
        resource_version: the last one seen.
    """

    namespace: str | None
    state: ReflectorState
    connected_for: float | None
    last_event_age: float | None
    is_doubtful: bool
    error: Exception | None
    retry_in: float | None
    resource_version: str
    not_live_for: float = 0.0
    asked_to_wait: Exception | None = None

    @property
    def is_live(self) -> bool:
        """Whether the watch is open, and nothing speaks against its being what it seems."""
        return self.state is ReflectorState.WATCHING and not self.is_doubtful

    def __str__(self) -> str:
        text = self.state.value
        if self.state is ReflectorState.WATCHING and self.is_doubtful:
            text += ", but nothing has come"
        if self.state is ReflectorState.LISTING and self.listed:
            total = "" if self.total is None else f" of about {self.total:,}"
            text += f" ({self.listed:,}{total} objects so far)"
        if self.namespace is not None:
            text = f"{self.namespace}: {text}"
        if self.asked_to_wait is not None:
            text += f": {safe_text(self.asked_to_wait, str)}"
        if self.error is not None:
            text += f", last error: {safe_text(self.error, str)}"
        if self.retry_in is not None:
            text += f", next try in {self.retry_in:.1f} s"
        return text


@final
@attrs.frozen(kw_only=True)
class HandlerHealth:
    """One handler of an informer.

    Attributes:
        name: its class or function.
        synced: whether it has been notified of everything that was there at the beginning.
        backlog: events that it has not finished yet.
        delivered: events that it has finished, those on which it failed among them.
        failed: events on which it raised.
        busy_with: key of the object that it handles now, the first of several; None while idle.
        busy_for: seconds that this has taken so far.
        resync_period: seconds between resyncs; 0 for none.
    """

    name: str
    synced: bool
    backlog: int
    delivered: int
    failed: int
    busy_with: str | None
    busy_for: float | None
    resync_period: float


@final
@attrs.frozen(kw_only=True)
class InformerHealth:
    """An informer.

    Attributes:
        resource: for example `pods`.
        started: whether it has been started.
        stopped: whether it has been stopped.
        synced: whether the first list is in the cache.
        objects: how many the cache holds.
        bytes: what they take, as far as that is known.
        resource_version: of the last change or bookmark in the cache.
        queued: changes that are not in the cache yet, without those that are being brought in.
        busy_for: seconds for which a list, a batch of changes or a failure has been brought in so far, with transforms,
            index functions and the error handler; None while there is none.
        watches: by namespace.
        handlers: in the order in which they were added.
        set_aside: objects that are on the server, but not in the cache in that form, by key, and why.
        set_aside_total: how often an object had to be set aside.
        latencies: how long it took to bring what was seen into the cache and to the handlers' queues; None unless
            that is measured.
        inherited_from: id of the process that it belongs to, where this one was forked from that; None otherwise. Then
            it counts as stopped, and of the rest nothing is known here.
        age: seconds since the informer was made.
    """

    resource: str
    started: bool
    stopped: bool
    synced: bool
    objects: int
    bytes: int
    resource_version: str
    queued: int
    watches: tuple[WatchHealth, ...]
    handlers: tuple[HandlerHealth, ...]
    set_aside: Mapping[str, Exception]
    set_aside_total: int
    latencies: Latencies | None = None
    busy_for: float | None = None
    inherited_from: int | None = None
    age: float = 0.0

    @property
    def not_live_for(self) -> float:
        """Seconds for which the cache has not followed the server; 0 while it does. Of several watches, the longest.

        Of an informer that never was live these are the seconds since it was made.
        """
        if self.is_live:
            return 0.0
        if not self.synced:
            return self.age
        return max((self.busy_for or 0.0, *(watch.not_live_for for watch in self.watches)))

    @property
    def is_live(self) -> bool:
        """Whether the cache follows the server: synced, held up by nothing, every watch open and none doubtful."""
        is_at_work = self.synced and not self.stopped and not self._held_up
        return is_at_work and all(watch.is_live for watch in self.watches)

    @property
    def _held_up(self) -> str:
        if self.busy_for is None or self.busy_for < _HELD_UP:
            return ""
        return f"held up for {self.busy_for:.0f} s by transforms, index functions or the error handler"

    @property
    def busy(self) -> str:
        """What handlers are at, in words; empty if all are idle."""
        return "; ".join(
            f"{handler.name} on {escaped(handler.busy_with or '')} for {handler.busy_for:.0f} s"
            for handler in self.handlers
            if handler.busy_for is not None
        )

    @property
    def reason(self) -> str:
        """Why it is not live, in words; empty if it is."""
        if self.is_live:
            return ""
        if self.inherited_from is not None:
            return (
                f"belongs to process {self.inherited_from}, from which this one was forked: make a factory in this "
                "process and start it"
            )
        if self.stopped:
            return "stopped"
        if not self.started:
            return "not started"
        if not self.synced and all(watch.lists for watch in self.watches):
            reasons = ["listed, not in the cache yet"]
        else:
            reasons = [str(watch) for watch in self.watches if not self.synced or not watch.is_live]
        return "; ".join(filter(None, (*reasons, self._held_up)))

    @property
    def backlogs(self) -> str:
        """Which handlers are behind by ten thousand events or more, in words; empty if none is."""
        return "; ".join(
            f"handler {handler.name} is behind: {handler.backlog:,} events wait for it"
            for handler in self.handlers
            if handler.synced and handler.backlog >= BEHIND
        )

    def __str__(self) -> str:
        text = f"{self.resource}: {self.reason or 'live'}, {self.objects} objects"
        return f"{text}; {self.backlogs}" if self.backlogs else text


@final
@attrs.frozen
class FactoryHealth:
    """A factory: all its informers. As text, a line for each: what a probe may answer.

    Attributes:
        informers: in the order in which they were asked for.
    """

    informers: tuple[InformerHealth, ...]

    @property
    def is_synced(self) -> bool:
        """Whether the first list of every informer is in its cache: the application may begin."""
        return all(informer.synced for informer in self.informers)

    @property
    def not_live_for(self) -> float:
        """Seconds for which some cache has not followed the server; 0 while all do."""
        return max((informer.not_live_for for informer in self.informers), default=0.0)

    @property
    def is_live(self) -> bool:
        """Whether every cache follows the server right now."""
        return all(informer.is_live for informer in self.informers)

    def __str__(self) -> str:
        return "\n".join(map(str, self.informers)) or "no informers"


def inherited_health(resource: str, owner: int) -> InformerHealth:
    """Return how an informer fares in a process that was forked from the one that it belongs to."""
    return InformerHealth(
        resource=resource,
        started=True,
        stopped=True,
        synced=False,
        objects=0,
        bytes=0,
        resource_version="",
        queued=0,
        watches=(),
        handlers=(),
        set_aside={},
        set_aside_total=0,
        inherited_from=owner,
    )


def watch_health(namespace: str | None, reflector: Reflector, now: float) -> WatchHealth:
    """Return how a reflector fares at the moment `now` of its clock."""
    progress = reflector.progress
    connected, event, retry = progress.connected_since, progress.last_event, progress.retry_at
    not_live = progress.not_live_since
    return WatchHealth(
        namespace=namespace,
        state=progress.state,
        connected_for=None if connected is None else now - connected,
        last_event_age=None if event is None else now - event,
        is_doubtful=progress.is_doubtful,
        error=progress.error,
        retry_in=None if retry is None else max(0.0, retry - now),
        resource_version=reflector.last_sync_resource_version,
        **attrs.asdict(progress.counts),
        not_live_for=0.0 if not_live is None else now - not_live,
        asked_to_wait=progress.asked_to_wait,
    )


def handler_health(listener: Listener, now: float) -> HandlerHealth:
    """Return how a handler fares at the moment `now` of its clock."""
    busy_with, busy_since = listener.busy or (None, None)
    return HandlerHealth(
        name=listener.callbacks.name,
        synced=listener.synced.is_set(),
        backlog=listener.backlog,
        delivered=listener.delivered,
        failed=listener.failed,
        busy_with=busy_with,
        busy_for=None if busy_since is None else now - busy_since,
        resync_period=listener.resync_period,
    )
