"""Waits for a write or a state that a cache does not show yet.

Versions decide whether a write is in the cache, per namespace if the cache has a list and a watch for each. Handlers
take no part in it: `Observers` wake a wait.

Upstream: k8s.io/kubernetes/pkg/controller/util/consistency, and k8s.io/client-go/tools/watch/until.go (v0.37).
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, final

import attrs
from typing_extensions import TypeVar, override

from informers._base.checks import check_namespace_name, check_stop, check_timeout, name_of
from informers._base.clock import Clock
from informers._base.exceptions import safe_text
from informers._base.wakeups import BaseWakeup, Stop, Subscribe, Waiting, Wakeup
from informers.cache._pipeline.scopes import Scope
from informers.cache.versions import is_number, reaches
from informers.errors import ConfigurationError, StoppedError, WaitTimeoutError, escaped
from informers.objects import ObjectName, read
from informers.source.records import Record

__all__ = ["Lookout", "Mark", "SeenResult", "Sight", "Sighting", "mark_of"]

T = TypeVar("T", default=Any)


@final
class Sight(enum.Enum):
    """Whether a cache has reached a write.

    Members:
        SEEN: it has: reads of the cache are now not older than the write.
        NOT_YET: it has not, as far as is known; it will, unless the server's versions have gone back.
        UNDECIDABLE: it can't be decided, and waiting does not help. The reason says why.
        STOPPED: it never will: the informer has been stopped, or no longer follows the namespace.
    """

    SEEN = "seen"
    NOT_YET = "not seen yet"
    UNDECIDABLE = "can't be decided"
    STOPPED = "stopped"


@final
@attrs.frozen
class SeenResult:
    """Whether a cache has reached a write: true if it has. As text, why not.

    Attributes:
        sight: the answer.
        reason: why it is not seen, as text; empty if it is.
    """

    sight: Sight
    reason: str = attrs.field(default="", converter=escaped)

    def __bool__(self) -> bool:
        return self.sight is Sight.SEEN

    def __str__(self) -> str:
        return f"{self.sight.value}: {self.reason}" if self.reason else self.sight.value


@final
@attrs.frozen
class Mark:
    """What a cache must show to have reached a write.

    Attributes:
        namespace: of the written object; empty for an object of the whole cluster, or if unknown.
        name: of the object; empty if unknown.
        version: the version that the cache must reach; empty if the answer had none.
        gone: uid of an object that the cache must no longer have; empty if nothing was finally deleted.
    """

    namespace: str
    name: str
    version: str
    gone: str = ""

    @property
    def key(self) -> str:
        """Key of the object."""
        return str(ObjectName(self.namespace, self.name))


def mark_of(written: Any, namespace: str | None) -> Mark:
    """Return what a cache must show to have reached a write.

    Args:
        written: a resource version, or the API server's answer: an object, a list, or the `Status` of a deletion; as a
            model of the official client, a mapping, or anything with `metadata`.
        namespace: where it was written; needed if `written` does not say it.

    Raises:
        ConfigurationError: `written` is not one of these, or is of another namespace.
    """
    check_namespace_name(namespace)
    if isinstance(written, str):
        if not written:
            raise ConfigurationError("a resource version must not be empty: give the object that the write returned")
        return Mark(namespace or "", "", written)
    metadata = read(written, "metadata")
    if metadata is None:
        raise ConfigurationError(
            "what was written must be an object as the API server returned it, or a resource version: "
            f"got {type(written).__name__}"
        )
    own = read(metadata, "namespace")
    if own and namespace and own != namespace:
        raise ConfigurationError(f"the object is of namespace {own!r}, not of {namespace!r}: leave namespace= out")
    where, name = own or namespace or "", read(metadata, "name") or ""
    version = read(metadata, "resource_version", "resourceVersion") or ""
    if not isinstance(version, str):
        raise ConfigurationError(f"a resource version is a text, as the server gave it: got {version!r}")
    if read(written, "kind") == "Status":
        details = read(written, "details")
        # A Status names the object, but not its namespace, and has no version.
        return Mark(where, read(details, "name") or "", version, read(details, "uid") or "")
    return Mark(where, name, version, _gone(metadata))


def _gone(metadata: Any) -> str:
    """Return the uid of an object that the server deleted at once, though its answer only looks marked for deletion."""
    is_marked = read(metadata, "deletion_timestamp", "deletionTimestamp") is not None
    grace = read(metadata, "deletion_grace_period_seconds", "deletionGracePeriodSeconds")
    if is_marked and grace == 0 and not read(metadata, "finalizers"):
        return read(metadata, "uid") or ""
    return ""


class CacheWait(ABC, Generic[T]):
    """A wait for what a cache does not show yet, without a thread of its own.

    Args:
        scope: the list and watch that the object belongs to.
        ended: returns why nothing more will change, as text; empty otherwise.
        record: returns the cache's record of the object.
        subscribe: registers a function that is called when to look again.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        scope: Scope,
        *,
        ended: Callable[[], str],
        record: Callable[[], Record[Any] | None],
        subscribe: Subscribe,
    ) -> None:
        self._scope = scope
        self._ended = ended
        self._record = record
        self.subscribe: Subscribe = subscribe

    @abstractmethod
    def waiting(self, wakeup: BaseWakeup, timeout: float | None) -> Waiting[T]:
        """Wait until it is decided, at most so long, in what runs this."""

    def wait(self, *, timeout: float | None, stop: Stop | None, clock: Clock) -> T:
        """Wait in this thread; see `SharedInformer.wait_until_seen` and `SharedInformer.wait_until`."""
        check_timeout(timeout)
        check_stop(stop)
        with Wakeup(timeout=timeout, stop=stop, clock=clock) as wakeup:
            return wakeup.run(self.waiting(wakeup, timeout))


