"""client-go's informers for Python: one shared watch per resource, and a local cache that is never silently stale.

Start with `SharedInformerFactory`. Modules and the official client are imported when one of their names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from informers._base.clock import Clock as Clock
    from informers._base.signals import Signal as Signal
    from informers.backoff import BackoffSettings as BackoffSettings
    from informers.cache._pipeline.latency import Latencies as Latencies
    from informers.cache._reflector.reflector import Reflector as Reflector
    from informers.cache._reflector.states import ReflectorState as ReflectorState
    from informers.cache._reflector.watch_failures import NextStep as NextStep
    from informers.cache._reflector.watch_failures import WatchErrorHandler as WatchErrorHandler
    from informers.cache._reflector.watch_failures import WatchFailure as WatchFailure
    from informers.cache._reflector.watch_failures import WatchRecovery as WatchRecovery
    from informers.cache._reflector.watch_failures import WatchRecoveryHandler as WatchRecoveryHandler
    from informers.cache.accessor import ClusterKind as ClusterKind
    from informers.cache.accessor import NamespacedKind as NamespacedKind
    from informers.cache.handlers import FilteringResourceEventHandler as FilteringResourceEventHandler
    from informers.cache.handlers import ResourceEventHandler as ResourceEventHandler
    from informers.cache.handlers import ResourceEventHandlerFuncs as ResourceEventHandlerFuncs
    from informers.cache.health import FactoryHealth as FactoryHealth
    from informers.cache.health import HandlerHealth as HandlerHealth
    from informers.cache.health import InformerHealth as InformerHealth
    from informers.cache.health import WatchHealth as WatchHealth
    from informers.cache.indexer import Indexer as Indexer
    from informers.cache.informer import SharedInformer as SharedInformer
    from informers.cache.list_turns import ListTurns as ListTurns
    from informers.cache.listers import ClusterLister as ClusterLister
    from informers.cache.listers import NamespacedLister as NamespacedLister
    from informers.cache.listers import NamespaceLister as NamespaceLister
    from informers.cache.registration import Registration as Registration
    from informers.cache.store import Store as Store
    from informers.cache.sync import NamespaceSync as NamespaceSync
    from informers.cache.sync import PartProgress as PartProgress
    from informers.cache.sync import SyncProgress as SyncProgress
    from informers.cache.sync import SyncResult as SyncResult
    from informers.cache.sync import wait_for_cache_sync as wait_for_cache_sync
    from informers.cache.waits import SeenResult as SeenResult
    from informers.cache.waits import Sight as Sight
    from informers.errors import ConfigurationError as ConfigurationError
    from informers.errors import DecodeError as DecodeError
    from informers.errors import ForkedError as ForkedError
    from informers.errors import InformersError as InformersError
    from informers.errors import NotFoundError as NotFoundError
    from informers.errors import NotSyncedError as NotSyncedError
    from informers.errors import SnapshotError as SnapshotError
    from informers.errors import SourceError as SourceError
    from informers.errors import StoppedError as StoppedError
    from informers.errors import WaitTimeoutError as WaitTimeoutError
    from informers.factory import DynamicSharedInformerFactory as DynamicSharedInformerFactory
    from informers.factory import MetadataSharedInformerFactory as MetadataSharedInformerFactory
    from informers.factory import SharedInformerFactory as SharedInformerFactory
    from informers.objects import DeletedFinalStateUnknown as DeletedFinalStateUnknown
    from informers.objects import ObjectName as ObjectName
    from informers.objects import annotations_of as annotations_of
    from informers.objects import labels_of as labels_of
    from informers.objects import metadata_of as metadata_of
    from informers.objects import object_key as object_key
    from informers.objects import object_name as object_name
    from informers.objects import spec_of as spec_of
    from informers.objects import status_of as status_of
    from informers.options import KindOptions as KindOptions
    from informers.options import ReflectorOptions as ReflectorOptions
    from informers.resources import ClusterResource as ClusterResource
    from informers.resources import NamespacedResource as NamespacedResource
    from informers.selectors import FieldSelector as FieldSelector
    from informers.selectors import LabelSelector as LabelSelector
    from informers.snapshots.saved_caches import SnapshotResult as SnapshotResult
    from informers.source._models.partial_metadata import PartialObjectMetadata as PartialObjectMetadata
    from informers.source.listwatch import ListWatch as ListWatch
    from informers.source.shards import Shard as Shard
    from informers.source.watch_events import ListOptions as ListOptions

__version__ = "0.2.0"

#: The module of each name. It is imported when one of its names is first used.
_EXPORTS = {
    "_base.clock": ("Clock",),
    "_base.signals": ("Signal",),
    "backoff": ("BackoffSettings",),
    "cache._pipeline.latency": ("Latencies",),
    "cache._reflector.reflector": ("Reflector",),
    "cache._reflector.states": ("ReflectorState",),
    "cache._reflector.watch_failures": (
        "NextStep",
        "WatchErrorHandler",
        "WatchFailure",
        "WatchRecovery",
        "WatchRecoveryHandler",
    ),
    "cache.accessor": ("ClusterKind", "NamespacedKind"),
    "cache.handlers": ("FilteringResourceEventHandler", "ResourceEventHandler", "ResourceEventHandlerFuncs"),
    "cache.health": ("FactoryHealth", "HandlerHealth", "InformerHealth", "WatchHealth"),
    "cache.indexer": ("Indexer",),
    "cache.informer": ("SharedInformer",),
    "cache.list_turns": ("ListTurns",),
    "cache.listers": ("ClusterLister", "NamespacedLister", "NamespaceLister"),
    "cache.registration": ("Registration",),
    "cache.store": ("Store",),
    "cache.sync": ("NamespaceSync", "PartProgress", "SyncProgress", "SyncResult", "wait_for_cache_sync"),
    "cache.waits": ("SeenResult", "Sight"),
    "errors": (
        "ConfigurationError",
        "DecodeError",
        "ForkedError",
        "InformersError",
        "NotFoundError",
        "NotSyncedError",
        "SnapshotError",
        "SourceError",
        "StoppedError",
        "WaitTimeoutError",
    ),
    "factory": ("DynamicSharedInformerFactory", "MetadataSharedInformerFactory", "SharedInformerFactory"),
    "objects": (
        "DeletedFinalStateUnknown",
        "ObjectName",
        "annotations_of",
        "labels_of",
        "metadata_of",
        "object_key",
        "object_name",
        "spec_of",
        "status_of",
    ),
    "options": ("KindOptions", "ReflectorOptions"),
    "resources": ("ClusterResource", "NamespacedResource"),
    "selectors": ("FieldSelector", "LabelSelector"),
    "snapshots.saved_caches": ("SnapshotResult",),
    "source._models.partial_metadata": ("PartialObjectMetadata",),
    "source.watch_events": ("ListOptions",),
    "source.listwatch": ("ListWatch",),
    "source.shards": ("Shard",),
}
_HOMES = {name: module for module, names in _EXPORTS.items() for name in names}
#: Modules that can be used as attributes of the package without an import of their own.
_MODULES = frozenset(module.partition(".")[0] for module in _EXPORTS if not module.startswith("_"))

if not TYPE_CHECKING:  # type checkers read the imports above, and report an unknown name
    __all__ = list(_HOMES)

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from informers._base.forks import hold_forks  # noqa: PLC0415  imported with what needs it

        with hold_forks():
            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
