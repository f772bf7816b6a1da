"""The rows that a table of kinds is written in.

A kind is one annotated line in a class of its group's version::

    class V1(GroupVersion, group="example.com", version="v1"):
        widgets: namespaced[Widget] = namespaced("Widget", decode=Widget.from_dict)

Read from the class, the row is the `Resource`: what to ask the server for. Read from an instance, which a
factory makes, it is the shared informer of that resource with its lister.

Upstream: k8s.io/client-go/informers/generic.go and its generated accessors (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, final, overload

from typing_extensions import TypeVar

from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.resources import ClusterResource, NamespacedResource

__all__ = ["Group", "GroupVersion", "InformerSource", "cluster", "group", "namespaced", "version"]

T = TypeVar("T")
V = TypeVar("V", bound="GroupVersion")
G = TypeVar("G", bound="Group")


class InformerSource(Protocol):
    """Where a table's rows get their informers from: a factory."""

    def namespaced_kind(self, resource: NamespacedResource[T], /) -> NamespacedKind[T]:
        """Return the informer and lister of a resource with namespaces."""
        ...

    def cluster_kind(self, resource: ClusterResource[T], /) -> ClusterKind[T]:
        """Return the informer and lister of a resource without namespaces."""
        ...


class GroupVersion:
    """A version of an API group: subclass it with one row per kind, see the module.

    Args:
        source: the factory that the rows' informers come from.
    """

    group: ClassVar[str]
    version: ClassVar[str]

    def __init__(self, source: InformerSource) -> None:
        self._source = source

    def __init_subclass__(cls, *, group: str, version: str) -> None:
        super().__init_subclass__()
        cls.group = group
        cls.version = version
        for name, row in vars(cls).items():
            if isinstance(row, (namespaced, cluster)):
                row.complete(cls, name)

    @classmethod
    def resources(cls) -> Iterator[NamespacedResource[Any] | ClusterResource[Any]]:
        """Iterate over the resources of all rows, in their order."""
        for name, row in vars(cls).items():
            if isinstance(row, (namespaced, cluster)):
                yield getattr(cls, name)

    if not TYPE_CHECKING:  # for which a name that is not there stays an error

        def __getattr__(self, name: str) -> None:
            cls = type(self)
            if hasattr(cls, name):
                object.__getattribute__(self, name)  # it is there, and failed within: that is what must be seen
            elsewhere = [_api_version(other) for other in GroupVersion.__subclasses__() if name in vars(other)]
            raise AttributeError(
                f"{_api_version(cls)} has no kind {name!r}"
                + (f", but {' and '.join(elsewhere)} has" if elsewhere else "")
                + f"; it has {', '.join(row for row, value in vars(cls).items() if isinstance(value, _Row))}",
                name=name,
                obj=self,
            )


class Group:
    """An API group: subclass it with one `version` per version.

    Args:
        source: the factory that the rows' informers come from.
    """

    def __init__(self, source: InformerSource) -> None:
        self._source = source

    @classmethod
    def versions(cls) -> Iterator[type[GroupVersion]]:
        """Iterate over the versions' classes, in their order."""
        for name, row in vars(cls).items():
            if isinstance(row, version):
                yield getattr(cls, name)

    if not TYPE_CHECKING:  # likewise

        def __getattr__(self, name: str) -> None:
            if hasattr(type(self), name):
                object.__getattribute__(self, name)
            versions = [row for row, value in vars(type(self)).items() if isinstance(value, version)]
            raise AttributeError(
                f"{type(self).__name__} has no version {name!r}; it has {', '.join(versions)}", name=name, obj=self
            )


def _api_version(group_version: type[GroupVersion]) -> str:
    return f"{group_version.group}/{group_version.version}".lstrip("/")


