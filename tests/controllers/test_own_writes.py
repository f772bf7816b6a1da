"""Own writes: what is remembered of a write, when a cache shows it, and what is not waited for."""

from __future__ import annotations

import concurrent.futures
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from kubernetes import client

from informers import ConfigurationError, KindOptions, ObjectName, Shard, SharedInformerFactory
from informers.controllers import Controller, OwnWrites, apply_object
from informers.controllers._sightings import LostAnswer
from informers.kinds import core
from informers.testing import APIServer, FakeClock, Lag
from tests.controllers.cluster import OWNERS, PODS, Cluster, Refusal, kind_of, started, written
from tests.waiting import eventually

WEB, API, OLD = ObjectName("shop", "web"), ObjectName("shop", "api"), ObjectName("shop", "old")
HOST = "http://cluster"
MAP = {"metadata": {"name": "a", "namespace": "shop"}, "data": {"x": "1"}}
POD = {"metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@attrs.frozen
class Scene:
    """Config maps and pods of a server whose watches are held back, and the own writes of a controller."""

    server: APIServer
    factory: SharedInformerFactory
    writes: OwnWrites
    core: client.CoreV1Api
    held: Any

    def release(self) -> None:
        self.server.faults.remove(self.held)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with APIServer() as server:
        server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        server.create({"apiVersion": "v1", "kind": "ConfigMap", **MAP})
        pod = {**POD, "metadata": {**POD["metadata"], "finalizers": ["example.com/stay"], "name": "stays"}}
        server.create({"apiVersion": "v1", "kind": "Pod", **pod})
        server.create({"apiVersion": "v1", "kind": "Pod", **POD})
        held = server.faults.add(Lag(events=1000), verb="watch", times=None)
        with SharedInformerFactory(server.client()) as factory:
            maps, pods = factory.core.v1.config_maps, factory.core.v1.pods
            writes = OwnWrites(maps, pods)
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            yield Scene(server, factory, writes, client.CoreV1Api(writes.client(server.client())), held)


WRITES: dict[str, Callable[[client.CoreV1Api], object]] = {
    "create": lambda api: api.create_namespaced_config_map("shop", {"metadata": {"name": "new"}}),
    "create with a generated name": lambda api: api.create_namespaced_config_map(
        "shop", {"metadata": {"generateName": "new-"}}
    ),
    "replace": lambda api: api.replace_namespaced_config_map("a", "shop", {**MAP, "data": {"x": "2"}}),
    "patch": lambda api: api.patch_namespaced_config_map("a", "shop", {"data": {"x": "2"}}),
    "patch of the status": lambda api: api.patch_namespaced_pod_status("p", "shop", {"status": {"phase": "Running"}}),
    "delete that answers a status": lambda api: api.delete_namespaced_config_map("a", "shop"),
    "delete that answers the object": lambda api: api.delete_namespaced_pod("p", "shop"),
    "delete that waits for a finalizer": lambda api: api.delete_namespaced_pod("stays", "shop"),
    "apply": lambda api: apply_object(
        api.api_client, core.V1.config_maps, {**MAP, "data": {"x": "2"}}, field_manager="mine"
    ),
    "eviction": lambda api: api.create_namespaced_pod_eviction("p", "shop", {"metadata": {"name": "p"}}),
    "delete of all": lambda api: api.delete_collection_namespaced_config_map("shop"),
}


@pytest.mark.upstream(
    "controller-runtime/pkg/client/consistency_envtest_test.go",
    "write then read",
    "should observe the updated object with deletion timestamp after delete",
)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_is_pending_until_the_cache_shows_it_and_for_its_name_alone(
    scene: Scene, write: Callable[[client.CoreV1Api], object]
) -> None:
    with scene.writes.working_on(WEB):
        write(scene.core)
    pending = scene.writes.pending(WEB)
    assert pending is not None
    assert pending.group == ""
    assert scene.writes.pending(API) is None
    scene.release()
    eventually(lambda: scene.writes.pending(WEB) is None)


NOT_WAITED_FOR: dict[str, Callable[[client.CoreV1Api], object]] = {
    "another kind": lambda api: api.create_namespaced_secret("shop", {"metadata": {"name": "s"}}),
    "a dry run": lambda api: api.create_namespaced_config_map("shop", {"metadata": {"name": "n"}}, dry_run="All"),
    "a write that changes nothing": lambda api: api.patch_namespaced_config_map("a", "shop", {"data": {"x": "1"}}),
    "a read": lambda api: api.read_namespaced_config_map("a", "shop"),
}


@pytest.mark.parametrize("write", NOT_WAITED_FOR.values(), ids=NOT_WAITED_FOR)
def test_what_can_not_be_seen_is_not_waited_for(scene: Scene, write: Callable[[client.CoreV1Api], object]) -> None:
    with scene.writes.working_on(WEB):
        write(scene.core)
    assert scene.writes.pending(WEB) is None


@pytest.mark.parametrize("code", [403, 404, 409, 422])
def test_a_write_that_was_refused_is_not_waited_for(scene: Scene, code: int) -> None:
    from informers.testing import Status

    scene.server.faults.add(Status(code), verb="patch", times=1)
    with scene.writes.working_on(WEB), pytest.raises(client.ApiException):
        scene.core.patch_namespaced_config_map("a", "shop", {"data": {"x": "2"}})
    assert scene.writes.pending(WEB) is None


def test_custom_objects_and_the_dynamic_client_are_remembered_too(scene: Scene) -> None:
    from kubernetes.dynamic import DynamicClient

    recording = scene.writes.client(scene.server.client())
    with scene.writes.working_on(WEB):
        maps = DynamicClient(recording).resources.get(api_version="v1", kind="ConfigMap")
        made = maps.create(namespace="shop", body={"metadata": {"name": "dynamic"}})
        assert made.metadata.name == "dynamic"
    assert scene.writes.pending(WEB) is not None


def test_the_client_itself_stays_as_it_is(scene: Scene) -> None:
    plain = scene.server.client()
    recording = scene.writes.client(plain)
    assert type(recording) is type(plain)
    assert recording.configuration is plain.configuration
    with scene.writes.working_on(WEB):
        client.CoreV1Api(plain).create_namespaced_config_map("shop", {"metadata": {"name": "plain"}})
    assert scene.writes.pending(WEB) is None


def test_a_write_in_a_thread_of_your_own_makes_every_name_wait_and_says_so_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "informers.controllers")
    with scene.writes.working_on(WEB), concurrent.futures.ThreadPoolExecutor(1) as pool:
        for name in ("one", "two"):
            pool.submit(scene.core.create_namespaced_config_map, "shop", {"metadata": {"name": name}}).result()
    assert scene.writes.pending(WEB) is not None
    assert scene.writes.pending(API) is not None
    assert caplog.text.count("every name waits until it is seen") == 1
    scene.release()
    eventually(lambda: scene.writes.pending(API) is None)


