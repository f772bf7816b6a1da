"""The comparison runs where its Go program is; elsewhere the end of the run says that it did not, and why."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.compared_with_go.program import missing

_SKIPPED = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    wanting = [item for item in items if here in item.path.parents and "compared" in getattr(item, "fixturenames", ())]
    if wanting and (reason := missing()):
        config.stash[_SKIPPED] = len(wanting)
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=f"no client-go to compare with: {reason}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    yield
    if skipped := config.stash.get(_SKIPPED, 0):
        line = f"not run: the comparison with client-go, {skipped} test(s), because {missing()}"
        terminalreporter.write_line(line, yellow=True)
