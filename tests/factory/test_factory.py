"""The factory: one informer for each resource, and the life of all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from kubernetes import client

from informers import (
    ConfigurationError,
    KindOptions,
    ListWatch,
    NotFoundError,
    ReflectorOptions,
    ResourceEventHandlerFuncs,
    SharedInformerFactory,
    StoppedError,
    SyncProgress,
    WatchFailure,
)
from informers.kinds import GroupVersion, apps, core, namespaced
from informers.resources import Resource
from informers.testing import APIServer, RecordingHandler
from tests.waiting import QUICK, eventually


def config_map(name: str, namespace: str = "default", **labels: str) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name, "labels": labels}
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata}


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        running.create(config_map("a", app="web"))
        running.create(config_map("b", app="db"))
        yield running


@pytest.fixture
def factory(server: APIServer) -> Iterator[SharedInformerFactory]:
    made = SharedInformerFactory(server.client(), options=QUICK)
    yield made
    assert made.stop(timeout=10)


def run(factory: SharedInformerFactory) -> None:
    factory.start()
    factory.wait_for_cache_sync(timeout=10).raise_if_unsynced()


def names(objects: list[Any]) -> list[str]:
    return sorted(thing.metadata.name for thing in objects)


def test_a_second_call_gets_the_same_informer_and_there_is_one_watch(
    server: APIServer, factory: SharedInformerFactory
) -> None:
    assert factory.core.v1.config_maps.informer is factory.core.v1.config_maps.informer
    assert factory.core.v1.config_maps is factory.namespaced_kind(core.V1.config_maps)
    assert factory.core.v1.nodes is factory.cluster_kind(core.V1.nodes)
    run(factory)
    paths = [request.path for request in server.requests if request.query.get("watch")]
    assert sorted(paths) == ["/api/v1/configmaps", "/api/v1/nodes"]
    assert repr(factory) == "<SharedInformerFactory of configmaps, nodes>"


def test_a_second_start_starts_what_is_new(server: APIServer, factory: SharedInformerFactory) -> None:
    config_maps = factory.core.v1.config_maps
    run(factory)
    nodes = factory.core.v1.nodes
    assert str(factory.wait_for_cache_sync()) == (
        "not synced: nodes: not started: call factory.start() after asking for the informer"
    )
    server.create({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}})
    run(factory)
    assert names(nodes.lister.list()) == ["n"]
    assert names(config_maps.lister.list()) == ["a", "b"]


def test_a_forgotten_start_is_said_at_once_however_long_one_would_wait(factory: SharedInformerFactory) -> None:
    _ = factory.core.v1.pods.informer
    assert "pods: not started" in str(factory.wait_for_cache_sync(timeout=None))
    assert not factory.health().is_synced
    assert str(factory.health()) == "pods: not started, 0 objects"


def test_what_may_not_be_read_is_named_with_the_reason_and_the_others_are_synced(
    server: APIServer, factory: SharedInformerFactory
) -> None:
    server.deny(core.V1.secrets)
    secrets, config_maps = factory.core.v1.secrets, factory.core.v1.config_maps
    factory.start()
    assert config_maps.informer.synced.wait(10)
    eventually(lambda: secrets.informer.health().watches[0].failures)
    result = factory.wait_for_cache_sync(timeout=0.01)
    assert not result
    assert list(result.unsynced) == ["secrets"]
    assert "403 Forbidden" in str(result)


def test_a_wait_reports_the_progress_of_each_started_kind(server: APIServer, factory: SharedInformerFactory) -> None:
    _ = factory.core.v1.pods
    factory.core.v1.nodes.informer.start()
    told: list[SyncProgress] = []
    assert not factory.wait_for_cache_sync(timeout=10, progress=told.append)
    assert [part.name for part in told[-1].parts] == ["nodes"]
    factory.start()
    assert factory.wait_for_cache_sync(timeout=10, progress=told.append)
    assert [(part.name, part.synced) for part in told[-1].parts] == [("pods", True), ("nodes", True)]
    with pytest.raises(ConfigurationError, match="progress must be a function"):
        factory.wait_for_cache_sync(progress=3)  # type: ignore[arg-type] # a mistake


def test_it_starts_with_a_block_and_stops_with_it(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client())
    config_maps = factory.core.v1.config_maps
    with factory as entered:
        assert entered is factory
        assert factory.wait_for_cache_sync(timeout=10)
    assert config_maps.informer.is_stopped
    assert repr(factory) == "<SharedInformerFactory of configmaps, stopped>"
    for action in (factory.start, lambda: factory.core.v1.nodes):
        with pytest.raises(StoppedError, match="the factory has been stopped: make a new one"):
            action()
    assert factory.core.v1.config_maps is config_maps


def test_listers_and_handlers_after_the_stop(server: APIServer, factory: SharedInformerFactory) -> None:
    config_maps = factory.core.v1.config_maps
    handler: RecordingHandler[client.V1ConfigMap] = RecordingHandler()
    config_maps.informer.add_event_handler(handler)
    run(factory)
    handler.wait_for(2)
    assert factory.stop(timeout=10)
    server.create(config_map("late"))
    assert names(config_maps.lister.list()) == ["a", "b"]
    assert config_maps.lister.namespace("default").get("a").metadata.labels == {"app": "web"}
    with pytest.raises(NotFoundError):
        config_maps.lister.namespace("default").get("late")
    with pytest.raises(StoppedError):
        config_maps.informer.add_event_handler(handler)
    assert len(handler.events) == 2
    assert factory.stop()
    assert factory.wait_for_cache_sync()


def test_a_wait_for_one_that_was_stopped_before_it_synced_says_so(factory: SharedInformerFactory) -> None:
    factory.core.v1.pods.informer.stop()
    assert str(factory.wait_for_cache_sync()) == "not synced: pods: stopped"
    factory.start()
    assert factory.core.v1.pods.informer.is_stopped


def test_a_handler_may_stop_the_factory(server: APIServer, factory: SharedInformerFactory) -> None:
    stopped: list[bool] = []
    done = threading.Event()

    def stop(_: object) -> None:
        stopped.append(factory.stop())
        done.set()

    _ = factory.core.v1.nodes.informer
    factory.core.v1.config_maps.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=stop))
    factory.start()
    assert done.wait(10)
    assert stopped[0] is False
    assert factory.stop(timeout=10)
    assert factory.core.v1.nodes.informer.is_stopped


def test_a_stop_waits_at_most_its_timeout_and_one_handler_holds_up_no_other_informer(
    server: APIServer, factory: SharedInformerFactory
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def block(_: object) -> None:
        entered.set()
        go_on.wait(10)

    factory.core.v1.config_maps.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=block))
    nodes = factory.core.v1.nodes.informer
    factory.start()
    assert entered.wait(10)
    assert not factory.stop(timeout=0.05)
    assert nodes.stop(10)
    go_on.set()


def test_an_informer_that_is_released_ends_and_a_new_one_takes_its_place(
    server: APIServer, factory: SharedInformerFactory
) -> None:
    old = factory.core.v1.config_maps
    registration = old.informer.add_event_handler(RecordingHandler[client.V1ConfigMap]())
    run(factory)
    assert factory.release(old.resource)
    assert old.informer.is_stopped
    assert registration.ended.is_set()
    assert not factory.release(old.resource)

    server.create(config_map("c"))
    new = factory.core.v1.config_maps
    assert new.informer is not old.informer
    handler: RecordingHandler[client.V1ConfigMap] = RecordingHandler()
    new.informer.add_event_handler(handler)
    run(factory)
    handler.wait_for(3)
    assert names(new.lister.list()) == ["a", "b", "c"]
    assert names(old.lister.list()) == ["a", "b"]
    assert factory.kinds == (new,)


def test_a_handler_may_release_its_own_informer(server: APIServer, factory: SharedInformerFactory) -> None:
    released: list[bool] = []
    done = threading.Event()
    config_maps = factory.core.v1.config_maps

    def release(_: object) -> None:
        released.append(factory.release(config_maps.resource))
        done.set()

    config_maps.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=release))
    factory.start()
    assert done.wait(10)
    assert config_maps.informer.stop(10)
    assert released == [True]
    assert factory.kinds == ()


def test_a_stop_waits_for_a_handler_that_has_released_its_own_informer(
    server: APIServer, factory: SharedInformerFactory
) -> None:
    config_maps = factory.core.v1.config_maps
    released, go_on = threading.Event(), threading.Event()

    def release(_: object) -> None:
        factory.release(config_maps.resource)
        released.set()
        assert go_on.wait(10)

    config_maps.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=release))
    factory.start()
    assert released.wait(10)
    assert not factory.stop(timeout=0.01)
    go_on.set()
    assert factory.stop(timeout=10)
    assert not any(thread.is_alive() for thread in config_maps.informer._life.threads)


def test_what_was_released_and_has_ended_is_not_kept(server: APIServer, factory: SharedInformerFactory) -> None:
    for _ in range(3):
        factory.core.v1.config_maps.informer.start()
        assert factory.release(core.V1.config_maps)
    assert factory._released == []


def test_a_release_in_the_midst_of_a_start_keeps_no_other_from_starting(
    factory: SharedInformerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = factory.core.v1.config_maps, factory.core.v1.nodes
    start = type(first.informer).start

    def start_late(informer: Any) -> None:
        if informer is first.informer:
            factory.release(first.resource)
        start(informer)

    monkeypatch.setattr(type(first.informer), "start", start_late)
    factory.start()
    assert second.informer.synced.wait(10)


def test_one_kind_may_have_it_otherwise_than_the_others(server: APIServer) -> None:
    for namespace in ("one", "two"):
        server.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": namespace}})
        server.create(config_map("x", namespace, app="web"))
        server.create({**config_map("s", namespace), "kind": "Secret"})

    def strip(thing: Any) -> Any:
        thing.metadata.labels = None
        return thing

    factory = SharedInformerFactory(
        server.client(),
        default_resync=0,
        label_selector="app=web",
        overrides={
            core.V1.secrets: KindOptions(label_selector="", namespace=["one", "two"], resync_period=5),
            core.V1.config_maps: KindOptions(
                field_selector="metadata.name!=a",
                transform=strip,
                indexers={"name": lambda thing: [thing.metadata.name]},
            ),
        },
    )
    config_maps, secrets = factory.core.v1.config_maps, factory.core.v1.secrets
    secrets.informer.add_event_handler(RecordingHandler[client.V1Secret]())
    config_maps.informer.add_event_handler(RecordingHandler[client.V1ConfigMap]())
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert config_maps.informer.indexer.index_keys("name", "x") == ["one/x", "two/x"]
        assert names(config_maps.lister.list()) == ["x", "x"]
        assert [thing.metadata.labels for thing in config_maps.lister.list()] == [None, None]
        assert sorted(secrets.informer.indexer.keys()) == ["one/s", "two/s"]
        assert [watch.namespace for watch in secrets.informer.health().watches] == ["one", "two"]
        assert secrets.informer.health().handlers[0].resync_period == 5.0
        assert config_maps.informer.health().handlers[0].resync_period == 0.0


def test_time_limits_and_sizes_are_those_of_the_factory_or_of_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, dict[str, Any]] = {}

    def noting(api_client: Any, resource: Resource[Any], **options: Any) -> ListWatch[Any]:
        asked[resource.plural] = options
        return ListWatch(api_client, resource, **options)

    monkeypatch.setattr("informers._factory.blueprint.ListWatch", noting)
    limits: dict[str, Any] = {
        "connect_timeout": 3.0,
        "idle_timeout": 90.0,
        "streaming_timeout": 5.0,
        "list_timeout": 60.0,
        "max_object_size": 1 << 20,
        "connection_lifetime": 60.0,
    }
    own = {core.V1.secrets: KindOptions(options=ReflectorOptions(idle_timeout=70.0))}
    with client.ApiClient(client.Configuration(host="http://x")) as api_client:
        factory = SharedInformerFactory(api_client, options=ReflectorOptions(**limits), overrides=own)
        factory.core.v1.pods.informer.stop()
        factory.core.v1.secrets.informer.stop()
    assert {name: asked["pods"][name] for name in limits} == limits
    assert (asked["secrets"]["idle_timeout"], asked["secrets"]["list_timeout"]) == (70.0, 120.0)


def test_an_object_beyond_the_size_of_its_kind_is_reported_and_other_kinds_have_theirs(server: APIServer) -> None:
    server.create({**config_map("big", "default"), "data": {"x": "x" * 5000}})
    server.create({**config_map("big", "default"), "kind": "Secret", "stringData": {"x": "x" * 5000}})
    failures: list[WatchFailure] = []
    factory = SharedInformerFactory(
        server.client(),
        options=QUICK,
        overrides={core.V1.secrets: KindOptions(options=attrs.evolve(QUICK, max_object_size=2000))},
        watch_error_handler=failures.append,
    )
    with factory:
        config_maps, _ = factory.core.v1.config_maps.informer, factory.core.v1.secrets.informer
        factory.start()
        assert config_maps.synced.wait(10)
        eventually(lambda: any("2,000" in str(failure) or "2000" in str(failure) for failure in failures))
    assert {failure.resource for failure in failures} == {"secrets"}


def test_what_all_kinds_share_holds_for_each(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), namespace="default", field_selector="metadata.name=a")
    with factory:
        config_maps = factory.core.v1.config_maps
        run(factory)
        assert names(config_maps.lister.list()) == ["a"]
    assert {request.path for request in server.requests} == {"/api/v1/namespaces/default/configmaps"}
    assert all(request.query["fieldSelector"] == "metadata.name=a" for request in server.requests)


class V1(GroupVersion, group="example.com", version="v1"):
    """A table of one's own."""

    widgets: namespaced[dict[str, Any]] = namespaced("Widget", decode=dict)


