"""pytest's side of the real API server: one for all tests that ask, and one line in the summary where it can't run."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from informers.testing import ControlPlane
from informers.testing._controlplane.daemons import missing

KUBERNETES_VERSION = "1.37.2"

_SKIPPED = pytest.StashKey[set[str]]()


def why_not() -> str:
    """Return why no control plane can be started here, or an empty string."""
    reason = missing()
    return f"{reason}; tests/realserver/build.sh builds them with Go 1.26" if reason else ""


def pytest_configure() -> None:
    """Let every test, and what it starts, find the programs in the cache that build.sh fills."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    os.environ.setdefault("KUBEBUILDER_ASSETS", str(Path(cache) / "informers" / f"kube-v{KUBERNETES_VERSION}"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanting = [item for item in items if item.get_closest_marker("real_apiserver")]
    if wanting and (reason := why_not()):
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


@pytest.fixture(scope="session")
def real_apiserver() -> Iterator[ControlPlane]:
    """A real kube-apiserver for the whole run. A test that stops it starts it again."""
    with ControlPlane() as plane:
        yield plane
