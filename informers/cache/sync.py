"""Waits until caches are filled, and reports which are not.

Upstream: k8s.io/client-go/tools/cache/wait.go and shared_informer.go WaitForCacheSync (v0.37).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, final

import attrs

from informers._base.checks import check_function, check_stop, check_timeout
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import OfOneProcess
from informers._base.signals import Signal
from informers._base.wakeups import BaseWakeup, Stop, Waiting, Wakeup
from informers.errors import ConfigurationError, NotSyncedError

__all__ = [
    "PROGRESS_INTERVAL",
    "NamespaceSync",
    "PartProgress",
    "SyncProgress",
    "SyncResult",
    "Syncable",
    "syncing",
    "wait_for_cache_sync",
]

#: Seconds between two reports of progress.
PROGRESS_INTERVAL = 1.0


@final
@attrs.frozen(kw_only=True)
class PartProgress:
    """The progress of one informer or handler. As text: `pods: 12,000 of about 50,000 objects`.

    Attributes:
        name: for example `pods`.
        objects: number of objects listed so far; for a handler, delivered so far.
        total: number of all objects, if the server says it; None otherwise.
        synced: whether it is complete.
    """

    name: str
    objects: int
    total: int | None
    synced: bool

    def __str__(self) -> str:
        if self.synced:
            return f"{self.name}: synced, {self.objects:,} objects"
        total = "" if self.total is None else f" of about {self.total:,}"
        return f"{self.name}: {self.objects:,}{total} objects"


@final
@attrs.frozen(kw_only=True)
class SyncProgress:
    """The progress of a wait for caches. As text, a line: `1 of 2 synced after 10 s: pods: 12,000 objects; …`.

    Attributes:
        parts: the progress of each, in the given order.
        seconds: time since the wait began.
    """

    parts: tuple[PartProgress, ...]
    seconds: float

    @property
    def is_synced(self) -> bool:
        """Whether all are."""
        return all(part.synced for part in self.parts)

    def __str__(self) -> str:
        done = sum(part.synced for part in self.parts)
        return f"{done} of {len(self.parts)} synced after {self.seconds:.0f} s: {'; '.join(map(str, self.parts))}"


class Syncable(Protocol):
    """Something that must sync: an informer, or a handler's registration."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        ...

    @property
    def synced(self) -> Signal:
        """Raised when it is synced."""
        ...

    @property
    def ended(self) -> Signal:
        """Raised when it can no longer become synced."""
        ...

    def why_not_synced(self) -> str:
        """Return in words what delays it, with its last error; empty if it is synced."""
        ...

    def sync_progress(self) -> PartProgress:
        """Return its progress."""
        ...

    @property
    def parts(self) -> Sequence[Syncable]:
        """Further parts to wait for: namespaces that were added to a synced informer."""
        ...


@final
@attrs.frozen
class SyncResult:
    """The result of a wait: true if everything is synced; as text, what is not, and why.

    Attributes:
        unsynced: the reasons, by the name of what is not synced.
    """

    unsynced: Mapping[str, str]

    def __bool__(self) -> bool:
        return not self.unsynced

    def __str__(self) -> str:
        if not self.unsynced:
            return "all caches are synced"
        return "not synced: " + "; ".join(f"{name}: {why}" for name, why in self.unsynced.items())

    def raise_if_unsynced(self) -> None:
        """Raise an error if something is not synced.

        Raises:
            NotSyncedError: its message is the text of this result.
        """
        if self.unsynced:
            raise NotSyncedError(str(self))


