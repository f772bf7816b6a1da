"""The pages of docs/reference that are made from data are current, and others say what the package says."""

from __future__ import annotations

import re

import pytest

from tests.pages import PAGES, ROOT


@pytest.mark.parametrize("path", PAGES)
def test_a_page_made_from_data_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path](), "run: make pages"


def test_the_supported_versions_of_python_are_those_of_the_package() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [row] = re.findall(r"^\| Python \| (.*) \|$", page, re.MULTILINE)
    assert row.split(", ") == re.findall(r'"Programming Language :: Python :: (3\.\d+)"', settings)
