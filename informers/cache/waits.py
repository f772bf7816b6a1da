"""Waiting for what a cache does not show yet: a write of one's own, or a state of an object.

Whether a write is in the cache is decided by versions, per namespace where the cache has a list and a watch for each.
What can't be decided is said to be so. Nothing here is called by handlers: a wait is woken by `Observers`.

Upstream: k8s.io/kubernetes/pkg/controller/util/consistency, and k8s.io/client-go/tools/watch/until.go (v0.37).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_namespace_name, check_stop, check_timeout
from informers._base.clock import Clock
from informers._base.wakeups import Stop, Wakeup
from informers.cache.versions import is_number, reaches
from informers.errors import ConfigurationError, InformersError, StoppedError, WaitTimeoutError, escaped
from informers.objects import ObjectName, read
from informers.source.records import Record

__all__ = ["Lookout", "Mark", "Position", "SeenResult", "Sight", "Sighting", "compare", "mark_of"]

T = TypeVar("T", default=Any)

#: Takes what is called when there may be news; returns what ends that.
Subscribe: TypeAlias = Callable[[Callable[[], object]], Callable[[], None]]


@final
class Sight(enum.Enum):
    """Whether a cache has reached a write.

    Members:
        SEEN: it has: whatever is read from the cache now is not older than the write.
        NOT_YET: it has not, as far as is known; it will, unless the server's versions have gone back.
        UNDECIDABLE: it can't be said, and waiting does not help. The reason says why.
        STOPPED: it never will: the informer has been stopped, or no longer follows the namespace.
    """

    SEEN = "seen"
    NOT_YET = "not seen yet"
    UNDECIDABLE = "can't be decided"
    STOPPED = "stopped"


@final
@attrs.frozen
class SeenResult:
    """Whether a cache has reached a write: true if it has. As text it says why not.

    Attributes:
        sight: which of the four it is.
        reason: why it is not seen, in words; empty if it is.
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
    """What shows that a write is in a cache.

    Attributes:
        namespace: of what was written; empty for an object of the whole cluster, or where it was not said.
        name: of the object; empty where it was not said.
        version: what the cache must have reached; empty where the answer had none.
        gone: uid of an object that must be in the cache no longer; empty where nothing was deleted for good.
    """

    namespace: str
    name: str
    version: str
    gone: str = ""

    @property
    def key(self) -> str:
        """Key of the object."""
        return str(ObjectName(self.namespace, self.name))


@final
@attrs.frozen
class Position:
    """How far a cache is, in the list and watch that a namespace belongs to.

    Attributes:
        version: up to which everything is in the cache; empty before the first list.
        is_listed: whether the first list is in the cache.
        ended: why nothing more comes, in words; empty while it does.
        times_back: how often a list has taken the version back, as after a backup of the server was restored.
    """

    version: str
    is_listed: bool = False
    ended: str = ""
    times_back: int = 0


