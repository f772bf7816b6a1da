"""Resources: the address on the server, the kind that its objects state, and what these become in Python.

Upstream: k8s.io/apimachinery/pkg/runtime/schema GroupVersionResource and GroupVersionKind (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Generic, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_function, check_string, name_of
from informers.errors import ConfigurationError

__all__ = ["ClusterResource", "NamespacedResource", "Resource"]

T = TypeVar("T")

#: The characters of a group, version or plural: enough to tell them from a kind, or from two of them in one text.
_NAME = re.compile(r"[a-z0-9.-]*")


@attrs.frozen(eq=False)
class Resource(Generic[T]):
    """A resource of an API server.

    Use `NamespacedResource` or `ClusterResource`, which differ in whether objects live in namespaces.

    Three things describe a resource. Its address (group, version, plural) is where the server has it. Its kind is
    the `kind` of its objects. `model` or `decode` is what the objects become in Python. Resources with the same address
    are equal: `core.V1.pods` equals `NamespacedResource("", "v1", "pods")`, and both find the same entry of a mapping.

    Attributes:
        group: API group; empty for the core group.
        version: for example `v1`.
        plural: name in the URL, for example `pods`.
        kind: name in the objects, for example `Pod`.
        model: name of the official client's class for it; empty where objects are plain mappings or `decode` is given.
        decode: makes the object from its JSON mapping, for kinds that the official client does not know. If it raises,
            the object is left out of the cache, and the error handler receives a `DecodeError`.

    Raises:
        ConfigurationError: a name is invalid, or `decode` is not a function of one argument.

    Upstream: k8s.io/apimachinery/pkg/runtime/schema GroupVersionResource (v0.37).
    """

    group: str
    version: str
    plural: str
    kind: str = ""
    model: str = attrs.field(default="", kw_only=True)
    decode: Callable[[dict[str, Any]], T] | None = attrs.field(default=None, kw_only=True)

    #: Whether objects live in namespaces.
    is_namespaced: ClassVar[bool]

    def __attrs_post_init__(self) -> None:
        if type(self) is Resource:
            raise ConfigurationError(
                "use NamespacedResource or ClusterResource: a resource either has namespaces or not"
            )
        if not self.version or not self.plural:
            raise ConfigurationError(
                "a resource needs a version and a plural name, for example 'v1' and 'pods': "
                f"got group {self.group!r}, version {self.version!r}, plural {self.plural!r}"
            )
        if self.group == "core":
            raise ConfigurationError("the core group's name is empty: give '' and not 'core'")
        for name, value, such_as in (
            ("group", self.group, "apps"),
            ("version", self.version, "v1"),
            ("plural", self.plural, "deployments"),
        ):
            if not isinstance(value, str) or not _NAME.fullmatch(value):
                raise ConfigurationError(
                    f"{name} must be the name used in the URL, for example {such_as!r}: got {value!r}"
                )
        check_string(self.kind, "kind")
        check_function("decode", self.decode, "mapping")

    def __eq__(self, other: object) -> bool:
        return self.address == other.address if isinstance(other, Resource) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.address)

    def __str__(self) -> str:
        """Return the name in kubectl's form, for example `pods` or `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def address(self) -> tuple[str, str, str]:
        """Return group, version and plural, which identify the resource."""
        return self.group, self.version, self.plural

    @property
    def api_version(self) -> str:
        """Return group and version as objects state them, for example `v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def makes(self) -> str:
        """Return in words what its objects become in Python, and whether they have namespaces."""
        where = "in namespaces" if self.is_namespaced else "of the whole cluster"
        if self.decode is not None:
            return f"objects made by {name_of(self.decode)} {where}"
        return f"objects of the class {self.model} {where}" if self.model else f"plain mappings {where}"

    def path(self, namespace: str | None = None) -> str:
        """Return the URL path of the collection, in one namespace or in all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"


@final
@attrs.frozen(eq=False)
class NamespacedResource(Resource[T]):
    """A resource whose objects live in namespaces, for example pods."""

    is_namespaced: ClassVar[bool] = True


@final
@attrs.frozen(eq=False)
class ClusterResource(Resource[T]):
    """A resource of the whole cluster, for example nodes."""

    is_namespaced: ClassVar[bool] = False
