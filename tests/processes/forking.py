"""A program that is busy with informers and forks children meanwhile; prints as JSON what came of it.

In a process of its own: pytest's has much else in it, and Python 3.12 warns of every fork beside threads.
"""

from __future__ import annotations

import faulthandler
import functools
import gc
import json
import os
import stat
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from kubernetes import client

from informers import ForkedError, ListTurns, SharedInformerFactory, Signal
from informers.probes import ProbeServer
from informers.workqueue import Queue

#: Seconds that a child may take: only one that hangs takes longer.
PATIENCE = 20.0


def main(host: str, count: int) -> dict[str, Any]:
    """Fork this many children, each in the midst of what other threads do."""
    turns = ListTurns(1)
    factory = SharedInformerFactory(
        client.ApiClient(client.Configuration(host=host)), default_resync=0.05, list_turns=turns
    )
    maps, secrets = factory.core.v1.config_maps, factory.core.v1.secrets
    over = threading.Event()
    queue: Queue[str] = Queue()
    #: An object that all threads read, some for the first time.
    shared: list[Any] = []
    maps.informer.add_event_handler(Follower(queue, shared))
    with factory, ProbeServer(factory, port=0) as probes:
        factory.wait_for_cache_sync(timeout=20).raise_if_unsynced()
        threads = [threading.Thread(target=read, args=(factory, queue, shared, over)) for _ in range(2)]
        for thread in threads:
            thread.start()
        before = watched(factory)
        # The parent's turn is not waited for in a child.
        with turns.asked("the parent's", lambda: None):
            failures = [
                fork(number, functools.partial(inherit, number, host, factory, turns, queue, shared, probes))
                for number in range(count)
            ]
        over.set()
        for thread in threads:
            thread.join()
        after = watched(factory)
        health = factory.health()
        return {
            "children": count,
            "failures": [failure for failure in failures if failure],
            "watches and failures before": before,
            "watches and failures after": after,
            "live": health.is_live,
            "synced": maps.informer.has_synced and secrets.informer.has_synced,
        }


class Follower:
    """A handler: adds keys to a queue, and shares what it gets."""

    def __init__(self, queue: Queue[str], shared: list[Any]) -> None:
        self._queue = queue
        self._shared = shared

    def on_add(self, obj: Any, is_in_initial_list: bool) -> None:
        self._queue.add(obj.metadata.name)

    def on_update(self, old: Any, new: Any) -> None:
        self._shared[:] = [new]
        self._queue.add(new.metadata.name)

    def on_delete(self, obj: Any) -> None:
        self._queue.add(str(obj))


def read(factory: SharedInformerFactory, queue: Queue[str], shared: list[Any], over: threading.Event) -> None:
    """Do whatever takes a lock."""
    maps = factory.core.v1.config_maps
    while not over.is_set():
        for obj in [*maps.lister.namespace("default").list(label_selector="app=web"), *shared]:
            _ = obj.data, obj.metadata.labels
        factory.health()
        while len(queue):
            queue.done(queue.get(timeout=1))
        signal = Signal()
        signal.add_callback(over.is_set)
        signal.set()


def fork(number: int, look: Callable[[], object]) -> str:
    """Return what went wrong in a child; empty if nothing did."""
    with tempfile.TemporaryFile() as file:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            code = 1
            faulthandler.dump_traceback_later(PATIENCE, file=file, exit=True)
            try:
                look()
                code = 0
            except BaseException:  # noqa: BLE001  told to the parent
                file.write(traceback.format_exc().encode())
                file.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        file.seek(0)
        return f"child {number}: {file.read().decode() or status}" if status else ""


def inherit(
    number: int,
    host: str,
    factory: SharedInformerFactory,
    turns: ListTurns,
    queue: Queue[str],
    shared: list[Any],
    probes: ProbeServer,
) -> None:
    """Do, in a child, what somebody may do there who does not know of the fork, and what is right."""
    maps, owner = factory.core.v1.config_maps, os.getppid()
    sockets = [path for path in Path("/dev/fd").iterdir() if is_socket(int(path.name))]
    assert not sockets, "its parent's connections are open"
    for text in (str(factory.health()), repr(factory), repr(maps.informer), maps.informer.why_not_synced()):
        assert f"process {owner}" in text, text
    assert not factory.health().is_live
    assert not factory.health().is_synced
    assert not maps.informer.has_synced
    assert not maps.informer.has_listed(None)
    assert not maps.informer.resource_version_of(None)
    assert not factory.wait_for_cache_sync(timeout=None)
    for act in (
        factory.start,
        maps.informer.start,
        maps.informer.relist,
        maps.lister.list,
        lambda: maps.lister.namespace("default").get("map-0"),
        lambda: maps.informer.indexer.get("default/map-0"),
        lambda: "default/map-0" in maps.informer.indexer,
        lambda: len(maps.informer.indexer),
        lambda: maps.informer.indexer.by_index("namespace", "default"),
        lambda: maps.informer.add_event_handler(Follower(queue, shared)),
        lambda: factory.core.v1.nodes,
    ):
        refuse(act, owner)
    for obj in shared:
        _ = obj.data, obj.metadata.labels, obj.metadata.managed_fields
        assert obj.to_dict()["metadata"]["name"]
    queue.add("of the child")
    while queue.get(timeout=1) != "of the child":
        pass
    probes.stop()
    assert repr(probes).endswith(":0>"), "it does not listen here"
    if number % 10 == 0:
        with ProbeServer(factory, port=0) as own_probes:
            assert f"belongs to process {owner}" in unready(own_probes)
    assert factory.stop()
    assert maps.informer.stop()
    with factory_block(factory):
        pass
    if number % 10 == 0:
        # What the parent's threads had in hand is let go of here.
        gc.collect()
        own_client = client.ApiClient(client.Configuration(host=host))
        with SharedInformerFactory(own_client, list_turns=turns) as own:
            pods = own.core.v1.config_maps
            own.start()
            own.wait_for_cache_sync(timeout=4).raise_if_unsynced()
            assert pods.lister.namespace("default").get("map-0").data
            assert own.health().is_synced


class factory_block:  # noqa: N801  stands for `with factory:`, whose beginning was in the parent
    """The end of a block that began before the fork."""

    def __init__(self, factory: SharedInformerFactory) -> None:
        self._factory = factory

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None:
        self._factory.__exit__(*error)


def refuse(act: Callable[[], object], owner: int) -> None:
    try:
        act()
    except ForkedError as error:
        is_said = f"belongs to process {owner}" in str(error) and "Make a factory in this process" in str(error)
    else:
        is_said = False
    assert is_said, f"{act} does not say that it belongs to another process, and what to do"


def unready(probes: ProbeServer) -> str:
    """Return why it is not ready."""
    try:
        urlopen(f"http://127.0.0.1:{probes.port}/readyz", timeout=10)
    except HTTPError as error:
        return error.read().decode() if error.code == 503 else str(error)
    return "it is ready"


def is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def watched(factory: SharedInformerFactory) -> list[tuple[int, int]]:
    return [(watch.watches, watch.failures) for informer in factory.health().informers for watch in informer.watches]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
