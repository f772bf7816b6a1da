"""Imports go one way, and what is heavy or foreign is imported where it is said to be, and nowhere else."""

from __future__ import annotations

import ast
import collections
import fnmatch
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import informers

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(informers.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_time_imports(node: ast.AST) -> Iterator[str]:
    """Yield what a module imports at run time: at its top or in a function, but not for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from run_time_imports(other)
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield child.module or ""
        else:
            yield from run_time_imports(child)


def importers(package: str) -> set[str]:
    """Return the modules of informers that import a package at run time."""
    return {
        name_of(path)
        for path in MODULES
        if any(
            imported == package or imported.startswith(f"{package}.")
            for imported in run_time_imports(ast.parse(path.read_text(encoding="utf-8")))
        )
    }


@pytest.mark.parametrize("package", ["kubernetes", "urllib3"])
def test_the_client_and_its_transport_are_imported_by_source_and_testing_alone(package: str) -> None:
    others = {name for name in importers(package) if not name.startswith(("informers.source", "informers.testing"))}
    assert others == set()


def test_the_client_is_imported_somewhere() -> None:
    assert importers("kubernetes"), "the test above looks for something that is not there"


def test_only_the_clock_imports_time() -> None:
    assert importers("time") == {"informers._base.clock"}


def test_nothing_imports_testing() -> None:
    assert {name for name in importers("informers.testing") if not name.startswith("informers.testing")} == set()


def test_importing_informers_imports_nothing_heavy() -> None:
    code = "import json, sys, informers; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"kubernetes", "pydantic", "urllib3", "yaml", "requests", "asyncio", "prometheus_client"}
    assert heavy & set(json.loads(done.stdout)) == set()


def test_every_module_of_every_folder_is_part_of_the_package() -> None:
    folders = {path.parent for path in MODULES}
    assert {folder for folder in folders if not (folder / "__init__.py").exists()} == set()


def test_the_import_contract_holds() -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed; make lint runs it")
    root = PACKAGE.parent
    if not (root / "pyproject.toml").exists():
        pytest.skip("the contract is in the checkout's pyproject.toml; this is an installed package")
    # In a process of its own, since it sets up logging.
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_on_layers_shows_those_of_the_contract() -> None:
    root = PACKAGE.parent
    if not (root / "docs").exists():
        pytest.skip("the page is in the checkout; this is an installed package")
    contract = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    [block] = re.findall(
        r"```text\n(.*?)```", (root / "docs/explanation/layers.md").read_text(encoding="utf-8"), re.DOTALL
    )
    shown = [re.split(r"  \|  ", re.split(r" {5,}", line)[0]) for line in block.splitlines()]
    assert [set(layer) for layer in shown] == [set(layer.split(" | ")) for layer in contract["layers"]]


def test_the_walks_on_the_page_on_layers_pass_through_files_and_names_that_exist() -> None:
    page = PACKAGE.parent / "docs/explanation/layers.md"
    if not page.exists():
        pytest.skip("the page is in the checkout; this is an installed package")
    walks = page.read_text(encoding="utf-8").partition("## Two walks")[2]
    steps = re.findall(r"^\d\. (?:‖ )?`([\w/]+\.py)`: (.*)", walks, re.MULTILINE)
    assert len(steps) == 13
    for path, text in steps:
        source = (PACKAGE / path).read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+)(?:\.(\w+))?`", text):
            assert all(f"class {part}" in source or f"def {part}" in source for part in name if part), (path, name)


@functools.cache
def house() -> dict[str, dict[str, str]]:
    """Return the exceptions from the rules of the house, each with its reason."""
    path = PACKAGE.parent / "pyproject.toml"
    if not path.exists():
        pytest.skip("the rules are in the checkout's pyproject.toml; this is an installed package")
    rules: dict[str, dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["house"]
    assert all(reason for reasons in rules.values() for reason in reasons.values())
    return rules


def sizes() -> dict[str, int]:
    return {
        path.relative_to(PACKAGE.parent).with_suffix("").as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
        if path.name != "__init__.py"
    }


def test_a_module_has_60_to_400_lines_or_a_reason_that_the_contract_states() -> None:
    reasons = house()["short_modules"]
    short = {name for name, lines in sizes().items() if lines < 60}
    assert {name: lines for name, lines in sizes().items() if lines > 400} == {}
    assert {name for name in short if not any(fnmatch.fnmatchcase(name, pattern) for pattern in reasons)} == set()
    assert [pattern for pattern in reasons if not fnmatch.filter(short, pattern)] == [], "no such module is short"


def test_no_module_has_the_name_of_another_module_or_folder() -> None:
    modules = {name.rpartition("/")[2].lstrip("_"): name for name in sizes()}
    assert [name for name in sizes() if name not in modules.values()] == []
    folders = {path.parent.name for path in MODULES if path.name == "__init__.py"}
    assert folders & set(modules) == set()


def test_no_class_has_the_name_of_another_but_for_those_that_the_contract_states() -> None:
    reasons = house()["classes_of_one_name"]
    classes = [
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    doubled = [name for name, count in collections.Counter(classes).items() if count > 1]
    assert [name for name in doubled if not any(fnmatch.fnmatchcase(name, pattern) for pattern in reasons)] == []
    assert [pattern for pattern in reasons if not fnmatch.filter(doubled, pattern)] == [], "no such class is doubled"


def test_at_most_ten_modules_lie_at_the_top() -> None:
    assert len([path for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]) <= 10
