"""Error answers: Status objects with the messages of the real server.

Upstream: k8s.io/apimachinery/pkg/api/errors/errors.go and k8s.io/apiserver/pkg/storage/errors.go (v0.37).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from informers.errors import StatusError
from informers.testing._store.documents import go_type, quote

if TYPE_CHECKING:
    from informers.resources import Resource

__all__ = ["Cause", "Failure"]

#: Messages of the real server.
LIST_EXPIRED = "The resourceVersion for the provided list is too old."
CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


@attrs.frozen
class Cause:
    """One thing that is wrong with an object or a request.

    Attributes:
        reason: for example `FieldValueInvalid`.
        field: for example `metadata.name`; empty where no field is meant.
        message: what is wrong with it.
    """

    reason: str
    field: str
    message: str

    @classmethod
    def required(cls, field: str, detail: str = "") -> Cause:
        """Return the cause for a field that is missing."""
        return cls("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))

    @classmethod
    def invalid(cls, field: str, value: object, detail: str) -> Cause:
        """Return the cause for a wrong value."""
        return cls("FieldValueInvalid", field, f"Invalid value: {quote(value)}: {detail}")

    @classmethod
    def forbidden(cls, field: str, detail: str) -> Cause:
        """Return the cause for a field that must not be there."""
        return cls("FieldValueForbidden", field, f"Forbidden: {detail}")

    @classmethod
    def too_long(cls, field: str, limit: int) -> Cause:
        """Return the cause for a value of more bytes than `limit`."""
        return cls("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")

    @classmethod
    def not_supported(cls, field: str, value: str, supported: list[str]) -> Cause:
        """Return the cause for a value that is not one of the supported ones."""
        listed = ", ".join(quote(word) for word in supported)
        return cls("FieldValueNotSupported", field, f"Unsupported value: {quote(value)}: supported values: {listed}")


@final
class Failure(StatusError):  # noqa: N818  a word of the server's, not of the library's
    """An error that a server answers with: a `StatusError` that knows its Status object.

    Attributes:
        details: the Status' details, without the seconds to wait.
        continue_token: what a list can be continued with all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        reason: str,
        retry_after: float | None = None,
        details: dict[str, Any] | None = None,
        continue_token: str = "",
    ) -> None:
        super().__init__(message, code=code, reason=reason, retry_after=retry_after)
        self.details = details
        self.continue_token = continue_token

    def status(self) -> dict[str, Any]:
        """Return the Status object, in the real one's order of fields."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.continue_token} if self.continue_token else {},
            "status": "Failure",
            "message": self.args[0],
        }
        if self.reason:
            status["reason"] = self.reason
        details = dict(self.details or {})
        if self.retry_after:
            details["retryAfterSeconds"] = int(self.retry_after)
        if details or self.details is not None:
            status["details"] = details
        status["code"] = self.code
        return status


def details_of(resource: Resource[Any], name: str = "") -> dict[str, Any]:
    """Return the details of a Status about an object or a resource."""
    found = {"name": name, "group": resource.group, "kind": resource.plural}
    return {field: value for field, value in found.items() if value}


def not_found(resource: Resource[Any], name: str) -> Failure:
    """Return the 404 for an object."""
    message = f"{resource} {quote(name)} not found"
    return Failure(message, code=404, reason="NotFound", details=details_of(resource, name))


def no_such_path() -> Failure:
    """Return the 404 for a path, which the real server words without a name."""
    return Failure("the server could not find the requested resource", code=404, reason="NotFound", details={})


def already_exists(resource: Resource[Any], name: str, *, is_going: bool) -> Failure:
    """Return the 409 for the creation of an object that exists, or is being deleted."""
    message = f"{'object is being deleted: ' if is_going else ''}{resource} {quote(name)} already exists"
    return Failure(message, code=409, reason="AlreadyExists", details=details_of(resource, name))


def conflict(resource: Resource[Any], name: str, why: str = MODIFIED) -> Failure:
    """Return the 409 for a write to an object that has changed since it was read."""
    message = f"Operation cannot be fulfilled on {resource} {quote(name)}: {why}"
    return Failure(message, code=409, reason="Conflict", details=details_of(resource, name))


def other_uid(resource: Resource[Any], namespace: str, name: str, *, wanted: str, have: str) -> Failure:
    """Return the 409 for an update of an object with the same name and another uid."""
    group = f"{resource.group}/" if "." in resource.group and not resource.group.endswith(".k8s.io") else ""
    key = (
        f"/registry/{group}{resource.plural}/{namespace}/{name}"
        if namespace
        else f"/registry/{group}{resource.plural}/{name}"
    )
    why = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {have}"
    )
    return conflict(resource, name, why)


def delete_conflict(resource: Resource[Any], name: str, field: str, *, wanted: str, have: str) -> Failure:
    """Return the 409 for a delete whose precondition fails; `field` is `UID` or `ResourceVersion`."""
    happened = "deleted and then recreated" if field == "UID" else "modified"
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    message = (
        f"Operation cannot be fulfilled on {kind} {quote(name)}: the {field} in the precondition ({wanted}) does not "
        f"match the {field} in record ({have}). The object might have been {happened}"
    )
    return Failure(message, code=409, reason="Conflict", details={**details_of(resource, name), "kind": resource.kind})


def terminating(resource: Resource[Any], namespace: str, name: str) -> Failure:
    """Return the 403 for the creation of an object in a namespace that is being deleted."""
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    message = (
        f"{resource} {quote(name)} is forbidden: unable to create new content in namespace {namespace} because it is "
        "being terminated"
    )
    details = {**details_of(resource, name), "causes": [cause]}
    return Failure(message, code=403, reason="Forbidden", details=details)


def protected(resource: Resource[Any], name: str) -> Failure:
    """Return the 403 for the deletion of a namespace that every cluster has."""
    message = f"{resource} {quote(name)} is forbidden: this namespace may not be deleted"
    return Failure(message, code=403, reason="Forbidden", details=details_of(resource, name))


def apply_conflict(causes: list[tuple[str, str]]) -> Failure:
    """Return the 409 for a server-side apply of fields that others own: pairs of manager and field."""
    by_manager: dict[str, list[str]] = {}
    for manager, field in causes:
        by_manager.setdefault(manager, []).append(field)
    if len(causes) == 1:
        [(manager, field)] = causes
        said = f"1 conflict: conflict with {manager}: {field}"
    else:
        parts = ["\n- ".join([f"conflicts with {manager}:", *fields]) for manager, fields in by_manager.items()]
        said = f"{len(causes)} conflicts: " + "\n".join(parts)
    details = {
        "causes": [
            {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
            for manager, field in causes
        ]
    }
    return Failure(f"Apply failed with {said}", code=409, reason="Conflict", details=details)


def invalid(group: str, kind: str, name: str, causes: list[Cause]) -> Failure:
    """Return the 422 for an object or options."""
    bodies = [f"{cause.field}: {cause.message}" for cause in causes]
    said = bodies[0] if len(bodies) == 1 else f"[{', '.join(bodies)}]"
    qualified = f"{kind}.{group}" if group else kind
    details: dict[str, Any] = {"name": name} if name else {}
    details.update({"group": group} if group else {})
    details["kind"] = kind
    details["causes"] = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    return Failure(f"{qualified} {quote(name)} is invalid: {said}", code=422, reason="Invalid", details=details)


def bad_request(message: str) -> Failure:
    """Return a 400."""
    return Failure(message, code=400, reason="BadRequest")


def no_patch(content: object, *, is_merge: bool) -> Failure:
    """Return the 400 for a merge patch, or a strategic one, that is not a JSON object."""
    if content is None:
        return bad_request("Invalid JSON Patch")
    message = f"json: cannot unmarshal {go_type(content)} into Go value of type map[string]interface {{}}"
    return bad_request(f"error decoding patch: {message}" if is_merge else message)


def unnamed(name: str) -> Failure:
    """Return the 400 for an object without a name; `name` is the URL's."""
    why = f"the name of the object ({name} based on URL) was undeterminable"
    return bad_request(f"{why}: name must be provided")


