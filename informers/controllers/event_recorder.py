"""Kubernetes events about objects, for people who use kubectl: what a controller did, and what prevents it.

Recording never waits and never raises because of the server. Equal events, whatever their notes, are one series: the
first is created, the second makes it a series of two, and later ones are counted here. The count is written every half
hour, and when the series ends: after six minutes without another event. A failed request is retried up to a dozen
times. If more than a thousand events wait, further ones are dropped, and that is logged. There is no limit per object.

Upstream: k8s.io/client-go/tools/events/event_broadcaster.go, event_recorder.go (v0.37).
"""

from __future__ import annotations

import copy
import heapq
import itertools
import logging
import math
import os
import random
import socket
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs

from informers._base.checks import check_string, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import safe_text
from informers._base.forks import OfOneProcess, new_condition, new_lock
from informers._base.threads import join_all, start_thread
from informers.controllers._event_bodies import MAX_WORD, check_word, event_body, reference, stamp
from informers.controllers._requests import check_client, send
from informers.errors import ConfigurationError, StatusError
from informers.resources import Resource

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["EventRecorder"]

_log = logging.getLogger("informers.controllers")

#: The fields in which equal events agree.
_Key: TypeAlias = tuple[object, ...]

#: Seconds, as upstream: a series without an event for so long has ended; the count is written this often before.
_FINISH = 6 * 60.0
_REFRESH = 30 * 60.0
#: Seconds between two tries, plus up to a quarter at random, and the number of tries.
_PAUSE = 10.0
_TRIES = 12
#: The most events that may wait, and the most series.
_WAITING = 1000
_SERIES = 4096
_PATH = "/apis/events.k8s.io/v1/namespaces/{}/events"


@final
@attrs.define(eq=False)
class _Series:
    """One event, with the number of its occurrences.

    Attributes:
        body: the event's body.
        count: number of occurrences.
        written: the count that the server has; 0 before the event is created.
        last: time of the last occurrence, in seconds since the epoch.
        seen: the same by the clock's `monotonic`.
        sent: time of the last successful request, likewise.
        tries: failed requests in a row.
        retry: earliest time of the next request, by `monotonic`.
        turn: time of the next check, likewise; infinite if it is not in `_turns`.
    """

    body: dict[str, Any]
    count: int
    last: float
    seen: float
    written: int = 0
    sent: float = 0.0
    tries: int = 0
    retry: float = 0.0
    turn: float = math.inf


