"""Every Python block of README.md and docs/ runs, page by page in one namespace, against a server of the page's own.

A page may need what its readers have already: a comment that they don't see says so, a line of Python each::

    % setup: server.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0", "namespace": "default"}})

In README.md, which is no MyST, the comment is `<!-- setup: … -->`. `server` is an `informers.testing.APIServer`, and
the default kubeconfig is the server's. A block that can't run says why: ```` ```python no-run: it never ends ````.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from informers.testing import APIServer
from tests.examples.clients import REASON, TAKES_CONTENT_TYPE

ROOT = Path(__file__).parent.parent
PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if page.exists()]
SETUP = re.compile(r"^(?:% setup: (?P<myst>.*)|<!-- setup: (?P<html>.*) -->)$")
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})(?P<info>.*)$")


@attrs.frozen
class Block:
    """A piece of a page: code, the line that it starts on, and what its fence says besides the language."""

    line: int
    code: str
    info: str = ""


def setup(text: str) -> str:
    """Return a page's setup, as a program with the page's line numbers."""
    found = (SETUP.match(line) for line in text.splitlines())
    return "\n".join((match["myst"] or match["html"] or "") if match else "" for match in found)


def blocks(text: str) -> Iterator[Block]:
    """Iterate over a page's Python blocks."""
    fence, info, start, indent = "", "", 0, 0
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if not fence and match:
            fence, info, start, indent = match["fence"], match["info"].strip(), number, len(match["indent"])
            lines = []
        elif fence and match and match["fence"] == fence and not match["info"].strip():
            language, _, rest = info.partition(" ")
            if language in {"python", "py", "{code-block} python"}:
                yield Block(start, "\n".join(lines) + "\n", rest.strip())
            fence = ""
        elif fence:
            lines.append(line[indent:])


def runnable(block: Block) -> bool:
    """Return whether a block is to be run; one that isn't must say why."""
    if not block.info:
        return True
    reason = block.info.removeprefix("no-run:").strip()
    assert block.info.startswith("no-run:"), f"line {block.line}: write ```python, or ```python no-run: REASON"
    assert reason, f"line {block.line}: no-run needs a reason"
    return False


def compiled(page: Path, block: Block) -> object:
    """Compile a block so that a traceback shows the page and its line."""
    return compile("\n" * block.line + block.code, str(page), "exec")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[APIServer]:
    from kubernetes.config import kube_config

    with APIServer() as running:
        path = running.write_kubeconfig(tmp_path / "kubeconfig")
        monkeypatch.setenv("KUBECONFIG", str(path))
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        monkeypatch.chdir(tmp_path)
        yield running


PAGES_WITH_CODE = [page for page in PAGES if any(True for _ in blocks(page.read_text(encoding="utf-8")))]


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_code_of_a_page_runs(page: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    todo = [block for block in blocks(text) if runnable(block)]
    if not todo:
        return
    if not TAKES_CONTENT_TYPE and any("_content_type" in block.code for block in todo):
        pytest.skip(REASON)
    namespace: dict[str, object] = {"__name__": "__main__", "server": request.getfixturevalue("server")}
    exec(compile(setup(text), str(page), "exec"), namespace)
    for block in todo:
        exec(compiled(page, block), namespace)


def test_blocks_of_python_are_found_with_their_lines_and_others_are_not() -> None:
    text = "a\n```python\nx = 1\n```\n````text\n```python\nno\n```\n````\n  ```python no-run: slow\n  z\n  ```"
    assert list(blocks(text)) == [Block(2, "x = 1\n"), Block(10, "z\n", "no-run: slow")]


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
