"""The pages of docs/reference that are made from data are current."""

from __future__ import annotations

import pytest

from tests.pages import PAGES, ROOT


@pytest.mark.parametrize("path", PAGES)
def test_a_page_made_from_data_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path](), "run: make pages"