def test_a_write_in_a_copied_context_is_of_the_name_in_work(scene: Scene) -> None:
    with scene.writes.working_on(WEB), concurrent.futures.ThreadPoolExecutor(1) as pool:
        context = contextvars.copy_context()
        body = {"metadata": {"name": "one"}}
        pool.submit(context.run, scene.core.create_namespaced_config_map, "shop", body).result()
    assert scene.writes.pending(WEB) is not None
    assert scene.writes.pending(API) is None


def test_what_another_client_wrote_can_be_recorded(scene: Scene) -> None:
    made = client.CoreV1Api(scene.server.client()).create_namespaced_config_map("shop", {"metadata": {"name": "n"}})
    scene.writes.record(made, name=WEB)
    assert scene.writes.pending(WEB) is not None
    scene.release()
    eventually(lambda: scene.writes.pending(WEB) is None)


@pytest.mark.parametrize(
    "written", [None, "12", {}, {"kind": "Pod"}, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}]
)
def test_what_has_no_kind_and_version_can_not_be_recorded(scene: Scene, written: Any) -> None:
    if isinstance(written, dict) and "apiVersion" in written:
        scene.writes.record(written, name=WEB)  # of no version: nothing is to be waited for
        assert scene.writes.pending(WEB) is None
        return
    with pytest.raises(ConfigurationError, match="must say its kind"):
        scene.writes.record(written, name=WEB)


