"""Custom resources are served as their definitions are written and deleted.

Upstream: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go (v0.37).
"""

from __future__ import annotations

from typing import final

import attrs

from informers.testing._rules.definitions import DEFINITIONS, defined
from informers.testing._rules.registry import Registry
from informers.testing._store.documents import Json
from informers.testing._store.served_resources import Catalog, Served
from informers.testing._store.versioned_storage import Storage
from informers.testing._store.watches import Watchers

__all__ = ["Customs"]


@final
@attrs.frozen(eq=False)
class Customs:
    """Serves the custom resources that definitions name.

    Thread safety: none; it is notified of writes under the storage's lock.
    """

    storage: Storage
    registry: Registry
    catalog: Catalog
    watchers: Watchers
    #: What each definition said last, by name.
    _specs: dict[str, Json] = attrs.field(factory=dict[str, Json], init=False)
    #: Collections whose definition changed, and that no watch has asked for since.
    _restarting: set[str] = attrs.field(factory=set[str], init=False)

    def is_restarting(self, served: Served) -> bool:
        """Return whether a watch is the first since its definition changed: the real server refuses that one."""
        with self.storage.lock:
            is_first = served.collection in self._restarting
            self._restarting.discard(served.collection)
            return is_first

    def written(self, served: Served, obj: Json, is_gone: bool) -> None:
        """Take an object that was written or removed, which may be a definition."""
        if str(served.resource) != DEFINITIONS:
            return
        named = dict(defined(obj))
        name, spec = obj["metadata"]["name"], obj["spec"]
        before = self._specs.pop(name, spec)
        if not is_gone:
            self._specs[name] = spec
            if before != spec:
                # Its storage is replaced: watches end, and the history is lost.
                collection = next(iter(named)).collection
                for custom in named:
                    self.watchers.drop(custom.resource)
                self.storage.begin_anew(collection)
                self._restarting.add(collection)
        for custom, is_served in named.items():
            if is_served and not is_gone:
                self.catalog.add(custom)
                continue
            if is_gone:
                for record in self.storage.page(custom.collection).records:
                    namespace, _, name = record.key.rpartition("/")
                    self.registry.discard(custom, namespace, name)
                self.storage.begin_anew(custom.collection)
            self._retire(custom)
        versions = {custom.resource.version for custom in named}
        collections = {custom.collection for custom in named}
        for other in self.catalog:
            if other.is_custom and other.collection in collections and other.resource.version not in versions:
                # A version that the definition had before.
                self._retire(other)

    def _retire(self, custom: Served) -> None:
        self.catalog.remove(custom)
        self.watchers.drop(custom.resource)
