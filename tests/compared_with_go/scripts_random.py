"""Scripts that are drawn at random: a server that lives, breaks and forgets, and two handlers that are told of it.

All is decided here, from the seed: both sides get the same. They keep to what a server may do; what it may not is for
the other scripts. Every other informer has a resync period that never comes: then both tell what is unchanged.
"""

from __future__ import annotations

import random
from typing import Any, final

from tests.compared_with_go.scripts_lists import END, EXPIRED
from tests.compared_with_go.vocabulary import (
    Answer,
    Handler,
    Items,
    Line,
    Proceed,
    Reset,
    Script,
    Status,
    Stream,
    Then,
    added,
    bookmark,
    deleted,
    end_of_list,
    error,
    modified,
    pod,
)

__all__ = ["SCRIPTS"]

_COUNT = 100
_NAMES = ("a", "b", "c", "d", "e")
_HIDDEN = {"passes": "no"}
#: What a watch and a list may be refused with.
_REFUSALS = (
    Status(410, "Expired"),
    Status(403, "Forbidden"),
    Status(429, "TooManyRequests"),
    Status(500, "InternalError"),
)
_FAILURES = (*_REFUSALS[1:], Reset())
#: Pauses double with each failure.
_MOST_FAILURES = 2


@final
class _Server:
    """What a server has, and what it says while that changes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._version = 10
        self._births = 0
        self._pods: dict[str, dict[str, Any]] = {}
        self._failures = 0
        self.has_acted = False
        self._is_filled = False
        self.is_streaming = self._random.random() < 0.5
        self.page_size = self._random.choice((0, 0, 2))
        self.lists: list[Answer] = []
        self.watches: list[Answer] = []
        self.streams: list[Answer] = []

    def live(self) -> None:
        """Write the script."""
        for _ in range(self._random.randrange(5)):
            self._change()
        lines = self._list()
        for _ in range(self._random.randint(1, 5)):
            lines = self._break([*lines, *self._happen(), *self._act()])
        self._answer([*lines, *self._happen(), *self._act(), *self._happen(), END], Then.HOLD)

    def _change(self) -> Line:
        """Change something; return the event that tells of it."""
        self._version += 1
        name = self._random.choice(_NAMES)
        labels = _HIDDEN if self._random.random() < 0.3 else None
        old = self._pods.get(name)
        if old is None:
            self._births += 1
            self._pods[name] = pod(name, self._version, uid=f"{name}-{self._births}", labels=labels)
            return added(self._pods[name])
        new = pod(name, self._version, uid=old["metadata"]["uid"], labels=labels)
        if self._random.random() < 0.4:
            del self._pods[name]
            return deleted({**old, "metadata": {**old["metadata"], "resourceVersion": str(self._version)}})
        self._pods[name] = new
        return modified(new)

    def _happen(self) -> list[Line]:
        lines = [self._change() for _ in range(self._random.randint(1, 4))]
        if self._random.random() < 0.3:
            self._version += 1
            lines.append(bookmark(self._version))
        return lines

    def _act(self) -> list[Line]:
        """Let the second handler in, once."""
        if self.has_acted or self._random.random() < 0.6:
            return []
        self.has_acted = True
        self._version += 1
        act = pod("act", self._version)
        self._pods["act"] = act
        return [added(act), Proceed()]

    def _break(self, lines: list[Line]) -> list[Line]:
        """End the watch by one of many ways; return what the next one begins with."""
        way = self._random.choice(("end", "end", "cut", "busy", "forget", "forget", "fail", "refuse"))
        if self._failures == _MOST_FAILURES:
            way = "end"
        self._failures += way != "end"
        ends = {"busy": [error(429, "TooManyRequests")], "forget": [EXPIRED], "fail": [error(500, "InternalError")]}
        self._answer([*lines, *ends.get(way, [])], Then.CUT if way == "cut" else Then.END)
        if way == "refuse":
            refusal = self._random.choice(_REFUSALS)
            self.watches.append(refusal)
            if refusal.code == 429:
                return []
        if way in {"forget", "fail", "refuse"}:
            for _ in range(self._random.randrange(6)):
                self._change()
            return self._list()
        return []

    def _answer(self, lines: list[Line], then: Then) -> None:
        begins_with_list = any(isinstance(line, dict) and _is_end_of_list(line) for line in lines)
        (self.streams if begins_with_list else self.watches).append(Stream(*lines, then=then))

    def _list(self) -> list[Line]:
        """List: in pages; or return what a stream begins with."""
        items = [self._pods[name] for name in sorted(self._pods)]
        if self.is_streaming:
            lines: list[Line] = [added(item) for item in items]
            if self._random.random() < 0.3:
                lines += self._happen()
            return [*lines, end_of_list(self._version)]
        if self._failures < _MOST_FAILURES and self._random.random() < 0.2:
            self._failures += 1
            self.lists.append(self._random.choice(_FAILURES))
        # From the second on lists are at a version: then client-go asks for no pages, but for all.
        size = 0 if self._is_filled else self.page_size
        self._is_filled = True
        pages = [items[at : at + size] for at in range(0, len(items), size)] if size and items else [items]
        for number, page in enumerate(pages, 2):
            token = f"page-{number}" if number <= len(pages) else ""
            self.lists.append(Items(*page, version=self._version, token=token))
        return []


def _is_end_of_list(line: dict[str, Any]) -> bool:
    return line["type"] == "BOOKMARK" and "annotations" in line["object"]["metadata"]


def _script(seed: int) -> Script:
    server = _Server(seed)
    server.live()
    resyncs = seed // 4 % 2 == 0
    return Script(
        name=f"random {seed}",
        lists=tuple(server.lists),
        watches=tuple(server.watches) or (Status(500, "InternalError"),),
        streams=tuple(server.streams),
        client=("typed", "typed", "dynamic", "metadata")[seed % 4],
        resync=600.0 if resyncs else 0.0,
        tells_repeats=resyncs,
        handlers=(
            Handler(name="all"),
            Handler(name="some", filters=True),
            *([Handler(name="late", late=True)] if server.has_acted else []),
        ),
    )


SCRIPTS = tuple(_script(seed) for seed in range(_COUNT))
