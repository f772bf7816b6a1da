"""Options of listing, watching and storing: for all kinds of a factory, or for one kind.

Upstream: k8s.io/client-go/tools/cache/reflector.go ReflectorOptions, and the options of
k8s.io/client-go/informers/factory.go, which are for all kinds alike (v0.37).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import as_number, check_count, check_function, check_period, check_time_limit
from informers.backoff import BackoffSettings
from informers.errors import ConfigurationError
from informers.selectors import FieldSelector, LabelSelector
from informers.source.listwatch import TweakListOptions, check_namespace
from informers.source.shards import Shard

__all__ = ["IndexFunction", "KindOptions", "ReflectorOptions", "check_indexers", "check_options", "namespaces_of"]

T = TypeVar("T", default=Any)

#: Returns the values under which an object is found; None is not a value. It must depend on the object alone.
IndexFunction: TypeAlias = Callable[[T], Iterable[str | None]]

#: Seconds: a server accepts an int32, and the reflector asks for up to twice the minimum.
_LONGEST = 1e9


def _uniform(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311  spreads load, no secret


@final
@attrs.frozen(kw_only=True)
class ReflectorOptions:
    """How a reflector lists and watches.

    Attributes:
        page_size: objects in a page of a list; 0 for one page where the server can read its watch cache, else 500.
        streaming_lists: whether to try streaming lists.
        min_watch_timeout: seconds; the server is asked to end each watch after one to two times as long, at random.
        connect_timeout: seconds for each step before a request is sent: credentials, name look-up, connection, proxy
            tunnel, TLS handshake.
        idle_timeout: seconds without a byte after which a watch counts as lost, once the server has sent a bookmark.
            Hazard: a server sends a bookmark about once a minute; a shorter time gives up watches that work.
        streaming_timeout: seconds without a byte after which a streaming list is given up, and pages are listed. The
            whole stream may take this time plus 50 ms for each object.
        list_timeout: seconds without a byte after which a list counts as lost.
        max_object_size: bytes of JSON that an object may have; a larger one ends the request.
        connection_lifetime: seconds after which the next request makes a new connection. So clients spread over
            restarted API servers, and leave outdated ones; not all at once, since watches end at random times.
        backoff: how the pauses after failures grow.
        uniform: returns a random number between two; for jitter.

    The connection's time limits and `max_object_size` apply to the sources that a factory makes; a `ListWatch` of your
    own has its own arguments for them.

    Raises:
        ConfigurationError: a number is out of range, or a value has the wrong type.

    Example:
        >>> from informers import KindOptions
        >>> quick = KindOptions(options=ReflectorOptions(idle_timeout=90.0))  # for one kind, in overrides=

    Upstream: k8s.io/client-go/tools/cache/reflector.go ReflectorOptions (v0.37).
    """

    page_size: int = 0
    streaming_lists: bool = True
    min_watch_timeout: float = 300.0
    connect_timeout: float = 30.0
    idle_timeout: float = 150.0
    streaming_timeout: float = 10.0
    list_timeout: float = 120.0
    max_object_size: int = 64 << 20
    connection_lifetime: float = 300.0
    backoff: BackoffSettings = attrs.field(factory=BackoffSettings)
    uniform: Callable[[float, float], float] = _uniform

    def __attrs_post_init__(self) -> None:
        check_count("page_size", self.page_size, at_least=0)
        if not 1 <= as_number(self.min_watch_timeout) <= _LONGEST:
            raise ConfigurationError(
                f"min_watch_timeout must be a number of seconds from 1 to {_LONGEST:g}: got {self.min_watch_timeout!r}"
            )
        if not isinstance(self.streaming_lists, bool):
            raise ConfigurationError(f"streaming_lists must be True or False: got {self.streaming_lists!r}")
        check_time_limit("connect_timeout", self.connect_timeout)
        check_time_limit("idle_timeout", self.idle_timeout)
        check_time_limit("streaming_timeout", self.streaming_timeout)
        check_time_limit("list_timeout", self.list_timeout)
        check_count("max_object_size", self.max_object_size, at_least=1)
        check_time_limit("connection_lifetime", self.connection_lifetime)
        if not isinstance(self.backoff, BackoffSettings):
            raise ConfigurationError(f"backoff must be BackoffSettings: got {self.backoff!r}")
        if not callable(self.uniform):
            raise ConfigurationError(f"uniform must be a function of (low, high): got {self.uniform!r}")
        check_function("uniform", self.uniform, "low, high")


def check_options(options: object) -> None:
    """Refuse a value that is neither None nor `ReflectorOptions`."""
    if not (options is None or isinstance(options, ReflectorOptions)):
        raise ConfigurationError(f"options must be ReflectorOptions: got {options!r}")


def namespaces_of(namespace: str | Collection[str] | None) -> tuple[str, ...] | None:
    """Return namespaces, or None for all, checked."""
    if namespace is None:
        return None
    names = (namespace,) if isinstance(namespace, str) else namespace
    is_collection = isinstance(names, Collection) and not isinstance(names, (bytes, Mapping))
    if is_collection and all(isinstance(name, str) and name for name in names):
        distinct = tuple(dict.fromkeys(names))
        for name in distinct:
            check_namespace(name)
        return distinct
    raise ConfigurationError(
        f"namespace must be None for all, a name, for example 'default', or a collection of names: got {namespace!r}"
    )


@final
@attrs.frozen(kw_only=True)
class KindOptions:
    """Options of one kind; None leaves the factory's.

    Attributes:
        resync_period: seconds.
        namespace: a name, or a collection of names, whatever namespaces the factory adds or removes.
        label_selector: for example `app=web`.
        field_selector: for example `spec.nodeName=node-1`.
        transform: changes each object before it is stored.
        tweak: changes the options of every list and watch.
        drop_managed_fields: remove `metadata.managedFields` from the stored objects.
        shard: keep only a share of the objects.
        indexers: index functions by name.
        options: how this kind is listed and watched; replaces the factory's `options` as a whole.

    Raises:
        ConfigurationError: an option is invalid.
    """

    resync_period: float | None = None
    namespace: tuple[str, ...] | None = attrs.field(default=None, converter=namespaces_of)
    label_selector: str | Mapping[str, str] | LabelSelector | None = None
    field_selector: str | Mapping[str, str] | FieldSelector | None = None
    transform: Callable[[Any], Any] | None = None
    tweak: TweakListOptions | None = None
    drop_managed_fields: bool | None = None
    shard: Shard | None = None
    indexers: Mapping[str, IndexFunction[Any]] | None = None
    options: ReflectorOptions | None = None

    def __attrs_post_init__(self) -> None:
        if self.resync_period is not None:
            check_period("resync_period", self.resync_period)
        LabelSelector.coerce(self.label_selector)
        FieldSelector.coerce(self.field_selector)
        check_function("transform", self.transform, "obj")
        check_function("tweak", self.tweak, "options")
        if not (self.drop_managed_fields is None or isinstance(self.drop_managed_fields, bool)):
            raise ConfigurationError(f"drop_managed_fields must be True or False: got {self.drop_managed_fields!r}")
        if not (self.shard is None or isinstance(self.shard, Shard)):
            raise ConfigurationError(f"shard must be a Shard, for example Shard(0, of=2): got {self.shard!r}")
        if self.indexers is not None:
            check_indexers(self.indexers)
        check_options(self.options)


def check_indexers(indexers: object) -> None:
    """Refuse a value that does not map names to functions."""
    advice = "indexers must map names to functions that take an object and return its values"
    if not isinstance(indexers, Mapping):
        raise ConfigurationError(f"{advice}: got {type(indexers).__name__}")
    for name, function in indexers.items():
        if not isinstance(name, str) or not name or not callable(function):
            raise ConfigurationError(f"{advice}: got {name!r}: {type(function).__name__}")
        check_function(f"the index function {name!r}", function, "obj", may_yield=True)
