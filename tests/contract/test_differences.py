"""Where the two servers differ, and stay so: the page lists what they answer now."""

from __future__ import annotations

from tests.contract.differences import PAGE, with_list
from tests.contract.server import Server


def test_the_page_lists_what_both_servers_answer(both: tuple[Server, Server]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_list(page, both) == page