@pytest.mark.upstream("TemporaryResourceCacheTest.java", "doNotCacheResourceOnPutIfNamespaceIsNotFollowedAnymore")
def test_with_several_namespaces_each_has_a_version_of_its_own() -> None:
    with APIServer() as server:
        for name in ("shop", "bank", "post"):
            server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        held = server.faults.add(Lag(events=1000), verb="watch", namespace="shop", times=None)
        with SharedInformerFactory(server.client(), namespace=["shop", "bank"]) as factory:
            maps = factory.core.v1.config_maps
            writes = OwnWrites(maps)
            api = client.CoreV1Api(writes.client(server.client()))
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            with writes.working_on(WEB):
                api.create_namespaced_config_map("shop", {"metadata": {"name": "n"}})
            with writes.working_on(API):
                api.create_namespaced_config_map("post", {"metadata": {"name": "n"}})
            assert writes.pending(API) is None, "that namespace is not followed"
            later = api.create_namespaced_config_map("bank", {"metadata": {"name": "later"}})
            assert maps.informer.wait_until_seen(later, timeout=10), "the other namespace is further by then"
            assert writes.pending(WEB) is not None
            server.faults.remove(held)
            eventually(lambda: writes.pending(WEB) is None)


OUTSIDE: dict[str, KindOptions] = {
    "the label selector": KindOptions(label_selector="app=web"),
    "the field selector": KindOptions(field_selector="metadata.name!=other"),
    "what a tweak makes of it": KindOptions(tweak=lambda options: attrs.evolve(options, label_selector="app=web")),
}


@pytest.mark.parametrize("options", OUTSIDE.values(), ids=OUTSIDE)
def test_what_is_outside_of_the_informers_selectors_is_not_waited_for(options: KindOptions) -> None:
    with APIServer() as server:
        held = server.faults.add(Lag(events=1000), verb="watch", times=None)
        labelled = {"metadata": {"name": "old", "labels": {"app": "web"}}}
        server.create({"apiVersion": "v1", "kind": "ConfigMap", **labelled})
        with SharedInformerFactory(server.client(), overrides={core.V1.config_maps: options}) as factory:
            writes = OwnWrites(factory.core.v1.config_maps)
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            api = client.CoreV1Api(writes.client(server.client()))
            with writes.working_on(API):
                api.create_namespaced_config_map("default", {"metadata": {"name": "other", "labels": {"app": "api"}}})
            assert writes.pending(API) is None
            with writes.working_on(WEB):
                api.create_namespaced_config_map("default", {"metadata": {"name": "web", "labels": {"app": "web"}}})
            assert writes.pending(WEB) is not None
            with writes.working_on(OLD):
                api.patch_namespaced_config_map("old", "default", {"metadata": {"labels": {"app": "api"}}})
            assert writes.pending(OLD) is not None, "it is in the cache, and leaves it by an event"
            server.faults.remove(held)
            eventually(lambda: writes.pending(WEB) is None and writes.pending(OLD) is None)


AFTER_IT_LEFT: dict[str, Callable[[client.CoreV1Api], object]] = {
    "another patch": lambda api: api.patch_namespaced_pod("p", "default", {"metadata": {"annotations": {"a": "b"}}}),
    "its deletion": lambda api: api.delete_namespaced_pod("p", "default"),
}


@pytest.mark.parametrize("write", AFTER_IT_LEFT.values(), ids=AFTER_IT_LEFT)
def test_a_write_after_the_object_left_the_selector_brings_no_event_and_is_shown_when_the_object_has_left(
    write: Callable[[client.CoreV1Api], object],
) -> None:
    pods = core.V1.pods
    with APIServer() as server:
        held = server.faults.add(Lag(events=1000), verb="watch", times=None)
        server.create({"apiVersion": "v1", "kind": "Pod", **POD, "metadata": {"name": "p", "labels": {"app": "web"}}})
        overrides = {pods: KindOptions(label_selector="app=web")}
        with SharedInformerFactory(server.client(), overrides=overrides) as factory:
            writes = OwnWrites(factory.core.v1.pods)
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            api = client.CoreV1Api(writes.client(server.client()))
            with writes.working_on(WEB):
                api.patch_namespaced_pod("p", "default", {"metadata": {"labels": {"app": "api"}}})
                write(api)
            assert writes.pending(WEB) is not None, "the cache still has it"
            server.faults.remove(held)
            eventually(lambda: writes.pending(WEB) is None)


