"""Objects on the embedded API server, written with their status and read, without a request.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest/komega.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from informers.errors import StatusError
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


class ObjectsWithin:
    """The methods of an embedded server for its objects.

    Args:
        storage: has the objects.
        registry: has the rules of writes.
        catalog: has the served resources.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, storage: Storage, registry: Registry, catalog: Catalog) -> None:
        self._storage = storage
        self._registry = registry
        self._catalog = catalog
        self._changes = Changes()

    def create(self, obj: Any, *, resource: Resource[Any] | None = None) -> Json:
        """Store a new object; return it as a mapping.

        Args:
            obj: a mapping, or a model of the official client. An object of a resource with namespaces that names none
                is stored in `default`.
            resource: its resource; None to find it by the kind and version, or the class.

        Raises:
            StatusError: it exists already, or is invalid.
            ConfigurationError: its kind is unknown or not served, or it can't be written as JSON.
        """
        served, content = understood(self._catalog, obj, resource)
        return load(served, self._registry.create(served, namespace_of(served, content), content, _INSIDE))

    def update(self, obj: Any, *, resource: Resource[Any] | None = None) -> Json:
        """Replace the object with the same name, including its status; arguments as for `create`.

        Raises:
            StatusError: it is not there, or has another resource version than `obj` says.
        """
        served, content = understood(self._catalog, obj, resource)
        name = mapping(content.get("metadata")).get("name", "")
        record = self._registry.update(served, namespace_of(served, content), name, lambda _: content, _INSIDE)
        return load(served, record)

    def patch(
        self, resource: Resource[Any], name: str, patch: Mapping[str, Any], *, namespace: str | None = None
    ) -> Json:
        """Apply a JSON merge patch to an object, including its status.

        Args:
            resource: for example `core.V1.pods`.
            name: the object's name.
            patch: the changes; None deletes a field.
            namespace: None for `default`, or for a resource without namespaces.

        Raises:
            StatusError: the object does not exist, or would be invalid.
            ConfigurationError: the patch can't be written as JSON.
        """
        served = self._catalog.of(resource)
        where = namespace_in(served, namespace)
        check_json(patch)
        record = self._registry.update(served, where, name, lambda old: merge_patch(old, patch), _INSIDE)
        return load(served, record)

    def get(self, resource: Resource[Any], name: str, *, namespace: str | None = None) -> Json:
        """Return an object; arguments as for `patch`.

        Raises:
            StatusError: it is not there.
        """
        served = self._catalog.of(resource)
        return self._registry.get(served, namespace_in(served, namespace), name)

    def delete(self, resource: Resource[Any], name: str, *, namespace: str | None = None) -> None:
        """Delete an object without grace; one with finalizers is only marked. Arguments as for `patch`.

        Raises:
            StatusError: it does not exist.
        """
        served = self._catalog.of(resource)
        options = DeleteOptions(grace_period=0, is_inside=True)
        self._registry.delete(served, namespace_in(served, namespace), name, options)

    def list(
        self,
        resource: Resource[Any],
        *,
        namespace: str | None = None,
        label_selector: str | Mapping[str, str] | LabelSelector | None = None,
    ) -> builtins.list[Json]:
        """Return the objects of a resource, by namespace and name.

        Args:
            resource: for example `core.V1.pods`.
            namespace: None for all.
            label_selector: only what it selects.
        """
        served = self._catalog.of(resource)
        selection = Selection(namespace or "", LabelSelector.coerce(label_selector), FieldSelector.everything())
        page = self._storage.page(served.collection, namespace=selection.namespace, matches=selection.matcher)
        return [load(served, record) for record in page.records]

    def wait_for_object(
        self,
        resource: Resource[Any],
        name: str,
        predicate: Callable[[Json | None], object],
        *,
        namespace: str | None = None,
        timeout: float = 10.0,
    ) -> Json | None:
        """Wait until `predicate` holds for an object, or for None while it is absent; return the object.

        Raises:
            TimeoutError: it did not hold within `timeout` seconds of real time; the message has the object.
        """
        found: Json | None = None

        def look() -> object:
            nonlocal found
            try:
                found = self.get(resource, name, namespace=namespace)
            except StatusError:
                found = None
            return predicate(found)

        if not self._changes.wait_until(look, timeout):
            raise TimeoutError(f"{resource} {name} was not as wanted within {timeout:g} s: it is {found!r}")
        return found

    def _create_namespaces(self, names: Iterable[str]) -> None:
        if self._catalog.find("", "v1", "namespaces"):
            for name in names:
                self.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}})
