"""The first rows of the table of words in docs/contributing.md hold in what people read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_docs import PAGES, ROOT

NOUNS = (
    "JSON|HTTP|UTF-8|names?|strings?|functions?|handlers?|resources?|sources?|clients?|numbers?|pods?|mappings?|lists?|"
    "namespaces?|objects?|events?|requests?|maps?"
)
#: A pattern for each row of the table.
ROWS = (
    r"\b[Tt]old of\b",
    rf"(?<!here )\b(is|are) no ({NOUNS})\b(?! (of|in|for|that)\b)",
    r"`\w+` is none\b",
    r"\b[Mm]ended\b",
    r"\bmust be such as\b|[:,] such as `|\bReturn such as\b",
    r"\b(by|for|to|of) who (?!it is\b|that is\b)",
    r"\b[Ww]hoever\b",
    r"\bname is taken\b",
    r"\bby themselves\b|\b(tries|recovers|ends|starts|stops|comes) [\w ]{0,20}by itself\b",
    r"\banew\b",
    r"\b(is|are|be) had\b",
)
WORDS = re.compile("|".join(ROWS))
#: Words of our own that pages do without; docstrings still have some.
PAGE_WORDS = re.compile(
    r"\b(is|are|be|been|being|was|were) told\b|\bgo(es)? on\b|\blets? go of\b|(?<!`)\bset aside\b(?!`)"
    r"|\bput back\b|\b[Ww]hat (comes|came|goes|went)\b|\bas it comes\b|\bWho (is|comes|asks|wants)\b"
)
#: Words of our own that the names of tests do without.
NAME_WORDS = re.compile(
    r"\btold\b|(?<!\bthere )\bis no\b(?! longer\b)|\bwho\b|\bsets? (\w+ )*aside\b|\bgo(es)? on\b|\blets? go\b"
    r"|\bby itself\b"
)
#: They list the wrong words, or are made from the names of cases and tests.
EXEMPT = {"contributing.md", "compared-with-client-go.md", "upstream-tests.md"}
HISTORY = re.compile(r"^## \[\d.*", re.MULTILINE | re.DOTALL)
#: A block shows what a program prints.
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: The names of tests are on these pages.
TEST_NAMES = re.compile(r"`(tests/|test_|Test)\S+`")


def found(text: str, words: re.Pattern[str] = WORDS) -> list[str]:
    text = " ".join(TEST_NAMES.sub("", text).split())
    return [text[max(0, match.start() - 30) : match.end() + 20] for match in words.finditer(text)]


def strings(code: str) -> Iterator[str]:
    """Iterate over the docstrings and messages of a module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sentences(code: str) -> Iterator[str]:
    """Iterate over the names of a module's tests."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.replace("_", " ")


@pytest.mark.parametrize(
    "page", [page for page in [*PAGES, ROOT / "CHANGELOG.md"] if page.name not in EXEMPT], ids=lambda page: page.name
)
def test_a_page_is_in_plain_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert found(HISTORY.sub("", text) if page.name == "CHANGELOG.md" else text) == []
    assert page.name == "CHANGELOG.md" or found(BLOCK.sub("", text), PAGE_WORDS) == []


@pytest.mark.parametrize("folder", ["informers", "examples"])
def test_docstrings_and_messages_are_in_plain_words(folder: str) -> None:
    bad = {
        f"{path.relative_to(ROOT)}: {line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in strings(path.read_text(encoding="utf-8"))
        for line in found(text)
    }
    assert sorted(bad) == []


def test_the_names_of_tests_are_in_plain_words() -> None:
    bad = {
        f"{path.relative_to(ROOT)}: {line}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for text in sentences(path.read_text(encoding="utf-8"))
        for line in [*found(text), *found(text, NAME_WORDS)]
    }
    assert sorted(bad) == []


WRONG = (
    "it is told of it",
    "it is no JSON",
    "`timeout` is none",
    "it was mended",
    "resource: such as `pods`",
    "made by who asks next",
    "whoever asks",
    "the name is taken",
    "it recovers by itself",
    "begins anew",
    "is to be had",
)


@pytest.mark.parametrize(("row", "text"), [*zip(ROWS, WRONG, strict=True)], ids=range(len(WRONG)))
def test_each_pattern_finds_its_word(row: str, text: str) -> None:
    assert re.search(row, text)


@pytest.mark.parametrize(
    "text", ["a handler is told", "it goes on", "let go of it", "it is set aside", "put back", "what comes", "Who asks"]
)
def test_each_word_that_pages_do_without_is_found(text: str) -> None:
    assert found(text, PAGE_WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "it is told",
        "it is no list",
        "who asks",
        "one is set aside",
        "sets one aside",
        "it goes on",
        "lets go",
        "by itself",
    ],
)
def test_each_word_that_names_of_tests_do_without_is_found(text: str) -> None:
    assert found(text, NAME_WORDS)


@pytest.mark.parametrize(
    "text", ["there is no handler", "it is no number of mine", "kinds such as nodes", "none is told"]
)
def test_plain_words_pass(text: str) -> None:
    assert not found(text)