def test_what_belongs_to_another_shard_is_not_waited_for() -> None:
    with APIServer(sharding=True) as server:
        server.faults.add(Lag(events=1000), verb="watch", times=None)
        with SharedInformerFactory(server.client(), shard=Shard(0, of=2)) as factory:
            writes = OwnWrites(factory.core.v1.config_maps)
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            api = client.CoreV1Api(writes.client(server.client()))
            waits: dict[bool, set[bool]] = {True: set(), False: set()}
            for number in range(20):
                name = ObjectName("default", f"owner-{number}")
                with writes.working_on(name):
                    made = api.create_namespaced_config_map("default", {"metadata": {"generateName": "made-"}})
                waits[Shard(0, of=2).has(made.metadata.uid)].add(writes.pending(name) is not None)
            assert waits == {True: {True}, False: {False}}


def evict(api: client.CoreV1Api) -> None:
    api.create_namespaced_pod_eviction("p", "shop", {"metadata": {"name": "p"}})


def bind(api: client.CoreV1Api) -> None:
    body = {"metadata": {"name": "p"}, "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"}}
    # The answer is a Status, of which some versions of the client would make a binding.
    api.create_namespaced_pod_binding("p", "shop", body, _preload_content=False)


@pytest.mark.parametrize("write", [evict, bind])
def test_a_write_through_a_subresource_whose_answer_is_another_kind_is_waited_for(
    scene: Scene, write: Callable[[client.CoreV1Api], None]
) -> None:
    with scene.writes.working_on(WEB):
        write(scene.core)
    assert scene.writes.pending(WEB) is not None
    scene.release()
    eventually(lambda: scene.writes.pending(WEB) is None)
    found = scene.factory.core.v1.pods.informer.indexer.get(ObjectName("shop", "p"))
    assert found is None or found.spec.node_name == "node-1"


