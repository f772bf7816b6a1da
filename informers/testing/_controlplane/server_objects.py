"""Objects on a real API server, written with their status and read.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest/komega.
"""

from __future__ import annotations

import builtins
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from informers._base.clock import SYSTEM_CLOCK
from informers.errors import ConfigurationError, StatusError
from informers.kinds import all_resources
from informers.objects import object_name
from informers.resources import Resource
from informers.selectors import LabelSelector
from informers.source._wire.status_errors import error_of_response
from informers.testing._controlplane.servers import Servers
from informers.testing._store.changes import poll
from informers.testing._store.documents import json_of
from informers.testing._store.served_resources import check_resource

__all__ = ["ObjectsByRequest"]

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

#: Seconds that a definition may take.
_SERVED_WITHIN = 10.0


class ObjectsByRequest:
    """The methods of a real server for its objects.

    Args:
        servers: answer the requests.
        tokens: by user; that of `admin` may do everything.
    """

    def __init__(self, servers: Servers, tokens: Mapping[str, str]) -> None:
        self._servers = servers
        self._tokens = tokens
        #: Uids of the initial objects of every cluster. `clear` keeps them.
        self._first: frozenset[str] = frozenset()
        self._known: dict[tuple[str, str], tuple[str, bool]] = {
            (resource.api_version, resource.kind): (resource.plural, resource.is_namespaced)
            for resource in all_resources()
        }

    def create(self, obj: Any) -> dict[str, Any]:
        """Create an object with its status, and its namespace if it is missing.

        After a CustomResourceDefinition it waits until its objects are served.

        Args:
            obj: a mapping, or a model of the official client.

        Raises:
            TimeoutError: a definition's objects are not served within ten seconds.
            StatusError: the server refuses it.
            ConfigurationError: the server does not know its kind.
        """
        wanted = _mapping_of(obj)
        path, namespace = self._place(wanted)
        try:
            made = self.request("POST", path, wanted)
        except StatusError as error:
            if error.code != 404 or not namespace or "namespaces" not in str(error):
                raise
            self.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
            made = self.request("POST", path, wanted)
        stored = self._with_status(f"{path}/{made['metadata']['name']}", made, wanted)
        return self._served(stored) if path == _DEFINITIONS else stored

    def update(self, obj: Any) -> dict[str, Any]:
        """Replace an object, including its status; arguments and errors as for `create`."""
        wanted = _mapping_of(obj)
        path, _ = self._place(wanted)
        path = f"{path}/{object_name(wanted).name}"
        if "resourceVersion" not in wanted["metadata"]:
            version = self._at(path)["metadata"]["resourceVersion"]
            wanted = {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": version}}
        return self._with_status(path, self.request("PUT", path, wanted), wanted)

    def patch(
        self, resource: Resource[Any], name: str, patch: Mapping[str, Any], *, namespace: str | None = None
    ) -> dict[str, Any]:
        """Apply a JSON merge patch to an object, including its status; errors as for `create`.

        Args:
            resource: for example `core.V1.pods`.
            name: the object's name.
            patch: the changes; None deletes a field.
            namespace: None for `default`, or for a resource without namespaces.
        """
        path = self._path(resource, name, namespace)
        rest = {name: value for name, value in patch.items() if name != "status"}
        patched = self.request("PATCH", path, rest)
        if "status" in patch:
            patched = self.request("PATCH", f"{path}/status", {"status": patch["status"]})
        return cast("dict[str, Any]", patched)

    def get(self, resource: Resource[Any], name: str, *, namespace: str | None = None) -> dict[str, Any]:
        """Return an object; arguments and errors as for `patch`."""
        return self._at(self._path(resource, name, namespace))

    def list(
        self,
        resource: Resource[Any],
        *,
        namespace: str | None = None,
        label_selector: str | Mapping[str, str] | LabelSelector | None = None,
    ) -> builtins.list[dict[str, Any]]:
        """Return the objects of a resource, by namespace and name.

        Args:
            resource: for example `core.V1.pods`.
            namespace: None for all.
            label_selector: selects objects; None for all.
        """
        check_resource(resource)
        path, selector = resource.path(namespace), LabelSelector.coerce(label_selector)
        query = f"?{urlencode({'labelSelector': str(selector)})}" if str(selector) else ""
        found = self.request("GET", path + query)
        kind = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
        objects = [kind | item for item in found.get("items") or []]
        return sorted(objects, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    def delete(self, resource: Resource[Any], name: str, *, namespace: str | None = None) -> None:
        """Delete an object without grace; one with finalizers is only marked. Arguments as for `patch`."""
        self._delete(self._path(resource, name, namespace))

    def wait_for_object(
        self,
        resource: Resource[Any],
        name: str,
        predicate: Callable[[dict[str, Any] | None], object],
        *,
        namespace: str | None = None,
        timeout: float = 10.0,
    ) -> dict[str, Any] | None:
        """Wait until `predicate` holds for an object, or for None while it is absent; return the object.

        Raises:
            TimeoutError: it did not hold within `timeout` seconds; the message has the object.
        """
        return self._wait_for(self._path(resource, name, namespace), predicate, timeout)

    def clear(self) -> None:
        """Remove all objects that were created since the start, also those with finalizers, for the next test."""
        for uid, path in self._stored().items():
            if uid not in self._first:
                self._remove(path)

    def request(self, method: str, path: str, body: Any = None, *, user: str = "admin") -> Any:
        """Send one JSON request as a user of `USERS` and return the answer; the body of a PATCH is a merge patch.

        Raises:
            StatusError: the answer is an error.
        """
        media = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self._tokens[user]}", "Content-Type": media}
        data = None if body is None else json.dumps(body)
        answer = self._servers.pool.request(method, self._servers.url + path, body=data, headers=headers)
        if answer.status >= 400:
            raise error_of_response(answer.status, answer.data, None, now=SYSTEM_CLOCK.time())
        return json.loads(answer.data)

    def _at(self, path: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.request("GET", path))

    def _find(self, path: str) -> dict[str, Any] | None:
        try:
            return self._at(path)
        except StatusError as error:
            if error.code != 404:
                raise
            return None

    def _delete(self, path: str) -> None:
        self.request("DELETE", path, {"gracePeriodSeconds": 0})

    def _served(self, definition: dict[str, Any]) -> dict[str, Any]:
        """Wait until the versions of a definition are served; return it as it then is."""
        spec, name = definition["spec"], definition["metadata"]["name"]
        established = self._wait_for(f"{_DEFINITIONS}/{name}", _is_established, _SERVED_WITHIN)
        for version in spec["versions"]:
            if version["served"]:
                path = f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
                self._wait_for(path, lambda found: found is not None, _SERVED_WITHIN)
        return established or definition

    def _wait_for(
        self, path: str, predicate: Callable[[dict[str, Any] | None], object], timeout: float
    ) -> dict[str, Any] | None:
        seen: dict[str, Any] | None = None

        def look() -> bool:
            nonlocal seen
            seen = self._find(path)
            return bool(predicate(seen))

        if not poll(look, timeout):
            raise TimeoutError(f"{path} was not as wanted within {timeout:g} s: it is {seen!r}")
        return seen

    def _stored(self) -> dict[str, str]:
        """Return the paths of all objects by their uids. Definitions and namespaces come last."""
        groups = self.request("GET", "/apis")["groups"]
        roots = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
        collections = [
            (root, resource["name"])
            for root in roots
            for resource in (self._find(root) or {}).get("resources", ())  # its definitions may have just gone
            if {"list", "delete"} <= set(resource["verbs"])
        ]
        collections.sort(key=lambda each: each[1] in {"customresourcedefinitions", "namespaces"})
        found: dict[str, str] = {}
        for root, plural in collections:
            for item in (self._find(f"{root}/{plural}") or {}).get("items") or ():
                metadata = item["metadata"]
                where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
                found[metadata["uid"]] = f"{root}{where}/{plural}/{metadata['name']}"
        return found

    def _remove(self, path: str) -> None:
        """Delete an object at once: without its finalizers, and a namespace without its controller."""
        with contextlib.suppress(StatusError):
            self.request("PATCH", path, {"metadata": {"finalizers": None}})
        with contextlib.suppress(StatusError):
            self._delete(path)
        if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
            with contextlib.suppress(StatusError):
                self.request("PUT", f"{path}/finalize", {**self._at(path), "spec": {"finalizers": []}})

    def _path(self, resource: Resource[Any], name: str, namespace: str | None) -> str:
        """Return the path of an object: of namespace `default` where none is given."""
        check_resource(resource)
        if namespace and not resource.is_namespaced:
            raise ConfigurationError(f"{resource} have no namespaces: got {namespace!r}")
        return f"{resource.path((namespace or 'default') if resource.is_namespaced else None)}/{name}"

    def _with_status(self, path: str, stored: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Write the status, which a server ignores in an object whose kind has a subresource for it."""
        if not wanted.get("status") or stored.get("status") == wanted["status"]:
            return stored
        return cast(
            "dict[str, Any]",
            self.request("PATCH", f"{path}/status", {"status": wanted["status"]}),
        )

    def _place(self, obj: Mapping[str, Any]) -> tuple[str, str]:
        """Return the path of an object's collection, and its namespace; empty for an object of the whole cluster."""
        api_version, kind = obj.get("apiVersion"), obj.get("kind")
        if not isinstance(api_version, str) or not isinstance(kind, str):
            raise ConfigurationError(f"the object must state apiVersion and kind: got {api_version!r} and {kind!r}")
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._known:
            for found in (self._find(root) or {}).get("resources", ()):
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
    content = json_of(obj)
    for resource in all_resources():
        if resource.model == type(obj).__name__:
            return {"apiVersion": resource.api_version, "kind": resource.kind, **content}
    return content


def _is_established(definition: dict[str, Any] | None) -> bool:
    conditions = ((definition or {}).get("status") or {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
