"""Every Python block of README.md and docs/ runs, page by page in one namespace, against a server of the page's own.

A page may need what its readers have already: a comment that they don't see says so, a line of Python each::

    % setup: server.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0", "namespace": "default"}})

In README.md, which is no MyST, the comment is `<!-- setup: … -->`. `server` is an `informers.testing.APIServer`, and
the default kubeconfig is the server's. A block that can't run says why: ```` ```python no-run: it never ends ````.

A `text` block right after a Python block is what the page has printed since the last such block, and is compared with
what it really prints. Times in seconds may be others, since pauses are jittered.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import attrs
import pytest

from informers.testing import APIServer
from tests.examples.clients import REASON, TAKES_CONTENT_TYPE

ROOT = Path(__file__).parents[2]
PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if page.exists()]
SETUP = re.compile(r"^(?:% setup: (?P<myst>.*)|<!-- setup: (?P<html>.*) -->)$")
SECONDS = re.compile(r"\b\d+\.\d+ s\b")
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})(?P<info>.*)$")


@attrs.frozen
class Block:
    """A piece of a page: code, the line that it starts on, what its fence says besides the language, and its output."""

    line: int
    code: str
    info: str = ""
    shown: str | None = None


def setup(text: str) -> str:
    """Return a page's setup, as a program with the page's line numbers."""
    found = (SETUP.match(line) for line in text.splitlines())
    return "\n".join((match["myst"] or match["html"] or "") if match else "" for match in found)


def blocks(text: str) -> list[Block]:
    """Return a page's Python blocks."""
    fence, info, start, indent = "", "", 0, 0
    lines: list[str] = []
    found: list[Block] = []
    follows_code = False  # nothing but empty lines since a Python block
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if not fence and match:
            fence, info, start, indent = match["fence"], match["info"].strip(), number, len(match["indent"])
            lines = []
        elif fence and match and match["fence"] == fence and not match["info"].strip():
            language, _, rest = info.removeprefix("{code-block} ").partition(" ")
            code = "\n".join(lines) + "\n"
            if language in {"python", "py"}:
                found.append(Block(start, code, rest.strip()))
                follows_code = True
            elif follows_code:
                if language == "text":
                    found[-1] = attrs.evolve(found[-1], shown=code)
                follows_code = False
            fence = ""
        elif fence:
            lines.append(line[indent:])
        elif line.strip():
            follows_code = False
    return found


def runnable(block: Block) -> bool:
    """Return whether a block is to be run; one that isn't must say why."""
    if not block.info:
        return True
    reason = block.info.removeprefix("no-run:").strip()
    assert block.info.startswith("no-run:"), f"line {block.line}: write ```python, or ```python no-run: REASON"
    assert reason, f"line {block.line}: no-run needs a reason"
    return False


def compiled(page: Path, block: Block) -> CodeType:
    """Compile a block so that a traceback shows the page and its line."""
    return compile("\n" * block.line + block.code, str(page), "exec")


def comparable(output: str) -> str:
    """Return what was printed, without what differs from run to run."""
    return SECONDS.sub("… s", output).rstrip()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[APIServer]:
    from kubernetes.config import kube_config

    with APIServer() as running:
        path = running.write_kubeconfig(tmp_path / "kubeconfig")
        monkeypatch.setenv("KUBECONFIG", str(path))
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        monkeypatch.chdir(tmp_path)
        yield running


PAGES_WITH_CODE = [page for page in PAGES if blocks(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(
    page: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    text = page.read_text(encoding="utf-8")
    todo = [block for block in blocks(text) if runnable(block)]
    if not todo:
        return
    if not TAKES_CONTENT_TYPE and any("_content_type" in block.code for block in todo):
        pytest.skip(REASON)
    namespace: dict[str, object] = {"__name__": "__main__", "server": request.getfixturevalue("server")}
    exec(compile(setup(text), str(page), "exec"), namespace)
    printed = ""
    for block in todo:
        exec(compiled(page, block), namespace)
        printed += capsys.readouterr().out
        if block.shown is not None:
            assert comparable(printed) == comparable(block.shown), f"what the block in line {block.line} prints"
            printed = ""


def test_the_test_that_the_page_on_testing_shows_passes_with_pytest(tmp_path: Path) -> None:
    found = [
        block.code for block in blocks((ROOT / "docs/how-to/testing-your-controller.md").read_text(encoding="utf-8"))
    ]
    (plugin,) = (code for code in found if "pytest_plugins" in code)
    (tmp_path / "conftest.py").write_text(plugin)
    (tmp_path / "checker.py").write_text(found[0])
    (tmp_path / "test_checker.py").write_text("from checker import Checker\n" + found[-1])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stdout


def test_every_program_among_the_examples_is_in_the_list_of_them() -> None:
    listed = re.findall(
        r"^\| `(\w+\.py)` \|", (ROOT / "docs/tutorial/index.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(path.name for path in (ROOT / "examples").glob("*.py"))


def test_the_controllers_that_are_compared_have_as_many_lines_as_the_page_says() -> None:
    text = (ROOT / "docs/how-to/controllers-compared.md").read_text(encoding="utf-8")
    said = [int(number) for number in re.findall(r"Here it\s+is (\d+) lines", text)]
    code = [
        [line for line in block.code.splitlines() if line.strip() and line.strip()[0] != "#"] for block in blocks(text)
    ]
    assert said == [len(lines) for lines in code]


def test_blocks_of_python_are_found_with_their_lines_and_others_are_not() -> None:
    text = "a\n```python\nx = 1\n```\nb\n````text\n```python\nno\n```\n````\n  ```python no-run: slow\n  z\n  ```"
    assert blocks(text) == [Block(2, "x = 1\n"), Block(11, "z\n", "no-run: slow")]


def test_a_block_that_is_a_directive_is_found_too() -> None:
    assert blocks(":::{code-block} python\nx = 1\n:::\n```{code-block} text\nno\n```") == [
        Block(1, "x = 1\n", shown="no\n")
    ]


def test_a_text_block_right_after_code_is_its_output_and_one_elsewhere_is_not() -> None:
    output = "```text\n{}\n```\n"
    text = output.format("a") + "```python\nx\n```\n\n" + output.format("b") + output.format("c")
    text += "```python\ny\n```\nsuch as\n" + output.format("d")
    assert blocks(text) == [Block(4, "x\n", shown="b\n"), Block(14, "y\n")]


def test_outputs_differ_in_what_they_say_and_not_in_how_long_a_pause_was() -> None:
    assert comparable("next try in 0.4 s\n") == comparable("next try in 0.92 s")
    assert comparable("2 pods in 0.4 s") != comparable("3 pods in 0.4 s")


def test_setup_lines_keep_their_place() -> None:
    assert setup("# A\n% setup: x = 1\n<!-- setup: y = 2 -->\ntext") == "\nx = 1\ny = 2\n"


@pytest.mark.parametrize("info", ["no-run", "no-run:", "skip"])
def test_a_block_that_is_not_run_must_say_why(info: str) -> None:
    with pytest.raises(AssertionError, match="line 7"):
        runnable(Block(7, "", info))


def test_a_failing_block_shows_its_page_and_line() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compiled(Path("page.md"), Block(4, "x = 1\n1 / 0\n")), {})
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno + 1) == ("page.md", 6)