class TestLostAnswers:
    """With a cluster in memory: a write is done, and its answer is lost."""

    @pytest.fixture
    def cluster(self) -> Cluster:
        cluster = Cluster()
        written(cluster, "pods", WEB)
        return cluster

    def lose(self, cluster: Cluster, writes: OwnWrites, method: str, path: str, failure: int | str = "lost") -> None:
        rest: Any = writes.client(cluster).rest_client
        cluster.failures.append(failure)
        body = {"metadata": {"name": "new"}} if path.endswith("named") else {"metadata": {"generateName": "new-"}}
        with writes.working_on(WEB), pytest.raises(Refusal):
            rest.request(method, f"{HOST}{path.removesuffix('?named')}", body=body)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/api/v1/namespaces/shop/pods"),
            ("POST", "/api/v1/namespaces/shop/pods?named"),
            ("PUT", "/api/v1/namespaces/shop/pods/web"),
            ("DELETE", "/api/v1/namespaces/shop/pods/web"),
        ],
    )
    def test_the_server_is_asked_what_there_is_and_that_is_waited_for(
        self, cluster: Cluster, method: str, path: str
    ) -> None:
        with kind_of(cluster, PODS) as pods:
            writes = OwnWrites(pods)
            started(pods)
            self.lose(cluster, writes, method, path)
            assert writes.pending(WEB) is not None
            assert [found for found, _ in cluster.requests] == [method, "GET"], "it is asked once"
            assert writes.pending(WEB) is not None
            assert len(cluster.requests) == 2
            cluster.bookmark("pods")
            eventually(lambda: writes.pending(WEB) is None)

    def test_while_the_server_does_not_answer_the_name_waits(self, cluster: Cluster) -> None:
        with kind_of(cluster, PODS) as pods:
            writes = OwnWrites(pods)
            started(pods)
            self.lose(cluster, writes, "POST", "/api/v1/namespaces/shop/pods")
            cluster.unreachable = True
            for _ in range(3):
                pending = writes.pending(WEB)
                assert pending is not None
                assert "it is not known whether it was written" in str(pending)
            cluster.unreachable = False
            cluster.bookmark("pods")
            eventually(lambda: writes.pending(WEB) is None)

    def test_a_turn_asks_a_server_that_does_not_answer_once(self, cluster: Cluster) -> None:
        with kind_of(cluster, PODS) as pods:
            controller = Controller("pods", pods, lambda name: None)
            started(pods)
            self.lose(cluster, controller.own_writes, "POST", "/api/v1/namespaces/shop/pods")
            cluster.unreachable = True
            controller.enqueue(WEB)
            processed = controller.process_next()
            assert processed is not None
            assert (processed.outcome, [found for found, _ in cluster.requests]) == ("stale", ["POST", "GET"])
            assert "it is not known whether it was written" in controller.health().postponed[WEB]
            assert controller.stop()

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_an_error_of_a_server_or_a_proxy_says_nothing_of_the_write(self, cluster: Cluster, status: int) -> None:
        with kind_of(cluster, PODS) as pods:
            writes = OwnWrites(pods)
            started(pods)
            self.lose(cluster, writes, "POST", "/api/v1/namespaces/shop/pods", status)
            writes.pending(WEB)
            assert [found for found, _ in cluster.requests] == ["POST", "GET"]

    def test_a_look_of_another_thread_while_the_write_is_noted_takes_no_wake_up_from_it(
        self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[ObjectName | None] = []
        subscribe = LostAnswer.subscribe

        def looked_at_first(look: LostAnswer, callback: Callable[[], object]) -> Callable[[], None]:
            writes.pending(WEB)
            return subscribe(look, callback)

        monkeypatch.setattr(LostAnswer, "subscribe", looked_at_first)
        with kind_of(cluster, PODS) as pods:
            writes = OwnWrites(pods, on_seen=seen.append)
            started(pods)
            self.lose(cluster, writes, "POST", "/api/v1/namespaces/shop/pods")
            assert writes.pending(WEB) is not None
            cluster.bookmark("pods")
            eventually(lambda: seen == [WEB])


class TestTimeLimit:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def cluster(self) -> Cluster:
        return Cluster()

    def write(self, cluster: Cluster, writes: OwnWrites) -> None:
        rest: Any = writes.client(cluster).rest_client
        with writes.working_on(WEB):
            rest.request("POST", f"{HOST}/api/v1/namespaces/shop/pods", body={"metadata": {"name": "new"}})

    @pytest.mark.upstream("kopf/tests/handling/test_consistency.py", "test_future_consistency")
    def test_a_healthy_watch_that_does_not_show_a_write_is_believed_in_the_end_with_a_warning(
        self, cluster: Cluster, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        with kind_of(cluster, PODS, clock=clock) as pods:
            writes = OwnWrites(pods, timeout=75.0, clock=clock)
            started(pods)
            eventually(lambda: pods.informer.health().is_live)
            self.write(cluster, writes)
            late = cluster.sources["pods"].late.pop()
            clock.advance(74.0)
            assert writes.pending(WEB) is not None
            clock.advance(2.0)
            assert writes.pending(WEB) is not None, "the watch has said nothing since"
            cluster.sources["pods"].watch_now.send(_bookmark(1))
            eventually(lambda: pods.informer.health().watches[0].last_event_age == 0)
            clock.advance(1.0)
            assert writes.pending(WEB) is None
            assert "no longer waited for" in caplog.text
            assert late

    def test_a_cache_that_can_not_follow_is_waited_for_without_a_limit(
        self, cluster: Cluster, clock: FakeClock
    ) -> None:
        with kind_of(cluster, PODS, clock=clock) as pods:
            writes = OwnWrites(pods, timeout=75.0, clock=clock)
            started(pods)
            eventually(lambda: cluster.sources["pods"].watch_now is not None)
            self.write(cluster, writes)
            cluster.refuses_lists = True
            cluster.sources["pods"].watch_now.fail(ConnectionResetError())
            eventually(lambda: not pods.informer.health().is_live)
            clock.advance(10_000.0)
            assert writes.pending(WEB) is not None
            cluster.refuses_lists = False

    @pytest.mark.parametrize("timeout", [0, -1.0, "75", float("nan")])
    def test_the_limit_is_a_number_of_seconds_above_zero(self, timeout: Any) -> None:
        with pytest.raises(ConfigurationError, match="own_writes_timeout"):
            OwnWrites(timeout=timeout)


def _bookmark(version: int) -> Any:
    from informers.source.watch_events import Bookmark

    return Bookmark(str(version))


@pytest.mark.upstream("TemporaryResourceCacheTest.java", "nonComparableResourceVersionsDisables")
def test_versions_without_an_order_are_not_waited_for_which_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "informers.controllers")
    cluster = Cluster()
    with kind_of(cluster, PODS) as pods:
        writes = OwnWrites(pods)
        started(pods)
        for version in ("a1", "b2", "c3"):
            metadata = {"name": "web", "namespace": "shop", "resourceVersion": version}
            writes.record({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}, name=WEB)
            assert writes.pending(WEB) is None
        assert caplog.text.count("own writes to pods are not waited for") == 1
        assert len(writes._said) == 1


class TestInAController:
    def test_a_postponed_name_counts_no_failure_and_comes_when_the_cache_has_moved(self) -> None:
        cluster, clock = Cluster(), FakeClock()
        with kind_of(cluster, OWNERS) as owners, kind_of(cluster, PODS) as pods:
            runs: list[ObjectName] = []

            def reconcile(name: ObjectName) -> None:
                runs.append(name)
                if len(runs) == 1:
                    rest.request("POST", f"{HOST}/api/v1/namespaces/shop/pods", body={"metadata": {"name": "new"}})

            controller = Controller("sets", owners, reconcile, clock=clock).watches(pods, lambda _pod: [])
            rest: Any = controller.client(cluster).rest_client
            started(owners, pods)
            controller.enqueue(WEB)
            assert controller.process_next().outcome == "success"  # type: ignore[union-attr]
            controller.enqueue(WEB)
            assert controller.process_next().outcome == "stale"  # type: ignore[union-attr]
            assert "the cache is at version" in controller.health().postponed[WEB]
            assert controller.process_next() is None
            clock.advance(1.0)
            assert controller.process_next().outcome == "stale", "at the latest after a second"  # type: ignore[union-attr]
            cluster.bookmark("pods")
            eventually(lambda: controller.health().waiting == 1)
            assert controller.process_next().outcome == "success", "at once when it is seen"  # type: ignore[union-attr]
            assert controller.health().postponed == {}
            assert controller.health().failing == {}
            assert runs == [WEB, WEB]
            controller.stop()

    def test_the_own_object_is_waited_for_though_a_predicate_hides_its_event(self) -> None:
        cluster, clock = Cluster(), FakeClock()
        with kind_of(cluster, OWNERS) as owners:
            written(cluster, "podsets", WEB)

            def reconcile(name: ObjectName) -> None:
                path = "/apis/example.com/v1/namespaces/shop/podsets/web/status"
                rest.request("PUT", f"{HOST}{path}", body={"status": {"ready": True}})

            controller = Controller("sets", owners, reconcile, clock=clock, predicate=lambda old, new: False)
            rest: Any = controller.client(cluster).rest_client
            started(owners)
            outcomes = [controller.process_next(timeout=0)]
            controller.enqueue(WEB)
            outcomes.append(controller.process_next())
            assert [found and found.outcome for found in outcomes] == ["success", "stale"]
            cluster.deliver("podsets")
            eventually(lambda: controller.health().waiting == 1)
            controller.stop()

    def test_a_recorder_that_fails_makes_no_error_of_a_write_that_succeeded(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster = Cluster()
        with kind_of(cluster, PODS) as pods:
            writes = OwnWrites(pods)
            monkeypatch.setattr(pods.informer, "sighting", lambda *_args, **_options: 1 / 0)
            rest: Any = writes.client(cluster).rest_client
            with writes.working_on(WEB):
                answer = rest.request("POST", f"{HOST}/api/v1/namespaces/shop/pods", body={"metadata": {"name": "new"}})
            assert answer.status == 201
            assert "can't be remembered" in caplog.text


@pytest.mark.parametrize("argument", [None, 3, core.V1.pods, client.Configuration()])
def test_what_is_not_a_client_is_refused(argument: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"kubernetes\.client\.ApiClient"):
        OwnWrites().client(argument)


def test_an_api_instead_of_its_client_is_refused_with_advice() -> None:
    with APIServer() as server, pytest.raises(ConfigurationError, match=r"give its \.api_client"):
        OwnWrites().client(client.CoreV1Api(server.client()))
