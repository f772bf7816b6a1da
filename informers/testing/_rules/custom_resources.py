"""Custom resources are served as their definitions are written and deleted.

Upstream: k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go (v0.37).
"""

from __future__ import annotations

from typing import final

import attrs

from informers.testing._rules.definitions import DEFINITIONS, defined
from informers.testing._rules.registry import Registry
from informers.testing._store.documents import Json
from informers.testing._store.served_resources import Catalog, Served, address
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
        named = list(defined(obj))
        first, _ = named[0]
        name, spec = obj["metadata"]["name"], obj["spec"]
        before = self._specs.pop(name, spec)
        if is_gone:
            for record in self.storage.page(first.collection).records:
                namespace, _, name = record.key.rpartition("/")
                self.registry.discard(first, namespace, name)
        else:
            self._specs[name] = spec
        old = [each for each in self.catalog if each.is_custom and each.collection == first.collection]
        new = {address(custom.resource): custom for custom, is_served in named if is_served and not is_gone}
        for custom in new.values():
            self.catalog.add(custom)
        for each in old:
            if address(each.resource) not in new:
                self.catalog.remove(each)
        if is_gone or before != spec:
            # Its storage is replaced: watches end, and the history is lost.
            for each in old:
                self.watchers.drop(each.resource)
            self.storage.begin_anew(first.collection)
            if not is_gone:
                self._restarting.add(first.collection)
