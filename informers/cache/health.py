"""The health of informers, for people and probes: values of one moment.

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

#: Seconds at one list or batch of changes after which the cache no longer counts as live.
_HELD_UP = 10.0


@final
@attrs.frozen(kw_only=True)
class WatchHealth(WatchCounts):
    """The health and counters of one list and watch; an informer has one for each namespace, or one for all.

    Attributes:
        namespace: None for all.
        state: the present activity.
        connected_for: seconds since the present watch was opened; None if none is open.
        last_event_age: seconds since the last event or bookmark; None before the first.
        is_doubtful: whether the last watch was silent until it was given up, and nothing has been received since. A
            server or proxy that accepts watches and sends nothing looks like this.
        not_live_for: seconds without a working watch, counted from the beginning; 0 while one works.
        asked_to_wait: the answer (429, 503) with which the server asked for a pause, which is not a failure; None if it
            did not.
        error: the last failure, if nothing has succeeded since.
        retry_in: seconds until the next try; None if none is due.
        resource_version: the last version seen.
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
        """Whether the watch is open, and there is no reason to doubt it."""
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
    """The health of one handler.

    Attributes:
        name: its class or function.
        synced: whether it has received everything that existed when it was added.
        backlog: number of unfinished events.
        delivered: number of finished events, including failed ones.
        failed: number of events on which it raised.
        busy_with: key of the object that it handles now, the first of several; None while idle.
        busy_for: seconds that the present call has taken.
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
    """The health of an informer.

    Attributes:
        resource: for example `pods`.
        started: whether it has been started.
        stopped: whether it has been stopped.
        synced: whether the first list is in the cache.
        objects: number of objects in the cache.
        bytes: their size in memory, as far as it is known.
        resource_version: version of the last change or bookmark in the cache.
        queued: changes that wait for the cache, without those that are being applied.
        busy_for: seconds for which the present list, batch of changes or failure has been processed, including
            transforms, index functions and the error handler; None while idle.
        watches: one for each namespace, or one for all.
        handlers: in the order in which they were added.
        set_aside: objects on the server whose present state could not be stored, by key, with the reasons.
        set_aside_total: how often an object was set aside.
        latencies: durations from the queue into the cache and the handlers' queues; None unless measured.
        inherited_from: id of the process that the informer belongs to, if this one was forked from it; None otherwise.
            In the child it counts as stopped, and the other attributes are unknown.
        age: seconds since the informer was made.
    """

    resource: str
    started: bool
    stopped: bool
    synced: bool
    objects: int = 0
    bytes: int = 0
    resource_version: str = ""
    queued: int = 0
    watches: tuple[WatchHealth, ...] = ()
    handlers: tuple[HandlerHealth, ...] = ()
    set_aside: Mapping[str, Exception] = attrs.field(factory=dict)
    set_aside_total: int = 0
    latencies: Latencies | None = None
    busy_for: float | None = None
    inherited_from: int | None = None
    age: float = 0.0

    @property
    def not_live_for(self) -> float:
        """Seconds for which the cache has not followed the server; 0 while it does. The longest of several watches.

        For an informer that has never been live, these are the seconds since it was made.
        """
        if self.is_live:
            return 0.0
        if not self.synced:
            return self.age
        return max((self.busy_for or 0.0, *(watch.not_live_for for watch in self.watches)))

    @property
    def is_live(self) -> bool:
        """Whether the cache follows the server: synced, not held up, every watch open and none doubtful."""
        is_at_work = self.synced and not self.stopped and not self._held_up
        return is_at_work and all(watch.is_live for watch in self.watches)

    @property
    def _held_up(self) -> str:
        if self.busy_for is None or self.busy_for < _HELD_UP:
            return ""
        return f"held up for {self.busy_for:.0f} s by transforms, index functions or the error handler"

    @property
    def busy(self) -> str:
        """The present calls of handlers, as text; empty if all are idle."""
        return "; ".join(
            f"{handler.name} on {escaped(handler.busy_with or '')} for {handler.busy_for:.0f} s"
            for handler in self.handlers
            if handler.busy_for is not None
        )

    @property
    def reason(self) -> str:
        """Why it is not live, as text; empty if it is live."""
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
        """Handlers with a backlog of ten thousand events or more, as text; empty if there are none."""
        return "; ".join(
            f"handler {handler.name} is behind: {handler.backlog:,} events wait for it"
            for handler in self.handlers
            if handler.synced and handler.backlog >= BEHIND
        )

    def __str__(self) -> str:
        text = f"{self.resource}: {self.reason or 'live'}, {self.objects} objects"
        if self.set_aside:
            text += f", {len(self.set_aside)} set aside (for example {escaped(next(iter(self.set_aside)))})"
        return f"{text}; {self.backlogs}" if self.backlogs else text


@final
@attrs.frozen
class FactoryHealth:
    """The health of a factory's informers. As text, a line for each, for example as a probe's answer.

    Attributes:
        informers: in the order in which they were requested.
    """

    informers: tuple[InformerHealth, ...]

    @property
    def is_synced(self) -> bool:
        """Whether the first list of every informer is in its cache, so that the application may begin."""
        return all(informer.synced for informer in self.informers)

    @property
    def not_live_for(self) -> float:
        """Seconds for which at least one cache has not followed the server; 0 while all do."""
        return max((informer.not_live_for for informer in self.informers), default=0.0)

    @property
    def is_live(self) -> bool:
        """Whether every cache follows the server now."""
        return all(informer.is_live for informer in self.informers)

    def __str__(self) -> str:
        return "\n".join(map(str, self.informers)) or "no informers"


def inherited_health(resource: str, owner: int) -> InformerHealth:
    """Return the health of an informer in a process that inherited it by a fork."""
    return InformerHealth(resource=resource, started=True, stopped=True, synced=False, inherited_from=owner)


def watch_health(namespace: str | None, reflector: Reflector, now: float) -> WatchHealth:
    """Return the health of a reflector at its clock's time `now`."""
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
    """Return the health of a handler at its clock's time `now`."""
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
