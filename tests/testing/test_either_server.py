"""The same test on the embedded API server and on a real one: what `KubernetesAPI` promises."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import V1ConfigMap, V1ObjectMeta

from informers import SharedInformerFactory
from informers.errors import ConfigurationError, StatusError
from informers.kinds import core
from informers.testing import APIServer, KubernetesAPI, RecordingHandler
from tests.waiting import eventually
from tests.widgets import WIDGETS, definition, widget

if TYPE_CHECKING:
    from informers.testing import ControlPlane

numbers = itertools.count(1)


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real_apiserver)])
def server(request: pytest.FixtureRequest) -> Iterator[KubernetesAPI]:
    if request.param == "embedded":
        with APIServer() as embedded:
            yield embedded
    else:
        plane: ControlPlane = request.getfixturevalue("real_apiserver")
        yield plane
        plane.resume_accepting()
        plane.clear()


@pytest.fixture
def namespace() -> str:
    return f"either-{next(numbers)}"


def pod(name: str, namespace: str, phase: str = "Running") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": phase},
    }


def test_an_object_is_made_with_its_status_in_a_namespace_that_was_missing(
    server: KubernetesAPI, namespace: str
) -> None:
    made = server.create(pod("web-0", namespace))
    assert (made["kind"], made["status"]["phase"]) == ("Pod", "Running")
    assert server.get(core.V1.pods, "web-0", namespace=namespace)["status"]["phase"] == "Running"
    changed = server.patch(core.V1.pods, "web-0", {"status": {"phase": "Failed"}}, namespace=namespace)
    assert changed["status"]["phase"] == "Failed"
    labelled = server.patch(core.V1.pods, "web-0", {"metadata": {"labels": {"app": None}}}, namespace=namespace)
    assert not labelled["metadata"].get("labels")
    server.delete(core.V1.pods, "web-0", namespace=namespace)
    with pytest.raises(StatusError, match="404"):
        server.get(core.V1.pods, "web-0", namespace=namespace)


def test_a_model_of_the_official_client_may_be_given(server: KubernetesAPI) -> None:
    server.create(V1ConfigMap(metadata=V1ObjectMeta(name="settings"), data={"a": "1"}))
    stored = server.get(core.V1.config_maps, "settings")
    assert server.update({**stored, "data": {"a": "2"}})["data"] == {"a": "2"}


def test_what_is_listed_has_its_kind_and_comes_by_name(server: KubernetesAPI, namespace: str) -> None:
    for name in ("b", "a"):
        server.create(pod(name, namespace))
    listed = server.list(core.V1.pods, namespace=namespace)
    assert [(each["kind"], each["metadata"]["name"]) for each in listed] == [("Pod", "a"), ("Pod", "b")]
    assert len(server.list(core.V1.pods, namespace=namespace, label_selector="app=a")) == 1


def test_a_kind_that_is_not_known_is_refused_with_its_name(server: KubernetesAPI) -> None:
    with pytest.raises(ConfigurationError, match="Nothing"):
        server.create({"apiVersion": "v1", "kind": "Nothing", "metadata": {"name": "a"}})


def test_an_object_is_waited_for_until_it_is_as_wanted_and_until_it_is_gone(
    server: KubernetesAPI, namespace: str
) -> None:
    server.create(pod("web-0", namespace))
    found = server.wait_for_object(
        core.V1.pods, "web-0", lambda obj: obj and obj["status"]["phase"] == "Running", namespace=namespace
    )
    assert found is not None
    with pytest.raises(TimeoutError, match=r"web-0 was not as wanted within 0\.05 s: it is {.*Running"):
        server.wait_for_object(core.V1.pods, "web-0", lambda obj: obj is None, namespace=namespace, timeout=0.05)
    server.delete(core.V1.pods, "web-0", namespace=namespace)
    gone = server.wait_for_object(core.V1.pods, "web-0", lambda obj: obj is None, namespace=namespace)
    assert gone is None


def test_an_informer_is_right_again_after_its_connections_broke(server: KubernetesAPI, namespace: str) -> None:
    server.create(pod("a", namespace))
    handler: RecordingHandler[Any] = RecordingHandler()
    with SharedInformerFactory(server.client(), namespace=namespace) as factory:
        pods = factory.core.v1.pods
        pods.informer.add_event_handler(handler)
        factory.start()
        assert factory.wait_for_cache_sync(timeout=20)
        server.drop_connections()
        server.create(pod("b", namespace))
        handler.wait_for(2, timeout=20)
        server.stop_accepting()
        server.delete(core.V1.pods, "a", namespace=namespace)
        server.resume_accepting()
        eventually(lambda: [each.metadata.name for each in pods.lister.list()] == ["b"], timeout=30)


@pytest.mark.real_apiserver
def test_definitions_are_served_at_once_and_clear_leaves_what_every_cluster_has(real_apiserver: ControlPlane) -> None:
    real_apiserver.clear()  # of what other tests have left
    before = {each["metadata"]["name"] for each in real_apiserver.list(core.V1.namespaces)}
    real_apiserver.create(definition())
    stuck = widget("stuck")
    stuck["metadata"] = {**stuck["metadata"], "namespace": "either-stuck", "finalizers": ["example.com/held"]}
    real_apiserver.create(stuck)
    assert len(real_apiserver.list(WIDGETS)) == 1
    real_apiserver.clear()
    # A server that has just started makes some of them later.
    assert {each["metadata"]["name"] for each in real_apiserver.list(core.V1.namespaces)} >= before
    real_apiserver.wait_for_object(core.V1.namespaces, "either-stuck", lambda obj: obj is None)

    def is_served() -> bool:
        try:
            real_apiserver.list(WIDGETS)
        except StatusError:
            return False
        return True

    eventually(lambda: not is_served())


@pytest.mark.real_apiserver
def test_answers_may_be_delayed(real_apiserver: ControlPlane) -> None:
    from kubernetes.client import VersionApi

    api = VersionApi(real_apiserver.client())
    api.get_code()
    real_apiserver.delay_answers(30)
    try:
        with pytest.raises(Exception, match="timed out"):
            api.get_code(_request_timeout=(5, 0.2))
    finally:
        real_apiserver.delay_answers(0)
        real_apiserver.drop_connections()
    assert api.get_code().git_version


def test_programs_that_are_missing_are_explained(tmp_path: Any) -> None:
    from informers.testing import ControlPlane

    with pytest.raises(ConfigurationError, match=r"no etcd and no kube-apiserver: set KUBEBUILDER_ASSETS"):
        ControlPlane(assets=tmp_path)
