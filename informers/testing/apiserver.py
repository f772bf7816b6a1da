"""An API server for tests.

Upstream: k8s.io/apiserver, k8s.io/kubernetes/cmd/kube-apiserver (v1.37), and envtest of controller-runtime.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, final

from typing_extensions import Self

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import new_lock
from informers.errors import ConfigurationError
from informers.kinds import all_resources
from informers.resources import ClusterResource, NamespacedResource, Resource
from informers.testing._http.client_config import official_client, write_kubeconfig
from informers.testing._http.listener import HTTPListener
from informers.testing._http.objects_within import ObjectsWithin
from informers.testing._http.read_handlers import Reads
from informers.testing._http.subresource_handlers import Subresources
from informers.testing._http.write_handlers import Handlers
from informers.testing._rules.authorization import Access
from informers.testing._rules.custom_resources import Customs
from informers.testing._rules.garbage_collection import GarbageCollector
from informers.testing._rules.namespaces import NamespaceController
from informers.testing._rules.object_input import checked_options
from informers.testing._rules.registry import Registry
from informers.testing._store.documents import Json
from informers.testing._store.served_resources import Catalog, Served, check_resource
from informers.testing._store.versioned_storage import Storage
from informers.testing._store.watches import Watchers
from informers.testing.faults import Faults
from informers.testing.request_log import LoggedRequest, RequestLog

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["APIServer"]


@final
class APIServer(ObjectsWithin):
    """A Kubernetes API server for tests: real HTTP, in this process, on loopback only.

    It works with unmodified clients: the official one, kubectl, and others. It stores objects with versions, lists in
    pages, watches with bookmarks and streaming lists, validates like a real server, and fails as `faults` says. It is
    for tests: it runs no nodes and hardly any controller, checks few fields, and has no encryption. It only supports
    JSON, so `kubectl apply` and `kubectl create -f` work, but `kubectl create configmap` and similar commands, which
    send protobuf, do not.

    Tests can also write objects directly, with `create`, `update`, `patch` and `delete`; these store a given status and
    need no namespace.

    Args:
        port: TCP port; 0 for any free one.
        resources: the served resources; None for every kind of the official client.
        namespaces: the initial namespaces; none if `namespaces` is not served.
        clock: for timestamps, timeouts, bookmarks and delays.
        bookmark_interval: seconds between a watch's bookmarks.
        history: the least number of events that each resource keeps, for watches from an older version.
        streaming_lists: whether watches may begin with the state (`sendInitialEvents`); older servers refuse that.
        sharding: whether lists and watches may be limited to a share of the objects (`shardSelector`): the feature
            `ShardedListAndWatch`. Real servers ignore the parameter unless it is enabled.
        finalizes_namespaces: whether a deleted namespace is emptied and then removed, as in a cluster; otherwise it
            stays, as on an API server without controllers.
        collects_garbage: whether owned objects are deleted with their owners, as in a cluster: in the background, in
            the foreground or not at all, as the deletion asks; also objects whose owners are all absent.
        seed: seed of uids and generated names.

    Raises:
        ConfigurationError: an argument is wrong.

    Example:
        >>> from informers.kinds import core
        >>> with APIServer() as server:
        ...     pod = server.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}})
        ...     [pod["metadata"]["name"] for pod in server.list(core.V1.pods)]
        ['web-0']

    Attributes:
        requests: the log of the clients' requests.
        faults: the script of faults.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        resources: Iterable[NamespacedResource[Any] | ClusterResource[Any]] | None = None,
        namespaces: Iterable[str] = ("default", "kube-node-lease", "kube-public", "kube-system"),
        clock: Clock = SYSTEM_CLOCK,
        bookmark_interval: float = 60.0,
        history: int = 10_000,
        streaming_lists: bool = True,
        sharding: bool = False,
        finalizes_namespaces: bool = True,
        collects_garbage: bool = False,
        seed: int = 0,
    ) -> None:
        served = checked_options(
            port=port,
            history=history,
            bookmark_interval=bookmark_interval,
            namespaces=namespaces,
            resources=all_resources() if resources is None else resources,
        )
        self.requests: RequestLog = RequestLog()
        self._access = Access()
        self._token = ""
        storage, catalog = Storage(window=history, clock=clock), Catalog(map(Served.builtin, served))
        super().__init__(storage, Registry(storage, clock=clock, seed=seed, on_write=self._written), catalog)
        self._watchers = Watchers()
        self.faults: Faults = Faults(check=catalog.check, on_removed=self._watchers.wake)
        self._customs = Customs(self._storage, self._registry, self._catalog, self._watchers)
        self._namespaces = NamespaceController(self._storage, self._registry, self._catalog)
        self._finalizes_namespaces = finalizes_namespaces
        self._garbage = GarbageCollector(self._registry) if collects_garbage else None
        if collects_garbage:
            self._registry.policies = {"jobs.batch": "Orphan", "replicationcontrollers": "Orphan"}
        self._handlers = Handlers(
            self._storage,
            Reads(self._storage, self._registry, streaming_lists, sharding),
            Subresources(self._storage, self._registry, self._catalog, clock),
            self._registry,
            self._catalog,
            self._customs,
            self._access,
            self.faults,
            self.requests,
            self._watchers,
            clock,
            bookmark_interval,
        )
        self._clock = clock
        self._port = port
        self._lock = new_lock()
        self._listener: HTTPListener | None = None
        self._create_namespaces(namespaces)

    def __repr__(self) -> str:
        return f"<APIServer {self.url if self._listener else 'not started'}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Return the server's address, for example `http://127.0.0.1:41753`.

        Raises:
            ConfigurationError: the server has not been started.
        """
        return f"http://127.0.0.1:{self._running().port}"

    @property
    def resource_version(self) -> str:
        """Return the version of the last write."""
        return str(self._storage.version)

    def start(self) -> None:
        """Listen; does nothing if it listens already."""
        with self._lock:
            if self._listener is None:
                self._listener = HTTPListener(self._handlers.serve, clock=self._clock, port=self._port)

    def stop(self) -> None:
        """Break all connections and end all threads; returns when they have ended. Stored objects are kept."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            self._port = listener.port
            listener.stop()

    def stop_accepting(self) -> None:
        """Break all connections, and refuse new ones, like an unreachable server."""
        self._running().pause()

    def resume_accepting(self) -> None:
        """Accept connections again, at the same address."""
        # With the lock, so that a stop comes before it or after it.
        with self._lock:
            self._running().resume()

    def client(self, *, token: str | None = None) -> ApiClient:
        """Return a client of the official library for this server.

        Args:
            token: bearer token; None for the first token of the last `require_token`.
        """
        return official_client(self.url, self._token if token is None else token)

    def write_kubeconfig(self, path: Path | str) -> Path:
        """Write a kubeconfig file for this server; return its path.

        kubectl sends no token without encryption, so one that is required does not help there.
        """
        return write_kubeconfig(path, self.url, {"token": self._token} if self._token else {})

    def register(self, resource: NamespacedResource[Any] | ClusterResource[Any]) -> None:
        """Serve a custom resource, as if a definition of it had been created.

        Raises:
            ConfigurationError: it is not a resource.
        """
        check_resource(resource)
        self._catalog.add(Served.custom(resource))

    def require_token(self, *tokens: str) -> None:
        """Require one of these bearer tokens; with no arguments, require none."""
        self._token = tokens[0] if tokens else ""
        self._access.require(tokens)

    def deny(self, resource: Resource[Any] | None = None, *, verbs: Collection[str] | None = None) -> None:
        """Answer verbs on a resource with 403 from now on.

        Args:
            resource: in any version; None for every resource.
            verbs: for example `["list", "watch"]`; None for all.

        Raises:
            ConfigurationError: there is no such verb, or the server never serves `resource`.
        """
        if resource is not None:
            self._catalog.check(resource)
        self._access.deny(resource, verbs)

    def allow(self, resource: Resource[Any] | None = None, *, verbs: Collection[str] | None = None) -> None:
        """Take back denials; arguments as for `deny`; None takes back those of every resource."""
        self._access.allow(resource, verbs)

    def restart(self) -> None:
        """Restart with the stored objects, as in a rolling restart.

        Connections are broken, and watches from earlier versions get a 410; new connections are accepted at once.
        """
        self.stop_accepting()
        self._storage.begin_anew()
        self.resume_accepting()

    def drop_watches(self, resource: Resource[Any] | None = None, *, namespace: str | None = None) -> int:
        """End the watches of a resource, or all, regularly; return their number.

        Args:
            resource: None for every resource.
            namespace: only watches of this one, not those of all namespaces.
        """
        return self._watchers.drop(resource, namespace)

    def drop_connections(self) -> None:
        """Break all connections; new ones are accepted."""
        self._running().close_connections()

    def compact(self) -> None:
        """Forget the history: requests for an older version, by a token or a watch, get a 410 from now on.

        Running watches are not affected, as with the real server.
        """
        self._storage.compact()

    def advance_version(self) -> str:
        """Advance the resource version, as writes to other resources do; return it."""
        return str(self._storage.advance())

    def wait_for_request(
        self, predicate: Callable[[LoggedRequest], bool], *, count: int = 1, timeout: float = 10.0
    ) -> builtins.list[LoggedRequest]:
        """Wait until `count` requests, including past ones, satisfy `predicate`; return them.

        Raises:
            TimeoutError: fewer came within `timeout` real seconds.
        """
        return self.requests.wait_for(predicate, count=count, timeout=timeout)

    def wait_for_watchers(
        self, resource: Resource[Any] | None = None, count: int = 1, *, timeout: float = 10.0
    ) -> None:
        """Wait until exactly `count` watches of a resource, or of all, are open.

        Raises:
            TimeoutError: the number was not reached within `timeout` seconds of real time.
        """
        self._watchers.wait_for(resource, count, timeout)

    def _running(self) -> HTTPListener:
        listener = self._listener
        if listener is None:
            raise ConfigurationError("this server does not run: use it as `with APIServer() as server:`")
        return listener

    def _written(self, served: Served, obj: Json, is_gone: bool) -> None:
        self._changes.note()
        if self._garbage is not None:
            self._garbage.written(served, obj, is_gone)
        self._customs.written(served, obj, is_gone)
        if self._finalizes_namespaces:
            self._namespaces.written(served, obj, is_gone)
