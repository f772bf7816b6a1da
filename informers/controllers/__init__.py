"""Controllers: they call a function with the names of changed objects, again and again until all is as it should be.

    informers ── handlers ──→ names ──→ queue, two lanes ──→ own writes seen? ──→ reconcile(name) ──→ the API server
        ↑                                     ↑                                        │                 │
        │                                     └──── later, or after a failure ─────────┘                 │
        └───────────────────────────── the cache shows what was written ←────────────────────────────────┘

There is no manager, no scheme, no registering decorator and no global state. A controller is an object that uses kinds
of your factory. For a loop of your own, use the parts: `OwnWrites`, predicates, owners.

- `workers`: `Controller`, in threads; `informers.aio.Controller` is the same for an event loop
- `results`: `Result`, `TerminalError`, and the outcome of a run
- `own_writes`: `OwnWrites`: a name is not reconciled again before the cache shows its last writes
- `predicates`: select the updates that need a reconcile
- `owners`: from an object to its owner, from an owner to its objects
- `resource_patches`, `object_writes`: finalizers and conditions; patches and applies of any kind by its row
- `event_recorder`: `EventRecorder`: Kubernetes events, for people
- `controller_health`, `reconcile_metrics`: a controller's health and metrics

Upstream: sigs.k8s.io/controller-runtime (v0.25), without its manager; k8s.io/kubernetes/pkg/controller (v1.37).
"""

from __future__ import annotations

from informers.controllers._in_work import ReconcileLogger as ReconcileLogger
from informers.controllers.controller_health import ControllerHealth as ControllerHealth
from informers.controllers.event_recorder import EventRecorder as EventRecorder
from informers.controllers.object_writes import apply_object as apply_object
from informers.controllers.object_writes import create_or_patch as create_or_patch
from informers.controllers.object_writes import patch_object as patch_object
from informers.controllers.own_writes import OwnWrites as OwnWrites
from informers.controllers.own_writes import Pending as Pending
from informers.controllers.owners import ByController as ByController
from informers.controllers.owners import by_controller as by_controller
from informers.controllers.owners import controller_reference as controller_reference
from informers.controllers.predicates import Predicate as Predicate
from informers.controllers.predicates import all_of as all_of
from informers.controllers.predicates import annotations_changed as annotations_changed
from informers.controllers.predicates import any_of as any_of
from informers.controllers.predicates import generation_changed as generation_changed
from informers.controllers.predicates import labels_changed as labels_changed
from informers.controllers.reconcile_metrics import ControllerMetricsProvider as ControllerMetricsProvider
from informers.controllers.reconcile_metrics import ReconcileMetric as ReconcileMetric
from informers.controllers.resource_patches import condition_set as condition_set
from informers.controllers.resource_patches import finalizer_added as finalizer_added
from informers.controllers.resource_patches import finalizer_removed as finalizer_removed
from informers.controllers.results import Outcome as Outcome
from informers.controllers.results import Processed as Processed
from informers.controllers.results import Result as Result
from informers.controllers.results import TerminalError as TerminalError
from informers.controllers.workers import Controller as Controller

__all__ = [
    "ByController",
    "Controller",
    "ControllerHealth",
    "ControllerMetricsProvider",
    "EventRecorder",
    "Outcome",
    "OwnWrites",
    "Pending",
    "Predicate",
    "Processed",
    "ReconcileLogger",
    "ReconcileMetric",
    "Result",
    "TerminalError",
    "all_of",
    "annotations_changed",
    "any_of",
    "apply_object",
    "by_controller",
    "condition_set",
    "controller_reference",
    "create_or_patch",
    "finalizer_added",
    "finalizer_removed",
    "generation_changed",
    "labels_changed",
    "patch_object",
]
