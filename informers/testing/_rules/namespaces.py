"""Deletion of namespaces: their objects go first, as by the namespace controller of a cluster.

Upstream: k8s.io/kubernetes/pkg/controller/namespace/deletion and
k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle (v1.37).
"""

from __future__ import annotations

from typing import final

import attrs

from informers.testing._rules.deletions import DeleteOptions
from informers.testing._rules.registry import Registry, WriteOptions
from informers.testing._store.documents import Json, mapping, sequence
from informers.testing._store.served_resources import Catalog, Served
from informers.testing._store.versioned_storage import Storage

__all__ = ["NamespaceController"]

#: No node has to stop the pods.
_AT_ONCE = DeleteOptions(grace_period=0, propagation="Background")


@final
@attrs.frozen
class NamespaceController:
    """Empties namespaces that are being deleted, and lets them go once they are empty.

    Thread safety: none; it is called with each write, under the storage's lock.
    """

    storage: Storage
    registry: Registry
    catalog: Catalog

    def written(self, served: Served, obj: Json, is_gone: bool) -> None:
        """Take an object that was written or removed."""
        metadata = obj["metadata"]
        if str(served.resource) == "namespaces":
            if not is_gone and metadata.get("deletionTimestamp"):
                self._empty(metadata["name"])
        elif is_gone and metadata.get("namespace"):
            record = self.storage.get("namespaces", metadata["namespace"])
            if record is not None and b'"deletionTimestamp"' in record.metadata:
                self._let_go(metadata["namespace"])

    def _collections(self) -> dict[str, Served]:
        return {served.collection: served for served in self.catalog if served.resource.is_namespaced}

    def _empty(self, namespace: str) -> None:
        for collection, served in self._collections().items():
            self.registry.delete_all(served, self.storage.page(collection, namespace=namespace).records, _AT_ONCE)
        self._let_go(namespace)

    def _let_go(self, namespace: str) -> None:
        record = self.storage.get("namespaces", namespace)
        served = self.catalog.find("", "v1", "namespaces")
        if record is None or served is None:
            return
        if any(self.storage.has_any(name, namespace) for name in self._collections()):
            return

        def finalize(obj: Json) -> Json:
            spec = mapping(obj.get("spec"))
            kept = [name for name in sequence(spec.get("finalizers")) if name != "kubernetes"]
            return {**obj, "spec": {**spec, "finalizers": kept}}

        self.registry.update(served, "", namespace, finalize, WriteOptions(is_inside=True))
