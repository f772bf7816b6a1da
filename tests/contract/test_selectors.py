"""Selectors of labels and of fields, and which fields each kind can be selected by."""

from __future__ import annotations

import pytest

from tests.contract.conftest import Namespace
from tests.contract.endpoint import Endpoint

POD_SPEC = {"containers": [{"name": "c", "image": "i"}]}


@pytest.fixture
def four(space: Namespace) -> Namespace:
    for name, labels in {"a": {"t": "web"}, "b": {"t": "db", "n": "5"}, "c": {"t": "", "n": "10"}, "d": {}}.items():
        space.config_map(name, **labels)
    return space


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("t=web", "a"),
        ("t==web", "a"),
        ("t = web", "a"),
        ("t=", "c"),
        ("t", "abc"),
        ("!t", "d"),
        ("t!=web", "bcd"),
        ("t in (web,db)", "ab"),
        ("t in (web,)", "ac"),
        ("t notin (web,db)", "cd"),
        ("n>5", "c"),
        ("n<10", "b"),
        ("n>4,n<11", "bc"),
        ("t,n", "bc"),
        ("t,!n", "a"),
        ("", "abcd"),
        ("t=web,t=db", ""),
    ],
)
def test_labels_select(server: Endpoint, four: Namespace, selector: str, expected: str) -> None:
    listed = server.get(four.path("configmaps"), labelSelector=selector).ok()
    assert "".join(item["metadata"]["name"] for item in listed["items"]) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=a", "a"),
        ("metadata.name==a", "a"),
        ("metadata.name!=a", "bcd"),
        ("metadata.name!=a,metadata.name!=b", "cd"),
        ("metadata.namespace=nowhere", ""),
        ("", "abcd"),
    ],
)
def test_fields_select(server: Endpoint, four: Namespace, selector: str, expected: str) -> None:
    listed = server.get(four.path("configmaps"), fieldSelector=selector).ok()
    assert "".join(item["metadata"]["name"] for item in listed["items"]) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("spec.nodeName=n1", "a"),
        ("spec.nodeName=", "b"),
        ("status.phase=Running", "a"),
        ("status.phase!=Running", "b"),
        ("status.phase=Running,spec.nodeName!=n1", ""),
        ("spec.restartPolicy=Never", "b"),
        ("spec.restartPolicy=Always", "a"),
        ("spec.schedulerName=default-scheduler", "ab"),
        ("spec.hostNetwork=false", "ab"),
        ("status.podIP=10.0.0.9", "a"),
    ],
)
def test_pods_are_selected_by_their_fields(server: Endpoint, space: Namespace, selector: str, expected: str) -> None:
    path = space.path("pods")
    server.create(path, {"metadata": {"name": "a"}, "spec": {**POD_SPEC, "nodeName": "n1"}})
    server.create(path, {"metadata": {"name": "b"}, "spec": {**POD_SPEC, "restartPolicy": "Never"}})
    status = {"phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}
    server.patch(f"{path}/a/status", {"status": status}).ok()
    listed = server.get(path, fieldSelector=selector).ok()
    assert "".join(item["metadata"]["name"] for item in listed["items"]) == expected


SELECTABLE = [
    ("/api/v1/pods", "spec.nodeName"),
    ("/api/v1/pods", "spec.serviceAccountName"),
    ("/api/v1/pods", "status.nominatedNodeName"),
    ("/api/v1/nodes", "spec.unschedulable"),
    ("/api/v1/namespaces", "status.phase"),
    ("/api/v1/secrets", "type"),
    ("/api/v1/services", "spec.clusterIP"),
    ("/api/v1/services", "spec.type"),
    ("/api/v1/events", "involvedObject.kind"),
    ("/api/v1/events", "reason"),
    ("/api/v1/events", "source"),
    ("/api/v1/events", "reportingComponent"),
    ("/api/v1/replicationcontrollers", "status.replicas"),
    ("/apis/batch/v1/jobs", "status.successful"),
    ("/apis/certificates.k8s.io/v1/certificatesigningrequests", "spec.signerName"),
]


@pytest.mark.parametrize(("path", "field"), SELECTABLE)
def test_some_kinds_have_fields_to_select_by(server: Endpoint, path: str, field: str) -> None:
    server.get(path, fieldSelector=f"{field}=x").ok()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v1/pods", "field label not supported: x"),
        ("/api/v1/events", "field label not supported: x"),
        ("/api/v1/nodes", "field label not supported: x"),
        ("/api/v1/configmaps", '"x" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("/apis/apps/v1/deployments", '"x" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        (
            "/apis/apps/v1/replicasets",
            '"x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (
            "/api/v1/persistentvolumes",
            '"x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ],
)
def test_other_fields_are_refused(server: Endpoint, path: str, message: str) -> None:
    answer = server.get(path, fieldSelector="x=1")
    assert (answer.status, answer.json()["message"]) == (400, message)
