"""What handlers were told, as both sides write it down, and as it is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, final

import attrs

from tests.compared_with_go.vocabulary import Script

__all__ = ["Notification", "Outcome", "facets"]


@final
@attrs.frozen(kw_only=True)
class Notification:
    """A call of a handler.

    Attributes:
        handler: its name in the script.
        kind: ADDED, UPDATED or DELETED.
        key: of the object.
        old: version of the object before; empty for an addition.
        new: its version now; empty for a deletion.
        old_uid: its uid before.
        uid: its uid now.
        initial: whether it was in the initial list.
        tombstone: whether the deletion itself was missed.
    """

    handler: str
    kind: str
    key: str
    old: str = ""
    new: str = ""
    old_uid: str = ""
    uid: str = ""
    initial: bool = False
    tombstone: bool = False

    @property
    def is_repetition(self) -> bool:
        """Whether the object was at this version before."""
        return self.kind == "UPDATED" and self.old == self.new

    def __str__(self) -> str:
        if self.kind == "ADDED":
            return f"{'initial add' if self.initial else 'add'} {self.new or '?'}"
        if self.kind == "DELETED":
            return f"{'tombstone' if self.tombstone else 'delete'} {self.old or '?'}"
        if self.is_repetition:
            return f"repeat {self.new or '?'}"
        other = "" if self.old_uid == self.uid else ", another uid"
        return f"update {self.old or '?'}→{self.new or '?'}{other}"


@final
@attrs.define
class Outcome:
    """What came of a script.

    Attributes:
        told: the notifications, in the order of each handler.
        outcome: how it ended.
        cache: version by key, at the end.
        synced: whether each handler counts as synced, at the end.
        requests: what the server was asked for.
    """

    told: list[Notification] = attrs.field(factory=list)
    outcome: str = "the process ended"
    cache: dict[str, str] | None = None
    synced: dict[str, bool] = attrs.field(factory=dict)
    requests: list[str] = attrs.field(factory=list)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take a line that the Go program wrote."""
        fields = {name: value for name, value in line.items() if name != "script"}
        if "kind" in line:
            self.told.append(Notification(**fields))
        else:
            self.outcome, self.cache, self.synced = fields["outcome"], fields["cache"], fields["synced"]


#: Objects that a script is steered by: when they come tells nothing.
_STEERING = frozenset({"default/act", "default/end"})


def facets(script: Script, outcome: Outcome) -> dict[str, str]:
    """Return what is compared: a text for each object and handler, the cache, the requests, and how it ended.

    Objects are taken one by one, and their order by itself; a streaming list has none.
    """
    found: dict[str, str] = {"outcome": outcome.outcome}
    several = len(script.handlers) > 1
    sequences: dict[str, list[str]] = {}
    for told in outcome.told:
        if told.key not in _STEERING and (script.tells_repeats or not told.is_repetition):
            sequences.setdefault(f"{told.key} to {told.handler}" if several else told.key, []).append(str(told))
    found |= {name: ", ".join(_once(sequence)) for name, sequence in sequences.items()}
    if not script.streams:
        found["order"] = _order(script, outcome.told)
    if outcome.cache is not None:
        kept = [f"{key} {version}" for key, version in sorted(outcome.cache.items()) if key not in _STEERING]
        found["cache"] = ", ".join(kept) or "empty"
    found |= {f"{name} synced": "yes" if synced else "no" for name, synced in outcome.synced.items()}
    if not script.crashes:
        # A process that ends may or may not have asked for the watch before.
        found["requests"] = ", ".join(_once(outcome.requests, "again"))
    return found


def _order(script: Script, notifications: Iterable[Notification]) -> str:
    """Return the keys in the order in which each handler was told.

    A list's objects come in the list's order, and events in theirs. What comes in no order is sorted: repetitions are
    left out, and tombstones, or what a late handler is told first, are taken as one.
    """
    late = {handler.name for handler in script.handlers if handler.late}
    words: list[str] = []
    for handler in script.handlers:
        run: list[str] = []
        for told in notifications:
            if told.handler != handler.name or told.key in _STEERING or told.is_repetition:
                continue
            word = told.key.removeprefix("default/")
            if told.tombstone or (told.initial and told.handler in late):
                run.append(word)
                continue
            words += [*sorted(run), word]
            run = []
        words += sorted(run)
    return " ".join(words)


def _once(words: Iterable[str], again: str = "") -> list[str]:
    """Return words in order; of those that come several times in a row, the first, and `again` if there is such.

    How often a resync comes, or a server without answers is asked, is a matter of time.
    """
    result: list[str] = []
    last = ""
    for word in words:
        if word != last:
            result.append(word)
        elif again and result[-1] != again:
            result.append(again)
        elif not again and not word.startswith("repeat "):
            result.append(word)
        last = word
    return result