def misnamed(name: str, *, wanted: str) -> Failure:
    """Return the 400 for an object with another name than the URL's."""
    return bad_request(f"the name of the object ({wanted}) does not match the name on the URL ({name})")


def unauthorized() -> Failure:
    """Return the 401."""
    return Failure("Unauthorized", code=401, reason="Unauthorized")


def forbidden(resource: Resource[Any], *, user: str, verb: str, namespace: str, name: str, subresource: str) -> Failure:
    """Return the 403 for something that `user` may not do."""
    what = f"{resource.plural}/{subresource}" if subresource else resource.plural
    where = f"in the namespace {quote(namespace)}" if namespace else "at the cluster scope"
    why = f"User {quote(user)} cannot {verb} resource {quote(what)} in API group {quote(resource.group)} {where}"
    subject = f"{resource} {quote(name)}" if name else str(resource)
    message = f"{subject} is forbidden: {why}"
    return Failure(message, code=403, reason="Forbidden", details=details_of(resource, name))


def expired(message: str, *, continue_token: str = "") -> Failure:
    """Return a 410."""
    return Failure(message, code=410, reason="Expired", continue_token=continue_token)


def watch_expired(version: int, oldest: int) -> Failure:
    """Return the 410 for a watch from `version`, where the history starts after `oldest`."""
    return expired(f"too old resource version: {version} ({oldest})")