@final
class Sighting(CacheWait[SeenResult]):
    """A wait for a write.

    Args:
        mark: of the write.
        has_ended: returns whether the object of a uid was in the cache and has left it.
    """

    def __init__(
        self,
        mark: Mark,
        scope: Scope,
        *,
        ended: Callable[[], str],
        record: Callable[[], Record[Any] | None],
        has_ended: Callable[[str], bool],
        subscribe: Subscribe,
    ) -> None:
        super().__init__(scope, ended=ended, record=record, subscribe=subscribe)
        self._mark = mark
        self._has_ended = has_ended
        #: Whether a look found the deleted object in the cache. Ends are only remembered for a while.
        self._was_there = False
        self._times_back = scope.times_back

    def look(self) -> SeenResult:
        """Return whether the cache has now reached the write. Only for `Sight.NOT_YET` a wait makes sense."""
        result = self._compare()
        if result.sight is not Sight.NOT_YET:
            return result
        if ended := self._ended():
            return SeenResult(Sight.STOPPED, ended)
        if self._scope.times_back > self._times_back:
            return SeenResult(
                Sight.UNDECIDABLE,
                f"the server's versions have gone back, to {self._scope.version}: a backup may have been restored",
            )
        return result

    @override
    def waiting(self, wakeup: BaseWakeup, timeout: float | None) -> Waiting[SeenResult]:
        yield from wakeup.until(lambda: self.look().sight is not Sight.NOT_YET, [self.subscribe])
        result = self.look()
        if result.sight is not Sight.NOT_YET:
            return result
        why = "the wait was stopped" if timeout is None or wakeup.is_stopped else f"not within {timeout:g} s"
        return SeenResult(Sight.NOT_YET, f"{why}; {result.reason}")

    def _compare(self) -> SeenResult:
        mark, gone = self._mark, self._mark.gone
        # In this order: the record is at least as new as the version, and an end is known when the record is gone.
        is_filled, version = self._scope.is_filled, self._scope.version
        record = self._record()
        self._was_there |= bool(gone) and ((record is not None and record.uid == gone) or self._has_ended(gone))
        # Again: a namespace that is no longer followed is emptied before its objects leave.
        if not (is_filled and self._scope.is_filled):
            return SeenResult(Sight.NOT_YET, "the cache has not been listed")
        if mark.version and not (record is not None and record.resource_version == mark.version):
            reached = reaches(version, mark.version)
            if reached is None:
                odd = mark.version if is_number(version) else version
                return SeenResult(Sight.UNDECIDABLE, f"a version like {odd!r} has no order")
            if not reached:
                return SeenResult(Sight.NOT_YET, f"the cache is at version {version}, the write at {mark.version}")
        if gone:
            if record is not None and record.uid == gone:
                return SeenResult(Sight.NOT_YET, f"the cache still has {record.key}, which was deleted")
            if mark.version or self._was_there:
                return SeenResult(Sight.SEEN)
            # It may still come: perhaps the cache has not even reached its creation.
            return SeenResult(
                Sight.UNDECIDABLE,
                "the cache has not had the object so far, and the answer to its deletion has no version",
            )
        if not mark.version:
            return SeenResult(Sight.UNDECIDABLE, "what the server answered has no resource version")
        return SeenResult(Sight.SEEN)


