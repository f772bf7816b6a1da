"""An hour of 200 changes a second over a network that fails at random: `make soak`.

`SOAK_SECONDS` says how long, `SOAK_SEED` repeats the same faults, `SOAK_RATE` is the changes in a second.
`SOAK_NAMESPACES` is how many are followed, each by a watch, and `SOAK_DESCRIPTORS` how many descriptors the process may
have, server and proxy included: four for each watch.
"""

from __future__ import annotations

import os
import random
import resource
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
from typing_extensions import Self

from informers import ReflectorOptions, SharedInformer
from informers.backoff import BackoffSettings
from informers.cache._reflector.watch_failures import WatchFailure
from informers.kinds import core
from informers.source.listwatch import ListWatch
from informers.source.restorer import restorer
from informers.testing import APIServer
from tests.faults.proxy import Close, Corrupt, Delay, Drip, Fault, Hang, Lost, Proxy, Reset
from tests.faults.rig import library_threads, plain_client
from tests.properties.history import History, versions

SECONDS = float(os.environ.get("SOAK_SECONDS", "3600"))
SEED = int(os.environ.get("SOAK_SEED", str(random.SystemRandom().randrange(10**6))))
RATE = float(os.environ.get("SOAK_RATE", "200"))
NAMESPACES = [f"namespace-{number}" for number in range(int(os.environ.get("SOAK_NAMESPACES", "1")))]
DESCRIPTORS = int(os.environ.get("SOAK_DESCRIPTORS", "0"))

