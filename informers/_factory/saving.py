"""What a factory does to outlive its process: it saves its caches to a file, and begins with what was saved.

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

    Args:
        api_client: whose cluster the caches are of.
        blueprint: how the kinds are listed.
        clock: tells the time.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, api_client: ApiClient, blueprint: Blueprint, clock: Clock) -> None:
        self._api_client = api_client
        self._blueprint = blueprint
        self._clock = clock
        #: Once it has been asked.
        self._cluster: Cluster | None = None

    @property
    @abstractmethod
    def kinds(self) -> Sequence[NamespacedKind[Any] | ClusterKind[Any]]:
        """What has been asked for so far, in that order."""

    @abstractmethod
    def _check_not_stopped(self, purpose: str = "") -> None:
        """Raise StoppedError or ForkedError after the end."""

    def save(self, path: str | os.PathLike[str], *, revision: str = "") -> SnapshotResult:
        """Save the caches to a file, from which a later process goes on with `load`; while running, or after `stop`.

        The file is readable for its owner only, since it holds all that the caches do. It is replaced as a whole: what
        it held before stays until everything is on the disk. A kind that is not synced, or has objects set aside, is
        left out; if all are, the file stays as it was.

        Args:
            path: of the file.
            revision: of what transforms and tweaks do, for example the application's version; `load` must be given the
                same text. A kind with a transform or a tweak is not saved without one. Change it with the function:
                objects that another transform made would be loaded otherwise.

        Returns:
            True if every kind was saved; as text it says which was not, and why.

        Raises:
            ConfigurationError: an argument is wrong.
            SnapshotError: the file can't be written.
        """
        file = check_path(path)
        kinds = self._caches(revision)
        try:
            cluster = self._cluster or identify(self._api_client, clock=self._clock)
        except (SourceError, DecodeError):
            # Address and certificate authority must do.
            cluster = configured_cluster(self._api_client)
        return save(file, kinds, cluster=cluster, now=self._clock.time())

    def load(
        self, path: str | os.PathLike[str], *, revision: str = "", max_age: float | None = 86_400.0
    ) -> SnapshotResult:
        """Let the informers that have been asked for begin with what `save` wrote; to be called before `start`.

        They watch on from the saved version: no list is made where the server still remembers what has happened since.
        Handlers get what was saved as adds, then what has changed as updates and deletes, or tombstones. A cache counts
        as synced only when the server has said what has happened since.

        What is damaged, old, of another cluster, or was saved with other namespaces, selectors or functions, is
        refused; a list is made then, as without a file. So it is the first time, when there is none yet.

        Args:
            path: of the file.
            revision: as `save` was given it.
            max_age: seconds after which a file counts as old; None for never.

        Returns:
            True if every kind was loaded; as text it says which was not, and why.

        Raises:
            ConfigurationError: an argument is wrong, or no informer has been asked for yet.
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
    """Return names that tell resources apart: with their versions, where a factory has more than one of them."""
    alone = Counter(name for name, _ in named)
    return [f"{name} {version}" if alone[name] > 1 else name for name, version in named]
