"""Wrong arguments of what controllers are made of: each is said at the call, and what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration, CoreV1Api

from informers import ConfigurationError, ObjectName, SharedInformerFactory
from informers.controllers import (
    Controller,
    EventRecorder,
    OwnWrites,
    apply_object,
    condition_set,
    create_or_patch,
    finalizer_added,
    finalizer_removed,
    patch_object,
)
from informers.kinds import core

NAME = ObjectName("shop", "web")
OBJ: Any = {"metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7"}}
POD = {"kind": "Pod", "apiVersion": "v1", **OBJ}
NUMBERED = {**POD, "metadata": {**OBJ["metadata"], "resourceVersion": 7}}
PODS = core.V1.pods
NO_CLIENT = "must be a kubernetes.client.ApiClient"
NO_NAME = "expected an ObjectName"
#: By name, what is said, and what is called with a kind.
MISTAKES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "metrics of else": ("ControllerMetrics", lambda kind: Controller("pods", kind, print, metrics=object())),
    "run timeout none": ("run_timeout must be", lambda kind: Controller("pods", kind, print, run_timeout=None)),
    "enqueue a key": ("ObjectName.parse", lambda kind: Controller("pods", kind, print).enqueue("shop/web")),
    "pending of a key": (NO_NAME, lambda kind: OwnWrites(kind).pending("shop/web")),
    "work on a key": (NO_NAME, lambda kind: OwnWrites(kind).working_on("shop/web").__enter__()),
    "record for a key": (NO_NAME, lambda kind: OwnWrites(kind).record(POD, name="shop/web")),
    "record a number": ("version is a text", lambda kind: OwnWrites(kind).record(NUMBERED)),
    "patch with an api": (NO_CLIENT, lambda _: patch_object(CoreV1Api(), PODS, NAME, {})),
    "patch with nothing": (NO_CLIENT, lambda _: patch_object(None, PODS, NAME, {})),
    "patch a kind": ("expected a resource", lambda kind: patch_object(ApiClient(), kind, NAME, {})),
    "patch by a key": (NO_NAME, lambda _: patch_object(ApiClient(), PODS, "shop/web", {})),
    "patch with a text": ("patch must be a mapping", lambda _: patch_object(ApiClient(), PODS, NAME, "{}")),
    "patch within no time": ("timeout must be", lambda _: patch_object(ApiClient(), PODS, NAME, {}, timeout=-1)),
    "patch of a list": ("subresource must", lambda _: patch_object(ApiClient(), PODS, NAME, {}, subresource=[])),
    "apply a kind": ("expected a resource", lambda kind: apply_object(ApiClient(), kind, OBJ, field_manager="m")),
    "apply nothing": ("obj must be a mapping", lambda _: apply_object(ApiClient(), PODS, None, field_manager="m")),
    "apply for a number": ("field_manager", lambda _: apply_object(ApiClient(), PODS, OBJ, field_manager=5)),
    "create or patch a row": ("kind of a factory", lambda _: create_or_patch(ApiClient(), PODS, OBJ)),
    "create or patch a text": ("wanted must be a mapping", lambda kind: create_or_patch(ApiClient(), kind, "web")),
    "create with an api": (NO_CLIENT, lambda kind: create_or_patch(CoreV1Api(), kind, OBJ)),
    "finalizer without a name": ("a finalizer must be", lambda _: finalizer_added(OBJ, "")),
    "finalizer of nothing": ("with metadata", lambda _: finalizer_removed(None, "example.com/tidy")),
    "condition in words": ("True, False, or None", lambda _: condition_set(OBJ, "Ready", "False", reason="No")),
    "condition without a type": ("type of a condition", lambda _: condition_set(OBJ, "", True, reason="Yes")),
    "condition with a number": ("reason of a condition", lambda _: condition_set(OBJ, "Ready", True, reason=5)),
    "condition without a text": (
        "message of a condition",
        lambda _: condition_set(OBJ, "Ready", True, reason="Yes", message=None),
    ),
    "condition of nothing": ("no uid", lambda _: condition_set(object(), "Ready", True, reason="Yes")),
    "recorder of a number": ("instance must", lambda _: EventRecorder(ApiClient(), "example.com/pods", instance=5)),
    "recorder with an api": (NO_CLIENT, lambda _: EventRecorder(CoreV1Api(), "example.com/pods")),
    "event without a note": ("note must be a text", lambda _: recorder().event(POD, "Done", None, action="Do")),
    "event of a kind": (
        "resource must be one",
        lambda kind: recorder().event(OBJ, "Done", "", action="Do", resource=kind),
    ),
}


def recorder() -> EventRecorder:
    return EventRecorder(ApiClient(), "example.com/pods")


@pytest.fixture
def kind() -> Iterator[Any]:
    with SharedInformerFactory(ApiClient(Configuration(host="http://127.0.0.1:1"))) as factory:
        yield factory.core.v1.pods


@pytest.mark.parametrize(("message", "make"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_said_at_the_call(kind: Any, message: str, make: Callable[[Any], object]) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make(kind)
