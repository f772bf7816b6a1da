"""The code of README.md and docs/ passes mypy and pyright, both strict, as a typed user copies it: page by page.

What a page's hidden setup gives stands for something of the reader's own, so it may be anything. Blocks that don't run
are left out: they are code of other libraries, or parts of a program.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import kubernetes
import pytest

from tests.docs.test_docs import PAGES_WITH_CODE, ROOT, blocks, runnable, setup

pytestmark = [
    pytest.mark.skipif(not kubernetes.__version__.startswith("37."), reason="the client has types since 37"),
    pytest.mark.timeout(300),  # a cold mypy reads the whole of the client
]

SETTINGS = """
[mypy]
strict = true
# Functions of the official client without annotations, for example load_kube_config.
untyped_calls_exclude = kubernetes
"""
#: As in pyproject.toml: the official client is untyped in places, and JSON everywhere.
PYRIGHT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.10",
    "reportUnknownMemberType": "none",
    "reportUnknownVariableType": "none",
    "reportUnknownArgumentType": "none",
    "reportUnknownLambdaType": "none",
    "reportUnusedExpression": "none",  # an example that shows what an expression is
}


def given(text: str) -> list[str]:
    """Return what stands for a page's setup: its imports, and its names as Any."""
    lines = ["from typing import Any as _Any"]
    for node in ast.walk(ast.parse(setup(text))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            lines.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef):
            lines.append(f"{node.name}: _Any = None")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines.append(f"{node.id}: _Any = None")
    return list(dict.fromkeys(lines))


def programs(folder: Path) -> list[Path]:
    """Write the programs of each page, with its line numbers, and return their paths.

    A block that repeats an import of the page begins another program.
    """
    written: list[Path] = []
    for page in PAGES_WITH_CODE:
        text = page.read_text(encoding="utf-8")
        empty = ["; ".join([*given(text), "server: _Any = None"]), *[""] * len(text.splitlines())]
        found: list[list[str]] = []
        imported: set[str] = set()
        for block in filter(runnable, blocks(text)):
            imports = {
                ast.unparse(node)
                for node in ast.parse(block.code).body
                if isinstance(node, (ast.Import, ast.ImportFrom))
            }
            if not found or imports & imported:
                found.append(empty[:])
                imported = set()
            imported |= imports
            code = block.code.splitlines()
            found[-1][block.line : block.line + len(code)] = code
        name = re.sub(r"\W", "_", page.relative_to(ROOT).as_posix().removesuffix(".md"))
        for number, lines in enumerate(found):
            written.append(folder / f"{name}{number or ''}.py")
            written[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written


def run(tool: str, *arguments: str) -> str:
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    command = [sys.executable, "-m", tool, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280).stdout


def test_the_code_of_every_page_passes_mypy(tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    output = run(
        "mypy", "--config-file", str(tmp_path / "mypy.ini"), "--no-error-summary", *map(str, programs(tmp_path))
    )
    assert output.replace(f"{tmp_path}/", "") == ""


def test_the_code_of_every_page_passes_pyright(tmp_path: Path) -> None:
    programs(tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(PYRIGHT))
    output = run("pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(tmp_path))
    problems = [
        f"{Path(problem['file']).name}:{problem['range']['start']['line'] + 1}: {problem['message']}"
        for problem in json.loads(output)["generalDiagnostics"]
        if problem["severity"] == "error" and problem["range"]["start"]["line"] > 0  # line 1 is the setup
    ]
    assert problems == []
