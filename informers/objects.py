"""Names of objects, and their metadata, spec and status, which the official models declare as optional.

An object may be a model of the official client, a JSON mapping, or anything with `metadata`.

Upstream: k8s.io/client-go/tools/cache/object-names.go, store.go and delta_fifo.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Protocol, cast, final, overload

import attrs
from typing_extensions import Self, TypeVar

from informers.errors import ConfigurationError

__all__ = [
    "DeletedFinalStateUnknown",
    "ObjectName",
    "annotations_of",
    "labels_of",
    "metadata_of",
    "object_key",
    "object_name",
    "spec_of",
    "status_of",
]

T = TypeVar("T", default=Any)
Part_co = TypeVar("Part_co", covariant=True)
Part = TypeVar("Part")


class _HasMetadata(Protocol[Part_co]):
    @property
    def metadata(self) -> Part_co | None: ...


class _HasSpec(Protocol[Part_co]):
    @property
    def spec(self) -> Part_co | None: ...


class _HasStatus(Protocol[Part_co]):
    @property
    def status(self) -> Part_co | None: ...


@final
@attrs.frozen(order=True)
class ObjectName:
    """Namespace and name of an object: the two parts of its key in a cache.

    Attributes:
        namespace: empty for an object of the whole cluster.
        name: the object's name.

    Raises:
        ConfigurationError: one of them is not a text.

    Example:
        >>> str(ObjectName("default", "web-0")), str(ObjectName("", "node-1"))
        ('default/web-0', 'node-1')
    """

    namespace: str
    name: str

    def __attrs_post_init__(self) -> None:
        if not (isinstance(self.namespace, str) and isinstance(self.name, str)):
            raise ConfigurationError(
                "namespace and name are texts, and the namespace of an object of the whole cluster is empty: "
                f"got {self.namespace!r} and {self.name!r}"
            )

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @classmethod
    def parse(cls, key: str) -> Self:
        """Return the parts of `namespace/name` or `name`.

        Raises:
            ConfigurationError: `key` is not a string, is empty, or has more than one slash.
        """
        namespace, _, name = key.rpartition("/") if isinstance(key, str) else ("/", "", "")
        if "/" in namespace or not name:
            raise ConfigurationError(f"unexpected key format: {key!r}; it should be 'namespace/name' or 'name'")
        return cls(namespace, name)


@final
@attrs.frozen
class DeletedFinalStateUnknown(Generic[T]):
    """A tombstone: the object was deleted, and its last state was missed.

    A delete handler receives it in place of the object if the object was deleted while no watch was open, and a
    later list showed that.

    Attributes:
        key: `namespace/name`, or `name` for an object of the whole cluster.
        obj: the object's last state in the cache; it may have changed before the deletion. None if unknown.
    """

    key: str
    obj: T | None = None

    @property
    def name(self) -> ObjectName:
        """The key as an `ObjectName`."""
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


def check_object_name(name: object) -> None:
    """Refuse a value that is not an `ObjectName`."""
    if not isinstance(name, ObjectName):
        advice = f"{name!r}; ObjectName.parse" if isinstance(name, str) else f"{type(name).__name__}; object_name"
        raise ConfigurationError(f"expected an ObjectName: got {advice} makes one of it")


def object_key(obj: Any) -> str:
    """Return `namespace/name`, or `name` for an object of the whole cluster; see `object_name`."""
    return str(object_name(obj))


@overload
def metadata_of(obj: Mapping[str, Any], /) -> Mapping[str, Any]: ...
@overload
def metadata_of(obj: _HasMetadata[Part], /) -> Part: ...
def metadata_of(obj: Any, /) -> Any:
    """Return the metadata of an object. Every object has it, although the official models declare it as optional.

    Args:
        obj: a model of the official client, a JSON mapping, or anything with `metadata`.

    Raises:
        AttributeError: the object has no metadata.

    Example:
        >>> metadata_of({"metadata": {"name": "web-0"}})["name"]
        'web-0'
    """
    return _part_of(obj, "metadata")


@overload
def spec_of(obj: Mapping[str, Any], /) -> Mapping[str, Any]: ...
@overload
def spec_of(obj: _HasSpec[Part], /) -> Part: ...
def spec_of(obj: Any, /) -> Any:
    """Return the spec of an object; raises AttributeError, with the object's name, if it has none."""
    return _part_of(obj, "spec")


@overload
def status_of(obj: Mapping[str, Any], /) -> Mapping[str, Any]: ...
@overload
def status_of(obj: _HasStatus[Part], /) -> Part: ...
def status_of(obj: Any, /) -> Any:
    """Return the status of an object; raises AttributeError, with the object's name, if it has none.

    Hazard: a custom resource has no status until a controller writes one.
    """
    return _part_of(obj, "status")


def labels_of(obj: Any, /) -> Mapping[str, str]:
    """Return the labels of an object, empty if it has none. Do not change them."""
    return cast("Mapping[str, str]", read(read(obj, "metadata"), "labels") or {})


def annotations_of(obj: Any, /) -> Mapping[str, str]:
    """Return the annotations of an object, empty if it has none. Do not change them."""
    return cast("Mapping[str, str]", read(read(obj, "metadata"), "annotations") or {})


def uid_of(obj: Any) -> str:
    """Return the uid of an object, empty if it has none."""
    uid = read(read(obj, "metadata"), "uid")
    return uid if isinstance(uid, str) else ""


def _part_of(obj: Any, name: str) -> Any:
    part = read(obj, name)
    if part is None:
        key = read(read(obj, "metadata"), "name") or "an object"
        raise AttributeError(f"{key} (a {type(obj).__name__}) has no {name}", name=name, obj=obj)
    return part


def read(obj: Any, *names: str) -> Any:
    """Return the first field that has a value, from a mapping's keys or an object's attributes, or None.

    Models have `resource_version` where mappings have `resourceVersion`: give both names.
    """
    for name in names:
        value = obj.get(name) if isinstance(obj, Mapping) else getattr(obj, name, None)
        if value is not None:
            return value
    return None
