"""What the embedded API server and a real control plane have in common, for tests that run on either.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest Environment.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from informers.resources import Resource
from informers.selectors import LabelSelector

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["KubernetesAPI"]


class KubernetesAPI(Protocol):
    """An API server for tests: `APIServer` or `ControlPlane`.

    Objects are given as mappings or as models of the official client, and returned as mappings. What lives in
    namespaces and names none goes to `default`.

    Thread safety: all methods may be called from any thread.
    """

    @property
    def url(self) -> str:
        """Address of the server, without a slash at its end."""
        ...

    def client(self) -> ApiClient:
        """Return a client of the official library that may do everything."""
        ...

    def write_kubeconfig(self, path: Path | str) -> Path:
        """Write a kubeconfig file for this server; return its path."""
        ...

    def create(self, obj: Any) -> dict[str, Any]:
        """Store a new object, its status included. A namespace that is missing is no obstacle."""
        ...

    def update(self, obj: Any) -> dict[str, Any]:
        """Store an object in place of the one of the same name, its status included."""
        ...

    def patch(
        self, resource: Resource[Any], name: str, patch: Mapping[str, Any], *, namespace: str | None = None
    ) -> dict[str, Any]:
        """Apply a JSON merge patch to an object, its status included."""
        ...

    def get(self, resource: Resource[Any], name: str, *, namespace: str | None = None) -> dict[str, Any]:
        """Return an object."""
        ...

    def list(
        self,
        resource: Resource[Any],
        *,
        namespace: str | None = None,
        label_selector: str | Mapping[str, str] | LabelSelector | None = None,
    ) -> builtins.list[dict[str, Any]]:
        """Return the objects of a resource, by namespace and name."""
        ...

    def delete(self, resource: Resource[Any], name: str, *, namespace: str | None = None) -> None:
        """Remove an object without grace; with finalizers it is only marked."""
        ...

    def wait_for_object(
        self,
        resource: Resource[Any],
        name: str,
        predicate: Callable[[dict[str, Any] | None], object],
        *,
        namespace: str | None = None,
        timeout: float = 10.0,
    ) -> dict[str, Any] | None:
        """Wait until an object, or None for one that is absent, satisfies `predicate`; return it."""
        ...

    def drop_connections(self) -> None:
        """Break all connections; new ones are accepted."""
        ...

    def stop_accepting(self) -> None:
        """Be unreachable: break all connections, and refuse new ones."""
        ...

    def resume_accepting(self) -> None:
        """Be reachable again, at the same address."""
        ...
