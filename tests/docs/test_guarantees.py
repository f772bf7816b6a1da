"""Every promise of the pages that make them names tests that hold it, and every test that they name exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "guarantees.md"
SECURITY = PAGE.with_name("security.md")
FAULTS = PAGE.with_name("faults.md")
#: The tests of one file.
TESTS = re.compile(r"^- `(?P<path>tests/[\w/]+\.py)`: (?P<names>`[\w:]+`(?:, `[\w:]+`)*)$")
#: Promises stand before this; behind it stands what can have no test.
END = "## What is not promised"


@attrs.define
class Promise:
    """A promise of the page: its heading, and its tests."""

    title: str
    tests: list[str] = attrs.field(factory=list)


def promises(text: str) -> list[Promise]:
    """Return the promises of a page; a line about tests that can't be read is a ValueError."""
    found: list[Promise] = []
    for line in text.partition(END)[0].splitlines():
        if line.startswith("### "):
            found.append(Promise(line.removeprefix("### ")))
        elif match := TESTS.match(line):
            found[-1].tests += [f"{match['path']}::{name}" for name in re.findall(r"[\w:]+", match["names"])]
        elif line.startswith(("-", "*")) and "tests/" in line:
            raise ValueError(f"not the way to name a test: {line}")
    return found


def is_test(name: str) -> bool:
    """Return whether pytest would look at something of this name."""
    return name.startswith(("test_", "Test"))


def named_in(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Iterate over the tests of a module: functions, classes, what those have, and state machines that have a name."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and is_test(node.name):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from named_in(node.body, f"{prefix}{node.name}::")
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name) and is_test(target.id))


def missing(tests: Sequence[str], root: Path = ROOT) -> list[str]:
    """Return those of some tests that there are not."""
    absent = []
    for test in tests:
        path, _, names = test.partition("::")
        file = root / path
        is_there = file.name.startswith("test_") and file.exists()
        if not is_there or names not in set(named_in(ast.parse(file.read_text(encoding="utf-8")).body)):
            absent.append(test)
    return absent


PROMISES = [promise for page in (PAGE, SECURITY) for promise in promises(page.read_text(encoding="utf-8"))]
#: A row of a table of faults, and the line that names its tests.
ROW = re.compile(r"^\| (?P<fault>[^|]+?) \| [^|]*\| [^|]*\| [^|]*\|$")
HELD = re.compile(r"^- (?P<fault>.+?): (?P<tests>`tests/[^`]+`(?:, `tests/[^`]+`)*)$")
FEW = {"Corrupt bytes without TLS, in a value"}


@pytest.mark.parametrize("promise", PROMISES, ids=[promise.title for promise in PROMISES])
def test_a_promise_names_tests_and_they_are_there(promise: Promise) -> None:
    assert promise.tests
    assert len(promise.tests) == len(set(promise.tests))
    assert missing(promise.tests) == []


def test_no_two_promises_have_one_title() -> None:
    titles = [promise.title for promise in PROMISES]
    assert len(titles) == len(set(titles)) > 20


def test_every_row_of_the_page_on_faults_has_its_test() -> None:
    """A row is a fault of a table with four columns, but for what nobody could notice."""
    lines = FAULTS.read_text(encoding="utf-8").partition("## Soak")[0].splitlines()
    rows = [match["fault"] for line in lines if (match := ROW.match(line))]
    faults = [fault for fault in rows if fault not in {"Fault", "---", *FEW}]
    held = {
        match["fault"]: match["tests"].replace("`", "").split(", ") for line in lines if (match := HELD.match(line))
    }
    assert len(faults) == len(set(faults)) > 25
    assert set(held) == set(faults)
    assert missing([test for tests in held.values() for test in tests]) == []


def test_limits_are_no_promises() -> None:
    assert END in PAGE.read_text(encoding="utf-8")
    assert promises(f"### One\n- `tests/a.py`: `test_b`\n{END}\n### Two") == [Promise("One", ["tests/a.py::test_b"])]


@pytest.mark.parametrize("line", ["- tests/a.py::test_b", "* `tests/a.py`: `test_b`", "- `tests/a.py`: test_b"])
def test_a_test_that_is_named_otherwise_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not the way to name a test"):
        promises(f"### One\n{line}")


def test_a_test_is_found_by_function_class_and_name_and_not_otherwise(tmp_path: Path) -> None:
    code = "def test_a(): ...\nclass TestB:\n    async def test_c(self): ...\nTestD = object\ndef helper(): ...\n"
    (tmp_path / "test_x.py").write_text(code, encoding="utf-8")
    (tmp_path / "x.py").write_text(code, encoding="utf-8")
    there = [f"test_x.py::{name}" for name in ("test_a", "TestB", "TestB::test_c", "TestD")]
    absent = ["test_x.py::test_c", "test_x.py::helper", "test_x.py::test_z", "x.py::test_a", "test_y.py::test_a"]
    assert missing([*there, *absent], tmp_path) == absent
