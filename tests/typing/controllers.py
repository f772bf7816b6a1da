"""Controllers as their users write them: what is typed, and what is refused. Checked, never run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

from kubernetes import client
from typing_extensions import assert_type

from informers import DynamicSharedInformerFactory, NotFoundError, ObjectName, SharedInformerFactory, aio
from informers.controllers import (
    Controller,
    ControllerHealth,
    EventRecorder,
    OwnWrites,
    Pending,
    Processed,
    Result,
    TerminalError,
    all_of,
    any_of,
    apply_object,
    by_controller,
    condition_set,
    controller_reference,
    create_or_patch,
    finalizer_added,
    generation_changed,
    labels_changed,
    patch_object,
)
from informers.kinds import apps
from informers.metrics import ControllerMetrics


def in_threads(api_client: client.ApiClient, factory: SharedInformerFactory, stop: threading.Event) -> None:
    deployments, pods = factory.apps.v1.deployments, factory.core.v1.pods
    recorder = EventRecorder(api_client, "example.com/deployments")
    mine = by_controller(pods)

    def reconcile(name: ObjectName) -> Result | None:
        try:
            deployment = deployments.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return None
        assert_type(mine.of(deployment), list[client.V1Pod])
        assert_type(controller_reference(deployment, apps.V1.deployments), client.V1OwnerReference)
        assert_type(finalizer_added(deployment, "example.com/tidy"), dict[str, Any] | None)
        patch = condition_set(deployment, "Ready", True, reason="Done")
        if patch is not None:
            assert_type(patch_object(writer, deployments.resource, name, patch, subresource="status"), dict[str, Any])
        recorder.event(deployment, "Scaled", "to three", action="Scale", resource=apps.V1.deployments)
        if name.name == "never":
            raise TerminalError("no other try")
        return Result(requeue_after=30.0)

    def of_pod(pod: client.V1Pod) -> Iterable[ObjectName]:
        return (ObjectName(pod.metadata.namespace or "", pod.metadata.name or ""),) if pod.metadata else ()

    controller = Controller(
        "deployments",
        deployments,
        reconcile,
        workers=4,
        predicate=any_of(generation_changed, labels_changed),
        metrics=ControllerMetrics(),
    )
    assert_type(controller.owns(pods, predicate=all_of(labels_changed)), Controller)
    assert_type(controller.watches(pods, of_pod), Controller)
    writer = controller.client(api_client)
    assert_type(writer, client.ApiClient)
    assert_type(controller.health(), ControllerHealth)
    assert_type(controller.process_next(timeout=1.0), Processed | None)
    controller.run(stop)
    assert_type(controller.stop(drain=True), bool)


async def in_a_loop(api_client: client.ApiClient, factory: DynamicSharedInformerFactory) -> None:
    widgets = factory.for_resource("example.com", "v1", "widgets")

    async def reconcile(name: ObjectName) -> Result | None:
        found = widgets.lister.namespace(name.namespace).get(name.name)
        await asyncio.to_thread(create_or_patch, writer, widgets, found)
        apply_object(writer, widgets.resource, found, field_manager="widgets")
        return None

    controller = aio.Controller("widgets", widgets, reconcile, workers=100).owns(widgets)
    assert_type(controller, aio.Controller)
    writer = controller.client(api_client)
    await controller.run(asyncio.Event())


def by_hand(api_client: client.ApiClient, factory: SharedInformerFactory, name: ObjectName) -> None:
    writes = OwnWrites(factory.core.v1.pods, timeout=30.0)
    assert_type(writes.client(api_client), client.ApiClient)
    assert_type(writes.pending(name), Pending | None)
    with writes.working_on(name):
        writes.record(client.V1Pod())


async def a_coroutine(name: ObjectName) -> None: ...


def without_a_result(name: ObjectName) -> bool:
    return True


def what_is_refused(factory: SharedInformerFactory) -> None:
    pods = factory.core.v1.pods
    Controller("pods", pods, a_coroutine)  # error: arg-type, reportArgumentType
    Controller("pods", pods, without_a_result)  # error: arg-type, reportArgumentType
    Controller("pods", pods.informer, lambda name: None)  # error: arg-type, reportArgumentType
    Result(30.0)  # error: call-arg, reportCallIssue
