"""Tests informers without a cluster.

`APIServer` is a real HTTP server on loopback for any client; its faults can be scripted. `ControlPlane` is a real
kube-apiserver with its etcd. Both are a `KubernetesAPI`, so a test can run on either.
"""

from informers.testing.apiserver import APIServer as APIServer
from informers.testing.controlplane import ControlPlane as ControlPlane
from informers.testing.fake_clock import FakeClock as FakeClock
from informers.testing.fake_source import FakeSource as FakeSource
from informers.testing.fake_source import FakeWatch as FakeWatch
from informers.testing.faults import BadJSON as BadJSON
from informers.testing.faults import Cut as Cut
from informers.testing.faults import Delay as Delay
from informers.testing.faults import EndWatch as EndWatch
from informers.testing.faults import Expire as Expire
from informers.testing.faults import Fault as Fault
from informers.testing.faults import Faults as Faults
from informers.testing.faults import Hang as Hang
from informers.testing.faults import Lag as Lag
from informers.testing.faults import NoBookmarks as NoBookmarks
from informers.testing.faults import Refuse as Refuse
from informers.testing.faults import ScriptedFault as ScriptedFault
from informers.testing.faults import Status as Status
from informers.testing.kubernetes_api import KubernetesAPI as KubernetesAPI
from informers.testing.recorder import RecordedEvent as RecordedEvent
from informers.testing.recorder import RecordingHandler as RecordingHandler
from informers.testing.request_log import LoggedRequest as LoggedRequest
from informers.testing.request_log import RequestLog as RequestLog

__all__ = [
    "APIServer",
    "BadJSON",
    "ControlPlane",
    "Cut",
    "Delay",
    "EndWatch",
    "Expire",
    "FakeClock",
    "FakeSource",
    "FakeWatch",
    "Fault",
    "Faults",
    "Hang",
    "KubernetesAPI",
    "Lag",
    "LoggedRequest",
    "NoBookmarks",
    "RecordedEvent",
    "RecordingHandler",
    "Refuse",
    "RequestLog",
    "ScriptedFault",
    "Status",
]
