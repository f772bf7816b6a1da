"""Limits how many lists run at a time; kinds take turns.

Upstream: none; client-go has a rate limit for all requests of a client, which delays watches, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import final

from informers._base.checks import check_count
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.forks import OfOneProcess, new_lock, on_fork
from informers._base.signals import Signal
from informers.errors import ConfigurationError

__all__ = ["ListTurns", "check_list_turns"]

#: Seconds after which a running list no longer counts: it may hang.
_LONGEST = 5.0


@final
class ListTurns(OfOneProcess):
    """How many lists are made at the same time: those of one factory, or of all that are given this object.

    A factory of 500 namespaces makes 500 lists when it starts, and again when the server has lost its history. The
    limit avoids a burst of threads, connections and load on the server. Kinds take turns, so that a kind with many
    namespaces does not delay the others. A list that takes longer than five seconds goes on, but no longer counts. A
    failed list that waits for its next try does not count.

    Args:
        at_once: the number of lists.
        clock: measures how long a list takes.

    Raises:
        ConfigurationError: `at_once` is not a whole number of at least one.

    Example:
        >>> from informers import ListTurns
        >>> ListTurns(4)
        <ListTurns 4 at once, 0 under way, 0 waiting>

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, at_once: int = 16, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._at_once = check_count("at_once", at_once, at_least=1)
        self._clock = clock
        self._lock = new_lock()
        #: When each running turn began, the oldest first.
        self._under_way: dict[Signal, float] = {}
        #: By kind, with what wakes each; the next kind is first.
        self._waiting: OrderedDict[str, OrderedDict[Signal, Callable[[], object]]] = OrderedDict()
        self._holds: set[object] = set()
        on_fork(self._forked)

    def __repr__(self) -> str:
        with self._lock:
            waiting = sum(map(len, self._waiting.values()))
            return f"<ListTurns {self._at_once} at once, {len(self._under_way)} under way, {waiting} waiting>"

    @contextmanager
    def asked(self, kind: str, wake: Callable[[], object]) -> Generator[Signal]:
        """Yield a turn, which is set when it has come; it ends with the block.

        While it has not come, call `look` after each wake, and after `patience`: other lists may hang.

        Args:
            kind: turns of one kind come in the order of their requests.
            wake: called, perhaps in another thread, when the turn has come, or lists are no longer held; it must not
                wait.
        """
        turn = Signal(clock=self._clock)
        turn.add_callback(wake)
        with self._lock:
            self._waiting.setdefault(kind, OrderedDict())[turn] = wake
        self.look()
        try:
            yield turn
        finally:
            self._end(kind, turn)

    @contextmanager
    def held(self) -> Generator[None]:
        """Let no list begin within the block, so that many can ask before the first begins."""
        hold = object()
        with self._lock:
            self._holds.add(hold)
        try:
            yield
        finally:
            with self._lock:
                self._holds.discard(hold)
            self.look()
            with self._lock:
                # They have waited without a time limit so far.
                wakes = [wake for turns in self._waiting.values() for wake in turns.values()]
            for wake in wakes:
                wake()

    def patience(self) -> float | None:
        """Return the seconds until a waiting list must `look`; None while lists are held: then it will be woken."""
        with self._lock:
            return None if self._holds else _LONGEST

    def look(self) -> None:
        """Begin the turns that have come."""
        begun: list[Signal] = []
        now = self._clock.monotonic()
        with self._lock:
            while self._waiting and self._has_room_locked(now):
                kind, turns = next(iter(self._waiting.items()))
                turn, _ = turns.popitem(last=False)
                self._waiting.move_to_end(kind)
                if not turns:
                    del self._waiting[kind]
                self._under_way[turn] = now
                begun.append(turn)
        for turn in begun:
            turn.set()

    def _has_room_locked(self, now: float) -> bool:
        if self._holds:
            return False
        if len(self._under_way) < self._at_once:
            return True
        turn, since = next(iter(self._under_way.items()))
        if now - since < _LONGEST:
            return False
        del self._under_way[turn]
        return True

    def _end(self, kind: str, turn: Signal) -> None:
        with self._lock:
            self._under_way.pop(turn, None)
            turns = self._waiting.get(kind, OrderedDict())
            turns.pop(turn, None)
            if not turns:
                self._waiting.pop(kind, None)
        self.look()

    def _forked(self, _parent: int) -> tuple[int, ...]:
        """Forget all turns in a forked child: they belong to the parent."""
        self._under_way, self._waiting, self._holds = {}, OrderedDict(), set()
        return ()


def check_list_turns(list_turns: object) -> ListTurns | None:
    """Return the argument if it is `ListTurns` or None."""
    if list_turns is None or isinstance(list_turns, ListTurns):
        return list_turns
    raise ConfigurationError(f"list_turns must be ListTurns, for example ListTurns(4): got {list_turns!r}")
