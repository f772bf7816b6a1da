"""The checks that conftest.py and pyproject.toml put around every test do fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


@pytest.fixture
def house(pytester: pytest.Pytester) -> pytest.Pytester:
    lines = CONFTEST.read_text().replace("GRACE = 10.0", "GRACE = 0.05").splitlines()
    source = "\n".join(line for line in lines if not line.startswith("pytest_plugins"))
    pytester.makeconftest(source)
    pytester.makeini("[pytest]\nfilterwarnings = error\nmarkers = soak: long\n")
    return pytester


def test_a_test_that_leaves_a_thread_running_fails(house: pytest.Pytester) -> None:
    house.makepyfile(
        """
        import threading

        END = threading.Event()

        def test_leaky():
            threading.Thread(target=END.wait, name="informers-forgotten").start()

        def test_next():
            END.set()
        """
    )
    result = house.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*threads outlive the test: informers-forgotten*"])


def test_a_thread_that_never_ends_does_not_keep_the_run_from_ending(pytester: pytest.Pytester) -> None:
    tests = pytester.mkdir("tests")
    source = CONFTEST.read_text().replace("GRACE = 10.0", "GRACE = 0.05")
    (tests / "conftest.py").write_text(source.replace(', "tests.realserver.plugin"', ""))
    (tests / "test_forever.py").write_text(
        "import threading\n\ndef test_endless():\n    threading.Thread(target=threading.Event().wait).start()\n"
    )
    pytester.makeini("[pytest]\n")
    result = pytester.runpytest_subprocess(timeout=30)
    assert result.ret == 1
    result.assert_outcomes(passed=1, errors=1)
    result.stderr.fnmatch_lines(["threads that would not end: Thread-*"])


def test_a_thread_that_is_ending_is_waited_for(house: pytest.Pytester) -> None:
    conftest = house.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("GRACE = 0.05", "GRACE = 10.0"))
    house.makepyfile(
        """
        import threading

        def test_tidy():
            threading.Thread(target=lambda: threading.Event().wait(0.01)).start()
        """
    )
    house.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_that_comes_out_of_its_test_ends(house: pytest.Pytester) -> None:
    house.makepyfile(
        """
        import os

        def test_forks():
            child = os.fork()
            if not child:
                raise ValueError("odd")
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        """
    )
    result = house.runpytest_subprocess(timeout=30)
    result.assert_outcomes(passed=1)
    result.stderr.fnmatch_lines(["a forked child came out of its test: *odd*"])


def test_an_exception_in_a_thread_fails_its_test(house: pytest.Pytester) -> None:
    house.makepyfile(
        """
        import threading

        def test_crashing():
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
        """
    )
    result = house.runpytest_inprocess()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*ZeroDivisionError*"])


def test_soak_tests_run_only_when_asked_for(house: pytest.Pytester) -> None:
    house.makepyfile(
        """
        import pytest

        @pytest.mark.soak
        def test_long():
            pass

        def test_short():
            pass
        """
    )
    house.runpytest_inprocess().assert_outcomes(passed=1, deselected=1)
    house.runpytest_inprocess("-m", "soak").assert_outcomes(passed=1, deselected=1)
