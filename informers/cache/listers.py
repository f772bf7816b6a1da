"""Typed reads from a cache, which know whether a kind has namespaces.

Upstream: k8s.io/client-go/tools/cache/listers.go and k8s.io/client-go/listers (v0.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeAlias, final

from typing_extensions import TypeVar

from informers.cache.indexer import Indexer
from informers.errors import ConfigurationError, NotFoundError
from informers.selectors import LabelSelector

__all__ = ["ClusterLister", "NamespaceLister", "NamespacedLister"]

T = TypeVar("T", default=Any)

#: What selects by labels: such as `app=web,tier in (a,b)`, a mapping of labels, or None for all.
Labels: TypeAlias = str | Mapping[str, str] | LabelSelector | None


@final
class NamespacedLister(Generic[T]):
    """Reads the objects of a kind that has namespaces, from an informer's cache.

    Thread safety: all methods may be called from any thread; each answer is a snapshot and the caller's own.

    Upstream: k8s.io/client-go/listers/core/v1/pod.go PodLister and its like (v0.37).
    """

    def __init__(self, indexer: Indexer[T], resource: str) -> None:
        self._indexer = indexer
        self._resource = resource

    def __repr__(self) -> str:
        return f"<NamespacedLister of {self._resource}, {len(self._indexer)} objects>"

    def list(self, *, label_selector: Labels = None) -> list[T]:
        """Return the objects of all namespaces that a selector selects; all without one.

        Raises:
            ConfigurationError: the selector can't be read.
        """
        return self._indexer.list(label_selector=label_selector)

    def namespace(self, namespace: str) -> NamespaceLister[T]:
        """Return the lister of one namespace.

        Raises:
            ConfigurationError: `namespace` is no name.
        """
        if not isinstance(namespace, str) or not namespace:
            raise ConfigurationError(f"namespace must be a name such as 'default': got {namespace!r}")
        return NamespaceLister(self._indexer, self._resource, namespace)


@final
class NamespaceLister(Generic[T]):
    """Reads the objects of one namespace; otherwise as `NamespacedLister`.

    Upstream: k8s.io/client-go/listers/core/v1/pod.go PodNamespaceLister and its like (v0.37).
    """

    def __init__(self, indexer: Indexer[T], resource: str, namespace: str) -> None:
        self._indexer = indexer
        self._resource = resource
        self._namespace = namespace

    def __repr__(self) -> str:
        return f"<NamespaceLister of {self._resource} in {self._namespace}>"

    def list(self, *, label_selector: Labels = None) -> list[T]:
        """Return the namespace's objects that a selector selects; all without one.

        Raises:
            ConfigurationError: the selector can't be read.
        """
        return self._indexer.list(namespace=self._namespace, label_selector=label_selector)

    def get(self, name: str) -> T:
        """Return the object of this name.

        Raises:
            NotFoundError: the cache has none.
            ConfigurationError: `name` is no name.
        """
        return _get(self._indexer, self._resource, name, f"{self._namespace}/")


@final
class ClusterLister(Generic[T]):
    """Reads the objects of a kind that has no namespaces, from an informer's cache; otherwise as `NamespacedLister`.

    Upstream: k8s.io/client-go/listers/core/v1/node.go NodeLister and its like (v0.37).
    """

    def __init__(self, indexer: Indexer[T], resource: str) -> None:
        self._indexer = indexer
        self._resource = resource

    def __repr__(self) -> str:
        return f"<ClusterLister of {self._resource}, {len(self._indexer)} objects>"

    def list(self, *, label_selector: Labels = None) -> list[T]:
        """Return the objects that a selector selects; all without one.

        Raises:
            ConfigurationError: the selector can't be read.
        """
        return self._indexer.list(label_selector=label_selector)

    def get(self, name: str) -> T:
        """Return the object of this name.

        Raises:
            NotFoundError: the cache has none.
            ConfigurationError: `name` is no name.
        """
        return _get(self._indexer, self._resource, name, "")


def _get(indexer: Indexer[T], resource: str, name: str, prefix: str) -> T:
    if not isinstance(name, str) or "/" in name:
        raise ConfigurationError(
            f"name must be an object's own name such as 'web-0', without its namespace: got {name!r}"
        )
    obj = indexer.get(prefix + name)
    if obj is None:
        raise NotFoundError(resource, prefix + name)
    return obj
