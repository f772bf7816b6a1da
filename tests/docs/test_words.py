"""The worst of our own words stay out of what people read: docs/contributing.md lists better ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_docs import PAGES, ROOT

NOUNS = "JSON|HTTP|UTF-8|names?|strings?|functions?|handlers?|resources?|sources?|clients?|numbers?|pods?|mappings?"
WORDS = re.compile(
    rf"\b[Tt]old of\b|\bmended\b|`\w+` is none\b|: such as\b|(?<!here )\b(is|are) no ({NOUNS})\b(?! (of|in|for|that)\b)"
)
#: They list the wrong words, or are made from the names of cases and tests.
EXEMPT = {"contributing.md", "compared-with-client-go.md", "upstream-tests.md"}
HISTORY = re.compile(r"^## \[\d.*", re.MULTILINE | re.DOTALL)


def found(text: str) -> list[str]:
    text = " ".join(text.split())
    return [text[max(0, match.start() - 30) : match.end() + 20] for match in WORDS.finditer(text)]


def strings(code: str) -> Iterator[str]:
    """Iterate over the docstrings and messages of a module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize(
    "page", [page for page in [*PAGES, ROOT / "CHANGELOG.md"] if page.name not in EXEMPT], ids=lambda page: page.name
)
def test_a_page_is_in_plain_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert found(HISTORY.sub("", text) if page.name == "CHANGELOG.md" else text) == []


def test_docstrings_and_messages_are_in_plain_words() -> None:
    bad = {
        f"{path.relative_to(ROOT)}: {line}"
        for path in sorted((ROOT / "informers").rglob("*.py"))
        for text in strings(path.read_text(encoding="utf-8"))
        for line in found(text)
    }
    assert sorted(bad) == []


@pytest.mark.parametrize("text", ["it is told of it", "`timeout` is none", "it is no JSON", "resource: such as `pods`"])
def test_the_worst_words_are_found(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize("text", ["there is no handler", "it is no number of mine", "such as nodes", "none is told"])
def test_plain_words_pass(text: str) -> None:
    assert not found(text)
