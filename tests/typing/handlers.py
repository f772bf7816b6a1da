"""Handlers: of the right kind, and ready for tombstones. Checked, never run."""

from __future__ import annotations

from kubernetes.client import V1Node, V1Pod

from informers import (
    DeletedFinalStateUnknown,
    FilteringResourceEventHandler,
    ResourceEventHandler,
    ResourceEventHandlerFuncs,
    SharedInformerFactory,
)


class PodHandler:
    def on_add(self, obj: V1Pod, is_in_initial_list: bool) -> None: ...

    def on_update(self, old: V1Pod, new: V1Pod) -> None: ...

    def on_delete(self, obj: V1Pod | DeletedFinalStateUnknown[V1Pod]) -> None: ...


class ForgetfulPodHandler:
    def on_add(self, obj: V1Pod, is_in_initial_list: bool) -> None: ...

    def on_update(self, old: V1Pod, new: V1Pod) -> None: ...

    def on_delete(self, obj: V1Pod) -> None: ...


class AnyHandler:
    def on_add(self, obj: object, is_in_initial_list: bool) -> None: ...

    def on_update(self, old: object, new: object) -> None: ...

    def on_delete(self, obj: object) -> None: ...


def on_pod(pod: V1Pod) -> None: ...


def on_pod_or_listed(pod: V1Pod, is_in_initial_list: bool) -> None: ...


def on_pods(old: V1Pod, new: V1Pod) -> None: ...


def on_pod_gone(pod: V1Pod | DeletedFinalStateUnknown[V1Pod]) -> None: ...


def on_node(node: V1Node) -> None: ...


def is_running(pod: V1Pod) -> bool:
    return pod.status is not None and pod.status.phase == "Running"


def a_handler_of_the_informers_kind_is_taken(factory: SharedInformerFactory) -> None:
    pods = factory.core.v1.pods.informer
    pods.add_event_handler(PodHandler())
    pods.add_event_handler(AnyHandler(), resync_period=30.0)
    pods.add_event_handler(ResourceEventHandlerFuncs(on_add=on_pod, on_update=on_pods, on_delete=on_pod_gone))
    pods.add_event_handler(ResourceEventHandlerFuncs(on_add=on_pod_or_listed))
    pods.add_event_handler(ResourceEventHandlerFuncs(on_update=on_pods))
    pods.add_event_handler(ResourceEventHandlerFuncs(on_delete=on_pod_gone))
    pods.add_event_handler(FilteringResourceEventHandler(filter=is_running, handler=PodHandler()))
    handler: ResourceEventHandler[V1Pod] = PodHandler()
    pods.add_event_handler(handler)
    pods.remove_event_handler(pods.add_event_handler(handler))


def a_handler_of_another_kind_is_an_error(factory: SharedInformerFactory) -> None:
    nodes = factory.core.v1.nodes.informer
    nodes.add_event_handler(PodHandler())  # error: arg-type, reportArgumentType
    nodes.add_event_handler(ResourceEventHandlerFuncs(on_add=on_pod))  # error: arg-type, reportArgumentType
    nodes.add_event_handler(ResourceEventHandlerFuncs(on_update=on_pods))  # error: arg-type, reportArgumentType
    ResourceEventHandlerFuncs[V1Node](on_add=on_node, on_update=on_pods)  # error: arg-type, reportArgumentType


def a_delete_handler_that_ignores_tombstones_is_an_error(factory: SharedInformerFactory) -> None:
    pods = factory.core.v1.pods.informer
    pods.add_event_handler(ResourceEventHandlerFuncs(on_delete=on_pod))  # error: arg-type, reportArgumentType
    pods.add_event_handler(ForgetfulPodHandler())  # error: arg-type, reportArgumentType
    _: ResourceEventHandler[V1Pod] = ForgetfulPodHandler()  # error: assignment, reportAssignmentType


def what_is_no_handler_is_an_error(factory: SharedInformerFactory) -> None:
    pods = factory.core.v1.pods.informer
    pods.add_event_handler(on_pod)  # error: arg-type, reportArgumentType
    pods.add_event_handler(PodHandler)  # error: arg-type, reportArgumentType
    pods.add_event_handler(PodHandler(), 30.0)  # error: call-arg, reportCallIssue


def a_tombstone_is_told_from_an_object(gone: V1Pod | DeletedFinalStateUnknown[V1Pod]) -> str:
    if isinstance(gone, DeletedFinalStateUnknown):
        return gone.key
    return gone.metadata.name or "" if gone.metadata else ""
