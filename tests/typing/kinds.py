"""The table of kinds: rows, read from their classes, are typed resources. Checked, never run."""

from __future__ import annotations

from typing import Any, TypedDict

from kubernetes.client import CoreV1Event, EventsV1Event, ResourceV1ResourceClaim, V1Deployment, V1Node, V1Pod
from typing_extensions import assert_type

from informers.kinds import Group, GroupVersion, KindGroups, apps, cluster, core, events, namespaced, resource, version
from informers.resources import ClusterResource, NamespacedResource


class Widget(TypedDict):
    size: int


def widget(data: dict[str, Any]) -> Widget:
    return {"size": data["spec"]["size"]}


class V1(GroupVersion, group="example.com", version="v1"):
    """Kinds of `example.com/v1`."""

    widgets: namespaced[Widget] = namespaced("Widget", decode=widget)
    depots: cluster[dict[str, Any]] = cluster("Depot", model="")
    crates: namespaced[V1Pod] = namespaced("Crate", decode=widget)  # error: arg-type, reportAssignmentType
    crates2: namespaced[V1Pod] = cluster("Crate")  # error: assignment, reportAssignmentType


class ExampleGroup(Group):
    """The versions of `example.com`."""

    v1: version[V1] = version(V1)


def a_row_is_a_resource_of_its_model() -> None:
    assert_type(core.V1.pods, NamespacedResource[V1Pod])
    assert_type(core.V1.nodes, ClusterResource[V1Node])
    assert_type(core.V1.events, NamespacedResource[CoreV1Event])
    assert_type(events.V1.events, NamespacedResource[EventsV1Event])
    assert_type(resource.V1.resource_claims, NamespacedResource[ResourceV1ResourceClaim])
    assert_type(KindGroups.apps.v1.deployments, NamespacedResource[V1Deployment])
    assert_type(apps.AppsGroup.v1, type[apps.V1])


def a_row_of_ones_own_is_no_less_typed() -> None:
    assert_type(V1.widgets, NamespacedResource[Widget])
    assert_type(V1.depots, ClusterResource[dict[str, Any]])
    assert_type(ExampleGroup.v1, type[V1])


def a_kind_that_is_not_there_is_an_error() -> None:
    _ = core.V1.pod  # error: attr-defined, reportAttributeAccessIssue
    _ = KindGroups.apps.v2  # error: attr-defined, reportAttributeAccessIssue


def the_groups_alone_have_no_informers(groups: KindGroups) -> None:
    _ = groups.core  # error: call-overload, reportAttributeAccessIssue
