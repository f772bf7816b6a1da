"""Finalizers, conditions, patches, applies: on the embedded server and on a real one, with any client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import attrs
import pytest
from kubernetes.client import ApiClient

from informers import (
    ConfigurationError,
    DynamicSharedInformerFactory,
    NamespacedResource,
    ObjectName,
    SharedInformerFactory,
)
from informers.controllers import (
    apply_object,
    condition_set,
    controller_reference,
    create_or_patch,
    finalizer_added,
    finalizer_removed,
    patch_object,
)
from informers.controllers._requests import object_path
from informers.errors import StatusError
from informers.kinds import core
from informers.testing import APIServer, ControlPlane, FakeClock
from tests.waiting import eventually
from tests.widgets import WIDGETS, definition, widget

FINALIZER = "example.com/tidy"
W = ObjectName("default", "w")


@attrs.frozen
class Scene:
    server: APIServer | ControlPlane
    client: ApiClient

    def widget(self) -> dict[str, Any]:
        return self.server.get(WIDGETS, "w")


@pytest.fixture(scope="module")
def real_widgets(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A real server that knows widgets."""
    control_plane.create(definition())
    eventually(lambda: is_served(control_plane))
    yield control_plane
    control_plane.clear()


def is_served(plane: ControlPlane) -> bool:
    try:
        return plane.list(WIDGETS) == []
    except StatusError:
        return False


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.real_apiserver)])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with ExitStack() as stack:
        if request.param == "real":
            server: APIServer | ControlPlane = request.getfixturevalue("real_widgets")
            stack.callback(empty, server)
        else:
            server = stack.enter_context(APIServer())
            server.create(definition())
        server.create(widget("w", size=1))
        yield Scene(server, stack.enter_context(closing(server.client())))


def empty(server: APIServer | ControlPlane) -> None:
    for resource in (WIDGETS, core.V1.config_maps, core.V1.pods):
        for found in server.list(resource, namespace="default"):
            name = found["metadata"]["name"]
            if found["metadata"].get("finalizers"):
                server.patch(resource, name, {"metadata": {"finalizers": None}})
            with suppress(StatusError):  # it may have gone with its finalizers
                server.delete(resource, name)
            server.wait_for_object(resource, name, lambda obj: obj is None)


class TestFinalizers:
    @pytest.mark.upstream(
        "controller-runtime/pkg/controller/controllerutil/controllerutil_test.go",
        "should add the finalizer when not present",
        "should not add the finalizer when already present",
        "should remove finalizer if present",
    )
    def test_one_is_added_and_removed_by_a_patch_which_is_none_where_nothing_is_to_do(self, scene: Scene) -> None:
        assert finalizer_removed(scene.widget(), FINALIZER) is None
        patch = finalizer_added(scene.widget(), FINALIZER)
        assert patch is not None
        patch_object(scene.client, WIDGETS, W, patch)
        assert scene.widget()["metadata"]["finalizers"] == [FINALIZER]
        assert finalizer_added(scene.widget(), FINALIZER) is None
        patch = finalizer_removed(scene.widget(), FINALIZER)
        assert patch is not None
        patch_object(scene.client, WIDGETS, W, patch)
        assert not scene.widget()["metadata"].get("finalizers")

    def test_a_patch_of_an_older_state_is_refused_so_no_finalizer_of_others_is_lost(self, scene: Scene) -> None:
        patch = finalizer_added(scene.widget(), FINALIZER)
        assert patch is not None
        patch_object(scene.client, WIDGETS, W, {"metadata": {"finalizers": ["example.com/other"]}})
        with pytest.raises(StatusError) as caught:
            patch_object(scene.client, WIDGETS, W, patch)
        assert caught.value.code == 409
        assert scene.widget()["metadata"]["finalizers"] == ["example.com/other"]

    def test_none_is_added_to_what_is_being_deleted(self, scene: Scene) -> None:
        patch_object(scene.client, WIDGETS, W, {"metadata": {"finalizers": ["example.com/other"]}})
        scene.server.delete(WIDGETS, "w")
        assert finalizer_added(scene.widget(), FINALIZER) is None

    def test_an_object_that_no_server_gave_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="no uid and resource version"):
            finalizer_added({"metadata": {"name": "w"}}, FINALIZER)


