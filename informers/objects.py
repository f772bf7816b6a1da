"""Names of objects, and one door to their metadata, whatever they are.

An object may be a model of the official client, a JSON mapping, or anything that has `metadata` like either.

Upstream: k8s.io/client-go/tools/cache/object-names.go, store.go and delta_fifo.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, final

import attrs
from typing_extensions import Self, TypeVar

from informers.errors import ConfigurationError

__all__ = ["DeletedFinalStateUnknown", "ObjectName", "object_key", "object_name"]

T = TypeVar("T", default=Any)


@final
@attrs.frozen(order=True)
class ObjectName:
    """Namespace and name of an object: its key in a cache, in parts.

    Attributes:
        namespace: empty for an object of the whole cluster.
        name: the object's own name.

    Example:
        >>> str(ObjectName("default", "web-0")), str(ObjectName("", "node-1"))
        ('default/web-0', 'node-1')
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @classmethod
    def parse(cls, key: str) -> Self:
        """Return the parts of `namespace/name` or `name`.

        Raises:
            ConfigurationError: `key` has more than one slash.
        """
        namespace, _, name = key.rpartition("/")
        if "/" in namespace:
            raise ConfigurationError(f"unexpected key format: {key!r}; it should be 'namespace/name' or 'name'")
        return cls(namespace, name)


@final
@attrs.frozen
class DeletedFinalStateUnknown(Generic[T]):
    """A tombstone: the object is gone, and its last state was missed.

    A delete handler gets it in place of the object when the deletion happened while there was no watch,
    and was noticed by a later list.

    Attributes:
        key: `namespace/name`, or `name` for an object of the whole cluster.
        obj: the object as the cache knew it last; it may have changed before it was deleted. None where unknown.
    """

    key: str
    obj: T | None = None

    @property
    def name(self) -> ObjectName:
        """The key, in parts."""
        return ObjectName.parse(self.key)


def object_name(obj: Any) -> ObjectName:
    """Return the name of an object or of a tombstone.

    Args:
        obj: a model of the official client, a JSON mapping, anything with `metadata`, or a `DeletedFinalStateUnknown`.

    Raises:
        ConfigurationError: it has no metadata with a name.
    """
    if isinstance(obj, DeletedFinalStateUnknown):
        return obj.name
    if isinstance(obj, ObjectName):
        return obj
    metadata = read(obj, "metadata")
    name = read(metadata, "name")
    if not isinstance(name, str) or not name:
        raise ConfigurationError(
            "object has no name: expected metadata with a name, as in a model of the official client "
            f"or a JSON mapping; got {type(obj).__name__}{'; a key is for ObjectName.parse' * isinstance(obj, str)}"
        )
    namespace = read(metadata, "namespace")
    return ObjectName(namespace if isinstance(namespace, str) else "", name)


def object_key(obj: Any) -> str:
    """Return `namespace/name`, or `name` for an object of the whole cluster; see `object_name`."""
    return str(object_name(obj))


def read(obj: Any, *names: str) -> Any:
    """Return the first of the fields that is there, of a mapping by key or else by attribute; None where none is.

    Models have `resource_version` where mappings have `resourceVersion`: name both.
    """
    for name in names:
        value = obj.get(name) if isinstance(obj, Mapping) else getattr(obj, name, None)
        if value is not None:
            return value
    return None
