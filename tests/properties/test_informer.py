"""A whole informer against the server's storage, through everything that may happen to the two."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from threading import Condition
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from informers import ReflectorOptions, SharedInformer, object_key
from informers._base.clock import SYSTEM_CLOCK
from informers.backoff import BackoffSettings
from informers.cache._reflector.watch_failures import NextStep, WatchFailure
from informers.cache.health import WatchHealth
from informers.cache.registration import Registration
from informers.errors import StatusError
from informers.kinds import core
from informers.source.listwatch import ListWatch
from informers.source.restorer import restorer
from informers.testing import APIServer
from tests.faults.rig import eventually, plain_client
from tests.properties.history import History, Seen, uid_of, versions
from tests.properties.profile import TIMES, histories

CONFIG_MAPS = core.V1.config_maps
KEYS = st.sampled_from([f"{namespace}/{name}" for namespace in ("default", "kube-system") for name in "abc"])


class FastClock:
    """Time passes a hundred times as fast, so that no pause of the library's is felt."""

    def monotonic(self) -> float:
        return 100 * SYSTEM_CLOCK.monotonic()

    def time(self) -> float:
        return SYSTEM_CLOCK.time()

    def wait(self, condition: Condition, timeout: float | None) -> None:
        SYSTEM_CLOCK.wait(condition, None if timeout is None else timeout / 100)


def fail(seen: Seen) -> None:
    raise RuntimeError(f"a handler that raises, on {seen.key}")


REACTIONS = {"quick": lambda _: None, "slow": lambda _: time.sleep(0.001), "raising": fail}


class Watcher:
    """A handler, and the events that it must have been told of."""

    def __init__(self, reaction: str) -> None:
        self.history = History(REACTIONS[reaction], keep=True)
        self.expected: list[Seen] = []
        self.registration: Registration[Any] | None = None

    @property
    def has_caught_up(self) -> bool:
        return len(self.history.events) >= len(self.expected)


