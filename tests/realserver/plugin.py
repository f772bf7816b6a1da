"""pytest's side of the real API server: one for all tests that ask, and one line in the summary where it can't run."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.realserver.binaries import missing

if TYPE_CHECKING:
    from tests.realserver.controlplane import ControlPlane

_SKIPPED = pytest.StashKey[set[str]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanting = [item for item in items if item.get_closest_marker("real_apiserver")]
    if wanting and (reason := missing()):
        config.stash[_SKIPPED] = {item.nodeid for item in wanting}
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=f"no real kube-apiserver: {reason}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    yield
    if skipped := config.stash.get(_SKIPPED, set()):
        line = f"not run: {len(skipped)} test(s) on a real kube-apiserver, because {missing()}"
        terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def real_apiserver() -> Iterator[ControlPlane]:
    """A real kube-apiserver for the whole run. A test that stops it starts it again."""
    # The official client takes a second to import, which no other test run should pay for.
    from tests.realserver.controlplane import ControlPlane

    with ControlPlane() as plane:
        yield plane
