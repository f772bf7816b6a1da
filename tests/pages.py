"""Writes the pages of docs/ that are made from data: `python tests/pages.py`, or `make pages`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tests import kinds_page, upstream  # noqa: E402  the line above makes this work as a script
from tests.compared_with_go import page as compared_page  # noqa: E402  likewise

PAGES: dict[str, Callable[[], str]] = {
    "docs/explanation/compared-with-client-go.md": compared_page.page,
    "docs/reference/kinds.md": kinds_page.page,
    "docs/reference/upstream-tests.md": upstream.page,
}


def main() -> None:
    """Write each page that is not current."""
    for path, page in PAGES.items():
        file, text = ROOT / path, page()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print("wrote", path)


if __name__ == "__main__":
    main()
