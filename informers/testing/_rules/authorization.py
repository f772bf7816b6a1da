"""Access: tokens that are accepted, and verbs that are denied.

Upstream: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go (v0.37).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, final

from informers._base.forks import new_lock
from informers.errors import ConfigurationError
from informers.resources import Resource
from informers.testing._http import status as failures
from informers.testing._store.served_resources import check_resource
from informers.testing.request_log import LoggedRequest

__all__ = ["VERBS", "Access"]

#: All verbs on resources.
VERBS = frozenset({"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"})
_ANONYMOUS = "system:anonymous"
_USER = "tester"


@final
class Access:
    """Permissions: everything is allowed, except what is denied.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._tokens: frozenset[str] = frozenset()
        #: Group and plural, as roles have it: they name no versions. None for every resource.
        self._denied: set[tuple[tuple[str, str] | None, str]] = set()

    def require(self, tokens: Collection[str]) -> None:
        """Accept only clients with one of these tokens; all clients if there are none."""
        with self._lock:
            self._tokens = frozenset(tokens)

    def deny(self, resource: Resource[Any] | None, verbs: Collection[str] | None) -> None:
        """Forbid verbs on a resource, or on all."""
        wanted = _checked(resource, verbs)
        with self._lock:
            self._denied |= {(_named(resource), verb) for verb in wanted}

    def allow(self, resource: Resource[Any] | None, verbs: Collection[str] | None) -> None:
        """Remove denials of verbs on a resource; None removes those of all resources."""
        wanted = _checked(resource, verbs)
        with self._lock:
            self._denied = {
                (denied, verb)
                for denied, verb in self._denied
                if verb not in wanted or (resource is not None and denied != _named(resource))
            }

    @property
    def user(self) -> str:
        """Return the name of the user who asks."""
        return _USER if self._tokens else _ANONYMOUS

    @property
    def group(self) -> str:
        """Return the group of the user who asks."""
        return "system:authenticated" if self._tokens else "system:unauthenticated"

    @property
    def denies_anything(self) -> bool:
        """Return whether any verb is denied."""
        return bool(self._denied)

    def knows(self, token: str) -> bool:
        """Return whether a token is accepted."""
        return token in self._tokens

    def allows(self, group: str, plural: str, verb: str) -> bool:
        """Return whether a verb on a resource is not denied; `*` stands for all of either."""
        with self._lock:
            denied = self._denied
        return not any(
            "*" in {verb, wrong} or verb == wrong
            for named, wrong in denied
            if named is None or all(asked in {have, "*"} for asked, have in zip((group, plural), named, strict=True))
        )

    def check(self, request: LoggedRequest, authorization: str) -> None:
        """Refuse a request that is not allowed.

        Raises:
            Failure: 401 or 403.
        """
        with self._lock:
            tokens = self._tokens
        scheme, _, token = authorization.partition(" ")
        if tokens and (scheme.lower() != "bearer" or token not in tokens):
            raise failures.unauthorized()
        if request.resource is None:
            return
        if not self.allows(request.resource.group, request.resource.plural, request.verb):
            raise failures.forbidden(
                request.resource,
                user=self.user,
                verb=request.verb,
                namespace=request.namespace,
                name=request.name,
                subresource=request.subresource,
            )


def _named(resource: Resource[Any] | None) -> tuple[str, str] | None:
    return None if resource is None else (resource.group, resource.plural)


def _checked(resource: Resource[Any] | None, verbs: Collection[str] | None) -> frozenset[str]:
    if resource is not None:
        check_resource(resource)
    wanted = VERBS if verbs is None else frozenset([verbs] if isinstance(verbs, str) else verbs)
    if unknown := wanted - VERBS:
        raise ConfigurationError(f"unknown verbs {sorted(unknown)}: there are {', '.join(sorted(VERBS))}")
    return wanted
