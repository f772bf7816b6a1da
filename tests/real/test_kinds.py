"""Every kind of the table lists and watches; and kinds of one's own, from their definition to its end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from informers import ReflectorOptions, SharedInformerFactory
from informers.cache.accessor import ClusterKind, NamespacedKind
from informers.errors import StatusError
from informers.kinds import GroupVersion, all_resources, namespaced
from informers.resources import NamespacedResource
from informers.testing.controlplane import ControlPlane
from tests.faults.rig import eventually
from tests.real.conftest import DEFINITIONS, Space
from tests.real.follower import Follower
from tests.widgets import definition


def kind_of(factory: SharedInformerFactory, resource: Any) -> NamespacedKind[Any] | ClusterKind[Any]:
    if isinstance(resource, NamespacedResource):
        return factory.namespaced_kind(resource)
    return factory.cluster_kind(resource)


@pytest.mark.real_apiserver
@pytest.mark.timeout(180)
def test_every_kind_of_the_table_lists_and_watches(capsys: pytest.CaptureFixture[str]) -> None:
    """On a server of its own, which serves alpha and beta versions too."""
    everything = ["--runtime-config=api/all=true", "--feature-gates=AllAlpha=true,AllBeta=true"]
    with ControlPlane(flags=everything, timeout=120.0) as plane:
        pool = plane.client().rest_client.pool_manager
        served, missing = [], []
        for resource in all_resources():
            headers = {"Authorization": f"Bearer {plane.token()}"}
            answer = pool.request("GET", f"{plane.url}{resource.path(None)}?limit=1", headers=headers)
            assert answer.status in {200, 404}, answer.data
            if answer.status == 200:
                served.append(resource)
            else:
                missing.append(f"{resource} {resource.api_version}")
        with SharedInformerFactory(plane.client(), options=ReflectorOptions(streaming_lists=False)) as factory:
            for resource in served:
                kind_of(factory, resource)
            factory.start()
            result = factory.wait_for_cache_sync(timeout=90.0)
            assert result, str(result)

            def not_live() -> list[str]:
                return [str(informer) for informer in factory.health().informers if not informer.is_live]

            eventually(lambda: len(not_live()) <= 1, lambda: "\n".join(not_live()), timeout=30.0)
            # The one kind that the server only lists: it is listed again and again, as the backoff has it.
            assert "watch is not supported on resources of kind" in str(
                factory.core.v1.component_statuses.informer.health()
            )
            for resource in served:
                objects = kind_of(factory, resource).lister.list()
                there = plane.request("GET", resource.path(None))["items"]
                # Leases and the like come and go by themselves.
                if all(obj.metadata.resource_version for obj in objects):
                    assert bool(objects) == bool(there)
    # A 404 may only be for what this server's version has not got, and is named.
    assert all("alpha" in name or "beta" in name for name in missing), missing
    if missing:
        with capsys.disabled():
            print(f"\nnot served by the real API server: {', '.join(missing)}")
    assert len(served) > 60


class V1(GroupVersion, group="real.example.com", version="v1"):
    """A kind of one's own."""

    widgets: namespaced[dict[str, Any]] = namespaced("Widget", decode=dict)


@pytest.mark.timeout(120)
def test_a_kind_that_is_defined_served_and_undone_under_a_running_informer(
    control_plane: ControlPlane, space: Space
) -> None:
    path = f"/apis/real.example.com/v1/namespaces/{space.name}/widgets"

    def is_there(method: str = "GET", body: object = None) -> bool:
        try:
            control_plane.request(method, path, body)
        except StatusError:
            return False
        return True

    def widget(name: str) -> dict[str, Any]:
        return {"apiVersion": "real.example.com/v1", "kind": "Widget", "metadata": {"name": name}, "size": 3}

    with Follower(control_plane, V1.widgets, namespace=space.name) as follower:
        follower.wait_for_error("404")
        control_plane.request("POST", DEFINITIONS, definition(group="real.example.com"))
        eventually(lambda: is_there("POST", widget("first")), "written")
        follower.wait_until_whole()
        (obj,) = follower.informer.indexer.list()
        assert (obj["kind"], obj["size"]) == ("Widget", 3)
        is_there("POST", widget("second"))
        follower.wait_until_whole()
        control_plane.request("DELETE", f"{DEFINITIONS}/widgets.real.example.com")
        follower.wait_for_error("404")
        eventually(lambda: follower.history.present == {}, lambda: f"gone; there is {follower.history.present}")
        assert follower.informer.health().objects == 0
        # And defined anew.
        eventually(lambda: not is_there(), "undone")
        control_plane.request("POST", DEFINITIONS, definition(group="real.example.com"))
        eventually(lambda: is_there("POST", widget("third")), "written", timeout=20.0)
        follower.wait_until_whole()
        assert list(follower.history.present) == [f"{space.name}/third"]
        assert json.dumps(obj)
        control_plane.request("DELETE", f"{DEFINITIONS}/widgets.real.example.com")
