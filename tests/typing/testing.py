"""The embedded API server and a real one are the same to a test. Checked, never run."""

from __future__ import annotations

from informers.testing import APIServer, ControlPlane, KubernetesAPI


def either(embedded: APIServer, real: ControlPlane) -> list[KubernetesAPI]:
    return [embedded, real]
