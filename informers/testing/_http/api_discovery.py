"""What the server says of itself: versions, groups, resources.

Upstream: k8s.io/apiserver/pkg/endpoints/discovery (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from informers.testing._store.documents import Json
from informers.testing._store.served_resources import Catalog, Served

__all__ = ["AGGREGATED", "VERSION", "discover", "is_in_builtin_group", "openapi", "wants_aggregated"]

#: What the server takes itself for.
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
#: Media type of discovery in one document.
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def wants_aggregated(accept: str) -> bool:
    """Return whether an Accept header asks for discovery in one document."""
    return "g=apidiscovery.k8s.io" in accept and "v=v2" in re.split("[;,]", accept)


def discover(catalog: Catalog, path: str, *, is_aggregated: bool) -> Json | None:
    """Return the document at a path, or None if there is none."""
    match path.strip("/").split("/"):
        case ["version"]:
            return VERSION
        case ["api"] if is_aggregated:
            return _aggregated([s for s in catalog if not s.resource.group])
        case ["apis"] if is_aggregated:
            return _aggregated([s for s in catalog if s.resource.group])
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
    """Return whether a path that means nothing lies below a group of the server's own: it answers with a Status."""
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
        entry: Json = {
            "name": resource.plural,
            "singularName": served.singular,
            "namespaced": resource.is_namespaced,
            "kind": resource.kind,
            "verbs": list(served.verbs),
        }
        if served.short_names:
            entry["shortNames"] = list(served.short_names)
        if served.categories:
            entry["categories"] = list(served.categories)
        found.append(entry)
        for part in served.subresources:
            named = {"group": part.group, "version": part.version} if part.kind else {}
            found.append(
                {
                    "name": f"{resource.plural}/{part.name}",
                    "singularName": "",
                    "namespaced": resource.is_namespaced,
                    **{field: value for field, value in named.items() if value},
                    "kind": part.kind or resource.kind,
                    "verbs": list(part.verbs),
                }
            )
    if not found:
        return None
    # The core group's document is older than the rule that every document says its version.
    head = {"apiVersion": "v1", "groupVersion": f"{group}/{version}"} if group else {"groupVersion": version}
    return {"kind": "APIResourceList", **head, "resources": found}


def _aggregated(catalog: list[Served]) -> Json:
    items: list[Json] = []
    for group, versions in _groups(catalog).items():
        listed: list[Json] = []
        for version in versions:
            served = [s for s in catalog if (s.resource.group, s.resource.version) == (group, version)]
            resources = [_aggregated_resource(s) for s in sorted(served, key=lambda s: s.resource.plural)]
            listed.append({"version": version, "resources": resources, "freshness": "Current"})
        metadata = {"name": group} if group else {}
        items.append({"metadata": metadata, "versions": listed})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_resource(served: Served) -> Json:
    resource = served.resource
    kind = {"group": "", "version": "", "kind": resource.kind}
    if served.is_custom:
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    entry: Json = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.is_namespaced else "Cluster",
        "singularResource": served.singular,
        "verbs": list(served.verbs),
    }
    if served.short_names:
        entry["shortNames"] = list(served.short_names)
    if served.categories:
        entry["categories"] = list(served.categories)
    if served.subresources:
        entry["subresources"] = [
            {
                "subresource": part.name,
                "responseKind": {"group": part.group, "version": part.version, "kind": part.kind}
                if part.kind
                else kind,
                "verbs": list(part.verbs),
            }
            for part in served.subresources
        ]
    return entry


def openapi(catalog: Catalog, path: str) -> Json | None:
    """Return the OpenAPI v3 document at a path: enough for kubectl to see that the server checks fields itself."""
    steps = path.strip("/").split("/")[2:]
    if not steps:
        roots = dict.fromkeys(_root(served) for served in catalog)
        return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in roots}}
    root = "/".join(steps)
    paths: Json = {}
    for served in catalog:
        if _root(served) != root:
            continue
        resource = served.resource
        gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        parameters: list[Json] = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in ("dryRun", "fieldManager", "fieldValidation")
        ]
        operation: Json = {
            "parameters": parameters,
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-group-version-kind": gvk,
        }
        where = "/namespaces/{namespace}" if resource.is_namespaced else ""
        collection = f"/{root}{where}/{resource.plural}"
        paths[collection] = {"post": {**operation, "x-kubernetes-action": "post"}}
        paths[collection + "/{name}"] = {
            "patch": {**operation, "x-kubernetes-action": "patch"},
            "put": {**operation, "x-kubernetes-action": "put"},
        }
    if not paths:
        return None
    info: dict[str, Any] = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def _root(served: Served) -> str:
    resource = served.resource
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"
