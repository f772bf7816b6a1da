"""Scripts that Kubernetes' own controllers have to pass, played to a controller of pods whose watches are late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from informers import ObjectName
from informers.controllers import Processed, generation_changed
from informers.testing import FakeClock
from tests.controllers.cluster import OWNERS, PODS, Cluster, Obj, kind_of, settled, started, written
from tests.controllers.pod_sets import PodSets, reference_to
from tests.waiting import eventually

WEB, API = ObjectName("shop", "web"), ObjectName("shop", "api")
POD = ObjectName("shop", "web-0")
PODS_URL = "http://cluster/api/v1/namespaces/shop/pods"


@attrs.frozen
class Scene:
    cluster: Cluster
    clock: FakeClock
    owners: Any
    pods: Any
    sets: PodSets

    def deliver(self, *plurals: str) -> None:
        for plural in plurals or ("podsets", "pods"):
            self.cluster.deliver(plural)
        settled(self.sets.controller, self.cluster)

    def work(self) -> list[Processed]:
        """Take all names that wait."""
        done: list[Processed] = []
        while (processed := self.sets.controller.process_next()) is not None:
            done.append(processed)
        return done

    def pods_of(self, owner: Obj) -> list[str]:
        return [
            obj["metadata"]["name"]
            for (plural, _), obj in self.cluster.objects.items()
            if plural == "pods" and obj["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]
        ]


@pytest.fixture
def scene() -> Iterator[Scene]:
    cluster, clock = Cluster(), FakeClock()
    with kind_of(cluster, OWNERS, clock=clock) as owners, kind_of(cluster, PODS, clock=clock) as pods:
        sets = PodSets(cluster, owners, pods, clock=clock, predicate=generation_changed)
        started(owners, pods)
        yield Scene(cluster, clock, owners, pods, sets)
        assert sets.controller.stop()


@pytest.mark.upstream("kubernetes/pkg/controller/replicaset/replica_set_test.go", "TestExpectationsOnRecreate")
@pytest.mark.upstream("kubernetes/pkg/controller/daemon/daemon_controller_test.go", "TestExpectationsOnRecreate")
def test_an_owner_that_is_recreated_gets_pods_of_its_own_though_those_of_the_first_were_not_seen(scene: Scene) -> None:
    written(scene.cluster, "podsets", WEB, replicas=2)
    scene.deliver("podsets")
    assert [processed.outcome for processed in scene.work()] == ["success"]
    scene.cluster.remove("podsets", str(WEB))
    second = written(scene.cluster, "podsets", WEB, replicas=2)
    scene.deliver("podsets")
    assert [processed.outcome for processed in scene.work()] == ["stale"], "the pods of the first are not seen yet"
    scene.deliver()
    scene.work()
    assert len(scene.pods_of(second)) == 2
    scene.deliver()
    scene.work()
    assert scene.sets.made == 4


@pytest.mark.upstream("kubernetes/pkg/controller/replicaset/replica_set_test.go", "TestOverlappingRSs")
def test_of_two_owners_each_counts_the_pods_that_it_controls(scene: Scene) -> None:
    web = written(scene.cluster, "podsets", WEB, replicas=1)
    api = written(scene.cluster, "podsets", API, replicas=1)
    metadata = {"name": POD.name, "namespace": "shop", "labels": {"app": "both"}}
    scene.cluster.apply("pods", {"metadata": {**metadata, "ownerReferences": [reference_to(web)]}})
    scene.deliver()
    assert {processed.name for processed in scene.work()} == {WEB, API}
    assert [len(scene.pods_of(owner)) for owner in (web, api)] == [1, 1]
    assert scene.sets.made == 1
    scene.deliver()
    scene.cluster.remove("pods", str(POD))
    scene.deliver()
    assert WEB in {processed.name for processed in scene.work()}
    assert [len(scene.pods_of(owner)) for owner in (web, api)] == [1, 1]


@pytest.mark.upstream("kubernetes/pkg/controller/replicaset/replica_set_test.go", "TestDeleteFinalStateUnknown")
@pytest.mark.upstream("kubernetes/pkg/controller/daemon/daemon_controller_test.go", "TestDeleteFinalStateUnknown")
def test_a_pod_whose_deletion_no_watch_reported_is_made_again(scene: Scene) -> None:
    owner = written(scene.cluster, "podsets", WEB, replicas=1)
    scene.deliver("podsets")
    scene.work()
    scene.deliver()
    scene.work()
    (name,) = scene.pods_of(owner)
    relist(scene, lambda: scene.cluster.remove("pods", f"shop/{name}"))
    eventually(lambda: scene.sets.controller.health().waiting)
    scene.work()
    assert scene.sets.made == 2
    assert len(scene.pods_of(owner)) == 1


@pytest.mark.upstream("EventProcessorTest.java", "newResourceAfterMissedDeleteEvent")
def test_an_owner_that_was_recreated_while_no_watch_looked_is_looked_at(scene: Scene) -> None:
    """As an update with another uid, which a predicate for the generation lets pass."""
    metadata = {"namespace": "shop", "name": "web", "generation": 1}
    first = scene.cluster.apply("podsets", {"metadata": metadata, "replicas": 1})
    scene.deliver("podsets")
    scene.work()
    scene.deliver()
    scene.work()

    def recreate() -> Obj:
        scene.cluster.remove("podsets", str(WEB))
        return scene.cluster.apply("podsets", {"metadata": metadata, "replicas": 1})

    second = relist(scene, recreate, plural="podsets")
    eventually(lambda: scene.sets.controller.health().waiting)
    scene.work()
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert len(scene.pods_of(second)) == 1


@pytest.mark.upstream("tools/cache/mutation_cache_test.go", "TestMutationCacheUpdateConcurrentDelete")
@pytest.mark.parametrize("is_recreated", [False, pytest.param(True, marks=pytest.mark.upstream(
    "tools/cache/mutation_cache_test.go", "TestMutationCacheUpdateConcurrentRecreate"))])  # fmt: skip
def test_what_was_written_and_then_deleted_by_others_is_not_shown_again(scene: Scene, is_recreated: bool) -> None:
    """A cache with own writes laid over it would show what is gone; what is shown here is what was delivered."""
    writes = scene.sets.controller.own_writes
    written(scene.cluster, "pods", POD, phase="Pending")
    scene.deliver("pods")
    with writes.working_on(WEB):
        scene.sets.rest.request("PUT", f"{PODS_URL}/web-0", body={"phase": "Mine"})
    scene.cluster.remove("pods", str(POD))
    if is_recreated:
        written(scene.cluster, "pods", POD, phase="Theirs")
    assert writes.pending(WEB) is not None
    scene.deliver("pods")
    assert writes.pending(WEB) is None
    assert [pod["phase"] for pod in scene.pods.lister.list()] == (["Theirs"] if is_recreated else [])


@pytest.mark.upstream("TemporaryResourceCacheTest.java", "rapidDeletion")
def test_a_write_that_came_and_went_before_its_answer_is_not_waited_for(scene: Scene) -> None:
    made = written(scene.cluster, "pods", POD)
    scene.cluster.remove("pods", str(POD))
    scene.deliver("pods")
    scene.sets.controller.own_writes.record({**made, "apiVersion": "v1", "kind": "Pod"}, name=WEB)
    assert scene.sets.controller.own_writes.pending(WEB) is None
    assert scene.pods.lister.list() == []


@pytest.mark.upstream("TemporaryResourceCacheTest.java", "removalOfGhostResources")
def test_a_write_that_others_deleted_while_no_watch_looked_is_not_waited_for_any_more(scene: Scene) -> None:
    writes = scene.sets.controller.own_writes

    def make_and_lose() -> None:
        with writes.working_on(WEB):
            scene.sets.rest.request("POST", PODS_URL, body={"metadata": {"name": "web-0"}})
        assert writes.pending(WEB) is not None
        scene.cluster.remove("pods", str(POD))

    relist(scene, make_and_lose)
    eventually(lambda: writes.pending(WEB) is None)
    assert scene.pods.lister.list() == []


def relist(scene: Scene, meanwhile: Any, plural: str = "pods") -> Any:
    """Break the watch of a resource, have something happen, and let its informer list anew."""
    source = scene.cluster.sources[plural]
    watch = source.watch_now
    assert watch is not None
    scene.cluster.refuses_lists = True
    watch.fail(ConnectionResetError())
    found = meanwhile()
    scene.cluster.refuses_lists = False
    eventually(lambda: source.watch_now is not watch or bool(scene.clock.advance(1.0)))
    return found