def too_large_version(version: int, current: int, *, retry_after: int) -> Failure:
    """Return the 504 for a version of the future."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return Failure(
        f"Timeout: Too large resource version: {version}, current: {current}",
        code=504,
        reason="Timeout",
        retry_after=retry_after or None,
        details={"causes": causes},
    )


def restarting() -> Failure:
    """Return the 429 for a watch of custom resources whose definition has just changed."""
    return Failure("storage is (re)initializing", code=429, reason="TooManyRequests", retry_after=1)


def method_not_allowed() -> Failure:
    """Return the 405."""
    message = "the server does not allow this method on the requested resource"
    return Failure(message, code=405, reason="MethodNotAllowed", details={})


def unsupported_patch_type() -> Failure:
    """Return the 415 for a patch of a built-in resource, which the real server refuses before it reads the patch."""
    return Failure("415: Unsupported Media Type", code=415, reason="UnsupportedMediaType", details={})


def unsupported_media_type(accepted: list[str], *, advice: str = "") -> Failure:
    """Return the 415 for a body of another type than the accepted ones."""
    listed = ", ".join(accepted)
    message = f"the body of the request was in an unknown format - accepted media types include: {listed}"
    return Failure(message + advice, code=415, reason="UnsupportedMediaType")


def too_large(limit: int) -> Failure:
    """Return the 413 for a body of more than `limit` bytes."""
    return Failure(f"Request entity too large: limit is {limit}", code=413, reason="RequestEntityTooLarge")


def other_host(host: str) -> Failure:
    """Return the 403 for a request to another host: a page in a browser could send it by a name of its own."""
    message = f"this test server answers to 127.0.0.1 and localhost alone: the request is to {quote(host)}"
    return Failure(message, code=403, reason="Forbidden")


def not_acceptable(message: str = "only the following media types are accepted: application/json") -> Failure:
    """Return the 406: this server sends JSON."""
    return Failure(message, code=406, reason="NotAcceptable")


def internal(message: str) -> Failure:
    """Return a 500."""
    details = {"causes": [{"message": message}]}
    return Failure(f"Internal error occurred: {message}", code=500, reason="InternalError", details=details)


#: Kubernetes' word for a code, where a scripted fault gives none.
REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
