"""A watch over HTTP: events by lines, and the silence after which it counts as lost.

Upstream: k8s.io/apimachinery/pkg/watch/streamwatcher.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, final

import attrs
from typing_extensions import TypeVar

from informers._base.clock import Clock
from informers.errors import ConnectionLostError
from informers.source._transport.http_body import Lines
from informers.source._transport.transport import Body
from informers.source._wire.decode import Decoder
from informers.source.watch_events import Bookmark, Change, WatchEvent

__all__ = ["HTTPWatch", "Patience"]

T = TypeVar("T", default=Any)


@final
@attrs.define(eq=False)
class Patience:
    """How long a source's watches may be silent; this depends on whether the server sends bookmarks for the kind."""

    idle_timeout: float
    sends_bookmarks: bool = False

    def within(self, longest: float) -> float:
        """Return the allowed silence in seconds, for a watch that lasts at most `longest`."""
        return min(self.idle_timeout, longest) if self.sends_bookmarks else longest


@final
@attrs.define(eq=False)
class HTTPWatch(Generic[T]):
    """A watch over HTTP.

    Args:
        body: body of the answer.
        decoder: decodes the events.
        patience: shared by the source's watches; the watch notes in it that the server sends bookmarks.
        longest: seconds of silence after which the watch counts as lost in any case.
        limit: the longest event in bytes.
        see_scope: called with an object's key for each batch that begins with a change.
        clock: measures the silence.
    """

    body: Body
    decoder: Decoder[T]
    patience: Patience
    longest: float = attrs.field(kw_only=True)
    limit: int = attrs.field(kw_only=True)
    see_scope: Callable[[str], None] = attrs.field(kw_only=True)
    clock: Clock = attrs.field(kw_only=True)

    def batches(self) -> Iterator[list[WatchEvent[T]]]:
        """Yield the events of each block that completes a line."""
        lines = Lines(limit=self.limit)
        event = self.decoder.event
        last_line = self.clock.monotonic()
        for complete in self.body.lines(lines):
            if complete:
                events = [event(data, start, stop) for data, start, stop in complete]
                self._look_for_bookmarks(events)
                if isinstance(events[0], Change):
                    self.see_scope(events[0].record.key)
                yield events
                last_line = self.clock.monotonic()
            else:
                # Bytes that never complete a line are not a sign of life, nor is white space.
                limit = self._dripping if lines.has_begun_another else self.patience.within(self.longest)
                if self.clock.monotonic() - last_line > limit:
                    raise ConnectionLostError(f"no event was completed for {limit:g} s")
        if lines.has_begun_another:
            raise ConnectionLostError("the watch ended in the middle of an event")

    @property
    def _dripping(self) -> float:
        return min(self.patience.idle_timeout, self.longest)

    def _look_for_bookmarks(self, events: Sequence[WatchEvent[T]]) -> None:
        marks = [seen for seen in events if isinstance(seen, Bookmark)]
        if not marks:
            return
        # Every kind has the bookmark that ends a streaming list.
        if not self.patience.sends_bookmarks and not all(mark.initial_events_end for mark in marks):
            self.patience.sends_bookmarks = True
        elif not any(mark.initial_events_end for mark in marks):
            return
        self.body.set_idle_timeout(self.patience.within(self.longest))

    def close(self) -> None:
        """End the watch."""
        self.body.close()
