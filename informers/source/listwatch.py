"""The interface between a cache and the source of its objects, and the real source: the API server.

Upstream: k8s.io/client-go/tools/cache/listwatch.go (v0.37).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, final, runtime_checkable

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_count, check_function, check_time_limit
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import safe_text
from informers._base.forks import OfOneProcess
from informers.errors import ConfigurationError, SourceError, escaped
from informers.objects import read
from informers.resources import Resource
from informers.selectors import FieldSelector, LabelSelector
from informers.source._transport.http_body import hastened
from informers.source._transport.http_watch import HTTPWatch, Patience
from informers.source._transport.transport import Transport
from informers.source._wire.decode import Decoder
from informers.source._wire.list_reader import read_list
from informers.source.records import Record
from informers.source.watch_events import ListOptions, Page, WatchEvent

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = [
    "HandsOnArrivals",
    "ListWatch",
    "ListerWatcher",
    "Reconnects",
    "Selects",
    "TweakListOptions",
    "Watch",
    "check_namespace",
]

_log = logging.getLogger("informers.source")

T = TypeVar("T", default=Any)


#: Seconds that stand for no limit: sockets accept no longer timeout.
_FOR_EVER = 86_400.0
#: Changes the options of a list or watch: takes them, and returns them or a changed copy.
TweakListOptions = Callable[[ListOptions], ListOptions]

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_METADATA_ONLY = "application/json;as=PartialObjectMetadata{0};g=meta.k8s.io;v=v1"


class Watch(Protocol[T]):
    """An open watch."""

    def batches(self) -> Iterator[list[WatchEvent[T]]]:
        """Yield the events that have arrived, in batches; returns when the server ends the watch.

        Raises:
            SourceError: the watch broke.
            DecodeError: the answer is not a watch.
            StoppedError: the source was closed.
        """
        ...

    def close(self) -> None:
        """End the watch; the iterating thread calls it once, in any case."""
        ...


class ListerWatcher(Protocol[T]):
    """The source of a cache's objects.

    One thread makes the requests, one at a time; `close` may be called from any thread.
    """

    def list(self, options: ListOptions, /) -> Page[T]:
        """Return one page of the objects.

        Raises:
            SourceError: the request failed.
            DecodeError: the answer can't be read.
            StoppedError: the source was closed.
        """
        ...

    def watch(self, options: ListOptions, /) -> Watch[T]:
        """Open a watch. Raises the errors of `list`."""
        ...

    def close(self) -> None:
        """Break off the present request, within a moment, and refuse further ones."""
        ...


@runtime_checkable
class HandsOnArrivals(Protocol):
    """An optional part of a `ListerWatcher`: it passes on the objects of one long answer while it arrives.

    Attributes:
        on_arrival: called by `list`, in its thread, with objects of the present page, in their order and each once, but
            possibly without the last ones. None if nobody needs them before the page is complete.
    """

    on_arrival: Callable[[Sequence[Record[Any]]], None] | None


@runtime_checkable
class Reconnects(Protocol):
    """An optional part of a `ListerWatcher`: it can make new connections."""

    def reconnect(self) -> None:
        """Break off the present request, and make new connections from now on; from any thread, within a moment."""
        ...


@runtime_checkable
class Selects(Protocol):
    """An optional part of a `ListerWatcher`: it knows which objects it does not list."""

    def selects(self, obj: Mapping[str, Any], /) -> bool:
        """Return whether an object, as a JSON mapping, may be listed; true if unknown."""
        ...


@final
class ListWatch(OfOneProcess, Generic[T]):
    """Lists and watches a resource of an API server, through the official client's configuration.

    Args:
        api_client: a `kubernetes.client.ApiClient`.
        resource: the resource to list and watch.
        namespace: None for all.
        label_selector: for example `app=web` or `{"app": "web"}`, on lists and watches.
        field_selector: for example `spec.nodeName=node-1`, on lists and watches.
        tweak: changes the options of every list and watch; called last.
        metadata_only: request `PartialObjectMetadata`, so that the server sends nothing else.
        drop_managed_fields: remove `metadata.managedFields` from the stored objects.
        idle_timeout: seconds without a byte after which a watch counts as lost, once the server has sent a bookmark on
            one, which it does about once a minute. Before that, and always for a kind without bookmarks, silence means
            nothing: such a watch counts as lost if the server has not ended it in time; TCP keep-alive detects a
            server that is gone.
        streaming_timeout: the same during a streaming list: a server that does not support them ignores that part of
            the request and stays silent.
        list_timeout: seconds without a byte, or with less than 50 bytes a second, after which a list counts as lost.
        connect_timeout, max_object_size, connection_lifetime: see `ReflectorOptions`.
        clock: measures silence.

    Attributes:
        on_arrival: see `HandsOnArrivals`.

    Raises:
        ConfigurationError: an argument is wrong, or the installed client does not know the resource's model.

    Thread safety: that of `ListerWatcher`.

    Upstream: k8s.io/client-go/tools/cache/listwatch.go (v0.37).
    """

    def __init__(
        self,
        api_client: ApiClient,
        resource: Resource[T],
        *,
        namespace: str | None = None,
        label_selector: str | Mapping[str, str] | LabelSelector | None = None,
        field_selector: str | Mapping[str, str] | FieldSelector | None = None,
        tweak: TweakListOptions | None = None,
        metadata_only: bool = False,
        drop_managed_fields: bool = False,
        connect_timeout: float = 30.0,
        idle_timeout: float = 150.0,
        streaming_timeout: float = 10.0,
        list_timeout: float = 120.0,
        max_object_size: int = 64 << 20,
        connection_lifetime: float = 300.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if not isinstance(resource, Resource):
            raise ConfigurationError(f"resource must be a Resource, for example core.V1.pods: got {resource!r}")
        check_namespace(namespace, resource)
        check_time_limit("connect_timeout", connect_timeout)
        check_time_limit("idle_timeout", idle_timeout)
        check_time_limit("streaming_timeout", streaming_timeout)
        check_time_limit("list_timeout", list_timeout)
        check_count("max_object_size", max_object_size, at_least=1)
        check_time_limit("connection_lifetime", connection_lifetime)
        check_function("tweak", tweak, "options")
        self.on_arrival: Callable[[Sequence[Record[Any]]], None] | None = None
        self._resource = resource
        self._path = resource.path(namespace)
        self._base = ListOptions(
            label_selector=str(LabelSelector.coerce(label_selector)),
            field_selector=str(FieldSelector.coerce(field_selector)),
        )
        #: The options of the last request, which a tweak may have changed.
        self._asked = self._base
        self._tweak = tweak
        self._accept = _METADATA_ONLY if metadata_only else "application/json"
        self._decoder = Decoder[T].of(resource, metadata_only=metadata_only, drop_managed_fields=drop_managed_fields)
        self._idle_timeout = idle_timeout
        self._streaming_timeout = streaming_timeout
        self._list_timeout = list_timeout
        self._max_object_size = max_object_size
        self._patience = Patience(idle_timeout)
        self._clock = clock
        self._transport = Transport(
            api_client, connect_timeout=connect_timeout, connection_lifetime=connection_lifetime, clock=clock
        )
        #: Whether an object has shown whether the resource has namespaces.
        self._is_scope_seen = False

    def __repr__(self) -> str:
        return f"<ListWatch {self._path}>"

    def selects(self, obj: Mapping[str, Any], /) -> bool:
        """Return whether an object may be listed, by the selectors of the last request."""
        asked = self._asked
        try:
            labels, fields = LabelSelector.parse(asked.label_selector), FieldSelector.parse(asked.field_selector)
        except ConfigurationError:  # a tweak's selector; the server may understand it
            return True
        return labels.matches(read(read(obj, "metadata"), "labels") or {}) and not fields.excludes(obj)

    def list(self, options: ListOptions, /) -> Page[T]:
        """Return one page, decoded while it arrives; asks for gzip."""
        body = self._transport.get(
            self._path,
            self._options(options).query(),
            accept=self._accept.format("List"),
            gzip=True,
            idle_timeout=self._list_timeout,
        )
        with body:
            blocks = hastened(body.blocks(), seconds=self._list_timeout, clock=self._clock)
            page = read_list(self._decoder, blocks, limit=self._max_object_size, on_arrival=self.on_arrival)
        if page.records:
            self._see_scope(page.records[0].key)
        return page

    def watch(self, options: ListOptions, /) -> Watch[T]:
        """Open a watch. It is not compressed, since the server would hold back events to fill a block."""
        # If a server is silent long after it should have ended the watch, the watch is lost.
        limit = options.timeout_seconds + self._streaming_timeout if options.timeout_seconds else _FOR_EVER
        body = self._transport.get(
            self._path,
            [("watch", "true"), *self._options(options).query()],
            accept=self._accept.format(""),
            gzip=False,
            idle_timeout=self._streaming_timeout if options.send_initial_events else min(self._idle_timeout, limit),
        )
        if not options.send_initial_events:
            # The answer has begun. Only before that silence means something: a server accepts a watch at once.
            body.set_idle_timeout(self._patience.within(limit))
        return HTTPWatch(
            body,
            self._decoder,
            self._patience,
            longest=limit,
            limit=self._max_object_size,
            see_scope=self._see_scope,
            clock=self._clock,
        )

    def close(self) -> None:
        """Break off the present request, and refuse further ones."""
        self._transport.close()

    def _see_scope(self, key: str) -> None:
        """Log an error if the first object shows that the resource has the wrong scope."""
        if self._is_scope_seen:
            return
        self._is_scope_seen = True
        has_namespaces = "/" in key
        if has_namespaces != self._resource.is_namespaced:
            _log.error(
                "%s (%s) %s namespaces, as the object %s shows, and its lister finds nothing: "
                "use a %s, or for_resource(..., namespaced=%s)",
                self._resource,
                self._resource.api_version,
                "have" if has_namespaces else "have no",
                escaped(key),
                "NamespacedResource" if has_namespaces else "ClusterResource",
                has_namespaces,
            )

    def reconnect(self) -> None:
        """Break off the present request, and make new connections from now on."""
        self._transport.reconnect()

    def _options(self, options: ListOptions) -> ListOptions:
        options = attrs.evolve(
            options, label_selector=self._base.label_selector, field_selector=self._base.field_selector
        )
        if self._tweak is None:
            return options
        try:
            tweaked = self._tweak(options)
        except Exception as error:
            raise SourceError(f"the tweak function failed: {safe_text(error)}") from error
        if not isinstance(tweaked, ListOptions):
            raise ConfigurationError(f"a tweak function must return ListOptions: got {type(tweaked).__name__}")
        self._asked = tweaked
        return tweaked


def check_namespace(namespace: str | None, resource: Resource[Any] | None = None) -> None:
    """Refuse an invalid namespace of a list; of any resource with namespaces, if none is given."""
    if namespace is None:
        return
    if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        raise ConfigurationError(
            f"namespace must be a name, for example 'default' (lower case letters, digits and '-'), or None for all: "
            f"got {namespace!r}"
        )
    if resource is not None and not resource.is_namespaced:
        raise ConfigurationError(f"{resource} has no namespaces: leave namespace out (got {namespace!r})")
