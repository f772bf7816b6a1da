"""Discovery: the server's version, groups and resources.

Upstream: k8s.io/apiserver/pkg/endpoints/discovery (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from informers.testing._store.documents import Json
from informers.testing._store.served_resources import Catalog, Served

__all__ = ["VERSION", "discover", "is_in_builtin_group", "openapi"]

#: The server's version, as `/version` shows it.
VERSION: Json = {
    "major": "1",
    "minor": "37",
    "emulationMajor": "1",
    "emulationMinor": "37",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "36",
    "gitVersion": "v1.37.2+informers",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "cpython",
    "platform": "python",
}


def discover(catalog: Catalog, path: str) -> Json | None:
    """Return the document at a path, or None if there is none."""
    match path.strip("/").split("/"):
        case ["version"]:
            return VERSION
        case ["api"]:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
        case ["apis"]:
            listed = [_group(name, versions) for name, versions in _groups(catalog).items() if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["apis", group] if group in (groups := _groups(catalog)):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, groups[group])}
        case ["api", version]:
            return _resources(catalog, "", version)
        case ["apis", group, version]:
            return _resources(catalog, group, version)
        case _:
            return None


def is_in_builtin_group(catalog: Catalog, path: str) -> bool:
    """Return whether an unknown path is below a built-in group: the 404 of such a path has a Status."""
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return False
    served = [s for s in catalog if s.resource.group == group and not s.is_custom]
    return bool(served) and (bool(rest) or all(s.resource.version != version for s in served))


def _groups(catalog: Iterable[Served]) -> dict[str, list[str]]:
    """Return the versions of each group, the preferred one first."""
    groups: dict[str, set[str]] = {}
    for served in catalog:
        groups.setdefault(served.resource.group, set()).add(served.resource.version)
    return {name: sorted(versions, key=_priority) for name, versions in groups.items()}


def _priority(version: str) -> tuple[int, int, int, str]:
    """Return a key that sorts versions as Kubernetes does: stable first, then beta, then alpha; newest first."""
    found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if found is None:
        return 3, 0, 0, version
    stage = {None: 0, "beta": 1, "alpha": 2}[found[2]]
    return stage, -int(found[1]), -int(found[3] or 0), version


def _group(name: str, versions: list[str]) -> Json:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(catalog: Catalog, group: str, version: str) -> Json | None:
    found: list[Json] = []
    for served in sorted(catalog, key=lambda s: s.resource.plural):
        resource = served.resource
        if (resource.group, resource.version) != (group, version):
            continue
        plural, is_namespaced = resource.plural, resource.is_namespaced
        entry: Json = {"name": plural, "singularName": served.singular, "namespaced": is_namespaced}
        entry |= {"kind": resource.kind, "verbs": list(served.verbs)}
        if served.short_names:
            entry["shortNames"] = list(served.short_names)
        if served.categories:
            entry["categories"] = list(served.categories)
        found.append(entry)
        for part in served.subresources:
            entry = {"name": f"{plural}/{part.name}", "singularName": "", "namespaced": is_namespaced}
            entry |= {"group": part.group} if part.group else {}
            entry |= {"version": part.version} if part.version else {}
            found.append({**entry, "kind": part.kind or resource.kind, "verbs": list(part.verbs)})
    if not found:
        return None
    # The core group's document is older than the rule that every document says its version.
    head = {"apiVersion": "v1", "groupVersion": f"{group}/{version}"} if group else {"groupVersion": version}
    return {"kind": "APIResourceList", **head, "resources": found}


def openapi(catalog: Catalog, path: str) -> Json | None:
    """Return the OpenAPI v3 document at a path. It has only what kubectl needs: that the server validates fields."""
    root = path.removeprefix("/openapi/v3").strip("/")
    if not root:
        roots = dict.fromkeys(_root(served) for served in catalog)
        return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in roots}}
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    paths: Json = {}
    for served in catalog:
        if _root(served) != root:
            continue
        resource = served.resource
        operation: Json = {"parameters": parameters, "responses": {"200": {"description": "OK"}}}
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        operation["x-kubernetes-group-version-kind"] = kind
        where = "/namespaces/{namespace}" if resource.is_namespaced else ""
        collection = f"/{root}{where}/{resource.plural}"
        paths[collection] = {"post": {**operation, "x-kubernetes-action": "post"}}
        paths[collection + "/{name}"] = {
            action: {**operation, "x-kubernetes-action": action} for action in ("patch", "put")
        }
    if not paths:
        return None
    info = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def _root(served: Served) -> str:
    resource = served.resource
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"
