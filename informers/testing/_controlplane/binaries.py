"""Where the programs of a real API server are, and why they can't be run if so.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/testing/process/bin_path_finder.go.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["assets", "missing"]


def assets() -> Path:
    """Return the folder of the programs: the one that `KUBEBUILDER_ASSETS` names, or envtest's default."""
    return Path(os.environ.get("KUBEBUILDER_ASSETS") or "/usr/local/kubebuilder/bin")


def missing(folder: Path | None = None) -> str:
    """Return why no control plane can be started with the programs of a folder, or an empty string."""
    folder = folder or assets()
    absent = [name for name in ("etcd", "kube-apiserver") if not os.access(folder / name, os.X_OK)]
    if absent:
        named = "KUBEBUILDER_ASSETS" if os.environ.get("KUBEBUILDER_ASSETS") else "KUBEBUILDER_ASSETS is not set, and"
        return (
            f"{named} {folder} has no {' and no '.join(absent)}: set KUBEBUILDER_ASSETS to a folder with both, for "
            "example what `setup-envtest use -p path` prints, or the folder of a distribution's packages"
        )
    return "" if shutil.which("openssl") else "the openssl command is not installed: it makes keys and certificates"
