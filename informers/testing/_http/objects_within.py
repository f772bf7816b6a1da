"""Objects on the embedded API server, written and read from within: with their status, and without a request.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest/komega.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, final

from informers.resources import Resource
from informers.selectors import FieldSelector, LabelSelector
from informers.testing._http.queries import Selection
from informers.testing._rules.deletions import DeleteOptions
from informers.testing._rules.object_input import check_json, namespace_in, namespace_of, understood
from informers.testing._rules.patches import merge_patch
from informers.testing._rules.registry import Registry, WriteOptions, load
from informers.testing._store.changes import Changes
from informers.testing._store.documents import Json, mapping
from informers.testing._store.served_resources import Catalog
from informers.testing._store.versioned_storage import Storage

__all__ = ["ObjectsWithin"]

_INSIDE = WriteOptions(is_inside=True)


@final
class ObjectsWithin:
    """Creates, changes and finds objects as the methods of `APIServer` with the same names say.

    Args:
        storage: where objects are.
        registry: what writes them.
        catalog: what is served.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, storage: Storage, registry: Registry, catalog: Catalog) -> None:
        self._storage = storage
        self._registry = registry
        self._catalog = catalog
        self._changes = Changes()

    def create(self, obj: Any, resource: Resource[Any] | None) -> Json:
        """Store a new object; return it as stored."""
        served, content = understood(self._catalog, obj, resource)
        return load(served, self._registry.create(served, namespace_of(served, content), content, _INSIDE))

    def create_namespaces(self, names: Iterable[str]) -> None:
        """Store new namespaces, unless namespaces are not served."""
        if self._catalog.find("", "v1", "namespaces"):
            for name in names:
                self.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}, None)

    def update(self, obj: Any, resource: Resource[Any] | None) -> Json:
        """Store an object in place of the one of the same name, status included."""
        served, content = understood(self._catalog, obj, resource)
        name = mapping(content.get("metadata")).get("name", "")
        record = self._registry.update(served, namespace_of(served, content), name, lambda _: content, _INSIDE)
        return load(served, record)

    def patch(self, resource: Resource[Any], name: str, patch: Mapping[str, Any], namespace: str | None) -> Json:
        """Apply a JSON merge patch to an object, status included."""
        served = self._catalog.of(resource)
        where = namespace_in(served, namespace)
        check_json(patch)
        record = self._registry.update(served, where, name, lambda old: merge_patch(old, patch), _INSIDE)
        return load(served, record)

    def get(self, resource: Resource[Any], name: str, namespace: str | None) -> Json:
        """Return an object."""
        served = self._catalog.of(resource)
        return self._registry.get(served, namespace_in(served, namespace), name)

    def delete(self, resource: Resource[Any], name: str, namespace: str | None) -> None:
        """Remove an object without grace; with finalizers it is only marked."""
        served = self._catalog.of(resource)
        self._registry.delete(
            served, namespace_in(served, namespace), name, DeleteOptions(grace_period=0, is_inside=True)
        )

    def list(
        self,
        resource: Resource[Any],
        namespace: str | None,
        label_selector: str | Mapping[str, str] | LabelSelector | None,
    ) -> builtins.list[Json]:
        """Return the objects of a resource, by namespace and name."""
        served = self._catalog.of(resource)
        selection = Selection(namespace or "", LabelSelector.coerce(label_selector), FieldSelector.everything())
        page = self._storage.page(served.collection, namespace=selection.namespace, matches=selection.matcher)
        return [load(served, record) for record in page.records]

    def wait_for(
        self,
        resource: Resource[Any],
        name: str,
        predicate: Callable[[Json | None], object],
        namespace: str | None,
        timeout: float,
    ) -> Json | None:
        """Wait until an object satisfies `predicate`, for `timeout` real seconds at most; return it."""
        get = partial(self.get, resource, name, namespace)
        return self._changes.wait_for(f"{resource} {name}", get, predicate, timeout)

    def note_change(self) -> None:
        """Let those that wait look again; to be called after every write."""
        self._changes.note()
