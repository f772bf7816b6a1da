"""What controllers are made of, on the real API server: the examples, namespaces at run time, an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import CoreV1Api

from informers import NotFoundError, ObjectName, SharedInformerFactory, aio
from informers.controllers import Controller, EventRecorder, by_controller, controller_reference
from informers.errors import StatusError
from informers.kinds import core, events
from informers.testing import RecordingHandler
from tests.examples.background import Said, in_background
from tests.faults.rig import eventually
from tests.real.conftest import DEFINITIONS, Space
from tests.real.follower import QUICK
from tests.widgets import definition

if TYPE_CHECKING:
    from informers.testing.controlplane import ControlPlane

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def _examples_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "examples"))


def deployment(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def test_the_label_enforcer_makes_deployments_follow_their_namespace(space: Space) -> None:
    from label_enforcer import LabelEnforcer

    plane, namespace = space.plane, f"/api/v1/namespaces/{space.name}"
    deployments = f"/apis/apps/v1/namespaces/{space.name}/deployments"

    def team(name: str) -> str | None:
        found: str | None = plane.request("GET", f"{deployments}/{name}")["metadata"].get("labels", {}).get("team")
        return found

    def label_namespace(value: str) -> None:
        found = plane.request("GET", namespace)
        found["metadata"].setdefault("labels", {})["team"] = value
        plane.request("PUT", namespace, found)

    label_namespace("red")
    plane.request("POST", deployments, deployment("before"))
    with in_background(LabelEnforcer(plane.client()).run):
        eventually(lambda: team("before") == "red", "labelled")
        plane.request("POST", deployments, deployment("after"))
        eventually(lambda: team("after") == "red", "labelled")
        label_namespace("blue")
        eventually(lambda: (team("before"), team("after")) == ("blue", "blue"), "labelled anew")


def test_five_pods_are_made_where_five_are_wanted_however_often_the_owner_is_touched(space: Space) -> None:
    made: list[str] = []
    factory = SharedInformerFactory(space.plane.client(), namespace=space.name)
    owners, pods = factory.core.v1.config_maps, factory.core.v1.pods
    pods_of = by_controller(pods)

    def reconcile(name: ObjectName) -> None:
        try:
            owner = owners.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        for _ in range(5 - len(pods_of.of(owner)) if name.name.startswith("set-") else 0):
            reference = controller_reference(owner, core.V1.config_maps)
            metadata = {"generateName": f"{name.name}-", "ownerReferences": [reference]}
            spec = {"containers": [{"name": "main", "image": "nginx"}], "automountServiceAccountToken": False}
            made.append(api.create_namespaced_pod(name.namespace, {"metadata": metadata, "spec": spec}).metadata.name)

    controller = Controller("sets", owners, reconcile, workers=4).owns(pods)
    api = CoreV1Api(controller.client(space.plane.client()))
    names = [f"set-{number}" for number in range(100)]
    with factory, in_background(controller.run):
        for name in names:
            space.create(name)
        for touch in range(5):
            for name in names:
                space.update(name, str(touch))
        eventually(lambda: len(made) >= 5 * len(names), "made", timeout=60.0)
        health = controller.health
        eventually(lambda: not (health().waiting or health().running or health().postponed), "at rest", timeout=30.0)
    assert health().failing == {}, "no try failed"
    assert len(made) == 5 * len(names)


def test_events_are_recorded_as_series_about_objects_of_any_name(space: Space) -> None:
    about = {
        "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "namespace": space.name, "uid": "u"}},
        "role": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a:b:c"}},
    }
    recorder = EventRecorder(space.plane.client(), f"example.com/{space.name}")

    def stored() -> list[tuple[str, str, int]]:
        return [
            (found["metadata"]["namespace"], found["regarding"]["name"], found.get("series", {}).get("count", 1))
            for found in space.plane.list(events.V1.events)
            if found.get("reportingController") == f"example.com/{space.name}"
        ]

    for count in (1, 2):
        for obj in about.values():
            recorder.event(obj, "Started", "ü" * 2000, action="Start", type="Warning", related=about["pod"])
        wanted = {(space.name, "web-0", count), ("default", "a:b:c", count)}
        eventually(lambda wanted=wanted: set(stored()) == wanted, f"written {count} times")  # type: ignore[misc]  # no type for a default
    for _ in range(10):
        recorder.event(about["pod"], "Started", "again", action="Start", type="Warning", related=about["pod"])
    assert recorder.close(20.0)
    assert set(stored()) == {(space.name, "web-0", 12), ("default", "a:b:c", 2)}


@pytest.fixture
def pages(control_plane: ControlPlane) -> Iterator[None]:
    """The custom resource of the example."""
    control_plane.request("POST", DEFINITIONS, definition("Page"))
    yield
    control_plane.request("DELETE", f"{DEFINITIONS}/pages.example.com")


@pytest.mark.usefixtures("pages")
def test_a_page_is_published_and_its_finalizer_lets_it_go(space: Space) -> None:
    from custom_resource import PageController

    plane, path = space.plane, f"/apis/example.com/v1/namespaces/{space.name}/pages"
    registry: dict[str, str] = {}

    def is_there(body: object = None) -> bool:
        """Whether the server knows the kind already; asked by writing, or by listing what there is."""
        try:
            return bool(plane.request("POST" if body else "GET", path, body))
        except StatusError:
            return False

    page = {"apiVersion": "example.com/v1", "kind": "Page", "metadata": {"name": "home"}, "spec": {"text": "hello"}}
    with in_background(PageController(plane.client(), registry).run):
        eventually(lambda: is_there(page), "the page written", timeout=30.0)
        url = f"https://pages.example.com/{space.name}/home"
        eventually(
            lambda: plane.request("GET", f"{path}/home").get("status") == {"url": url}, "published", timeout=30.0
        )
        assert registry == {f"{space.name}/home": url}
        assert plane.request("GET", f"{space.config_maps}/home")["data"] == {"index.html": "hello"}
        plane.request("DELETE", f"{path}/home")
        eventually(lambda: not plane.request("GET", path)["items"], "gone")
        assert registry == {}


def test_resources_are_followed_by_name(space: Space) -> None:
    from dynamic import run

    said = Said()
    with in_background(lambda stop: run(space.plane.client(), ["v1/configmaps"], stop, said)):
        space.create("m")
        said.wait_for(f"configmaps {space.name}/m is there")
        space.update("m", "v")
        said.wait_for(f"configmaps {space.name}/m changed: data")
        space.delete("m")
        said.wait_for(f"configmaps {space.name}/m is gone")


def test_a_namespace_is_added_and_removed_while_it_runs(space: Space) -> None:
    plane, other = space.plane, Space(space.plane, f"{space.name}-other")
    plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": other.name}})
    space.create("here")
    other.create("there")
    factory = SharedInformerFactory(plane.client(), namespace=space.name, options=QUICK)
    config_maps = factory.core.v1.config_maps
    handler: RecordingHandler[Any] = RecordingHandler()
    config_maps.informer.add_event_handler(handler)

    def told(kind: str) -> Sequence[str]:
        return [event.key for event in handler.events if event.type == kind]

    with factory:
        assert factory.wait_for_cache_sync(timeout=20)
        assert set(config_maps.informer.indexer.keys()) == {f"{space.name}/here"}
        factory.add_namespace(other.name)
        eventually(lambda: f"{other.name}/there" in told("add"), "added")
        other.update("there", "changed")
        eventually(lambda: told("update") == [f"{other.name}/there"], "changed")
        factory.remove_namespace(other.name)
        eventually(lambda: told("delete") == [f"{other.name}/there"], "removed")
        assert set(config_maps.informer.indexer.keys()) == {f"{space.name}/here"}


def test_an_event_loop_gets_every_event(space: Space) -> None:
    async def main() -> list[str]:
        factory = SharedInformerFactory(space.plane.client(), namespace=space.name)
        seen: list[str] = []
        async with aio.running(factory):
            informer = factory.core.v1.config_maps.informer
            factory.start()
            (await aio.synced(factory, timeout=20)).raise_if_unsynced()
            await asyncio.to_thread(space.create, "m")
            async with aclosing(aio.events(informer)) as stream:
                async for event in stream:
                    seen.append(f"{type(event).__name__} {event.key}")
                    match event:
                        case aio.Added():
                            await asyncio.to_thread(space.update, "m", "v")
                        case aio.Updated():
                            await asyncio.to_thread(space.delete, "m")
                        case _:
                            break
        return seen

    key = f"{space.name}/m"
    assert asyncio.run(main()) == [f"Added {key}", f"Updated {key}", f"Deleted {key}"]
