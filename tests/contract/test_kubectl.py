"""kubectl, unmodified, on both servers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from informers.testing import KubernetesAPI
from informers.testing._controlplane.daemons import assets

Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(api_server: KubernetesAPI, tmp_path: Path) -> Kubectl:
    if not (assets() / "kubectl").exists():
        pytest.skip(f"no kubectl in {assets().name}; tests/realserver/build.sh builds it")
    kubeconfig = api_server.write_kubeconfig(tmp_path / "config")

    def run(*arguments: str, stdin: str = "") -> str:
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path)}
        done = subprocess.run(
            (str(assets() / "kubectl"), *arguments),
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def config_map(name: str, **data: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def test_objects_are_applied_shown_changed_and_deleted(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=config_map("ctl", k="1")) == "configmap/ctl created\n"
    assert kubectl("apply", "-f", "-", stdin=config_map("ctl", k="1")) == "configmap/ctl unchanged\n"
    assert kubectl("apply", "-f", "-", stdin=config_map("ctl", k="2", l="3")) == "configmap/ctl configured\n"
    assert kubectl("label", "cm", "ctl", "x=y") == "configmap/ctl labeled\n"
    assert kubectl("get", "cm", "-l", "x=y", "-o", "jsonpath={.items[*].data.k}") == "2"
    head, row = kubectl("get", "cm", "ctl").splitlines()
    assert head.split() == ["NAME", "DATA", "AGE"]
    assert row.split()[:2] == ["ctl", "2"]
    assert "default" in kubectl("get", "namespaces", "-o", "name")
    assert kubectl("delete", "cm", "ctl").startswith('configmap "ctl" deleted')


def test_server_side_apply(kubectl: Kubectl) -> None:
    applied = kubectl("apply", "--server-side", "-f", "-", stdin=config_map("ssa", k="1"))
    assert applied == "configmap/ssa serverside-applied\n"
    assert kubectl("delete", "cm", "ssa").startswith('configmap "ssa" deleted')


def test_resources_are_discovered(kubectl: Kubectl) -> None:
    listed = kubectl("api-resources", "--no-headers", "-o", "name").split()
    assert {"pods", "nodes", "deployments.apps", "networkpolicies.networking.k8s.io"} <= set(listed)
