"""An informer behind a faulty network, with everything watched that a fault might spoil."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, final

from typing_extensions import Self

from informers import ReflectorOptions, SharedInformer
from informers.backoff import BackoffSettings
from informers.cache._reflector.watch_failures import WatchFailure
from informers.kinds import core
from informers.source.listwatch import ListWatch
from informers.source.restorer import restorer
from informers.testing import APIServer
from tests.faults.proxy import Proxy
from tests.properties.history import History, versions

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, V1ConfigMap

__all__ = ["IDLE", "OPTIONS", "Rig", "eventually", "library_threads", "most_requests"]

#: Seconds of silence after which a connection counts as lost; the server's bookmarks come four times as often.
IDLE = 0.5
BOOKMARKS = 0.05
OPTIONS = ReflectorOptions(backoff=BackoffSettings(initial=0.04, maximum=0.08, jitter=0.0))


def eventually(holds: Callable[[], object], what: str | Callable[[], str], *, timeout: float = 10.0) -> float:
    """Wait until something holds; return the seconds that it took."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < timeout, (
            f"not within {timeout:g} s: {what if isinstance(what, str) else what()}"
        )
        time.sleep(0.002)
    return time.monotonic() - start


def most_requests(seconds: float, settings: BackoffSettings) -> int:
    """Return how many requests the backoff allows in a time: each try is at most two, a stream and a page."""
    tries, spent, pause = 1, 0.0, settings.initial
    while spent < seconds:
        tries += 1
        spent += pause
        pause = min(pause * settings.factor, settings.maximum)
    return 2 * tries


def library_threads() -> set[threading.Thread]:
    """Return the library's own threads, without the test server's."""
    return {
        thread
        for thread in threading.enumerate()
        if thread.name.startswith("informers-") and not thread.name.startswith("informers-testing")
    }


@final
class Rig:
    """A server, a proxy before it, and a running informer of its ConfigMaps behind that.

    Args:
        script: as the proxy's.
        client: makes the client from the proxy's URL; None for a plain one.
        server: a server that runs; None for one of its own.
        idle: seconds without a byte after which a list or watch counts as lost.
        target: port that the proxy forwards to; None for the server's.
    """

    def __init__(
        self,
        *,
        script: Callable[[int], Any] | None = None,
        client: Callable[[int], ApiClient] | None = None,
        server: APIServer | None = None,
        idle: float = IDLE,
        target: int | None = None,
        options: ReflectorOptions = OPTIONS,
    ) -> None:
        self.server = server or APIServer(bookmark_interval=BOOKMARKS)
        self._client = client or plain_client
        self._script = script
        self._idle = idle
        self._target = target
        self._options = options
        self.history = History(keep=True)
        self.failures: list[WatchFailure] = []
        self._count = 0

    def __enter__(self) -> Self:
        self.server.start()
        self.server.create({"metadata": {"name": "first"}}, resource=core.V1.config_maps)
        target = self._target or int(self.server.url.rpartition(":")[2])
        self.proxy = Proxy(target, script=self._script)
        self.proxy.__enter__()
        self.api_client = self._client(self.proxy.port)
        self.source: ListWatch[V1ConfigMap] = ListWatch(
            self.api_client,
            core.V1.config_maps,
            connect_timeout=2 * self._idle,
            idle_timeout=self._idle,
            streaming_timeout=self._idle,
            list_timeout=self._idle,
        )
        self.informer: SharedInformer[V1ConfigMap] = SharedInformer(
            self.source,
            resource="configmaps",
            restore=restorer(core.V1.config_maps),
            watch_error_handler=self.failures.append,
            options=self._options,
        )
        self.informer.add_event_handler(self.history)
        self.informer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.informer.stop()
        self.api_client.close()
        self.proxy.__exit__(None, None, None)
        self.server.stop()

    def create(self, name: str = "") -> str:
        """Create an object on the server; return its name."""
        self._count += 1
        name = name or f"object-{self._count}"
        self.server.create({"metadata": {"name": name}}, resource=core.V1.config_maps)
        return name

    def update(self, name: str) -> None:
        """Change an object on the server."""
        self._count += 1
        self.server.patch(core.V1.config_maps, name, {"data": {"count": str(self._count)}})

    def delete(self, name: str) -> None:
        """Delete an object on the server."""
        self.server.delete(core.V1.config_maps, name)

    @property
    def is_whole(self) -> bool:
        """Whether cache and handler have what the server has, and the informer says that it is live."""
        there = versions(self.server.list(core.V1.config_maps))
        cached = {record.key: record.resource_version for record in self.informer.indexer.records()}
        return there == cached == self.history.present and self.informer.health().is_live

    def wait_until_whole(self, timeout: float = 10.0) -> float:
        """Wait for `is_whole`; return the seconds that it took."""
        return eventually(
            lambda: self.is_whole, lambda: f"whole again; it is {self.informer.health()}", timeout=timeout
        )

    def wait_until_stale(self, timeout: float = 10.0) -> float:
        """Wait until the informer says that it is not live; return the seconds that it took."""
        return eventually(lambda: not self.informer.health().is_live, "says that it is stale", timeout=timeout)

    def change(self) -> None:
        """Change the server in every way: a deletion, a recreation, an update, an addition."""
        self.delete("doomed")
        self.delete("recreated")
        self.create("recreated")
        self.update("first")
        self.create()

    def prepare(self) -> None:
        """Wait until all is well, with objects for `change`, and until silence would be a sign: a bookmark has come."""
        self.create("doomed")
        self.create("recreated")
        self.wait_until_whole()
        eventually(lambda: self.source._patience.sends_bookmarks, "a bookmark")


def plain_client(port: int) -> ApiClient:
    """Return a client for a port of loopback, without TLS."""
    from kubernetes.client import ApiClient, Configuration

    return ApiClient(Configuration(host=f"http://127.0.0.1:{port}"))
