"""The first kind that a factory is asked for imports the official client's models, which takes its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from informers import SharedInformerFactory
from informers.cache.accessor import NamespacedKind
from informers.probes import ProbeServer
from informers.source._models import object_makers
from informers.testing import APIServer

LOAD = object_makers.load_model


class Import:
    """An import that takes until it is let go on."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self, name: str) -> Any:
        self.began.set()
        assert self.goes_on.wait(20)
        return LOAD(name)


@pytest.fixture
def slow_import(monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    slow = Import()
    object_makers._lazy.cache_clear()
    monkeypatch.setattr(object_makers, "load_model", slow)
    yield slow
    slow.goes_on.set()


def ask(factory: SharedInformerFactory) -> tuple[threading.Thread, list[NamespacedKind[Any]]]:
    """Ask for a kind in another thread."""
    found: list[NamespacedKind[Any]] = []
    thread = threading.Thread(target=lambda: found.append(factory.core.v1.pods))
    thread.start()
    return thread, found


def test_health_and_probes_do_not_wait_for_an_import(slow_import: Import) -> None:
    with APIServer() as server:
        factory = SharedInformerFactory(server.client())
        thread, found = ask(factory)
        assert slow_import.began.wait(10)
        assert str(factory.health()) == "no informers"
        assert "nothing yet" in repr(factory)
        assert factory.kinds == ()
        assert ProbeServer(factory, port=0)._readyz().status == 200
        slow_import.goes_on.set()
        thread.join()
        assert factory.kinds == tuple(found)


def test_a_call_meanwhile_gets_the_same_informer_and_every_namespace(slow_import: Import) -> None:
    with APIServer() as server:
        factory = SharedInformerFactory(server.client(), namespace=["shop"])
        asking = [ask(factory) for _ in range(4)]
        assert slow_import.began.wait(10)
        factory.add_namespace("bank")
        slow_import.goes_on.set()
        for thread, _ in asking:
            thread.join()
        assert len({id(found[0]) for _, found in asking}) == 1
        assert [watch.namespace for watch in factory.health().informers[0].watches] == ["shop", "bank"]
