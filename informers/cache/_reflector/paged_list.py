"""A list in pages while it arrives.

Upstream: k8s.io/client-go/tools/pager/pager.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, final

from typing_extensions import TypeVar

from informers.cache._compaction import LatePacker
from informers.errors import ExpiredError, StatusError
from informers.source.listwatch import HandsOnArrivals, ListerWatcher
from informers.source.records import Record
from informers.source.watch_events import BadObject, ListOptions, Page

__all__ = ["PagedList"]

T = TypeVar("T", default=Any)

#: Pages in a row that may bring nothing new. With a `Shard`, many pages may have no object of the share.
_BARREN = 100


@final
class PagedList(Generic[T]):
    """Gathers a list's pages. If a continue token expires, it lists once more in one page.

    Args:
        source: the source of the pages.
        resource_version: the version to request: empty for the newest, `"0"` for any.
        limit: objects in a page; 0 for one page.

    Attributes:
        resource_version: of the list.
        records: the objects so far.
        bad: unreadable objects so far.
        has_pages: whether the list had more than one page.
    """

    def __init__(self, source: ListerWatcher[T], *, resource_version: str, limit: int) -> None:
        self._source = source
        self._asked = resource_version
        self._limit = limit
        self._packer: LatePacker[T] = LatePacker()
        self.resource_version: str = ""
        self.records: list[Record[T]] = []
        self.bad: list[BadObject] = []
        self.has_pages: bool = False
        self._remaining: int | None = None
        self._barren = 0
        #: Number of records of the present page that have been taken already.
        self._arrived = 0

    def read(
        self, *, on_progress: Callable[[int, int | None], None], on_expired: Callable[[ExpiredError], None]
    ) -> None:
        """Read all pages.

        Args:
            on_progress: called with the number of objects received, and the number remaining if it is known: after each
                page but the last, and within a page if the source reports that.
            on_expired: called when a continue token has expired, before the list in one page.

        Raises:
            StatusError: the server refuses, or its pages do not advance.
        """
        if not isinstance(self._source, HandsOnArrivals):
            self._read(on_progress, on_expired)
            return

        def arrived(records: Sequence[Record[T]]) -> None:
            self._pack(records)
            on_progress(*self._so_far(self._arrived))

        self._source.on_arrival = arrived
        try:
            self._read(on_progress, on_expired)
        finally:
            self._source.on_arrival = None

    def _read(self, on_progress: Callable[[int, int | None], None], on_expired: Callable[[ExpiredError], None]) -> None:
        page = self._begin(self._limit)
        self.has_pages = bool(page.continue_token)
        is_whole, token = False, ""
        while page.continue_token:
            if page.continue_token == token:
                raise StatusError("the server gave the same continue token twice: its pages do not move on")
            if self._barren > _BARREN:
                raise StatusError(f"{self._barren} pages in a row brought nothing new: they do not move on")
            token = page.continue_token
            on_progress(*self._so_far(0))
            try:
                page = self._source.list(ListOptions(limit=self._limit, continue_token=token))
            except ExpiredError as error:
                # The pages took longer than the server keeps the token; a list in one page needs none.
                if is_whole:
                    raise
                is_whole, token = True, ""
                on_expired(error)
                page = self._begin(0)
            else:
                self._add(page)

    def _begin(self, limit: int) -> Page[T]:
        self.records, self.bad, self._remaining, self._barren, self._arrived = [], [], None, 0, 0
        self._packer = LatePacker()
        # With a limit and no match, servers answer with the state at this very version, from which no watch may go on.
        match = "NotOlderThan" if limit and self._asked not in {"", "0"} else ""
        page = self._source.list(ListOptions(resource_version=self._asked, resource_version_match=match, limit=limit))
        self.resource_version = page.resource_version
        self._add(page)
        return page

    def _add(self, page: Page[T]) -> None:
        is_first_again = bool(self.records and page.records) and self.records[0].key == page.records[0].key
        self._barren = self._barren + 1 if is_first_again or not (page.records or page.bad) else 0
        self._pack(page.records[self._arrived :])
        self._arrived = 0
        self.records += page.records
        self.bad += page.bad
        self._remaining = page.remaining

    def _pack(self, records: Sequence[Record[T]]) -> None:
        """Take the next records of the present page."""
        self._arrived += len(records)
        for record in records:
            self._packer.add(record)

    def _so_far(self, count: int) -> tuple[int, int | None]:
        """Return the number of objects, including `count` of the present page, and the number remaining."""
        remaining = None if self._remaining is None else max(0, self._remaining - count)
        return len(self.records) + count, remaining
