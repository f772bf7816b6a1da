"""pytest's side of the real API server: what needs it is marked, and one line in the summary says if it can't run."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from informers.testing import plugin
from informers.testing._controlplane.daemons import missing

# What a user's suite has, but for the checks of every test.
from informers.testing.plugin import (
    api_client,
    api_faults,
    api_server,
    control_plane,
    no_informer_leaks,
    pytest_addoption,
    pytest_generate_tests,
)

__all__ = [
    "api_client",
    "api_faults",
    "api_server",
    "control_plane",
    "no_informer_leaks",
    "pytest_addoption",
    "pytest_generate_tests",
]

KUBERNETES_VERSION = "1.37.2"

_SKIPPED = pytest.StashKey[set[str]]()


def why_not() -> str:
    """Return why no control plane can be started here, or an empty string."""
    reason = missing()
    return f"{reason}; tests/realserver/build.sh builds them with Go 1.26" if reason else ""


def pytest_configure(config: pytest.Config) -> None:
    """Let every test, and what it starts, find the programs in the cache that build.sh fills."""
    plugin.pytest_configure(config)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    os.environ.setdefault("KUBEBUILDER_ASSETS", str(Path(cache) / "informers" / f"kube-v{KUBERNETES_VERSION}"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs the real server by its fixtures."""
    if isinstance(item, pytest.Function):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if "control_plane" in item.fixturenames or parameters.get("api_server") == "real":
            item.add_marker("real_apiserver")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanting = [item for item in items if item.get_closest_marker("real_apiserver")]
    if wanting and config.getoption("--api-server") == "embedded":
        config.hook.pytest_deselected(items=wanting)
        items[:] = [item for item in items if item not in set(wanting)]
    elif wanting and (reason := why_not()):
        config.stash[_SKIPPED] = {item.nodeid for item in wanting}
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=f"no real kube-apiserver: {reason}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    yield
    if skipped := config.stash.get(_SKIPPED, set()):
        line = f"not run: {len(skipped)} test(s) on a real kube-apiserver, because {why_not()}"
        terminalreporter.write_line(line, yellow=True)