def test_a_table_of_one_s_own_is_served_too(factory: SharedInformerFactory) -> None:
    widgets = factory.version(V1).widgets
    assert widgets is factory.version(V1).widgets
    assert str(widgets.resource) == "widgets.example.com"


@pytest.mark.parametrize("wrong", [core.V1.pods, V1.widgets, "core/v1", int])
def test_what_is_not_a_table_is_refused(factory: SharedInformerFactory, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"version\(\) takes a subclass of GroupVersion: got"):
        factory.version(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"api_client": "http://localhost"}, "api_client must be a kubernetes.client.ApiClient: got str"),
        ({"api_client": client.CoreV1Api}, "api_client must be a kubernetes.client.ApiClient: got type"),
        ({"default_resync": -1}, "default_resync must be a number of seconds, or 0 for never: got -1"),
        ({"default_resync": "10m"}, "default_resync must be a number of seconds"),
        ({"default_resync": None}, "default_resync must be a number of seconds"),
        ({"namespace": ""}, "namespace must be"),
        ({"namespace": {"default": 1}}, "namespace must be"),
        ({"namespace": ["default", ""]}, "namespace must be"),
        ({"namespace": ["default", 3]}, "namespace must be"),
        ({"namespace": [["default"]]}, "namespace must be"),
        ({"namespace": "Default/x"}, "namespace must be a name, for example 'default'"),
        ({"namespace": b"default"}, "namespace must be"),
        ({"label_selector": "a=b=c"}, "label selector 'a=b=c', position 3"),
        ({"field_selector": "status.phase"}, "field selector"),
        ({"transform": "strip"}, "transform must be a function of (obj): got str"),
        ({"tweak": {}}, "tweak must be a function of (options): got dict"),
        ({"watch_error_handler": 1}, "watch_error_handler must be a function of (failure): got int"),
        ({"drop_managed_fields": "no"}, "drop_managed_fields must be True or False: got 'no'"),
        ({"options": {"page_size": 10}}, "options must be ReflectorOptions: got"),
        ({"overrides": {core.V1.pods: 5}}, "overrides must map resources to KindOptions"),
        ({"overrides": [core.V1.pods]}, "overrides must map resources to KindOptions"),
        ({"overrides": {"pods": KindOptions()}}, "overrides must map resources to KindOptions"),
        ({"overrides": {core.V1.pods: {"resync_period": 1}}}, "overrides must map resources to KindOptions"),
        ({"overrides": {core.V1.nodes: KindOptions(namespace="default")}}, "nodes has no namespaces"),
    ],
    ids=str,
)
def test_mistakes_are_said_where_the_factory_is_made(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        SharedInformerFactory(**{"api_client": client.ApiClient(client.Configuration(host="http://x")), **arguments})
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resync_period": -1}, "resync_period must be a number of seconds"),
        ({"namespace": "No Such"}, "namespace must be a name"),
        ({"label_selector": "="}, "label selector"),
        ({"field_selector": "="}, "field selector"),
        ({"transform": 1}, "transform must be a function"),
        ({"tweak": 1}, "tweak must be a function"),
        ({"drop_managed_fields": 1}, "drop_managed_fields must be True or False"),
        ({"indexers": [len]}, "indexers must map names to functions"),
        ({"indexers": {"": len}}, "indexers must map names to functions"),
        ({"indexers": {"node": "spec.nodeName"}}, "indexers must map names to functions"),
    ],
    ids=str,
)
def test_mistakes_in_the_options_of_one_kind_are_said_where_they_are_made(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        KindOptions(**arguments)
    assert message in str(raised.value)


def test_mistakes_are_said_at_the_call(factory: SharedInformerFactory) -> None:
    with pytest.raises(ConfigurationError, match=r"release\(\) takes a resource, for example core\.V1\.pods"):
        factory.release("pods")  # type: ignore[arg-type] # the mistake that is tested
    for wait in (factory.stop, factory.wait_for_cache_sync):
        with pytest.raises(ConfigurationError, match="timeout must be None or not negative"):
            wait(timeout=-1)
    assert factory.health().is_synced


def test_without_a_client_it_takes_the_configuration_that_has_been_loaded(
    server: APIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.Configuration, "_default", None)
    with pytest.raises(ConfigurationError, match=r"call kubernetes\.config\.load_config\(\) first"):
        SharedInformerFactory()
    client.Configuration.set_default(server.client().configuration)
    factory = SharedInformerFactory()
    config_maps = factory.core.v1.config_maps
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert names(config_maps.lister.list()) == ["a", "b"]


def test_many_that_ask_start_and_release_at_once_end_in_one_informer(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), options=ReflectorOptions())
    got: list[object] = []

    def ask() -> None:
        for _ in range(5):
            got.append(factory.core.v1.config_maps.informer)
            factory.start()
            factory.release(core.V1.config_maps)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    last = factory.core.v1.config_maps
    run(factory)
    assert names(last.lister.list()) == ["a", "b"]
    assert factory.apps.v1.deployments is factory.namespaced_kind(apps.V1.deployments)
    assert factory.stop(timeout=10)
    assert all(informer is last.informer or informer.is_stopped for informer in got)  # type: ignore[attr-defined] # informers
