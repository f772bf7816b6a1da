"""A factory that nobody holds any more, and nobody has stopped."""

from __future__ import annotations

import gc
import threading
import warnings
from typing import Any

import pytest

from informers import NamespacedLister, ResourceEventHandlerFuncs, SharedInformerFactory
from informers.testing import APIServer
from tests.waiting import eventually


def own_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.endswith(("-pods", "-pods-1"))}


def start(server: APIServer, told: list[str]) -> SharedInformerFactory:
    factory = SharedInformerFactory(server.client())
    factory.core.v1.pods.informer.add_event_handler(
        ResourceEventHandlerFuncs(on_add=lambda pod: told.append(pod.metadata.name))
    )
    factory.core.v1.pods.informer.add_indexers({"node": lambda pod: [pod.spec.node_name]})
    factory.start()
    factory.wait_for_cache_sync(timeout=20).raise_if_unsynced()
    return factory


def drop(held: list[Any]) -> None:
    held.clear()
    gc.collect()


def pod(name: str) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "a", "image": "a"}]},
    }


def test_a_factory_that_is_dropped_unstopped_warns_and_ends_its_threads(caplog: pytest.LogCaptureFixture) -> None:
    with APIServer() as server:
        held = [start(server, [])]
        assert own_threads()
        with pytest.warns(ResourceWarning, match="the informer of pods ends.*call its stop"):
            drop(held)
        eventually(lambda: not own_threads())
        assert "keep the factory while it is needed" in caplog.text


def test_holding_a_lister_keeps_its_informer_alive() -> None:
    told: list[str] = []

    def lister_of(server: APIServer) -> NamespacedLister[Any]:
        return start(server, told).core.v1.pods.lister

    with APIServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        held = [lister_of(server)]
        gc.collect()
        server.create(pod("web-0"))
        eventually(lambda: told == ["web-0"] and held[0].list())
        with pytest.warns(ResourceWarning, match="the informer of pods ends"):
            drop(held)
        eventually(lambda: not own_threads())


def test_one_that_was_stopped_does_not_warn() -> None:
    with APIServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        held = [start(server, [])]
        held[0].stop()
        drop(held)