class TestConditions:
    def test_the_time_of_transition_changes_with_the_status_alone(self, scene: Scene) -> None:
        clock = FakeClock(start=1_800_000_000.0)

        def set_ready(status: bool | None, reason: str) -> dict[str, Any] | None:
            patch = condition_set(scene.widget(), "Ready", status, reason=reason, message="m", clock=clock)
            if patch is None:
                return None
            patch_object(scene.client, WIDGETS, W, patch, subresource="status")
            (found,) = scene.widget()["status"]["conditions"]
            assert isinstance(found, dict)
            return found

        first = set_ready(False, "Waits")
        assert first == {
            "type": "Ready",
            "status": "False",
            "reason": "Waits",
            "message": "m",
            "observedGeneration": 1,
            "lastTransitionTime": "2027-01-15T08:00:00Z",
        }
        clock.advance(60.0)
        assert set_ready(False, "Waits") is None, "nothing is to be written"
        second = set_ready(False, "StillWaits")
        assert second is not None
        assert second["lastTransitionTime"] == "2027-01-15T08:00:00Z"
        third = set_ready(True, "Done")
        assert third is not None
        assert (third["status"], third["lastTransitionTime"]) == ("True", "2027-01-15T08:01:00Z")
        patch_object(scene.client, WIDGETS, W, {"spec": {"size": 2}})
        fourth = set_ready(True, "Done")
        assert fourth is not None
        assert fourth["observedGeneration"] == 2
        unknown = set_ready(None, "Lost")
        assert unknown is not None
        assert unknown["status"] == "Unknown"

    def test_other_conditions_stay_as_they_are(self) -> None:
        other = {"type": "Other", "status": "True", "reason": "R", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        obj = {"metadata": {"uid": "u", "resourceVersion": "1"}, "status": {"conditions": [other]}}
        patch = condition_set(obj, "Ready", True, reason="Done", clock=FakeClock())
        assert patch is not None
        assert [found["type"] for found in patch["status"]["conditions"]] == ["Other", "Ready"]
        assert patch["status"]["conditions"][0] == other

    def test_a_model_of_the_official_client_is_read_like_a_mapping(self, scene: Scene) -> None:
        spec = {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False}
        scene.server.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
        ready = {"type": "Ready", "status": "True"}
        status = {"status": {"conditions": [ready]}}
        patch_object(scene.client, core.V1.pods, ObjectName("default", "p"), status, subresource="status")
        with SharedInformerFactory(scene.client) as factory:
            pods = factory.core.v1.pods
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            found = pods.lister.namespace("default").get("p")
            patch = condition_set(found, "example.com/Gate", True, reason="Open", clock=FakeClock())
            assert patch is not None
            assert [condition["type"] for condition in patch["status"]["conditions"]] == ["Ready", "example.com/Gate"]

    def test_a_condition_needs_a_reason(self) -> None:
        with pytest.raises(ConfigurationError, match="the reason of a condition"):
            condition_set({"metadata": {}}, "Ready", True, reason="")


class TestApply:
    def test_what_is_applied_again_changes_nothing(self, scene: Scene) -> None:
        wanted = {"metadata": {"name": "a", "namespace": "default"}, "spec": {"size": 3}}
        first = apply_object(scene.client, WIDGETS, wanted, field_manager="widgets")
        assert first["kind"] == "Widget"
        again = apply_object(scene.client, WIDGETS, wanted, field_manager="widgets")
        assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    @pytest.mark.upstream(
        "controller-runtime/pkg/controller/controllerutil/controllerutil_test.go",
        "should not return any error if the existing owner has a different version",
        "should not duplicate existing owner reference",
    )
    def test_a_reference_whose_version_has_changed_takes_the_place_of_the_earlier_one(self, scene: Scene) -> None:
        owner = scene.widget()
        for version in ("v1alpha1", "v1"):
            resource: NamespacedResource[Any] = NamespacedResource("example.com", version, "widgets", "Widget")
            metadata = {"name": "m", "namespace": "default", "ownerReferences": [controller_reference(owner, resource)]}
            apply_object(scene.client, core.V1.config_maps, {"metadata": metadata}, field_manager="mine")
        (found,) = scene.server.get(core.V1.config_maps, "m")["metadata"]["ownerReferences"]
        assert (found["apiVersion"], found["uid"]) == ("example.com/v1", owner["metadata"]["uid"])

    def test_a_conflict_is_refused_unless_it_is_forced(self, scene: Scene) -> None:
        wanted = {"metadata": {"name": "a", "namespace": "default"}, "spec": {"size": 3}}
        apply_object(scene.client, WIDGETS, wanted, field_manager="one")
        other = {**wanted, "spec": {"size": 4}}
        with pytest.raises(StatusError) as caught:
            apply_object(scene.client, WIDGETS, other, field_manager="two", force=False)
        assert caught.value.code == 409
        assert apply_object(scene.client, WIDGETS, other, field_manager="two")["spec"]["size"] == 4

    @pytest.mark.parametrize(
        ("resource", "obj", "manager", "message"),
        [
            (WIDGETS, {"metadata": {"name": "a"}}, "m", "has a namespace"),
            (WIDGETS, {"metadata": {"namespace": "default"}}, "m", "has no name"),
            (WIDGETS, {"metadata": {"name": "a", "namespace": "default"}}, "", "field_manager"),
            (core.V1.nodes, {"metadata": {"name": "a", "namespace": "default"}}, "m", "has no namespace"),
        ],
    )
    def test_what_can_not_be_sent_is_said_at_the_call(
        self, scene: Scene, resource: Any, obj: dict[str, Any], manager: str, message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message):
            apply_object(scene.client, resource, obj, field_manager=manager)


@pytest.mark.upstream(
    "controller-runtime/pkg/controller/controllerutil/controllerutil_test.go",
    "creates a new object if one doesn't exists",
    "patches existing object",
    "patches only changed objects",
)
def test_create_or_patch_writes_only_what_differs(scene: Scene) -> None:
    with SharedInformerFactory(scene.client) as factory:
        maps = factory.core.v1.config_maps
        factory.start()
        assert factory.wait_for_cache_sync(timeout=10)
        wanted = {"metadata": {"name": "m", "namespace": "default", "labels": {"a": "b"}}, "data": {"x": "1"}}
        made = create_or_patch(scene.client, maps, wanted)
        assert made is not None
        assert maps.informer.wait_until_seen(made, timeout=10)
        assert create_or_patch(scene.client, maps, wanted) is None
        scene.server.patch(core.V1.config_maps, "m", {"data": {"y": "2"}})
        eventually(lambda: "y" in (maps.lister.namespace("default").get("m").data or {}))
        assert create_or_patch(scene.client, maps, wanted) is None, "what is not wanted is not looked at"
        wanted["data"]["x"] = "3"
        changed = create_or_patch(scene.client, maps, wanted)
        assert changed is not None
        assert changed["data"] == {"x": "3", "y": "2"}


def test_an_object_of_a_resource_without_a_kind_must_name_its_own(scene: Scene) -> None:
    with DynamicSharedInformerFactory(scene.client) as factory:
        widgets = factory.for_resource(WIDGETS.group, WIDGETS.version, WIDGETS.plural)
        made = create_or_patch(scene.client, widgets, widget("made"))
        assert made is not None
        assert made["kind"] == "Widget"
        with pytest.raises(ConfigurationError, match="give the object a kind"):
            create_or_patch(scene.client, widgets, {"metadata": {"name": "n", "namespace": "default"}})
        applied = {name: value for name, value in widget("applied").items() if name in {"kind", "metadata"}}
        assert apply_object(scene.client, widgets.resource, applied, field_manager="m")["kind"] == "Widget"


def test_an_error_of_the_server_has_its_code_and_its_words(scene: Scene) -> None:
    with pytest.raises(StatusError, match="not found") as caught:
        patch_object(scene.client, WIDGETS, ObjectName("default", "none"), {"spec": {}})
    assert caught.value.code == 404


def test_a_name_leads_nowhere_else() -> None:
    path = object_path(core.V1.pods, ObjectName("a/b", "../system:web?x=y"), "status")
    assert path == "/api/v1/namespaces/a%2Fb/pods/..%2Fsystem%3Aweb%3Fx%3Dy/status"
