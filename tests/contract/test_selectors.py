"""Selectors of labels and of fields, and which fields each kind can be selected by."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from informers.kinds import all_resources
from informers.testing._store.served_resources import Served
from tests.contract.conftest import Namespace
from tests.contract.server import Server

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
def test_labels_select(server: Server, four: Namespace, selector: str, expected: str) -> None:
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
def test_fields_select(server: Server, four: Namespace, selector: str, expected: str) -> None:
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
def test_pods_are_selected_by_their_fields(server: Server, space: Namespace, selector: str, expected: str) -> None:
    path = space.path("pods")
    server.create(path, {"metadata": {"name": "a"}, "spec": {**POD_SPEC, "nodeName": "n1"}})
    server.create(path, {"metadata": {"name": "b"}, "spec": {**POD_SPEC, "restartPolicy": "Never"}})
    status = {"phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}
    server.patch(f"{path}/a/status", {"status": status}).ok()
    listed = server.get(path, fieldSelector=selector).ok()
    assert "".join(item["metadata"]["name"] for item in listed["items"]) == expected


REFERENCE = {
    "kind": "Pod",
    "namespace": "default",
    "name": "p",
    "uid": "u",
    "apiVersion": "v1",
    "resourceVersion": "7",
    "fieldPath": "spec",
}
EVENTS = "/api/v1/namespaces/default/events"
NEW_EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
NEW_EVENT = {
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "example.com/c",
    "reportingInstance": "i",
    "action": "a",
    "type": "Normal",
}
SLICE = {"driver": "example.com", "nodeName": "n", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}
REQUEST = (
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISE1HNENBUUF3RERFS01BZ0dBMVVFQXd3QmVEQlpNQk1HQnlxR1NNNDlBZ0VH"
    "Q0NxR1NNNDlBd0VIQTBJQQpCTEsxYlNwOVU3ayt0Um5YUVozSFo5bTM2MnJXZ3gwcU82d3dRMXA1dnptQXVWVWtMT0dQYzBCNGpQbkt3SThSCmpl"
    "cXFuc2JNNHg3MWdmWHdwVkMrRTFXZ0FEQUtCZ2dxaGtqT1BRUURBZ05KQURCR0FpRUErUVZndkUxMkF5S24KYzByQWdNU2ZNL1RPcG5WVkVBQjNl"
    "elBHYlNQRXlsb0NJUUQ0YXY1dE1LbGc4TXJhb3g0VEgxc1hVUDd1akxUagpRdVh4cCtndlpUZ005QT09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJF"
    "UVVFU1QtLS0tLQo="
)
POD_TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {**POD_SPEC, "restartPolicy": "Never"}}
#: Objects whose fields have values of their own, those that nobody gave, or none.
VALUES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("/api/v1/namespaces/default/pods", {"spec": POD_SPEC}, {}),
    (
        "/api/v1/namespaces/default/pods",
        {"spec": {**POD_SPEC, "hostNetwork": True, "nodeName": "n", "schedulerName": "s", "serviceAccountName": "a"}},
        {
            "phase": "Running",
            "podIP": "10.0.0.9",
            "podIPs": [{"ip": "10.0.0.9"}],
            "hostIP": "10.0.0.1",
            "hostIPs": [{"ip": "10.0.0.1"}],
        },
    ),
    ("/api/v1/namespaces/default/pods", {"spec": POD_SPEC}, {"nominatedNodeName": "m"}),
    ("/api/v1/nodes", {}, {}),
    ("/api/v1/nodes", {"spec": {"unschedulable": True}}, {}),
    ("/api/v1/namespaces", {}, {}),
    ("/api/v1/namespaces/default/secrets", {}, {}),
    ("/api/v1/namespaces/default/secrets", {"type": "example.com/t"}, {}),
    ("/api/v1/namespaces/default/services", {"spec": {"ports": [{"port": 80}]}}, {}),
    ("/api/v1/namespaces/default/services", {"spec": {"clusterIP": "None", "selector": {"a": "b"}}}, {}),
    (EVENTS, {"involvedObject": {"namespace": "default"}}, {}),
    (
        EVENTS,
        {"involvedObject": REFERENCE, "reason": "r", "type": "Normal", "source": {"component": "c"}},
        {},
    ),
    (EVENTS, {"involvedObject": REFERENCE, **NEW_EVENT, "reportingComponent": "example.com/c", "reason": "r"}, {}),
    (NEW_EVENTS, {"regarding": REFERENCE, **NEW_EVENT, "reason": "r"}, {}),
    (
        "/api/v1/namespaces/default/replicationcontrollers",
        {"spec": {"selector": {"a": "b"}, "template": {**POD_TEMPLATE, "spec": POD_SPEC}}},
        {"replicas": 2},
    ),
    ("/apis/batch/v1/namespaces/default/jobs", {"spec": {"template": POD_TEMPLATE}}, {}),
    ("/apis/batch/v1/namespaces/default/jobs", {"spec": {"template": POD_TEMPLATE}}, {"succeeded": 3}),
    (
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        {"spec": {"request": REQUEST, "signerName": "example.com/s", "usages": ["digital signature"]}},
        {},
    ),
    ("/apis/resource.k8s.io/v1/resourceslices", {"spec": SLICE}, {}),
]
_numbers = itertools.count(1)


@pytest.mark.parametrize(("path", "body", "status"), VALUES, ids=[str(index) for index in range(len(VALUES))])
def test_each_field_has_the_value_that_the_table_says(
    server: Server, path: str, body: dict[str, Any], status: dict[str, Any]
) -> None:
    name = f"selected-{next(_numbers)}"
    server.create(path, {"metadata": {"name": name}, **body})
    if status:
        server.patch(f"{path}/{name}/status", {"status": status}).ok()
    stored = server.get(f"{path}/{name}").ok()
    served = next(
        each
        for each in map(Served.builtin, all_resources())
        if path in {each.resource.path(), each.resource.path("default")}
    )
    values = served.selectable(stored)
    assert values.keys() >= served.fields.keys() > set()
    if not served.resource.is_namespaced:
        del values["metadata.namespace"]
    for field, value in values.items():
        here = f"metadata.name={name},"
        assert len(server.get(path, fieldSelector=f"{here}{field}={value}").ok()["items"]) == 1, (field, value)
        assert server.get(path, fieldSelector=f"{here}{field}!={value}").ok()["items"] == [], (field, value)


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
def test_some_kinds_have_fields_to_select_by(server: Server, path: str, field: str) -> None:
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
def test_other_fields_are_refused(server: Server, path: str, message: str) -> None:
    answer = server.get(path, fieldSelector="x=1")
    assert (answer.status, answer.json()["message"]) == (400, message)
