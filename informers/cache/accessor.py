"""An informer and its lister, as a factory hands them out.

Upstream: the generated informers, for example k8s.io/client-go/informers/core/v1/pod.go PodInformer (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, final

import attrs
from typing_extensions import TypeVar

from informers.cache.informer import SharedInformer
from informers.cache.listers import ClusterLister, NamespacedLister, NamespaceLister
from informers.resources import ClusterResource, NamespacedResource

__all__ = ["ClusterKind", "NamespacedKind"]

T = TypeVar("T", default=Any)


@final
@attrs.frozen(eq=False)
class NamespacedKind(Generic[T]):
    """A kind that has namespaces.

    Attributes:
        resource: the resource on the server.
        informer: the shared informer.
        lister: reads its cache.
    """

    resource: NamespacedResource[T]
    informer: SharedInformer[T]
    lister: NamespacedLister[T]

    if not TYPE_CHECKING:  # type checkers then still report an unknown name

        def __getattr__(self, name: str) -> None:
            raise AttributeError(_advice(name, NamespacedLister), name=name, obj=self)


@final
@attrs.frozen(eq=False)
class ClusterKind(Generic[T]):
    """A kind of the whole cluster; has the attributes of `NamespacedKind`."""

    resource: ClusterResource[T]
    informer: SharedInformer[T]
    lister: ClusterLister[T]

    if not TYPE_CHECKING:  # likewise

        def __getattr__(self, name: str) -> None:
            raise AttributeError(_advice(name, ClusterLister), name=name, obj=self)


def _advice(name: str, lister: type[object]) -> str:
    """Return the message for an unknown attribute of a kind."""
    owners: list[tuple[str, type[object]]] = [("informer", SharedInformer), ("lister", lister)]
    if lister is NamespacedLister and not hasattr(lister, name):
        owners.append(("lister.namespace(...)", NamespaceLister))
    used = " or ".join(f".{part}.{name}" for part, owner in owners if hasattr(owner, name))
    used = used or ".informer, .lister or .resource"
    return f"a kind has no {name!r} itself: use {used}"
