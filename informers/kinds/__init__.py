"""The kinds of the official client: one module per API group, one line per kind.

As a class attribute, a line is the resource: `core.V1.pods`. As an attribute of a factory, it is the informer and
lister: `factory.core.v1.pods`. The models are named, not imported, so that the table does not slow the start.

The table has the kinds of kubernetes 37.0; a server, or an older client, may lack some of them.

Add your own kinds with lines like these: see `GroupVersion`.

Upstream: k8s.io/client-go/informers/generic.go (v0.37).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from informers.kinds.groups import KindGroups as KindGroups
from informers.kinds.table import Group as Group
from informers.kinds.table import GroupVersion as GroupVersion
from informers.kinds.table import cluster as cluster
from informers.kinds.table import group as group
from informers.kinds.table import namespaced as namespaced
from informers.kinds.table import version as version
from informers.resources import ClusterResource, NamespacedResource

__all__ = [
    "GROUPS",
    "Group",
    "GroupVersion",
    "KindGroups",
    "all_resources",
    "cluster",
    "group",
    "known_resource",
    "namespaced",
    "version",
]

#: The API groups by the name of their attribute in a factory.
GROUPS: Mapping[str, type[Group]] = MappingProxyType(
    {name: getattr(KindGroups, name) for name, row in vars(KindGroups).items() if isinstance(row, group)}
)


def all_resources() -> Iterator[NamespacedResource[Any] | ClusterResource[Any]]:
    """Iterate over the resources of all kinds, group by group."""
    for group_class in GROUPS.values():
        for group_version in group_class.versions():
            yield from group_version.resources()


def known_resource(group: str, version: str, plural: str) -> NamespacedResource[Any] | ClusterResource[Any] | None:
    """Return the row with this address, or None."""
    return _by_address().get((group, version, plural))


@cache
def _by_address() -> Mapping[tuple[str, str, str], NamespacedResource[Any] | ClusterResource[Any]]:
    return {resource.address: resource for resource in all_resources()}