def wait_for_cache_sync(
    *syncables: Syncable,
    timeout: float | None = None,
    stop: Stop | None = None,
    progress: Callable[[SyncProgress], object] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> SyncResult:
    """Wait until informers and handlers are synced, including namespaces that were added to a synced informer.

    Returns at once when all are synced, or when one can no longer become synced because it was stopped.

    Args:
        syncables: informers, or registrations of handlers.
        timeout: seconds to wait at most; None for as long as it takes.
        stop: ends the wait: a `threading.Event`, a `Signal`, or any object with `is_set()` and `wait()`.
        progress: called with the progress, in this thread, every second and at the end, for example `print`. An
            exception that it raises ends the wait.
        clock: for waiting.

    Example:
        >>> wait_for_cache_sync().unsynced
        {}

    Raises:
        ConfigurationError: an argument is neither an informer nor a registration, `timeout` is negative, `progress` is
            not a function, or `stop` can't end a wait.

    Thread safety: may be called from any thread. Hazard: a handler that calls it waits for itself.

    Upstream: k8s.io/client-go/tools/cache/wait.go WaitFor (v0.37).
    """
    check_timeout(timeout)
    check_stop(stop)
    check_function("progress", progress, "progress")
    for syncable in syncables:
        if not isinstance(getattr(syncable, "synced", None), Signal):
            raise ConfigurationError(
                f"expected informers or registrations of handlers, for example factory.core.v1.pods.informer: "
                f"got {type(syncable).__name__}{_advice(syncable)}"
            )
    everything = [*syncables, *(part for syncable in syncables for part in syncable.parts)]
    with Wakeup(timeout=timeout, stop=stop, clock=clock) as wakeup:
        wakeup.run(syncing(everything, wakeup, progress, clock))
    unsynced: dict[str, str] = {}
    # Names may repeat: handlers of one function, or the pods of two clusters.
    alike: Counter[str] = Counter()
    for syncable in everything:
        # A synced informer may follow nothing any more; if its namespaces are awaited, they say why.
        why = "" if syncable.synced.is_set() and syncable.parts else syncable.why_not_synced()
        if why or not syncable.synced.is_set():
            alike[syncable.name] += 1
            count = alike[syncable.name]
            name = f"{syncable.name} #{count}" if count > 1 else syncable.name
            unsynced[name] = why or "not in time"
    return SyncResult(unsynced)


def syncing(
    syncables: Sequence[Syncable],
    wakeup: BaseWakeup,
    progress: Callable[[SyncProgress], object] | None,
    clock: Clock,
) -> Waiting[None]:
    """Wait until all are synced, or one can no longer become synced, in what runs this; see `wait_for_cache_sync`."""
    begin = clock.monotonic()
    report = begin + PROGRESS_INTERVAL
    # Each removes itself when it is synced: a wake-up that looked at all would be slow for thousands.
    pending = dict.fromkeys(range(len(syncables)))
    ended: list[int] = []

    def count_out(number: int) -> None:
        pending.pop(number, None)
        if not pending:
            wakeup.wake()

    def give_up(number: int) -> None:
        if number in pending:
            ended.append(number)
            wakeup.wake()

    def tell() -> None:
        if progress is not None:
            parts = tuple(syncable.sync_progress() for syncable in syncables)
            progress(SyncProgress(parts=parts, seconds=clock.monotonic() - begin))

    def look() -> float | None:
        nonlocal report
        if progress is None:
            return None
        now = clock.monotonic()
        if now >= report:
            report = now + PROGRESS_INTERVAL
            tell()
        return max(0.0, report - clock.monotonic())

    withdrawals: list[Callable[[], None]] = []
    for number, syncable in enumerate(syncables):
        withdrawals.append(syncable.synced.add_callback(partial(count_out, number)))
        withdrawals.append(syncable.ended.add_callback(partial(give_up, number)))
    try:
        yield from wakeup.until(lambda: not pending or bool(ended), (), look)
    finally:
        for withdraw in withdrawals:
            withdraw()
    tell()


@final
class NamespaceSync(OfOneProcess):
    """The first list of a namespace that was added, to be waited for.

    Args:
        namespace: its name.
        parts: returns what to wait for now.
        clock: for waiting.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, namespace: str, parts: Callable[[], Sequence[Syncable]], *, clock: Clock) -> None:
        self._namespace = namespace
        self._parts = parts
        self._clock = clock

    def __repr__(self) -> str:
        return f"<NamespaceSync of {self._namespace}, {'synced' if self.has_synced else 'not synced'}>"

    @property
    def parts(self) -> Sequence[Syncable]:
        """The informers' namespaces to wait for now."""
        return self._parts()

    @property
    def has_synced(self) -> bool:
        """Whether at least one informer follows the namespace, and the first list of each is in its cache."""
        parts = self._parts()
        return bool(parts) and all(part.synced.is_set() for part in parts)

    def wait(
        self,
        timeout: float | None = None,
        *,
        stop: Stop | None = None,
        progress: Callable[[SyncProgress], object] | None = None,
    ) -> SyncResult:
        """Wait until the first list of the namespace is in the cache; takes the arguments of `wait_for_cache_sync`.

        Returns:
            True if it is; as text, what is missing, and why.

        Raises:
            ConfigurationError: an argument is wrong.
        """
        parts = self._parts()
        if not parts:
            return SyncResult({f"namespace {self._namespace}": "nothing follows it"})
        return wait_for_cache_sync(*parts, timeout=timeout, stop=stop, progress=progress, clock=self._clock)


def _advice(other: object) -> str:
    """Return a hint for an object that can't be waited for."""
    if callable(getattr(other, "wait_for_cache_sync", None)):
        return ", which has a wait_for_cache_sync of its own"
    informer = getattr(other, "informer", None)
    return "; give its .informer" if isinstance(getattr(informer, "synced", None), Signal) else ""
