"""Objects on a real API server, written and read as `APIServer` does it: with their status.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest/komega.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, cast, final
from urllib.parse import urlencode

from informers.errors import ConfigurationError, StatusError
from informers.kinds import all_resources
from informers.resources import Resource
from informers.selectors import LabelSelector
from informers.testing._controlplane.daemons import poll

__all__ = ["Objects", "Request"]

#: Sends a request with method, path, body and content type; returns the answer. Raises StatusError.
Request = Callable[[str, str, Any, str], Any]

_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

#: Seconds that a definition may take.
_SERVED_WITHIN = 10.0


@final
class Objects:
    """Creates, changes and finds objects by requests.

    Args:
        request: sends one.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known: dict[tuple[str, str], tuple[str, bool]] = {
            (resource.api_version, resource.kind): (resource.plural, resource.is_namespaced)
            for resource in all_resources()
        }

    def create(self, obj: Any) -> dict[str, Any]:
        """Create an object and its status; makes the namespace if it is missing."""
        wanted = _mapping_of(obj)
        path, namespace = self._place(wanted)
        try:
            made = self._request("POST", path, wanted, _JSON)
        except StatusError as error:
            if error.code != 404 or not namespace or "namespaces" not in str(error):
                raise
            self._request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}, _JSON)
            made = self._request("POST", path, wanted, _JSON)
        stored = self._with_status(f"{path}/{made['metadata']['name']}", made, wanted)
        return self._served(stored) if path == _DEFINITIONS else stored

    def _served(self, definition: dict[str, Any]) -> dict[str, Any]:
        """Wait until the versions of a definition are served; return it as it then is."""
        spec, name = definition["spec"], definition["metadata"]["name"]
        established = self.wait_for(f"{_DEFINITIONS}/{name}", _is_established, _SERVED_WITHIN)
        for version in spec["versions"]:
            if version["served"]:
                path = f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
                self.wait_for(path, lambda found: found is not None, _SERVED_WITHIN)
        return established or definition

    def update(self, obj: Any) -> dict[str, Any]:
        """Replace an object and its status."""
        wanted = _mapping_of(obj)
        path, _ = self._place(wanted)
        path = f"{path}/{wanted['metadata']['name']}"
        if "resourceVersion" not in wanted["metadata"]:
            version = self._request("GET", path, None, _JSON)["metadata"]["resourceVersion"]
            wanted = {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": version}}
        return self._with_status(path, self._request("PUT", path, wanted, _JSON), wanted)

    def patch(self, path: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a patch into an object and its status."""
        rest = {name: value for name, value in patch.items() if name != "status"}
        patched = self._request("PATCH", path, rest, _MERGE_PATCH)
        if "status" in patch:
            patched = self._request("PATCH", f"{path}/status", {"status": patch["status"]}, _MERGE_PATCH)
        return cast("dict[str, Any]", patched)

    def get(self, path: str) -> dict[str, Any]:
        """Return an object."""
        return cast("dict[str, Any]", self._request("GET", path, None, _JSON))

    def delete(self, path: str) -> None:
        """Delete an object without grace."""
        self._request("DELETE", path, {"gracePeriodSeconds": 0}, _JSON)

    def list(self, path: str, label_selector: LabelSelector) -> builtins.list[dict[str, Any]]:
        """Return the objects of a collection, each with its kind, by namespace and name."""
        query = f"?{urlencode({'labelSelector': str(label_selector)})}" if str(label_selector) else ""
        found = self._request("GET", path + query, None, _JSON)
        kind = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
        objects = [kind | item for item in found.get("items") or []]
        return sorted(objects, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    def wait_for(
        self, path: str, predicate: Callable[[dict[str, Any] | None], object], timeout: float
    ) -> dict[str, Any] | None:
        """Look at an object until it satisfies `predicate`; return it."""
        seen: dict[str, Any] | None = None

        def look() -> bool | None:
            nonlocal seen
            try:
                seen = self.get(path)
            except StatusError as error:
                if error.code != 404:
                    raise
                seen = None
            return True if predicate(seen) else None

        if poll(look, timeout) is None:
            raise TimeoutError(f"{path} was not as wanted within {timeout:g} s: it is {seen!r}")
        return seen

    def stored(self) -> dict[str, str]:
        """Return the paths of all objects by their uids. Definitions and namespaces come last."""
        groups = self._request("GET", "/apis", None, _JSON)["groups"]
        roots = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
        collections = [
            (root, resource["name"])
            for root in roots
            for resource in self._all(root, "resources")
            if {"list", "delete"} <= set(resource["verbs"])
        ]
        collections.sort(key=lambda each: each[1] in {"customresourcedefinitions", "namespaces"})
        found: dict[str, str] = {}
        for root, plural in collections:
            for item in self._all(f"{root}/{plural}", "items"):
                metadata = item["metadata"]
                where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
                found[metadata["uid"]] = f"{root}{where}/{plural}/{metadata['name']}"
        return found

    def _all(self, path: str, what: str) -> builtins.list[dict[str, Any]]:
        try:
            return self.get(path).get(what) or []
        except StatusError as error:
            if error.code != 404:
                raise
            return []  # its definition has gone since

    def remove(self, path: str) -> None:
        """Delete an object at once, whatever holds it: finalizers, or the want of a controller of namespaces."""
        with contextlib.suppress(StatusError):
            self._request("PATCH", path, {"metadata": {"finalizers": None}}, _MERGE_PATCH)
        with contextlib.suppress(StatusError):
            self.delete(path)
        if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
            with contextlib.suppress(StatusError):
                self._request("PUT", f"{path}/finalize", {**self.get(path), "spec": {"finalizers": []}}, _JSON)

    def path_of(self, resource: Resource[Any], name: str, namespace: str | None) -> str:
        """Return the path of an object: of namespace `default` where none is given."""
        if namespace and not resource.is_namespaced:
            raise ConfigurationError(f"{resource} have no namespaces: got {namespace!r}")
        return f"{resource.path((namespace or 'default') if resource.is_namespaced else None)}/{name}"

    def _with_status(self, path: str, stored: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Write the status, which a server takes from the object alone where there is no subresource for it."""
        if not wanted.get("status") or stored.get("status") == wanted["status"]:
            return stored
        return cast(
            "dict[str, Any]",
            self._request("PATCH", f"{path}/status", {"status": wanted["status"]}, _MERGE_PATCH),
        )

    def _place(self, obj: Mapping[str, Any]) -> tuple[str, str]:
        """Return the path of an object's collection, and its namespace; empty for an object of the whole cluster."""
        api_version, kind = obj.get("apiVersion"), obj.get("kind")
        if not isinstance(api_version, str) or not isinstance(kind, str):
            raise ConfigurationError(f"the object must state apiVersion and kind: got {api_version!r} and {kind!r}")
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._known:
            for found in self._request("GET", root, None, _JSON)["resources"]:
                if "/" not in found["name"]:
                    self._known[api_version, found["kind"]] = found["name"], found["namespaced"]
        try:
            plural, is_namespaced = self._known[api_version, kind]
        except KeyError:
            raise ConfigurationError(f"the server has no kind {kind!r} in {api_version}") from None
        namespace = str((obj.get("metadata") or {}).get("namespace") or "default") if is_namespaced else ""
        return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}", namespace


def _mapping_of(obj: Any) -> dict[str, Any]:
    """Return an object as a mapping that states its kind; a model of the official client may leave that out."""
    if isinstance(obj, Mapping):
        return dict(cast("Mapping[str, Any]", obj))
    from kubernetes.client import ApiClient  # noqa: PLC0415  only a test with a model has it imported

    client: Any = ApiClient()
    content: dict[str, Any] = client.sanitize_for_serialization(obj)
    for resource in all_resources():
        if resource.model == type(obj).__name__:
            return {"apiVersion": resource.api_version, "kind": resource.kind, **content}
    return content


def _is_established(definition: dict[str, Any] | None) -> bool:
    conditions = ((definition or {}).get("status") or {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
