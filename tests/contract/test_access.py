"""Who is let in: 401, 403 and their wording; and that a watch outlives the permission it began with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import pytest

from informers.kinds import core
from informers.testing import APIServer, ControlPlane
from tests.contract.server import Answer, Server

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
ROLES = "/apis/rbac.authorization.k8s.io/v1"


@attrs.frozen
class Stranger:
    """Someone who may do nothing until a test grants the reading of ConfigMaps.

    Attributes:
        server: as this user sees it.
        user: name.
        put: creates a ConfigMap of this name, as someone who may.
        grant: gives the permission.
        revoke: takes it away.
    """

    server: Server
    user: str
    put: Callable[[str], object]
    grant: Callable[[], object]
    revoke: Callable[[], object]


@contextmanager
def on_embedded() -> Iterator[Stranger]:
    with APIServer() as server:
        server.require_token("stranger")
        server.deny()
        known = Server(server)

        def put(name: str) -> None:
            server.create({"metadata": {"name": name}}, resource=core.V1.config_maps)

        yield Stranger(known, "tester", put, server.allow, server.deny)
        known.disconnect()


@contextmanager
def on_real(plane: ControlPlane) -> Iterator[Stranger]:
    admin = Server(plane)
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "stranger"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}

    def grant() -> None:
        admin.create(f"{ROLES}/clusterroles", {"metadata": {"name": "stranger"}, "rules": [rule]})
        binding = {"metadata": {"name": "stranger"}, "roleRef": role, "subjects": [subject]}
        admin.create(f"{ROLES}/clusterrolebindings", binding)

    def revoke() -> None:
        for kind in ("clusterrolebindings", "clusterroles"):
            admin.send("DELETE", f"{ROLES}/{kind}/stranger")

    known = Server(plane, plane.token("alice"))
    yield Stranger(known, "alice", lambda name: admin.create(CONFIG_MAPS, {"metadata": {"name": name}}), grant, revoke)
    revoke()


@pytest.fixture
def stranger(api_server: APIServer | ControlPlane) -> Iterator[Stranger]:
    # The embedded one is another: what it denies it denies to everybody.
    with on_embedded() if isinstance(api_server, APIServer) else on_real(api_server) as found:
        yield found


def wait_for(server: Server, status: int) -> None:
    """Wait for a permission: the real server hears of it as other clients do, by watching."""
    deadline = time.monotonic() + 10
    while server.get(CONFIG_MAPS).status != status:
        assert time.monotonic() < deadline, f"no {status} in time"
        time.sleep(0.01)


def refused(answer: Answer, code: int, reason: str, message: str, details: object = None) -> None:
    status = {"status": "Failure", "message": message, "reason": reason}
    more = {} if details is None else {"details": details}
    assert answer.json() == {"kind": "Status", "apiVersion": "v1", "metadata": {}, **status, **more, "code": code}
    assert answer.status == code


def test_a_refused_list_names_the_user_the_verb_and_the_namespace(stranger: Stranger) -> None:
    message = (
        f'configmaps is forbidden: User "{stranger.user}" cannot list resource "configmaps" in API group "" '
        'in the namespace "default"'
    )
    refused(stranger.server.get(CONFIG_MAPS), 403, "Forbidden", message, {"kind": "configmaps"})


def test_a_list_of_the_cluster_says_so(stranger: Stranger) -> None:
    message = (
        f'deployments.apps is forbidden: User "{stranger.user}" cannot list resource "deployments" in API group '
        '"apps" at the cluster scope'
    )
    details = {"group": "apps", "kind": "deployments"}
    refused(stranger.server.get("/apis/apps/v1/deployments"), 403, "Forbidden", message, details)


def test_a_get_names_the_object(stranger: Stranger) -> None:
    message = (
        f'configmaps "a" is forbidden: User "{stranger.user}" cannot get resource "configmaps" in API group "" '
        'in the namespace "default"'
    )
    details = {"name": "a", "kind": "configmaps"}
    refused(stranger.server.get(f"{CONFIG_MAPS}/a"), 403, "Forbidden", message, details)


def test_a_watch_is_refused_before_its_stream(stranger: Stranger) -> None:
    message = (
        f'configmaps is forbidden: User "{stranger.user}" cannot watch resource "configmaps" in API group "" '
        'in the namespace "default"'
    )
    answer = stranger.server.get(CONFIG_MAPS, watch=True)
    refused(answer, 403, "Forbidden", message, {"kind": "configmaps"})


def test_a_write_is_refused_with_the_verb(stranger: Stranger) -> None:
    answer = stranger.server.send("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    message = (
        f'configmaps is forbidden: User "{stranger.user}" cannot create resource "configmaps" in API group "" '
        'in the namespace "default"'
    )
    refused(answer, 403, "Forbidden", message, {"kind": "configmaps"})


@pytest.mark.parametrize("params", [{}, {"watch": True}])
def test_a_token_that_nobody_has_is_unauthorized(stranger: Stranger, params: dict[str, bool]) -> None:
    unknown = Server(stranger.server.api, "nobody")
    refused(unknown.get(CONFIG_MAPS, **params), 401, "Unauthorized", "Unauthorized")


def test_a_watch_continues_when_its_permission_is_revoked(stranger: Stranger) -> None:
    server = stranger.server
    stranger.grant()
    wait_for(server, 200)
    version = server.get(CONFIG_MAPS).ok()["metadata"]["resourceVersion"]
    with server.watch(CONFIG_MAPS, resourceVersion=version) as watch:
        stranger.revoke()
        wait_for(server, 403)
        stranger.put("unseen-by-lists")
        kind, obj = watch.event()
    assert (kind, obj["metadata"]["name"]) == ("ADDED", "unseen-by-lists")
