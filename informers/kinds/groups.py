"""All groups in one class, which a factory inherits.

Upstream: k8s.io/client-go/informers/factory.go (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from informers.kinds.admissionregistration import AdmissionregistrationGroup
from informers.kinds.apiextensions import ApiextensionsGroup
from informers.kinds.apiregistration import ApiregistrationGroup
from informers.kinds.apps import AppsGroup
from informers.kinds.autoscaling import AutoscalingGroup
from informers.kinds.batch import BatchGroup
from informers.kinds.certificates import CertificatesGroup
from informers.kinds.coordination import CoordinationGroup
from informers.kinds.core import CoreGroup
from informers.kinds.discovery import DiscoveryGroup
from informers.kinds.events import EventsGroup
from informers.kinds.flowcontrol import FlowcontrolGroup
from informers.kinds.internal import InternalGroup
from informers.kinds.lifecycle import LifecycleGroup
from informers.kinds.networking import NetworkingGroup
from informers.kinds.node import NodeGroup
from informers.kinds.policy import PolicyGroup
from informers.kinds.rbac import RbacGroup
from informers.kinds.resource import ResourceGroup
from informers.kinds.scheduling import SchedulingGroup
from informers.kinds.storage import StorageGroup
from informers.kinds.storagemigration import StoragemigrationGroup
from informers.kinds.table import group

__all__ = ["KindGroups"]


class KindGroups:
    """What makes `factory.core.v1.pods` of a factory: one row per API group.

    A subclass must be an `InformerSource`, since that is where the rows' informers come from.
    """

    admissionregistration: group[AdmissionregistrationGroup] = group(AdmissionregistrationGroup)
    apiextensions: group[ApiextensionsGroup] = group(ApiextensionsGroup)
    apiregistration: group[ApiregistrationGroup] = group(ApiregistrationGroup)
    apps: group[AppsGroup] = group(AppsGroup)
    autoscaling: group[AutoscalingGroup] = group(AutoscalingGroup)
    batch: group[BatchGroup] = group(BatchGroup)
    certificates: group[CertificatesGroup] = group(CertificatesGroup)
    coordination: group[CoordinationGroup] = group(CoordinationGroup)
    core: group[CoreGroup] = group(CoreGroup)
    discovery: group[DiscoveryGroup] = group(DiscoveryGroup)
    events: group[EventsGroup] = group(EventsGroup)
    flowcontrol: group[FlowcontrolGroup] = group(FlowcontrolGroup)
    internal: group[InternalGroup] = group(InternalGroup)
    lifecycle: group[LifecycleGroup] = group(LifecycleGroup)
    networking: group[NetworkingGroup] = group(NetworkingGroup)
    node: group[NodeGroup] = group(NodeGroup)
    policy: group[PolicyGroup] = group(PolicyGroup)
    rbac: group[RbacGroup] = group(RbacGroup)
    resource: group[ResourceGroup] = group(ResourceGroup)
    scheduling: group[SchedulingGroup] = group(SchedulingGroup)
    storage: group[StorageGroup] = group(StorageGroup)
    storagemigration: group[StoragemigrationGroup] = group(StoragemigrationGroup)

    if not TYPE_CHECKING:  # for which a name that is not there stays an error

        def __getattr__(self, name: str) -> None:
            if hasattr(type(self), name):
                object.__getattribute__(self, name)  # it is there, and failed within: that is what must be seen
            groups = [row for row, value in vars(KindGroups).items() if isinstance(value, group)]
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}; API groups are {', '.join(groups)}, "
                "and kinds are in their versions, for example core.v1.pods",
                name=name,
                obj=self,
            )
