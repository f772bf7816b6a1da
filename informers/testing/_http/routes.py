"""The resource and the verb of a request.

Upstream: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import attrs

from informers.testing._http.queries import flag
from informers.testing._store.served_resources import Catalog, Served
from informers.testing._store.subresources import Subresource

__all__ = ["Target", "route"]

_COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_OBJECT_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


@final
@attrs.frozen
class Target:
    """The target of a request.

    Attributes:
        served: the resource.
        verb: for example `list`; empty for a method that it does not have.
        namespace: empty for all, or for a resource without namespaces.
        name: empty for the collection.
        subresource: for example `status`.
    """

    served: Served
    verb: str
    namespace: str
    name: str
    subresource: str

    @property
    def part(self) -> Subresource | None:
        """Return the subresource, or None if the request is for none, or for an unknown one."""
        return next((each for each in self.served.subresources if each.name == self.subresource), None)


def route(catalog: Catalog, method: str, path: str, query: Mapping[str, str]) -> Target | None:
    """Return the target of a request, or None if it is not for a resource."""
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    is_watch = bool(rest) and rest[0] == "watch"
    if is_watch:
        # The old way to watch.
        rest = rest[1:]
    namespace = ""
    match rest:
        case ["namespaces", namespace, plural, *rest] if group or plural not in {"status", "finalize"}:
            pass
        case [plural, *rest]:
            namespace = ""  # a pattern binds its names even if its guard fails
        case _:
            return None
    if (group, plural, rest, method) == ("", "bindings", [], "POST"):
        # The old way to bind a pod: its name is in the body.
        plural, rest = "pods", ["", "binding"]
    served = catalog.find(group, version, plural)
    if served is None or len(rest) > 2 or (namespace and not served.resource.is_namespaced):
        return None
    name, subresource = (*rest, "", "")[:2]
    if name and served.resource.is_namespaced and not namespace:
        return None
    verb = (_OBJECT_VERBS if name else _COLLECTION_VERBS).get(method, "")
    if (is_watch and verb in {"list", "get"}) or (verb == "list" and flag(query, "watch")):
        verb = "watch"
    return Target(served, verb, namespace, name, subresource)
