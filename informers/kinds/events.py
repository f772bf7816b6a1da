"""API group `events.k8s.io`.

Upstream: k8s.io/client-go/informers/events (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.table import Group, GroupVersion, namespaced, version

if TYPE_CHECKING:
    from kubernetes import client

__all__ = ["V1", "EventsGroup"]


class V1(GroupVersion, group="events.k8s.io", version="v1"):
    """Kinds of `events.k8s.io/v1`."""

    events: namespaced[client.EventsV1Event] = namespaced("Event", model="EventsV1Event")


class EventsGroup(Group):
    """The versions of `events.k8s.io`."""

    v1: version[V1] = version(V1)
