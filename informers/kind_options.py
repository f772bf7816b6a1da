"""What single kinds have otherwise than the others of their factory.

Upstream: the options of k8s.io/client-go/informers/factory.go (v0.37), which are for all kinds alike.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, final

import attrs

from informers.cache.arguments import check_period
from informers.cache.indexer import IndexFunction
from informers.cache.store import check_indexers
from informers.errors import ConfigurationError
from informers.functions import check_function
from informers.selectors import FieldSelector, LabelSelector
from informers.source.listwatch import TweakListOptions, check_namespace
from informers.source.shards import Shard

__all__ = ["KindOptions", "namespaces_of"]


def namespaces_of(namespace: str | Collection[str] | None) -> tuple[str, ...] | None:
    """Return namespaces, or None for all, checked."""
    if namespace is None:
        return None
    names = (namespace,) if isinstance(namespace, str) else namespace
    is_collection = isinstance(names, Collection) and not isinstance(names, (bytes, Mapping))
    if is_collection and names and all(isinstance(name, str) and name for name in names):
        distinct = tuple(dict.fromkeys(names))
        for name in distinct:
            check_namespace(name)
        return distinct
    raise ConfigurationError(
        f"namespace must be None for all, a name such as 'default', or a collection of names: got {namespace!r}"
    )


@final
@attrs.frozen(kw_only=True)
class KindOptions:
    """What one kind has otherwise than the factory's other kinds; None leaves the factory's.

    Attributes:
        resync_period: seconds.
        namespace: a name, or a collection of names; these stay, whatever namespaces the factory adds or removes.
        label_selector: such as `app=web`.
        field_selector: such as `spec.nodeName=node-1`.
        transform: changes each object before it is stored.
        tweak: changes the options of every list and watch.
        drop_managed_fields: leave `metadata.managedFields` out of what is kept.
        shard: keep a share of the objects only.
        indexers: index functions by name.

    Raises:
        ConfigurationError: one is wrong.
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
            raise ConfigurationError(f"shard must be such as Shard(0, of=2): got {self.shard!r}")
        check_indexers(self.indexers or {})
