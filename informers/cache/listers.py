"""Typed reads from a cache, which know whether a kind has namespaces.

Upstream: k8s.io/client-go/tools/cache/listers.go and k8s.io/client-go/listers (v0.37).
"""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, final

from typing_extensions import TypeVar

from informers._base.threads import is_own_thread
from informers.cache.indexer import Indexer
from informers.errors import ConfigurationError, NotFoundError
from informers.selectors import LabelSelector

__all__ = ["ClusterLister", "NamespaceLister", "NamespacedLister"]

T = TypeVar("T", default=Any)

_log = logging.getLogger("informers.cache")

#: A label selector: for example `app=web,tier in (a,b)`, a mapping of labels, or None for all.
Labels: TypeAlias = str | Mapping[str, str] | LabelSelector | None

#: Returns why an object of a namespace (None: all) may exist though the cache lacks it; empty if it does not exist.
WhyUnlisted: TypeAlias = Callable[[str | None], str]


@final
class _Cache(Generic[T]):
    """A cache for listers, which notices a read before the cache has synced."""

    def __init__(self, indexer: Indexer[T], resource: str, why_unlisted: WhyUnlisted | None) -> None:
        self.resource = resource
        self._indexer = indexer
        self._why_unlisted = why_unlisted
        self._has_warned = False

    def __str__(self) -> str:
        return f"{self.resource}, {self._indexer.size}"

    def why_unlisted(self, namespace: str | None) -> str:
        return "" if self._why_unlisted is None else self._why_unlisted(namespace)

    def list(self, namespace: str | None, label_selector: Labels) -> list[T]:
        found = self._indexer.list(namespace=namespace, label_selector=label_selector)
        # A handler may look earlier: it receives later objects anyway.
        if not found and not self._has_warned and not is_own_thread() and (reason := self.why_unlisted(namespace)):
            self._has_warned = True
            _log.warning("%s were listed from an incomplete cache: %s", self.resource, reason)
        return found

    def by_index(self, name: str, value: str, namespace: str | None) -> builtins.list[T]:
        return self._indexer.by_index(name, value, namespace=namespace)

    def get(self, name: str, namespace: str | None) -> T:
        if not isinstance(name, str) or "/" in name:
            raise ConfigurationError(
                f"name must be an object's own name, for example 'web-0', without its namespace: got {name!r}"
            )
        key = name if namespace is None else f"{namespace}/{name}"
        obj = self._indexer.get(key)
        if obj is None:
            raise NotFoundError(self.resource, key, reason=self.why_unlisted(namespace))
        return obj


class _Lister(Generic[T]):
    def __init__(self, indexer: Indexer[T], resource: str, *, why_unlisted: WhyUnlisted | None = None) -> None:
        self._cache = _Cache(indexer, resource, why_unlisted)
        self._namespace: str | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._cache}>"

    def list(self, *, label_selector: Labels = None) -> list[T]:
        """Return the objects that a selector selects, of all namespaces or of the lister's; all if there is none.

        Raises:
            ConfigurationError: the selector is invalid.
        """
        return self._cache.list(self._namespace, label_selector)

    def by_index(self, name: str, value: str) -> builtins.list[T]:
        """Return the objects that an index has under a value, of all namespaces or of the lister's.

        See `SharedInformer.add_indexers`.

        Raises:
            ConfigurationError: there is no such index, or the value is not a string.
        """
        return self._cache.by_index(name, value, self._namespace)


class _NamedLister(_Lister[T]):
    def get(self, name: str) -> T:
        """Return the object with this name.

        Raises:
            NotFoundError: the cache does not have it.
            ConfigurationError: `name` is not valid.
        """
        return self._cache.get(name, self._namespace)


@final
class NamespacedLister(_Lister[T]):
    """Reads the objects of a kind that has namespaces, from an informer's cache.

    Thread safety: all methods may be called from any thread; each answer is a snapshot that belongs to the caller.

    Upstream: k8s.io/client-go/listers/core/v1/pod.go PodLister and its like (v0.37).
    """

    def namespace(self, namespace: str) -> NamespaceLister[T]:
        """Return the lister of one namespace.

        Raises:
            ConfigurationError: `namespace` is not a name.
        """
        if not isinstance(namespace, str) or not namespace:
            raise ConfigurationError(f"namespace must be a name, for example 'default': got {namespace!r}")
        return NamespaceLister(self._cache, namespace)

    if not TYPE_CHECKING:  # type checkers then still report an unknown name

        def __getattr__(self, name: str) -> None:
            hint = ": its kind has namespaces, use .namespace(...).get" if name == "get" else ""
            raise _no_attribute(self, name, hint)


@final
class NamespaceLister(_NamedLister[T]):
    """Reads the objects of one namespace; otherwise as `NamespacedLister`.

    Upstream: k8s.io/client-go/listers/core/v1/pod.go PodNamespaceLister and its like (v0.37).
    """

    def __init__(self, cache: _Cache[T], namespace: str) -> None:
        self._cache = cache
        self._namespace = namespace

    def __repr__(self) -> str:
        return f"<NamespaceLister of {self._cache.resource} in {self._namespace}>"


@final
class ClusterLister(_NamedLister[T]):
    """Reads the objects of a kind that has no namespaces, from an informer's cache; otherwise as `NamespacedLister`.

    Upstream: k8s.io/client-go/listers/core/v1/node.go NodeLister and its like (v0.37).
    """

    if not TYPE_CHECKING:  # likewise

        def __getattr__(self, name: str) -> None:
            hint = ": its kind has no namespaces, use .get or .list" if name == "namespace" else ""
            raise _no_attribute(self, name, hint)


def _no_attribute(lister: object, name: str, hint: str) -> AttributeError:
    return AttributeError(f"{type(lister).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=lister)
