"""Any resource by its name, and custom kinds as typed ones, whether or not the server has them at the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from informers import (
    ConfigurationError,
    DynamicSharedInformerFactory,
    KindOptions,
    NextStep,
    SharedInformerFactory,
    WatchFailure,
    object_name,
)
from informers.kinds import GroupVersion, apiextensions, namespaced
from informers.testing import APIServer, RecordingHandler
from tests.waiting import QUICK, Failures, eventually
from tests.widgets import V1, WIDGETS, DataWidget, Metadata, Widget, definition, widget

if TYPE_CHECKING:
    from informers.testing.controlplane import ControlPlane

CRDS = apiextensions.V1.custom_resource_definitions
NAME = "widgets.example.com"


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


@pytest.fixture
def defined(server: APIServer) -> APIServer:
    server.create(definition())
    return server


def is_404(failure: WatchFailure) -> bool:
    return getattr(failure.error, "code", 0) == 404


def test_any_resource_is_informed_of_as_plain_mappings(server: APIServer) -> None:
    server.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0", "labels": {"app": "web"}}})
    server.create({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node-1"}})
    factory = DynamicSharedInformerFactory(server.client())
    pods = factory.for_resource("", "v1", "pods")
    nodes = factory.for_resource("", "v1", "nodes", namespaced=False)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        pod = pods.lister.namespace("default").get("web-0")
        assert type(pod) is dict
        assert (pod["kind"], pod["apiVersion"]) == ("Pod", "v1")
        assert pods.lister.list(label_selector="app=web") == [pod]
        assert nodes.lister.get("node-1")["metadata"]["name"] == "node-1"


def test_a_mapping_that_a_reader_changes_is_the_reader_s_own(server: APIServer) -> None:
    server.create({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}})
    factory = DynamicSharedInformerFactory(server.client())
    pods = factory.for_resource("", "v1", "pods")
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        pods.lister.namespace("default").get("web-0").clear()
        assert pods.lister.namespace("default").get("web-0")["kind"] == "Pod"


def test_a_resource_is_asked_for_once_however_often_it_is_named(defined: APIServer) -> None:
    factory = DynamicSharedInformerFactory(defined.client())
    first, second = (factory.for_resource("example.com", "v1", "widgets") for _ in range(2))
    assert first is second
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
    assert len(defined.requests.select(verb="watch", resource=WIDGETS)) == 1


def test_a_definition_that_is_not_there_yet_is_waited_for_and_named(server: APIServer) -> None:
    failures = Failures()
    factory = DynamicSharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
    widgets = factory.for_resource("example.com", "v1", "widgets")
    handler = RecordingHandler[Any]()
    widgets.informer.add_event_handler(handler)
    with factory:
        failures.wait_for(is_404)
        result = factory.wait_for_cache_sync(timeout=0)
        assert not result
        assert list(result.unsynced) == [NAME]
        assert "404" in result.unsynced[NAME]
        assert "404" in factory.health().informers[0].reason
        server.create(definition())
        server.create(widget("w", size=1))
        handler.wait_for(1)
        assert factory.wait_for_cache_sync(timeout=10)
        eventually(lambda: factory.health().is_live)
        assert widgets.lister.namespace("default").get("w")["spec"] == {"size": 1}


def test_a_definition_that_goes_away_and_comes_back_is_recovered_from(defined: APIServer) -> None:
    defined.create(widget("old", size=1))
    failures = Failures()
    factory = DynamicSharedInformerFactory(defined.client(), watch_error_handler=failures, options=QUICK)
    widgets = factory.for_resource("example.com", "v1", "widgets")
    handler = RecordingHandler[Any]()
    widgets.informer.add_event_handler(handler)
    with factory:
        handler.wait_for(1)
        defined.delete(CRDS, NAME)
        failures.wait_for(is_404)
        health = factory.health()
        assert health.is_synced
        assert not health.is_live
        assert f"{NAME}: " in str(health)
        assert "404" in str(health)
        defined.create(definition())
        defined.create(widget("new", size=2))
        handler.wait_until(lambda events: "add default/new" in map(str, events))
        eventually(lambda: factory.health().is_live)
        assert widgets.informer.indexer.keys() == ["default/new"]
    kinds = [text.removesuffix(" (tombstone)") for text in handler.texts()]
    assert kinds == ["add default/old (initial)", "delete default/old", "add default/new"]


def test_other_resources_are_followed_while_one_is_missing(server: APIServer) -> None:
    failures = Failures()
    factory = DynamicSharedInformerFactory(server.client(), watch_error_handler=failures, options=QUICK)
    handler = RecordingHandler[Any]()
    factory.for_resource("", "v1", "configmaps").informer.add_event_handler(handler)
    _ = factory.for_resource("example.com", "v1", "widgets")
    with factory:
        failures.wait_for(is_404)
        server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "m"}})
        handler.wait_for(1)
        assert list(factory.wait_for_cache_sync(timeout=0).unsynced) == [NAME]


def test_a_transform_changes_what_is_kept(defined: APIServer) -> None:
    defined.create(widget("w", size=1, secret="s"))

    def without_secret(obj: dict[str, Any]) -> dict[str, Any]:
        del obj["spec"]["secret"]
        return obj

    factory = DynamicSharedInformerFactory(defined.client(), transform=without_secret)
    widgets = factory.for_resource("example.com", "v1", "widgets")
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert widgets.lister.namespace("default").get("w")["spec"] == {"size": 1}


def test_only_the_object_on_which_a_transform_fails_is_left_out(defined: APIServer) -> None:
    defined.create(widget("good", size=1))
    defined.create(widget("bad"))

    def halve(obj: dict[str, Any]) -> dict[str, Any]:
        obj["spec"]["size"] /= 2
        return obj

    factory = DynamicSharedInformerFactory(defined.client(), transform=halve)
    widgets = factory.for_resource("example.com", "v1", "widgets")
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert widgets.informer.indexer.keys() == ["default/good"]
        assert list(factory.health().informers[0].set_aside) == ["default/bad"]


def test_a_resource_needs_version_and_plural(server: APIServer) -> None:
    factory = DynamicSharedInformerFactory(server.client())
    for version, plural in (("", "pods"), ("v1", "")):
        with pytest.raises(ConfigurationError, match=r"needs a version and a plural name.*: got group '.*', version"):
            factory.for_resource("", version, plural)


def test_custom_kinds_are_typed_in_the_factory_of_built_in_ones(defined: APIServer) -> None:
    defined.create(widget("w", size=3))
    factory = SharedInformerFactory(defined.client())
    widgets = factory.version(V1).widgets
    assert factory.version(V1).widgets is widgets
    handler = RecordingHandler[Widget]()
    widgets.informer.add_event_handler(handler)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        found = widgets.lister.namespace("default").get("w")
        assert isinstance(found, Widget)
        assert (found.size, str(object_name(found))) == (3, "default/w")
        handler.wait_for(1)
        defined.patch(WIDGETS, "w", {"spec": {"size": 4}})
        event = handler.wait_for(2)[1]
        assert (event.old.size, event.obj.size) == (3, 4)


def with_dataclass(obj: dict[str, Any]) -> Any:
    return DataWidget(Metadata.of(obj), obj["spec"]["size"])


def with_pydantic(obj: dict[str, Any]) -> Any:
    import pydantic

    fields = {"metadata": (dict[str, Any], ...), "spec": (dict[str, int], ...)}
    model: Any = pydantic.create_model("PydanticWidget", **fields)  # type: ignore[call-overload] # as its docs have it
    model.size = property(lambda self: self.spec["size"])
    return model.model_validate(obj)


@pytest.mark.parametrize("decode", [Widget.from_dict, with_dataclass, with_pydantic])
def test_a_custom_kind_s_class_may_be_anything_that_is_made_from_a_mapping(
    defined: APIServer, decode: Callable[[dict[str, Any]], Any]
) -> None:
    if decode is with_pydantic:
        pytest.importorskip("pydantic", reason="this client is not pydantic's")

    class Version(GroupVersion, group="example.com", version="v1"):
        widgets: namespaced[Any] = namespaced("Widget", decode=decode)

    defined.create(widget("w", size=3))
    factory = SharedInformerFactory(defined.client())
    widgets = factory.version(Version).widgets
    widgets.informer.add_indexers({"size": lambda obj: [str(obj.size)]})
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        [found] = widgets.informer.indexer.by_index("size", "3")
        assert found.size == 3


def test_only_the_object_that_the_user_s_class_refuses_is_left_out_until_it_fits(defined: APIServer) -> None:
    defined.create(widget("good", size=1))
    defined.create(widget("bad", size="many"))
    failures, handler = Failures(), RecordingHandler[Widget]()
    factory = SharedInformerFactory(defined.client(), watch_error_handler=failures)
    widgets = factory.version(V1).widgets
    widgets.informer.add_event_handler(handler)
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert [each.size for each in widgets.lister.list()] == [1]
        failure = failures.wait_for(lambda failure: failure.key == "default/bad")
        assert failure.next_step is NextStep.GO_ON
        assert "decode raised ValueError" in str(failure.error)
        assert set(widgets.informer.health().set_aside) == {"default/bad"}
        defined.patch(WIDGETS, "good", {"spec": {"size": "few"}})
        eventually(lambda: "default/good" in widgets.informer.health().set_aside)
        assert widgets.lister.namespace("default").get("good").size == 1, "the last state that could be made stays"
        defined.patch(WIDGETS, "bad", {"spec": {"size": 2}})
        handler.wait_for(2)
        defined.delete(WIDGETS, "good")
        handler.wait_for(3)
        assert widgets.informer.health().set_aside == {}
        assert [each.size for each in widgets.lister.list()] == [2]
    assert [(event.type, event.key, event.is_tombstone) for event in handler.events] == [
        ("add", "default/good", False),
        ("add", "default/bad", False),
        ("delete", "default/good", True),
    ]


def test_a_custom_kind_may_have_options_of_its_own(defined: APIServer) -> None:
    for name in ("big", "small"):
        defined.create(widget(name, size=1))
    defined.patch(WIDGETS, "big", {"metadata": {"labels": {"size": "big"}}})
    own = {V1.widgets: KindOptions(label_selector="size=big")}
    factory = SharedInformerFactory(defined.client(), overrides=own)
    widgets = factory.version(V1).widgets
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert widgets.informer.indexer.keys() == ["default/big"]


def test_version_takes_tables_of_kinds_alone(server: APIServer) -> None:
    for wrong in (Widget, V1.widgets, "v1"):
        with pytest.raises(ConfigurationError, match="takes a subclass of GroupVersion"):
            SharedInformerFactory(server.client()).version(wrong)  # type: ignore[type-var]


def test_a_real_server_s_definition_comes_goes_and_comes_back(control_plane: ControlPlane) -> None:
    from kubernetes import client

    api_client = control_plane.client()
    extensions, custom = client.ApiextensionsV1Api(api_client), client.CustomObjectsApi(api_client)
    place = {"group": "example.com", "version": "v1", "namespace": "default", "plural": "widgets"}

    def create(name: str) -> None:
        def tried() -> bool:
            try:
                custom.create_namespaced_custom_object(**place, body=widget(name, size=1))
            except client.ApiException as error:
                # Until the server has taken up the definition.
                if error.status != 404:
                    raise
                return False
            return True

        eventually(tried, timeout=20)

    failures = Failures()
    factory = DynamicSharedInformerFactory(api_client, watch_error_handler=failures, options=QUICK)
    widgets = factory.for_resource("example.com", "v1", "widgets")
    handler = RecordingHandler[Any]()
    widgets.informer.add_event_handler(handler)
    with factory:
        failures.wait_for(is_404)
        extensions.create_custom_resource_definition(body=definition())
        create("old")
        handler.wait_for(1, timeout=30)
        failures.clear()
        extensions.delete_custom_resource_definition(NAME)
        failures.wait_for(is_404, timeout=30)
        assert "404" in str(factory.health())
        extensions.create_custom_resource_definition(body=definition())
        create("new")
        handler.wait_until(lambda events: any("default/new" in str(event) for event in events), timeout=30)
        eventually(lambda: widgets.informer.indexer.keys() == ["default/new"])
    extensions.delete_custom_resource_definition(NAME)
    assert [text.split(" (")[0] for text in handler.texts()] == [
        "add default/old",
        "delete default/old",
        "add default/new",
    ]
