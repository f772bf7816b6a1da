"""Where the programs of a real API server are, and why they can't be run if so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["KUBERNETES_VERSION", "assets", "missing"]

KUBERNETES_VERSION = "1.37.2"


def assets() -> Path:
    """Return the folder of the servers' programs: `KUBEBUILDER_ASSETS`, or the cache that build.sh fills."""
    if named := os.environ.get("KUBEBUILDER_ASSETS"):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "informers" / f"kube-v{KUBERNETES_VERSION}"


def missing() -> str:
    """Return why no control plane can be started here, or an empty string."""
    folder = assets()
    absent = [name for name in ("etcd", "kube-apiserver") if not os.access(folder / name, os.X_OK)]
    if absent:
        place = "KUBEBUILDER_ASSETS" if os.environ.get("KUBEBUILDER_ASSETS") else "the cache"
        names = " and ".join(absent)
        return f"{place} has no {names}; tests/realserver/build.sh builds what is needed with Go 1.26"
    return "" if shutil.which("openssl") else "the openssl command is not installed"
