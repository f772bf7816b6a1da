"""An informer of the real API server, with a handler that checks what it is told, and the proxy between."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, final

from typing_extensions import Self

from informers import ReflectorOptions, SharedInformer
from informers.backoff import BackoffSettings
from informers.cache._reflector.watch_failures import WatchFailure
from informers.resources import Resource
from informers.source.listwatch import ListWatch
from informers.source.restorer import restorer
from informers.testing.controlplane import ControlPlane
from tests.faults.rig import eventually
from tests.properties.history import History, versions

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["QUICK", "Follower"]

#: Pauses that a test can wait for; and watches that the server ends every second or two.
QUICK = ReflectorOptions(backoff=BackoffSettings(initial=0.1, maximum=0.5), min_watch_timeout=1.0)


@final
class Follower:
    """Runs an informer of a resource, or of one namespace of it.

    Args:
        plane: the server.
        resource: what is followed.
        namespace: None for all.
        client: None for the administrator's.
        options: of the reflector.
        idle: seconds of silence after which a watch is given up; the server's bookmarks come every minute.
    """

    def __init__(
        self,
        plane: ControlPlane,
        resource: Resource[Any],
        *,
        namespace: str | None = None,
        client: ApiClient | None = None,
        options: ReflectorOptions = QUICK,
        idle: float = 90.0,
    ) -> None:
        self.plane = plane
        self.path = resource.path(namespace)
        self.history = History(keep=True)
        self.failures: list[WatchFailure] = []
        source = ListWatch(client or plane.client(), resource, namespace=namespace, idle_timeout=idle)
        self.informer: SharedInformer[Any] = SharedInformer(
            source,
            resource=str(resource),
            restore=restorer(resource),
            watch_error_handler=self.failures.append,
            options=options,
        )
        self.informer.add_event_handler(self.history)

    def __enter__(self) -> Self:
        self.informer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self.informer.stop(timeout=5.0)
        if error is None:
            assert self.history.broken == []

    @property
    def server(self) -> dict[str, str]:
        """Versions of what the server has, by key."""
        return versions(self.plane.request("GET", self.path)["items"])

    @property
    def cache(self) -> dict[str, str]:
        """Versions of what the cache has, by key."""
        return {record.key: record.resource_version for record in self.informer.indexer.records()}

    def wait_until_whole(self, timeout: float = 30.0) -> float:
        """Wait until cache and handler have what the server has; return the seconds that it took."""
        there = self.server

        def is_whole() -> bool:
            return self.informer.health().is_live and self.cache == self.history.present == there

        return eventually(is_whole, lambda: f"whole; it is {self.informer.health()}", timeout=timeout)

    def wait_for_error(self, words: str, timeout: float = 15.0) -> None:
        """Wait until its health says that it is not live, for a reason with these words."""
        eventually(
            lambda: words in self.informer.health().reason,
            lambda: f"{words!r} told; it is {self.informer.health()}",
            timeout=timeout,
        )
