"""Every upstream test in upstream.toml is held by a test here, or has a reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import upstream
from tests.upstream import Marker, compare

NAMES = {"tools/cache/wait_test.go": {"TestWaitFor": "", "TestSyncResult": "not ported"}}


def test_every_upstream_test_has_a_test_here_or_a_reason() -> None:
    assert upstream.read().problems() == []


def test_a_missing_test_is_a_problem() -> None:
    assert compare(NAMES, iter([])).problems() == [
        "tools/cache/wait_test.go TestWaitFor: no test is marked with it, and upstream.toml has no reason why"
    ]


def test_a_reason_that_a_test_disproves_is_a_problem() -> None:
    found = [Marker("wait_test.go", "TestWaitFor", "t::a"), Marker("wait_test.go", "TestSyncResult", "t::b")]
    assert compare(NAMES, iter(found)).problems() == [
        "tools/cache/wait_test.go TestSyncResult: t::b holds it, yet upstream.toml has a reason why none does"
    ]


def test_a_marker_that_names_no_upstream_test_is_a_problem() -> None:
    found = [Marker("wait_test.go", "TestWaitFor", "t::a"), Marker("wait_test.go", "TestWaitFro", "t::b")]
    assert compare(NAMES, iter(found)).problems() == ["t::b: upstream has no test 'TestWaitFro' in 'wait_test.go'"]


def test_markers_are_found_on_functions_classes_modules_and_parameters(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_some.py").write_text(
        """
pytestmark = pytest.mark.upstream("a_test.go", "TestA")

@pytest.mark.upstream("b_test.go", "TestB", "TestC")
def test_b(): ...

@pytest.mark.upstream("d_test.go", "TestD")
class TestD:
    @pytest.mark.upstream("e_test.go", "TestE")
    def test_e(self): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.upstream("f_test.go", "TestF"))])
def test_f(x): ...
"""
    )
    assert {(m.file, m.name, m.test) for m in upstream.markers(folder)} == {
        ("a_test.go", "TestA", "tests/test_some.py"),
        ("b_test.go", "TestB", "tests/test_some.py::test_b"),
        ("b_test.go", "TestC", "tests/test_some.py::test_b"),
        ("d_test.go", "TestD", "tests/test_some.py::TestD"),
        ("e_test.go", "TestE", "tests/test_some.py::TestD::test_e"),
        ("f_test.go", "TestF", "tests/test_some.py::test_f"),
    }


def test_a_marker_with_a_computed_name_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("@pytest.mark.upstream('a_test.go', NAME)\ndef test_a(): ...\n")
    with pytest.raises(ValueError, match=r"test_some.py:1: .* literal strings"):
        list(upstream.markers(tmp_path))
