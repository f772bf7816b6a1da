"""Callbacks for steps of the cache: for each step, for changes of one object, or for a version that is reached.

A waiting callback costs nothing until its condition may hold: it is stored under its object's key, or in the order of
its version. So a thousand waits do not slow down a step of the cache.

Upstream: none.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from math import inf
from typing import TypeAlias, final

from informers._base.exceptions import report
from informers._base.forks import new_lock
from informers.cache.versions import is_number, sort_key

__all__ = ["Observers"]

_log = logging.getLogger("informers.cache")

_Callback: TypeAlias = Callable[[], object]
#: Length and text of a version, a unique number, and the callback.
_Place: TypeAlias = tuple[int, str, int, _Callback]


@final
class Observers:
    """Callbacks by their condition. They run in the controller's thread, outside of all locks, and must be short.

    Thread safety: all methods may be called from any thread, and from within a callback.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._numbers = count()
        #: Under None those for each step.
        self._by_key: dict[str | None, dict[int, _Callback]] = {}
        #: Sorted places for each namespace (None: all).
        self._places: dict[str | None, list[_Place]] = {}

    @property
    def count(self) -> int:
        """Number of callbacks."""
        with self._lock:
            return sum(map(len, (*self._by_key.values(), *self._places.values())))

    def on_change(self, key: str | None, callback: _Callback) -> Callable[[], None]:
        """Call back when the object of this key may have changed, or after each step; return what ends this."""
        number = next(self._numbers)
        with self._lock:
            self._by_key.setdefault(key, {})[number] = callback

        def remove() -> None:
            with self._lock:
                waiting = self._by_key.get(key, {})
                waiting.pop(number, None)
                if not waiting:
                    self._by_key.pop(key, None)

        return remove

    def on_version(self, scope: str | None, version: str, callback: _Callback) -> Callable[[], None]:
        """Call back when a scope has reached a version, or no longer can; return a function that ends this."""
        place = (*sort_key(version), next(self._numbers), callback)
        with self._lock:
            insort(self._places.setdefault(scope, []), place)

        def remove() -> None:
            with self._lock:
                places = self._places.get(scope, [])
                at = bisect_left(places, place)
                if places[at : at + 1] == [place]:
                    del places[at]
                if not places:
                    self._places.pop(scope, None)

        return remove

    def moved(self, scopes: Mapping[str | None, str], keys: Iterable[str] | None) -> None:
        """Run the callbacks of a step.

        Args:
            scopes: the scopes that moved, with their version; empty if they are no longer followed.
            keys: keys of changed objects; None if any may have changed.
        """
        with self._lock:
            called: list[_Callback] = []
            if self._by_key:
                changed = self._by_key if keys is None else self._by_key.keys() & {None, *keys}
                called += [callback for key in changed for callback in self._by_key[key].values()]
            for scope, version in scopes.items() if self._places else ():
                places = self._places.get(scope, [])
                # A version without an order wakes every wait: each then checks for itself.
                end = bisect_right(places, (*sort_key(version), inf)) if is_number(version) else len(places)
                called += [callback for *_, callback in places[:end]]
        for callback in called:
            try:
                callback()
            except BaseException as error:  # noqa: BLE001  it may be a user's, and the cache goes on
                report(_log, error, "a callback on the progress of a cache failed")