class _Row(Generic[T]):
    """What both sorts of rows share: a resource, completed from the class and the name that it stands under."""

    def __init__(
        self,
        kind: str,
        *,
        plural: str | None = None,
        model: str | None = None,
        decode: Callable[[dict[str, Any]], T] | None = None,
    ) -> None:
        self._kind = kind
        self._plural = plural
        self._model = model
        self._decode = decode

    def _parts(self, owner: type[GroupVersion], name: str) -> dict[str, Any]:
        """Return what the resource is made of, from the class and the name that the row stands under."""
        model = self._model
        if model is None:
            model = "" if self._decode else f"{owner.version.capitalize()}{self._kind}"
        return {
            "group": owner.group,
            "version": owner.version,
            "plural": self._plural or name.replace("_", ""),
            "kind": self._kind,
            "model": model,
            "decode": self._decode,
        }


@final
class namespaced(_Row[T]):  # noqa: N801  reads as a keyword in the table
    """A row of the table: a kind whose objects live in namespaces.

    Args:
        kind: name in the objects, for example `Pod`.
        plural: name in the URL, if it is not the row's name without underscores.
        model: the official client's class, if it is not version and kind, for example `V1Pod`.
        decode: makes the object from its JSON mapping, for kinds that the official client does not know.
    """

    resource: NamespacedResource[T]

    def complete(self, owner: type[GroupVersion], name: str) -> None:
        """Make the resource of the class and the name that the row stands under."""
        self.resource = NamespacedResource(**self._parts(owner, name))

    @overload
    def __get__(self, instance: None, owner: type[GroupVersion]) -> NamespacedResource[T]: ...
    @overload
    def __get__(self, instance: GroupVersion, owner: type[GroupVersion]) -> NamespacedKind[T]: ...
    def __get__(
        self, instance: GroupVersion | None, owner: type[GroupVersion]
    ) -> NamespacedResource[T] | NamespacedKind[T]:
        if instance is None:
            return self.resource
        return instance._source.namespaced_kind(self.resource)  # noqa: SLF001  the row is part of its class


@final
class cluster(_Row[T]):  # noqa: N801  reads as a keyword in the table
    """A row of the table: a kind of the whole cluster. Takes the arguments of `namespaced`."""

    resource: ClusterResource[T]

    def complete(self, owner: type[GroupVersion], name: str) -> None:
        """Make the resource of the class and the name that the row stands under."""
        self.resource = ClusterResource(**self._parts(owner, name))

    @overload
    def __get__(self, instance: None, owner: type[GroupVersion]) -> ClusterResource[T]: ...
    @overload
    def __get__(self, instance: GroupVersion, owner: type[GroupVersion]) -> ClusterKind[T]: ...
    def __get__(self, instance: GroupVersion | None, owner: type[GroupVersion]) -> ClusterResource[T] | ClusterKind[T]:
        if instance is None:
            return self.resource
        return instance._source.cluster_kind(self.resource)  # noqa: SLF001  the row is part of its class


@final
class version(Generic[V]):  # noqa: N801  reads as a keyword in the table
    """A row of a group: one of its versions."""

    def __init__(self, group_version: type[V]) -> None:
        self.group_version = group_version

    @overload
    def __get__(self, instance: None, owner: type[Group]) -> type[V]: ...
    @overload
    def __get__(self, instance: Group, owner: type[Group]) -> V: ...
    def __get__(self, instance: Group | None, owner: type[Group]) -> type[V] | V:
        if instance is None:
            return self.group_version
        return self.group_version(instance._source)  # noqa: SLF001  the row is part of its class


@final
class group(Generic[G]):  # noqa: N801  reads as a keyword in the table
    """A row of an `InformerSource`: one API group, for example `factory.core`."""

    def __init__(self, group_class: type[G]) -> None:
        self.group = group_class

    @overload
    def __get__(self, instance: None, owner: type[object]) -> type[G]: ...
    @overload
    def __get__(self, instance: InformerSource, owner: type[object]) -> G: ...
    def __get__(self, instance: InformerSource | None, owner: type[object]) -> type[G] | G:
        return self.group if instance is None else self.group(instance)
