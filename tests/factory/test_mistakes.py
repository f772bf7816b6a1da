"""What is done wrong on a first day gets a message that says what to do."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import kubernetes.client
import pytest

from informers import (
    ClusterResource,
    ConfigurationError,
    DynamicSharedInformerFactory,
    NotFoundError,
    ResourceEventHandler,
    ResourceEventHandlerFuncs,
    SharedInformer,
    SharedInformerFactory,
    wait_for_cache_sync,
)
from informers.kinds import core
from informers.testing import APIServer, FakeSource
from tests.examples.clients import TAKES_CONTENT_TYPE
from tests.waiting import eventually

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def factory() -> Any:
    """A factory whose mistakes type checkers don't see."""
    return SharedInformerFactory(kubernetes.client.ApiClient(kubernetes.client.Configuration(host=NOWHERE)))


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Show what is on the terminal of a program that has not set up any logging."""
    stream = io.StringIO()
    last_resort = logging.StreamHandler(stream)
    last_resort.setLevel(logging.WARNING)
    with monkeypatch.context() as patch:
        patch.setattr(logging, "lastResort", last_resort)
        patch.setattr(logging.getLogger(), "handlers", [])
        yield stream


@pytest.mark.skipif(not TAKES_CONTENT_TYPE, reason="the client asked localhost then, until 37")
def test_a_client_that_was_made_before_a_configuration_was_loaded_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes.client.Configuration, "_default", None)
    client = kubernetes.client.ApiClient()
    with pytest.raises(ConfigurationError, match=r"does not know which server to ask: call .*load_config\(\) before"):
        SharedInformerFactory(client)


def test_the_error_for_a_kind_that_a_version_lacks_names_the_versions_that_have_it(factory: Any) -> None:
    with pytest.raises(AttributeError, match=r"^v1 has no kind 'deployments', but apps/v1 has; it has .*, pods, "):
        factory.core.v1.deployments  # noqa: B018


def test_the_error_for_a_misspelt_kind_names_those_that_exist(factory: Any) -> None:
    with pytest.raises(AttributeError, match=r"^apps/v1 has no kind 'pod'; it has .*, deployments, ") as caught:
        factory.apps.v1.pod  # noqa: B018
    assert caught.value.name == "pod"
    assert "deployments" in dir(caught.value.obj)  # from which Python makes its "Did you mean"


def test_the_error_for_misspelt_versions_and_groups_names_those_that_exist(factory: Any) -> None:
    with pytest.raises(AttributeError, match=r"^AutoscalingGroup has no version 'v3'; it has v1, v2$"):
        factory.autoscaling.v3  # noqa: B018
    with pytest.raises(AttributeError, match=r"has no 'pods'; API groups are admission.* for example core\.v1\.pods$"):
        factory.pods  # noqa: B018
    assert not hasattr(factory, "extensions")


def test_an_error_within_a_row_is_not_reported_as_a_missing_row() -> None:
    class Broken:
        def namespaced_kind(self, resource: Any) -> Any:
            raise AttributeError(f"nothing made for {resource}")

    with pytest.raises(AttributeError, match=r"^nothing made for pods$"):
        core.V1(cast("Any", Broken())).pods  # noqa: B018


def test_the_error_for_an_attribute_of_the_lister_or_informer_of_a_kind_says_where_it_is(factory: Any) -> None:
    with pytest.raises(AttributeError, match=r"use \.lister\.list$"):
        factory.core.v1.pods.list()
    with pytest.raises(AttributeError, match=r"use \.lister\.namespace\(\.\.\.\)\.get$"):
        factory.core.v1.pods.get("web-0")
    with pytest.raises(AttributeError, match=r"use \.lister\.get$"):
        factory.core.v1.nodes.get("node-1")
    with pytest.raises(AttributeError, match=r"use \.informer\.add_event_handler$"):
        factory.core.v1.nodes.add_event_handler()
    with pytest.raises(AttributeError, match=r"use \.informer, \.lister or \.resource$"):
        factory.core.v1.pods.watch()
    assert copy.copy(factory.core.v1.pods).resource == core.V1.pods


def test_a_lister_says_whether_its_kind_has_namespaces(factory: Any) -> None:
    with pytest.raises(
        AttributeError, match=r"no attribute 'get': its kind has namespaces, use \.namespace\(\.\.\.\)\.get$"
    ):
        factory.core.v1.pods.lister.get("web-0")
    with pytest.raises(
        AttributeError, match=r"no attribute 'namespace': its kind has no namespaces, use \.get or \.list$"
    ):
        factory.core.v1.nodes.lister.namespace("default")
    for lister in (factory.core.v1.pods.lister, factory.core.v1.nodes.lister):
        with pytest.raises(AttributeError, match=r"Lister' object has no attribute 'fetch'$"):
            lister.fetch()
        assert repr(copy.copy(lister)) == repr(lister)


@pytest.mark.parametrize(
    "ask",
    [
        lambda server, given: server.get(given, "web-0"),
        lambda server, given: server.patch(given, "web-0", {}),
        lambda server, given: server.delete(given, "web-0"),
        lambda server, given: server.list(given),
        lambda server, given: server.create({}, resource=given),
        lambda server, given: server.deny(given),
        lambda server, given: server.allow(given),
        lambda server, given: server.drop_watches(given),
        lambda server, given: server.wait_for_watchers(given),
    ],
)
def test_the_test_server_says_what_a_resource_is(ask: Any, factory: Any) -> None:
    server = APIServer()
    with pytest.raises(ConfigurationError, match=r"^resource must be a row of .*, for example core\..*: got 'pods'$"):
        ask(server, "pods")
    with pytest.raises(ConfigurationError, match=r": got NamespacedKind; give its \.resource$"):
        ask(server, factory.core.v1.pods)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (("core", "v1", "pods"), "the core group's name is empty: give '' and not 'core'"),
        (
            ("apps", "v1", "Deployment"),
            "plural must be the name used in the URL, for example 'deployments': got 'Deployment'",
        ),
        (("", "apps/v1", "deployments"), "version must be the name used in the URL, for example 'v1': got 'apps/v1'"),
        (("apps/v1", "v1", "deployments"), "group must be the name used in the URL, for example 'apps': got 'apps/v1'"),
    ],
)
def test_a_resource_that_no_server_can_have_is_refused(name: tuple[str, str, str], message: str) -> None:
    client = kubernetes.client.ApiClient(kubernetes.client.Configuration(host=NOWHERE))
    with pytest.raises(ConfigurationError) as caught:
        DynamicSharedInformerFactory(client).for_resource(*name)
    assert str(caught.value) == message
    with pytest.raises(ConfigurationError):
        ClusterResource(*name)


def test_the_error_for_what_can_not_be_waited_for_says_what_can(factory: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"got SharedInformerFactory, which has a wait_for_cache_sync of its own$"
    ):
        wait_for_cache_sync(factory)
    with pytest.raises(ConfigurationError, match=r"got NamespacedKind; give its \.informer$"):
        wait_for_cache_sync(factory.core.v1.pods)
    with pytest.raises(ConfigurationError, match=r"for example factory\.core\.v1\.pods\.informer: got bool$"):
        wait_for_cache_sync(factory.core.v1.pods.informer.has_synced)


def test_a_read_before_the_sync_is_warned_of_once(factory: Any, caplog: pytest.LogCaptureFixture) -> None:
    pods = factory.core.v1.pods.lister
    assert pods.list() == pods.namespace("default").list() == []
    [record] = caplog.records
    assert record.getMessage() == (
        "pods were listed from an incomplete cache: it has not synced yet: "
        "start the factory, and call wait_for_cache_sync() before reading"
    )
    assert record.levelname == "WARNING"


def test_what_is_not_found_before_the_sync_says_so(factory: Any) -> None:
    with pytest.raises(
        NotFoundError, match=r"^pods 'default/web-0' not found in the cache: it has not synced yet: start "
    ) as caught:
        factory.core.v1.pods.lister.namespace("default").get("web-0")
    assert not caught.value.is_synced
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_read_of_a_namespace_that_is_not_followed_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with APIServer() as server, SharedInformerFactory(server.client(), namespace="shop") as factory:
        pods = factory.core.v1.pods.lister
        factory.start()
        factory.wait_for_cache_sync(timeout=10).raise_if_unsynced()
        reason = "the informer of pods does not follow namespace 'default'"
        assert pods.namespace("default").list() == []
        assert caplog.messages == [f"pods were listed from an incomplete cache: {reason}"]
        with pytest.raises(NotFoundError) as caught:
            pods.namespace("default").get("web-0")
        assert str(caught.value) == f"pods 'default/web-0' not found in the cache: {reason}"


def test_a_read_of_an_empty_cache_after_the_sync_causes_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with APIServer() as server, SharedInformerFactory(server.client()) as factory:
        pods = factory.core.v1.pods
        factory.start()
        factory.wait_for_cache_sync(timeout=10).raise_if_unsynced()
        assert pods.lister.list() == []
        with pytest.raises(NotFoundError, match=r"not found in the cache$"):
            pods.lister.namespace("default").get("web-0")
    assert not caplog.records


def test_a_handler_that_looks_at_another_kind_before_that_has_synced_is_not_warned(
    factory: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source: FakeSource[Any] = FakeSource()
    source.add({"metadata": {"name": "a"}})
    informer = SharedInformer(source)
    pods, looked = factory.core.v1.pods, threading.Event()

    def look(_obj: Any) -> None:
        assert pods.lister.list() == []
        looked.set()

    informer.add_event_handler(ResourceEventHandlerFuncs(on_add=look))
    informer.start()
    assert looked.wait(10)
    assert informer.stop(10)
    assert not caplog.records


def test_a_handler_with_a_misspelt_method_is_refused_with_that_name(factory: Any) -> None:
    class Own:
        def on_add(self, obj: Any, is_in_initial_list: bool) -> None: ...
        def on_updated(self, old: Any, new: Any) -> None: ...
        def on_delete(self, obj: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="Own has no on_update, but on_updated, which nothing would call"):
        factory.core.v1.pods.informer.add_event_handler(Own())


def test_a_misspelt_method_shows_though_the_protocol_has_the_right_one(factory: Any) -> None:
    class Derived(ResourceEventHandler[Any]):
        def on_deleted(self, obj: Any) -> None: ...

    class Sparing(ResourceEventHandler[Any]):
        def on_add(self, obj: Any, is_in_initial_list: bool, /) -> None: ...
        def on_startup(self) -> None: ...

    informer = factory.core.v1.pods.informer
    with pytest.raises(ConfigurationError, match="Derived has no on_add, on_update, on_delete, but on_deleted"):
        informer.add_event_handler(Derived())
    informer.add_event_handler(Sparing())


def test_what_a_handler_raises_is_seen_where_no_logging_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    source: FakeSource[Any] = FakeSource()
    source.add({"metadata": {"name": "a"}})
    informer = SharedInformer(source)
    handler = informer.add_event_handler(ResourceEventHandlerFuncs(on_add=lambda obj: obj.spec))
    with terminal(monkeypatch) as shown:
        informer.start()
        wait_for_cache_sync(handler, timeout=10).raise_if_unsynced()
        assert informer.stop(10)
    assert "failed on added of a; going on with the next event" in shown.getvalue()
    assert "AttributeError: 'dict' object has no attribute 'spec'" in shown.getvalue()


def test_a_missing_permission_is_seen_where_no_logging_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    said = 'cannot list resource "pods" in API group "" at the cluster scope; next: list in '
    with APIServer() as server, terminal(monkeypatch) as shown:
        server.deny(core.V1.pods)
        factory = SharedInformerFactory(server.client())
        pods = factory.core.v1.pods
        with factory:
            eventually(lambda: said in shown.getvalue())
            assert not pods.informer.has_synced