@final
class Lookout(CacheWait["T | None"], Generic[T]):
    """A wait for a state of an object.

    Args:
        key: of the object.
        predicate: takes the object, or None if it does not exist, and returns whether the wait is over.
        resource: names the resource in messages.
        set_aside: returns why the object is not in the cache although it exists; None if it is not set aside.
    """

    def __init__(
        self,
        key: str,
        predicate: Callable[[T | None], object],
        scope: Scope,
        *,
        resource: str,
        ended: Callable[[], str],
        record: Callable[[], Record[T] | None],
        set_aside: Callable[[], Exception | None],
        subscribe: Subscribe,
    ) -> None:
        super().__init__(scope, ended=ended, record=record, subscribe=subscribe)
        self._key = key
        self._predicate = predicate
        self._resource = resource
        self._set_aside = set_aside

    def look(self) -> tuple[T | None] | None:
        """Call the predicate in this thread; return the object if it holds, None if not, or if it can't be called yet.

        The object is in a tuple, since it is None if it does not exist.

        Raises:
            StoppedError: it does not hold, and nothing more will change.
        """
        # In this order: nothing changes after the end, and an object is in the cache before it is no longer set aside.
        ended, is_listed, is_set_aside = self._ended(), self._scope.is_listed, self._set_aside() is not None
        record = self._record()
        # Before the first list it is unknown whether the object exists, and again when its namespace is left.
        if is_listed and self._scope.is_listed and not (record is None and is_set_aside):
            obj: T | None = None if record is None else record.object()
            try:
                if self._predicate(obj):
                    return (obj,)
            except StopIteration as error:  # which would only end the generator that waits
                raise RuntimeError(f"the predicate {name_of(self._predicate)} raised StopIteration") from error
        if ended:
            raise StoppedError(f"what was waited for of {self._resource} {self._key!r} can't happen: {ended}")
        return None

    @override
    def waiting(self, wakeup: BaseWakeup, timeout: float | None) -> Waiting[T | None]:
        found = yield from wakeup.until(self.look, [self.subscribe])
        if found is not None:
            return found[0]
        what = f"{self._resource} {self._key!r}"
        if timeout is None or wakeup.is_stopped:
            raise StoppedError(f"the wait for {what} was stopped: {self._state()}")
        raise WaitTimeoutError(f"{what} did not reach the wanted state within {timeout:g} s: {self._state()}")

    def _state(self) -> str:
        """Return in words the cache's state of the object."""
        if not self._scope.is_listed:
            return "the cache has not been listed"
        error, record = self._set_aside(), self._record()
        if record is None:
            return f"it is set aside: {safe_text(error, str)}" if error else "there is no such object in the cache"
        return f"it is at version {record.resource_version or 'unknown'}"
