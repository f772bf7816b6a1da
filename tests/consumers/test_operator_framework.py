"""An operator framework's watching, while kinds, namespaces and watches come and go."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from informers import NamespacedResource
from informers.kinds import apiextensions, core
from informers.testing import APIServer, Lag
from tests.aio.looping import run, until
from tests.consumers.operator_framework import Framework
from tests.waiting import QUICK
from tests.widgets import WIDGETS, definition

GIZMOS: NamespacedResource[dict[str, Any]] = NamespacedResource("example.com", "v1", "gizmos", "Gizmo")


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        namespace(running, "red")
        yield running


def namespace(server: APIServer, name: str) -> None:
    server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"operated": "yes"}}})


def made(server: APIServer, resource: NamespacedResource[Any], name: str, namespace: str = "red", **spec: Any) -> None:
    metadata = {"name": name, "namespace": namespace}
    server.create({"apiVersion": "example.com/v1", "kind": resource.kind, "metadata": metadata, "spec": spec})


class Calls:
    """A handler that writes down what it is called with."""

    def __init__(self) -> None:
        self.sizes: defaultdict[str, list[int]] = defaultdict(list)
        self.running: set[str] = set()

    async def __call__(self, obj: dict[str, Any], _patch: Any) -> None:
        key = f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
        assert key not in self.running, "one object is in two pairs of hands"
        self.running.add(key)
        await asyncio.sleep(0)
        self.sizes[key].append(obj["spec"].get("size", 0))
        self.running.remove(key)


@asynccontextmanager
async def operating(server: APIServer, **handlers: Any) -> AsyncIterator[Framework]:
    by_kind = {("example.com", plural): handler for plural, handler in handlers.items()}
    framework = Framework(server.client(), by_kind, label="operated=yes", options=QUICK)
    stop = asyncio.Event()
    running = asyncio.create_task(framework.run(stop))
    try:
        yield framework
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


def test_kinds_are_watched_as_they_come_and_no_longer_when_they_go(server: APIServer) -> None:
    widgets, gizmos = Calls(), Calls()

    async def main() -> None:
        server.create(definition("Widget"))
        made(server, WIDGETS, "first")
        async with operating(server, widgets=widgets, gizmos=gizmos) as framework:
            await until(lambda: widgets.sizes["red/first"])
            assert set(framework.watched) == {("example.com", "widgets")}
            server.create(definition("Gizmo"))
            made(server, GIZMOS, "first")
            await until(lambda: gizmos.sizes["red/first"])
            for _ in range(3):
                server.delete(apiextensions.V1.custom_resource_definitions, "gizmos.example.com")
                await until(lambda: set(framework.watched) == {("example.com", "widgets")})
                gizmos.sizes.clear()
                server.create(definition("Gizmo"))
                made(server, GIZMOS, "second")
                await until(lambda: gizmos.sizes["red/second"])
            await asyncio.to_thread(server.wait_for_watchers, GIZMOS, 1)
        server.wait_for_watchers(count=0)

    run(main)


def test_namespaces_are_followed_as_they_come_and_no_longer_when_they_go_or_lose_their_label(server: APIServer) -> None:
    widgets = Calls()

    async def main() -> None:
        server.create(definition("Widget"))
        async with operating(server, widgets=widgets):
            for name in ("green", "blue"):
                namespace(server, name)
                made(server, WIDGETS, "it", name)
            await until(lambda: widgets.sizes["green/it"] and widgets.sizes["blue/it"])
            await asyncio.to_thread(server.wait_for_watchers, WIDGETS, 3)
            server.patch(core.V1.namespaces, "green", {"metadata": {"labels": {"operated": None}}})
            server.delete(core.V1.namespaces, "blue")
            await asyncio.to_thread(server.wait_for_watchers, WIDGETS, 1)
            server.patch(core.V1.namespaces, "green", {"metadata": {"labels": {"operated": "yes"}}})
            server.patch(WIDGETS, "it", {"spec": {"size": 7}}, namespace="green")
            await until(lambda: widgets.sizes["green/it"][-1] == 7)

    run(main)


def test_handlers_of_one_object_run_one_after_the_other_and_end_with_what_is_though_watches_break(
    server: APIServer,
) -> None:
    widgets = Calls()

    async def main() -> None:
        server.create(definition("Widget"))
        for number in range(20):
            made(server, WIDGETS, f"widget-{number}", size=0)
        async with operating(server, widgets=widgets):
            for size in range(1, 11):
                for number in range(20):
                    server.patch(WIDGETS, f"widget-{number}", {"spec": {"size": size}}, namespace="red")
                if size % 3 == 0:
                    server.drop_connections()
                    server.compact()
                await asyncio.sleep(0)
            await until(lambda: all(widgets.sizes[f"red/widget-{number}"][-1:] == [10] for number in range(20)))
        for sizes in widgets.sizes.values():
            assert sizes == sorted(sizes), "an older state comes after a newer one"

    run(main)


def test_a_handler_is_not_called_again_before_the_cache_shows_its_patch(server: APIServer) -> None:
    counts: list[int] = []

    async def count(obj: dict[str, Any], patch: Any) -> None:
        done = obj["spec"].get("done", 0)
        counts.append(done)
        if done < 5:
            await patch({"spec": {"done": done + 1}})

    async def main() -> None:
        server.create(definition("Widget"))
        async with operating(server, widgets=count) as framework:
            await until(lambda: framework.watched)
            held = server.faults.add(Lag(events=1), verb="watch", resource=WIDGETS, times=None)
            server.drop_watches(WIDGETS)
            made(server, WIDGETS, "it")
            # Others touch it all the time; each event comes when the next is there.
            for number in range(200):
                server.patch(WIDGETS, "it", {"metadata": {"annotations": {"touched": str(number)}}}, namespace="red")
                await asyncio.sleep(0.001)
                if server.get(WIDGETS, "it", namespace="red")["spec"].get("done") == 5:
                    break
            server.faults.remove(held)
            await until(lambda: counts[-1:] == [5])
        assert [count for count in counts if count < 5] == [0, 1, 2, 3, 4], "it acted on a state older than its own"

    run(main)
