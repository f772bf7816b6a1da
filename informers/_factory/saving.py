"""Saves a factory's caches to a file, and loads them in a later process.

Upstream: none; client-go's caches end with their process.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from informers._base.checks import check_period
from informers._base.clock import Clock
from informers._base.forks import OfOneProcess
from informers._factory.blueprint import Blueprint
from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.errors import ConfigurationError, DecodeError, SourceError
from informers.snapshots.files import check_path
from informers.snapshots.saved_caches import CacheOfKind, SnapshotResult, load, save
from informers.source._transport.cluster_id import Cluster, configured_cluster, identify

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["SavingFactory"]


class SavingFactory(OfOneProcess):
    """Saves and loads the caches of a factory's kinds.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, api_client: ApiClient, blueprint: Blueprint, clock: Clock) -> None:
        self._api_client = api_client
        self._blueprint = blueprint
        self._clock = clock
        #: None until the server has been asked.
        self._cluster: Cluster | None = None

    @property
    @abstractmethod
    def kinds(self) -> Sequence[NamespacedKind[Any] | ClusterKind[Any]]:
        """The kinds that have been requested so far, in the order of the requests."""

    @abstractmethod
    def _check_not_stopped(self, purpose: str = "") -> None:
        """Raise StoppedError or ForkedError if the factory has ended."""

    def save(self, path: str | os.PathLike[str], *, revision: str = "") -> SnapshotResult:
        """Save the caches to a file for `load` in a later process; while running, or after `stop`.

        Only its owner can read the file, since it holds everything that is in the caches. It is replaced as a whole:
        the old content stays until the new one is on the disk. A kind that is not synced, or has unreadable objects, is
        left out; if all are left out, the file is unchanged.

        Args:
            path: of the file.
            revision: version of your transforms and tweaks, for example your application's version. `load` needs the
                same text, and a kind with a transform or a tweak is only saved with one. Change it whenever one of
                these functions changes; otherwise `load` uses objects that the old function made.

        Returns:
            True if every kind was saved; as text, which kinds were not, and why.

        Raises:
            ConfigurationError: an argument is wrong.
            SnapshotError: the file can't be written.
        """
        file = check_path(path)
        kinds = self._caches(revision)
        try:
            cluster = self._cluster or identify(self._api_client, clock=self._clock)
        except (SourceError, DecodeError):
            # The address and certificate authority identify the cluster well enough.
            cluster = configured_cluster(self._api_client)
        return save(file, kinds, cluster=cluster, now=self._clock.time())

    def load(
        self, path: str | os.PathLike[str], *, revision: str = "", max_age: float | None = 86_400.0
    ) -> SnapshotResult:
        """Fill the caches of the requested informers from a file that `save` wrote. Call it before `start`.

        The informers then watch from the saved version. They list only if the server no longer remembers the changes
        since. Handlers receive the saved objects as adds, then the changes since as updates and deletes, or
        tombstones. A cache counts as synced only when the server has reported these changes.

        A file is refused if it is damaged, old, of another cluster, or was saved with other namespaces, selectors or
        functions. Then the informers list, as they do if there is no file yet.

        Args:
            path: of the file.
            revision: the text that `save` was called with.
            max_age: seconds after which a file counts as old; None for never.

        Returns:
            True if every kind was loaded; as text, which kinds were not, and why.

        Raises:
            ConfigurationError: an argument is wrong, or no informer has been requested yet.
            StoppedError: the factory has been stopped.
        """
        file = check_path(path)
        if max_age is not None:
            check_period("max_age", max_age)
        kinds = self._caches(revision)
        self._check_not_stopped()
        if not kinds:
            raise ConfigurationError("no informer has been asked for yet: load() gives them what was saved of them")
        return load(file, kinds, identify=self._identify, now=self._clock.time(), max_age=max_age)

    def _identify(self) -> Cluster:
        self._cluster = identify(self._api_client, clock=self._clock)
        return self._cluster

    def _caches(self, revision: str) -> list[CacheOfKind]:
        if not isinstance(revision, str):
            raise ConfigurationError(f"revision must be a text, for example your version: got {revision!r}")
        kinds = self.kinds
        names = _distinct([(str(kind.resource), kind.resource.version) for kind in kinds])
        return [
            CacheOfKind(
                name=name,
                resource=kind.resource,
                informer=kind.informer,
                options=self._blueprint.options_of(kind.resource),
                metadata_only=self._blueprint.metadata_only,
                revision=revision,
            )
            for name, kind in zip(names, kinds, strict=True)
        ]


def _distinct(named: list[tuple[str, str]]) -> list[str]:
    """Return names that distinguish resources: with the version if a factory has several versions of one."""
    alone = Counter(name for name, _ in named)
    return [f"{name} {version}" if alone[name] > 1 else name for name, version in named]
