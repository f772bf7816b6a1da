"""The common methods of the embedded API server and a real control plane, for tests that run on either.

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
        """Store a new object with its status, and its namespace if it is missing."""
        ...

    def update(self, obj: Any) -> dict[str, Any]:
        """Replace the object with the same name, including its status."""
        ...

    def patch(
        self, resource: Resource[Any], name: str, patch: Mapping[str, Any], *, namespace: str | None = None
    ) -> dict[str, Any]:
        """Apply a JSON merge patch to an object, including its status."""
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
        """Delete an object without grace; one with finalizers is only marked."""
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
        """Wait until `predicate` holds for an object, or for None while it is absent; return the object."""
        ...

    def drop_connections(self) -> None:
        """Break all connections; new ones are accepted."""
        ...

    def stop_accepting(self) -> None:
        """Break all connections, and refuse new ones, like an unreachable server."""
        ...

    def resume_accepting(self) -> None:
        """Accept connections again, at the same address."""
        ...
