"""A list in pages while it arrives.

Upstream: k8s.io/client-go/tools/pager/pager.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.cache.compaction import LatePacker
from informers.errors import DecodeError, ExpiredError, StatusError
from informers.source.events import ListOptions, Page
from informers.source.listwatch import ListerWatcher
from informers.source.records import Record

__all__ = ["PagedList"]

T = TypeVar("T", default=Any)


@final
class PagedList(Generic[T]):
    """Gathers a list's pages. Where a continue token expires, it lists once more as a whole.

    Args:
        source: where pages come from.
        resource_version: to ask for: empty for the newest, `"0"` for any.
        limit: objects in a page; 0 for all at once.

    Attributes:
        resource_version: of the list.
        records: the objects so far.
        bad: why others can't be held.
        has_pages: whether the first answer was not the whole.
    """

    def __init__(self, source: ListerWatcher[T], *, resource_version: str, limit: int) -> None:
        self._source = source
        self._asked = resource_version
        self._limit = limit
        self._packer: LatePacker[T] = LatePacker()
        self.resource_version: str = ""
        self.records: list[Record[T]] = []
        self.bad: list[DecodeError] = []
        self.has_pages: bool = False

    def read(self, *, on_page: Callable[[int, int | None], None], on_expired: Callable[[ExpiredError], None]) -> None:
        """Read all pages.

        Args:
            on_page: told after each page but the last how many objects there are, and how many remain if that is known.
            on_expired: told that a continue token has expired, before the list is made as a whole.

        Raises:
            StatusError: the server refuses, or its pages do not move on.
        """
        page = self._source.list(ListOptions(resource_version=self._asked, limit=self._limit))
        self.has_pages = bool(page.continue_token)
        self._begin(page)
        is_whole, token = False, ""
        while page.continue_token:
            if page.continue_token == token:
                raise StatusError("the server gave the same continue token twice: its pages do not move on")
            token = page.continue_token
            on_page(len(self.records), page.remaining)
            try:
                page = self._source.list(ListOptions(limit=self._limit, continue_token=token))
            except ExpiredError as error:
                # The pages took longer than the server keeps them; a whole list can't be overtaken like that.
                if is_whole:
                    raise
                is_whole, token = True, ""
                on_expired(error)
                page = self._source.list(ListOptions(resource_version=self._asked))
                self._begin(page)
            else:
                self._add(page)

    def _begin(self, page: Page[T]) -> None:
        self.resource_version, self.records, self.bad = page.resource_version, [], []
        self._packer = LatePacker()
        self._add(page)

    def _add(self, page: Page[T]) -> None:
        for record in page.records:
            self._packer.add(record)
        self.records += page.records
        self.bad += page.bad
