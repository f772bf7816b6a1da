"""Own writes: a name is not reconciled again before the cache shows what its last run wrote.

A cache is always a little behind. If a controller creates five pods, and runs again before the cache shows them, it
creates five more. So a client's writes are remembered for the name in work, and `pending` says whether the cache shows
them.

Writes that a cache can't show are not waited for: kinds that are not followed, other namespaces, objects that selectors
and shards exclude, dry runs, versions without an order. A deletion is found by the state of the cache, not by an
event: the object is gone, has another uid, or is marked. After a lost answer, or one without a version, the server is
asked.

Upstream: k8s.io/kubernetes/pkg/controller/util/consistency (v1.37);
sigs.k8s.io/controller-runtime/pkg/client/consistency.go (v0.25).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, final

import attrs

from informers._base.checks import check_function, check_seconds
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import report
from informers._base.forks import OfOneProcess, new_lock
from informers.cache.waits import SeenResult, Sight
from informers.controllers._in_work import IN_WORK, InWork
from informers.controllers._recording_client import Address, WriteAnswer, recording_client
from informers.controllers._sightings import Gone, Kind, Look, LostAnswer, SeenOrLeft
from informers.controllers.owners import check_kind
from informers.errors import ConfigurationError
from informers.objects import ObjectName, check_object_name, object_name, read, uid_of

__all__ = ["OwnWrites", "Pending"]

_log = logging.getLogger("informers.controllers")

C = TypeVar("C")

#: Seconds for which an informer's health is cached: it costs a look at the whole cache.
_HEALTH_AGE = 1.0
#: Subresources whose answers are not related to the object in the cache.
_NOT_WRITES = frozenset({"attach", "exec", "log", "portforward", "proxy", "token"})


@final
@attrs.frozen
class Pending:
    """A write that the cache does not show yet. As text, the reason.

    Attributes:
        group: API group of the resource.
        resource: its plural name.
        reason: why it is pending, as text.
    """

    group: str
    resource: str
    reason: str

    def __str__(self) -> str:
        return self.reason


@final
@attrs.define(eq=False)
class _Write:
    """One write that the cache has to show.

    Attributes:
        kind: the written kind.
        namespace: of the object; empty for an object of the whole cluster.
        look: returns whether the cache shows the write.
        at: time of the answer, by the clock.
        withdraw: ends the callbacks of the cache.
    """

    kind: Kind
    namespace: str
    look: Look
    at: float
    withdraw: Callable[[], None] = lambda: None


@final
class OwnWrites(OfOneProcess):
    """Remembers what was written for which name, and knows when the caches show it.

    A `Controller` has one. Use it on its own in a loop of yours, for example::

        writes = OwnWrites(pod_sets, pods)
        core = CoreV1Api(writes.client(api_client))
        for name in queue.items():
            try:
                if writes.pending(name):
                    queue.add_after(name, 0.2)
                else:
                    with writes.working_on(name):
                        reconcile(name)
            finally:
                queue.done(name)

    Guarantee: after `pending(name)` returned None, the caches of the kinds show everything that was written through
    `client` for that name before. It does not cover writes by other clients or processes, and later writes.

    Args:
        kinds: the followed kinds; writes to others are not waited for.
        timeout: seconds after which a write that a healthy informer does not show is given up, with a warning. While an
            informer can't follow the server, the wait has no limit.
        on_seen: called when nothing is pending any more for a name, or for all (None). It runs in the informer's
            thread, under no lock, and must be short.
        clock: tells the time.

    Raises:
        ConfigurationError: an argument is wrong.

    Thread safety: all methods may be called from any thread. Only one thread may work on a name at a time.
    """

    def __init__(
        self,
        *kinds: Kind,
        timeout: float = 75.0,
        on_seen: Callable[[ObjectName | None], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        check_seconds("own_writes_timeout", timeout, above=0)
        check_function("on_seen", on_seen, "name")
        self._timeout = timeout
        self._on_seen = on_seen
        self._clock = clock
        self._lock = new_lock()
        self._kinds: list[Kind] = []
        #: By the name in work; None: without one, so that every name waits for them.
        self._writes: dict[ObjectName | None, dict[_Write, None]] = {}
        self._health: dict[int, tuple[float, Any]] = {}
        self._said: set[str] = set()
        for kind in kinds:
            self.follow(kind)

    def follow(self, kind: Kind) -> None:
        """Also wait for writes to a kind from now on.

        Args:
            kind: a kind of a factory.

        Raises:
            ConfigurationError: it is not a kind of a factory.
        """
        check_kind(kind)
        with self._lock:
            if all(kind.informer is not other.informer for other in self._kinds):
                self._kinds.append(kind)

    @contextmanager
    def working_on(self, name: ObjectName) -> Generator[None]:
        """Remember the writes within this block for a name.

        Args:
            name: namespace and name.

        Raises:
            ConfigurationError: it is not an `ObjectName`.
        """
        check_object_name(name)
        token = IN_WORK.set(InWork(self, "", name, ""))
        try:
            yield
        finally:
            IN_WORK.reset(token)

    def client(self, api_client: C) -> C:
        """Return a client with the same configuration and connections, whose writes are remembered.

        They are remembered for the name in work, which is known in the reconcile function, in tasks that it starts, and
        in `asyncio.to_thread`. In a thread pool of your own, or with `async_req`, it is unknown: then every name waits.
        Hazard: remembering reads the answer. With `_preload_content=False` it is in `data`, and `read()` returns
        nothing.

        Args:
            api_client: a `kubernetes.client.ApiClient`.

        Raises:
            ConfigurationError: it is not an `ApiClient`.
        """
        return recording_client(api_client, self._answered)

    def record(self, written: Any, *, name: ObjectName | None = None) -> None:
        """Remember a write of another client.

        Args:
            written: the server's answer: a model of the official client, or a mapping, with its `kind` and
                `apiVersion`. Without a resource version, as after a dry run, there is nothing to wait for.
            name: the name that wrote; the name in work by default.

        Raises:
            ConfigurationError: it has no kind, or an argument is wrong.
        """
        kind, api_version = read(written, "kind"), read(written, "api_version", "apiVersion")
        if not (isinstance(kind, str) and isinstance(api_version, str)):
            raise ConfigurationError(
                f"what was written must say its kind and apiVersion, as the server's answer does: got "
                f"{type(written).__name__}"
            )
        if name is not None:
            check_object_name(name)
        group = api_version.rpartition("/")[0]
        whose = name if name is not None else self._name_in_work()
        for followed in self._followed(lambda resource: resource.group == group and resource.kind == kind):
            namespace = object_name(written).namespace
            self._remember(whose, followed, namespace, followed.informer.sighting(written))

    def remembers(self, name: ObjectName) -> bool:
        """Return whether there is a write that `pending` would look for, without a look."""
        return name in self._writes or None in self._writes

    def pending(self, name: ObjectName) -> Pending | None:
        """Return a write for a name that the caches do not show yet; None if they show all.

        If an answer was lost, it asks the server, for at most some seconds.

        Args:
            name: the name.

        Raises:
            ConfigurationError: it is not an `ObjectName`.
        """
        check_object_name(name)
        for whose in (name, None):
            for write in list(self._writes.get(whose, ())):
                found = write.look.look()
                resource = write.kind.resource
                is_over = _is_over(write.kind, found) or found.sight is Sight.UNDECIDABLE
                if not is_over and not self._is_given_up(write, found.reason):
                    return Pending(resource.group, resource.plural, f"{resource}: {found.reason}")
                if found.sight is Sight.UNDECIDABLE:
                    self._say_once(f"own writes to {resource} are not waited for", found.reason)
                self._forget(whose, write)
        return None

    def _answered(self, address: Address, answer: WriteAnswer) -> None:
        """Remember one write of the client. Never raises: a write that succeeded must not become an error."""
        try:
            self._note(address, answer)
        except Exception as error:  # noqa: BLE001  see above
            report(_log, error, "a write to %s can't be remembered, so it is not waited for", address.plural)

    def _note(self, address: Address, answer: WriteAnswer) -> None:
        if address.subresource in _NOT_WRITES:
            return
        kinds = self._followed(lambda resource: resource.group == address.group and resource.plural == address.plural)
        if not kinds:
            return
        whose = self._name_in_work()
        for kind in kinds:
            for look in self._looks(kind, address, answer):
                self._remember(whose, kind, address.namespace, look)

    def _looks(self, kind: Kind, address: Address, answer: WriteAnswer) -> Iterator[Look]:
        """Yield the conditions under which a cache shows a write."""
        obj, informer = answer.obj, kind.informer
        if obj is None:
            yield LostAnswer(kind, address, answer.client)
            return
        name, namespace = ObjectName(address.namespace, address.name), address.namespace or None
        if address.method == "DELETE" and not address.name:
            items = obj.get("items")
            for item in items if isinstance(items, list) else ():
                yield Gone(kind, object_name(item), uid_of(item), or_marked=True)
            if not isinstance(items, list):
                self._say_once(f"the server does not say which {kind.resource} it deleted: that is not waited for")
        elif address.subresource == "eviction":
            yield Gone(kind, name, _uid_in_cache(kind, name), or_marked=True)
        elif obj.get("kind") == "Status" and address.method == "DELETE":
            uid = read(read(obj, "details"), "uid") or _uid_in_cache(kind, name)
            if uid:
                status = {"kind": "Status", "metadata": {}, "details": {"name": name.name, "uid": uid}}
                yield informer.sighting(status, namespace=namespace)
        elif read(read(obj, "metadata"), "resourceVersion") and _can_be_seen(kind, name, obj):
            sighting = informer.sighting(obj, namespace=namespace)
            # The answer through a subresource, for example a Scale, may have none of the object's labels.
            has_left = obj.get("kind") == kind.resource.kind and not informer.selects(obj)
            yield SeenOrLeft(sighting, Gone(kind, name, uid_of(obj), or_marked=False)) if has_left else sighting
            if address.method == "DELETE":
                yield Gone(kind, name, uid_of(obj), or_marked=True)
        elif obj.get("kind") == "Status" and address.subresource:
            # For example a binding: the answer does not have the version that it made.
            yield LostAnswer(kind, address, answer.client)

    def _remember(self, whose: ObjectName | None, kind: Kind, namespace: str, look: Look) -> None:
        if not isinstance(look, LostAnswer) and _is_over(kind, look.look()):
            return
        write = _Write(kind, namespace, look, self._clock.monotonic())
        # Before others may look at it, and not under the lock, which the callback takes. The next look finds what was
        # seen in between.
        write.withdraw = look.subscribe(lambda: self._moved(whose, write))
        with self._lock:
            self._writes.setdefault(whose, {})[write] = None

    def _moved(self, whose: ObjectName | None, write: _Write) -> None:
        """Look again, in the informer's thread: the cache may show the write now."""
        is_over = write.look.look().sight is not Sight.NOT_YET and self._forget(whose, write)
        if is_over and self._on_seen is not None:
            self._on_seen(whose)

    def _forget(self, whose: ObjectName | None, write: _Write) -> bool:
        """Forget a write; return whether it was the last of that name."""
        write.withdraw()
        with self._lock:
            writes = self._writes.get(whose, {})
            if write not in writes:
                return False
            del writes[write]
            if not writes:
                del self._writes[whose]
            return not writes

    def _is_given_up(self, write: _Write, reason: str) -> bool:
        """Return whether to give up a write: its time is over, and the informer is healthy."""
        now = self._clock.monotonic()
        age = now - write.at
        if age < self._timeout:
            return False
        informer = write.kind.informer
        asked, health = self._health.get(id(informer), (0.0, None))
        if health is None or now - asked >= _HEALTH_AGE:
            health = informer.health()
            self._health[id(informer)] = now, health
        scopes = [watch for watch in health.watches if watch.namespace in {None, write.namespace}]
        if not all(
            watch.is_live and watch.last_event_age is not None and watch.last_event_age < age for watch in scopes
        ):
            return False
        with suppress(Exception):  # of the user's filters of the log
            _log.warning(
                "a write to %s has not come within %.0f s, though its watch is well: no longer waited for (%s)",
                write.kind.resource,
                age,
                reason,
            )
        return True

    def _followed(self, matches: Callable[[Any], bool]) -> list[Kind]:
        return [kind for kind in self._kinds if matches(kind.resource)]

    def _name_in_work(self) -> ObjectName | None:
        work = IN_WORK.get()
        if work is not None and work.owner is self:
            return work.name
        self._say_once(
            "written where no name is in work, for example in a thread pool: every name waits until it is seen"
        )
        return None

    def _say_once(self, text: str, reason: str = "") -> None:
        # Not by the reason, which may hold a version: the set would grow.
        if text not in self._said:
            self._said.add(text)
            with suppress(Exception):  # of the user's filters of the log
                _log.info("%s%s", text, f": {reason}" if reason else "")


def _is_over(kind: Kind, found: SeenResult) -> bool:
    """Return whether a cache shows a write, or does not follow its namespace; a stopped cache never comes to it."""
    return found.sight is Sight.SEEN or (found.sight is Sight.STOPPED and not kind.informer.is_stopped)


def _can_be_seen(kind: Kind, name: ObjectName, obj: Any) -> bool:
    """Return whether the cache has an object or may get it: an object that was never selected brings no event."""
    return kind.informer.selects(obj) or name in kind.informer.indexer


def _uid_in_cache(kind: Kind, name: ObjectName) -> str:
    return uid_of(kind.informer.indexer.get(name))
