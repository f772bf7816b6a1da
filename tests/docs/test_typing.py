"""What mypy and pyright say of the programs in tests/typing is what those say themselves.

A line that must be an error ends in `# error: CODE, RULE`: mypy's code and pyright's rule.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import kubernetes
import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "tests" / "typing").glob("*.py"))
MARKER = re.compile(r"# error: ([a-z-]+), (report\w+)$")
MYPY_ERROR = re.compile(r"(.+?):(\d+):(?:\d+:)? error: (.*?)(?:  \[([a-z-]+)\])?")

pytestmark = [
    pytest.mark.skipif(not kubernetes.__version__.startswith("37."), reason="the client has types since 37"),
    pytest.mark.timeout(300),  # a cold mypy reads the whole of the client
]

#: file, line, code
Problem = tuple[str, int, str]


def marked(group: int) -> set[Problem]:
    """Return what the programs say must be an error: group 1 for mypy, 2 for pyright."""
    return {
        (program.name, number, found[group])
        for program in PROGRAMS
        for number, line in enumerate(program.read_text(encoding="utf-8").splitlines(), 1)
        if (found := MARKER.search(line))
    }


def run(tool: str, *arguments: str) -> str:
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    command = [sys.executable, "-m", tool, *arguments, *map(str, PROGRAMS)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280).stdout


def test_every_marker_is_one_that_the_test_can_read() -> None:
    lines = [line for program in PROGRAMS for line in program.read_text(encoding="utf-8").splitlines()]

    assert len([line for line in lines if "# error" in line]) == len(marked(1)) == len(marked(2)) > 0


def test_mypy_finds_the_marked_errors_and_no_others() -> None:
    output = run("mypy", "--no-pretty", "--no-error-summary", "--hide-error-context", "--show-error-codes")
    found = {
        (Path(match[1]).name, int(match[2]), match[4] or match[3])
        for line in output.splitlines()
        if (match := MYPY_ERROR.fullmatch(line)) and (ROOT / match[1]) in PROGRAMS
    }

    assert found == marked(1), output


def test_pyright_finds_the_marked_errors_and_no_others() -> None:
    output = run("pyright", "--outputjson")
    found = {
        (Path(problem["file"]).name, problem["range"]["start"]["line"] + 1, problem.get("rule", problem["message"]))
        for problem in json.loads(output)["generalDiagnostics"]
        if problem["severity"] == "error"
    }
    # Where a name is unknown, so are its type and what is made of it.
    lines = {(file, line) for file, line, _ in marked(2)}
    consequences = {p for p in found if p[2].startswith("reportUnknown") and p[:2] in lines}

    assert found - consequences == marked(2), output
