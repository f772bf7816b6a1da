"""The four ways in which a permission may be missing, each over by itself once it is there."""

from __future__ import annotations

import time
from collections.abc import Callable

from informers.kinds import core
from informers.testing.controlplane import ControlPlane
from tests.real.conftest import Permission, Space
from tests.real.follower import Follower

CONFIG_MAPS = core.V1.config_maps


def test_a_permission_that_is_granted_later_is_waited_for_and_named(
    control_plane: ControlPlane, space: Space, permission_of: Callable[[str], Permission]
) -> None:
    space.create("a")
    permission = permission_of("bob")
    with Follower(control_plane, CONFIG_MAPS, namespace=space.name, client=control_plane.client("bob")) as follower:
        follower.wait_for_error(
            f'User "bob" cannot list resource "configmaps" in API group "" in the namespace "{space.name}"'
        )
        assert not follower.informer.has_synced
        assert "cannot list resource" in follower.informer.why_not_synced()
        permission.grant()
        follower.wait_until_whole()
        permission.revoke()


def test_a_permission_that_is_revoked_is_reported_at_the_next_watch_and_the_cache_stays(
    control_plane: ControlPlane, space: Space, permission_of: Callable[[str], Permission]
) -> None:
    space.create("a")
    space.create("b")
    permission = permission_of("bob")
    permission.grant()
    with Follower(control_plane, CONFIG_MAPS, namespace=space.name, client=control_plane.client("bob")) as follower:
        follower.wait_until_whole()
        permission.revoke()
        follower.wait_for_error('User "bob" cannot watch resource "configmaps"')
        assert sorted(follower.informer.indexer.keys()) == [f"{space.name}/a", f"{space.name}/b"]
        space.delete("a")
        space.create("c")
        permission.grant()
        follower.wait_until_whole()
        told = [(event.type, event.key.partition("/")[2]) for event in follower.history.events]
        assert sorted(told) == [("add", "a"), ("add", "b"), ("add", "c"), ("tombstone", "a")]
    permission.revoke()


def test_a_token_that_expires_is_reported_and_a_new_one_taken_from_the_clients_hook(
    control_plane: ControlPlane, space: Space, permission_of: Callable[[str], Permission]
) -> None:
    space.plane.request("POST", f"/api/v1/namespaces/{space.name}/serviceaccounts", {"metadata": {"name": "reader"}})
    permission = permission_of(f"system:serviceaccount:{space.name}:reader")
    permission.grant()
    tokens = [control_plane.service_account_token(space.name, "reader", seconds=4.0)]
    client = control_plane.client(token=tokens[-1])

    def refresh(configuration: object) -> None:
        configuration.api_key["authorization"] = tokens[-1]  # type: ignore[attr-defined] # the client's own

    client.configuration.refresh_api_key_hook = refresh
    with Follower(control_plane, CONFIG_MAPS, namespace=space.name, client=client) as follower:
        follower.wait_until_whole()
        follower.wait_for_error("401 Unauthorized", timeout=25.0)
        space.create("later")
        assert follower.cache == {}
        tokens.append(control_plane.service_account_token(space.name, "reader", seconds=60.0))
        follower.wait_until_whole()
        assert set(follower.cache) == {f"{space.name}/later"}
    permission.revoke()


def test_a_client_certificate_is_as_good_as_a_token(
    control_plane: ControlPlane, space: Space, permission_of: Callable[[str], Permission]
) -> None:
    space.create("a")
    permission = permission_of("carol")
    client = control_plane.client(certificate_of="carol")
    with Follower(control_plane, CONFIG_MAPS, namespace=space.name, client=client) as follower:
        follower.wait_for_error('User "carol" cannot list resource "configmaps"')
        permission.grant()
        follower.wait_until_whole()
        start = time.monotonic()
        space.create("b")
        follower.wait_until_whole()
        assert time.monotonic() - start < 5
    permission.revoke()