def by_key(events: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Return the history of each object: what lists change at once is told in no particular order."""
    found: dict[str, list[Seen]] = defaultdict(list)
    for event in events:
        found[event.key].append(event)
    return dict(found)


class InformerMachine(RuleBasedStateMachine):
    """What is told, event by event, is what was done, or after a list what it differs in.

    `cached` is the state that was told last; `missed` are the events since then, while the informer is cut off.
    """

    @initialize(streaming=st.booleans(), resync=st.booleans(), page_size=st.sampled_from([0, 1]))
    def begin(self, streaming: bool, resync: bool, page_size: int) -> None:
        self.failures: list[WatchFailure] = []
        self.server = APIServer(streaming_lists=streaming)
        self.server.start()
        self.client = plain_client(int(self.server.url.rpartition(":")[2]))
        self.informer: SharedInformer[Any] = SharedInformer(
            ListWatch(self.client, CONFIG_MAPS),
            resource="configmaps",
            resync_period=2.0 if resync else 0.0,
            restore=restorer(CONFIG_MAPS),
            watch_error_handler=self.failures.append,
            options=ReflectorOptions(backoff=BackoffSettings(initial=0.2, maximum=0.4), page_size=page_size),
            clock=FastClock(),
        )
        self.cached: dict[str, str] = {}
        self.uids: dict[str, str] = {}
        self.missed: list[Seen] = []
        self.watchers: list[Watcher] = []
        self.cut_by = ""
        self.compacted = 0
        self.add_handler("quick")
        self.informer.start()
        eventually(lambda: self.informer.health().is_live, "says that it is live")

    def teardown(self) -> None:
        if not hasattr(self, "informer"):
            return
        start = time.monotonic()
        ended = self.informer.stop(timeout=5.0)
        lasted = time.monotonic() - start
        self.client.close()
        self.server.stop()
        assert ended
        assert lasted < 1.0
        assert [complaint for watcher in self.watchers for complaint in watcher.history.broken] == []

    def happened(self, kind: str, key: str, version: str, uid: str) -> None:
        event = Seen(kind, key, version, uid)
        if self.cut_by:
            self.missed.append(event)
        else:
            self.tell([event])

    def tell(self, events: Sequence[Seen]) -> None:
        for event in events:
            if event.type in {"delete", "tombstone"}:
                self.cached.pop(event.key)
            else:
                self.cached[event.key] = event.version
                self.uids[event.key] = event.uid
        for watcher in self.watchers:
            watcher.expected += events

    def settle(self) -> None:
        """Wait until everything that is to be told has been, and see that it was that and nothing else."""
        eventually(
            lambda: all(watcher.has_caught_up for watcher in self.watchers) and self.in_cache() == self.cached,
            lambda: (
                f"quiet: expected {self.cached} in the cache, and {[len(w.expected) for w in self.watchers]} "
                f"events; there are {self.in_cache()} and {[len(w.history.events) for w in self.watchers]}"
            ),
            timeout=5.0,
        )
        for watcher in self.watchers:
            assert by_key(watcher.history.events) == by_key(watcher.expected)
            assert watcher.history.present == self.cached
            assert watcher.history.broken == []

    @property
    def watch(self) -> WatchHealth:
        (watch,) = self.informer.health().watches
        return watch

    def follows_again(self, before: WatchHealth) -> None:
        """Wait until it follows the server: a list in the midst of writes would tell less than all of them.

        A watch from a version that has been forgotten is opened before it is refused: then it is the list that counts.
        """
        is_forgotten = int(before.resource_version) < self.compacted

        def has_opened_another() -> bool:
            now = self.watch
            return now.is_live and now.watches > before.watches and (now.lists > before.lists or not is_forgotten)

        eventually(has_opened_another, lambda: f"watches again: {before} then {self.watch}")

    def in_cache(self) -> dict[str, str]:
        return {record.key: record.resource_version for record in self.informer.indexer.records()}

    @rule(key=KEYS)
    def write(self, key: str) -> None:
        """Create an object, or change the one that is there."""
        namespace, name = key.split("/")
        there = versions(self.server.list(CONFIG_MAPS))
        if key in there:
            obj = self.server.patch(CONFIG_MAPS, name, {"data": {"after": there[key]}}, namespace=namespace)
        else:
            obj = self.server.create({"metadata": {"namespace": namespace, "name": name}}, resource=CONFIG_MAPS)
        self.happened("update" if key in there else "add", key, obj["metadata"]["resourceVersion"], uid_of(obj))

    @precondition(lambda self: self.server.list(CONFIG_MAPS))
    @rule(number=st.integers(0, 5), again=st.booleans())
    def remove(self, number: int, again: bool) -> None:
        """Delete an object, and perhaps create another one under its name."""
        there = {object_key(obj): obj for obj in self.server.list(CONFIG_MAPS)}
        key = sorted(there)[number % len(there)]
        namespace, name = key.split("/")
        self.server.delete(CONFIG_MAPS, name, namespace=namespace)
        self.happened("delete", key, self.server.resource_version, uid_of(there[key]))
        if again:
            self.write(key)

    @rule()
    def write_something_else(self) -> None:
        """Move the version on, as writes of other kinds do."""
        self.server.advance_version()

    @precondition(lambda self: len(self.watchers) < 4)
    @rule(reaction=st.sampled_from(sorted(REACTIONS)))
    def add_handler(self, reaction: str) -> None:
        """Whoever comes late is told of what is in the cache as adds."""
        self.settle()
        watcher = Watcher(reaction)
        watcher.expected = [Seen("add", key, version, self.uids[key]) for key, version in self.cached.items()]
        watcher.registration = self.informer.add_event_handler(watcher.history)
        self.watchers.append(watcher)

    @precondition(lambda self: len(self.watchers) > 1)
    @rule(number=st.integers(0, 3))
    def remove_handler(self, number: int) -> None:
        """Who leaves has been told of a beginning of what happened."""
        watcher = self.watchers.pop(number % len(self.watchers))
        assert watcher.registration is not None
        self.informer.remove_event_handler(watcher.registration)
        assert watcher.registration.join(timeout=5.0)
        told, expected = by_key(watcher.history.events), by_key(watcher.expected)
        for key, events in told.items():
            assert events == expected[key][: len(events)]
        assert watcher.history.broken == []

    @precondition(lambda self: not self.cut_by)
    @rule()
    def break_connections(self) -> None:
        """A watch that breaks goes on where it was."""
        self.settle()
        before = self.watch
        self.server.drop_connections()
        self.follows_again(before)

    @precondition(lambda self: not self.cut_by)
    @rule()
    def end_watches(self) -> None:
        """So does one that ends in good order; or a list follows, which finds nothing that is new."""
        self.settle()
        before = self.watch
        self.server.drop_watches()
        self.follows_again(before)

    @precondition(lambda self: not self.cut_by)
    @rule()
    def restart(self) -> None:
        """A server that restarts breaks the connections, and forgets the versions from before."""
        self.settle()
        before = self.watch
        self.compacted = int(self.server.resource_version)
        self.server.restart()
        self.follows_again(before)

    @precondition(lambda self: not self.cut_by)
    @rule()
    def cut_off(self) -> None:
        """The server can't be reached."""
        self.settle()
        self.failures.clear()
        self.server.stop_accepting()
        self.cut_by = "network"
        eventually(lambda: self.failures and not self.informer.health().is_live, "says that it is stale")

    @precondition(lambda self: not self.cut_by)
    @rule()
    def deny(self) -> None:
        """The permission is gone. What follows once it is back is a list."""
        self.settle()
        self.failures.clear()
        self.server.deny(CONFIG_MAPS)
        self.server.drop_connections()
        self.cut_by = "permission"
        eventually(
            lambda: any(isinstance(failure.error, StatusError) for failure in list(self.failures)),
            "says that it may not",
        )

    @rule()
    def compact(self) -> None:
        """The server forgets its history: who has not seen all of it can only list."""
        if not self.cut_by:
            self.settle()
        self.server.compact()
        self.compacted = int(self.server.resource_version)

    @precondition(lambda self: self.cut_by)
    @rule(forget=st.booleans())
    def come_back(self, forget: bool) -> None:
        """What was missed is told: event by event, or in sum, with tombstones for what is gone."""
        if forget:
            self.compact()
        before = self.watch
        if self.cut_by == "network":
            self.server.resume_accepting()
        else:
            self.server.allow(CONFIG_MAPS)
        self.cut_by = ""
        missed, self.missed = self.missed, []
        # A watch that ended at once, in good order, is followed by a list too.
        must_list = any(failure.next_step is not NextStep.WATCH for failure in list(self.failures))
        if must_list or int(before.resource_version) < self.compacted:
            listed = self.server.list(CONFIG_MAPS)
            there, uids = versions(listed), {object_key(obj): uid_of(obj) for obj in listed}
            # One uid, one history: what was made anew under its name is told as two objects.
            stays = {key for key in self.cached if uids.get(key) == self.uids[key]}
            missed = [
                Seen("tombstone", key, version, self.uids[key])
                for key, version in self.cached.items()
                if key not in stays
            ]
            for key, version in there.items():
                if key not in stays or self.cached[key] != version:
                    missed.append(Seen("update" if key in stays else "add", key, version, uids[key]))
        self.tell(missed)
        self.follows_again(before)
        self.settle()

    @invariant()
    def nothing_is_against_the_contract(self) -> None:
        for watcher in getattr(self, "watchers", ()):
            assert watcher.history.broken == []


TestInformer = pytest.mark.timeout(60 + 30 * TIMES)(InformerMachine.TestCase)
TestInformer.settings = histories(150)
