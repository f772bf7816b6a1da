from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
import pytest

if TYPE_CHECKING:
    from informers.testing.controlplane import ControlPlane

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ROLES = "/apis/rbac.authorization.k8s.io/v1"
_numbers = itertools.count(1)


@attrs.frozen
class Space:
    """A namespace of one test's own, written to as the administrator."""

    plane: ControlPlane
    name: str

    @property
    def config_maps(self) -> str:
        return f"/api/v1/namespaces/{self.name}/configmaps"

    def create(self, name: str) -> None:
        self.plane.request("POST", self.config_maps, {"metadata": {"name": name}})

    def update(self, name: str, value: str) -> None:
        self.plane.request("PUT", f"{self.config_maps}/{name}", {"metadata": {"name": name}, "data": {"value": value}})

    def delete(self, name: str) -> None:
        self.plane.request("DELETE", f"{self.config_maps}/{name}")


@attrs.frozen
class Permission:
    """The reading of ConfigMaps, for one user, to be granted and revoked."""

    plane: ControlPlane
    user: str
    name: str

    def grant(self) -> None:
        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
        self.plane.request("POST", f"{ROLES}/clusterroles", {"metadata": {"name": self.name}, "rules": [rule]})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.name}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": self.user}
        binding = {"metadata": {"name": self.name}, "roleRef": reference, "subjects": [subject]}
        self.plane.request("POST", f"{ROLES}/clusterrolebindings", binding)

    def revoke(self) -> None:
        for kind in ("clusterrolebindings", "clusterroles"):
            self.plane.request("DELETE", f"{ROLES}/{kind}/{self.name}")


@pytest.fixture
def space(control_plane: ControlPlane) -> Space:
    name = f"real-{next(_numbers)}"
    control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return Space(control_plane, name)


@pytest.fixture
def permission_of(control_plane: ControlPlane) -> Callable[[str], Permission]:
    return lambda user: Permission(control_plane, user, f"real-{next(_numbers)}")
