"""pytest's side of a peer's suite: the cluster that it expects is the one that `KUBECONFIG` names.

Loaded by `tests/peers/run.py` with `-p cluster`, in a process that does not import this package.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any


class KindCluster:
    """In place of pytest-kind's: no cluster is created, and none deleted."""

    def __init__(self, name: str, **options: Any) -> None:
        del options
        self.name = name
        self.kubeconfig_path = Path(os.environ["KUBECONFIG"])
        self.kubectl_path = shutil.which("kubectl")

    def create(self) -> None:
        """Create the service account that a controller would create, and that kr8s waits for."""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(account))

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl on the cluster; return what it prints.

        `kubectl create KIND` speaks protobuf, which the embedded server does not: the same goes as a file.
        """
        match arguments:
            case "create", "token", account:
                path = f"/api/v1/namespaces/default/serviceaccounts/{account}/token"
                made = self.kubectl("create", "--raw", path, "-f", "-", stdin='{"spec": {}}')
                return str(json.loads(made)["status"]["token"])
            case "create", kind, *rest if not kind.startswith("-"):
                made = self.kubectl("create", "--dry-run=client", "--output=json", kind, *rest)
                return self.kubectl("create", "-f", "-", stdin=made)
        done = subprocess.run(("kubectl", *arguments), check=True, capture_output=True, text=True, input=stdin)
        return done.stdout


def pytest_addoption(parser: Any) -> None:
    """Add pytest-kind's option, which kr8s reads."""
    parser.getgroup("kind").addoption("--keep-cluster", action="store_true", default=True, dest="keep_cluster")


module = types.ModuleType("pytest_kind.cluster")
module.KindCluster = KindCluster  # type: ignore[attr-defined]  # that is how a module is made
sys.modules["pytest_kind"] = types.ModuleType("pytest_kind")
sys.modules["pytest_kind.cluster"] = module

# The official client's wheel has no end-to-end tests: they come from its repository, its code from the wheel.
if sources := os.environ.get("PEERS_KUBERNETES"):
    import kubernetes

    kubernetes.__path__.append(sources)
