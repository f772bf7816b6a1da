"""A factory: kinds, informers and listers are typed by the model. Checked, never run."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypedDict

from kubernetes.client import ApiClient, V1Deployment, V1NetworkPolicy, V1Node, V1Pod
from typing_extensions import assert_type

from informers import (
    ClusterKind,
    Indexer,
    NamespacedKind,
    ObjectName,
    SharedInformer,
    SharedInformerFactory,
    object_name,
)
from informers.kinds import GroupVersion, apps, core, namespaced


class Widget(TypedDict):
    size: int


def widget(data: dict[str, Any]) -> Widget:
    return {"size": data["spec"]["size"]}


class V1(GroupVersion, group="example.com", version="v1"):
    """Kinds of `example.com/v1`."""

    widgets: namespaced[Widget] = namespaced("Widget", decode=widget)


def a_factory_takes_what_the_contract_says(client: ApiClient, namespaces: Collection[str]) -> None:
    SharedInformerFactory()
    SharedInformerFactory(client, default_resync=600.0, namespace=None, label_selector="app=web")
    SharedInformerFactory(client, namespace="default", field_selector="status.phase=Running")
    SharedInformerFactory(client, namespace=namespaces, label_selector={"app": "web"})
    SharedInformerFactory(client, default_resync="600")  # error: arg-type, reportArgumentType
    SharedInformerFactory(client, namespace=5)  # error: arg-type, reportArgumentType
    SharedInformerFactory(client, resync=600.0)  # error: call-arg, reportCallIssue


def kinds_are_typed(factory: SharedInformerFactory) -> None:
    assert_type(factory.core.v1, core.V1)
    assert_type(factory.core.v1.pods, NamespacedKind[V1Pod])
    assert_type(factory.core.v1.nodes, ClusterKind[V1Node])
    assert_type(factory.apps.v1, apps.V1)
    assert_type(factory.apps.v1.deployments, NamespacedKind[V1Deployment])
    assert_type(factory.networking.v1.network_policies, NamespacedKind[V1NetworkPolicy])
    _ = factory.core.v1.pod  # error: attr-defined, reportAttributeAccessIssue
    _ = factory.core.v2  # error: attr-defined, reportAttributeAccessIssue
    _ = factory.cores  # error: attr-defined, reportAttributeAccessIssue


def custom_kinds_are_typed_too(factory: SharedInformerFactory) -> None:
    assert_type(V1(factory).widgets, NamespacedKind[Widget])
    assert_type(V1(factory).widgets.lister.namespace("default").get("small"), Widget)


def listers_give_models(factory: SharedInformerFactory) -> None:
    pods = factory.core.v1.pods
    assert_type(pods.lister.list(), list[V1Pod])
    assert_type(pods.lister.list(label_selector="app=web"), list[V1Pod])
    assert_type(pods.lister.namespace("default").get("web-0"), V1Pod)
    assert_type(pods.lister.namespace("default").list(), list[V1Pod])
    assert_type(factory.core.v1.nodes.lister.get("node-1"), V1Node)
    factory.core.v1.nodes.lister.namespace("default")  # error: attr-defined, reportAttributeAccessIssue
    pods.lister.get("web-0")  # error: attr-defined, reportAttributeAccessIssue


def informers_are_typed(factory: SharedInformerFactory) -> None:
    informer = factory.core.v1.pods.informer
    assert_type(informer, SharedInformer[V1Pod])
    assert_type(informer.indexer, Indexer[V1Pod])
    assert_type(informer.indexer.get("default/web-0"), V1Pod | None)
    assert_type(informer.indexer.list(), list[V1Pod])
    assert_type(informer.indexer.keys(), list[str])
    assert_type(informer.indexer.by_index("node", "node-1"), list[V1Pod])
    assert_type(informer.has_synced, bool)
    assert_type(informer.last_sync_resource_version, str)
    informer.add_indexers({"node": lambda pod: [pod.spec.node_name or ""] if pod.spec else []})
    informer.indexer.add(V1Pod())  # error: attr-defined, reportAttributeAccessIssue
    informer.indexer.replace([], "1")  # error: attr-defined, reportAttributeAccessIssue


def waiting_gives_a_result_to_test_and_print(factory: SharedInformerFactory) -> str:
    with factory:
        result = factory.wait_for_cache_sync(timeout=60)
        if not result:
            return str(result)
    factory.stop()
    return ""


def names_are_values(pod: V1Pod) -> None:
    assert_type(object_name(pod), ObjectName)
