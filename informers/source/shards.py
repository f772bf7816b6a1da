"""A share of the objects, for caches that are too large for one process.

The hash of an object's uid decides its share, as in the API server's own sharding. Servers with the feature
`ShardedListAndWatch` (alpha since 1.36) send only the share; with others, the informer drops objects of other shares
when they arrive, before they are stored. The share is the same in both cases.

Upstream: k8s.io/apimachinery/pkg/sharding (v0.37); client-go's informers do not use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Generic, final

import attrs
from typing_extensions import TypeVar

from informers.errors import ConfigurationError
from informers.objects import uid_of
from informers.source.listwatch import ListerWatcher, Reconnects, Selects, Watch
from informers.source.watch_events import BadObject, Bookmark, Change, ErrorEvent, ListOptions, Page, WatchEvent

__all__ = ["Shard", "ShardedSource", "fnv1a"]

T = TypeVar("T", default=Any)

_SPACE = 1 << 64
_HALVES = re.compile("[\ud800-\udfff]")


@final
@attrs.frozen
class Shard:
    """One of several equal shares of all objects; each object is in exactly one.

    Attributes:
        index: number of the share, from 0.
        of: number of shares; it must be the same in all processes.

    Raises:
        ConfigurationError: the numbers are invalid.

    Example:
        >>> uid = "6f4922f4-5568-4a0c-9b8e-2cf6c1b6d3a5"
        >>> [Shard(index, of=2).has(uid) for index in range(2)]
        [True, False]
        >>> Shard(1, of=2).selector
        "shardRange(object.metadata.uid, '0x8000000000000000', '0x10000000000000000')"
    """

    index: int
    of: int = attrs.field(kw_only=True)

    def __attrs_post_init__(self) -> None:
        for value in (self.index, self.of):
            if isinstance(value, bool) or not isinstance(value, int):
                raise ConfigurationError(f"a shard is one number of another, for example Shard(0, of=2): got {self!r}")
        if not 0 <= self.index < self.of:
            raise ConfigurationError(f"a shard's index must be from 0 to one below {self.of}: got {self!r}")

    @property
    def selector(self) -> str:
        """The `shardSelector` that is sent to a server."""
        low, high = (_SPACE * edge // self.of for edge in (self.index, self.index + 1))
        return f"shardRange(object.metadata.uid, '0x{low:016x}', '0x{high:016x}')"

    def has(self, uid: str) -> bool:
        """Return whether the object with this uid belongs to the share."""
        return fnv1a(uid) * self.of // _SPACE == self.index


def fnv1a(text: str) -> int:
    """Return the 64 bit FNV-1a hash of a text, which decides an object's share."""
    value = 0xCBF29CE484222325
    # JSON's escapes can express half of a surrogate pair, UTF-8 can't. Go reads it as U+FFFD, so its hash is of that.
    for byte in _HALVES.sub("\ufffd", text).encode():
        value = (value ^ byte) * 0x100000001B3 % _SPACE
    return value


@final
class ShardedSource(Generic[T]):
    """A source that is limited to a share.

    Args:
        source: the source of everything.
        shard: the share.

    Thread safety: that of `ListerWatcher`.
    """

    def __init__(self, source: ListerWatcher[T], shard: Shard) -> None:
        self._source = source
        self._shard = shard

    def __repr__(self) -> str:
        return f"<ShardedSource {self._shard.index} of {self._shard.of} of {self._source!r}>"

    def list(self, options: ListOptions, /) -> Page[T]:
        """Return the share's objects of a page."""
        page = self._source.list(self._options(options))
        has = self._shard.has
        # The server counts the remaining objects of all shares.
        return attrs.evolve(page, records=[record for record in page.records if has(record.uid)], remaining=None)

    def watch(self, options: ListOptions, /) -> Watch[T]:
        """Open a watch of the share."""
        return _ShardedWatch(self._source.watch(self._options(options)), self._shard)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def selects(self, obj: Mapping[str, Any], /) -> bool:
        """Return whether an object may be in the share; true if unknown."""
        uid = uid_of(obj)
        is_of_share = not uid or self._shard.has(uid)
        return is_of_share and (not isinstance(self._source, Selects) or self._source.selects(obj))

    def reconnect(self) -> None:
        """Let the source make new connections, if it can."""
        if isinstance(self._source, Reconnects):
            self._source.reconnect()

    def _options(self, options: ListOptions) -> ListOptions:
        return attrs.evolve(options, shard_selector=self._shard.selector)


@final
class _ShardedWatch(Generic[T]):
    """A watch that passes on one share."""

    def __init__(self, watch: Watch[T], shard: Shard) -> None:
        self._watch = watch
        self._has = shard.has

    def batches(self) -> Iterator[list[WatchEvent[T]]]:
        """Yield the share's events; bookmarks replace the others, so that the version advances."""
        for batch in self._watch.batches():
            own: list[WatchEvent[T]] = []
            passed_over = ""
            for event in batch:
                if isinstance(event, Change) and not self._has(event.record.uid):
                    passed_over = event.record.resource_version
                else:
                    # Only the last skipped version matters, and none if a later event has a version.
                    if passed_over and isinstance(event, (BadObject, ErrorEvent)):
                        own.append(Bookmark(passed_over))
                    own.append(event)
                    passed_over = ""
            if passed_over:
                own.append(Bookmark(passed_over))
            yield own

    def close(self) -> None:
        """End the watch."""
        self._watch.close()
