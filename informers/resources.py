"""What a server is asked for: group, version and plural of a resource, and what its objects become.

Upstream: k8s.io/apimachinery/pkg/runtime/schema GroupVersionResource (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Generic, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_function
from informers.errors import ConfigurationError

__all__ = ["ClusterResource", "NamespacedResource", "Resource"]

T = TypeVar("T")

#: What a group, version or plural may be, as far as it tells them from a kind or two of them in one.
_NAME = re.compile(r"[a-z0-9.-]*")


@attrs.frozen
class Resource(Generic[T]):
    """What a server is asked for: group, version and plural, and what its objects become.

    Use `NamespacedResource` or `ClusterResource`, which differ in whether objects live in namespaces.

    Attributes:
        group: API group; empty for the core group.
        version: such as `v1`.
        plural: name in the URL, such as `pods`.
        kind: name in the objects, such as `Pod`.
        model: name of the official client's class for it; empty where objects are plain mappings or `decode` is given.
        decode: makes the object from its JSON mapping, for kinds that the official client does not know. An
            object on which it raises is set aside, and the error handler gets a `DecodeError`.
    """

    group: str
    version: str
    plural: str
    kind: str = ""
    model: str = attrs.field(default="", kw_only=True)
    decode: Callable[[dict[str, Any]], T] | None = attrs.field(default=None, kw_only=True, eq=False)

    #: Whether objects live in namespaces.
    is_namespaced: ClassVar[bool]

    def __attrs_post_init__(self) -> None:
        if type(self) is Resource:
            raise ConfigurationError(
                "use NamespacedResource or ClusterResource: a resource either has namespaces or not"
            )
        if not self.version or not self.plural:
            raise ConfigurationError(
                f"a resource needs a version and a plural name, such as 'v1' and 'pods': got {self!r}"
            )
        if self.group == "core":
            raise ConfigurationError("the core group's name is empty: give '' and not 'core'")
        for name, value, such_as in (
            ("group", self.group, "apps"),
            ("version", self.version, "v1"),
            ("plural", self.plural, "deployments"),
        ):
            if not isinstance(value, str) or not _NAME.fullmatch(value):
                raise ConfigurationError(f"{name} is what stands in the URL, such as {such_as!r}: got {value!r}")
        check_function("decode", self.decode, "mapping")

    def __str__(self) -> str:
        """Return such as `pods` or `deployments.apps`, as kubectl has it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """Return such as `v1` or `apps/v1`, as it stands in objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None) -> str:
        """Return the URL path of the collection, in one namespace or in all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"


@final
@attrs.frozen
class NamespacedResource(Resource[T]):
    """A resource whose objects live in namespaces, such as pods."""

    is_namespaced: ClassVar[bool] = True


@final
@attrs.frozen
class ClusterResource(Resource[T]):
    """A resource of the whole cluster, such as nodes."""

    is_namespaced: ClassVar[bool] = False
