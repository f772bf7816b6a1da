"""The same test on the embedded API server and on a real one: what `KubernetesAPI` promises."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import V1ConfigMap, V1ObjectMeta

from informers import SharedInformerFactory
from informers.errors import ConfigurationError, StatusError
from informers.kinds import core
from informers.testing import KubernetesAPI, RecordingHandler
from tests.waiting import eventually
from tests.widgets import WIDGETS, definition, widget

if TYPE_CHECKING:
    from informers.testing import ControlPlane

numbers = itertools.count(1)


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
    api_server: KubernetesAPI, namespace: str
) -> None:
    made = api_server.create(pod("web-0", namespace))
    assert (made["kind"], made["status"]["phase"]) == ("Pod", "Running")
    assert api_server.get(core.V1.pods, "web-0", namespace=namespace)["status"]["phase"] == "Running"
    changed = api_server.patch(core.V1.pods, "web-0", {"status": {"phase": "Failed"}}, namespace=namespace)
    assert changed["status"]["phase"] == "Failed"
    labelled = api_server.patch(core.V1.pods, "web-0", {"metadata": {"labels": {"app": None}}}, namespace=namespace)
    assert not labelled["metadata"].get("labels")
    api_server.delete(core.V1.pods, "web-0", namespace=namespace)
    with pytest.raises(StatusError, match="404"):
        api_server.get(core.V1.pods, "web-0", namespace=namespace)


def test_a_model_of_the_official_client_may_be_given(api_server: KubernetesAPI) -> None:
    api_server.create(V1ConfigMap(metadata=V1ObjectMeta(name="settings"), data={"a": "1"}))
    stored = api_server.get(core.V1.config_maps, "settings")
    assert api_server.update({**stored, "data": {"a": "2"}})["data"] == {"a": "2"}


def test_what_is_listed_has_its_kind_and_comes_by_name(api_server: KubernetesAPI, namespace: str) -> None:
    for name in ("b", "a"):
        api_server.create(pod(name, namespace))
    listed = api_server.list(core.V1.pods, namespace=namespace)
    assert [(each["kind"], each["metadata"]["name"]) for each in listed] == [("Pod", "a"), ("Pod", "b")]
    assert len(api_server.list(core.V1.pods, namespace=namespace, label_selector="app=a")) == 1


def test_a_kind_that_is_not_known_is_refused_with_its_name(api_server: KubernetesAPI) -> None:
    with pytest.raises(ConfigurationError, match="Nothing"):
        api_server.create({"apiVersion": "v1", "kind": "Nothing", "metadata": {"name": "a"}})


def test_a_wrong_argument_is_refused_with_what_is_right(api_server: Any) -> None:
    for call, message in (
        (lambda: api_server.create("web-0"), "an object must be a mapping, or a model .*: got 'web-0'"),
        (lambda: api_server.create({"apiVersion": "v9", "kind": "Pod", "metadata": {"name": "a"}}), "'Pod'.* '?v9"),
        (lambda: api_server.get("configmaps", "a"), r"for example core\.V1\.pods: got 'configmaps'"),
        (lambda: api_server.list("configmaps"), r"for example core\.V1\.pods: got 'configmaps'"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            call()


def test_an_object_is_waited_for_until_it_is_as_wanted_and_until_it_is_gone(
    api_server: KubernetesAPI, namespace: str
) -> None:
    api_server.create(pod("web-0", namespace))
    found = api_server.wait_for_object(
        core.V1.pods, "web-0", lambda obj: obj and obj["status"]["phase"] == "Running", namespace=namespace
    )
    assert found is not None
    with pytest.raises(TimeoutError, match=r"web-0 was not as wanted within 0\.05 s: it is {.*Running"):
        api_server.wait_for_object(core.V1.pods, "web-0", lambda obj: obj is None, namespace=namespace, timeout=0.05)
    api_server.delete(core.V1.pods, "web-0", namespace=namespace)
    gone = api_server.wait_for_object(core.V1.pods, "web-0", lambda obj: obj is None, namespace=namespace)
    assert gone is None


def test_an_informer_is_right_again_after_its_connections_broke(api_server: KubernetesAPI, namespace: str) -> None:
    api_server.create(pod("a", namespace))
    handler: RecordingHandler[Any] = RecordingHandler()
    with SharedInformerFactory(api_server.client(), namespace=namespace) as factory:
        pods = factory.core.v1.pods
        pods.informer.add_event_handler(handler)
        factory.start()
        assert factory.wait_for_cache_sync(timeout=20)
        api_server.drop_connections()
        api_server.create(pod("b", namespace))
        handler.wait_for(2, timeout=20)
        api_server.stop_accepting()
        api_server.delete(core.V1.pods, "a", namespace=namespace)
        api_server.resume_accepting()
        eventually(lambda: [each.metadata.name for each in pods.lister.list()] == ["b"], timeout=30)


def test_definitions_are_served_at_once_and_clear_leaves_what_every_cluster_has(control_plane: ControlPlane) -> None:
    control_plane.clear()  # of what other tests have left
    before = {each["metadata"]["name"] for each in control_plane.list(core.V1.namespaces)}
    control_plane.create(definition())
    stuck = widget("stuck")
    stuck["metadata"] = {**stuck["metadata"], "namespace": "either-stuck", "finalizers": ["example.com/held"]}
    control_plane.create(stuck)
    assert len(control_plane.list(WIDGETS)) == 1
    control_plane.clear()
    # A server that has just started makes some of them later.
    assert {each["metadata"]["name"] for each in control_plane.list(core.V1.namespaces)} >= before
    control_plane.wait_for_object(core.V1.namespaces, "either-stuck", lambda obj: obj is None)

    def is_served() -> bool:
        try:
            control_plane.list(WIDGETS)
        except StatusError:
            return False
        return True

    eventually(lambda: not is_served())


def test_answers_may_be_delayed(control_plane: ControlPlane) -> None:
    from kubernetes.client import VersionApi

    api = VersionApi(control_plane.client())
    api.get_code()
    control_plane.delay_answers(30)
    try:
        with pytest.raises(Exception, match="timed out"):
            api.get_code(_request_timeout=(5, 0.2))
    finally:
        control_plane.delay_answers(0)
        control_plane.drop_connections()
    assert api.get_code().git_version


def test_programs_that_are_missing_are_explained(tmp_path: Any) -> None:
    from informers.testing import ControlPlane

    with pytest.raises(ConfigurationError, match=r"no etcd and no kube-apiserver: set KUBEBUILDER_ASSETS"):
        ControlPlane(assets=tmp_path)