def mark_of(written: Any, namespace: str | None) -> Mark:
    """Return what shows that a write is in a cache.

    Args:
        written: a resource version, or what the API server answered: an object, a list, or the `Status` of a deletion;
            as a model of the official client, a mapping, or anything that has `metadata`.
        namespace: where it was written to; needed where `written` does not say that.

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
    """Return the uid of an object that the server deleted at once, though its answer looks like a mark to delete it."""
    is_marked = read(metadata, "deletion_timestamp", "deletionTimestamp") is not None
    grace = read(metadata, "deletion_grace_period_seconds", "deletionGracePeriodSeconds")
    if is_marked and grace == 0 and not read(metadata, "finalizers"):
        return read(metadata, "uid") or ""
    return ""


def compare(mark: Mark, position: Position, record: Record[Any] | None, *, was_there: bool) -> SeenResult:
    """Return whether a cache has reached a write.

    Args:
        mark: of the write.
        position: of the cache, where the write's namespace belongs to. Taken before `record`.
        record: what the cache has of the object.
        was_there: whether the cache has had the object that was deleted. Taken after `record`.
    """
    if not (position.version or position.is_listed):
        return SeenResult(Sight.NOT_YET, "the cache has not been listed")
    if mark.version and not (record is not None and record.resource_version == mark.version):
        reached = reaches(position.version, mark.version)
        if reached is None:
            odd = mark.version if is_number(position.version) else position.version
            return SeenResult(Sight.UNDECIDABLE, f"a version like {odd!r} has no order")
        if not reached:
            return SeenResult(Sight.NOT_YET, f"the cache is at version {position.version}, the write at {mark.version}")
    if mark.gone:
        if record is not None and record.uid == mark.gone:
            return SeenResult(Sight.NOT_YET, f"the cache still has {record.key}, which was deleted")
        if mark.version or was_there:
            return SeenResult(Sight.SEEN)
        # It may come yet: the cache may not even have reached its creation.
        return SeenResult(
            Sight.UNDECIDABLE, "the cache has not had the object so far, and the answer to its deletion has no version"
        )
    if not mark.version:
        return SeenResult(Sight.UNDECIDABLE, "what the server answered has no resource version")
    return SeenResult(Sight.SEEN)


@final
class Sighting:
    """A wait for a write, without a thread: `look` says how it stands, `subscribe` when to look again.

    Args:
        mark: of the write.
        position: returns how far the cache is, where the write belongs to.
        record: returns what the cache has of the object.
        has_ended: returns whether the cache has had the object of a uid, and has it no longer.
        subscribe: has a function called when the version of the write may have been reached.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        mark: Mark,
        *,
        position: Callable[[], Position],
        record: Callable[[], Record[Any] | None],
        has_ended: Callable[[str], bool],
        subscribe: Subscribe,
    ) -> None:
        self._mark = mark
        self._position = position
        self._record = record
        self._has_ended = has_ended
        #: Whether the object that was deleted was in the cache at a look. Ends are remembered for a while only.
        self._was_there = False
        self.subscribe: Subscribe = subscribe
        self._times_back = position().times_back

    def look(self) -> SeenResult:
        """Return whether the cache has reached the write, as of now. Only `Sight.NOT_YET` is worth a wait."""
        position, record, gone = self._position(), self._record(), self._mark.gone
        self._was_there |= bool(gone) and record is not None and record.uid == gone
        was_there = self._was_there or (bool(gone) and self._has_ended(gone))
        result = compare(self._mark, position, record, was_there=was_there)
        if result.sight is not Sight.NOT_YET:
            return result
        if position.ended:
            return SeenResult(Sight.STOPPED, position.ended)
        if position.times_back > self._times_back:
            return SeenResult(
                Sight.UNDECIDABLE,
                f"the server's versions have gone back, to {position.version}: a backup may have been restored",
            )
        return result

    def wait(self, *, timeout: float | None, stop: Stop | None, clock: Clock) -> SeenResult:
        """Wait in this thread until it is decided; see `SharedInformer.wait_until_seen`."""
        check_timeout(timeout)
        check_stop(stop)
        with Wakeup(timeout=timeout, stop=stop, clock=clock) as wakeup:
            while True:
                # Anew each time: a version calls back once.
                withdraw = self.subscribe(wakeup.wake)
                try:
                    wakeup.clear()
                    result = self.look()
                    if result.sight is not Sight.NOT_YET:
                        return result
                    if not wakeup.wait():
                        break
                finally:
                    withdraw()
            return self.given_up(result, None if wakeup.is_stopped else timeout)

    def given_up(self, result: SeenResult, timeout: float | None) -> SeenResult:
        """Return the result of a wait that ends in vain: after `timeout` seconds, or by a stop where it is None."""
        why = "the wait was stopped" if timeout is None else f"not within {timeout:g} s"
        return SeenResult(Sight.NOT_YET, f"{why}; {result.reason}")


@final
class Lookout(Generic[T]):
    """A wait for a state of an object, without a thread: `test` asks a predicate, `subscribe` says when to ask again.

    Args:
        key: of the object.
        resource: names the resource in messages.
        position: returns how far the cache is, where the object belongs to.
        record: returns what the cache has of the object.
        subscribe: has a function called when the object may have changed.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        key: str,
        *,
        resource: str,
        position: Callable[[], Position],
        record: Callable[[], Record[T] | None],
        subscribe: Subscribe,
    ) -> None:
        self._key = key
        self._resource = resource
        self._position = position
        self._record = record
        self.subscribe: Subscribe = subscribe

    def test(self, predicate: Callable[[T | None], object]) -> tuple[T | None] | None:
        """Ask a predicate in this thread; return the object if it holds, None if it does not, or can't be asked yet.

        The object stands in a tuple, since it is None where there is no such object.

        Raises:
            StoppedError: it does not hold, and nothing more comes.
        """
        position = self._position()
        record = self._record()
        # Before the first list nobody knows whether the object is there.
        if position.is_listed:
            obj = None if record is None else record.object()
            if predicate(obj):
                return (obj,)
        if position.ended:
            raise StoppedError(f"what was waited for of {self._resource} {self._key!r} can't happen: {position.ended}")
        return None

    def wait(
        self, predicate: Callable[[T | None], object], *, timeout: float | None, stop: Stop | None, clock: Clock
    ) -> T | None:
        """Wait in this thread until a predicate holds; see `SharedInformer.wait_until`."""
        check_timeout(timeout)
        check_stop(stop)
        with Wakeup(timeout=timeout, stop=stop, clock=clock) as wakeup:
            withdraw = self.subscribe(wakeup.wake)
            try:
                while True:
                    wakeup.clear()
                    found = self.test(predicate)
                    if found is not None:
                        return found[0]
                    if not wakeup.wait():
                        break
            finally:
                withdraw()
            raise self.given_up(None if wakeup.is_stopped else timeout)

    def given_up(self, timeout: float | None) -> InformersError:
        """Return what a wait raises that ends in vain: after `timeout` seconds, or by a stop where it is None."""
        what = f"{self._resource} {self._key!r}"
        if timeout is None:
            return StoppedError(f"the wait for {what} was stopped: {self.state()}")
        return WaitTimeoutError(f"{what} did not come to what was waited for within {timeout:g} s: {self.state()}")

    def state(self) -> str:
        """Return in words what the cache shows of the object."""
        if not self._position().is_listed:
            return "the cache has not been listed"
        record = self._record()
        if record is None:
            return "there is no such object in the cache"
        return f"it is at version {record.resource_version or 'unknown'}"