@final
class EventRecorder(OfOneProcess):
    """Records events about objects, as `events.k8s.io/v1` has them.

    Args:
        api_client: an `ApiClient` of the official client, not a recording one: nothing waits for events.
        controller: the reporting controller, for example `example.com/pod-sets`.
        instance: the replica; host name and process id by default.
        clock: tells the time.

    Raises:
        ConfigurationError: the client, or the controller's name, is invalid.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server:
        ...     recorder = EventRecorder(server.client(), "example.com/pod-sets")
        ...     pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "namespace": "default"}}
        ...     recorder.event(pod, "Started", "it runs on node-1", action="Start")
        ...     recorder.close(timeout=10)
        True

    Thread safety: all methods may be called from any thread. One thread sends; it starts with the first event. A forked
    child sends its own events; its parent sends those recorded before the fork.
    """

    def __init__(
        self, api_client: ApiClient, controller: str, *, instance: str = "", clock: Clock = SYSTEM_CLOCK
    ) -> None:
        check_client(api_client)
        check_word("controller", controller)
        check_string(instance, "instance")
        self._api_client = api_client
        self._controller = controller
        self._instance = (instance or f"{socket.gethostname()}-{os.getpid()}")[:MAX_WORD]
        self._clock = clock
        self._lock = new_lock()
        self._news = new_condition(self._lock)
        #: By key, in the order of their last occurrence.
        self._series: OrderedDict[_Key, _Series] = OrderedDict()
        #: A heap of checks. Each series has one valid entry: that of its `turn`.
        self._turns: list[tuple[float, int, _Key]] = []
        self._numbers = itertools.count()
        self._waiting = 0
        self._dropped = 0
        self._closing = False
        #: Number of events that were given up at the end.
        self._lost = 0
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    def event(
        self,
        obj: Any,
        reason: str,
        note: str,
        *,
        action: str,
        type: str = "Normal",
        related: Any = None,
        resource: Resource[Any] | None = None,
    ) -> None:
        """Record an event; returns at once.

        Args:
            obj: the object of the event: a model of the official client, a mapping, or anything with `metadata`.
            reason: the reason, one word for programs, for example `ScaledUp`; at most 128 characters.
            note: for people; longer notes are cut at 1024 bytes.
            action: the action of the controller, one word, for example `Scale`; at most 128 characters.
            type: `Normal` or `Warning`.
            related: a related object, with its kind and apiVersion.
            resource: the resource of `obj`, if `obj` has no kind and apiVersion.

        Raises:
            ConfigurationError: an argument is wrong.
        """
        check_word("reason", reason)
        check_word("action", action)
        if not isinstance(note, str):
            raise ConfigurationError(f"note must be a text: got {note!r}")
        if type not in {"Normal", "Warning"}:
            raise ConfigurationError(f"type must be 'Normal' or 'Warning': got {type!r}")
        regarding, other = reference(obj, resource), None if related is None else reference(related, None)
        key = (type, action, reason, tuple(regarding.items()), None if other is None else tuple(other.items()))
        now = self._clock.time()
        with self._lock:
            if self._closing:
                return
            if self._process != os.getpid():
                self._inherit_locked()
            found = self._series.get(key)
            if found is None:
                if self._waiting >= _WAITING:
                    self._dropped += 1
                    return
                if len(self._series) >= _SERIES:
                    self._forget_oldest_locked()
                body = event_body(
                    regarding, other, reason, note, action, type, now, reporter=(self._controller, self._instance)
                )
                found = self._series[key] = _Series(body, 0, now, self._clock.monotonic())
                self._waiting += 1
            found.count += 1
            found.last, found.seen = now, self._clock.monotonic()
            self._series.move_to_end(key)
            self._schedule_locked(key, found)
            if self._thread is None:
                self._thread = start_thread(f"events-{self._controller}", self._send_all)
            self._news.notify_all()

    def close(self, timeout: float | None = 10.0) -> bool:
        """Send the waiting events, and record no more; return whether all were sent.

        Args:
            timeout: seconds to wait at most.

        Raises:
            ConfigurationError: the timeout is not valid.
        """
        check_timeout(timeout)
        with self._lock:
            self._closing = True
            thread = self._thread
            self._news.notify_all()
        if thread is not None and not join_all([thread], timeout=timeout, clock=self._clock):
            return False
        return not self._lost

    def _inherit_locked(self) -> None:
        """Start again in a forked child: the parent sends the events recorded before, and keeps its connections."""
        self._process = os.getpid()
        self._series.clear()
        self._turns.clear()
        self._waiting, self._thread = 0, None
        self._api_client = copy.copy(self._api_client)
        self._api_client.rest_client = type(self._api_client.rest_client)(self._api_client.configuration)

    def _send_all(self) -> None:
        """Send the events that are due, until the recorder is closed and all are sent."""
        while True:
            with self._lock:
                key, series = self._next_locked()
                dropped, self._dropped = self._dropped, 0
                if series is None and not dropped:
                    if self._closing:
                        break
                    pause = max(0.0, self._turns[0][0] - self._clock.monotonic()) if self._turns else None
                    self._clock.wait(self._news, pause)
                    continue
                count, written = (series.count, series.written) if series is not None else (0, 0)
            # Not under the lock: a log handler may record an event.
            if dropped:
                _say("%d events were dropped: too many wait to be sent", dropped)
            if series is None:
                continue
            error = self._send(series, count, is_new=not written)
            if isinstance(error, StatusError) and error.code == 404 and written:
                # The server keeps events for about an hour: create it again.
                error = self._send(series, count, is_new=True)
            with self._lock:
                is_given_up = self._sent_locked(key, series, count, error)
            if error is not None and is_given_up:
                _say("an event about %r was not recorded: %s", series.body["regarding"].get("name"), safe_text(error))
        if self._lost:
            _say("%d events could not be sent before the end", self._lost)

    def _next_locked(self) -> tuple[_Key, _Series | None]:
        """Return the next series to send; forget series that have ended and are written."""
        if self._closing:
            return self._last_locked()
        now = self._clock.monotonic()
        while self._turns and self._turns[0][0] <= now:
            turn, _, key = heapq.heappop(self._turns)
            series = self._series.get(key)
            if series is None or series.turn != turn:
                continue
            series.turn = math.inf
            if self._due(series) > now:  # it occurred again meanwhile
                self._schedule_locked(key, series)
            elif series.count != series.written:
                return key, series
            else:
                self._forget_locked(key)
        return (), None

    def _last_locked(self) -> tuple[_Key, _Series | None]:
        """Return the next series to send before the end; forget those that are sent, or can't be."""
        while self._series:
            key, series = next(iter(self._series.items()))
            if series.count != series.written:
                if not series.tries or self._due(series) <= self._clock.monotonic():
                    return key, series
                self._lost += 1  # it failed before: there is no time for further tries
            self._forget_locked(key)
        return (), None

    def _due(self, series: _Series) -> float:
        """Return when to send next: the first two occurrences at once, then every half hour, or at the series' end."""
        if series.written < 2 and series.count != series.written:
            return series.retry
        over = series.seen + _FINISH
        return over if series.count == series.written else max(series.retry, min(series.sent + _REFRESH, over))

    def _schedule_locked(self, key: _Key, series: _Series) -> None:
        """Check a series when it is due. If it occurs again meanwhile, the check finds that it is due later."""
        due = self._due(series)
        if due < series.turn:
            series.turn = due
            heapq.heappush(self._turns, (due, next(self._numbers), key))

    def _sent_locked(self, key: _Key, series: _Series, count: int, error: Exception | None) -> bool:
        """Note the result of a try; return whether it was the last one."""
        if error is None:
            if not series.written:
                self._waiting -= 1
            series.written, series.tries, series.sent = count, 0, self._clock.monotonic()
            self._schedule_locked(key, series)
            return False
        series.tries += 1
        refused = isinstance(error, StatusError) and error.code < 500 and error.code != 429
        if refused or series.tries >= _TRIES:
            if self._series.get(key) is series:
                self._forget_locked(key)
            return True
        series.retry = self._clock.monotonic() + _PAUSE * random.uniform(1.0, 1.25)  # noqa: S311  not a secret
        self._schedule_locked(key, series)
        return False

    def _forget_locked(self, key: _Key) -> None:
        series = self._series.pop(key, None)
        if series is not None and not series.written:
            self._waiting -= 1

    def _forget_oldest_locked(self) -> None:
        """Forget the series with the oldest last occurrence; its next event begins a new series."""
        oldest = next((key for key, series in self._series.items() if series.written), None)
        if oldest is not None:
            self._forget_locked(oldest)

    def _send(self, series: _Series, count: int, *, is_new: bool) -> Exception | None:
        metadata = series.body["metadata"]
        path = _PATH.format(metadata["namespace"])
        repeated = {"count": count, "lastObservedTime": stamp(series.last)}
        try:
            if is_new:
                body = {**series.body, **({"series": repeated} if count > 1 else {})}
                send(self._api_client, "POST", path, body=body, content_type="application/json")
            else:
                path = f"{path}/{metadata['name']}"
                patch = {"series": repeated}
                send(self._api_client, "PATCH", path, body=patch, content_type="application/merge-patch+json")
        except Exception as error:  # noqa: BLE001  no error may end the thread
            if isinstance(error, StatusError) and error.code == 409 and is_new:
                return None  # an earlier try succeeded, but its answer was lost
            return error
        return None


def _say(message: str, *arguments: object) -> None:
    with suppress(Exception):  # of the user's filters of the log
        _log.warning(message, *arguments)