CONFIG_MAPS = core.V1.config_maps
NAMES = [f"object-{number}" for number in range(500 // len(NAMESPACES))]
IDLE = 2.0
#: Seconds within which the informer must be whole after any fault: silence noticed, a pause, a list.
WHOLE_WITHIN = 30.0


class Writer:
    """Changes objects at random, so many a second, and counts what it did."""

    def __init__(self, server: APIServer, chance: random.Random) -> None:
        self._server = server
        self._chance = chance
        self._present: set[tuple[str, str]] = set()
        self._end = threading.Event()
        self.counts: dict[str, int] = defaultdict(int)
        self._thread = threading.Thread(target=self._run, name="soak-writer")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        start = time.monotonic()
        while not self._end.wait(max(0.0, start - time.monotonic())):
            for _ in range(round(RATE * 0.05)):
                self._change()
            start += 0.05

    def _change(self) -> None:
        name, namespace = self._chance.choice(NAMES), self._chance.choice(NAMESPACES)
        if (namespace, name) not in self._present:
            kind = "creations"
            metadata = {"namespace": namespace, "name": name}
            self._server.create({"metadata": metadata, "data": {"padding": "x" * 500}}, resource=CONFIG_MAPS)
            self._present.add((namespace, name))
        elif self._chance.random() < 0.25:
            kind = "deletions"
            self._server.delete(CONFIG_MAPS, name, namespace=namespace)
            self._present.discard((namespace, name))
        else:
            kind = "updates"
            change = {"data": {"number": str(self._chance.random())}}
            self._server.patch(CONFIG_MAPS, name, change, namespace=namespace)
        self.counts[kind] += 1


class Look:
    """Looks twenty times a second whether an informer says that it is live."""

    def __init__(self, informer: SharedInformer) -> None:
        self._informer = informer
        self._end = threading.Event()
        self._looks = self._not_live = 0
        self._thread = threading.Thread(target=self._run, name="soak-look")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def share(self) -> float:
        """Percent of the looks at which it was not live."""
        return 100.0 * self._not_live / max(1, self._looks)

    def _run(self) -> None:
        while not self._end.wait(0.05):
            self._looks += 1
            self._not_live += not self._informer.health().is_live


def faults(chance: random.Random) -> Iterator[Fault | Callable[[APIServer], object]]:
    """Yield what happens next, for ever: to the network, or to the server."""
    choices: list[Callable[[], Fault | Callable[[APIServer], object]]] = [
        Hang,
        Lost,
        Reset,
        Close,
        lambda: Hang(chance.randrange(20_000)),
        lambda: Reset(chance.randrange(20_000)),
        lambda: Close(chance.randrange(20_000)),
        lambda: Corrupt(chance.randrange(20_000), chance.randrange(100, 5_000)),
        lambda: Drip(chance.randrange(1, 300), 0.01),
        lambda: Delay(chance.uniform(0.01, 1.0)),
        lambda: APIServer.compact,
        lambda: APIServer.drop_watches,
        lambda: APIServer.drop_connections,
        lambda: refuse,
        lambda: deny,
    ]
    while True:
        yield chance.choice(choices)()


def refuse(server: APIServer) -> None:
    server.stop_accepting()
    time.sleep(1.0)
    server.resume_accepting()


def deny(server: APIServer) -> None:
    server.deny(CONFIG_MAPS)
    server.drop_watches()
    time.sleep(1.0)
    server.allow(CONFIG_MAPS)


def port_of(server: APIServer) -> int:
    return int(server.url.rpartition(":")[2])


def resident() -> float:
    """Return the memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def has_reached(informer: SharedInformer, version: int) -> bool:
    """Return whether an informer is live and has what the server had at a version."""
    health = informer.health()
    return health.is_live and all(int(watch.resource_version) >= version for watch in health.watches)


def descriptors() -> int:
    """Return how many this process has."""
    return len(list(Path("/dev/fd").iterdir()))


@contextmanager
def limited_descriptors() -> Generator[None]:
    """Let this process have no more than `SOAK_DESCRIPTORS` of them."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def wait_until_whole(whole: Callable[[], bool], informer: SharedInformer) -> float:
    start = time.monotonic()
    while not whole():
        assert time.monotonic() - start < WHOLE_WITHIN, f"not whole: {informer.health()}"
        time.sleep(0.02)
    return time.monotonic() - start


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 300)
def test_an_hour_of_faults_leaves_cache_memory_and_threads_as_they_should_be(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # pytest keeps what is logged, which would look like a leak.
    caplog.set_level("CRITICAL", "informers")
    chance = random.Random(SEED)
    failures: dict[str, int] = defaultdict(int)

    def failed(failure: WatchFailure) -> None:
        failures[type(failure.error).__name__] += 1

    with (
        limited_descriptors(),
        APIServer(bookmark_interval=0.5, history=20_000, namespaces=NAMESPACES) as server,
        Proxy(port_of(server)) as proxy,
    ):
        client = plain_client(proxy.port)
        silence = {"connect_timeout": IDLE, "idle_timeout": IDLE, "streaming_timeout": IDLE, "list_timeout": IDLE}
        informer: SharedInformer = SharedInformer(
            {name: ListWatch(client, CONFIG_MAPS, namespace=name, **silence) for name in NAMESPACES},
            resource="configmaps",
            restore=restorer(CONFIG_MAPS),
            watch_error_handler=failed,
            options=ReflectorOptions(backoff=BackoffSettings(initial=0.1, maximum=1.0), min_watch_timeout=20.0),
        )
        history, slow = History(), History(lambda _: time.sleep(0.001))
        for handler in (history, slow):
            informer.add_event_handler(handler)
        informer.start()
        report = run(server, proxy, informer, [history, slow], chance)
        assert informer.stop(timeout=5.0)
        client.close()
        assert library_threads() == set()
        assert [*history.broken, *slow.broken] == []
    with capsys.disabled():
        print(f"\nsoak of {SECONDS:g} s, seed {SEED}")
        print(report)
        print("failures told: " + ", ".join(f"{count} {name}" for name, count in sorted(failures.items())))


def run(
    server: APIServer, proxy: Proxy, informer: SharedInformer, handlers: list[History], chance: random.Random
) -> str:
    """Let it all happen; return the figures."""
    memory: list[float] = []
    threads: list[int] = []
    recoveries: dict[str, list[float]] = defaultdict(list)
    most_descriptors = 0
    base = 1 + len(NAMESPACES) + len(handlers)
    script = faults(chance)
    deadline = time.monotonic() + SECONDS
    with Writer(server, chance) as writer, Look(informer) as look:
        while time.monotonic() < deadline:
            fault = next(script)
            if callable(fault):
                fault(server)
                name = fault.__name__
            else:
                name = type(fault).__name__
                proxy.strike(fault, existing=chance.random() < 0.7)
                time.sleep(chance.uniform(0.1, 5.0))
                # What drips or is late goes on for ever, if it is let.
                proxy.heal(existing=isinstance(fault, (Drip, Delay)))
            version = int(server.resource_version)
            recoveries[name].append(wait_until_whole(lambda: has_reached(informer, version), informer))  # noqa: B023  called at once
            memory.append(resident())
            threads.append(len(library_threads()))
            most_descriptors = max(most_descriptors, descriptors())
            server.requests.clear()
            time.sleep(chance.uniform(0.0, 2.0))
        proxy.heal(existing=True)
    there = versions(server.list(CONFIG_MAPS))

    def is_whole() -> bool:
        cached = {record.key: record.resource_version for record in informer.indexer.records()}
        return cached == there and all(handler.present == there for handler in handlers)

    wait_until_whole(is_whole, informer)
    # A connection that is being made has a thread of its own.
    assert max(threads) <= base + len(NAMESPACES), f"{max(threads)} threads, at first {base}"
    third = max(1, len(memory) // 3)
    early, late = median(memory[third : 2 * third] or memory), median(memory[-third:])
    assert late <= 1.1 * early + 5, f"memory grew from {early:.1f} to {late:.1f} MiB"
    watches = informer.health().watches
    lists, opened, failed = (
        sum(getattr(watch, name) for watch in watches) for name in ("lists", "watches", "failures")
    )
    lines = [
        f"changes: {', '.join(f'{count} {kind}' for kind, count in sorted(writer.counts.items()))}",
        *(f"told: {dict(sorted(handler.counts.items()))}" for handler in handlers),
        f"connections {proxy.accepted}, lists {lists}, watches {opened}, failures {failed}",
        f"not live {look.share:.1f} % of the time",
        f"memory {early:.1f} MiB in the second third, {late:.1f} MiB in the last",
        f"threads at most {max(threads)}, descriptors at most {most_descriptors} of {DESCRIPTORS or 'any number'}",
        "seconds until whole again, median and worst:",
        *(
            f"  {name:17} {len(times):5} times  {median(times):6.2f} {max(times):6.2f}"
            for name, times in sorted(recoveries.items())
        ),
    ]
    return "\n".join(lines)
