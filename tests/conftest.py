"""What every test gets: a check that no thread outlives it.

An exception in a thread, or in a destructor, fails the test too: pytest turns them into warnings, and
pyproject.toml turns warnings into errors.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# test_house.py runs pytest on small files of its own; the other one has the real API server.
pytest_plugins = ["pytester", "tests.realserver.plugin"]

# The same examples every time, and no bound on their time. `HISTORIES=20` tries more, and others each time.
settings.register_profile("tests", deadline=None, derandomize=os.environ.get("HISTORIES", "1") == "1", database=None)
settings.load_profile("tests")

#: Seconds that threads which are ending already get to end.
GRACE = 10.0


PROCESS = os.getpid()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """End a forked child that comes out of its test: it would go on with its parent's tests, and report them too."""
    if os.getpid() != PROCESS:
        os.write(2, f"a forked child came out of its test: {call.excinfo}\n".encode())
        os._exit(3)


def leaked(before: set[threading.Thread], grace: float) -> list[threading.Thread]:
    """Return the threads which are not in `before` and still run `grace` seconds from now."""
    deadline = time.monotonic() + grace
    for thread in threading.enumerate():
        # The relay before the real API server lasts as long as the session.
        if thread.name != "control-plane-relay" and thread not in before and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in threading.enumerate() if thread not in before and thread.name != "control-plane-relay"]


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Fail a test that leaves threads running. Autouse fixtures are set up first and torn down last."""
    before = set(threading.enumerate())
    yield
    left = leaked(before, GRACE)
    if left:
        pytest.fail(f"threads outlive the test: {', '.join(sorted(thread.name for thread in left))}", pytrace=False)


#: Folders whose tests need signals, forks, a shell or Go, which Windows lacks.
NOT_ON_WINDOWS = ("compared_with_go", "contract", "examples", "faults", "processes", "real", "realserver", "soak")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what the system can't run."""
    if sys.platform == "win32" and collection_path.parent == Path(__file__).parent:
        return collection_path.name in NOT_ON_WINDOWS or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out soak tests unless they are asked for with `-m soak`."""
    if "soak" in config.getoption("markexpr"):
        return
    soaks = [item for item in items if item.get_closest_marker("soak")]
    if soaks:
        config.hook.pytest_deselected(items=soaks)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process though a thread that a failed test has left would keep it for ever."""
    # Not that of a run within a test, which is this process too.
    if config.rootpath != Path(__file__).parents[1]:
        return
    left = [
        thread.name for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon
    ]
    if left:
        sys.stdout.flush()
        sys.stderr.write(f"threads that would not end: {', '.join(left)}\n")
        sys.stderr.flush()
        os._exit(1)
